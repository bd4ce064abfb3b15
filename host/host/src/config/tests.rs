//! Tests of the configuration, by files as operators write them.

use super::*;

fn parse(text: &str) -> Config {
    match Config::parse(text, Path::new("witapi.toml")) {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = Config::parse(text, Path::new("witapi.toml")).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.plugins, Path::new("plugins"));
    assert_eq!(config.data, Path::new("data"));
    assert_eq!(config.scheduler, SchedulerConfig { instances: 256, queue: 1024 });
    assert_eq!(config.server.drain, Duration::from_secs(30));
    assert!(config.server.compression);
    assert_eq!(config.cors, CorsConfig::default());
    assert_eq!(config.keyvalue, KeyValue { max_bytes: 268_435_456, idle: Duration::from_secs(60) });
    assert_eq!(config.code_cache, None);
    let plugin = config.plugin("todos");
    // No more than there are.
    assert_eq!(plugin.limits, Limits { concurrency: 256, ..Limits::default() });
    assert_eq!((plugin.mount.as_str(), plugin.casing), ("", None));
    assert_eq!(plugin.grants, [""; 0]);
    assert_eq!(plugin.compatible, Compatible::Warn);
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        listen = "[::]:80"
        plugins = "components"
        data = "/var/lib/witapi"
        grants = ["witapi:host/request"]
        compatible = "off"
        resident = 7
        code_cache_mib = 3

        [limits]
        memory_mib = 64
        deadline_ms = 1_000
        stream_deadline_ms = 86_400_000
        body_kib = 2
        result_kib = 3
        log_kib = 0
        cpu_ms = 100
        concurrency = 11
        queue = 7
        weight = 300

        [scheduler]
        instances = 10
        queue = 0

        [server]
        header_timeout_ms = 1
        body_timeout_ms = 2
        drain_ms = 0
        write_timeout_ms = 3
        header_kib = 8
        connections = 4
        connections_per_peer = 5
        buffer_mib = 7
        compression = false

        [cors]
        origins = ["https://app.example", "http://[::1]:3000"]
        methods = ["GET", "PUT"]
        headers = ["Content-Type"]
        expose_headers = []
        credentials = true
        max_age_s = 0

        [keyvalue]
        max_mib = 1
        idle_s = 5

        [plugin.todos]
        mount = "/shop/v1/"
        openapi = "/api.json?v=3"
        casing = "camelCase"
        grants = ["wasi:keyvalue", "witapi:host/request"]
        memory_mib = 256
        concurrency = 3
        keyvalue_mib = 2
        compatible = "required"
        requests_per_instance = 100

        [plugin."a.b"]
        "#,
    );
    assert_eq!(config.listen.to_string(), "[::]:80");
    assert_eq!(config.plugins, Path::new("components"));
    assert_eq!(config.data, Path::new("/var/lib/witapi"));
    assert_eq!(config.compatible, Compatible::Off);
    assert_eq!(config.plugin("todos").compatible, Compatible::Required);
    assert_eq!(config.plugin("a.b").compatible, Compatible::Off);
    assert_eq!(config.resident, 7);
    assert_eq!(config.scheduler, SchedulerConfig { instances: 10, queue: 0 });
    let [header_timeout, body_timeout, drain, write_timeout] = [1, 2, 0, 3].map(Duration::from_millis);
    let server = ServerConfig {
        header_timeout,
        body_timeout,
        drain,
        write_timeout,
        header: 8 << 10,
        connections: 4,
        connections_per_peer: 5,
        buffer: 7 << 20,
        compression: false,
    };
    assert_eq!(config.server, server);
    let cors = CorsConfig {
        origins: ["https://app.example", "http://[::1]:3000"].map(HeaderValue::from_static).into(),
        methods: vec![Method::GET, Method::PUT],
        headers: Some(vec![axum::http::header::CONTENT_TYPE]),
        expose_headers: vec![],
        credentials: true,
        max_age: Duration::ZERO,
    };
    assert_eq!(config.cors, cors);
    assert_eq!(config.keyvalue, KeyValue { max_bytes: 1_048_576, idle: Duration::from_secs(5) });
    assert_eq!(config.code_cache, Some(3 << 20));
    let [deadline, stream_deadline] = [1, 86_400].map(Duration::from_secs);
    let cpu = Duration::from_millis(100);
    let limits = Limits {
        memory: 64 << 20,
        deadline,
        stream_deadline,
        body: 2048,
        result: 3072,
        log: 0,
        cpu,
        concurrency: 11,
        queue: 7,
        weight: 300,
        ..config.limits
    };
    assert_eq!(config.limits, limits);
    assert_eq!(
        config.plugin("todos"),
        PluginConfig {
            limits: Limits { memory: 256 << 20, concurrency: 3, keyvalue: 2 << 20, ..limits },
            mount: "/shop/v1".to_owned(),
            raw_mount: "/shop/v1".to_owned(),
            openapi: Some("/api.json?v=3".to_owned()),
            casing: Some(Casing::Camel),
            grants: vec!["witapi:host/request".to_owned(), "wasi:keyvalue".to_owned()],
            compatible: Compatible::Required,
            requests_per_instance: 100,
        }
    );
    assert_eq!(config.plugin("other").limits, Limits { concurrency: 10, keyvalue: 1 << 20, ..limits });
    assert_eq!(config.plugin("other").grants, ["witapi:host/request"]);
    assert_eq!(config.plugin_names().collect::<Vec<_>>(), ["a.b", "todos"]);
}

