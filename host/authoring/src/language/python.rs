//! Python, by componentize-py. A module of annotated functions needs no WIT: the SDK derives it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wit_parser::{FunctionKind, Resolve, Type, TypeDefKind, TypeOwner, WorldItem, WorldKey};

use super::{
    limits,
    toolchain::{Job, Toolchain},
};
use crate::{
    Project,
    error::BuildError,
    generated,
    tools::{Missing, Pinned, Tools, apt, quoted},
    wit::Wit,
};

pub(super) struct Python;

const REQUIREMENTS: &str = include_str!("../../../../sdk/python/requirements.txt");

/// The package `witapi`: in every component, and what derives WIT beside the author.
macro_rules! sdk {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../sdk/python/witapi/", $file)))),*]
    };
}

const SDK: &[(&str, &str)] = sdk![
    "__init__.py",
    "__main__.py",
    "api.py",
    "contract.py",
    "encoders.py",
    "errors.py",
    "exception_handlers.py",
    "exceptions.py",
    "guest.py",
    "infer.py",
    "log.py",
    "model.py",
    "names.py",
    "params.py",
    "py.typed",
    "request.py",
    "responses.py",
    "source.py",
    "status.py",
    "store.py",
    "text.py",
    "types.py",
    "wit.py",
];

/// How a WIT file begins that was derived, and may be derived again. A file of the author's own is never written.
const DERIVED: &str = "// Derived from ";

/// The module that componentize-py is given, which makes the author's known to it.
const GLUE: &str = "witapi_glue";

impl Toolchain for Python {
    fn name(&self) -> &'static str {
        "Python"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[("src/app.py", include_str!("../template/python/app.py"))]
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        limits::check_types(wit, "Python", limit)?;
        Ok(stubs(wit))
    }

    fn version(&self) -> String {
        let mut digest = Sha256::new();
        for (file, text) in SDK {
            digest.update(file);
            digest.update(text);
        }
        digest.update(REQUIREMENTS);
        digest.update(env!("CARGO_PKG_VERSION"));
        HEXLOWER.encode(&digest.finalize())
    }

    fn missing(&self, _project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        let pinned = pinned(tools);
        if pinned.is_complete() {
            return Ok(Vec::new());
        }
        let mut missing = Vec::new();
        // Debian has the module that makes virtual environments in a package of its own.
        let has_python = Command::new("python3")
            .args(["-c", "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !has_python {
            missing
                .push(Missing { what: "Python 3.10 or newer, with venv".into(), command: apt("python3 python3-venv") });
        }
        pinned.write(&[("requirements.txt", REQUIREMENTS)])?;
        let folder = quoted(&pinned.folder);
        let install = format!(
            "python3 -m venv {folder}/venv && {folder}/venv/bin/pip install --quiet --disable-pip-version-check -r {folder}/requirements.txt"
        );
        missing.push(Missing { what: REQUIREMENTS.trim().replace("==", " "), command: pinned.then_complete(&install) });
        Ok(missing)
    }

    fn derive(&self, project: &Project, tools: &Tools) -> Result<(), BuildError> {
        if !is_derived(project)? {
            return Ok(());
        }
        let stamp = project.generated("derived");
        let state = source_state(project, &self.version())?;
        if fs::read_to_string(&stamp).is_ok_and(|earlier| earlier == state) && derived_file(project).is_file() {
            return Ok(());
        }
        write_sdk(project)?;
        let mut python = Command::new(interpreter(project, tools));
        python
            .args(["-m", "witapi", "derive", "src/app.py", "--name", &wit_name(&project.name)])
            .env("PYTHONPATH", project.generated("sdk"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(&project.folder)
            .stdin(Stdio::null());
        let output = python.output().map_err(|error| BuildError::Start { tool: "python3".into(), error })?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(BuildError::Compiler { tool: "deriving the WIT of src/app.py".into(), said });
        }
        anstream::eprint!("{said}");
        let wit = String::from_utf8_lossy(&output.stdout).into_owned();
        generated::put(&derived_file(project), wit.as_bytes())?;
        // After the WIT, which is one of the files that it is about.
        Ok(generated::put(&stamp, source_state(project, &self.version())?.as_bytes())?)
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        let project = job.project;
        limits::check_types(job.wit, "Python", limit)?;
        write_sdk(project)?;
        let wit = project.generated("python/wit");
        let sources = project.generated("python/src");
        let glue = project.generated("python/glue");
        let bindings = project.generated("bindings");
        for folder in [&wit, &sources, &bindings] {
            remove(folder)?;
        }
        copy(&job.wit.plain, &wit, &|file, bytes| match file.extension() {
            Some(extension) if extension == "wit" => without_escapes(&String::from_utf8_lossy(&bytes)).into_bytes(),
            _ => bytes,
        })?;
        // A copy, because CPython writes its cache beside the sources.
        copy(&project.folder.join("src"), &sources, &|_, bytes| bytes)?;
        let is_derived = if is_derived(project)? { "True" } else { "False" };
        let text = format!(
            "# Made by `witapi build`.\nfrom witapi.guest import serve\n\nserve(globals(), {:?}, {is_derived})\n",
            wit_name(&project.name)
        );
        generated::put(&glue.join(format!("{GLUE}.py")), text.as_bytes())?;
        // Where componentize-py looks for more packages: those of the project's own environment, and no others that
        // happen to be on this machine.
        let environment = project.folder.join(".venv");
        let environment = if environment.is_dir() { environment } else { project.generated("python/venv") };
        let packages = project.generated("python/venv/lib/site-packages");
        fs::create_dir_all(&packages).map_err(|error| BuildError::Io { file: packages, error })?;

        let componentize = || {
            let mut command = Command::new(pinned(job.tools).folder.join("venv/bin/componentize-py"));
            // Its own backtraces tell an author nothing.
            command.env("VIRTUAL_ENV", &environment).env("RUST_BACKTRACE", "0");
            command.args(["-q", "-w", job.wit.world_name(), "-d"]).arg(&wit);
            command
        };
        // For editors: the modules `wit_world` and `componentize_py_types`, as types.
        job.run(componentize().arg("bindings").arg(&bindings))?;
        let component = project.generated("python/component.wasm");
        let mut command = componentize();
        // Never with --stub-wasi: time, randomness and print would trap.
        command.arg("componentize").arg("-p").arg(&sources).arg("-p").arg(&glue);
        command.arg("-p").arg(project.generated("sdk")).arg(GLUE).arg("-o").arg(&component);
        job.run(&mut command).map_err(|error| in_the_authors_words(error, project))?;
        let bytes = fs::read(&component).map_err(|error| BuildError::Io { file: component.clone(), error })?;
        drop(fs::remove_file(&component));
        Ok(Some(bytes))
    }
}

/// What componentize-py 0.25.1 has no bindings for, and panics at.
fn limit(kind: &TypeDefKind) -> Option<&'static str> {
    match kind {
        TypeDefKind::FixedLengthList(..) => {
            Some("lists of fixed length, such as `list<u8, 3>`; use a tuple, or a list with @minItems and @maxItems")
        }
        TypeDefKind::Map(..) => Some("maps; use a list of tuples, such as `list<tuple<string, u8>>`"),
        _ => None,
    }
}

