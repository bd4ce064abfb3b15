//! The table "Routes": by convention, by external id, and what no route can be.

use serde_json::json;
use witapi_tests::{cli, dummy_component, fixture, host, send};

#[tokio::test]
async fn each_verb_has_its_method_and_path() {
    let host = host().fixture("zoo").start().await;
    let thing = json!({"id": 1, "name": "a"});
    for (answer, status, text) in [
        (host.get("/things").await, 200, r#"[{"id":1,"name":"one"}]"#),
        (host.get("/things/all").await, 200, r#""find-all""#),
        (host.get("/things/by-text?text=x").await, 200, r#""search-by-text Some(\"x\")""#),
        (host.get("/things/1").await, 200, r#"{"id":1,"name":"one"}"#),
        (host.get("/things/7/part/left").await, 200, r#""read-part 7 left""#),
        (host.post("/things", &thing).await, 201, r#"{"id":1,"name":"a"}"#),
        (host.post("/things/7/part", &json!({"name": "x"})).await, 201, r#""add-part 7 x""#),
        (host.put("/things/1", &thing).await, 200, r#"{"id":1,"name":"a"}"#),
        (host.put("/things/7/size", &json!({"size": 3})).await, 200, r#""put-size 7 3""#),
        (host.put("/things/7/weight", &json!({"weight": 3})).await, 200, r#""set-weight 7 3""#),
        (host.patch("/things/1", &json!({"name": "b"})).await, 200, r#"{"id":1,"name":"b"}"#),
        (host.patch("/things/7/size", &json!({"size": 3})).await, 200, r#""patch-size 7 3""#),
        (host.delete("/things/1").await, 200, r#"{"id":1,"name":"one"}"#),
        (host.delete("/things/7/part/left").await, 204, ""),
        (host.post("/things/7/rename", &json!({"name": "x"})).await, 200, r#""rename 7 x""#),
        (send(host.request("POST", "/things/clear-all")).await, 204, ""),
        // Of the world itself: by external id, and by convention since the embedded WIT names it.
        (host.get("/zoo/elk/name").await, 200, r#""elk""#),
        (host.get("/weather").await, 200, r#""fine""#),
    ] {
        assert_eq!((answer.status.as_u16(), answer.text()), (status, text.to_owned()));
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let host = host().fixture("zoo").start().await;
    for path in
        ["/", "/nothing", "/things/1/nothing", "/Things", "/things/", "//things", "/things%2F1", "/echo/Integers"]
    {
        let answer = host.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["type"], "/problems/no-route");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    for (method, path, allow) in [
        ("PUT", "/things", "GET, HEAD, POST, OPTIONS"),
        ("TRACE", "/things", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/things/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("GET", "/echo/integers", "POST, OPTIONS"),
        ("HEAD", "/echo/integers", "POST, OPTIONS"),
        ("QUERY", "/things/1/part/2", "GET, HEAD, DELETE, OPTIONS"),
        ("get", "/things", "GET, HEAD, POST, OPTIONS"),
    ] {
        let answer = send(host.request(method, path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.json()["type"], "/problems/method-not-allowed");
            assert_eq!(answer.json()["detail"], format!("This path accepts {allow}."));
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_is_but_for_the_body() {
    let host = host().fixture("zoo").start().await;
    let (whole, head) = (host.get("/things").await, send(host.request("HEAD", "/things")).await);
    assert_eq!((head.status, head.body.len()), (whole.status, 0));
    assert_eq!(head.header("content-type"), "application/json");
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
    assert_eq!(send(host.request("HEAD", "/things/2")).await.status, 404);
    assert_eq!(send(host.request("HEAD", "/things/x")).await.status, 422);
    assert_eq!(send(host.request("HEAD", "/nothing")).await.status, 404);
}

#[tokio::test]
async fn a_literal_segment_wins_over_a_parameter() {
    let host = host().fixture("zoo").start().await;
    // `/things/all` is an operation, so it is not the thing with the id `all`, whatever the method.
    assert_eq!(host.get("/things/all").await.text(), r#""find-all""#);
    assert_eq!(host.get("/things/alle").await.faults(), ["path.id type"]);
    assert_eq!(host.delete("/things/all").await.status, 405);
    // Literal text is compared as it comes, so this is an id.
    assert_eq!(host.get("/things/%61ll").await.faults(), ["path.id type"]);
    assert_eq!(host.get("/%74hings").await.status, 404);
}

#[tokio::test]
async fn the_operator_chooses_how_names_are_spelt() {
    let camel = host().fixture("zoo").config("[plugin.zoo]\ncasing = \"camelCase\"").start().await;
    let body = json!({"byString": {"a-b": 1}, "byNumber": [], "byFlag": [], "byChar": []});
    assert_eq!(camel.post("/echo/maps", &body).await.json(), body, "keys of maps are data and stay");
    assert_eq!(camel.post("/echo/two", &json!({"firstPart": 1})).await.text(), r#"{"firstPart":1,"secondPart":null}"#);
    assert_eq!(
        camel.post("/echo/two", &json!({"first_part": 1})).await.faults(),
        ["body.firstPart missing", "body.first_part unknown_member"]
    );
    assert_eq!(camel.get("/params/scalars").await.faults()[6], "query.textLine missing");
    assert_eq!(camel.get("/things/x/part/y").await.faults(), ["path.thingId type"]);
    let words = json!({"color": "dark-blue", "permissions": ["run-as-root"], "state": "stand-by"});
    assert_eq!(camel.post("/echo/words", &words).await.json(), words, "cases stay as WIT spells them");
    let document = camel.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/things/{thingId}/part/{partId}"]["get"]["parameters"][0]["name"], "thingId");
    assert!(document["components"]["schemas"]["BothParts"]["properties"]["firstPart"].is_object());

    let kebab = host().fixture("zoo").config("[plugin.zoo]\ncasing = \"kebab-case\"").start().await;
    assert_eq!(
        kebab.post("/echo/two", &json!({"first-part": 1})).await.text(),
        r#"{"first-part":1,"second-part":null}"#
    );
    assert_eq!(kebab.get("/params/scalars").await.faults()[6], "query.text-line missing");
    assert_eq!(kebab.get("/zoo/elk/name").await.text(), r#""elk""#);
}

#[tokio::test]
async fn the_operator_chooses_where_a_plugin_is_mounted() {
    let host = host()
        .component("one", fixture("zoo"))
        .component("two", fixture("zoo"))
        .config("[plugin.one]\nmount = \"/one/v1\"\n[plugin.two]\nmount = \"/two/\"")
        .start()
        .await;
    assert_eq!(host.get("/one/v1/things/all").await.text(), r#""find-all""#);
    assert_eq!(host.get("/two/weather").await.text(), r#""fine""#);
    for path in ["/things/all", "/weather", "/one/things", "/one/v1", "/two"] {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
    let document = host.get("/openapi.json").await.json();
    assert!(document["paths"]["/one/v1/things/{id}"]["get"].is_object());
    assert!(document["paths"]["/two/things/{id}"]["get"].is_object());
    let ids = |path: &str| document["paths"][path]["get"]["operationId"].clone();
    assert_eq!(
        (ids("/one/v1/things"), ids("/two/things")),
        (json!("one_things_list_things"), json!("two_things_list_things"))
    );
}

#[tokio::test]
async fn a_taken_route_is_a_load_error_that_names_both() {
    let host = host()
        .component("one", witapi_tests::plugin("orders"))
        .component("two", witapi_tests::plugin("orders"))
        .start()
        .await;
    assert_eq!(host.status("one").await["state"], "serving", "the first by name, however fast each loads");
    let reason = host.status("two").await["failure"]["reason"].to_string();
    assert!(
        reason.contains(
            "`POST /orders` of `orders.price-order` is already served by `orders.price-order` of plugin `one`"
        ),
        "{reason}"
    );
    assert_eq!(host.get("/orders/prices").await.status, 200, "the first goes on");
}

#[tokio::test]
async fn the_hosts_own_paths_cannot_be_taken() {
    for path in ["/docs", "/docs/mine", "/openapi.json", "/openapi/x.json", "/_witapi/plugins", "/healthz", "/readyz"] {
        let folder = cli::Folder::new();
        let file = folder.write("greedy.wasm", dummy_component(&format!(
            "package a:b; interface things {{ @external-id(\"GET {path}\") a: func(); }} world w {{ export things; }}"
        )));
        let host = host().component("greedy", file).start().await;
        let status = host.status("greedy").await;
        assert!(status.to_string().contains(&format!("GET {path}")), "{path}: {status}");
        assert!(status.to_string().contains("mount"), "{path}: {status}");
    }
}

#[tokio::test]
async fn a_mount_point_makes_room_for_a_reserved_name() {
    let folder = cli::Folder::new();
    let wit = "package a:b; interface docs { get-docs: func() -> u8; } world w { export docs; }";
    let file = folder.write("docs.wasm", dummy_component(wit));
    let host = host().component("docs", &file).config("[plugin.docs]\nmount = \"/mine\"").start().await;
    assert_eq!(host.status("docs").await["state"], "serving");
    assert_eq!(host.get("/mine/docs").await.status, 500, "the function traps, so it was reached");

    // And a mount point may be in the way itself.
    let file = folder.write("things.wasm", dummy_component(&wit.replace("docs", "things")));
    let host =
        witapi_tests::host().component("things", &file).config("[plugin.things]\nmount = \"/docs\"").start().await;
    assert!(host.status("things").await["failure"]["reason"].to_string().contains("GET /docs/things"));
}

#[tokio::test]
async fn the_hosts_own_paths_take_their_own_methods_only() {
    let folder = cli::Folder::new();
    // Its parameters could stand for the host's names.
    let wit = "package a:b; interface things {
        @external-id(\"GET /{x}\") one: func(x: string);
        @external-id(\"GET /{x}/{y}\") two: func(x: string, y: string);
    } world w { export things; }";
    let file = folder.write("greedy.wasm", dummy_component(wit));
    let host = host().component("greedy", file).start().await;
    for path in ["/openapi.json", "/openapi/greedy.json", "/docs/", "/_witapi/plugins", "/healthz", "/readyz"] {
        assert_eq!(host.get(path).await.status, 200, "{path}");
        assert_eq!(send(host.request("HEAD", path)).await.status, 200, "{path}");
        for method in ["POST", "PUT", "DELETE", "TRACE"] {
            let answer = send(host.request(method, path)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, "GET, HEAD, OPTIONS"),
                "{method} {path}"
            );
            assert_eq!(answer.json()["type"], "/problems/method-not-allowed");
        }
    }
    for path in ["/anything", "/any/thing"] {
        assert_eq!(host.get(path).await.status, 500, "{path} is the plugin's, whose functions trap");
    }
    assert_eq!(host.get("/one/two/three").await.status, 404);
}

#[tokio::test]
async fn the_matching_route_is_found_among_similar_ones() {
    let folder = cli::Folder::new();
    let wit = "package a:b; interface things {
        @external-id(\"GET /a/{x}/c\") left: func(x: string);
        @external-id(\"GET /{y}/b/d\") right: func(y: string);
        @external-id(\"GET /a/b/{z}\") last: func(z: string);
        @external-id(\"POST /a/{w}/c\") posted: func(w: string);
    } world w { export things; }";
    let file = folder.write("maze.wasm", dummy_component(wit));
    let host = host().component("maze", file).start().await;
    for (path, operation) in [
        ("/a/x/c", Some("things.left")),
        ("/x/b/d", Some("things.right")),
        ("/a/b/z", Some("things.last")),
        ("/a/b/c", Some("things.last")),
        ("/x/b/c", None),
        ("/a/x/d", None),
    ] {
        let request = host.request("GET", path).header("x-request-id", path.replace('/', "-"));
        let answer = send(request).await;
        let Some(operation) = operation else {
            assert_eq!(answer.status, 404, "{path}");
            continue;
        };
        // The functions trap; the log says which it was.
        assert_eq!(answer.status, 500, "{path}");
        let line = host.log.wait_for(&format!("id=\"{}\"", path.replace('/', "-"))).await;
        assert!(line.contains(operation), "{path}: {line}");
    }
    assert_eq!(send(host.request("PUT", "/a/x/c")).await.header("allow"), "GET, HEAD, POST, OPTIONS");
}

#[tokio::test]
async fn plugins_may_share_a_path_with_different_methods() {
    let folder = cli::Folder::new();
    let component = |method: &str, parameter: &str| {
        dummy_component(&format!(
            "package a:b; interface things {{ @external-id(\"{method} /shared/{{{parameter}}}\") it: func({parameter}: u8); }} world w {{ export things; }}"
        ))
    };
    let one = folder.write("one.wasm", component("GET", "id"));
    let two = folder.write("two.wasm", component("DELETE", "name"));
    let three = folder.write("three.wasm", component("GET", "other"));
    let host = host().component("one", one).component("two", two).component("x-three", three).start().await;
    assert_eq!(send(host.request("PUT", "/shared/1")).await.header("allow"), "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(host.get("/shared/x").await.faults(), ["path.id type"]);
    assert_eq!(host.delete("/shared/x").await.faults(), ["path.name type"]);
    // The names of parameters make no difference.
    let reason = host.status("x-three").await["failure"]["reason"].to_string();
    assert!(reason.contains("`GET /shared/{other}`") && reason.contains("plugin `one`"), "{reason}");
}
