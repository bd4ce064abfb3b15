//! Keywords by chance, each list of them around a value that keeps them all.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

use super::{
    oracle::plain,
    types::Ty,
    values::{self, Json},
};

/// A type with keywords in the documentation of where it stands.
#[derive(Debug, Clone)]
pub struct Kept {
    pub ty: Ty,
    /// Without their `@`.
    pub lines: Vec<String>,
    /// A value that keeps them.
    pub keeps: Json,
    /// Values at their edges, on either side.
    pub near: Vec<Json>,
    pub has_default: bool,
}

/// Where keywords stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    Member,
    Type,
    /// Of a case, which takes no default.
    Payload,
}

/// The type with keywords, where it can have some.
pub fn kept(ty: Ty, place: Place) -> BoxedStrategy<Ty> {
    let pivot = match ty.resolved() {
        Ty::Option(some) if !some.is_option() => values::within(some),
        _ => values::within(&ty),
    };
    let rest = (any::<[Index; 6]>(), any::<u8>(), prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    (pivot, rest)
        .prop_map(move |(pivot, (chance, choice, with_default, with_example))| {
            let mut kept = rules(&ty, pivot, Chance { indices: chance, taken: 0 }, choice);
            let literal = in_plain_digits(&kept.keeps).write(true).replace(['\n', '\t'], "");
            if with_default && place != Place::Payload && literal.len() < 200 {
                kept.lines.push(format!("default {literal}"));
                kept.has_default = true;
            }
            if with_example && literal.len() < 200 {
                kept.lines.push(format!("example {literal}"));
            }
            if kept.lines.is_empty() { ty.clone() } else { Ty::Kept(Box::new(kept)) }
        })
        .boxed()
}

/// The value with integers as their digits: the document prints no other spelling of 64 bits exactly.
fn in_plain_digits(value: &Json) -> Json {
    match value {
        Json::Number(number) => Json::Number(plain(number).unwrap_or_else(|| number.clone())),
        Json::Array(items) => Json::Array(items.iter().map(in_plain_digits).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), in_plain_digits(value))).collect())
        }
        other => other.clone(),
    }
}

/// Choices that shrink and come again.
struct Chance {
    indices: [Index; 6],
    taken: usize,
}

impl Chance {
    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let index = self.indices[self.taken % self.indices.len()];
        self.taken += 1;
        all[index.index(all.len())].clone()
    }
}

fn rules(ty: &Ty, pivot: Json, mut chance: Chance, choice: u8) -> Kept {
    let inner = match ty.resolved() {
        Ty::Option(some) => some,
        _ => ty,
    };
    // What the type's own keywords say holds too, so a value has to be chosen that keeps those.
    let is_free = !inner.has_keywords();
    let mut kept = Kept { ty: ty.clone(), lines: vec![], keeps: pivot, near: vec![], has_default: false };
    match (inner.resolved(), &kept.keeps) {
        (_, Json::String(_)) if inner.is_bytes() => {}
        (Ty::Scalar("f32" | "f64"), Json::Number(_)) if is_free => fractions(&mut kept, &mut chance, choice),
        (Ty::Scalar("f32" | "f64"), _) => {}
        (Ty::Scalar(_), Json::Number(number)) => {
            let number = plain(number).expect("an integer").parse().expect("an integer");
            integers(&mut kept, number, &mut chance, choice);
        }
        (Ty::Scalar("string"), Json::String(_)) if is_free && choice % 3 == 1 => patterns(&mut kept, &mut chance),
        (Ty::Scalar("string"), Json::String(_)) if is_free && choice % 3 == 2 => formats(&mut kept, &mut chance),
        (Ty::Scalar("string"), Json::String(_)) => lengths(&mut kept, &mut chance, choice, is_free),
        (Ty::List(item), Json::Array(items)) => {
            let is_comparable = match item.resolved() {
                Ty::Scalar(name) => !matches!(*name, "f32" | "f64"),
                Ty::Enum(..) => true,
                Ty::Variant(_, cases) => cases.iter().all(|(_, ty)| ty.is_none()),
                _ => item.is_bytes(),
            };
            let plain = |item: &Json| match item {
                Json::Number(number) => plain(number).unwrap_or_default(),
                other => other.write(false),
            };
            let unique =
                items.iter().enumerate().all(|(i, it)| items[..i].iter().all(|other| plain(other) != plain(it)));
            let count = items.len();
            let mut twice = items.clone();
            twice.extend(items.last().cloned());
            let mut fewer = items.clone();
            fewer.pop();
            let mut reversed = items.clone();
            reversed.reverse();
            let near = [twice, fewer, reversed].map(Json::Array);
            kept.lines = counts(count, ["minItems", "maxItems"], &mut chance, choice);
            if is_comparable && unique && choice.is_multiple_of(3) {
                kept.lines.push("uniqueItems".into());
            }
            kept.near.extend(near);
        }
        (Ty::Map("string", _), Json::Object(members)) => {
            let mut more = members.clone();
            more.extend(members.first().map(|(_, value)| ("one more".to_owned(), value.clone())));
            let mut fewer = members.clone();
            fewer.pop();
            let near = [more, fewer].map(Json::Object);
            kept.lines = counts(members.len(), ["minProperties", "maxProperties"], &mut chance, choice);
            kept.near.extend(near);
        }
        _ => {}
    }
    kept
}

