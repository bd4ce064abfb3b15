//! `witapi inspect`, `witapi embed`, and what the command line says of mistakes.

use std::fs;

use serde_json::{Value, json};
use witapi_tests::{
    cli::{Folder, sections},
    plugin, root, witapi,
};

/// A folder with an example plugin in it.
fn with_plugin(name: &str) -> Folder {
    let folder = Folder::new();
    folder.write(&format!("{name}.wasm"), fs::read(plugin(name)).expect("a component"));
    folder
}

#[test]
fn inspect_prints_a_table_of_routes_and_imports() {
    let table = with_plugin("todos").run(["inspect", "todos.wasm"]).printed();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = table.lines().map(words).collect();
    assert_eq!(lines[0], "todos: example:todos@1.0.0");
    for line in [
        "METHOD PATH OPERATION PARAMETERS BODY ANSWERS",
        "GET /todos todos.list-todos query done: option<bool> - 200 list<record todo>, error variant error",
        "query priority: option<enum priority>",
        "GET /todos/{id} todos.get-todo path id: u64 - 200 record todo, error variant error",
        "POST /todos todos.create-todo record todo-input 201 record todo, error variant error",
        "DELETE /todos/{id} todos.delete-todo path id: u64 - 204, error variant error",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:keyvalue/atomics@0.2.0-draft",
    ] {
        assert!(lines.iter().any(|it| it == line), "no {line:?} in\n{table}");
    }
    for (name, route) in
        [("orders", "POST /orders "), ("greeter", "GET /greetings "), ("wordcount", "POST /words/count ")]
    {
        let file = format!("{name}.wasm");
        let table = with_plugin(name).run(["inspect", &file]).printed();
        assert!(table.lines().map(words).any(|line| line.starts_with(route)), "{table}");
    }
    assert!(with_plugin("orders").run(["inspect", "orders.wasm"]).printed().contains("Imports: none"));
}

#[test]
fn inspect_prints_the_same_as_json() {
    for (name, package, operations) in
        [("orders", "orders", 4), ("todos", "todos", 8), ("greeter", "greeter", 3), ("wordcount", "wordcount", 2)]
    {
        let file = format!("{name}.wasm");
        let json: Value =
            serde_json::from_str(&with_plugin(name).run(["inspect", &file, "--json"]).printed()).expect("JSON");
        assert_eq!(json["name"], name);
        assert_eq!(json["package"], format!("example:{package}@1.0.0"));
        assert_eq!(json["operations"].as_array().map(Vec::len), Some(operations), "{json:#}");
        assert_eq!(json["warnings"], json!([]));
    }
    let json: Value =
        serde_json::from_str(&with_plugin("todos").run(["inspect", "todos.wasm", "--json"]).printed()).expect("JSON");
    assert_eq!(json["imports"], json!(["wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/atomics@0.2.0-draft"]));
    assert_eq!(
        json["operations"][1],
        json!({
            "operation": "todos.get-todo",
            "method": "GET",
            "path": "/todos/{id}",
            "parameters": [{"name": "id", "in": "path", "type": "u64"}],
            "status": 200,
            "result": "record todo",
            "error": "variant error",
            "async": false,
        })
    );
    let json: Value =
        serde_json::from_str(&with_plugin("wordcount").run(["inspect", "wordcount.wasm", "--json"]).printed())
            .expect("JSON");
    assert_eq!((&json["operations"][0]["async"], &json["operations"][1]["async"]), (&json!(true), &json!(false)));
}

#[test]
fn inspect_uses_mount_and_casing_of_the_configuration() {
    let folder = with_plugin("orders");
    folder.write("witapi.toml", "[plugin.orders]\nmount = \"/shop\"\ncasing = \"camelCase\"");
    folder.write("other.toml", "");
    assert!(folder.run(["inspect", "orders.wasm"]).printed().contains(" /shop/orders/prices/{sku} "));
    let document = folder.run(["inspect", "orders.wasm", "--openapi"]).printed();
    assert!(document.contains("\"postalCode\"") && document.contains("\"/shop/hello\""), "{document}");
    assert!(
        folder.run(["inspect", "orders.wasm", "--config", "other.toml"]).printed().contains(" /orders/prices/{sku} ")
    );
}

