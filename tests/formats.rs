//! Formats accept what their RFCs do: a table of each, and agreement with crate `jsonschema`, whose deviations are listed.

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::json;

// The module itself, not the crate: see Cargo.toml.
#[path = "../host/contract/src/docs/format.rs"]
mod format;

use format::Format;

/// Texts of each format, and texts that are nearly of it.
fn texts(format: Format) -> (&'static [&'static str], &'static [&'static str]) {
    match format {
        Format::Email => (
            &[
                "a@b",
                "ann@example.com",
                "very.common+tag@sub.example.org",
                "!#$%&'*+-/=?^_`{|}~@example.com",
                "\"\"@example.com",
                "\"john doe\"@example.com",
                "\"a@b\"@example.com",
                "\"a\\\"b\\\\\"@example.com",
                "a@123.example",
                "a@[192.0.2.1]",
                "a@[IPv6:2001:db8::1]",
                "a@[ipv6:::1]",
                "a@[IPv6:1:2:3:4:5:6:7:8]",
                "a@[IPv6:::ffff:192.0.2.1]",
                "a@[IPv6:1:2:3:4:5:6:192.0.2.1]",
                "a@xn--bcher-kva.example",
                "a1234567890123456789012345678901234567890123456789012345678901@b.c",
                "a@b12345678901234567890123456789012345678901234567890123456789012.c",
            ],
            &[
                "",
                "@",
                "a@",
                "@b",
                "a b@c",
                "a..b@c",
                ".a@b",
                "a.@b",
                "a@b.",
                "a@.b",
                "a@-b",
                "a@b-",
                "a@b_c",
                "ä@b",
                "a@ä",
                "\"a@b",
                "a\"@b",
                "\"a\\\"@b",
                "\"a\"b@c",
                "a@[192.0.2.256]",
                "a@[192.0.2]",
                "a@[x]",
                "a@[]",
                "a@[2001:db8::1]",
                "a@[IPv6:]",
                "a@[IPv6::::]",
                "a@[IPv6:1:2:3:4:5:6:7:8:9]",
                "<a@b>",
                "Ann <a@b>",
                "a@b c",
                "a@b\n",
                " a@b",
                "a12345678901234567890123456789012345678901234567890123456789012345@b.c",
                "a@b1234567890123456789012345678901234567890123456789012345678901234.c",
            ],
        ),
        Format::Uuid => (
            &[
                "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
                "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-FFFF-ffff-ffff-ffffffffffff",
            ],
            &[
                "",
                "2eb8aa08aa9811eab4aa73b441d16380",
                "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}",
                "urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380",
                "2eb8aa08-aa98-11ea-b4aa73b441d163809",
                "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
                "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380",
            ],
        ),
        Format::Date => (
            &["2026-11-23", "2024-02-29", "2000-02-29", "0000-01-01", "9999-12-31", "2026-04-30"],
            &[
                "",
                "2026-11-31",
                "2023-02-29",
                "1900-02-29",
                "2026-00-10",
                "2026-13-10",
                "2026-10-00",
                "2026-1-1",
                "26-11-23",
                "20261123",
                "2026-327",
                "2026-W47-1",
                "+2026-11-23",
                "12026-11-23",
                "2026-11-23Z",
                "२०२६-११-२३",
                "2026-11-2३",
            ],
        ),
        Format::Time => (
            &[
                "12:30:00Z",
                "00:00:00z",
                "23:59:59.999999999999Z",
                "12:30:00+05:30",
                "12:30:00-23:59",
                "23:59:60Z",
                "15:59:60.5-08:00",
                "01:29:60+01:30",
                "12:30:00-00:00",
            ],
            &[
                "",
                "12:30:00",
                "12:30Z",
                "24:00:00Z",
                "23:60:00Z",
                "23:59:61Z",
                "22:59:60Z",
                "23:58:60Z",
                "12:30:00.Z",
                "12:30:00,5Z",
                "12:30:00+24:00",
                "12:30:00+05:60",
                "12:30:00+0530",
                "12:30:00+05",
                "12:30:00 Z",
                "15:59:60+08:00",
                "1:30:00Z",
            ],
        ),
        Format::DateTime => (
            &[
                "2026-11-23T12:30:00Z",
                "2026-11-23t12:30:00.25z",
                "1985-04-12T23:20:50.52+00:20",
                "1990-12-31T23:59:60Z",
                "1990-12-31T15:59:60-08:00",
                "2017-01-01T05:29:60.5+05:30",
                "2015-06-30T23:59:60Z",
                "2024-02-29T00:00:00-00:00",
            ],
            &[
                "",
                "2026-11-23",
                "2026-11-23 12:30:00Z",
                "2026-11-23T12:30:00",
                "2026-11-31T12:30:00Z",
                "2026-11-23T24:00:00Z",
                "2026-11-23TT12:30:00Z",
                "1990-12-31T23:59:61Z",
                "1990-12-31T22:59:60Z",
                "1990-12-31T15:59:60+08:00",
                "2026-11-23T12:30:00Z ",
            ],
        ),
        Format::Uri => (
            &[
                "https://example.com/a?b=c#d",
                "http://user:pass@example.com:8080/",
                "urn:isbn:0451450523",
                "a:",
                "mailto:ann@example.com",
                "http://[2001:db8::7]/c",
                "http://[v1.a:b]/",
                "tel:+1-816-555-1212",
                "file:///etc/hosts",
                "http://1.2.3.4:/",
                "x+y-z.1://h",
                "http://a/%20%C3%A4?%3f#%2F",
                "http://-.~_!$&'()*+,;=:%40@a",
                "http://[::ffff:1.2.3.4]",
            ],
            &[
                "",
                "//example.com/a",
                "/a",
                "a",
                "1http://a",
                ":a",
                "http://a b",
                "http://a/ä",
                "http://a/%2",
                "http://a/%zz",
                "http://[::1",
                "http://[:::1]/",
                "http://a:b/",
                "http://a/<b>",
                "http://a/{b}",
                "http://a\\b",
                "http://a@b@c",
                "http://a/#b#c",
                "http://a/[b]",
                "http://a/^",
                "http://[fe80::1%25en0]",
                "http://[v.a]",
                "http://[1.2.3.4]",
            ],
        ),
        Format::UriReference => (
            &["", "/a?b=c", "a/b:c", "?b", "#c", "//example.com:80/a", "./a:b", "https://example.com", "..", "a:b"],
            &["1a:b", ":a", "a b", "%", "//a:b", "#a#b", "//[::1", "ä", "a\\b", "http:// a"],
        ),
        Format::Ipv4 => (
            &["192.0.2.1", "0.0.0.0", "255.255.255.255"],
            &[
                "",
                "256.0.0.1",
                "1.2.3",
                "1.2.3.4.5",
                "01.2.3.4",
                "1.2.3.04",
                "0x7f.0.0.1",
                "127.1",
                "2130706433",
                "1.2.3.4/24",
                " 1.2.3.4",
                "1.2.3.٤",
                "1.2..4",
                "+1.2.3.4",
            ],
        ),
        Format::Ipv6 => (
            &[
                "::",
                "::1",
                "2001:db8::1",
                "1:2:3:4:5:6:7:8",
                "1:2:3:4:5:6:7::",
                "::2:3:4:5:6:7:8",
                "FE80::a",
                "::ffff:192.0.2.1",
                "1:2:3:4:5:6:1.2.3.4",
                "0000:0000:0000:0000:0000:0000:0000:0000",
            ],
            &[
                "",
                ":",
                ":::",
                "1",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "::1::",
                "12345::",
                "fe80::1%en0",
                "[::1]",
                "::1/64",
                "1:2:3:4:5:6:7:1.2.3.4",
                "1.2.3.4::",
                "::1.2.3",
                "::256.1.1.1",
                ":1:2:3:4:5:6:7:8",
                "1:2:3:4:5:6:7:8::",
                "::g",
                "::01.2.3.4",
            ],
        ),
    }
}

