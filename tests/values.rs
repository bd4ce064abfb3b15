//! The table "Values" of the contract: what goes in comes out again, and what does not fit is told why.

use serde_json::{Value, json};
use witapi_tests::{Host, host};

/// Sends `body` and expects exactly the text `answer`.
async fn becomes(host: &Host, path: &str, body: &str, answer: &str) {
    let got = host.post_text(path, body).await;
    assert_eq!((got.status.as_u16(), got.text()), (200, answer.to_owned()), "{path} {body}");
    assert_eq!(got.header("content-type"), "application/json");
}

/// Sends `body` and expects it back as it is.
async fn comes_back(host: &Host, path: &str, body: &str) {
    becomes(host, path, body, body).await;
}

/// Sends `body` and expects these faults.
async fn faults(host: &Host, path: &str, body: &str, wanted: &[&str]) {
    assert_eq!(host.post_text(path, body).await.faults(), wanted, "{path} {body}");
}

/// The message of the only fault of `body`.
async fn message(host: &Host, path: &str, body: &str) -> String {
    let answer = host.post_text(path, body).await.json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["errors"][0]["msg"].as_str().expect("a message").to_owned()
}

/// All integers with `name` set to `number`, the others 0.
fn integers(name: &str, number: &str) -> String {
    let member = |it: &str| format!("\"{it}\":{}", if it == name { number } else { "0" });
    let members = ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"].map(member);
    format!("{{{}}}", members.join(","))
}

#[tokio::test]
async fn every_integer_type_takes_its_whole_range_exactly_and_not_one_more() {
    let host = host().fixture("zoo").start().await;
    for (ty, below, min, max, above) in [
        ("u8", "-1", "0", "255", "256"),
        ("u16", "-1", "0", "65535", "65536"),
        ("u32", "-1", "0", "4294967295", "4294967296"),
        ("u64", "-1", "0", "18446744073709551615", "18446744073709551616"),
        ("s8", "-129", "-128", "127", "128"),
        ("s16", "-32769", "-32768", "32767", "32768"),
        ("s32", "-2147483649", "-2147483648", "2147483647", "2147483648"),
        ("s64", "-9223372036854775809", "-9223372036854775808", "9223372036854775807", "9223372036854775808"),
    ] {
        comes_back(&host, "/echo/integers", &integers(ty, min)).await;
        comes_back(&host, "/echo/integers", &integers(ty, max)).await;
        faults(&host, "/echo/integers", &integers(ty, below), &[&format!("body.{ty} minimum")]).await;
        faults(&host, "/echo/integers", &integers(ty, above), &[&format!("body.{ty} maximum")]).await;
        faults(&host, "/echo/integers", &integers(ty, "-1e400"), &[&format!("body.{ty} minimum")]).await;
        faults(&host, "/echo/integers", &integers(ty, "1e400"), &[&format!("body.{ty} maximum")]).await;
        faults(&host, "/echo/integers", &integers(ty, "0.5"), &[&format!("body.{ty} integer")]).await;
        faults(&host, "/echo/integers", &integers(ty, "\"1\""), &[&format!("body.{ty} type")]).await;
    }
}

