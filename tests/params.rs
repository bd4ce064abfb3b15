//! The table "Parameters": path and query.

use serde_json::json;
use witapi_tests::{Host, host};

const SCALARS: &str = "yes=true&small=-128&big=18446744073709551615&ratio=2.5&letter=%C3%A9&text_line=a+b%2Bc&color=dark-blue&content=AAE%3D";

/// `SCALARS` with `name` set to `value`.
fn scalars(name: &str, value: &str) -> String {
    let pairs = SCALARS.split('&').map(|pair| match pair.split_once('=') {
        Some((it, _)) if it == name => format!("{it}={value}"),
        _ => pair.to_owned(),
    });
    format!("/params/scalars?{}", pairs.collect::<Vec<_>>().join("&"))
}

async fn faults(host: &Host, path: &str, expected: &[&str]) {
    assert_eq!(host.get(path).await.faults(), expected, "{path}");
}

#[tokio::test]
async fn every_scalar_can_stand_in_a_query() {
    let host = host().fixture("zoo").start().await;
    let answer = host.get(&format!("/params/scalars?{SCALARS}")).await;
    assert_eq!(
        answer.text(),
        r#"{"yes":true,"small":-128,"big":18446744073709551615,"ratio":2.5,"letter":"é","text_line":"a b+c","color":"dark-blue","content":"AAE="}"#
    );
    for (name, value, text) in [
        ("yes", "false", "false"),
        ("small", "127", "127"),
        ("small", "1.0", "1"),
        ("small", "1e2", "100"),
        ("big", "0", "0"),
        ("ratio", "-0", "-0.0"),
        ("ratio", "1e-7", "1e-7"),
        ("letter", "+", "\" \""),
        ("letter", "%F0%9F%98%80", "\"😀\""),
        ("text_line", "", "\"\""),
        ("text_line", "%00", "\"\\u0000\""),
        ("text_line", "a=b", "\"a=b\""),
        ("text_line", "%26%3D%23", "\"&=#\""),
        ("content", "", "\"\""),
        ("content", "%2B%2F%2B%2F", "\"+/+/\""),
    ] {
        let answer = host.get(&scalars(name, value)).await;
        assert_eq!(answer.status, 200, "{name}={value}: {}", answer.text());
        assert_eq!(answer.json()[name].to_string(), text, "{name}={value}");
    }
}

#[tokio::test]
async fn each_fault_of_a_query_names_its_parameter() {
    let host = host().fixture("zoo").start().await;
    for (name, value, fault) in [
        ("yes", "1", "type"),
        ("yes", "True", "type"),
        ("yes", "", "type"),
        ("small", "128", "maximum"),
        ("small", "-129", "minimum"),
        ("small", "1.5", "integer"),
        ("small", "", "type"),
        ("small", "+1", "type"),
        ("small", "0x1", "type"),
        ("small", "01", "type"),
        ("small", "%20", "type"),
        ("big", "-1", "minimum"),
        ("big", "18446744073709551616", "maximum"),
        ("ratio", "1e400", "maximum"),
        ("ratio", "NaN", "type"),
        ("ratio", "inf", "type"),
        ("letter", "", "length"),
        ("letter", "ab", "length"),
        ("color", "blue", "enum"),
        ("color", "", "enum"),
        ("content", "AA", "base64"),
        ("text_line", "%FF", "utf8"),
        ("text_line", "%C3", "utf8"),
        ("text_line", "%ED%A0%80", "utf8"),
        ("small", "%FF", "utf8"),
    ] {
        faults(&host, &scalars(name, value), &[&format!("query.{name} {fault}")]).await;
    }
    let all = ["big", "color", "content", "letter", "ratio", "small", "text_line", "yes"];
    let missing = all.map(|name| format!("query.{name} missing"));
    assert_eq!(host.get("/params/scalars").await.faults(), missing);
    faults(&host, &format!("/params/scalars?{SCALARS}&yes=true"), &["query.yes duplicate"]).await;
    faults(
        &host,
        &format!("/params/scalars?{SCALARS}&small=1&yes=1"),
        &["query.small duplicate", "query.yes duplicate"],
    )
    .await;
}

#[tokio::test]
async fn wrongly_encoded_query_text_stays_as_it_is() {
    let host = host().fixture("zoo").start().await;
    for (value, text) in [("100%", "100%"), ("%zz", "%zz"), ("%e", "%e")] {
        assert_eq!(host.get(&scalars("text_line", value)).await.json()["text_line"], text);
    }
    // A name without a value has the empty one.
    assert_eq!(host.get("/params/optional?text").await.json()["text"], "");
    assert_eq!(host.get("/params/optional?%74ext=x").await.json()["text"], "x");
}

#[tokio::test]
async fn unknown_query_parameters_are_ignored() {
    let host = host().fixture("zoo").start().await;
    let answer = host.get(&format!("/params/scalars?utm=1&{SCALARS}&&%FF=1&YES=1&text-line=x")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["text_line"], "a b+c");
}