/// Bounds of a count, at it or a little away from it.
fn counts(count: usize, [min, max]: [&str; 2], chance: &mut Chance, choice: u8) -> Vec<String> {
    let mut lines = vec![];
    if choice & 4 != 0 {
        lines.push(format!("{min} {}", count.saturating_sub(chance.of(&[0, 0, 1, 2]))));
    }
    if choice & 8 != 0 || lines.is_empty() {
        lines.push(format!("{max} {}", count + chance.of(&[0, 0, 1, 2])));
    }
    lines
}

fn lengths(kept: &mut Kept, chance: &mut Chance, choice: u8, is_free: bool) {
    // One character, in one to four bytes and code units: length is counted in scalar values.
    const UNITS: [&str; 6] = ["a", "é", "e\u{301}", "日", "😀", "👨‍👩‍👧"];
    if is_free {
        kept.keeps = Json::String(chance.of(&UNITS).repeat(chance.of(&[0, 1, 2, 5])));
    }
    let Json::String(text) = &kept.keeps else { return };
    let count = text.chars().count();
    kept.lines = counts(count, ["minLength", "maxLength"], chance, choice);
    for unit in UNITS {
        for count in count.saturating_sub(2)..=count + 2 {
            kept.near.push(Json::String(unit.repeat(count)));
            kept.near.push(Json::String(unit.chars().cycle().take(count).collect()));
        }
    }
}

/// Patterns with what they match and what they nearly match. Where the validator errs is in `patterns`, but for what
/// `oracle` makes good: its `\b` takes `é` for a part of a word, so that no text has one there.
const PATTERNS: [(&str, &[&str], &[&str]); 18] = [
    ("^[A-Z]{2}-\\d+$", &["AB-1", "ZZ-000"], &["AB-", "ABC-1", "ab-1", "AB-1\n", "AB-١", " AB-1"]),
    ("a", &["a", "bab", "\na"], &["", "b", "A", "á"]),
    ("^a|b$", &["ac", "cb", "a", "b"], &["ca", "bc", "", "c\nb\n"]),
    ("^(?:[a-z0-9]+-)*[a-z0-9]+$", &["a", "a-b-1"], &["-a", "a-", "a--b", "A", ""]),
    ("^.$", &["a", "😀", "\u{301}", "\u{85}"], &["", "\n", "\r", "\u{2028}", "e\u{301}", "ab"]),
    ("^.{3}$", &["abc", "😀😀😀"], &["ab", "😀", "😀😀", "abcd", "a\nb"]),
    ("^\\p{L}+$", &["aé日", "ß"], &["", "a1", "😀", "e\u{301}"]),
    ("^\\p{Script=Greek}*$", &["", "αβγ"], &["abc", "α1"]),
    ("\\bcat\\b", &["cat", "a cat."], &["cats", "_cat", "concat"]),
    ("^\\s*$", &["", " \t\n", "\u{feff}\u{a0}\u{2029}"], &["\u{85}", "a", "\u{200b}"]),
    ("^\\w+$", &["a_1"], &["é", "a-b", "", "ſ"]),
    ("^[^\\d]$", &["a", "٣", "😀"], &["1", "", "12"]),
    ("^(a+)+$", &["a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"], &["", "aaaaaaaaaaaaaaaaaab", "b"]),
    ("^[\\u{1F600}-\\u{1F64F}]+$", &["😀", "🙏😀"], &["", "🚀", "a"]),
    ("^[😀é]$", &["😀", "é"], &["e", "e\u{301}", "", "😀é"]),
    ("^\\/a\\.b$", &["/a.b"], &["/axb", "\\/a.b"]),
    ("[]", &[], &["", "a"]),
    ("^$", &[""], &["a", "\n", " "]),
];

