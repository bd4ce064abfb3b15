//! The section `witapi:wit`: what the author's text adds to a component, and that it may not contradict it.

use serde_json::Value;
use witapi_tests::{
    cli::{self, Folder, refusal},
    dummy_component, fixture, host, with_wit,
};

/// What all tests here begin with: a record, an enum, a variant, a result.
const SHOP: &str = "package a:shop@1.0.0;

/// A shop.
/// It has two lines.
interface items {
    /// Something for sale.
    record item {
        /// Its number.
        sku: string,
        /// How many there are.
        stock: option<u32>,
        kind: kind,
    }
    /// What it is.
    enum kind {
        /// Something to read.
        book,
        cup,
    }
    /// Why there is none.
    variant error {
        /// No such thing.
        not-found(string),
        /// Not now.
        unavailable,
    }
    /// How it is packed.
    flags packing {
        /// In paper.
        gift,
    }
    /// An amount.
    type cents = u64;

    /// Get an item
    ///
    /// With *all* there is to know.
    ///
    /// And more.
    get-item: func(id: u32, verbose: option<bool>) -> result<item, error>;
    /// Buy
    buy: func(items: list<tuple<string, u8>>, packing: packing) -> result<cents, error>;
}

world shop {
    export items;
}
";

/// The component of `SHOP`, without any text in it.
fn shop() -> Vec<u8> {
    dummy_component(SHOP)
}

#[test]
fn without_embedded_wit_there_is_no_documentation() {
    let document = cli::document(&shop());
    let operation = &document["paths"]["/items/{id}"]["get"];
    assert_eq!(operation["operationId"], "it_items_get_item");
    assert_eq!(operation["summary"], "Get item");
    assert!(operation["description"].as_str().is_some_and(|it| it.starts_with("The function `get-item` of `")));
    assert_eq!(document["components"]["schemas"]["Item"]["description"], Value::Null);
}

#[test]
fn documentation_of_every_item_is_in_the_document() {
    let document = cli::document(&with_wit(&shop(), SHOP));
    let operation = &document["paths"]["/items/{id}"]["get"];
    assert_eq!(operation["summary"], "Get an item");
    assert_eq!(operation["description"], "With *all* there is to know.\n\nAnd more.");
    assert_eq!(document["paths"]["/items/buy"]["post"]["summary"], "Buy");
    assert_eq!(document["tags"][0]["description"], "A shop.\nIt has two lines.");
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Item"]["description"], "Something for sale.");
    assert_eq!(schemas["Item"]["properties"]["sku"]["description"], "Its number.");
    assert_eq!(schemas["Item"]["properties"]["stock"]["description"], "How many there are.");
    assert_eq!(schemas["Kind"]["description"], "What it is.\n\n- `book`: Something to read.");
    assert_eq!(schemas["Error"]["description"], "Why there is none.");
    assert_eq!(schemas["ErrorNotFound"]["description"], "No such thing.");
    assert!(schemas["Packing"].to_string().contains("How it is packed."));
    assert!(schemas["Packing"].to_string().contains("In paper."));
    // An alias is no type of the component; in the text it has its name and its words.
    assert_eq!(schemas["Cents"]["description"], "An amount.");
}

#[tokio::test]
async fn the_text_may_stand_on_a_core_module_within() {
    let zoo = std::fs::read(fixture("zoo")).expect("a component");
    let outermost = cli::sections(&zoo);
    assert!(outermost.iter().all(|(_, name)| name != "witapi:wit"), "the SDK puts it into the module: {outermost:?}");
    let host = host().fixture("zoo").start().await;
    let document = host.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/echo/number"]["post"]["summary"], "A sole scalar is a member of the body.");
    // From another package.
    assert_eq!(document["components"]["schemas"]["Distance"]["description"], "How far away something is.");
    assert_eq!(document["components"]["schemas"]["Metres"]["description"], "A length in metres.");
}

#[test]
fn the_outermost_text_is_the_authors_last_word() {
    let zoo = std::fs::read(fixture("zoo")).expect("a component");
    let folder = Folder::new();
    folder.write("zoo.wasm", &zoo);
    let wit = witapi_tests::root().join("tests/fixtures/zoo/wit");
    for (file, to) in [("zoo.wit", "wit/zoo.wit"), ("deps/units/units.wit", "wit/deps/units/units.wit")] {
        let text = std::fs::read_to_string(wit.join(file)).expect("WIT");
        folder.write(
            to,
            text.replace("A sole scalar is a member of the body.", "Changed.")
                .replace("zoo/{animal-name}/name", "animals/{animal-name}"),
        );
    }
    folder.run(["embed", "zoo.wasm", "--wit", "wit"]).printed();
    let document = cli::document(&std::fs::read(folder.path("zoo.wasm")).expect("a component"));
    assert_eq!(document["paths"]["/echo/number"]["post"]["summary"], "Changed.");
    assert!(document["paths"]["/animals/{animal_name}"]["get"].is_object());
    assert!(document["paths"]["/zoo/{animal_name}/name"].is_null());
}

#[test]
fn an_external_id_of_the_text_is_a_route() {
    let text = SHOP.replace("get-item: func", "@external-id(\"GET /stock/{id} 203\") get-item: func");
    assert_eq!(cli::routes(&with_wit(&shop(), &text)), ["GET /stock/{id} 203", "POST /items/buy 200"]);
    // The text's word counts, as it does for documentation.
    let component = dummy_component(&text.replace("/stock", "/store"));
    assert_eq!(cli::routes(&component)[0], "GET /store/{id} 203");
    assert_eq!(cli::routes(&with_wit(&component, &text))[0], "GET /stock/{id} 203");
}

