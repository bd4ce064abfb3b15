//! Forms as browsers send them, in one line and in several parts, against an operation that gives back what it got.

use serde_json::{Value, json};
use witapi_tests::{Answer, Host, cli::Folder, dummy_component, host, send};

const URL_ENCODED: &str = "application/x-www-form-urlencoded";

async fn form(host: &Host, path: &str, body: &str) -> Answer {
    send(host.request("POST", path).header("content-type", URL_ENCODED).body(body.to_owned())).await
}

/// As Firefox and Chromium write it: dashes, digits or letters.
const BOUNDARY: &str = "----WebKitFormBoundaryQ3gCfKXJmYxX9b2R";

/// A part, and then what a browser puts around all of them.
fn field(name: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    part(&format!("form-data; name=\"{name}\""), "", value)
}

fn file(name: &str, file_name: &str, media_type: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let disposition = format!("form-data; name=\"{name}\"; filename=\"{file_name}\"");
    part(&disposition, &format!("Content-Type: {media_type}\r\n"), value)
}

fn part(disposition: &str, headers: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut part = format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{headers}\r\n").into_bytes();
    part.extend(value.as_ref());
    part.extend(b"\r\n");
    part
}

async fn multipart(host: &Host, path: &str, parts: impl IntoIterator<Item = Vec<u8>>) -> Answer {
    let mut body = parts.into_iter().collect::<Vec<_>>().concat();
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    send(host.request("POST", path).header("content-type", content_type).body(body)).await
}

#[track_caller]
fn malformed(answer: &Answer) -> String {
    let problem = answer.json();
    assert_eq!((answer.status.as_u16(), &problem["type"]), (400, &json!("/problems/malformed-body")), "{answer:?}");
    problem["detail"].as_str().expect("a detail").to_owned()
}

/// An order of which a form has only what it has to.
fn plain_order() -> Value {
    json!({
        "customer": "A B", "count": 2, "size": "small", "note": null, "age": null, "agreed": null, "second": null,
        "toppings": [], "tags": [], "numbers": [], "place": null, "stops": [], "payment": {"tag": "cash"},
        "corner": [1, -2], "maybe": null,
    })
}

const PLAIN_ORDER: &str = "customer=A+B&count=2&size=small&payment=%7B%22tag%22%3A%22cash%22%7D&corner=%5B1%2C-2%5D";

#[track_caller]
fn order(answer: &Answer, changes: Value) {
    let mut expected = plain_order();
    for (name, value) in changes.as_object().expect("an object") {
        expected[name] = value.clone();
    }
    assert_eq!((answer.status.as_u16(), answer.json()), (201, expected));
}

#[tokio::test]
async fn a_form_in_one_line_is_the_record() {
    let host = host().fixture("forms").start().await;
    order(&form(&host, "/forms/order", PLAIN_ORDER).await, json!({}));
    let all = format!(
        "{PLAIN_ORDER}&note=1%2B1%3D2%26c%0D%0A%C3%A9&age=42&agreed=true&second=large&toppings=ham&toppings=dark-olives\
         &tags=b&tags=&tags=a&numbers=3&numbers=1e1&place=%7B%22street%22%3A%22x%22%2C%22number%22%3A7%7D\
         &stops=%7B%22street%22%3A%22y%22%7D&stops=%7B%22street%22%3A%22z%22%7D&maybe=%7B%22some%22%3Anull%7D"
    );
    let stop = |street: &str| json!({"street": street, "number": null});
    order(
        &form(&host, "/forms/order", &all).await,
        json!({
            "note": "1+1=2&c\r\né", "age": 42, "agreed": true, "second": "large", "toppings": ["ham", "dark-olives"],
            "tags": ["b", "", "a"], "numbers": [3, 10], "place": {"street": "x", "number": 7},
            "stops": [stop("y"), stop("z")], "maybe": {"some": null},
        }),
    );
    // The whole list as one JSON text, too.
    let list = format!("{PLAIN_ORDER}&stops=%20%5B%7B%22street%22%3A%22y%22%7D%5D");
    order(&form(&host, "/forms/order", &list).await, json!({"stops": [stop("y")]}));
    // Any order, and a `;` is no separator.
    let answer = form(&host, "/forms/register", "photo=QQ%3D%3D&age=&name=a;b").await;
    assert_eq!(answer.json(), json!(["a;b", null, "QQ=="]));
}