#[test]
fn a_file_that_is_not_a_component_is_named() {
    let folder = Folder::new();
    let orders = fs::read(plugin("orders")).expect("a component");
    folder.write("core.wasm", wat::parse_str("(module (func (export \"run\")))").expect("a module"));
    folder.write("half.wasm", &orders[..orders.len() / 2]);
    folder.write("text.wasm", "This is text.");
    folder.write("empty.wasm", "");
    folder.write("noise.wasm", [b"\0asm\x0d\0\x01\0".as_slice(), &[0xff; 100]].concat());
    folder.write("bare.wasm", wat::parse_str("(component)").expect("a component"));
    folder.write("folder.wasm/file", "");
    for (file, found, expected) in [
        ("core.wasm", "found a core WebAssembly module", "make one with `wasm-tools component new`"),
        ("half.wasm", "found a truncated file: it ends after ", "expected a whole WebAssembly component"),
        ("text.wasm", "found a file that does not begin with `\\0asm`", "expected a WebAssembly component"),
        ("empty.wasm", "found an empty file", "expected a WebAssembly component"),
        ("noise.wasm", "found ", "expected a whole WebAssembly component"),
        (
            "bare.wasm",
            "found no exported function that can be an operation",
            "expected an exported interface with a full name",
        ),
        ("folder.wasm", "cannot read the file", "Is a directory"),
        ("missing.wasm", "cannot read the file", "No such file or directory"),
    ] {
        for format in [None, Some("--json"), Some("--openapi")] {
            let ran = match format {
                None => folder.run(["inspect", file]),
                Some(format) => folder.run(["inspect", file, format]),
            };
            let message = ran.refused();
            assert!(message.starts_with(&format!("witapi: {file}: ")), "{message}");
            assert!(message.contains(found) && message.contains(expected), "{file}: {message}");
        }
    }
}

#[test]
fn embed_puts_documentation_into_a_component_once() {
    let folder = Folder::new();
    let wit = "/// A shop.\npackage a:shop;\ninterface items {\n    /// Get an item\n    get-item: func(id: u32) -> string;\n}\nworld shop { export items; }\n";
    folder.write("wit/shop.wit", wit);
    let bare = witapi_tests::dummy_component(wit);
    let file = folder.write("shop.wasm", &bare);
    let summary = || {
        let document: Value =
            serde_json::from_str(&folder.run(["inspect", "shop.wasm", "--openapi"]).printed()).expect("JSON");
        document["paths"]["/items/{id}"]["get"]["summary"].clone()
    };
    assert_eq!(summary(), "Get item", "made of the function's name");

    assert_eq!(folder.run(["embed", "shop.wasm", "--wit", "wit"]).printed(), "");
    assert_eq!(summary(), "Get an item");
    let once = fs::read(&file).expect("the component");
    assert!(once.starts_with(&bare), "what was there is as it was");

    folder.run(["embed", "shop.wasm", "--wit", "wit"]).printed();
    assert_eq!(fs::read(&file).expect("the component"), once, "twice is as good as once");
    folder.write("wit/shop.wit", wit.replace("Get an item", "Fetch an item"));
    folder.run(["embed", "shop.wasm", "--wit", "wit"]).printed();
    assert_eq!(summary(), "Fetch an item");
    let again = fs::read(&file).expect("the component");
    assert_eq!(sections(&again).iter().filter(|(_, name)| name == "witapi:wit").count(), 1);
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 2, "no draft is left behind");
}

