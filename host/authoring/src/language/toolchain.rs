//! How plugins of one language are begun and built.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::BuildError,
    project::Project,
    tools::{Missing, Tools},
    wit::Wit,
};

/// See the module.
pub trait Toolchain: Sync {
    /// As it is written, such as `TypeScript`.
    fn name(&self) -> &'static str;

    /// What `witapi new` writes besides the WIT: paths and texts, in which `{{name}}` is the plugin's name.
    fn template(&self) -> &'static [(&'static str, &'static str)];

    /// A text of the template, for a plugin of that name.
    fn filled(&self, text: &str, name: &str) -> String {
        text.replace("{{name}}", name)
    }

    /// The source file for a contract of the author's own: each function there, and none done yet.
    ///
    /// # Errors
    ///
    /// The WIT has something that the language has no bindings for.
    fn stubs(&self, wit: &Wit) -> Result<String, BuildError>;

    /// What changes when the toolchain or the SDK does, so that all is built anew.
    fn version(&self) -> String;

    /// What of the toolchain is not there. Files that its commands read are written along the way.
    ///
    /// # Errors
    ///
    /// Those files cannot be written.
    fn missing(&self, project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError>;

    /// Writes WIT that is derived from the source, where there is any to be derived. Called before the WIT is read.
    ///
    /// # Errors
    ///
    /// The source says what WIT cannot.
    fn derive(&self, _project: &Project, _tools: &Tools) -> Result<(), BuildError> {
        Ok(())
    }

    /// Whether `compile` is to be called though no file of the folder changed, since more goes into it.
    fn sees_more_than_the_folder(&self) -> bool {
        false
    }

    /// Makes the component, without the text of the WIT; `None` where it would be what it was at `job.earlier`.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError>;
}

/// What is to be compiled.
pub struct Job<'a> {
    pub project: &'a Project,
    pub wit: &'a Wit,
    pub tools: &'a Tools,
    /// The component of an earlier build with the same options, if it is still there.
    pub earlier: Option<&'a Path>,
    /// For a person who waits for it: fast to build rather than fast to run.
    pub is_draft: bool,
    /// Whether compilers may colour what they say.
    pub is_coloured: bool,
}

impl Job<'_> {
    /// Runs a compiler to its end in the project's folder. Gives what it printed on stdout; what it says besides goes to
    /// stderr if it succeeds, such as warnings.
    ///
    /// # Errors
    ///
    /// [`BuildError::Compiler`] with all that it said, as it said it.
    pub fn run(&self, command: &mut Command) -> Result<Vec<u8>, BuildError> {
        let tool = PathBuf::from(command.get_program());
        let tool = tool.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = command.current_dir(&self.project.folder).stdin(std::process::Stdio::null()).output();
        let output = output.map_err(|error| BuildError::Start { tool: tool.clone(), error })?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let stdout = String::from_utf8_lossy(&output.stdout);
            // What cargo tells programs is not for people.
            let for_people = stdout.lines().filter(|line| !line.starts_with("{\"reason\":"));
            let said = for_people.fold(said.into_owned(), |said, line| said + line + "\n");
            return Err(BuildError::Compiler { tool, said });
        }
        if !said.trim().is_empty() {
            anstream::eprint!("{said}");
        }
        Ok(output.stdout)
    }
}