#[test]
fn folders_are_relative_to_the_file_also_by_default() {
    let config = Config::parse("data = 'd'", Path::new("/etc/witapi/witapi.toml")).unwrap();
    assert_eq!(config.data, Path::new("/etc/witapi/d"));
    assert_eq!(config.plugins, Path::new("/etc/witapi/plugins"));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = Config::load(Some(Path::new("/nowhere/witapi.toml"))).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nowhere/witapi.toml");
    assert!(Config::load(None).is_ok());
}

#[test]
fn an_unknown_key_is_rejected_with_the_nearest_one() {
    refused(
        "# comment\n\nlisen = \"127.0.0.1:1\"",
        "witapi.toml:3: unknown key `lisen` in the top level; the nearest known key is `listen` \
         (known: listen, plugins, data, grants, compatible, resident, code_cache_mib, limits, scheduler, server, cors, keyvalue, openapi, plugin)",
    );
    refused(
        "[limits]\nmemory_mb = 1",
        "witapi.toml:2: unknown key `memory_mb` in `limits`; the nearest known key is `memory_mib` \
         (known: memory_mib, deadline_ms, stream_deadline_ms, body_kib, result_kib, log_kib, cpu_ms, concurrency, queue, weight)",
    );
    refused(
        "[plugin.todos]\nmount = \"/\"\n\ncase = \"camelCase\"",
        "witapi.toml:4: unknown key `case` in `plugin.todos`; the nearest known key is `casing` \
         (known: mount, openapi, casing, keyvalue_mib, requests_per_instance, grants, compatible, memory_mib, deadline_ms, stream_deadline_ms, body_kib, result_kib, log_kib, cpu_ms, concurrency, queue, weight)",
    );
    refused(
        "keyvalue = { maxmib = 3 }",
        "witapi.toml:1: unknown key `maxmib` in `keyvalue`; the nearest known key is `max_mib` \
         (known: max_mib, idle_s)",
    );
    refused("scheduler.workers = 3", "witapi.toml:1: unknown key `workers` in `scheduler` (known: instances, queue)");
    refused(
        "[scheduler]\n\"a`b\\u001b\" = 3",
        "witapi.toml:2: unknown key `\"a`b\\u{1b}\"` in `scheduler` (known: instances, queue)",
    );
}

#[test]
fn a_key_of_another_table_is_pointed_there() {
    refused(
        "memory_mib = 64",
        "witapi.toml:1: unknown key `memory_mib` in the top level; it belongs in `limits` \
         (known: listen, plugins, data, grants, compatible, resident, code_cache_mib, limits, scheduler, server, cors, keyvalue, openapi, plugin)",
    );
    refused(
        "[server]\ninstances = 64",
        "witapi.toml:2: unknown key `instances` in `server`; it belongs in `scheduler` \
         (known: header_timeout_ms, body_timeout_ms, drain_ms, write_timeout_ms, header_kib, connections, \
         connections_per_peer, buffer_mib, compression)",
    );
}