#[tokio::test]
async fn a_blank_input_of_a_browser_is_none() {
    let host = host().fixture("forms").start().await;
    let blank = "age=&agreed=&second=&place=&maybe=null";
    order(&form(&host, "/forms/order", &format!("{PLAIN_ORDER}&{blank}")).await, json!({}));
    order(&form(&host, "/forms/order", &format!("{PLAIN_ORDER}&place=null")).await, json!({}));
    // An empty string is a string.
    order(&form(&host, "/forms/order", &format!("{PLAIN_ORDER}&note=")).await, json!({"note": ""}));
    // So is one that is left blank for a list of numbers or for flags: there are none.
    order(&form(&host, "/forms/order", &format!("{PLAIN_ORDER}&numbers=&toppings=&stops=")).await, json!({}));
    order(&form(&host, "/forms/order", &format!("{PLAIN_ORDER}&tags=")).await, json!({"tags": [""]}));
    let answer =
        form(&host, "/forms/order", &format!("{PLAIN_ORDER}&numbers=&numbers=1&age=&age=3").replace("=2", "=")).await;
    assert_eq!(answer.faults(), ["body.age duplicate", "body.count type", "body.numbers[0] type"]);
}

#[tokio::test]
async fn every_fault_of_a_form_is_told_at_once() {
    let host = host().fixture("forms").start().await;
    let answer = form(
        &host,
        "/forms/order",
        "count=-1&size=medium&toppings=ham&toppings=ham&toppings=x&numbers=1&numbers=x&age=256&age=1&agreed=on&other=1\
         &other=2&place=%7B%22number%22%3A-1%7D&stops=%7B&tags=%FF&corner=%5B1%5D&maybe=256&payment=cash",
    )
    .await;
    assert_eq!(
        answer.faults(),
        [
            "body.age duplicate",
            "body.agreed type",
            "body.corner length",
            "body.count minimum",
            "body.customer missing",
            "body.maybe type",
            "body.numbers[1] type",
            "body.other unknown_member",
            "body.payment json",
            "body.place.number minimum",
            "body.place.street missing",
            "body.size enum",
            "body.stops[0] json",
            "body.tags[0] utf8",
            "body.toppings[1] unique",
            "body.toppings[2] enum",
        ]
    );
    assert_eq!(answer.json()["errors"][0]["loc"], json!(["body", "other"]));
    // Missing members come last.
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors.as_array().and_then(|it| it.last()).map(|it| &it["type"]), Some(&json!("missing")));
    let nothing = form(&host, "/forms/register", "").await;
    assert_eq!(nothing.faults(), ["body.name missing", "body.photo missing"]);
    assert_eq!(form(&host, "/forms/note", "").await.text(), "null");
    assert_eq!(form(&host, "/forms/note", "&&text=a").await.text(), "\"a\"");
    assert_eq!(form(&host, "/forms/note", "text").await.text(), "\"\"");
    // Unknown names without end make an answer of bounded size.
    let many = (0..50_000).map(|i| format!("n{i}=&")).collect::<String>();
    let answer = form(&host, "/forms/note", &many).await;
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(1000));
    assert_eq!(answer.json()["detail"], "50000 errors, the first 1000 in `errors`.");
}

#[tokio::test]
async fn files_arrive_byte_by_byte() {
    let host = host().fixture("forms").start().await;
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n--\r\n------WebKit\r\n").collect();
    // Chromium: quotes of a file's name percent-encoded, everything else as UTF-8.
    let parts = [
        field("title", "Grüße\r\nzwei"),
        file("content", "a%22b; name=x.bin", "application/octet-stream", &bytes),
        file("picture", "Bildä.png", "image/png", [0x89, b'P', 0, 255]),
        file("attachments", "one.txt", "text/plain", "one"),
        file("attachments", "data.json", "application/json", "[1,2]"),
        file("attachments", "empty", "application/octet-stream", ""),
    ];
    let answer = multipart(&host, "/forms/upload", parts).await;
    let base64 = |bytes: &[u8]| Value::from(encoded(bytes));
    assert_eq!(
        answer.json(),
        json!({
            "title": "Grüße\r\nzwei",
            "content": base64(&bytes),
            "picture": base64(&[0x89, b'P', 0, 255]),
            "attachments": [base64(b"one"), base64(b"[1,2]"), ""],
        })
    );
    // A part without a file's name is its bytes too, and never base64.
    let answer = multipart(&host, "/forms/register", [field("name", "a"), field("photo", "QQ==")]).await;
    assert_eq!(answer.json(), json!(["a", null, base64(b"QQ==")]));
    // Curl leaves the quotes out where it can, and clients write header names in lower case.
    let bare = part("form-data; filename=x; name=photo", "content-type: image/png\r\n", "B");
    let answer = multipart(&host, "/forms/register", [bare, field("name", "a")]).await;
    assert_eq!(answer.json(), json!(["a", null, "Qg=="]));
}