#[tokio::test]
async fn an_integer_is_one_however_it_is_spelt() {
    let host = host().fixture("zoo").start().await;
    for (spelt, number) in [
        ("1.0", "1"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("120e-1", "12"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e99999999999999999999", "0"),
        ("18446744073709551615.0", "18446744073709551615"),
        ("1.8446744073709551615e19", "18446744073709551615"),
        ("9007199254740993", "9007199254740993"),
    ] {
        becomes(&host, "/echo/number", &format!("{{\"value\":{spelt}}}"), number).await;
    }
    faults(&host, "/echo/number", r#"{"value": 18446744073709551615.5}"#, &["body.value integer"]).await;
    faults(&host, "/echo/number", r#"{"value": 1e-1}"#, &["body.value integer"]).await;
    assert_eq!(
        message(&host, "/echo/number", r#"{"value": -7}"#).await,
        "-7 is less than 0, the minimum of u64",
        "a message says what was found and what was wanted"
    );
}

#[tokio::test]
async fn floats_booleans_characters_and_strings_come_back_as_they_went() {
    let host = host().fixture("zoo").start().await;
    for body in [
        r#"{"bool":true,"f32":1.5,"f64":0.1,"char":"a","string":""}"#,
        r#"{"bool":false,"f32":-0.0,"f64":-0.0,"char":"ß","string":"two\nlines \"quoted\" \\ \u0000"}"#,
        r#"{"bool":true,"f32":3e+38,"f64":1.7976931348623157e+308,"char":"😀","string":"😀"}"#,
        r#"{"bool":true,"f32":-3e+38,"f64":-1.7976931348623157e+308,"char":"\u0000","string":"\u001f"}"#,
        r#"{"bool":true,"f32":1e-45,"f64":5e-324,"char":"\"","string":"é"}"#,
    ] {
        comes_back(&host, "/echo/scalars", body).await;
    }
    // Escapes are another spelling of the same text, pairs of surrogates too.
    becomes(
        &host,
        "/echo/scalars",
        r#"{"bool":true,"f32":1,"f64":1e2,"char":"\ud83d\ude00","string":"\u0041\/"}"#,
        r#"{"bool":true,"f32":1.0,"f64":100.0,"char":"😀","string":"A/"}"#,
    )
    .await;
}

#[tokio::test]
async fn the_greatest_f32_that_the_host_writes_it_also_takes() {
    let host = host().fixture("zoo").start().await;
    let body = |number: &str| format!(r#"{{"bool":true,"f32":{number},"f64":0,"char":"c","string":""}}"#);
    // Exactly f32::MAX, which is written with fewer digits.
    let answer = host.post_text("/echo/scalars", &body("340282346638528859811704183484516925440")).await;
    let written = answer.json()["f32"].to_string();
    let again = host.post_text("/echo/scalars", &body(&written)).await;
    assert_eq!(again.status, 200, "{}", again.text());
    let document = host.get("/openapi.json").await.json();
    let schema = &document["components"]["schemas"]["SingleValues"]["properties"]["f32"];
    assert!(jsonschema::is_valid(schema, &answer.json()["f32"]), "{written} does not fit {schema}");
}

#[tokio::test]
async fn what_no_scalar_is_is_told_apart() {
    let host = host().fixture("zoo").start().await;
    let body = |name: &str, value: &str| {
        let good = [("bool", "true"), ("f32", "0"), ("f64", "0"), ("char", "\"c\""), ("string", "\"\"")];
        let members = good.map(|(it, good)| format!("\"{it}\":{}", if it == name { value } else { good }));
        format!("{{{}}}", members.join(","))
    };
    for (name, value, fault) in [
        ("bool", "1", "type"),
        ("bool", "\"true\"", "type"),
        ("bool", "null", "type"),
        ("f32", "3.5e38", "maximum"),
        ("f32", "-3.5e38", "minimum"),
        ("f32", "1e400", "maximum"),
        ("f64", "1e400", "maximum"),
        ("f64", "-1e400", "minimum"),
        ("f64", "\"1\"", "type"),
        ("f64", "null", "type"),
        ("char", "\"\"", "length"),
        ("char", "\"ab\"", "length"),
        ("char", "\"e\u{301}\"", "length"),
        ("char", "99", "type"),
        ("string", "7", "type"),
        ("string", "null", "type"),
        ("string", "[]", "type"),
        ("string", "{}", "type"),
    ] {
        let wanted = format!("body.{name} {fault}");
        faults(&host, "/echo/scalars", &body(name, value), &[&wanted]).await;
    }
    // JSON has neither of these, whatever JavaScript's printers do.
    for value in ["NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "nan"] {
        assert_eq!(host.post_text("/echo/scalars", &body("f64", value)).await.status, 400, "{value}");
    }
    // A surrogate without its other half is no scalar value, and so no text.
    for value in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\ud83d""#, r#""\ude00\ud83d""#] {
        assert_eq!(host.post_text("/echo/scalars", &body("string", value)).await.status, 400, "{value}");
        assert_eq!(host.post_text("/echo/scalars", &body("char", value)).await.status, 400, "{value}");
    }
}

#[tokio::test]
async fn bytes_inside_json_are_canonical_base64() {
    let host = host().fixture("zoo").start().await;
    for text in ["", "AA==", "AAE=", "AAEC", "//79", "+/+/"] {
        comes_back(&host, "/echo/blob", &format!(r#"{{"file_name":"a","content":"{text}"}}"#)).await;
    }
    for wrong in ["A", "AA", "AA=", "AB==", "AAF=", "A A=", "AA==\\n", "-_-_", "AA==AA==", "=", "é"] {
        let body = format!(r#"{{"file_name":"a","content":"{wrong}"}}"#);
        faults(&host, "/echo/blob", &body, &["body.content base64"]).await;
    }
    faults(&host, "/echo/blob", r#"{"file_name":"a","content":[1,2]}"#, &["body.content type"]).await;
    comes_back(&host, "/echo/index", r#"{"a":"AAE=","b":""}"#).await;
    faults(&host, "/echo/index", r#"{"a":"AAE"}"#, &["body.a base64"]).await;
}

#[tokio::test]
async fn lists_and_tuples_are_arrays() {
    let host = host().fixture("zoo").start().await;
    comes_back(&host, "/echo/numbers", "[]").await;
    comes_back(&host, "/echo/numbers", "[1,2,3]").await;
    comes_back(&host, "/echo/points", r#"[{"x":1,"y":-2},{"x":0,"y":0}]"#).await;
    comes_back(&host, "/echo/triple", "[1,2,65535]").await;
    comes_back(&host, "/echo/pair", r#"[1,"a",true]"#).await;
    comes_back(&host, "/echo/pair", r#"[1,"a",null]"#).await;

    faults(&host, "/echo/numbers", "{}", &["body type"]).await;
    faults(&host, "/echo/numbers", "null", &["body type"]).await;
    faults(&host, "/echo/numbers", "[1, -1, \"2\", 3]", &["body[1] minimum", "body[2] type"]).await;
    faults(&host, "/echo/triple", "[1,2]", &["body length"]).await;
    faults(&host, "/echo/triple", "[1,2,3,4]", &["body length"]).await;
    faults(&host, "/echo/triple", "[1,2,65536]", &["body[2] maximum"]).await;
    faults(&host, "/echo/pair", r#"[1,"a"]"#, &["body length"]).await;
    faults(&host, "/echo/pair", r#"["a",1,true]"#, &["body[0] type", "body[1] type"]).await;
    // Items too many are not read, but what stands in the right place still is.
    faults(&host, "/echo/pair", r#"["a","b",true,4]"#, &["body length", "body[0] type"]).await;
}

#[tokio::test]
async fn records_take_each_member_once_and_no_other() {
    let host = host().fixture("zoo").start().await;
    let two = "/echo/points";
    becomes(&host, two, r#"[{"y":2,"x":1}]"#, r#"[{"x":1,"y":2}]"#).await;
    faults(&host, two, r#"[{"x":1}]"#, &["body[0].y missing"]).await;
    faults(&host, two, r#"[{}]"#, &["body[0].x missing", "body[0].y missing"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"z":3}]"#, &["body[0].z unknown_member"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"x":1}]"#, &["body[0].x duplicate"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"\u0078":1}]"#, &["body[0].x duplicate"]).await;
    faults(&host, two, r#"[{"X":1,"x":1,"y":2}]"#, &["body[0].X unknown_member"]).await;
    faults(&host, two, r#"[[1,2]]"#, &["body[0] type"]).await;
    // All at once, in every place.
    faults(
        &host,
        two,
        r#"[{"x":"1","z":0},{"x":1.5,"y":3000000000},7]"#,
        &[
            "body[0].x type",
            "body[0].y missing",
            "body[0].z unknown_member",
            "body[1].x integer",
            "body[1].y maximum",
            "body[2] type",
        ],
    )
    .await;
    assert_eq!(
        message(&host, two, r#"[{"x":1,"y":2,"z":3}]"#).await,
        "unknown member, wanted only `x`, `y`",
        "the message names the members there are"
    );
}

#[tokio::test]
async fn an_option_is_its_value_null_or_absent() {
    let host = host().fixture("zoo").start().await;
    let none = r#"{"plain":null,"nested":null,"thrice":null,"point":null,"numbers":null}"#;
    comes_back(&host, "/echo/options", none).await;
    becomes(&host, "/echo/options", "{}", none).await;
    let some = r#"{"plain":7,"nested":{"some":7},"thrice":{"some":{"some":"x"}},"point":{"x":1,"y":2},"numbers":[]}"#;
    comes_back(&host, "/echo/options", some).await;
    let inner = r#"{"plain":0,"nested":{"some":null},"thrice":{"some":{"some":null}},"point":null,"numbers":[1]}"#;
    comes_back(&host, "/echo/options", inner).await;
    let less = r#"{"plain":0,"nested":null,"thrice":{"some":null},"point":null,"numbers":null}"#;
    comes_back(&host, "/echo/options", less).await;

    faults(&host, "/echo/options", r#"{"plain":"7"}"#, &["body.plain type"]).await;
    faults(&host, "/echo/options", r#"{"plain":null,"plain":7}"#, &["body.plain duplicate"]).await;
    faults(&host, "/echo/options", r#"{"nested":7}"#, &["body.nested type"]).await;
    faults(&host, "/echo/options", r#"{"nested":{"some":256}}"#, &["body.nested.some maximum"]).await;
    faults(&host, "/echo/options", r#"{"nested":{"some":1,"none":2}}"#, &["body.nested.none unknown_member"]).await;
    faults(&host, "/echo/options", r#"{"point":{"x":1}}"#, &["body.point.y missing"]).await;
    faults(&host, "/echo/options", r#"{"numbers":[null]}"#, &["body.numbers[0] type"]).await;
}

#[tokio::test]
async fn the_object_around_an_inner_option_takes_what_its_schema_does() {
    let host = host().fixture("zoo").start().await;
    let document = host.get("/openapi.json").await.json();
    let nested = &document["components"]["schemas"]["Maybes"]["properties"]["nested"];
    let wrapper = &nested["oneOf"][0];
    assert_eq!(wrapper["properties"]["some"]["type"], json!(["integer", "null"]), "{nested:#}");
    let is_required = wrapper["required"] == json!(["some"]);
    let answer = host.post_text("/echo/options", r#"{"nested":{}}"#).await;
    assert_eq!(answer.status == 422, is_required, "the host says {answer:?}, the schema {wrapper:#}");
}

#[tokio::test]
async fn enums_flags_and_variants_without_payload_are_words() {
    let host = host().fixture("zoo").start().await;
    let body = |color: &str, permissions: &str, state: &str| {
        format!(r#"{{"color":{color},"permissions":{permissions},"state":{state}}}"#)
    };
    let all = r#"["read","write","run-as-root"]"#;
    comes_back(&host, "/echo/words", &body("\"dark-blue\"", all, "\"stand-by\"")).await;
    comes_back(&host, "/echo/words", &body("\"red\"", "[]", "\"off\"")).await;
    // A set has no order, so it goes out in that of the WIT.
    becomes(
        &host,
        "/echo/words",
        &body("\"red\"", r#"["write","read"]"#, "\"on\""),
        &body("\"red\"", r#"["read","write"]"#, "\"on\""),
    )
    .await;
    for (wrong, wanted) in [
        (body("\"dark_blue\"", "[]", "\"on\""), "body.color enum"),
        (body("\"Red\"", "[]", "\"on\""), "body.color enum"),
        (body("0", "[]", "\"on\""), "body.color type"),
        (body("\"red\"", "[]", "\"standby\""), "body.state enum"),
        (body("\"red\"", "[]", r#"{"tag":"on"}"#), "body.state type"),
        (body("\"red\"", r#"["read","read"]"#, "\"on\""), "body.permissions[1] unique"),
        (body("\"red\"", r#"["read","fly"]"#, "\"on\""), "body.permissions[1] enum"),
        (body("\"red\"", "[1]", "\"on\""), "body.permissions[0] type"),
        (body("\"red\"", r#"{"read":true}"#, "\"on\""), "body.permissions type"),
        (body("\"red\"", "\"read\"", "\"on\""), "body.permissions type"),
    ] {
        faults(&host, "/echo/words", &wrong, &[wanted]).await;
    }
    let answer = message(&host, "/echo/words", &body("\"pink\"", "[]", "\"on\"")).await;
    assert_eq!(answer, "`pink` is none of `red`, `green`, `dark-blue`");
}

#[tokio::test]
async fn a_variant_is_an_object_with_a_tag() {
    let host = host().fixture("zoo").start().await;
    for body in [
        r#"{"tag":"circle","val":3}"#,
        r#"{"tag":"polygon","val":[{"x":0,"y":0},{"x":1,"y":2}]}"#,
        r#"{"tag":"label","val":"a"}"#,
        r#"{"tag":"label","val":null}"#,
        r#"{"tag":"nothing"}"#,
    ] {
        comes_back(&host, "/echo/shape", body).await;
    }
    becomes(&host, "/echo/shape", r#"{"tag":"label"}"#, r#"{"tag":"label","val":null}"#).await;
    becomes(&host, "/echo/shape", r#"{"val":3,"tag":"circle"}"#, r#"{"tag":"circle","val":3}"#).await;
    for (wrong, wanted) in [
        (r#"{}"#, &["body.tag missing"][..]),
        (r#"{"val":3}"#, &["body.tag missing"]),
        (r#"{"tag":"square","val":3}"#, &["body.tag enum"]),
        (r#"{"tag":"Circle","val":3}"#, &["body.tag enum"]),
        (r#"{"tag":7}"#, &["body.tag type"]),
        (r#"{"tag":"circle"}"#, &["body.val missing"]),
        (r#"{"tag":"circle","val":null}"#, &["body.val type"]),
        (r#"{"tag":"circle","val":-1}"#, &["body.val minimum"]),
        (r#"{"val":-1,"tag":"circle"}"#, &["body.val minimum"]),
        (r#"{"val":[{"x":0}],"tag":"polygon"}"#, &["body.val[0].y missing"]),
        (r#"{"tag":"nothing","val":null}"#, &["body.val unknown_member"]),
        (r#"{"val":1,"tag":"nothing"}"#, &["body.val unknown_member"]),
        (r#"{"tag":"nothing","more":1}"#, &["body.more unknown_member"]),
        (r#"{"tag":"nothing","tag":"nothing"}"#, &["body.tag duplicate"]),
        (r#"{"tag":"circle","val":1,"val":1}"#, &["body.val duplicate"]),
        (r#"{"val":1,"val":1,"tag":"circle"}"#, &["body.val duplicate"]),
        (r#""nothing""#, &["body type"]),
        (r#"null"#, &["body type"]),
    ] {
        faults(&host, "/echo/shape", wrong, wanted).await;
    }
    // A payload in front of its tag is text like any other.
    for malformed in [r#"{"val":[1,],"tag":"polygon"}"#, r#"{"val":"\ud83d","tag":"label"}"#] {
        assert_eq!(host.post_text("/echo/shape", malformed).await.status, 400, "{malformed}");
    }
}

#[tokio::test]
async fn a_result_inside_a_value_is_an_object_with_ok_or_err() {
    let host = host().fixture("zoo").start().await;
    let body = |both: &str, only_ok: &str, only_err: &str, neither: &str| {
        format!(r#"{{"both":{both},"only_ok":{only_ok},"only_err":{only_err},"neither":{neither}}}"#)
    };
    let (ok, err) = (r#"{"ok":null}"#, r#"{"err":null}"#);
    comes_back(&host, "/echo/results", &body(r#"{"ok":1}"#, r#"{"ok":2}"#, ok, ok)).await;
    comes_back(&host, "/echo/results", &body(r#"{"err":"a"}"#, err, r#"{"err":"b"}"#, err)).await;
    for (wrong, wanted) in [
        ("{}", "body.both one_of"),
        ("null", "body.both type"),
        (r#"{"ok":"a"}"#, "body.both.ok type"),
        (r#"{"err":1}"#, "body.both.err type"),
        (r#"{"ok":256}"#, "body.both.ok maximum"),
        (r#"{"ok":1,"err":"a"}"#, "body.both.err one_of"),
        (r#"{"ok":1,"more":2}"#, "body.both.more unknown_member"),
    ] {
        faults(&host, "/echo/results", &body(wrong, ok.replace("null", "1").as_str(), ok, ok), &[wanted]).await;
    }
    faults(&host, "/echo/results", &body(r#"{"ok":1}"#, err, ok, r#"{"ok":1}"#), &["body.neither.ok type"]).await;
    // Said twice is a fault, whether the two are alike or not.
    let twice = body(r#"{"ok":1,"ok":1}"#, err, ok, ok);
    assert_eq!(host.post_text("/echo/results", &twice).await.status, 422);
}

#[tokio::test]
async fn a_map_is_an_object_if_its_keys_are_strings_and_else_an_array_of_pairs() {
    let host = host().fixture("zoo").start().await;
    let empty = r#"{"by_string":{},"by_number":[],"by_flag":[],"by_char":[]}"#;
    comes_back(&host, "/echo/maps", empty).await;
    comes_back(
        &host,
        "/echo/maps",
        r#"{"by_string":{"":0,"a b":1,"é":2},"by_number":[[0,"x"],[4294967295,"y"]],"by_flag":[[false,"n"],[true,"y"]],"by_char":[["é",1]]}"#,
    )
    .await;
    let with = |name: &str, value: &str| {
        let good = [("by_string", "{}"), ("by_number", "[]"), ("by_flag", "[]"), ("by_char", "[]")];
        let members = good.map(|(it, good)| format!("\"{it}\":{}", if it == name { value } else { good }));
        format!("{{{}}}", members.join(","))
    };
    for (name, value, wanted) in [
        ("by_string", "[]", "body.by_string type"),
        ("by_string", r#"{"a":256}"#, "body.by_string.a maximum"),
        ("by_string", r#"{"a":1,"a":1}"#, "body.by_string.a duplicate"),
        ("by_string", r#"{"a":null}"#, "body.by_string.a type"),
        ("by_number", "{}", "body.by_number type"),
        ("by_number", r#"{"1":"a"}"#, "body.by_number type"),
        ("by_number", r#"[["1","a"]]"#, "body.by_number[0][0] type"),
        ("by_number", "[[1]]", "body.by_number[0] length"),
        ("by_number", r#"[[1,"a",2]]"#, "body.by_number[0] length"),
        ("by_number", r#"[[-1,"a"]]"#, "body.by_number[0][0] minimum"),
        ("by_number", r#"[{"1":"a"}]"#, "body.by_number[0] type"),
        ("by_char", r#"[["ab",1]]"#, "body.by_char[0][0] length"),
    ] {
        faults(&host, "/echo/maps", &with(name, value), &[wanted]).await;
    }
}

#[tokio::test]
async fn aliases_and_types_from_elsewhere_are_what_they_stand_for() {
    let host = host().fixture("zoo").start().await;
    comes_back(
        &host,
        "/echo/named",
        r#"{"name":"a","names":["b"],"at":{"x":1,"y":2},"width":2.5,"way":{"length":1.0,"rough":true}}"#,
    )
    .await;
    faults(
        &host,
        "/echo/named",
        r#"{"name":1,"names":[2],"at":{"x":1},"width":"2","way":{"length":1e999,"rough":0}}"#,
        &[
            "body.at.y missing",
            "body.name type",
            "body.names[0] type",
            "body.way.length maximum",
            "body.way.rough type",
            "body.width type",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_flood_of_faults_is_counted_and_not_listed() {
    let host = host().fixture("zoo").start().await;
    let body = Value::from(vec!["x"; 5_000]);
    let answer = host.post("/echo/numbers", &body).await;
    assert_eq!(answer.faults().len(), 1_000);
    assert_eq!(answer.json()["detail"], "5000 faults; the first 1000 are in `errors`.");
    let answer = host.post("/echo/numbers", &json!([-1])).await;
    assert_eq!(answer.json()["detail"], "1 fault, in `errors`.");
}

#[tokio::test]
async fn what_a_client_chose_is_repeated_in_part_only() {
    let host = host().fixture("zoo").start().await;
    // A small body may not ask for a large answer.
    let long = "k".repeat(20_000);
    let items = vec!["-1"; 1_000].join(",");
    for (path, body) in [
        ("/echo/index", format!(r#"{{"{long}":7}}"#)),
        ("/echo/two", format!(r#"{{"first_part":"{long}","{long}":7}}"#)),
        ("/echo/maps", format!(r#"{{"by_string":{{"{long}":[{items}]}},"by_number":[],"by_flag":[],"by_char":[]}}"#)),
        ("/echo/words", format!(r#"{{"color":"{long}","permissions":["{long}"],"state":"{long}"}}"#)),
    ] {
        let answer = host.post_text(path, &body).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.len() < 2_000, "{path} answers with {} bytes", answer.body.len());
    }
    let answer = host.post_text("/echo/index", &format!(r#"{{"{long}":7}}"#)).await;
    let name = answer.json()["errors"][0]["loc"][1].as_str().expect("a name").chars().count();
    assert!((200..=201).contains(&name), "a name of {name} characters");
}

#[tokio::test]
async fn a_value_of_another_type_is_skipped_as_deep_as_two_hundred_levels() {
    let host = host().fixture("zoo").start().await;
    let nested = |depth: usize| format!("{{\"value\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    faults(&host, "/echo/number", &nested(150), &["body.value type"]).await;
    assert_eq!(host.post_text("/echo/number", &nested(300)).await.status, 400);
}
