//! Values that are lowered straight into a guest's memory and lifted straight from there, against values as wasmtime passes
//! them: the same answers to the same requests, for types and values by chance (`WITAPI_SEED` and `WITAPI_CASES` as for the
//! module `acceptance`).
//!
//! Each contract is served twice. The second time it has an `async` function beside the others, and what uses
//! component-model async is called by wasmtime's own values. Strings are in one of the three encodings. The guest gives back its parameters as they stand in its
//! memory, or where they are passed by value, those values.

use proptest::prelude::*;
use wit_component::StringEncoding;
use wit_parser::{
    Mangling, Resolve, WorldItem,
    abi::{AbiVariant, WasmType},
};
use witapi_tests::{Host, host, with_wit};

use crate::acceptance::{
    body_strategy,
    chance::{Chance, seeds},
    types::{self, Definitions, Ty},
    values,
};

const FUNCTIONS: usize = 20;
const CASES_OF_A_FUNCTION: usize = 10;

/// How many contracts one host serves.
const CONTRACTS_OF_A_HOST: usize = 10;

/// How parameters are passed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Passing {
    /// By the address of where they stand in memory; the function returns what stands there.
    InMemory,
    /// By value; the function returns each core value as its bits. Every allocation is at the same address, so that
    /// addresses are alike in whichever order lists are allocated.
    ByValue,
}

/// The types of the functions of one contract.
fn parameters(chance: &mut Chance, passing: Passing) -> Vec<Ty> {
    // More core values than are passed by value.
    let many = Ty::Tuple(vec![Ty::Scalar("u8"); 17]);
    // A sole list of bytes is no JSON but the bytes themselves.
    let strategy = types::any_type().prop_filter("JSON", |ty| !ty.is_bytes());
    std::iter::repeat_with(|| chance.take(&strategy))
        .map(|ty| if passing == Passing::InMemory { Ty::Tuple(vec![ty, many.clone()]) } else { ty })
        .filter(|ty| passing == Passing::InMemory || is_by_value(ty))
        .take(FUNCTIONS)
        .collect()
}

fn is_by_value(ty: &Ty) -> bool {
    let text = wit("p", std::slice::from_ref(ty), Passing::ByValue, false);
    let (resolve, world) = resolved(&text);
    functions(&resolve, world)
        .all(|(_, function)| !resolve.wasm_signature(AbiVariant::GuestExport, function).indirect_params)
}

fn wit(name: &str, types: &[Ty], passing: Passing, is_async: bool) -> String {
    let mut definitions = Definitions::default();
    let mut functions = String::new();
    for (i, ty) in types.iter().enumerate() {
        let param = definitions.refer(ty);
        let result = if passing == Passing::InMemory { param.as_str() } else { "list<u64>" };
        functions.push_str(&format!("  f{i}: func(value: {param}) -> {result};\n"));
    }
    if is_async {
        functions.push_str("  wait: async func();\n");
    }
    format!("package test:{name};\n{}world w {{ export {name}; }}\n", definitions.interface(name, &functions))
}

fn resolved(text: &str) -> (Resolve, wit_parser::WorldId) {
    let mut resolve = Resolve { all_features: true, ..Default::default() };
    let package = resolve.push_source("direct.wit", text).unwrap_or_else(|error| panic!("{error:#} in\n{text}"));
    let world = resolve.select_world(&[package], None).expect("one world");
    (resolve, world)
}

/// The functions that the world exports, with the names of their interfaces.
fn functions(
    resolve: &Resolve,
    world: wit_parser::WorldId,
) -> impl Iterator<Item = (&wit_parser::WorldKey, &wit_parser::Function)> {
    resolve.worlds[world].exports.iter().flat_map(|(key, item)| {
        let WorldItem::Interface { id, .. } = item else { panic!("an interface") };
        resolve.interfaces[*id].functions.values().map(move |function| (key, function))
    })
}

/// A component with the exports of the world, which do what `passing` says.
fn component(text: &str, passing: Passing, encoding: StringEncoding) -> Vec<u8> {
    let (resolve, world) = resolved(text);
    let mut module =
        String::from("(module\n(memory (export \"memory\") 64)\n(global $next (mut i32) (i32.const 65536))\n");
    module.push_str("(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (local i32)\n");
    module.push_str(match passing {
        Passing::InMemory => {
            // What is there is moved: strings that are encoded anew grow and shrink.
            "(local.set 4 (i32.and (i32.sub (i32.add (global.get $next) (local.get 2)) (i32.const 1))
                                   (i32.sub (i32.const 0) (local.get 2))))
             (global.set $next (i32.add (local.get 4) (local.get 3)))
             (memory.copy (local.get 4) (local.get 0)
                (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
             local.get 4)\n"
        }
        Passing::ByValue => "(i32.const 65536))\n",
    });
    for (interface, function) in functions(&resolve, world) {
        let name = function.core_export_name(Some(&resolve.name_world_key(interface)), Mangling::Legacy);
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
        module.push_str(&format!("(func (export \"{name}\")"));
        if signature.results.is_empty() {
            module.push_str(")\n");
            continue;
        }
        if signature.indirect_params {
            module.push_str(" (param i32) (result i32) local.get 0)\n");
            continue;
        }
        let mut code = String::new();
        for (i, ty) in signature.params.iter().enumerate() {
            let (ty, bits) = match ty {
                WasmType::I32 | WasmType::Pointer | WasmType::Length => ("i32", "i64.extend_i32_u"),
                WasmType::F32 => ("f32", "i32.reinterpret_f32 i64.extend_i32_u"),
                WasmType::I64 | WasmType::PointerOrI64 => ("i64", ""),
                WasmType::F64 => ("f64", "i64.reinterpret_f64"),
            };
            module.push_str(&format!(" (param {ty})"));
            code.push_str(&format!("  i32.const {} local.get {i} {bits} i64.store\n", 1024 + 8 * i));
        }
        let count = signature.params.len();
        module.push_str(&format!(
            " (result i32)\n{code}  (i32.store (i32.const 16) (i32.const 1024))
              (i32.store (i32.const 20) (i32.const {count}))\n  i32.const 16)\n"
        ));
    }
    let mut module = wat::parse_str(module + ")").expect("a module");
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).expect("metadata");
    let encoder = wit_component::ComponentEncoder::default().module(&module).expect("a module");
    with_wit(&encoder.validate(true).encode().expect("a component"), text)
}