#[test]
fn each_format_takes_what_its_rfc_does() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.name()), Some(format));
        let (valid, invalid) = texts(format);
        for text in valid {
            assert!(format.accepts(text), "{format:?} {text:?}, expected {}", format.describe());
        }
        for text in invalid {
            assert!(!format.accepts(text), "{format:?} {text:?} is not {}", format.describe());
        }
        let example = format.describe().rsplit_once("such as ").expect("an example").1;
        assert!(format.accepts(example), "{format:?}: {example}");
    }
    assert_eq!(Format::parse("Date"), None);
}

/// Where crate `jsonschema` and the RFC differ.
struct Deviation {
    why: &'static str,
    formats: &'static [Format],
    example: &'static str,
    /// Whether `jsonschema` accepts the text and the RFC does not, or the other way round.
    too_much: bool,
    /// Whether the text is such a case, given that the two differ about it.
    is_one: fn(&str) -> bool,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        why: "a name before an address in angle brackets is of RFC 5322, no `Mailbox` of RFC 5321",
        formats: &[Format::Email],
        example: "Ann <a@b>",
        too_much: true,
        is_one: |text| text.contains(" <") && text.trim_end().ends_with('>'),
    },
    Deviation {
        why: "the same splits a quoted string that holds ` <`, which `Quoted-string` of RFC 5321 may",
        formats: &[Format::Email],
        example: "\"a <b\"@c",
        too_much: false,
        is_one: |text| text.contains(" <"),
    },
    Deviation {
        why: "`qtextSMTP` and `quoted-pairSMTP` of RFC 5321 have no tab",
        formats: &[Format::Email],
        example: "\"a\tb\"@c",
        too_much: true,
        is_one: |text| text.contains('\t'),
    },
    Deviation {
        why: "`quoted-pairSMTP` of RFC 5321 has a space",
        formats: &[Format::Email],
        example: "\"a\\ b\"@c",
        too_much: false,
        is_one: |text| text.contains("\\ "),
    },
    Deviation {
        why: "`Domain` of RFC 5321 does not look into labels; IDNA is of RFC 6531",
        formats: &[Format::Email],
        example: "a@xn--0.example",
        too_much: false,
        is_one: |text| text.contains("--"),
    },
    Deviation {
        why: "`::` in `IPv6-comp` of RFC 5321 stands for two groups at least",
        formats: &[Format::Email],
        example: "a@[IPv6:1:2:3:4:5:6:7::]",
        too_much: true,
        is_one: |text| text.contains("::"),
    },
    Deviation {
        why: "`Snum` of RFC 5321 may begin with zeros",
        formats: &[Format::Email],
        example: "a@[192.000.02.1]",
        too_much: false,
        is_one: |text| text.contains("[0") || text.contains(".0") || text.contains(":0"),
    },
    Deviation {
        why: "`* + , - . /` are no digits",
        formats: &[Format::Date, Format::DateTime],
        example: "202/-01-0+",
        too_much: true,
        is_one: |text| sign_for_digit(text, &[0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]),
    },
    Deviation {
        why: "`* + , - . /` are no digits",
        formats: &[Format::Time],
        example: "0.:0-:0+Z",
        too_much: true,
        is_one: |text| sign_for_digit(text, &[0, 1, 3, 4, 6, 7]),
    },
    Deviation {
        why: "a leap second of RFC 3339, section 5.7, ends a month of UTC",
        formats: &[Format::DateTime],
        example: "1998-12-30T23:59:60Z",
        too_much: true,
        is_one: |text| text.contains(":60"),
    },
];

