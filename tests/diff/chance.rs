//! Contracts by chance, and what became of them: where nothing is said to break, samples that JSON Schema accepted before are
//! accepted after, and the other way round for answers. The schemas are the published ones, the judge is not the host.

use proptest::{prelude::*, sample::select};
use serde_json::Value;
use witapi_tests::{cli::Folder, dummy_component, with_wit};

use crate::acceptance::{
    chance::{Chance, seeds},
    oracle::{compiled, schema_accepts},
    types::{CASES, Definitions, MEMBERS, Ty, any_type, scalar},
    values::{near, within},
};

const FUNCTIONS: usize = 20;
const SAMPLES: usize = 25;

/// A function that takes and gives such a type.
fn function(definitions: &mut Definitions, name: &str, ty: &Ty) -> String {
    let answer = definitions.refer(&answer(ty));
    let function = definitions.function(name, &body(ty));
    function.replace(");\n", &format!(") -> {answer};\n"))
}

fn body(ty: &Ty) -> Vec<(&'static str, Ty)> {
    vec![("value", ty.clone()), ("has-more", Ty::Scalar("bool"))]
}

fn answer(ty: &Ty) -> Ty {
    Ty::Record("answer", vec![("value", ty.clone())])
}

fn contract(types: &[Ty]) -> String {
    let mut definitions = Definitions::default();
    let functions: String =
        types.iter().enumerate().map(|(i, ty)| function(&mut definitions, &format!("f{i}"), ty)).collect();
    format!("package a:b;\n{}world w {{ export things; }}\n", definitions.interface("things", &functions))
}

/// The type, changed in one place.
fn changed(ty: &Ty, chance: &mut Chance) -> Ty {
    let count = count(ty);
    let mut at = chance.take(&(0..count));
    at_node(ty, &mut at, chance)
}

fn count(ty: &Ty) -> usize {
    1 + match ty {
        Ty::Scalar(_) | Ty::Enum(..) | Ty::Flags(..) => 0,
        Ty::List(it) | Ty::FixedList(it, _) | Ty::Option(it) | Ty::Map(_, it) | Ty::Alias(_, it) => count(it),
        Ty::Tuple(items) => items.iter().map(count).sum(),
        Ty::Result(ok, err) => ok.iter().chain(err).map(|it| count(it)).sum(),
        Ty::Record(_, members) => members.iter().map(|(_, ty)| count(ty)).sum(),
        Ty::Variant(_, cases) => cases.iter().filter_map(|(_, ty)| ty.as_ref()).map(count).sum(),
        Ty::Kept(kept) => count(&kept.ty),
    }
}

fn at_node(ty: &Ty, at: &mut usize, chance: &mut Chance) -> Ty {
    if *at == 0 {
        *at = usize::MAX;
        return node(ty, chance);
    }
    if *at == usize::MAX {
        return ty.clone();
    }
    *at -= 1;
    let mut inner = |it: &Ty| at_node(it, at, chance);
    match ty {
        Ty::Scalar(_) | Ty::Enum(..) | Ty::Flags(..) => ty.clone(),
        Ty::List(it) => Ty::List(Box::new(inner(it))),
        Ty::FixedList(it, len) => Ty::FixedList(Box::new(inner(it)), *len),
        Ty::Option(it) => Ty::Option(Box::new(inner(it))),
        Ty::Map(key, it) => Ty::Map(key, Box::new(inner(it))),
        Ty::Alias(name, it) => Ty::Alias(name, Box::new(inner(it))),
        Ty::Tuple(items) => Ty::Tuple(items.iter().map(inner).collect()),
        Ty::Result(ok, err) => {
            let mut arm = |it: &Option<Box<Ty>>| it.as_ref().map(|it| Box::new(inner(it)));
            let ok = arm(ok);
            Ty::Result(ok, arm(err))
        }
        Ty::Record(name, members) => Ty::Record(name, members.iter().map(|(name, it)| (*name, inner(it))).collect()),
        Ty::Variant(name, cases) => {
            Ty::Variant(name, cases.iter().map(|(name, it)| (*name, it.as_ref().map(&mut inner))).collect())
        }
        // What keywords say would not fit a type that has changed.
        Ty::Kept(kept) => {
            let changed = inner(&kept.ty);
            if *at == usize::MAX { changed } else { ty.clone() }
        }
    }
}