/// Base64 as the host writes it, from its echo of bytes in JSON: independent of the host's own code.
fn encoded(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize] as char;
            text.push(if i <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[tokio::test]
async fn an_empty_file_input_is_no_file() {
    let host = host().fixture("forms").start().await;
    let none = |name| file(name, "", "application/octet-stream", "");
    let parts = [field("title", ""), none("content"), none("picture"), none("attachments")];
    let answer = multipart(&host, "/forms/upload", parts).await;
    assert_eq!(answer.json(), json!({"title": "", "content": "", "picture": null, "attachments": []}));
    // An empty file is one.
    let empty = file("picture", "empty.png", "image/png", "");
    let parts = [field("title", ""), file("content", "x", "text/plain", ""), empty];
    assert_eq!(multipart(&host, "/forms/upload", parts).await.json()["picture"], "");
}

#[tokio::test]
async fn parts_are_read_like_the_pairs_of_one_line() {
    let host = host().fixture("forms").start().await;
    let required = || {
        [
            field("customer", "A B"),
            field("count", "2"),
            field("size", "small"),
            field("payment", r#"{"tag":"cash"}"#),
            field("corner", "[1,-2]"),
        ]
    };
    let of = async |more: Vec<Vec<u8>>| multipart(&host, "/forms/order", required().into_iter().chain(more)).await;
    let json_part = |name: &str, value: &str| {
        part(&format!("form-data; name=\"{name}\""), "Content-Type: application/json; charset=utf-8\r\n", value)
    };
    order(&of(vec![]).await, json!({}));
    let blank = ["age", "agreed", "second", "place"].map(|name| field(name, ""));
    order(&of(blank.into()).await, json!({}));
    let more = vec![
        field("toppings", "ham"),
        field("tags", "1,2"),
        field("tags", " \r\n"),
        json_part("numbers", "[1, 2]"),
        json_part("place", r#"{"street":"x"}"#),
        json_part("age", "7"),
        json_part("note", "\"\\u00e9\""),
        json_part("stops", r#"{"street":"y"}"#),
        json_part("stops", r#"{"street":"z"}"#),
        json_part("second", "null"),
    ];
    let place = |street: &str| json!({"street": street, "number": null});
    order(
        &of(more).await,
        json!({
            "toppings": ["ham"], "tags": ["1,2", " \r\n"], "numbers": [1, 2], "place": place("x"), "age": 7, "note": "é",
            "stops": [place("y"), place("z")],
        }),
    );
    let whole = json_part("stops", r#" [{"street":"y"}]"#);
    order(&of(vec![whole]).await, json!({"stops": [place("y")]}));
    let one = json_part("stops", r#"{"street":"y"}"#);
    order(&of(vec![one]).await, json!({"stops": [place("y")]}));
    let answer = of(vec![
        field("count", "3"),
        field("age", "x"),
        field("other", ""),
        field("note", b"\xff"),
        json_part("numbers", "[1,\"2\"]"),
        json_part("second", "\"huge\""),
        json_part("place", "{"),
    ])
    .await;
    assert_eq!(
        answer.faults(),
        [
            "body.age type",
            "body.count duplicate",
            "body.note utf8",
            "body.numbers[1] type",
            "body.other unknown_member",
            "body.place json",
            "body.second enum",
        ]
    );
}

#[tokio::test]
async fn a_form_that_is_none_is_a_400_that_says_why() {
    let host = host().fixture("forms").start().await;
    let raw = async |content_type: &str, body: &[u8]| {
        send(host.request("POST", "/forms/note").header("content-type", content_type).body(body.to_owned())).await
    };
    for content_type in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\""]
    {
        let answer = raw(content_type, b"--x--\r\n").await;
        if content_type.ends_with('=') {
            assert_eq!(answer.status, 415, "{answer:?}");
        } else {
            assert!(malformed(&answer).contains("boundary"), "{content_type}");
        }
    }
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    assert!(malformed(&raw(&long, b"--x--").await).contains("boundary"));
    let whole = b"--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\n--x--\r\n";
    let content_type = "multipart/form-data; boundary=x";
    assert_eq!(raw(content_type, whole).await.text(), "\"a\"");
    assert_eq!(raw("Multipart/Form-Data;charset=UTF-8; Boundary=\"x\"", whole).await.text(), "\"a\"");
    // The last boundary is there but for its line end, which many leave out.
    let enough = whole.len() - 2;
    assert_eq!(raw(content_type, &whole[..enough]).await.text(), "\"a\"");
    for end in 1..enough {
        malformed(&raw(content_type, &whole[..end]).await);
    }
    for (body, why) in [
        (&b"text=a"[..], ""),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "Part 1 has no name"),
        (b"--x\r\n\r\na\r\n--x--\r\n", ""),
        (b"--x\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\na\r\n--x--\r\n", "Part 1 has no name"),
        (b"--x\r\n: \0\r\n\r\na\r\n--x--\r\n", ""),
        (
            b"--x\r\nContent-Disposition: form-data; name=\"text\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--\r\n",
            "found a `content-transfer-encoding`",
        ),
    ] {
        let detail = malformed(&raw(content_type, body).await);
        assert!(detail.contains(why), "{detail}");
    }
    // No part at all: every member is absent.
    assert_eq!(raw(content_type, b"--x--\r\n").await.text(), "null");
    assert_eq!(raw(content_type, b"").await.text(), "null");
    let parts = |count: usize| vec![field("text", "a"); count];
    assert_eq!(multipart(&host, "/forms/note", parts(1000)).await.faults(), ["body.text duplicate"]);
    assert_eq!(malformed(&multipart(&host, "/forms/note", parts(1001)).await), "It has more than 1000 parts.");
}

#[tokio::test]
async fn a_form_is_bounded_like_every_body() {
    let host = host().fixture("forms").config("[limits]\nbody_kib = 4").start().await;
    let parts = |length: usize| [field("title", ""), file("content", "x", "text/plain", vec![7; length])];
    assert_eq!(multipart(&host, "/forms/upload", parts(3000)).await.status, 201);
    for answer in [
        multipart(&host, "/forms/upload", parts(4096)).await,
        form(&host, "/forms/note", &format!("text={}", "x".repeat(4092))).await,
    ] {
        assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (413, &json!("/problems/body-too-large")));
    }
}

#[tokio::test]
async fn only_bodies_that_are_one_object_take_forms() {
    let host = host().fixture("forms").fixture("zoo").start().await;
    for path in ["/forms/pay", "/echo/numbers", "/echo/shape", "/echo/pair", "/echo/index", "/echo/raw"] {
        for answer in [form(&host, path, "a=1").await, multipart(&host, path, [field("a", "1")]).await] {
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["type"]),
                (415, &json!("/problems/unsupported-media-type"))
            );
        }
    }
    assert_eq!(form(&host, "/echo/alias", "value=a").await.json(), json!(["a"]));
    assert_eq!(form(&host, "/echo/two", "first_part=1").await.json(), json!({"first_part": 1, "second_part": null}));
    assert_eq!(form(&host, "/things", "id=1&name=a").await.json(), json!({"id": 1, "name": "a"}));
    let answer = send(host.request("POST", "/things").header("content-type", "text/plain").body("id=1")).await;
    assert_eq!(
        answer.json()["detail"],
        "Expected `application/json`, `multipart/form-data` or `application/x-www-form-urlencoded`, found `text/plain`."
    );
}

#[tokio::test]
async fn a_list_of_compounds_is_a_json_field_per_item() {
    let wit = "package test:lists; interface lists {
        record body { words: option<list<option<string>>>, pairs: list<tuple<u8, u8>>, grid: list<list<u8, 2>> }
        take: func(body: body);
    } world w { export lists; }";
    let folder = Folder::new();
    let host = host().component("lists", folder.write("lists.wasm", dummy_component(wit))).start().await;
    let content =
        host.get("/openapi.json").await.json()["paths"]["/lists/take"]["post"]["requestBody"]["content"].clone();
    for form in [URL_ENCODED, "multipart/form-data"] {
        for (name, item) in
            [("words", json!({"type": ["string", "null"]})), ("pairs", Value::Null), ("grid", Value::Null)]
        {
            let schema = &content[form]["schema"]["properties"][name];
            assert_eq!((&schema["type"], &schema["items"]["type"]), (&json!("array"), &json!("string")), "{name}");
            assert_eq!(schema["items"]["contentMediaType"], "application/json");
            if item.is_object() {
                assert_eq!(schema["items"]["contentSchema"], item);
            }
        }
    }
    // What is taken reaches the plugin, which traps.
    for taken in
        ["", "words=", "words=null", "words=%22a%22&words=null", "words=%5B%22a%22%5D", "pairs=%5B%5B1,2%5D%5D"]
    {
        assert_eq!(form(&host, "/lists/take", taken).await.status, 500, "{taken}");
    }
    let wrong = "words=a&words=1&pairs=%7B%7D&grid=1&grid=%5B1%5D";
    let faults =
        ["body.grid[0] type", "body.grid[1] length", "body.pairs[0] type", "body.words[0] json", "body.words[1] type"];
    assert_eq!(form(&host, "/lists/take", wrong).await.faults(), faults);
}

#[tokio::test]
async fn the_document_says_what_forms_hold() {
    let host = host().fixture("forms").start().await;
    let document = host.get("/openapi.json").await.json();
    let content = |path: &str| document["paths"][path]["post"]["requestBody"]["content"].clone();
    let types = |path: &str| content(path).as_object().expect("types").keys().cloned().collect::<Vec<_>>();
    assert_eq!(types("/forms/pay"), ["application/json"]);
    for path in ["/forms/order", "/forms/upload", "/forms/register", "/forms/note"] {
        let types = types(path);
        assert_eq!(types.len(), 3, "{types:?}");
        assert_eq!(types[0], "application/json");
    }
    let upload = content("/forms/upload");
    let file = json!({"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"});
    assert_eq!(
        upload["multipart/form-data"]["schema"],
        json!({
            "type": "object",
            "required": ["title", "content"],
            "properties": {
                "title": {"type": "string"}, "content": file, "picture": file,
                "attachments": {"type": "array", "items": file},
            },
            "additionalProperties": false,
        })
    );
    let pairs = &upload[URL_ENCODED]["schema"]["properties"];
    assert_eq!((&pairs["content"]["contentEncoding"], &pairs["picture"]["type"]), (&json!("base64"), &json!("string")));
    let order = &content("/forms/order")["multipart/form-data"];
    assert_eq!(order["schema"]["required"], json!(["customer", "count", "size", "payment", "corner"]));
    let as_json = json!({"contentType": "application/json"});
    assert_eq!(order["encoding"], json!({"place": as_json, "stops": as_json, "payment": as_json}));
    let properties = &order["schema"]["properties"];
    assert_eq!(properties["place"], json!({"$ref": "#/components/schemas/Place"}));
    let corner = &properties["corner"];
    assert_eq!((&corner["type"], &corner["contentMediaType"]), (&json!("string"), &json!("application/json")));
    assert_eq!(corner["contentSchema"]["prefixItems"].as_array().map(Vec::len), Some(2));
    assert_eq!(properties["age"]["type"], "integer", "there is no null in a form");
}

#[tokio::test]
async fn forms_have_the_rules_and_defaults_of_json() {
    let host = host().fixture("keywords").start().await;
    let answer = form(&host, "/keywords/echo", "sku=AB-1&unitPrice=0.5&tags=x").await;
    assert_eq!(
        answer.json(),
        json!({
            "sku": "AB-1", "qty": 1, "unitPrice": 0.5, "note": "ab\"c", "tags": ["x"], "extra": {}, "contact": null,
            "size": null, "rank": 4,
        })
    );
    // Left blank, what has a default is the default.
    let blank = "&qty=&size=&rank=&contact=&extra=";
    let parts =
        [field("sku", "AB-1"), field("unitPrice", "0.5"), field("tags", "x"), field("qty", ""), field("size", "")];
    for again in [
        form(&host, "/keywords/echo", &format!("sku=AB-1&unitPrice=0.5&tags=x{blank}")).await,
        multipart(&host, "/keywords/echo", parts).await,
    ] {
        assert_eq!(again.json(), answer.json());
    }
    let wrong =
        "sku=x&qty=0&unitPrice=0.3&note=a&tags=x&tags=x&extra=%7B%22a%22%3A1%2C%22b%22%3A2%7D&contact=x&size=m&rank=6";
    let faults = [
        "body.contact format",
        "body.extra max_properties",
        "body.note min_length",
        "body.qty minimum",
        "body.rank maximum",
        "body.size enum",
        "body.sku pattern",
        "body.tags unique",
        "body.unitPrice multiple_of",
    ];
    assert_eq!(form(&host, "/keywords/echo", wrong).await.faults(), faults);
    let parts = wrong.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').expect("a pair");
        field(name, if name == "extra" { "{\"a\":1,\"b\":2}" } else { value })
    });
    assert_eq!(multipart(&host, "/keywords/echo", parts).await.faults(), faults);
    assert_eq!(form(&host, "/keywords/echo", "sku=AB-1&unitPrice=0.5").await.faults(), ["body.tags missing"]);
    let document = host.get("/openapi.json").await.json();
    let line = &document["paths"]["/keywords/echo"]["post"]["requestBody"]["content"][URL_ENCODED]["schema"];
    assert_eq!(line["required"], json!(["sku", "unitPrice", "tags"]));
    assert_eq!(line["properties"]["qty"]["default"].as_u64(), Some(1));
    assert_eq!(line["properties"]["tags"]["maxItems"].as_u64(), Some(3));
}

