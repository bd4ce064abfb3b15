use std::sync::Arc;

use tempfile::{TempDir, tempdir};

use super::{
    Listed,
    load::{self, Loader},
};
use crate::config::Config;

/// A component with these functions, which take nothing and return 7.
pub fn component(functions: &[&str]) -> Vec<u8> {
    let exports: String = functions.iter().map(|name| format!("(export \"{name}\" (func $f))")).collect();
    let text = format!(
        "(component (core module $m (func (export \"f\") (result i32) i32.const 7)) \
         (core instance $i (instantiate $m)) (func $f (result u32) (canon lift (core func $i \"f\"))) \
         (instance $api {exports}) (export \"test:plugin/api\" (instance $api)))"
    );
    wat::parse_str(text).unwrap()
}

/// A host's loader, with a folder for compiled code that is deleted with this.
struct Loading {
    loader: Loader,
    _folder: TempDir,
}

impl Loading {
    fn new(resident: usize) -> Loading {
        let folder = tempdir().unwrap();
        let mut config = Config::default();
        config.resident = resident;
        config.scheduler.instances = 4;
        let loader = Loader::new(config, folder.path().join("code")).unwrap().with_sleep();
        assert!(loader.copies.is_some());
        Loading { loader, _folder: folder }
    }

    /// A plugin with one operation, awake.
    fn plugin(&self, name: &str) -> Arc<Listed> {
        let bytes = component(&[&format!("get-{name}")]);
        let listed = load::listed(&self.loader, format!("{name}.wasm").as_ref(), &bytes).unwrap();
        Arc::new(listed)
    }
}

#[tokio::test]
async fn what_sleeps_is_known_and_wakes_with_its_next_use() {
    let loading = Loading::new(10);
    let plugin = loading.plugin("a");
    let awake = (plugin.summary(), plugin.document(&Default::default()).unwrap().body);
    plugin.sleep();
    assert!(!plugin.is_awake());
    assert_eq!(plugin.routes[0].path.as_ref(), "/api/a");
    assert_eq!(plugin.summary().operations[0].label, awake.0.operations[0].label);
    assert_eq!(plugin.document(&Default::default()).unwrap().body, awake.1);
    assert_eq!(plugin.contract(&loading.loader).unwrap().operations[0].function, "get-a");
    assert!(!plugin.is_awake(), "to read of it does not wake it");
    let woken = plugin.plugin(&loading.loader).await.unwrap();
    assert!(plugin.is_awake() && woken.contract.operations.len() == 1);
}

#[tokio::test]
async fn all_that_wait_for_one_plugin_get_the_same_one() {
    let loading = Loading::new(10);
    let plugin = loading.plugin("a");
    plugin.sleep();
    let wakes = (0..20).map(|_| plugin.plugin(&loading.loader));
    let woken = futures_util::future::join_all(wakes).await;
    let first = woken[0].as_ref().unwrap();
    assert!(woken.iter().all(|other| Arc::ptr_eq(other.as_ref().unwrap(), first)));
}

#[tokio::test]
async fn a_plugin_in_use_survives_being_put_to_sleep() {
    let loading = Loading::new(10);
    let plugin = loading.plugin("a");
    let held = plugin.plugin(&loading.loader).await.unwrap();
    plugin.sleep();
    assert_eq!(held.contract.operations[0].function, "get-a");
}

#[tokio::test]
async fn those_used_last_stay_awake() {
    let loading = Loading::new(2);
    let plugins = ["a", "b", "c"].map(|name| loading.plugin(name));
    plugins.iter().for_each(|plugin| plugin.sleep());
    for used in [0, 1, 0, 2] {
        plugins[used].plugin(&loading.loader).await.unwrap();
    }
    let awake = plugins.iter().filter(|plugin| plugin.is_awake()).count();
    assert_eq!(awake, 2, "{plugins:?}");
    assert!(plugins[2].is_awake());
}

#[tokio::test]
async fn without_a_copy_nothing_sleeps() {
    let mut loading = Loading::new(10);
    loading.loader.copies = None;
    let plugin = loading.plugin("a");
    plugin.sleep();
    assert!(plugin.is_awake());
}