#[test]
fn a_number_out_of_range_is_rejected_with_the_range() {
    refused(
        "[scheduler]\ninstances = 0",
        "witapi.toml:2: `scheduler.instances`: expected a whole number from 1 to 20000, found integer `0`",
    );
    refused(
        "[limits]\nmemory_mib = 4097",
        "witapi.toml:2: `limits.memory_mib`: expected a whole number from 1 to 4096, found integer `4097`",
    );
    refused(
        "[plugin.todos]\ndeadline_ms = -1",
        "witapi.toml:2: `plugin.todos.deadline_ms`: expected a whole number from 1 to 3600000, found integer `-1`",
    );
    refused(
        "[plugin.todos]\ndeadline_ms = 1.5",
        "witapi.toml:2: `plugin.todos.deadline_ms`: expected a whole number from 1 to 3600000, found floating point `1.5`",
    );
    refused(
        "server.drain_ms = \"soon\"",
        "witapi.toml:1: `server.drain_ms`: expected a whole number from 0 to 3600000, found string \"soon\"",
    );
    assert_eq!(parse("limits.memory_mib = 4096").limits.memory, 4 << 30);
    for huge in ["9223372036854775807", "18446744073709551615", "1e300", "0xffffffffffffffffffff"] {
        let text = format!("[limits]\nbody_kib = {huge}");
        let error = Config::parse(&text, Path::new("witapi.toml")).unwrap_err();
        assert!(error.to_string().starts_with("witapi.toml:2: "), "{error}");
    }
}

#[test]
fn a_malformed_text_is_rejected_with_the_right_form() {
    refused(
        "listen = \"localhost\"",
        "witapi.toml:1: `listen`: expected an address and a port, such as \"127.0.0.1:8080\", found string \"localhost\"",
    );
    refused(
        "listen = 8080",
        "witapi.toml:1: `listen`: expected an address and a port, such as \"127.0.0.1:8080\", found integer `8080`",
    );
    refused("\ndata = ''", "witapi.toml:2: `data`: expected a folder, found string \"\"");
    refused(
        "[plugin.todos]\ncasing = \"PascalCase\"",
        "witapi.toml:2: `plugin.todos.casing`: expected \"snake_case\", \"camelCase\" or \"kebab-case\", found string \"PascalCase\"",
    );
    for mount in ["", "shop", "/a//b", "/{id}", "/a b", "/../x", "/ä", "//", "/a?b", "/%2f"] {
        refused(
            &format!("[plugin.todos]\nmount = \"{mount}\""),
            &format!(
                "witapi.toml:2: `plugin.todos.mount`: expected a path such as \"/\" or \"/shop/v1\", \
                 its segments of A-Z a-z 0-9 - . _ ~, found string \"{mount}\""
            ),
        );
    }
}

#[test]
fn mounts_lose_their_trailing_slash() {
    for (written, mount) in [("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a/b.c~_-9", "/a/b.c~_-9")] {
        let config = parse(&format!("plugin.x.mount = \"{written}\""));
        assert_eq!(config.plugin("x").mount, mount);
        assert_eq!(config.plugin("x").raw_mount, mount);
    }
    assert_eq!(parse("").plugin("x").raw_mount, "/x");
}

#[test]
fn a_document_of_a_handler_has_a_path() {
    for path in ["", "openapi.json", "/a b", "/a#b", "/\u{e4}", "//host/x"] {
        refused(
            &format!("[plugin.x]\nopenapi = \"{path}\""),
            &format!(
                "witapi.toml:2: `plugin.x.openapi`: expected a path under the plugin's mount, \
                 such as \"/openapi.json\", found string \"{path}\""
            ),
        );
    }
}

#[test]
fn grants_have_the_shape_of_a_package_or_an_interface() {
    let config = parse("grants = ['wasi:keyvalue', 'a-b:c-9/d-e']");
    assert_eq!(config.grants, ["wasi:keyvalue", "a-b:c-9/d-e"]);
    for grant in
        ["", "wasi", "wasi:", ":a", "wasi:a/", "a:b/c/d", "a:b@1.0.0", "a:b:c", "A:b", "a:b ", "a:-b", "a:b-", "9:b"]
    {
        refused(
            &format!("grants = [\n  'a:b',\n  '{grant}',\n]"),
            &format!(
                "witapi.toml:3: `grants`: expected a package or an interface without its version, \
                 such as \"wasi:keyvalue\" or \"wasi:keyvalue/store\", found string \"{grant}\""
            ),
        );
    }
    refused("grants = 'a:b'", "witapi.toml:1: `grants`: expected a list, found string \"a:b\"");
}

#[test]
fn the_name_of_a_plugin_is_that_of_a_file() {
    refused(
        "[plugin.\"../x\"]\nmount = \"/\"",
        "witapi.toml:1: `plugin.\"../x\"`: expected the name of a plugin: A-Z a-z 0-9 . _ - and no dot first, found string \"../x\"",
    );
}