fn text(text: &str) -> Json {
    Json::String(text.to_owned())
}

fn patterns(kept: &mut Kept, chance: &mut Chance) {
    let (pattern, good, bad) = chance.of(&PATTERNS);
    // A pattern that nothing matches has no value that could be a default.
    let Some(first) = good.first() else { return };
    kept.keeps = text(first);
    kept.lines.push(format!("pattern {pattern}"));
    // A class of so many characters makes a large pattern, which is for texts of bounded length.
    if pattern.contains("\\p{") {
        kept.lines.push("maxLength 16384".into());
    }
    kept.near.extend(good.iter().chain(bad).map(|it| text(it)));
    kept.near.extend(good.iter().map(|good| Json::String(format!("{good}\n"))));
}

/// Formats with texts of them and texts nearly of them. Where the validator errs is in `formats`.
const FORMATS: [(&str, &[&str], &[&str]); 9] = [
    ("email", &["a@b", "ann.o'x+y@example.com", "\"a b\"@c"], &["a@", "@b", "a..b@c", "a@b.", "a b@c", "ä@b", "a@b@c"]),
    (
        "uuid",
        &["2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
        &["2eb8aa08aa9811eab4aa73b441d16380", "{}", "2eb8aa08-aa98-11ea-b4aa-73b441d1638"],
    ),
    (
        "date",
        &["2024-02-29", "0000-01-01"],
        &["2023-02-29", "2024-2-9", "2024-04-31", "24-01-01", "2024-01-01T", "2024-13-01"],
    ),
    (
        "date-time",
        &["2024-02-29T12:30:00Z", "2024-01-01t00:00:00.5+05:30"],
        &["2024-02-29 12:30:00Z", "2024-02-29T12:30:00", "2024-02-29T24:00:00Z", "2023-02-29T12:30:00Z"],
    ),
    ("time", &["12:30:00Z", "00:00:00.123-08:00"], &["12:30Z", "12:30:00", "25:00:00Z", "12:60:00Z"]),
    (
        "uri",
        &["https://example.com/a?b=c#d", "urn:x:y", "a:"],
        &["/a", "example.com", "http://[", "a b:", "http://a b", "ä:", "%41:a"],
    ),
    ("uri-reference", &["", "/a?b", "../x#y", "a:b"], &["a b", "ä", "%4", "[", "\\"]),
    (
        "ipv4",
        &["192.0.2.1", "0.0.0.0", "255.255.255.255"],
        &["192.0.2", "256.0.0.1", "01.2.3.4", "1.2.3.4.5", "1.2.3.4 ", "1.2.3.-4"],
    ),
    (
        "ipv6",
        &["::", "2001:db8::1", "::ffff:192.0.2.1"],
        &[":", "1::2::3", "12345::", "1:2:3:4:5:6:7", "::1%eth0", "[::1]", "g::"],
    ),
];

fn formats(kept: &mut Kept, chance: &mut Chance) {
    let (format, good, bad) = chance.of(&FORMATS);
    kept.keeps = text(good[0]);
    kept.lines.push(format!("format {format}"));
    kept.near.extend(good.iter().chain(bad).map(|it| text(it)));
    kept.near.extend(good.iter().map(|good| Json::String(format!("{good} "))));
}

fn number(text: impl ToString) -> Json {
    Json::Number(text.to_string())
}

fn integers(kept: &mut Kept, pivot: i128, chance: &mut Chance, choice: u8) {
    const AWAY: [i128; 5] = [0, 0, 1, 2, 100];
    // What a bound may be: an integer of 64 bits.
    let is_bound = |bound: i128| i64::try_from(bound).is_ok() || u64::try_from(bound).is_ok();
    let mut edges = vec![pivot];
    if choice & 1 != 0 {
        let (name, bound) = chance.of(&[("minimum", pivot), ("exclusiveMinimum", pivot - 1)]);
        let bound = bound - chance.of(&AWAY);
        if is_bound(bound) {
            kept.lines.push(format!("{name} {}", spelt(bound, choice)));
        }
        edges.push(bound);
    }
    if choice & 2 != 0 {
        let (name, bound) = chance.of(&[("maximum", pivot), ("exclusiveMaximum", pivot + 1)]);
        let bound = bound + chance.of(&AWAY);
        if is_bound(bound) {
            kept.lines.push(format!("{name} {}", spelt(bound, choice)));
        }
        edges.push(bound);
    }
    if choice & 4 != 0 || kept.lines.is_empty() {
        let units: [(&str, i128, i128); 9] = [
            ("1", 1, 1),
            ("2", 2, 1),
            ("3", 3, 1),
            ("7", 7, 1),
            ("256", 256, 1),
            ("0.5", 1, 2),
            ("2.5", 5, 2),
            ("0.1", 1, 10),
            ("1e3", 1000, 1),
        ];
        let fitting: Vec<_> = units.into_iter().filter(|(_, up, down)| (pivot * down) % up == 0).collect();
        let (text, up, down) = chance.of(&fitting);
        kept.lines.push(format!("multipleOf {text}"));
        edges.extend([pivot + up, pivot - up, pivot + up / down, 0, up * 3]);
    }
    for edge in edges {
        for near in [edge - 1, edge, edge + 1] {
            kept.near.extend([number(near), number(format!("{near}.0")), number(format!("{near}.00e0"))]);
        }
        kept.near.push(number(format!("{edge}.5")));
        kept.near.push(number(format!("{edge}.0000000000000000000000001")));
    }
    kept.keeps = number(pivot);
}

/// The bound in another spelling, now and then.
fn spelt(bound: i128, choice: u8) -> String {
    if choice & 0x60 == 0x60 && bound.abs() < 1_000_000 { format!("{bound}.0") } else { bound.to_string() }
}

/// Rules for `f32` and `f64`, around a multiple of a decimal.
fn fractions(kept: &mut Kept, chance: &mut Chance, choice: u8) {
    // Ten thousandths, so that all sums are exact.
    let text = |n: i64| {
        let (sign, n) = (if n < 0 { "-" } else { "" }, n.unsigned_abs());
        let text = format!("{sign}{}.{:04}", n / 10_000, n % 10_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let unit = chance.of(&[1_i64, 100, 1_000, 2_500, 5_000, 10_000, 25_000, 30_000]);
    let pivot = unit * chance.of(&[0, 1, 2, 3, 7, -1, -5, 33]);
    let mut edges = vec![pivot];
    if choice & 1 != 0 {
        let (name, away) =
            chance.of(&[("minimum", 0), ("minimum", 5), ("exclusiveMinimum", 1), ("exclusiveMinimum", 10_000)]);
        kept.lines.push(format!("{name} {}", text(pivot - away)));
        edges.push(pivot - away);
    }
    if choice & 2 != 0 {
        let (name, away) =
            chance.of(&[("maximum", 0), ("maximum", 5), ("exclusiveMaximum", 1), ("exclusiveMaximum", 10_000)]);
        kept.lines.push(format!("{name} {}", text(pivot + away)));
        edges.push(pivot + away);
    }
    if choice & 4 != 0 || kept.lines.is_empty() {
        kept.lines.push(format!("multipleOf {}", text(unit)));
        edges.extend([pivot + unit, pivot - unit, pivot + unit / 2]);
    }
    for edge in edges {
        for near in [edge - 1, edge, edge + 1] {
            kept.near.push(number(text(near)));
        }
        let edge = text(edge);
        let padded = if edge.contains('.') { edge } else { format!("{edge}.0") };
        kept.near.extend([number(format!("{padded}0000")), number(format!("{padded}00000000000000000001"))]);
        kept.near.push(number(format!("{padded}e0")));
    }
    kept.keeps = number(text(pivot));
}

/// Values at the edges of the keywords, mostly; `stray` is the weight of what breaks some.
pub fn near(kept: &Kept, stray: u32, others: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let keeps = Just(kept.keeps.clone());
    if stray == 0 {
        return keeps.boxed();
    }
    if kept.near.is_empty() {
        return prop_oneof![1 => keeps, 4 => others].boxed();
    }
    prop_oneof![6 => keeps, 4 => select(kept.near.clone()), 1 => others].boxed()
}
