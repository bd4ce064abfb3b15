//! A plugin's folder, and the language that it is written in.

pub(crate) mod generated;
pub(crate) mod offered;
pub mod wit;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of all that is made rather than written. It can be deleted at any time.
pub const GENERATED: &str = ".witapi";

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Rust,
    Python,
    #[value(name = "ts", alias = "typescript")]
    TypeScript,
    #[value(name = "js", alias = "javascript")]
    JavaScript,
    Go,
    C,
}

impl Language {
    pub const ALL: [Language; 6] =
        [Language::Rust, Language::Python, Language::TypeScript, Language::JavaScript, Language::Go, Language::C];

    /// Source files that a folder of this language has one of, the usual one first. It is also where stubs go.
    pub fn entries(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &["src/lib.rs"],
            Language::Python => &["src/app.py"],
            Language::TypeScript => &["src/index.ts"],
            Language::JavaScript => &["src/index.js"],
            Language::Go => &["main.go"],
            Language::C => &["src/plugin.c"],
        }
    }
}

/// A folder with the source of one plugin.
#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute.
    pub folder: PathBuf,
    /// The folder's name, which becomes the plugin's.
    pub name: String,
    pub language: Language,
    /// The source file that the language was found by, absolute.
    pub entry: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("{folder}: {error}")]
    Unreadable { folder: PathBuf, error: io::Error },
    #[error(
        "{folder}: expected a plugin with one of {}, found none; create one with `witapi new NAME --lang …`",
        expected()
    )]
    NoLanguage { folder: PathBuf },
    #[error(
        "{folder}: expected one language, found {one} and {other}; choose one with `--lang`, or use a folder for each"
    )]
    Ambiguous { folder: PathBuf, one: String, other: String },
    #[error("{file}: {error}")]
    Io { file: PathBuf, error: io::Error },
}

fn expected() -> String {
    let entries = Language::ALL.iter().flat_map(|language| language.entries());
    entries.copied().collect::<Vec<_>>().join(", ")
}

impl Project {
    /// Finds out what is in the folder, by the source file that is there.
    ///
    /// # Errors
    ///
    /// There is none that a language of ours begins with, or there are two.
    pub fn find(folder: &Path) -> Result<Project, ProjectError> {
        Project::find_in(folder, &Language::ALL)
    }

    /// The same, among these languages only.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn find_in(folder: &Path, languages: &[Language]) -> Result<Project, ProjectError> {
        let folder =
            fs::canonicalize(folder).map_err(|error| ProjectError::Unreadable { folder: folder.to_owned(), error })?;
        let mut found: Option<(Language, &str)> = None;
        for language in languages.iter().copied() {
            let Some(entry) = language.entries().iter().find(|entry| folder.join(entry).is_file()) else {
                continue;
            };
            if let Some((_, other)) = found {
                let (one, other) = (other.to_owned(), (*entry).to_owned());
                return Err(ProjectError::Ambiguous { folder, one, other });
            }
            found = Some((language, entry));
        }
        let Some((language, entry)) = found else { return Err(ProjectError::NoLanguage { folder }) };
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(Project { name, language, entry: folder.join(entry), folder })
    }

    /// The author's WIT.
    pub fn wit(&self) -> PathBuf {
        self.folder.join("wit")
    }

    /// Where the component is put unless told otherwise.
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }

    /// A file or folder of what is generated.
    pub fn generated(&self, path: &str) -> PathBuf {
        self.folder.join(GENERATED).join(path)
    }

    /// Makes the folder of what is generated, which asks git not to look at it.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn make_generated(&self) -> Result<(), ProjectError> {
        let ignore = self.generated(".gitignore");
        if ignore.exists() {
            return Ok(());
        }
        let failed = |error| ProjectError::Io { file: ignore.clone(), error };
        fs::create_dir_all(self.folder.join(GENERATED)).map_err(failed)?;
        fs::write(&ignore, "*\n").map_err(failed)
    }

    /// Every file that a build may depend on: all of the folder but what is hidden, generated or installed, and tests.
    ///
    /// # Errors
    ///
    /// A folder in it cannot be read.
    pub fn sources(&self) -> Result<Vec<PathBuf>, ProjectError> {
        Ok(self.walk()?.0)
    }

    /// The folders that those files stand in, or may come to stand in.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn source_folders(&self) -> Result<Vec<PathBuf>, ProjectError> {
        Ok(self.walk()?.1)
    }

    /// Files and folders.
    fn walk(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ProjectError> {
        let (mut sources, mut walked) = (Vec::new(), Vec::new());
        let mut folders = vec![(self.folder.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let failed = |error| ProjectError::Unreadable { folder: folder.clone(), error };
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with('.')
                    || NOT_SOURCES.contains(&&*name)
                    || name.ends_with(".wasm")
                    || name.ends_with(".http")
                {
                    continue;
                }
                // Follows links; the bound ends those that lead back.
                if path.is_dir() {
                    if depth < MAX_DEPTH {
                        folders.push((path, depth + 1));
                    }
                } else {
                    sources.push(path);
                }
            }
            walked.push(folder);
        }
        sources.sort();
        Ok((sources, walked))
    }
}

/// Folders of other tools.
const NOT_SOURCES: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 16;