#[test]
fn embed_rejects_a_wrong_wit_and_keeps_the_file() {
    let folder = with_plugin("greeter");
    let before = fs::read(plugin("greeter")).expect("a component");
    let greeter = fs::read_to_string(root().join("plugins/greeter-js/wit/greeter.wit")).expect("WIT");
    folder.write("other/other.wit", greeter.replace("name: string", "whom: string"));
    folder.write("broken/broken.wit", "package a:b; interface {");
    folder.write("empty/readme.txt", "");
    folder.write("orders/orders.wit", fs::read(root().join("plugins/orders-rust/wit/orders.wit")).expect("WIT"));
    for (wit, part) in [
        ("other", "found `name, language` in the component, but `whom, language`"),
        ("broken", "the WIT in broken does not resolve"),
        ("empty", "the WIT in empty does not resolve"),
        ("nowhere", "the WIT in nowhere does not resolve"),
        ("orders", "found the package `example:orders@1.0.0`, which has none of the component's operations"),
    ] {
        let message = folder.run(["embed", "greeter.wasm", "--wit", wit]).refused();
        assert!(message.contains(part), "{wit}: no {part:?} in {message}");
        assert!(fs::read(folder.path("greeter.wasm")).expect("the component") == before, "{wit} changed the file");
    }
    assert!(folder.run(["embed", "nothing.wasm", "--wit", "other"]).refused().contains("nothing.wasm"));
    folder.write("text.wasm", "This is text.");
    folder.write("core.wasm", wat::parse_str("(module)").expect("a module"));
    for file in ["text.wasm", "core.wasm"] {
        let before = fs::read(folder.path(file)).expect("the file");
        let message = folder.run(["embed", file, "--wit", "orders"]).refused();
        assert!(message.contains(file), "the file is not named: {message}");
        assert_eq!(fs::read(folder.path(file)).expect("the file"), before);
    }
}

#[test]
fn an_unknown_configuration_key_names_the_nearest() {
    let folder = with_plugin("orders");
    for (text, message) in [
        (
            "lisen = \"127.0.0.1:1\"",
            "witapi.toml:1: unknown key `lisen` in the top level; the nearest known key is `listen`",
        ),
        (
            "[limits]\nmemory_mb = 1",
            "witapi.toml:2: unknown key `memory_mb` in `limits`; the nearest known key is `memory_mib`",
        ),
        (
            "[plugin.orders]\n\nmont = \"/x\"",
            "witapi.toml:3: unknown key `mont` in `plugin.orders`; the nearest known key is `mount`",
        ),
        ("[plugin.orders]\nmount = \"x\"", "mount"),
        (
            "[plugin.orders]\ncasing = \"PascalCase\"",
            "`plugin.orders.casing`: expected \"snake_case\", \"camelCase\" or \"kebab-case\", found string \"PascalCase\"",
        ),
        ("listen = 7", "listen"),
        ("listen = \"\n", "witapi.toml:1"),
    ] {
        folder.write("witapi.toml", text);
        for arguments in [["inspect", "orders.wasm"], ["serve", "orders.wasm"]] {
            let refused = folder.run(arguments).refused();
            assert!(refused.starts_with("witapi: witapi.toml:") && refused.contains(message), "{text}: {refused}");
        }
    }
}

#[test]
fn a_configuration_that_is_named_has_to_be_there() {
    let folder = with_plugin("orders");
    let message = folder.run(["inspect", "orders.wasm", "--config", "none.toml"]).refused();
    assert_eq!(message, "witapi: cannot read none.toml: No such file or directory (os error 2)\n");
}

#[test]
fn what_is_to_be_served_has_to_be_there() {
    let folder = Folder::new();
    let message = folder.run(["serve", "none.wasm"]).refused();
    assert_eq!(message, "witapi: none.wasm: no such file or folder; name a component, or a folder of them\n");
}

#[test]
fn help_says_what_there_is() {
    let folder = Folder::new();
    let help = folder.run(["--help"]).printed();
    for word in ["serve", "inspect", "embed", "call", "test", "completions", "man", "--version"] {
        assert!(help.contains(word), "no {word} in {help}");
    }
    for (command, words) in [
        ("serve", &["--listen", "--plugins", "--data", "--config", "--log-format", "[default: 127.0.0.1:8080]"][..]),
        ("inspect", &["--json", "--openapi", "--config", "<FILE>"]),
        ("embed", &["--wit", "<FILE>"]),
        ("call", &["--include", "--header", "--body", "--data", "--config"]),
        ("test", &["--update", "--config", "### Create a note", "{{...}}"]),
        ("new", &["--lang"]),
        ("build", &["--install"]),
        ("completions", &["bash", "zsh", "fish", "elvish", "powershell"]),
        ("man", &["--output"]),
    ] {
        let help = folder.run([command, "--help"]).printed();
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 130), "a line is too long for a terminal:\n{help}");
        assert!(help.contains("\nExample") && help.contains(&format!("\n  witapi {command}")), "no example:\n{help}");
        assert!(help.contains("\nExit status: 0 "), "{help}");
    }
    assert!(folder.run(["--version"]).printed().starts_with("witapi "));
    // Wrong usage is another status than a failure, as of all programs with clap.
    for wrong in [["inspect", "--nothing"], ["serv", "x"]] {
        let ran = folder.run(wrong);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.contains("Usage"), "{}", ran.stderr);
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = with_plugin("todos");
    let command = format!("{} inspect todos.wasm --openapi | true", witapi().display());
    // The pipe is closed before everything is written, most of the time; a panic would be on stderr.
    for _ in 0..5 {
        let run = std::process::Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path(""))
            .output()
            .expect("a run");
        assert_eq!(String::from_utf8_lossy(&run.stderr), "");
    }
}