#[tokio::test]
async fn an_option_in_a_query_may_be_absent() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(
        host.get("/params/optional").await.json(),
        json!({"number": null, "text": null, "color": null, "many": null, "words": null})
    );
    assert_eq!(
        host.get("/params/optional?number=7&text=&color=red&many=AQI=&words=a&words=b").await.json(),
        json!({"number": 7, "text": "", "color": "red", "many": "AQI=", "words": ["a", "b"]})
    );
    // There is no null in a query: that is text.
    assert_eq!(host.get("/params/optional?text=null").await.json()["text"], "null");
    faults(&host, "/params/optional?number=null", &["query.number type"]).await;
    faults(&host, "/params/optional?number=", &["query.number type"]).await;
    faults(&host, "/params/optional?number=1&number=2", &["query.number duplicate"]).await;
    faults(&host, "/params/optional?color=blue&number=-1", &["query.color enum", "query.number minimum"]).await;
}

#[tokio::test]
async fn a_list_in_a_query_is_its_key_again_and_again() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(host.get("/params/lists").await.json(), json!({"numbers": [], "words": [], "colors": [], "rights": []}));
    assert_eq!(
        host.get(
            "/params/lists?numbers=1&words=a&numbers=2&words=&rights=write&rights=read&colors=red&colors=red&words=a,b"
        )
        .await
        .json(),
        json!({"numbers": [1, 2], "words": ["a", "", "a,b"], "colors": ["red", "red"], "rights": ["read", "write"]})
    );
    faults(
        &host,
        "/params/lists?numbers=1&numbers=x&numbers=-1&words=%FF&colors=red&colors=pink&rights=read&rights=fly&rights=read",
        &[
            "query.colors[1] enum",
            "query.numbers[1] type",
            "query.numbers[2] minimum",
            "query.rights[1] enum",
            "query.rights[2] unique",
            "query.words[0] utf8",
        ],
    )
    .await;
    faults(&host, "/params/lists?rights=read&rights=read", &["query.rights[1] unique"]).await;
    faults(&host, "/params/lists?numbers=1,2", &["query.numbers[0] type"]).await;
}

#[tokio::test]
async fn path_parameters_are_matched_by_name_and_decoded() {
    let host = host().fixture("zoo").start().await;
    for (path, text) in [
        ("a/red/-7", r#"[-7,"red","a"]"#),
        ("a%20b%2Fc/dark-blue/1e2", r#"[100,"dark-blue","a b/c"]"#),
        ("a+b/red/1.0", r#"[1,"red","a+b"]"#),
        ("%C3%A9%F0%9F%98%80/red/0", r#"[0,"red","é😀"]"#),
        ("%2E%2e/red/0", r#"[0,"red",".."]"#),
        ("a/%72ed/%31", r#"[1,"red","a"]"#),
    ] {
        assert_eq!(raw_get(&host, &format!("/params/path/{path}")).await, (200, text.to_owned()), "{path}");
    }
    let fault = |expected: &'static [&'static str], path: &'static str| (path, expected);
    for (path, expected) in [
        fault(&["path.color enum", "path.number type"], "/params/path/a/pink/x"),
        fault(&["path.number maximum"], "/params/path/a/red/32768"),
        fault(&["path.number minimum"], "/params/path/a/red/-32769"),
        fault(&["path.text_line utf8"], "/params/path/%FF/red/1"),
    ] {
        faults(&host, path, expected).await;
    }
    for path in ["/params/path/a/red", "/params/path/a/red/1/2", "/params/path/a/red/1/"] {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_empty_segment_is_no_value_of_a_path_parameter() {
    let host = host().fixture("zoo").start().await;
    for path in ["/params/path//red/1", "/zoo//name", "/things/", "/things//part/x", "/things/1/part/"] {
        assert_eq!(raw_get(&host, path).await.0, 404, "{path}");
    }
}

/// A GET of a path that no URL library tidied up first: status and body.
async fn raw_get(host: &Host, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(host.address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

#[tokio::test]
async fn path_query_and_body_are_judged_together() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(host.put("/params/7/mixed", &json!({"name": "a", "size": 1})).await.text(), r#"[7,"a",1]"#);
    assert_eq!(host.put("/params/7/mixed", &json!({"name": "a"})).await.text(), r#"[7,"a",null]"#);
    let answer = host.put("/params/x/mixed", &json!({"size": -1, "id": 7})).await;
    assert_eq!(answer.faults(), ["body.id unknown_member", "body.name missing", "body.size minimum", "path.id type"]);
    assert_eq!(host.delete("/params/7?force=true").await.text(), "[7,true]");
    assert_eq!(host.delete("/params/x").await.faults(), ["path.id type", "query.force missing"]);
}

#[tokio::test]
async fn errors_come_in_order_with_missing_members_last() {
    let host = host().fixture("zoo").start().await;
    let locs = |answer: witapi_tests::Answer| {
        let errors = answer.json()["errors"].as_array().expect("errors").clone();
        errors.iter().map(|fault| fault["loc"].to_string()).collect::<Vec<_>>().join(" ")
    };
    let answer = host.put("/params/x/mixed", &json!({"zzz": 1, "size": -1})).await;
    assert_eq!(locs(answer), r#"["path","id"] ["body","zzz"] ["body","size"] ["body","name"]"#);
    assert_eq!(locs(host.delete("/params/x").await), r#"["path","id"] ["query","force"]"#);
}

#[tokio::test]
async fn functions_of_the_world_have_parameters() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(host.get("/zoo/small%20elk/name").await.text(), r#""small elk""#);
    assert_eq!(host.get("/zoo/elk/name?loud=true").await.text(), r#""ELK""#);
    faults(&host, "/zoo/elk/name?loud=yes", &["query.loud type"]).await;
}