/// A change of just this type.
fn node(ty: &Ty, chance: &mut Chance) -> Ty {
    let mut choice = chance.take(&(0..6usize));
    match ty {
        Ty::Kept(kept) if choice < 4 => {
            let mut kept = kept.clone();
            // An example or a default that fits the tighter rules fits the looser ones.
            if choice == 0 || !loosen(&mut kept.lines, chance) {
                return kept.ty;
            }
            return Ty::Kept(kept);
        }
        Ty::Record(name, members) if choice < 4 => {
            let mut members = members.clone();
            let free: Vec<_> = MEMBERS.into_iter().filter(|it| members.iter().all(|(name, _)| name != it)).collect();
            if choice < 2 && members.len() > 1 {
                members.remove(chance.take(&(0..members.len())));
            } else {
                let ty = chance.take(&scalar());
                let ty = if choice == 2 { ty } else { Ty::Option(Box::new(ty)) };
                members.push((chance.take(&select(free)), ty));
            }
            return Ty::Record(name, members);
        }
        Ty::Variant(name, cases) if choice < 4 => {
            let mut cases = cases.clone();
            let free: Vec<_> = CASES.into_iter().filter(|it| cases.iter().all(|(name, _)| name != it)).collect();
            match choice {
                0 if cases.len() > 1 => drop(cases.remove(chance.take(&(0..cases.len())))),
                1 => {
                    let i = chance.take(&(0..cases.len()));
                    cases[i].1 = if cases[i].1.is_some() { None } else { Some(chance.take(&scalar())) };
                }
                _ => cases.push((chance.take(&select(free)), None)),
            }
            return Ty::Variant(name, cases);
        }
        Ty::Enum(name, cases) | Ty::Flags(name, cases) if choice < 4 => {
            let mut cases = cases.clone();
            let free: Vec<_> = CASES.into_iter().filter(|it| !cases.contains(it)).collect();
            if (choice < 2 && cases.len() > 1) || free.is_empty() {
                cases.remove(chance.take(&(0..cases.len())));
            } else {
                cases.push(chance.take(&select(free)));
            }
            return if matches!(ty, Ty::Enum(..)) { Ty::Enum(name, cases) } else { Ty::Flags(name, cases) };
        }
        Ty::FixedList(item, _) if choice < 3 => return Ty::List(item.clone()),
        Ty::FixedList(item, len) if choice < 4 => return Ty::FixedList(item.clone(), len + 1),
        Ty::Option(some) if choice < 3 => return (**some).clone(),
        Ty::Scalar(_) if choice < 5 => return chance.take(&scalar()),
        Ty::Map(_, value) if choice < 2 => return Ty::Map("string", value.clone()),
        _ => {}
    }
    choice = chance.take(&(0..4usize));
    let plain = if let Ty::Kept(kept) = ty { kept.ty.clone() } else { ty.clone() };
    match choice {
        0 => chance.take(&scalar()),
        1 => Ty::List(Box::new(plain)),
        2 => Ty::Alias("order", Box::new(plain)),
        _ => Ty::Option(Box::new(plain)),
    }
}

/// Loosens one rule. `false` if none can be.
fn loosen(lines: &mut [String], chance: &mut Chance) -> bool {
    let bounds = [("max", 1), ("min", -1)];
    let loose = |line: &String| {
        let (keyword, number) = line.split_once(' ')?;
        let step = bounds.iter().find(|(start, _)| keyword.starts_with(start))?.1;
        let number = number.parse::<i64>().ok().filter(|number| (1..1_000).contains(number))?;
        Some(format!("{keyword} {}", number + step))
    };
    let loosened: Vec<_> = lines.iter().enumerate().filter_map(|(i, line)| Some((i, loose(line)?))).collect();
    if loosened.is_empty() {
        return false;
    }
    let (i, line) = loosened[chance.take(&(0..loosened.len()))].clone();
    lines[i] = line;
    true
}

/// The contract's document.
fn document(folder: &Folder, file: &str) -> Option<Value> {
    let ran = folder.ask(&["inspect", file, "--openapi"], b"");
    (ran.status == Some(0)).then(|| serde_json::from_str(&ran.stdout).expect("JSON"))
}

/// Objects in an answer have all of their members.
fn complete(schema: &mut Value) {
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        let names: Vec<Value> = members.keys().map(|name| name.as_str().into()).collect();
        // The payload of a case, which may not be there, is no member like others.
        if !names.contains(&"tag".into()) {
            schema["required"] = names.into();
        }
    }
    each(schema, complete);
}

/// A client passes over members that it does not know.
fn open(schema: &mut Value) {
    if schema.get("properties").is_some() && schema["additionalProperties"] == false {
        schema["additionalProperties"] = true.into();
    }
    each(schema, open);
}