/// Whether such a sign is at one of these places, or in an offset at the end.
fn sign_for_digit(text: &str, places: &[usize]) -> bool {
    let bytes = text.as_bytes();
    let offset = [5, 4, 2, 1].map(|from_end| bytes.len().wrapping_sub(from_end));
    places.iter().chain(&offset).any(|&at| matches!(bytes.get(at), Some(b'*'..=b'/')))
}

#[test]
fn formats_agree_with_jsonschema_but_for_a_list() {
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (cases, seed) = (number("WITAPI_CASES", 20_000), number("WITAPI_SEED", 1_u64));
    println!("WITAPI_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);

    let mut differences = vec![];
    for format in Format::ALL {
        let schema = json!({"format": format.name()});
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
        let judge = options.build(&schema).expect("a schema");
        let (valid, invalid) = texts(format);
        let seeds: Vec<_> = valid.iter().chain(invalid).copied().collect();
        let mut accepted = 0;
        let mut check = |text: &str| {
            let (ours, theirs) = (format.accepts(text), judge.is_valid(&json!(text)));
            accepted += u64::from(ours);
            let known = |it: &&Deviation| it.formats.contains(&format) && it.too_much == theirs && (it.is_one)(text);
            if ours != theirs && !DEVIATIONS.iter().any(|it| known(&it)) {
                differences.push(format!("{}: {text:?} is {ours} here, {theirs} there", format.name()));
            }
        };
        seeds.iter().for_each(|seed| check(seed));
        for _ in 0..cases {
            check(&mutated(&seeds, &mut rng));
        }
        assert!((cases / 20..cases * 19 / 20).contains(&accepted), "{format:?} accepts {accepted} of {cases}");
        for deviation in DEVIATIONS.iter().filter(|it| it.formats.contains(&format)) {
            let Deviation { why, example, too_much, .. } = deviation;
            if deviation.formats[0] == format {
                assert_eq!(judge.is_valid(&json!(example)), *too_much, "no longer a deviation: {why}");
                assert_eq!(format.accepts(example), !too_much, "{why}");
                assert!((deviation.is_one)(example), "{why}");
            }
        }
    }
    let shown = differences.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "WITAPI_SEED={seed}: {} differences\n{shown}", differences.len());
}

/// One of the texts with a few changes.
fn mutated(seeds: &[&str], rng: &mut TestRng) -> String {
    let mut below = |end: usize| rng.next_u32() as usize % end;
    let mut text: Vec<char> = seeds[below(seeds.len())].chars().collect();
    for _ in 0..below(4) {
        let at = below(text.len() + 1);
        let other: Vec<char> = seeds[below(seeds.len())].chars().collect();
        let char = match below(4) {
            0 => char::from(below(128) as u8),
            1 => ['ä', '\u{660}', '\u{ff11}', '😀'][below(4)],
            2 => b"0123456789:.-/%@[]+"[below(19)].into(),
            _ => *other.get(below(other.len() + 1)).unwrap_or(&'0'),
        };
        match below(6) {
            0 => text.insert(at, char),
            1 if at < text.len() => drop(text.remove(at)),
            2 => {
                let (from, until) = (below(other.len() + 1), below(other.len() + 1));
                let slice = &other[from.min(until)..from.max(until)];
                text.splice(at..at, slice.iter().copied());
            }
            3 => text.truncate(at),
            _ if at < text.len() => text[at] = char,
            _ => text.push(char),
        }
    }
    text.into_iter().collect()
}