fn pinned(tools: &Tools) -> Pinned {
    tools.pinned("python", &[("requirements.txt", REQUIREMENTS)])
}

/// The interpreter that derives: the project's own environment has the packages that the module may import.
fn interpreter(project: &Project, tools: &Tools) -> PathBuf {
    let own = project.folder.join(".venv/bin/python3");
    if own.exists() { own } else { pinned(tools).folder.join("venv/bin/python3") }
}

fn derived_file(project: &Project) -> PathBuf {
    project.wit().join("plugin.wit")
}

/// Whether the WIT is made of the source: there is none, or one that was made so.
fn is_derived(project: &Project) -> Result<bool, BuildError> {
    let folder = project.wit();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(|error| BuildError::Io { file: folder.clone(), error })?,
    };
    let is_wit = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wit");
    let files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_wit).collect();
    Ok(match files.as_slice() {
        [] => true,
        [file] => *file == derived_file(project) && fs::read_to_string(file).is_ok_and(|wit| wit.starts_with(DERIVED)),
        _ => false,
    })
}

/// What the derivation depends on, and what it made: names, sizes and times of change.
fn source_state(project: &Project, version: &str) -> Result<String, BuildError> {
    let mut state = format!("{version}\n");
    for file in project.sources()? {
        if file.extension().is_some_and(|extension| extension == "py" || extension == "wit") {
            let metadata = fs::metadata(&file).ok();
            let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            state += &format!("{} {:?} {changed:?}\n", file.display(), metadata.map(|it| it.len()));
        }
    }
    Ok(state)
}

fn write_sdk(project: &Project) -> Result<(), BuildError> {
    let folder = project.generated("sdk/witapi");
    SDK.iter().try_for_each(|(file, text)| Ok(generated::put(&folder.join(file), text.as_bytes())?))
}

fn remove(folder: &Path) -> Result<(), BuildError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BuildError::Io { file: folder.to_owned(), error }),
        _ => Ok(()),
    }
}

