//! The example plugins answer as their READMEs say: every command of them is run, and prints what stands below it.

use std::fs;

use serde_json::json;
use tokio::process::Command;
use witapi_tests::{
    host,
    markdown::{Block, blocks},
    root,
};

/// The folders of the example plugins.
const EXAMPLES: [&str; 5] = ["greeter-js", "orders-rust", "ticker-rust", "todos-rust", "wordcount-python"];

#[tokio::test]
async fn every_command_of_the_readmes_prints_what_it_says() {
    let host = host().examples().start().await;
    for example in EXAMPLES {
        let folder = root().join("plugins").join(example);
        let readme = fs::read_to_string(folder.join("README.md")).expect("a README");
        let commands: Vec<_> = blocks(&readme).iter().flat_map(Block::commands).collect();
        assert!(commands.len() >= 3, "{example} shows {} commands", commands.len());
        for (command, expected) in commands {
            let here = command.replace("localhost:8080", &host.address.to_string());
            let run = Command::new("sh").args(["-c", &here]).current_dir(&folder).output().await.expect("sh");
            let printed = String::from_utf8_lossy(&run.stdout);
            // curl adds no line end to what it prints, and an empty line stands in front of the next command.
            assert_eq!(printed.trim_end(), expected.trim_end(), "{example}: {command}\n{run:?}");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_readmes_is_served() {
    let host = host().examples().start().await;
    let document = host.get("/openapi.json").await.json();
    let mut count = 0;
    for example in EXAMPLES {
        let readme = fs::read_to_string(root().join("plugins").join(example).join("README.md")).expect("a README");
        // | `get-todo` | `GET /todos/{id}` |
        for row in readme.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('`').collect();
            let (function, (method, path)) = (cells[1], cells[3].split_once(' ').expect("a method and a path"));
            let operation = &document["paths"][path][method.to_lowercase()];
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("no {method} {path}, of {example}"));
            assert!(id.ends_with(&function.replace('-', "_")), "{id} is not {function}");
            count += 1;
        }
    }
    assert!(count >= 13, "only {count} rows were found");
}

#[tokio::test]
async fn an_order_with_six_faults_is_told_each_of_them() {
    let host = host().plugin("orders").start().await;
    let answer = host.post("/orders", &json!({"items": [{"qty": -1}, {"sku": 7}]})).await;
    assert_eq!(
        answer.faults(),
        [
            "body.customer missing",
            "body.delivery missing",
            "body.items[0].qty minimum",
            "body.items[0].sku missing",
            "body.items[1].qty missing",
            "body.items[1].sku type"
        ]
    );
}