/// How many requests were answered by the guest, and how many were refused.
#[derive(Default)]
struct Seen {
    accepted: usize,
    refused: usize,
}

async fn contracts_are_answered_alike(passing: Passing) {
    let (mut seen, mut differences) = (Seen::default(), vec![]);
    for seeds in seeds(FUNCTIONS * CASES_OF_A_FUNCTION).chunks(CONTRACTS_OF_A_HOST) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut setup = host();
        let mut contracts = vec![];
        for seed in seeds {
            let mut chance = Chance::new(*seed);
            let types = parameters(&mut chance, passing);
            let encodings = [StringEncoding::UTF8, StringEncoding::UTF16, StringEncoding::CompactUTF16];
            let encoding = encodings[(*seed % 3) as usize];
            for (name, is_async) in [(format!("direct{seed}"), false), (format!("values{seed}"), true)] {
                let file = folder.path().join(format!("{name}.wasm"));
                let text = wit(&name, &types, passing, is_async);
                std::fs::write(&file, component(&text, passing, encoding)).expect("a component");
                setup = setup.component(&name, file);
            }
            contracts.push((*seed, chance, types));
        }
        let host = setup.start().await;
        for (seed, mut chance, types) in contracts {
            for name in [format!("direct{seed}"), format!("values{seed}")] {
                let status = host.status(&name).await;
                assert_eq!(status["state"], "serving", "{status:#}");
            }
            for (i, ty) in types.iter().enumerate() {
                let body = match ty.is_whole_body() {
                    true => ty.clone(),
                    false => Ty::Record("body", vec![("value", ty.clone())]),
                };
                let fits = (values::within(&body), Just(false));
                let strategy = prop_oneof![1 => fits, 1 => body_strategy(&body)];
                for _ in 0..CASES_OF_A_FUNCTION {
                    let (value, escapes) = chance.take(&strategy);
                    let text = value.write(escapes);
                    if let Some(difference) = difference(&host, seed, i, &text, &mut seen).await {
                        differences.push(format!("WITAPI_SEED={seed} WITAPI_CASES=1\n{difference}"));
                    }
                }
            }
        }
    }
    println!("total: {passing:?}: {} accepted, {} refused, {} differ", seen.accepted, seen.refused, differences.len());
    differences.sort_by_key(String::len);
    differences.truncate(5);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(seen.accepted * 5 > seen.refused && seen.refused * 5 > seen.accepted, "one-sided values");
}

async fn difference(host: &Host, seed: u64, function: usize, text: &str, seen: &mut Seen) -> Option<String> {
    let direct = host.post_text(&format!("/direct{seed}/f{function}"), text).await;
    let values = host.post_text(&format!("/values{seed}/f{function}"), text).await;
    match direct.status.as_u16() {
        200 => seen.accepted += 1,
        _ => seen.refused += 1,
    }
    let is_same = direct.status == values.status && direct.text() == values.text();
    let expected = matches!(direct.status.as_u16(), 200 | 400 | 422);
    (!is_same || !expected).then(|| {
        format!(
            "POST /direct{seed}/f{function} {text}\ndirect: {} {}\nvalues: {} {}\n{}",
            direct.status,
            direct.text(),
            values.status,
            values.text(),
            host.log.lines_with("status=500").join("\n")
        )
    })
}

#[tokio::test]
async fn values_in_memory_equal_those_of_wasmtime() {
    contracts_are_answered_alike(Passing::InMemory).await;
}

#[tokio::test]
async fn flat_arguments_equal_those_of_wasmtime() {
    contracts_are_answered_alike(Passing::ByValue).await;
}

#[tokio::test]
async fn arguments_that_exceed_any_instance_are_not_made() {
    let text = "package test:large;
        interface large { f: func(value: list<option<list<u64, 100000>>>); }
        world w { export large; }";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large.wasm");
    std::fs::write(&file, with_wit(&witapi_tests::dummy_component(text), text)).expect("a component");
    let host = host().component("large", file).start().await;
    // Each `null` would take 800 kB.
    let nulls = |count: usize| format!("[{}]", vec!["null"; count].join(","));
    let answer = host.post_text("/large/f", &nulls(100_000)).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    host.log.wait_for("`memory_mib` sets the limit").await;
    // Its faults are found nevertheless.
    let one_wrong = nulls(100_000).replacen("null]", "1]", 1);
    assert_eq!(host.post_text("/large/f", &one_wrong).await.faults(), ["body[99999] type"]);
    assert_eq!(host.get("/healthz").await.status, 200);
}
