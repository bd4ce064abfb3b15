//! Text by chance: what stands in a path or in a query, and what is no JSON at all.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

use super::{
    contracts::{Function, Place},
    types::{self, Ty},
    values::{self, Json},
};

/// Spellings that other languages take for values.
const ODD: [&str; 34] = [
    "",
    " ",
    " 1",
    "1 ",
    "+1",
    "01",
    "1.",
    ".5",
    "1e",
    "0x10",
    "1_000",
    "NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "TRUE",
    "True",
    "yes",
    "null",
    "-",
    "--1",
    "1,2",
    "[]",
    "{}",
    "\"a\"",
    "٣",
    "a/b",
    "%41",
    "a&b=c",
    "#",
    "?",
    "a+b",
    "ä",
    "\0",
];

/// A type whose values are one word.
pub fn word_type() -> impl Strategy<Value = Ty> {
    prop_oneof![
        6 => types::scalar(),
        1 => Just(types::bytes()),
        1 => types::enumeration(),
        1 => types::scalar().prop_map(|ty| Ty::Alias("order", Box::new(ty))),
    ]
}

pub fn query_type() -> impl Strategy<Value = Ty> {
    let word = || word_type().prop_map(Box::new);
    // A list of `u8` is bytes, and so an option of it is one word.
    prop_oneof![
        4 => word_type(),
        2 => word().prop_map(Ty::Option),
        2 => word().prop_map(Ty::List),
        1 => word().prop_map(|item| Ty::Option(Box::new(Ty::List(item)))),
        1 => types::flags(),
    ]
}

fn some(ty: &Ty) -> &Ty {
    match ty.resolved() {
        Ty::Option(some) => some.resolved(),
        ty => ty,
    }
}

/// The type of the items, if the parameter may be given several times.
fn item(ty: &Ty) -> Option<Ty> {
    match some(ty) {
        ty if ty.is_bytes() => None,
        Ty::List(item) => Some((**item).clone()),
        Ty::Flags(name, cases) => Some(Ty::Enum(name, cases.clone())),
        _ => None,
    }
}

/// The texts that a parameter is given as.
pub fn near(ty: &Ty, place: Place) -> BoxedStrategy<Vec<String>> {
    let repeated = item(ty);
    let text = |value: Json| match value {
        Json::String(text) => text,
        other => other.write(false),
    };
    let odd = select(&ODD[..]).prop_map(String::from);
    let near = values::near(repeated.as_ref().unwrap_or(some(ty))).prop_map(text);
    let text = prop_oneof![8 => near, 1 => odd];
    let is_list = repeated.is_some();
    let text = match place {
        Place::Header => text.prop_filter("a header", move |text| is_line(text, is_list)).boxed(),
        _ => text.boxed(),
    };
    if place == Place::Path {
        // An empty segment is another path, and dots are taken out of the address before it is sent.
        let text = text.prop_filter("a segment", |text| !matches!(text.as_str(), "" | "." | ".."));
        return prop::collection::vec(text, 1).boxed();
    }
    match repeated {
        Some(_) => prop::collection::vec(text, 0..3).boxed(),
        None => prop_oneof![
            1 => Just(vec![]),
            20 => prop::collection::vec(text.clone(), 1),
            1 => prop::collection::vec(text, 2),
        ]
        .boxed(),
    }
}

/// The JSON that the texts say; nothing if the parameter is absent.
pub fn value(ty: &Ty, texts: &[String]) -> Option<Json> {
    if let Some(item) = item(ty) {
        return (!texts.is_empty()).then(|| Json::Array(texts.iter().map(|text| word(&item, text)).collect()));
    }
    match texts {
        [] => None,
        [text] => Some(word(some(ty), text)),
        // What is given several times is no one value.
        texts => Some(Json::Array(texts.iter().map(|text| word(some(ty), text)).collect())),
    }
}

fn word(ty: &Ty, text: &str) -> Json {
    match ty.resolved() {
        Ty::Scalar("bool") if text == "true" || text == "false" => Json::Bool(text == "true"),
        Ty::Scalar("bool" | "string" | "char") => Json::String(text.to_owned()),
        Ty::Scalar(_) if is_number(text) => Json::Number(text.to_owned()),
        _ => Json::String(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    text.trim() == text && matches!(serde_json::from_str(text), Ok(serde_json::Value::Number(_)))
}

/// The path with the parameters in it, or with a query.
pub fn url(path: &str, function: &Function, values: &[Vec<String>]) -> String {
    match function.place {
        Place::Path => return path.replace("{id}", &encoded(&values[0][0])),
        Place::Header => return path.to_owned(),
        Place::Query | Place::Body => {}
    }
    let pair = |name: &str, text: &String| format!("{}={}", name.replace('-', "_"), encoded(text));
    let pairs =
        function.params.iter().zip(values).flat_map(|((name, _), texts)| texts.iter().map(|text| pair(name, text)));
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// The lines of the parameters that stand in headers. Characters beyond ASCII are UTF-8.
pub fn headers(function: &Function, values: &[Vec<String>]) -> Vec<(String, Vec<u8>)> {
    if function.place != Place::Header {
        return vec![];
    }
    let line = |name: &str, text: &String| (format!("x-{name}"), text.clone().into_bytes());
    let lines = function.params.iter().zip(values);
    lines.flat_map(|((name, _), texts)| texts.iter().map(move |text| line(name, text))).collect()
}

/// Whether the text goes through a header as it is: RFC 9110, sections 5.5 and, for an item of a list, 5.6.1.
fn is_line(text: &str, is_item: bool) -> bool {
    let is_visible = |char: char| char >= ' ' && char != '\u{7f}';
    let is_whole = !is_item || !text.is_empty() && !text.contains(',');
    text.chars().all(is_visible) && text.trim() == text && is_whole
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// What makes text something else than JSON, mostly.
#[derive(Debug, Clone)]
pub enum Damage {
    CutOff(Index),
    Removed(Index),
    Inserted(Index, &'static [u8]),
    Replaced(Index, &'static [u8]),
}

const PIECES: [&[u8]; 30] = [
    b",",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"\"",
    b"\\",
    b"\0",
    b"\n",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\x41",
    b"'",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"-",
    b"+",
    b"00",
    b".",
    b"e",
    b"0x1",
    b"tru",
    b"nulll",
    b"//",
    b"/**/",
    b"\xef\xbb\xbf",
];

pub fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Damage::CutOff),
        index().prop_map(Damage::Removed),
        (index(), select(&PIECES[..])).prop_map(|(at, piece)| Damage::Inserted(at, piece)),
        (index(), select(&PIECES[..])).prop_map(|(at, piece)| Damage::Inserted(at, piece)),
        (index(), select(&PIECES[..])).prop_map(|(at, piece)| Damage::Replaced(at, piece)),
    ]
}

impl Damage {
    pub fn to(&self, mut text: Vec<u8>) -> Vec<u8> {
        match self {
            Damage::CutOff(at) => text.truncate(at.index(text.len())),
            Damage::Removed(at) => drop(text.remove(at.index(text.len()))),
            Damage::Inserted(at, piece) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, piece.iter().copied());
            }
            Damage::Replaced(at, piece) => {
                let at = at.index(text.len());
                text.splice(at..=at, piece.iter().copied());
            }
        }
        text
    }
}