#[test]
fn shells_complete_every_command_and_option() {
    let folder = Folder::new();
    for (shell, begin) in [
        ("bash", "_witapi() {"),
        ("zsh", "#compdef witapi"),
        ("fish", "# Print an optspec"),
        ("elvish", "\nuse builtin;"),
        ("powershell", "\nusing namespace System.Management.Automation"),
    ] {
        let script = folder.run(["completions", shell]).printed();
        assert!(script.starts_with(begin), "{script}");
        for word in ["serve", "inspect", "embed", "call", "test", "completions", "log-format", "diff"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    // A shell takes it.
    folder.write("witapi.bash", folder.run(["completions", "bash"]).printed());
    let complete = "source ./witapi.bash && COMP_WORDS=(witapi insp) COMP_CWORD=1 && _witapi witapi insp witapi && echo ${COMPREPLY[*]}";
    let shell = std::process::Command::new("bash").args(["-c", complete]).current_dir(folder.path("")).output();
    assert_eq!(String::from_utf8_lossy(&shell.expect("bash").stdout), "inspect\n");
    assert_eq!(folder.run(["completions", "tcsh"]).status, Some(2));
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let folder = Folder::new();
    assert_eq!(folder.run(["man", "-o", "pages"]).printed(), "");
    let help = folder.run(["--help"]).printed();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|it| *it != "help").collect();
    assert!(commands.len() >= 9, "{commands:?}");
    let mut files: Vec<_> =
        fs::read_dir(folder.path("pages")).expect("the folder").flatten().map(|it| it.file_name()).collect();
    files.sort();
    let mut expected: Vec<_> =
        commands.iter().map(|it| format!("witapi-{it}.1")).chain(["witapi.1".to_owned()]).collect();
    expected.sort();
    assert_eq!(files, expected.iter().map(std::ffi::OsString::from).collect::<Vec<_>>());
    for command in commands {
        let page = folder.run(["man", command]).printed();
        assert_eq!(page, fs::read_to_string(folder.path(&format!("pages/witapi-{command}.1"))).expect("the page"));
        assert!(page.contains(&format!(".TH witapi-{command} 1")) && page.contains("Exit status: 0 "), "{page}");
    }
    let page = folder.run(["man"]).printed();
    assert!(page.contains(".TH witapi 1") && page.contains("Exit status:") && page.contains("WITAPI_LOG"), "{page}");
    assert!(folder.run(["man", "nothing"]).refused().starts_with("witapi: no command `nothing`; there are: serve, "));
}

#[test]
fn messages_are_coloured_only_on_a_terminal() {
    let folder = Folder::new();
    let refused = folder.run(["inspect", "missing.wasm"]).refused();
    assert!(refused.starts_with("witapi: missing.wasm: "), "{refused:?}");
    let on_a_terminal = |no_color: &str| {
        let mut command = std::process::Command::new("script");
        let line = format!("{} inspect missing.wasm", witapi().display());
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("CI");
        let output = command.env("NO_COLOR", no_color).stdin(std::process::Stdio::null()).output().expect("a terminal");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(
        on_a_terminal("").starts_with("\u{1b}[1m\u{1b}[31mwitapi:\u{1b}[0m missing.wasm: "),
        "{:?}",
        on_a_terminal("")
    );
    assert!(on_a_terminal("1").starts_with("witapi: missing.wasm: "), "{:?}", on_a_terminal("1"));
}
