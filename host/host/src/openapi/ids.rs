//! `operationId`s: names that generated clients can use for their functions as they are.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::contract::{Contract, Operation};

/// What an operation's id is made of, beside its plugin.
#[derive(Debug, Clone, Copy)]
pub struct Function<'a> {
    pub interface: &'a str,
    /// Empty for a function of the world.
    pub instance: &'a str,
    pub name: &'a str,
}

impl<'a> Function<'a> {
    fn of(operation: &'a Operation) -> Function<'a> {
        let instance = operation.instance.as_deref().unwrap_or_default();
        Function { interface: &operation.interface, instance, name: &operation.function }
    }
}

/// The ids of all operations, in the order of the contract.
pub fn operation_ids(plugin: &str, contract: &Contract) -> Vec<String> {
    let functions = contract.operations.iter().map(Function::of).collect();
    ids(&[(plugin, functions)]).pop().unwrap_or_default()
}

/// The ids of all operations, in the order of the plugins: unique, each `[a-z][a-z0-9_]*` with an underscore in it, so
/// that it is an identifier and no reserved word in about every language.
///
/// An id depends on nothing but its plugin, as long as no two are spelt alike. It begins with the words of the plugin's
/// name, so two plugins have to be called `a` and `a-b`, or `a-b` and `a.b`, for that. Then the one with fewer words in its
/// name keeps the id, of equals the one that sorts first; the other gets a digest of plugin and function behind its own.
pub(super) fn ids(plugins: &[(&str, Vec<Function>)]) -> Vec<Vec<String>> {
    let mut ids: Vec<Vec<String>> = plugins.iter().map(|_| vec![]).collect();
    let mut order: Vec<usize> = (0..plugins.len()).collect();
    order.sort_by_cached_key(|&i| (words(plugins[i].0).len(), plugins[i].0));
    let mut taken = HashSet::new();
    for i in order {
        let (plugin, functions) = &plugins[i];
        ids[i] = functions.iter().map(|function| free_id(plugin, *function, &mut taken)).collect();
    }
    ids
}

fn free_id(plugin: &str, function: Function, taken: &mut HashSet<String>) -> String {
    let base = operation_id(plugin, function.interface, function.name);
    let digest = || HEXLOWER.encode(&Sha256::digest(format!("{plugin}\n{}\n{}", function.instance, function.name)));
    let mut id = base.clone();
    let mut digits = 6;
    while !taken.insert(id.clone()) {
        // A plugin, an instance and a function are together those of one operation, so the whole digest is free.
        id = format!("{base}_{}", &digest()[..digits]);
        digits = (digits + 6).min(64);
    }
    id
}

/// `<plugin>_<interface>_<function>`, without what the first two say twice.
fn operation_id(plugin: &str, interface: &str, function: &str) -> String {
    let (mut plugin, interface) = (words(plugin), words(interface));
    if plugin.first().is_none_or(|first| first.starts_with(|letter: char| letter.is_ascii_digit())) {
        plugin.insert(0, "plugin".into());
    }
    let mut id = if interface.starts_with(&plugin) {
        interface
    } else if plugin.ends_with(&interface) {
        plugin
    } else {
        [plugin, interface].concat()
    };
    id.extend(words(function));
    id.join("_")
}

/// The words of a plugin's or of WIT's name, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plugin_and_interface_both_say_is_said_once() {
        assert_eq!(operation_id("todos", "todos", "get-todo"), "todos_get_todo");
        assert_eq!(operation_id("greeter", "greetings", "get-greeting"), "greeter_greetings_get_greeting");
        assert_eq!(operation_id("todos", "todos-admin", "clear"), "todos_admin_clear");
        assert_eq!(operation_id("my-todos", "todos", "clear"), "my_todos_clear");
        assert_eq!(operation_id("orders", "", "hello"), "orders_hello");
    }

    #[test]
    fn every_plugins_name_makes_an_identifier() {
        assert_eq!(operation_id("a.b-c_D9", "x", "parse-URL"), "a_b_c_d9_x_parse_url");
        assert_eq!(operation_id("2fa", "codes", "check"), "plugin_2fa_codes_check");
        assert_eq!(operation_id("_-_", "", "class"), "plugin_class");
        assert_eq!(operation_id("v1..x", "", "f"), "v1_x_f");
    }
}
