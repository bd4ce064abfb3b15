//! JSON by chance: values near the edge of what a type takes, and what comes of them when something goes wrong.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

use super::{
    keywords,
    types::{CASES, MEMBERS, Ty},
};

/// JSON with its numbers as they are spelt.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

use Json::{Array, Bool, Null, Number, Object};

fn text(text: &str) -> Json {
    Json::String(text.to_owned())
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl Json {
    /// As text; with `escapes`, every character of a string as `\u….`
    pub fn write(&self, escapes: bool) -> String {
        let string = |text: &str| {
            if escapes {
                let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
                format!("\"{units}\"")
            } else {
                serde_json::to_string(text).expect("a string")
            }
        };
        let space = if escapes { "\n\t " } else { "" };
        match self {
            Null => "null".into(),
            Bool(value) => value.to_string(),
            Number(number) => number.clone(),
            Json::String(value) => string(value),
            Array(items) => {
                let items: Vec<_> = items.iter().map(|item| item.write(escapes)).collect();
                format!("[{space}{}]", items.join(","))
            }
            Object(members) => {
                let member =
                    |(name, value): &(String, Json)| format!("{}{space}:{}", string(name), value.write(escapes));
                format!("{{{}{space}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// Whether an object in it has two members of one name.
    pub fn has_a_member_twice(&self) -> bool {
        match self {
            Array(items) => items.iter().any(Json::has_a_member_twice),
            Object(members) => members.iter().enumerate().any(|(i, (name, value))| {
                members[..i].iter().any(|(earlier, _)| earlier == name) || value.has_a_member_twice()
            }),
            _ => false,
        }
    }

    /// The value and all in it, outermost first.
    fn count(&self) -> usize {
        1 + match self {
            Array(items) => items.iter().map(Json::count).sum(),
            Object(members) => members.iter().map(|(_, value)| value.count()).sum(),
            _ => 0,
        }
    }

    fn nth(&mut self, n: &mut usize) -> Option<&mut Json> {
        if *n == 0 {
            return Some(self);
        }
        *n -= 1;
        match self {
            Array(items) => items.iter_mut().find_map(|item| item.nth(n)),
            Object(members) => members.iter_mut().find_map(|(_, value)| value.nth(n)),
            _ => None,
        }
    }
}

fn strings(pool: &[&str]) -> BoxedStrategy<Json> {
    let pool: Vec<_> = pool.iter().map(|it| text(it)).collect();
    select(pool).boxed()
}

fn numbers(pool: Vec<String>) -> BoxedStrategy<Json> {
    select(pool).prop_map(Number).boxed()
}

fn integers(min: i128, max: i128, stray: u32) -> BoxedStrategy<Json> {
    let inside = [
        format!("{min}"),
        format!("{max}"),
        format!("{min}.0"),
        format!("{max}.000"),
        format!("{max}0e-1"),
        format!("0.{max}e{}", max.to_string().len()),
    ];
    let plain = ["0", "1", "-0", "0.0", "-0.0e5", "1.0", "1e2", "1E+1", "120e-1", "0e999999999999999999999", "7"];
    let outside = [
        format!("{}", min - 1),
        format!("{}", max + 1),
        format!("{}.0", max + 1),
        format!("{max}.5"),
        format!("{max}.00000000000000000000001"),
        format!("{min}.5"),
        format!("{max}0"),
        format!("{max}e1"),
    ];
    let odd = ["0.5", "-1", "1e-1", "1e400", "-1e400", "1e-400", "1e99999999999999999999", "9007199254740993", "1e20"];
    prop_oneof![
        5 => numbers(inside.to_vec()),
        6 => numbers(plain.map(String::from).to_vec()),
        stray => numbers(outside.to_vec()),
        stray => numbers(odd.map(String::from).to_vec()),
    ]
    .boxed()
}

fn floats(max: f64, stray: u32) -> BoxedStrategy<Json> {
    let plain = ["0", "-0.0", "1.5", "1e3", "-12.25E-2", "1e-400", "5e-324", "1.17549435e-38", "16777217", "0.1"];
    let exact = format!("{max:.0}");
    let edge = [format!("{max:?}"), format!("-{max:?}")];
    // Above the greatest `f64` by less than half of its last digit, where that is written with the digits that it needs.
    let outside = [
        exact.clone(),
        format!("-{exact}"),
        format!("{exact}0"),
        "1e400".into(),
        "-1e400".into(),
        "1e99999999999999999999".into(),
    ];
    let close = [
        "3.4028235e38",
        "3.4028236e38",
        "3.40282346638528859811704183484516925441e38",
        "-3.4028235677973366e38",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "-1.7976931348623158e308",
    ];
    prop_oneof![
        8 => numbers(plain.map(String::from).to_vec()),
        3 => numbers(edge.to_vec()),
        stray => numbers(outside.to_vec()),
        stray => numbers(close.map(String::from).to_vec()),
    ]
    .boxed()
}

fn scalars(name: &str, stray: u32) -> BoxedStrategy<Json> {
    match name {
        "bool" => any::<bool>().prop_map(Bool).boxed(),
        "u8" => integers(0, u8::MAX.into(), stray),
        "u16" => integers(0, u16::MAX.into(), stray),
        "u32" => integers(0, u32::MAX.into(), stray),
        "u64" => integers(0, u64::MAX.into(), stray),
        "s8" => integers(i8::MIN.into(), i8::MAX.into(), stray),
        "s16" => integers(i16::MIN.into(), i16::MAX.into(), stray),
        "s32" => integers(i32::MIN.into(), i32::MAX.into(), stray),
        "s64" => integers(i64::MIN.into(), i64::MAX.into(), stray),
        "f32" => floats(f32::MAX.into(), stray),
        "f64" => floats(f64::MAX, stray),
        "char" => prop_oneof![
            7 => strings(&["a", "é", "😀", "\0", "\"", "\\", "\u{10ffff}", "\u{301}", "\u{d7ff}", "\u{fffe}"]),
            stray => strings(&["", "ab", "e\u{301}", "👨‍👩‍👧", "😀😀", "\r\n"]),
        ]
        .boxed(),
        _ => prop_oneof![strings(&["", "a", "😀", "null", "1", "\u{0}\u{1f}\u{7f}"]), ".{0,8}".prop_map(Json::String)]
            .boxed(),
    }
}

fn base64(stray: u32) -> BoxedStrategy<Json> {
    prop_oneof![
        6 => strings(&["", "AA==", "AAA=", "AAAA", "+/+/", "QUJDRA==", "Zm9vYmFy"]),
        stray => strings(&[
            "A", "AA", "AA=", "AAA", "A===", "AB==", "AAB=", "AA==\n", "\nAA==", "-_-_", " AAAA", "AAAA====", "====",
            "AA==AAAA", "ééé", "AAAAA", "AA\r\nAA", "=AAA",
        ]),
    ]
    .boxed()
}

/// Values that the type takes, but for leaves, which now and then it does not.
pub fn near(ty: &Ty) -> BoxedStrategy<Json> {
    tree(ty, 1)
}

/// Values that the type takes, in all spellings.
pub fn within(ty: &Ty) -> BoxedStrategy<Json> {
    tree(ty, 0)
}

/// `stray` is the weight of leaves that the type does not take.
fn tree(ty: &Ty, stray: u32) -> BoxedStrategy<Json> {
    if let Some(kept) = ty.kept() {
        let without = tree(&kept.ty, stray);
        let near = keywords::near(kept, stray, without);
        return if ty.is_option() { prop_oneof![1 => Just(Null), 4 => near].boxed() } else { near };
    }
    let near = |ty: &Ty| tree(ty, stray);
    if ty.is_bytes() {
        return base64(stray);
    }
    match ty.resolved() {
        Ty::Scalar(name) => scalars(name, stray),
        Ty::List(item) => prop::collection::vec(near(item), 0..4).prop_map(Array).boxed(),
        Ty::FixedList(item, len) => prop::collection::vec(near(item), *len).prop_map(Array).boxed(),
        Ty::Tuple(items) => items.iter().map(&near).collect::<Vec<_>>().prop_map(Array).boxed(),
        Ty::Option(some) if some.is_option() => {
            prop_oneof![1 => Just(Null), 3 => near(some).prop_map(|value| object([("some", value)]))].boxed()
        }
        Ty::Option(some) => prop_oneof![1 => Just(Null), 3 => near(some)].boxed(),
        Ty::Result(ok, err) => {
            let arm = |name: &'static str, ty: &Option<Box<Ty>>| {
                let value = ty.as_ref().map_or(Just(Null).boxed(), |ty| near(ty));
                value.prop_map(move |value| object([(name, value)]))
            };
            prop_oneof![arm("ok", ok), arm("err", err)].boxed()
        }
        Ty::Map("string", value) => {
            let entries = prop::collection::btree_map("[a-c😀\"]{0,2}", near(value), 0..3);
            entries.prop_map(|entries| Object(entries.into_iter().collect())).boxed()
        }
        Ty::Map(key, value) => {
            let pair = (scalars(key, stray), near(value)).prop_map(|(key, value)| Array(vec![key, value]));
            prop::collection::vec(pair, 0..3).prop_map(Array).boxed()
        }
        Ty::Record(_, members) => {
            let member = |(name, ty): &(&str, Ty)| {
                let name = name.replace('-', "_").to_ascii_lowercase();
                let value = near(ty).prop_map(move |value| Some((name.clone(), value)));
                if ty.is_optional() { prop_oneof![3 => value, 1 => Just(None)].boxed() } else { value.boxed() }
            };
            let members: Vec<_> = members.iter().map(member).collect();
            members.prop_map(|members| Object(members.into_iter().flatten().collect())).boxed()
        }
        Ty::Variant(_, cases) => {
            let tagged = cases.iter().any(|(_, ty)| ty.is_some());
            let case = |(name, ty): &(&'static str, Option<Ty>)| match (*name, ty) {
                (name, _) if !tagged => Just(text(name)).boxed(),
                (name, None) => Just(object([("tag", text(name))])).boxed(),
                (name, Some(ty)) => {
                    let whole = near(ty).prop_map(move |value| object([("tag", text(name)), ("val", value)]));
                    if ty.is_option() {
                        prop_oneof![3 => whole, 1 => Just(object([("tag", text(name))]))].boxed()
                    } else {
                        whole.boxed()
                    }
                }
            };
            prop::strategy::Union::new(cases.iter().map(case)).boxed()
        }
        Ty::Enum(_, cases) => prop_oneof![9 => strings(cases), stray => strings(&CASES)].boxed(),
        Ty::Flags(_, cases) => {
            let some = prop::sample::subsequence(cases.clone(), 0..=cases.len()).prop_shuffle();
            some.prop_map(|cases| Array(cases.into_iter().map(text).collect())).boxed()
        }
        Ty::Alias(..) | Ty::Kept(_) => unreachable!("it is resolved"),
    }
}

/// JSON of no type in particular.
pub fn anything() -> BoxedStrategy<Json> {
    let deep = |depth| (0..depth).fold(Null, |inner, _| Array(vec![inner]));
    let odd = vec![
        Null,
        Bool(true),
        text(""),
        text("a"),
        text("1"),
        Array(vec![]),
        object([]),
        object([("some", Null)]),
        object([("ok", Null)]),
        object([("err", Null)]),
        object([("tag", text("a"))]),
        object([("val", Null), ("tag", text("b"))]),
        deep(90),
    ];
    let number = select(&["0", "1", "-1", "1.5", "256", "1e2", "4294967296", "18446744073709551616", "1e999"][..]);
    let leaf = prop_oneof![select(odd), number.prop_map(|it| Number(it.to_owned()))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Array),
            prop::collection::btree_map(member(), inner, 0..3)
                .prop_map(|members| Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

fn member() -> impl Strategy<Value = String> {
    select(&MEMBERS[..]).prop_map(String::from)
}

/// Something that goes wrong with the value at an index.
#[derive(Debug, Clone)]
pub enum Mishap {
    Replaced(Json),
    Added(String, Json),
    ChildLost(Index),
    ChildTwice(Index),
    MemberTwice(Index),
    Renamed(Index, fn(&str) -> String),
    Wrapped(Option<&'static str>),
    Unwrapped,
    Reversed,
    Respelt(&'static str),
}

pub fn mishap() -> impl Strategy<Value = (Index, Mishap)> {
    let spellings: [fn(&str) -> String; 4] = [
        |name| name.to_uppercase(),
        |name| name.replace('_', "-"),
        |name| format!("{name} "),
        |name| name.replace('_', ""),
    ];
    let child = any::<Index>;
    let kind = prop_oneof![
        3 => anything().prop_map(Mishap::Replaced),
        2 => (member(), anything()).prop_map(|(name, value)| Mishap::Added(name, value)),
        2 => child().prop_map(Mishap::ChildLost),
        2 => child().prop_map(Mishap::ChildTwice),
        1 => child().prop_map(Mishap::MemberTwice),
        1 => (child(), select(spellings.to_vec())).prop_map(|(child, spelling)| Mishap::Renamed(child, spelling)),
        1 => select(vec![None, Some("some"), Some("ok"), Some("val")]).prop_map(Mishap::Wrapped),
        1 => Just(Mishap::Unwrapped),
        2 => Just(Mishap::Reversed),
        2 => select(vec![".0", ".5", "e0", "e1", "0e-1", "e-1", "00"]).prop_map(Mishap::Respelt),
    ];
    (any::<Index>(), kind)
}

impl Json {
    pub fn after(mut self, mishaps: Vec<(Index, Mishap)>) -> Json {
        for (index, mishap) in mishaps {
            let mut n = index.index(self.count());
            mishap.befall(self.nth(&mut n).expect("it was counted"));
        }
        self
    }
}

impl Mishap {
    fn befall(self, value: &mut Json) {
        match (self, value) {
            (Mishap::Replaced(with), value) => *value = with,
            (Mishap::Added(name, added), Object(members)) if members.iter().all(|(known, _)| *known != name) => {
                members.push((name, added));
            }
            (Mishap::Added(_, added), Array(items)) => items.push(added),
            (Mishap::ChildLost(child), Object(members)) if !members.is_empty() => {
                members.remove(child.index(members.len()));
            }
            (Mishap::ChildLost(child), Array(items)) if !items.is_empty() => {
                items.remove(child.index(items.len()));
            }
            (Mishap::ChildTwice(child), Array(items)) if !items.is_empty() => {
                items.push(items[child.index(items.len())].clone());
            }
            (Mishap::ChildTwice(child), Object(members)) if !members.is_empty() => {
                let i = child.index(members.len());
                let to = (i + 1) % members.len();
                members[to].1 = members[i].1.clone();
            }
            (Mishap::MemberTwice(child), Object(members)) if !members.is_empty() => {
                members.push(members[child.index(members.len())].clone());
            }
            (Mishap::Renamed(child, spelling), Object(members)) if !members.is_empty() => {
                let i = child.index(members.len());
                let name = spelling(&members[i].0);
                if members.iter().all(|(known, _)| *known != name) {
                    members[i].0 = name;
                }
            }
            (Mishap::Wrapped(None), value) => *value = Array(vec![value.clone()]),
            (Mishap::Wrapped(Some(name)), value) => *value = object([(name, value.clone())]),
            (Mishap::Unwrapped, value @ (Array(_) | Object(_))) => {
                let first = match value {
                    Array(items) => items.first().cloned(),
                    Object(members) => members.first().map(|(_, value)| value.clone()),
                    _ => None,
                };
                *value = first.unwrap_or(Null);
            }
            (Mishap::Reversed, Array(items)) => items.reverse(),
            (Mishap::Reversed, Object(members)) => members.reverse(),
            (Mishap::Respelt(ending), Number(number)) => {
                let respelt = format!("{number}{ending}");
                if serde_json::from_str::<serde_json::Value>(&respelt).is_ok() {
                    *number = respelt;
                }
            }
            (Mishap::Respelt(ending), Json::String(text)) => text.push_str(ending),
            _ => {}
        }
    }
}
