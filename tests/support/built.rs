//! Plugins that tests build of sources of their own, in `target/tmp/built/<name>`: once, and again when a file of theirs,
//! the host or a toolchain is another.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use crate::{root, witapi};

/// Files of a plugin's folder, by their paths in it.
#[derive(Default)]
pub struct Sources(BTreeMap<PathBuf, String>);

impl Sources {
    pub fn file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Sources {
        self.0.insert(path.into(), text.into());
        self
    }

    /// All that is in `folder`, below `at`.
    pub fn folder(self, folder: &Path, at: &str) -> Sources {
        self.changed(folder, Path::new(at), &|text| text)
    }

    /// The same, each text after a change.
    pub fn changed(mut self, folder: &Path, at: &Path, change: &dyn Fn(String) -> String) -> Sources {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, at) = (entry.path(), at.join(entry.file_name()));
            self = if path.is_dir() {
                self.changed(&path, &at, change)
            } else {
                self.file(at, change(fs::read_to_string(&path).expect("a text")))
            };
        }
        self
    }

    /// The component that `witapi build` makes of them. The folder is called `name`, in one of its own for each `test`.
    pub fn built(self, test: &str, name: &str) -> PathBuf {
        static ONE_AT_A_TIME: Mutex<BTreeMap<String, &'static Mutex<()>>> = Mutex::new(BTreeMap::new());
        let all = ONE_AT_A_TIME
            .lock()
            .map(|mut all| *all.entry(test.to_owned()).or_insert_with(|| Box::leak(Box::default())));
        let of_this = all.expect("the locks");
        let _guard = of_this.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

        let folder = root().join("target/tmp/built").join(test);
        let (project, mark) = (folder.join(name), folder.join("made-by"));
        let host = fs::metadata(witapi()).expect("the host");
        let made_by = format!("{} {:?} {:?}", host.len(), host.modified().expect("a time"), self.0.keys());
        if fs::read_to_string(&mark).ok().as_ref() != Some(&made_by) {
            let _ = fs::remove_dir_all(&folder);
        }
        for (path, text) in &self.0 {
            let file = project.join(path);
            // What is the same keeps its time, by which a build knows it.
            if fs::read_to_string(&file).ok().as_ref() != Some(text) {
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                fs::write(file, text).expect("a written file");
            }
        }
        fs::write(mark, made_by).expect("a written file");
        let mut build = Command::new(witapi());
        build.args(["build", "--install"]).arg(&project).env("WITAPI_TOOLS", root().join("target/tools"));
        let ran = build.output().expect("a run");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        project.join(format!("{name}.wasm"))
    }
}