/// What the host answers to a form that Chromium submits: `inputs` in the form, filled by `script`.
async fn submitted(host: &Host, path: &str, enctype: &str, inputs: &str, script: &str) -> Value {
    let page = format!(
        "<!doctype html><meta charset=utf-8><form method=post enctype='{enctype}' action='{}'>{inputs}</form>\
         <script>const form = document.forms[0]; {script}; form.submit()</script>",
        host.url(path)
    );
    let file = host.folder().join("form.html");
    std::fs::write(&file, page).expect("a written page");
    let chromium = tokio::process::Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .arg(format!("--user-data-dir={}", host.folder().join("profile").display()))
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), chromium).await;
    let page = String::from_utf8(output.expect("the page in time").expect("chromium").stdout).expect("text");
    let text = page.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>")).map(|(text, _)| text);
    let text = text.unwrap_or_else(|| panic!("no answer in\n{page}"));
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in\n{page}"))
}

#[tokio::test]
async fn a_browser_sends_what_the_host_reads() {
    let host = host().fixture("forms").start().await;
    let files = "const files = (input, ...all) => {
        const list = new DataTransfer();
        for (const [name, bytes] of all) list.items.add(new File([new Uint8Array(bytes)], name));
        form.elements[input].files = list.files;
    };
    files('content', ['a\"b; name=title ä.bin', [0, 13, 10, 45, 45, 255]]);
    files('attachments', ['one.json', [91, 93]], ['empty.txt', []])";
    let inputs = "<textarea name=title>ä&amp;=+\n zwei</textarea><input type=file name=content><input type=file name=picture>\
                  <input type=file name=attachments multiple>";
    assert_eq!(
        submitted(&host, "/forms/upload", "multipart/form-data", inputs, files).await,
        json!({
            "title": "ä&=+\r\n zwei", "content": encoded(&[0, 13, 10, 45, 45, 255]), "picture": null,
            "attachments": ["W10=", ""],
        })
    );
    let inputs = "<input name=customer value='A B'><input name=count type=number value=2><input name=age type=number>\
        <select name=size><option>small<option selected>large</select><select name=second><option value=''></select>\
        <input type=checkbox name=agreed value=true><textarea name=note>1+1=2 &amp;\nä</textarea>\
        <select name=toppings multiple><option selected>ham<option selected>dark-olives</select><input name=numbers>\
        <input type=hidden name=payment value='{\"tag\":\"cash\"}'><input type=hidden name=corner value='[1,-2]'>";
    for enctype in [URL_ENCODED, "multipart/form-data"] {
        let mut expected = plain_order();
        expected["size"] = "large".into();
        expected["note"] = "1+1=2 &\r\nä".into();
        expected["toppings"] = json!(["ham", "dark-olives"]);
        assert_eq!(submitted(&host, "/forms/order", enctype, inputs, "").await, expected, "{enctype}");
    }
}