/// Copies a folder without what is hidden or made by Python.
fn copy(from: &Path, into: &Path, change: &dyn Fn(&Path, Vec<u8>) -> Vec<u8>) -> Result<(), BuildError> {
    let mut folders = vec![(from.to_owned(), into.to_owned(), 0)];
    while let Some((from, into, depth)) = folders.pop() {
        let failed = |error| BuildError::Io { file: from.clone(), error };
        fs::create_dir_all(&into).map_err(failed)?;
        for entry in fs::read_dir(&from).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
                continue;
            }
            let target = into.join(name);
            if path.is_dir() {
                if depth < MAX_DEPTH {
                    folders.push((path, target, depth + 1));
                }
            } else {
                let io = |error| BuildError::Io { file: path.clone(), error };
                let bytes = fs::read(&path).map_err(io)?;
                fs::write(&target, change(&path, bytes)).map_err(io)?;
            }
        }
    }
    Ok(())
}

/// Folders within folders that are copied; the bound ends links that lead back.
const MAX_DEPTH: usize = 16;

/// componentize-py puts comments of WIT into strings of Python as they are: a `\u` or a `"""` in a comment would be a
/// syntax error of the bindings. The text that is embedded is another one.
fn without_escapes(wit: &str) -> String {
    let line = |line: &str| match line.trim_start().starts_with("///") {
        true => line.replace('\\', r"\\").replace('"', "'"),
        false => line.to_owned(),
    };
    wit.lines().map(|it| line(it) + "\n").collect()
}

/// What componentize-py says, about the files that the author knows and without its own stack.
fn in_the_authors_words(error: BuildError, project: &Project) -> BuildError {
    let BuildError::Compiler { tool, said } = error else { return error };
    // In the component, the first folder of the path is the author's, then ours.
    let said = said.replace("\"/0/", "\"src/");
    let said = match said.find("Traceback (most recent call last)") {
        Some(start) => trimmed(&said[start..]),
        None => said,
    };
    BuildError::Compiler { tool, said: said.replace(&project.folder.display().to_string(), ".") }
}

/// A traceback without the frames of the SDK and of the interpreter, which come before the author's.
fn trimmed(traceback: &str) -> String {
    let lines: Vec<&str> = traceback.lines().collect();
    let Some(first) = lines.iter().position(|line| line.contains("File \"src/")) else {
        return traceback.to_owned();
    };
    let mut kept = vec![lines[0]];
    kept.extend(&lines[first..]);
    // Behind the exception stands what componentize-py adds.
    if let Some(end) = kept.iter().skip(1).position(|line| !line.is_empty() && !line.starts_with(' ')) {
        let message = kept[end + 1..].iter().position(|line| line.trim().is_empty());
        kept.truncate(message.map_or(kept.len(), |length| end + 1 + length));
    }
    kept.join("\n") + "\n"
}

/// The project's name as a package and an interface of WIT may be called.
fn wit_name(name: &str) -> String {
    let mut wit = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' => wit.push(c),
            'A'..='Z' => wit.push(c.to_ascii_lowercase()),
            _ if !wit.ends_with('-') => wit.push('-'),
            _ => {}
        }
    }
    // Every word begins with a letter.
    let words: Vec<&str> = wit.split('-').filter(|word| !word.is_empty()).collect();
    let mut name = String::new();
    for word in words {
        if !name.is_empty() && word.starts_with(|c: char| c.is_ascii_lowercase()) {
            name.push('-');
        }
        name.push_str(word);
    }
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("plugin{name}") }
}

/// A class for each interface that the world exports, with a method for each function, none of them done.
fn stubs(wit: &Wit) -> String {
    let resolve = &wit.resolve;
    let mut imports = Vec::new();
    let mut classes = String::new();
    let mut functions = String::new();
    for (key, item) in &resolve.worlds[wit.world].exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let name = match key {
                    WorldKey::Name(name) => name.clone(),
                    WorldKey::Interface(id) => resolve.interfaces[*id].name.clone().unwrap_or_default(),
                };
                let interface = &resolve.interfaces[*id];
                if !interface.types.is_empty() {
                    imports.push(snake(&name));
                }
                classes += &format!("\n\nclass {0}(exports.{0}):\n", class(&name));
                let scope = Some((TypeOwner::Interface(*id), snake(&name)));
                let methods = interface.functions.values().map(|function| method(resolve, function, scope.as_ref()));
                classes += &methods.collect::<Vec<_>>().join("\n");
            }
            WorldItem::Function(function) => {
                functions += &format!("\n{}", method(resolve, function, None));
            }
            WorldItem::Type { .. } => {}
        }
    }
    if !functions.is_empty() {
        classes += &format!("\n\nclass WitWorld(wit_world.WitWorld):{functions}");
    }
    let mut head = String::from("\"\"\"The plugin. `.witapi/bindings` has the types, for an editor to read.\"\"\"\n\n");
    if !functions.is_empty() {
        head += "import wit_world\n";
    }
    if classes.contains("(exports.") {
        head += "from wit_world import exports\n";
    }
    if !imports.is_empty() {
        head += &format!("from wit_world.exports import {}\n", imports.join(", "));
    }
    head + &classes
}

