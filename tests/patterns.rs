//! Patterns mean what ECMA-262 says: a table, Node.js as a judge of random ones, and where crate `jsonschema` deviates.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Value, json};

// The module itself, not the crate: see Cargo.toml.
#[path = "../host/contract/src/docs/pattern/mod.rs"]
#[allow(dead_code)]
mod pattern;

use pattern::TextPattern;

/// A pattern, texts that it matches and texts that it does not, by ECMA-262.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const TABLE: &[Row] = &[
    ("", &["", "a"], &[]),
    ("b", &["abc"], &["ac"]),
    ("^a$", &["a"], &["a\n", "\na", "ba", "b\na\nb"]),
    ("^(?:|a)$", &["", "a"], &["b"]),
    ("a|^$", &["", "ba"], &["b"]),
    (r"^\d$", &["7"], &["٧", "７"]),
    (r"^\D$", &["٧"], &["7"]),
    (r"^\w$", &["_"], &["ä", "é"]),
    (r"^\W$", &["ä"], &["_"]),
    (r"^\s$", &["\u{feff}", "\u{a0}", "\u{2028}", "\u{b}", "\u{3000}"], &["\u{85}", "\u{200b}", "\u{180e}"]),
    (r"^\S$", &["\u{85}"], &["\u{feff}"]),
    (r"^[\S]$", &["\u{85}"], &["\u{feff}"]),
    (r"^[^\s\d]$", &["a"], &["1", " "]),
    (r"a\b", &["a", "aä", "a-"], &["ab"]),
    (r"a\B", &["ab"], &["a", "aä"]),
    (r"\B", &["", "é", "ab"], &["a", "aéa"]),
    (r"^\B", &["", "é"], &["a"]),
    (r"[]??[^]{2}$|a?\B", &["Z中b"], &["a"]),
    (r"^.$", &["a", "😀", "\u{85}", "\0"], &["\n", "\r", "\u{2028}", "\u{2029}", "ab"]),
    ("[]", &[], &["", "a"]),
    ("^[^]$", &["\n", "😀"], &[""]),
    ("^[^^]$", &["a"], &["^"]),
    ("^[a^]$", &["a", "^"], &["b"]),
    ("^[a-c-e]$", &["b", "-", "e"], &["d"]),
    ("^[-a]$", &["-", "a"], &["b"]),
    ("^[+--]$", &["+", ",", "-"], &["."]),
    ("^[a&&b]$", &["a", "b", "&"], &["c"]),
    ("^[a~~b]$", &["a", "b", "~"], &["c"]),
    ("^[[a]$", &["[", "a"], &["]"]),
    ("^[[:alpha:]$", &["[", ":", "a"], &["b", "z"]),
    ("^[a#b ]$", &["#", " "], &["c"]),
    ("^a# b$", &["a# b"], &["a"]),
    (r"^[\b]$", &["\u{8}"], &["b"]),
    (r"^[\-]$", &["-"], &["\\"]),
    (r"^\cA\cz$", &["\u{1}\u{1a}"], &["cA"]),
    (r"^\x41\u0042\u{43}\u{1F600}\0$", &["ABC😀\0"], &["ABC"]),
    (r"^\uD83D\uDE00$", &["😀"], &[]),
    (r"^[\uD83D\uDE00-\u{1F602}]$", &["😁"], &["🤣"]),
    (r"^[😀-😂]{2}$", &["😁😀"], &["😁"]),
    (r"^\/\.\*\+\?\(\)\[\]\{\}\|\^\$\\$", &[r"/.*+?()[]{}|^$\"], &[]),
    (r"^\f\n\r\t\v$", &["\u{c}\n\r\t\u{b}"], &[]),
    ("^a{2}b{1,}c{0,2}$", &["aab", "aabbbcc"], &["ab", "aa", "aabccc"]),
    ("^a{0}b$", &["b"], &["ab"]),
    ("^a*?b+?c??$", &["b", "aabbc"], &["a"]),
    ("^(?<first>a)(b)(?:c)$", &["abc"], &["ab"]),
    (r"^\p{Lu}\P{Lu}\p{L}\p{Letter}$", &["Ääab"], &["ääab"]),
    (r"^[\p{Script=Greek}\p{sc=Cyrl}]+$", &["αж"], &["a"]),
    (r"^\p{scx=Deva}$", &["\u{964}"], &["a"]),
    (r"^\p{Script=Deva}$", &["अ"], &["\u{964}"]),
    (r"^[^\P{ASCII}]$", &["a"], &["ä"]),
    (r"^\p{Any}\p{Emoji}\p{White_Space}$", &["\u{10ffff}😀 "], &["a"]),
    (r"^(a|ab)(c|bcd)(d*)$", &["abcd", "acdd"], &["ab"]),
    (r"^(a*)*$", &["", "aaa"], &["b"]),
    (r"^(?:\b|a)*$", &["", "a", "aa"], &["b"]),
];

#[test]
fn a_pattern_means_what_ecma_262_says() {
    for (source, matches, differs) in TABLE {
        let pattern = TextPattern::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(pattern.as_str(), *source);
        matches.iter().for_each(|text| assert!(pattern.is_match(text), "{source} does not match {text:?}"));
        differs.iter().for_each(|text| assert!(!pattern.is_match(text), "{source} matches {text:?}"));
    }
}

#[test]
fn unsupported_patterns_are_rejected_with_their_place() {
    let long = "a".repeat(4097);
    let deep = "(".repeat(51) + &")".repeat(51);
    let rows = [
        ("ab(?=c)", "found the look-ahead `(?=` at character 3"),
        ("(?!c)", "the look-ahead `(?!` at character 1"),
        ("ä(?<=c)", "the look-behind `(?<=` at character 2"),
        ("(?<!c)", "the look-behind `(?<!` at character 1"),
        (r"(a)\1", "the back-reference `\\1` at character 4"),
        (r"(?<a>a)\k<a>", "the back-reference `\\k` at character 8"),
        ("(?i)a", "`(?i` at character 1"),
        ("(?i:a)", "`(?i` at character 1"),
        ("(?-s:a)", "`(?-` at character 1"),
        ("(?P<a>a)", "`(?P` at character 1"),
        ("(?>a)", "`(?>` at character 1"),
        ("(?<>a)", "the group's name at character 1"),
        ("(?<1>a)", "the group's name at character 1"),
        ("(?<a>a)|(?<a>b)", "a second group `a` at character 9"),
        (r"\Aa", "the escape `\\A` at character 1"),
        (r"a\z", "the escape `\\z` at character 2"),
        (r"\Qa\E", "the escape `\\Q` at character 1"),
        (r"\h", "the escape `\\h` at character 1"),
        (r"\a", "the escape `\\a` at character 1"),
        (r"\-", "the escape `\\-` at character 1"),
        (r"\#", "the escape `\\#` at character 1"),
        (r"\_", "the escape `\\_` at character 1"),
        (r"[\B]", "the escape `\\B` at character 2"),
        (r"[\1]", "the escape `\\1` at character 2"),
        (r"\00", "the escape `\\0` at character 1"),
        (r"\c1", "the escape `\\c` at character 1"),
        (r"\x4", "the escape `\\x` at character 1"),
        (r"\x{41}", "the escape `\\x` at character 1"),
        (r"\u004", "the escape `\\u` at character 1"),
        (r"\u{110000}", "the escape `\\u` at character 1"),
        (r"\u{}", "the escape `\\u` at character 1"),
        (r"\uD83D", "the lone surrogate `\\uD83D` at character 1"),
        (r"[\uD83D-\uDE00]", "the lone surrogate `\\uD83D` at character 2"),
        (r"\u{D83D}\u{DE00}", "the lone surrogate `\\u{D83D}` at character 1"),
        ("\\", "the `\\` at character 1"),
        ("a{", "the quantifier `{` at character 2"),
        ("a{,2}", "the quantifier `{` at character 2"),
        ("{2}", "the quantifier `{` at character 1"),
        ("a{2,1}", "the quantifier `{2,1}` at character 2"),
        ("a}", "a lone `}` at character 2"),
        ("a]", "a lone `]` at character 2"),
        ("*a", "the quantifier `*` at character 1"),
        ("a**", "the quantifier `*` at character 3"),
        ("a++", "the quantifier `+` at character 3"),
        ("^*", "the quantifier `*` at character 2"),
        (r"\b+", "the quantifier `+` at character 3"),
        ("a|?", "the quantifier `?` at character 3"),
        ("a)", "the `)` at character 2"),
        ("(a", "the `(` at character 1"),
        ("a[b", "the `[` at character 2"),
        ("[a--b]", "the range `a--` at character 2"),
        ("[[:alpha:]]", "a lone `]` at character 11"),
        (r"\p{Script=Unknown}", "the property `Script=Unknown` at character 1"),
        ("[b-a]", "the range `b-a` at character 2"),
        (r"[\d-z]", "the range `\\d-z` at character 2"),
        (r"[a-\w]", "the range `a-\\w` at character 2"),
        (r"\p{l}", "the property `l` at character 1"),
        (r"\p{Greek}", "the property `Greek` at character 1"),
        (r"\p{script=Greek}", "the property `script=Greek` at character 1"),
        (r"\p{Script=greek}", "the property `Script=greek` at character 1"),
        (r"\p{Block=Latin}", "the property `Block=Latin` at character 1"),
        (r"\p{Cs}", "the property `Cs` at character 1"),
        (r"\p{CWKCF}", "the property `CWKCF` at character 1"),
        (r"\p{}", "the property `` at character 1"),
        (r"\pL", "the escape `\\p` at character 1"),
        (r"\p{^L}", "the escape `\\p` at character 1"),
        ("a{99999999999}", "the count 99999999999 at character 3"),
        ("((a{1000}){1000}){1000}", "expected a pattern that compiles to at most 4 MiB"),
        ("(?:a|b){4294967295}", "expected a pattern that compiles to at most 4 MiB"),
        (r"\p{L}{1000}", "lower the counts of `{n,m}`"),
        (&long, "expected at most 4096 characters"),
        (&deep, "expected at most 50 groups within each other, found a group at character 51"),
    ];
    for (source, expected) in rows {
        let error = TextPattern::compile(source).map(|_| format!("{source} is taken")).unwrap_or_else(|error| error);
        assert!(error.contains(expected), "{source}: {error}\nwanted {expected}");
        assert!(error.starts_with("expected "), "{source}: {error}");
    }
    assert!(TextPattern::compile(&long[1..]).is_ok());
    assert!(TextPattern::compile(&deep[1..deep.len() - 1]).is_ok());
    assert!(TextPattern::compile(&("(?:a|b".repeat(50) + &")*c".repeat(50))).is_ok());
}

/// What Node.js says: the script gets `input` from the JSON on its standard input and calls `answer`.
fn node(script: &str, input: &Value) -> Value {
    let script = format!(
        "const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n\
         const answer = (it) => require('fs').writeFileSync(1, JSON.stringify(it));\n{script}"
    );
    let mut command = Command::new("node");
    let piped = command.args(["-e", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = piped.spawn().expect("node, which builds the JavaScript example");
    let input = serde_json::to_vec(input).expect("JSON");
    node.stdin.take().expect("a pipe").write_all(&input).expect("node reads");
    let output = node.wait_with_output().expect("node ends");
    assert!(output.status.success(), "node: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON of node")
}

/// Beginnings of messages about what ECMA-262 has and the subset has not.
const OUTSIDE: &[&str] = &[
    "the look-",
    "the back-reference",
    "`(?",
    "a second group",
    "the group's name",
    "the lone surrogate",
    "the property",
    "a pattern that compiles",
];

const CHARS: &[char] = &[
    'a',
    'b',
    'c',
    'A',
    'Z',
    '0',
    '9',
    '_',
    '-',
    ' ',
    '\n',
    '\r',
    '\t',
    '\0',
    '\u{8}',
    '&',
    '~',
    '#',
    '/',
    ',',
    ':',
    '^',
    '[',
    'é',
    'ß',
    'ſ',
    'K',
    'α',
    'ж',
    '٣',
    '\u{85}',
    '\u{a0}',
    '\u{2028}',
    '\u{feff}',
    '\u{200b}',
    '\u{301}',
    '中',
    '😀',
    '😁',
    '\u{10ffff}',
];

struct Chance(TestRng);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0.next_u32() as usize % end
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A pattern that is valid most of the time.
    fn pattern(&mut self, depth: usize) -> String {
        let alternatives = if self.below(4) == 0 { 2 } else { 1 };
        let one = |chance: &mut Chance| (0..chance.below(4)).map(|_| chance.term(depth)).collect::<String>();
        (0..alternatives).map(|_| one(self)).collect::<Vec<_>>().join("|")
    }

    fn term(&mut self, depth: usize) -> String {
        if self.below(7) == 0 {
            return self.of(&["^", "$", r"\b", r"\B"]).to_owned();
        }
        let atom = match self.below(if depth == 0 { 7 } else { 10 }) {
            0 => ".".to_owned(),
            1 | 2 => self.escape(false),
            3 | 4 => self.class(),
            5 | 6 => self.character(),
            7 => format!("({})", self.pattern(depth - 1)),
            8 => format!("(?:{})", self.pattern(depth - 1)),
            _ => format!("(?<n{}>{})", self.0.next_u32(), self.pattern(depth - 1)),
        };
        let quantifiers = ["", "", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "{0}", "*?", "+?", "??", "{1,2}?"];
        atom + self.of(&quantifiers)
    }

    fn character(&mut self) -> String {
        let char = self.of(CHARS);
        match "^[/".contains(char) {
            true => format!("\\{char}"),
            false => char.to_string(),
        }
    }

    fn escape(&mut self, in_class: bool) -> String {
        if in_class && self.below(4) == 0 {
            return self.of(&[r"\b", r"\-", r"\]"]).to_owned();
        }
        let escapes = [
            r"\d",
            r"\D",
            r"\w",
            r"\W",
            r"\s",
            r"\S",
            r"\p{L}",
            r"\P{L}",
            r"\p{Lu}",
            r"\P{Ll}",
            r"\p{Script=Greek}",
            r"\p{scx=Cyrl}",
            r"\p{ASCII}",
            r"\P{Alphabetic}",
            r"\p{Any}",
            r"\p{gc=N}",
            r"\n",
            r"\r",
            r"\t",
            r"\v",
            r"\f",
            r"\0",
            r"\cA",
            r"\cj",
            r"\x41",
            r"\xe9",
            r"\u0062",
            r"\u2028",
            r"\u{1F600}",
            r"\uD83D\uDE01",
            r"\/",
            r"\^",
            r"\\",
            r"\.",
            r"\[",
            r"\}",
        ];
        self.of(&escapes).to_owned()
    }

    fn class(&mut self) -> String {
        let mut class = self.of(&["[", "[", "[^"]).to_owned();
        for _ in 0..self.below(4) {
            match self.below(6) {
                0 | 1 => class.push(self.of(CHARS)),
                2 => class.push_str(&self.escape(true)),
                3 => class.push_str(self.of(&["&&", "--", "~~", "[:alpha:", "-", "a-z", "0-9", "!-~", "é-\u{2028}"])),
                _ => {
                    let (one, other) = (self.of(CHARS), self.of(CHARS));
                    class.extend([one.min(other), '-', one.max(other)]);
                }
            }
        }
        class + "]"
    }

    /// Pieces of syntax, most often of no pattern.
    fn pieces(&mut self) -> String {
        let pieces = [
            "(", ")", "(?:", "(?<n>", "(?=", "(?!", "(?<=", "(?<!", "(?i)", "(?i:", "(?P<n>", "(?#", "[", "]", "[^",
            "-", "{", "}", "{1", ",", "{1,2}", "{2,1}", "*", "+", "?", "|", "^", "$", ".", "\\", r"\b", r"\B", r"\d",
            r"\k", r"\1", "<n>", r"\c", r"\x", r"\u", r"\u{", r"\uD83D", r"\uDE00", r"\p", r"\P{", "L", "sc=", "Latn",
            r"\p{Lu}", r"\A", r"\z", r"\0", r"\-", "&&", "--", "~~", "[:", ":]", "a", "b", "0", "A", "é", "😀", " ",
            "\n", "#", "/",
        ];
        (0..1 + self.below(6)).map(|_| self.of(&pieces)).collect()
    }

    fn text(&mut self) -> String {
        (0..self.below(6)).map(|_| self.of(CHARS)).collect()
    }
}

#[test]
fn patterns_agree_with_the_regexp_of_node() {
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (cases, seed) = (number("WITAPI_CASES", 6_000), number("WITAPI_SEED", 1_u64));
    println!("WITAPI_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut chance = Chance(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));

    let rows = TABLE.iter().map(|(source, matches, differs)| {
        ((*source).to_owned(), matches.iter().chain(*differs).map(|&text| text.to_owned()).collect::<Vec<_>>())
    });
    let by_chance = (0..cases).map(|i| {
        let source = if i % 4 == 0 { chance.pieces() } else { chance.pattern(3) };
        (source, (0..12).map(|_| chance.text()).collect())
    });
    let asked: Vec<_> = rows.collect::<Vec<_>>().into_iter().chain(by_chance).collect();
    let script = "const one = ([source, texts]) => {
        let pattern;
        try { pattern = new RegExp(source, 'uy') } catch { return null }
        // A search by hand: that of V8 also looks within surrogate pairs, where `\\B` holds; ECMA-262 steps over them.
        const at = (text, index) => { pattern.lastIndex = index; return pattern.test(text) };
        return texts.map((text) => {
            let index = 0;
            for (const char of text) { if (at(text, index)) return true; index += char.length }
            return at(text, index);
        });
    };
    answer(input.map(one))";
    let answers = node(script, &json!(asked));

    let (mut differences, mut compared, mut matched, mut refused) = (vec![], 0_usize, 0_usize, 0_usize);
    for ((source, texts), answer) in asked.iter().zip(answers.as_array().expect("a list")) {
        match (TextPattern::compile(source), answer.as_array()) {
            (Ok(pattern), Some(answers)) => {
                for (text, answer) in texts.iter().zip(answers) {
                    let ours = pattern.is_match(text);
                    compared += 1;
                    matched += usize::from(ours);
                    if json!(ours) != *answer {
                        differences.push(format!("{source:?} on {text:?} is {ours} here, {answer} there"));
                    }
                }
            }
            (Ok(_), None) => differences.push(format!("{source:?} is taken here, an error there")),
            (Err(error), Some(_)) if !OUTSIDE.iter().any(|it| error.contains(it)) => {
                differences.push(format!("{source:?} is refused here, not there: {error}"));
            }
            (Err(_), _) => refused += 1,
        }
    }
    println!("{compared} comparisons, {matched} matches; {refused} patterns refused");
    let shown = differences.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "WITAPI_SEED={seed}: {} differences\n{shown}", differences.len());
    assert!(compared > asked.len() * 6 && (compared / 5..compared * 4 / 5).contains(&matched));
    assert!((asked.len() / 20..asked.len() / 2).contains(&refused));
}

/// What Unicode 17 has changed for characters that were there before.
const CHANGED_IN_UNICODE_17: &[&str] = &[
    "Cased_Letter LC Ll Lo Lowercase_Letter Other_Letter Cased Lower Lowercase Dia Diacritic ExtPict",
    "Extended_Pictographic scx=Inherited scx=Latin scx=Latn scx=Nand scx=Nandinagari scx=Newa scx=Qaai scx=Sharada",
    "scx=Shrd scx=Syrc scx=Syriac scx=Telu scx=Telugu scx=Tfng scx=Tifinagh scx=Tirh scx=Tirhuta scx=Zinh",
];

#[test]
fn unicode_properties_match_what_they_match_in_node() {
    use pattern::property::{BINARY_PROPERTIES, GENERAL_CATEGORIES, SCRIPTS};

    // Newer versions of Unicode give characters to what is unassigned in ours.
    let assigned = TextPattern::compile(r"\p{Assigned}").expect("a pattern");
    let chars = (0..0x3000).chain((0x3000..0x32000).step_by(61)).chain(0xe0000..0xe0200).chain([0xfffff, 0x10ffff]);
    let chars = chars.filter_map(char::from_u32).map(String::from).filter(|it| assigned.is_match(it));
    let chars: Vec<_> = chars.collect();
    let words = |list: &'static str| list.split_ascii_whitespace();
    let names = words(GENERAL_CATEGORIES).chain(words(BINARY_PROPERTIES)).map(str::to_owned);
    let of_scripts = words(SCRIPTS).flat_map(|name| [format!("Script={name}"), format!("scx={name}")]);
    let names: Vec<_> = names.chain(of_scripts).chain(["gc=Lu".into(), "General_Category=Lu".into()]).collect();

    let script = "const one = (name) => {
        let pattern;
        try { pattern = new RegExp(`^\\\\p{${name}}$`, 'u') } catch { return null }
        return input.chars.map((char) => pattern.test(char) ? '1' : '0').join('');
    };
    answer({ unicode: parseFloat(process.versions.unicode), sets: input.names.map(one) })";
    let answer = node(script, &json!({"names": names, "chars": chars}));
    let unicode = answer["unicode"].as_f64().expect("a version");
    let mut differences = vec![];
    for (name, theirs) in names.iter().zip(answer["sets"].as_array().expect("a list")) {
        let pattern = TextPattern::compile(&format!("^\\p{{{name}}}$")).expect("a pattern");
        match theirs.as_str() {
            Some(_) if unicode > 16.0 && CHANGED_IN_UNICODE_17.iter().any(|it| words(it).any(|it| it == name)) => {}
            Some(theirs) => {
                let differs = |(char, theirs): &(&String, char)| pattern.is_match(char) != (*theirs == '1');
                let chars = chars.iter().zip(theirs.chars()).filter(differs);
                let chars: Vec<_> = chars.map(|(char, _)| char.escape_unicode().to_string()).collect();
                if !chars.is_empty() {
                    differences.push(format!("{name}: {}", chars.join(" ")));
                }
            }
            // Older versions do not have the newest scripts.
            None if unicode < 16.0 => {}
            None => differences.push(format!("{name} is unknown to node with Unicode {unicode}")),
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

/// Where crate `jsonschema` is not ECMA-262: a pattern, a text, and what it says of the text; nothing if it refuses the
/// pattern. Those who compare the host with it keep to other patterns.
const DEVIATIONS: &[(&str, &str, Option<bool>)] = &[
    (r"^.$", "\r", Some(true)),
    (r"^.$", "\u{2028}", Some(true)),
    (r"^a\b", "aä", Some(false)),
    (r"a\B", "aä", Some(true)),
    ("[]", "a", None),
    ("^[^]$", "a", None),
    (r"^\uD83D\uDE00$", "😀", None),
    (r"^\0$", "\0", None),
    (r"^[\b]$", "\u{8}", None),
];

/// Errors of ECMA-262 with the flag `u`, and flags in the pattern, that crate `jsonschema` takes.
const TAKEN_BY_JSONSCHEMA: &[&str] = &[
    "(?i)a",
    "(?P<a>a)",
    r"\Aa",
    r"a\z",
    r"\p{greek}",
    r"\pL",
    r"\x{41}",
    r"\-",
    r"\_",
    r"\#",
    "a++",
    "a]",
    "a}",
    "[[:alpha:]]",
    "[a-z&&[^b]]",
];

#[test]
fn deviations_of_jsonschema_are_as_listed() {
    let judge = |source: &str| jsonschema::draft202012::new(&json!({"pattern": source})).ok();
    for (source, text, theirs) in DEVIATIONS {
        assert_eq!(judge(source).map(|it| it.is_valid(&json!(text))), *theirs, "{source} on {text:?}");
        let ours = TextPattern::compile(source).expect("a pattern").is_match(text);
        let node = node("answer(new RegExp(input[0], 'u').test(input[1]))", &json!([source, text]));
        assert_eq!(json!(ours), node, "{source} on {text:?}");
        assert_ne!(Some(ours), *theirs, "{source} on {text:?}");
    }
    for source in TAKEN_BY_JSONSCHEMA {
        assert!(judge(source).is_some(), "{source}");
        assert!(TextPattern::compile(source).is_err(), "{source}");
    }
}

#[test]
fn a_large_pattern_is_for_short_texts() {
    let longest = |source: &str| TextPattern::compile(source).expect("a pattern").longest_text();
    assert_eq!(longest(r"^[a-z][a-z0-9-]{0,62}$"), None);
    assert_eq!(longest(r"^\p{L}$"), Some(16_384));
    assert_eq!(longest(r"^[\p{L}\p{M}' -]{1,64}$"), Some(256));
}
