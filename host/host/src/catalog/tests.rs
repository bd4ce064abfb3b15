use std::{path::Path, sync::Arc};

use super::{Change, Changed, Host, Precedence, Reason};
use crate::{
    config::Config,
    plugin::{
        Listed, LoadError,
        load::{self, Cause, Loader},
        tests::component,
    },
};

fn host() -> Host {
    let mut config = Config::default();
    config.scheduler.instances = 4;
    // Nothing is kept of what is compiled.
    Host::of(Loader::new(config, "/dev/null/none".into()).unwrap())
}

fn loaded(host: &Host, file: &str, functions: &[&str]) -> Listed {
    load::listed(&host.loader, Path::new(file), &component(functions)).unwrap()
}

fn serve(host: &Host, files: &[(&str, &[&str])], precedence: Precedence) -> Changed {
    let loaded = files.iter().map(|(file, functions)| loaded(host, file, functions)).collect();
    host.change(Change { loaded, precedence, ..Change::default() })
}

/// Which plugin a `GET` of that path is for.
fn owner(host: &Host, path: &str) -> Option<Arc<str>> {
    host.catalog().find("GET", path).ok().map(|found| found.plugin.name.clone())
}

#[test]
fn a_change_of_many_is_one_catalog() {
    let host = host();
    let before = (*host.revision().borrow(), host.catalog());
    let changed = serve(&host, &[("a.wasm", &["get-a"]), ("b.wasm", &["get-b"])], Precedence::Served);
    assert!(changed.refused.is_empty() && changed.has_freed);
    assert_eq!(*host.revision().borrow(), before.0 + 1);
    assert_eq!((owner(&host, "/api/a").as_deref(), owner(&host, "/api/b").as_deref()), (Some("a"), Some("b")));
    // Whoever began with the earlier one has it as it was.
    assert!(before.1.find("GET", "/api/a").is_err());
    let gone = Change { gone: vec!["a.wasm".into()], ..Change::default() };
    host.change(gone);
    assert_eq!((owner(&host, "/api/a"), owner(&host, "/api/b").as_deref()), (None, Some("b")));
}

#[test]
fn what_changes_nothing_makes_no_catalog() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"])], Precedence::Served);
    let before = *host.revision().borrow();
    host.change(Change { same: vec!["a.wasm".into()], gone: vec!["never-there.wasm".into()], ..Change::default() });
    assert_eq!(*host.revision().borrow(), before);
}

#[test]
fn who_wants_a_taken_route_serves_nothing() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"])], Precedence::Served);
    let changed = serve(&host, &[("b.wasm", &["get-a", "get-b"])], Precedence::Served);
    assert!(matches!(changed.refused[0].reason, Reason::Conflict(_)), "{}", changed.refused[0]);
    assert_eq!((owner(&host, "/api/a").as_deref(), owner(&host, "/api/b")), (Some("a"), None));
    let catalog = host.catalog();
    let failure = catalog.entries()["b"].failure.as_ref().unwrap();
    assert!(failure.reason.contains("is already served by `api.get-a` of plugin `a`"), "{}", failure.reason);
}

#[test]
fn a_rejected_version_leaves_the_earlier_one_serving() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"]), ("b.wasm", &["get-b"])], Precedence::Served);
    serve(&host, &[("b.wasm", &["get-b", "get-a"])], Precedence::Served);
    assert_eq!((owner(&host, "/api/a").as_deref(), owner(&host, "/api/b").as_deref()), (Some("a"), Some("b")));
    assert!(host.catalog().entries()["b"].failure.is_some());
}

#[test]
fn at_start_names_decide_and_not_the_order_of_loads() {
    let host = host();
    serve(&host, &[("b.wasm", &["get-a"])], Precedence::ByName);
    assert_eq!(owner(&host, "/api/a").as_deref(), Some("b"));
    let changed = serve(&host, &[("a.wasm", &["get-a"])], Precedence::ByName);
    assert_eq!((changed.refused.len(), owner(&host, "/api/a").as_deref()), (1, Some("a")));
}

#[test]
fn plugins_that_exchange_routes_do_so_at_once() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"]), ("b.wasm", &["get-b"])], Precedence::Served);
    let changed = serve(&host, &[("a.wasm", &["get-b"]), ("b.wasm", &["get-a"])], Precedence::Served);
    assert!(changed.refused.is_empty());
    assert_eq!((owner(&host, "/api/a").as_deref(), owner(&host, "/api/b").as_deref()), (Some("b"), Some("a")));
}

#[test]
fn a_file_of_a_name_that_another_has_is_refused() {
    let host = host();
    serve(&host, &[("one/a.wasm", &["get-a"])], Precedence::Served);
    let changed = serve(&host, &[("two/a.wasm", &["get-b"])], Precedence::Served);
    assert!(matches!(changed.refused[0].reason, Reason::NameTaken { .. }));
    assert_eq!((owner(&host, "/api/a").as_deref(), owner(&host, "/api/b")), (Some("a"), None));
}

#[test]
fn a_failure_is_noted_until_its_plugin_is_gone() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"])], Precedence::Served);
    host.note_failure(LoadError { file: "a.wasm".into(), cause: Cause::TooLarge { found: 1 << 40 } });
    let catalog = host.catalog();
    assert!(catalog.entries()["a"].failure.is_some() && owner(&host, "/api/a").is_some());
    host.change(Change { same: vec!["a.wasm".into()], ..Change::default() });
    assert!(host.catalog().entries()["a"].failure.is_none());
}

#[test]
fn catalogs_are_dropped_when_nobody_has_them() {
    let host = host();
    serve(&host, &[("a.wasm", &["get-a"])], Precedence::Served);
    let held = Arc::downgrade(&host.catalog().entries()["a"].serving.clone().unwrap());
    let catalog = host.catalog();
    host.change(Change { gone: vec!["a.wasm".into()], ..Change::default() });
    host.drop_unused();
    assert!(held.upgrade().is_some());
    drop(catalog);
    host.drop_unused();
    assert!(held.upgrade().is_none());
}
