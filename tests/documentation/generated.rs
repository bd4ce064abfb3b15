//! Pages of the reference that are made of what the host says: between `<!-- generated -->` and `<!-- end -->`.

use std::fs;

use serde_json::Value;
use witapi_tests::{cli::Folder, host, root, send};

const BEGIN: &str = "<!-- generated -->\n";
const END: &str = "<!-- end -->";

/// Compares the generated part of a page, or writes it if `WITAPI_UPDATE_GOLDENS` is set.
#[track_caller]
fn is_generated(page: &str, text: &str) {
    let file = root().join("docs/src/reference").join(page);
    let before = fs::read_to_string(&file).expect("a page");
    let (head, rest) = before.split_once(BEGIN).expect("the beginning of what is generated");
    let (found, tail) = rest.split_once(END).expect("the end of what is generated");
    if std::env::var_os("WITAPI_UPDATE_GOLDENS").is_some() {
        fs::write(&file, format!("{head}{BEGIN}{text}{END}{tail}")).expect("a written page");
    } else {
        assert_eq!(found, text, "{page} is not up to date: run this test with WITAPI_UPDATE_GOLDENS=1");
    }
}

fn output(arguments: &[&str]) -> String {
    Folder::new().ask(arguments, b"").printed()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// A whole number with separators.
fn number(value: &Value) -> String {
    let digits = value.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

/// What a key takes: `1 to 4,096 MiB`.
fn taken(key: &str, schema: &Value) -> String {
    let unit = match key.rsplit('_').next() {
        Some("mib") => " MiB",
        Some("kib") => " KiB",
        Some("ms") => " ms",
        Some("s") => " s",
        _ => "",
    };
    match (text(schema, "type"), schema["enum"].as_array()) {
        (_, Some(values)) => values.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
        ("integer", _) => format!("{} to {}{unit}", number(&schema["minimum"]), number(&schema["maximum"])),
        ("boolean", _) => "`true`, `false`".into(),
        ("array", _) => "list".into(),
        _ => "text".into(),
    }
}

fn table(out: &mut String, schema: &Value) {
    out.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
    for (key, of) in schema["properties"].as_object().expect("an object") {
        if of["properties"].is_null() && of["additionalProperties"]["properties"].is_null() {
            let default = if of["default"].is_null() { String::new() } else { format!("`{}`", of["default"]) };
            out.push_str(&format!("| `{key}` | {} | {default} | {} |\n", taken(key, of), text(of, "description")));
        }
    }
}

fn section(out: &mut String, name: &str, schema: &Value) {
    if !name.is_empty() {
        out.push_str(&format!("\n## `[{name}]`\n\n{}\n\n", text(schema, "description")));
    }
    let schema = if name == "plugin.<name>" { &schema["additionalProperties"] } else { schema };
    table(out, schema);
    for (key, of) in schema["properties"].as_object().expect("an object") {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        if !of["properties"].is_null() {
            section(out, &name, of);
        } else if !of["additionalProperties"]["properties"].is_null() {
            section(out, &format!("{name}.<name>"), of);
        }
    }
}

#[test]
fn the_configuration_page_is_that_of_the_schema() {
    let schema: Value = serde_json::from_str(&output(&["config", "schema"])).expect("a schema");
    let mut page = String::new();
    section(&mut page, "", &schema);
    is_generated("configuration.md", &page);
}

#[test]
fn the_command_line_page_is_that_of_the_help() {
    let help = output(&["--help"]);
    let of_commands = help.split_once("Commands:\n").expect("the commands").1.lines();
    let names = of_commands.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let mut page = format!("```text\n{help}```\n");
    for name in names.filter(|name| *name != "help") {
        page.push_str(&format!("\n## witapi {name}\n\n```text\n{}```\n", output(&[name, "--help"])));
    }
    is_generated("command-line.md", &page);
}

#[tokio::test]
async fn the_problems_page_is_that_of_the_host() {
    let host = host().start().await;
    let kinds = host.request("GET", "/problems").header("accept", "application/json");
    let kinds = send(kinds).await.json();
    let kinds = kinds.as_array().expect("an array");
    let status = |kind: &Value| kind["status"].as_u64().map_or("of the error".to_owned(), |status| status.to_string());
    let mut table = "| `type` | status | title |\n|---|---|---|\n".to_owned();
    let mut sections = String::new();
    for kind in kinds {
        let (uri, status, title) = (text(kind, "type"), status(kind), text(kind, "title"));
        let name = uri.trim_start_matches("/problems/");
        table.push_str(&format!("| [`{uri}`](#{name}) | {status} | {title} |\n"));
        sections.push_str(&format!(
            "\n## {name}\n\n**{title}** (status {status})\n\n{}\n\n**What to do.** {}\n\n```json\n{:#}\n```\n",
            text(kind, "cause"),
            text(kind, "remedy"),
            kind["example"],
        ));
    }
    is_generated("problems.md", &(table + &sections));
}