#[test]
fn contradicting_wit_is_rejected_with_the_item() {
    for (from, to, item, found) in [
        (
            "stock: option<u32>",
            "stock: option<u16>",
            "function `get-item` of interface `items`, result.ok.stock",
            "`u32` in the component, but `u16`",
        ),
        ("stock: option<u32>", "stock: u32", "result.ok.stock", "`option<u32>` in the component, but `u32`"),
        (
            "stock: option<u32>",
            "shelf: option<u32>",
            "result.ok",
            "`sku, stock, kind` in the component, but `sku, shelf, kind`",
        ),
        ("kind: kind,", "", "result.ok", "`sku, stock, kind` in the component, but `sku, stock`"),
        ("        cup,", "", "result.ok.kind", "`book, cup` in the component, but `book`"),
        ("        cup,", "        mug,", "result.ok.kind", "`book, cup` in the component, but `book, mug`"),
        ("not-found(string)", "not-found(u8)", "result.err.not-found", "`string` in the component, but `u8`"),
        ("not-found(string)", "not-found", "result.err.not-found", "`string` in the component, but `no value`"),
        ("unavailable,", "unavailable(u8),", "result.err.unavailable", "`no value` in the component, but `u8`"),
        (
            "type cents = u64",
            "type cents = u32",
            "function `buy` of interface `items`, result.ok",
            "`u64` in the component, but `u32`",
        ),
        (
            "tuple<string, u8>",
            "tuple<string, u8, u8>",
            "function `buy` of interface `items`, parameter items[]",
            "`tuple<string, u8>`",
        ),
        ("tuple<string, u8>", "tuple<string, s8>", "parameter items[][1]", "`u8` in the component, but `s8`"),
        ("list<tuple<string, u8>>", "list<tuple<string, u8>, 2>", "parameter items", "`list<tuple<string, u8>, 2>`"),
        ("gift,", "gift, fragile,", "parameter packing", "`gift` in the component, but `gift, fragile`"),
        (
            "packing: packing)",
            "wrapping: packing)",
            "function `buy` of interface `items`, parameters",
            "`items, packing` in the component, but `items, wrapping`",
        ),
        (
            "id: u32, verbose: option<bool>",
            "id: u32",
            "function `get-item` of interface `items`, parameters",
            "`id, verbose` in the component, but `id`",
        ),
        ("-> result<item, error>", "-> item", "function `get-item` of interface `items`, result", "but `record item`"),
        ("-> result<item, error>", "", "function `get-item` of interface `items`, result", "but `no value`"),
        (
            "buy: func",
            "sell: func",
            "function `buy` of interface `items`",
            "it in the component, but not in the embedded WIT",
        ),
        (
            "buy: func",
            "sell: func",
            "function `sell` of interface `items`",
            "it in the embedded WIT, but not in the component",
        ),
    ] {
        let text = SHOP.replace(from, to);
        assert_ne!(text, SHOP, "{from} is not in the WIT");
        let message = refusal(&with_wit(&shop(), &text));
        for part in [item, found, "embed"] {
            assert!(message.contains(part), "{to}: no {part:?} in {message}");
        }
    }
}

#[test]
fn an_async_function_matches_its_text() {
    let text = SHOP.replace("buy: func", "buy: async func");
    let message = refusal(&with_wit(&shop(), &text));
    assert!(message.contains("function `buy` of interface `items`") && message.contains("async"), "{message}");
}

#[test]
fn unrelated_wit_is_rejected() {
    // Nothing in it is in the component: someone embedded the wrong WIT.
    for other in ["a:store@1.0.0", "a:shop@2.0.0", "a:shop"] {
        let message = refusal(&with_wit(&shop(), &SHOP.replace("a:shop@1.0.0", other)));
        let expected = format!("found the package `{other}`, which has none of the component's operations");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn a_text_that_is_no_wit_is_refused_with_its_line() {
    let message = refusal(&with_wit(&shop(), &SHOP.replace("stock: option<u32>", "stock: option<")));
    assert!(
        message.contains("the section `witapi:wit`: expected ") && message.contains("found WIT that does not parse"),
        "{message}"
    );
    assert!(message.contains("embedded.wit:11:"), "no line in {message}");
    let message = refusal(&with_wit(&shop(), ""));
    assert!(message.contains("the section `witapi:wit`"), "{message}");

    let mut broken = with_wit(&shop(), "// #");
    *broken.last_mut().expect("a last byte") = 0xff;
    assert!(
        refusal(&broken).contains("the section `witapi:wit`: expected ")
            && refusal(&broken).contains("found bytes that are not text")
    );
    let large = refusal(&with_wit(&shop(), &" ".repeat((4 << 20) + 1)));
    assert!(
        large.contains("the section `witapi:wit`: expected at most 4194304 bytes of WIT, found 4194305 bytes"),
        "{large}"
    );
    let deep = format!("package a:b; interface i {{ type t = {}u8{}; }}", "list<".repeat(100_000), ">".repeat(100_000));
    assert!(refusal(&with_wit(&shop(), &deep)).contains("the section `witapi:wit`"));
}

#[tokio::test]
async fn a_plugin_with_contradicting_wit_does_not_load() {
    let folder = Folder::new();
    let file = folder.write("shop.wasm", with_wit(&shop(), &SHOP.replace("option<u32>", "u32")));
    let host = host().component("shop", file).start().await;
    let status = host.status("shop").await;
    assert_eq!(status["state"], "failed");
    let reason = status["failure"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("function `get-item` of interface `items`, result.ok.stock"), "{reason}");
    assert!(host.printed.contains("shop failed to load: "), "{}", host.printed);
    assert_eq!(host.get("/items/1").await.status, 404);
}