fn each(value: &mut Value, change: fn(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Object(members) => members.values_mut().for_each(change),
        _ => {}
    }
}

#[derive(Default)]
struct Findings {
    compatible: usize,
    breaking: usize,
    /// Of those that break, how many a sample shows.
    shown: usize,
    wrong: Vec<String>,
}

#[test]
fn what_is_said_not_to_break_does_not() {
    let mut input = Findings::default();
    let mut output = Findings::default();
    for seed in seeds(FUNCTIONS * SAMPLES) {
        let mut chance = Chance::new(seed);
        let folder = Folder::new();
        let load = |name: &str, types: &[Ty]| {
            let text = contract(types);
            folder.write(name, with_wit(&dummy_component(&text), &text));
            document(&folder, name)
        };
        let mut pairs = vec![];
        for _ in 0..FUNCTIONS {
            let old = chance.take(&any_type());
            let mut new = changed(&old, &mut chance);
            if chance.take(&any::<bool>()) {
                new = changed(&new, &mut chance);
            }
            // What was loosened one way was tightened the other.
            let pair = if chance.take(&any::<bool>()) { (old, new) } else { (new, old) };
            // Some changes make keywords of what is around meaningless; such a contract does not load.
            if load("pair.wasm", &[pair.0.clone(), pair.1.clone()]).is_some() {
                pairs.push(pair);
            }
        }
        let (old, new): (Vec<Ty>, Vec<Ty>) = pairs.iter().cloned().unzip();
        let documents = [load("old.wasm", &old).expect("a contract"), load("new.wasm", &new).expect("a contract")];
        let ran = folder.ask(&["inspect", "--diff", "old.wasm", "new.wasm", "--json"], b"");
        let changes: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        for (i, (old, new)) in pairs.iter().enumerate() {
            let breaks = |place: &str| {
                changes["changes"].as_array().expect("changes").iter().any(|change| {
                    change["operation"] == format!("things/f{i}")
                        && change["breaks"] == true
                        && change["location"].as_str().is_some_and(|it| it.starts_with(place))
                })
            };
            let wit = || {
                format!(
                    "WITAPI_SEED={seed}, f{i}\n{}→\n{}",
                    contract(std::slice::from_ref(old)),
                    contract(std::slice::from_ref(new))
                )
            };
            let validator = |document: usize, pointer: &str, change: fn(&mut Value)| {
                let mut document = documents[document].clone();
                change(&mut document);
                let schema =
                    document.pointer(&format!("/paths/~1things~1f{i}/post/{pointer}/content/application~1json/schema"));
                compiled(&document, &schema.expect("a schema").clone())
            };
            let [before, after] = [0, 1].map(|it| validator(it, "requestBody", |_| {}));
            let bodies = Ty::Record("body", body(old));
            judge(&mut input, breaks("body"), &wit, || {
                let text = chance.take(&near(&bodies)).write(false);
                (schema_accepts(&before, &text) && !schema_accepts(&after, &text)).then_some(text)
            });
            let known = validator(0, "responses/200", open);
            let given = validator(1, "responses/200", complete);
            let answers = answer(new);
            judge(&mut output, breaks("answer"), &wit, || {
                let text = chance.take(&within(&answers)).write(false);
                (schema_accepts(&given, &text) && !schema_accepts(&known, &text)).then_some(text)
            });
        }
    }
    for (name, mut findings) in [("requests", input), ("answers", output)] {
        let Findings { compatible, breaking, shown, .. } = findings;
        println!(
            "total: diff of {name}: {compatible} compatible, {breaking} breaking, {shown} of these shown by a sample"
        );
        findings.wrong.sort_by_key(String::len);
        let wrong = findings.wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n\n");
        assert!(wrong.is_empty(), "{} are said to be compatible and are not\n{wrong}", findings.wrong.len());
        assert!(compatible * 5 > breaking && breaking * 5 > compatible, "one-sided changes");
        assert!(shown * 3 > breaking, "too much is said to break");
    }
}

/// Looks for a value that shows that the change breaks.
fn judge(findings: &mut Findings, breaks: bool, wit: &impl Fn() -> String, mut broken: impl FnMut() -> Option<String>) {
    let shown = (0..SAMPLES).find_map(|_| broken());
    match (breaks, shown) {
        (true, shown) => {
            findings.breaking += 1;
            findings.shown += usize::from(shown.is_some());
        }
        (false, None) => findings.compatible += 1,
        (false, Some(text)) => findings.wrong.push(format!("{text}\n{}", wit())),
    }
}