#[test]
fn origins_are_as_browsers_write_them() {
    let config = parse("cors.origins = ['https://a.example:8443', 'http://localhost', 'app://x-y', '*']");
    assert_eq!(config.cors.origins.len(), 4);
    for origin in [
        "",
        "a.example",
        "https://",
        "https://a.example/",
        "https://a.example/b",
        "https://A.example",
        "HTTPS://a.example",
        "https://a.example:",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example:99999",
        "https://a b",
        "https://u@a.example",
        "https://*.example",
        "https://ä.example",
        "//a.example",
        "null",
    ] {
        refused(
            &format!("[cors]\norigins = ['{origin}']"),
            &format!(
                "witapi.toml:2: `cors.origins`: expected \"*\" or an origin as browsers write it, \
                 such as \"https://app.example\" or \"http://localhost:3000\": lower case, no path, no port that the scheme has anyway, found string \"{origin}\""
            ),
        );
    }
}

#[test]
fn credentials_are_for_origins_that_are_named() {
    refused(
        "[cors]\norigins = ['https://a.example', '*']\ncredentials = true",
        "witapi.toml:3: `cors.credentials`: expected each origin by its name, \
         so that not every page can use the credentials of its visitors, found `true` with the origin `*`",
    );
    refused(
        "cors = { credentials = true, origins = ['*'] }",
        "witapi.toml:1: `cors.credentials`: expected each origin by its name, \
         so that not every page can use the credentials of its visitors, found `true` with the origin `*`",
    );
    assert!(parse("cors = { credentials = false, origins = ['*'] }").cors.origins[0] == "*");
}

#[test]
fn methods_and_headers_of_cors_are_real_ones() {
    refused(
        "cors.methods = ['get']",
        "witapi.toml:1: `cors.methods`: expected GET, HEAD, POST, PUT, PATCH or DELETE, found string \"get\"",
    );
    assert_eq!(parse("cors.headers = ['*']").cors.headers, None);
    refused(
        "cors.headers = ['a b']",
        "witapi.toml:1: `cors.headers`: expected \"*\" or the name of a header, such as \"x-request-id\", found string \"a b\"",
    );
    refused(
        "cors.expose_headers = ['*']",
        "witapi.toml:1: `cors.expose_headers`: expected the name of a header, such as \"x-request-id\", found string \"*\"",
    );
    refused(
        "server.compression = 'yes'",
        "witapi.toml:1: `server.compression`: expected a boolean, found string \"yes\"",
    );
}

#[test]
fn what_should_be_a_table_and_is_not_is_refused() {
    refused("limits = 3", "witapi.toml:1: `limits`: expected a table, found integer `3`");
    refused("[[limits]]", "witapi.toml:1: `limits`: expected a table, found a list");
    refused("plugin = true", "witapi.toml:1: `plugin`: expected a table, found boolean `true`");
    refused("[plugin]\ntodos = []", "witapi.toml:2: `plugin.todos`: expected a table, found a list");
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    for (text, line) in [("a", 1), ("\n[limits", 2), ("listen = 1\nlisten = 2", 2), ("a = \"\n", 1), ("\u{0}", 1)] {
        let error = Config::parse(text, Path::new("witapi.toml")).unwrap_err();
        let start = format!("witapi.toml:{line}: ");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

/// What the schema calls a default means what leaving the key out does.
#[test]
fn the_defaults_of_the_schema_are_those_that_hold() {
    let schema = schema();
    let mut text = String::new();
    let defaults = |table: &serde_json::Value| {
        let keys = table["properties"].as_object().expect("keys").iter();
        keys.filter(|(_, of)| !of["default"].is_null())
            .map(|(key, of)| format!("{key} = {}\n", of["default"]))
            .collect()
    };
    text.push_str(&defaults(&schema) as &String);
    for name in ["limits", "scheduler", "server", "cors", "keyvalue", "openapi"] {
        let of_table: String = defaults(&schema["properties"][name]);
        assert!(!of_table.is_empty(), "{name}");
        text.push_str(&format!("[{name}]\n{of_table}"));
    }
    text.push_str(&format!("[plugin.x]\n{}", defaults(&schema["properties"]["plugin"]["additionalProperties"])));
    let (written, silent) = (parse(&text), parse(""));
    let all = |config: &Config| {
        format!("{:?} {:?}", Config { plugin: BTreeMap::new(), ..config.clone() }, config.plugin("x"))
    };
    assert_eq!(all(&written), all(&silent), "{text}");
}