fn method(resolve: &Resolve, function: &wit_parser::Function, scope: Option<&(TypeOwner, String)>) -> String {
    let is_async = matches!(function.kind, FunctionKind::AsyncFreestanding);
    let params = function
        .params
        .iter()
        .map(|param| format!(", {}: {}", snake(&param.name), annotation(resolve, &param.ty, scope)));
    // An `err` is raised: `raise Err(…)`.
    let returned = function.result.as_ref().map_or("None".into(), |ty| match ty {
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Result(result) => {
                result.ok.as_ref().map_or("None".into(), |ok| annotation(resolve, ok, scope))
            }
            _ => annotation(resolve, ty, scope),
        },
        _ => annotation(resolve, ty, scope),
    });
    let docs = function.docs.contents.as_deref().unwrap_or_default();
    let docs = docs.lines().next().unwrap_or_default().replace('\\', r"\\").replace('"', "'");
    let docs = if docs.is_empty() { String::new() } else { format!("        \"\"\"{}\"\"\"\n", docs.trim()) };
    let word = if is_async { "async def" } else { "def" };
    format!(
        "    {word} {}(self{}) -> {returned}:\n{docs}        raise NotImplementedError\n",
        snake(&function.name),
        params.collect::<String>(),
    )
}

/// A type as the bindings have it.
fn annotation(resolve: &Resolve, ty: &Type, scope: Option<&(TypeOwner, String)>) -> String {
    let of = |ty: &Type| annotation(resolve, ty, scope);
    match ty {
        Type::Bool => "bool".into(),
        Type::F32 | Type::F64 => "float".into(),
        Type::Char | Type::String => "str".into(),
        Type::ErrorContext => "object".into(),
        Type::Id(id) => {
            let definition = &resolve.types[*id];
            match (&definition.kind, &definition.name) {
                (TypeDefKind::Type(target), _) => of(target),
                (
                    TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) | TypeDefKind::Flags(_),
                    Some(name),
                ) => match scope {
                    Some((owner, module)) if *owner == definition.owner => format!("{module}.{}", class(name)),
                    _ => "object".into(),
                },
                (TypeDefKind::Option(some), _) => format!("{} | None", of(some)),
                (TypeDefKind::List(Type::U8) | TypeDefKind::FixedLengthList(Type::U8, _), _) => "bytes".into(),
                (TypeDefKind::List(item) | TypeDefKind::FixedLengthList(item, _), _) => format!("list[{}]", of(item)),
                (TypeDefKind::Tuple(tuple), _) => {
                    format!("tuple[{}]", tuple.types.iter().map(of).collect::<Vec<_>>().join(", "))
                }
                _ => "object".into(),
            }
        }
        _ => "int".into(),
    }
}

/// A name of WIT as the bindings have it, of functions, parameters and modules.
fn snake(name: &str) -> String {
    let name = name.replace('-', "_").to_lowercase();
    if KEYWORDS.contains(&&*name) { name + "_" } else { name }
}

/// A name of WIT as the bindings have it, of classes.
fn class(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + &letters.as_str().to_lowercase())
    };
    let name: String = name.split('-').filter_map(word).collect();
    if matches!(&*name, "None" | "True" | "False") { name + "_" } else { name }
}

/// Python's keywords that can be names of WIT (The Python Language Reference, section 2.3.1).
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_any_name_is_a_package_of_wit() {
        for (folder, name) in [("todos", "todos"), ("My App_2", "my-app2"), ("2fa", "plugin2fa"), ("ä", "plugin")] {
            assert_eq!(wit_name(folder), name);
        }
    }

    #[test]
    fn comments_of_wit_are_text_in_python() {
        let wit = "/// @pattern ^\\d \"\"\"\n@since(version = \"1.0.0\")\n";
        assert_eq!(without_escapes(wit), "/// @pattern ^\\\\d '''\n@since(version = \"1.0.0\")\n");
    }
}
