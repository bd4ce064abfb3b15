//! Numbers, booleans, characters, strings and bytes.

use witapi_tests::host;

use super::{becomes, comes_back, faults, message};

/// All integers with `name` set to `number`, the others 0.
fn integers(name: &str, number: &str) -> String {
    let member = |it: &str| format!("\"{it}\":{}", if it == name { number } else { "0" });
    let members = ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"].map(member);
    format!("{{{}}}", members.join(","))
}

#[tokio::test]
async fn integers_take_their_exact_range() {
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
        "a message says what was found and what was expected"
    );
}

#[tokio::test]
async fn other_scalars_come_back_unchanged() {
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
async fn the_greatest_f32_is_written_and_read() {
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
        let expected = format!("body.{name} {fault}");
        faults(&host, "/echo/scalars", &body(name, value), &[&expected]).await;
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
