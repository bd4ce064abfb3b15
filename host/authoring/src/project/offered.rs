//! The WIT packages that the host offers, which an author need not copy: `wit/deps` of this repository.

use wit_parser::PackageName;

/// A package: its name, and its files.
pub(crate) struct Offered {
    /// Its folder in `wit/deps`.
    pub folder: &'static str,
    package: &'static str,
    version: &'static str,
    pub files: &'static [(&'static str, &'static str)],
}

macro_rules! offered {
    ($($folder:literal: $package:literal $version:literal [$($file:literal)*],)*) => {
        &[$(Offered {
            folder: $folder,
            package: $package,
            version: $version,
            files: &[$(($file, include_str!(concat!("../../../../wit/deps/", $folder, "/", $file)))),*],
        }),*]
    };
}

pub(crate) const OFFERED: &[Offered] = offered! {
    "wasi-cli": "wasi:cli" "0.2.12" ["cli.wit"],
    "wasi-clocks": "wasi:clocks" "0.2.12" ["clocks.wit"],
    "wasi-filesystem": "wasi:filesystem" "0.2.12" ["filesystem.wit"],
    "wasi-io": "wasi:io" "0.2.12" ["io.wit"],
    "wasi-keyvalue": "wasi:keyvalue" "0.2.0-draft" ["store.wit" "atomics.wit"],
    "wasi-logging": "wasi:logging" "0.1.0-draft" ["logging.wit"],
    "wasi-random": "wasi:random" "0.2.12" ["random.wit"],
    "wasi-sockets": "wasi:sockets" "0.2.12" ["sockets.wit"],
    "witapi-host": "witapi:host" "0.1.0" ["request.wit"],
};

/// The offered package that answers to that name. It may be newer than what is asked for, by the rules of semantic
/// versions as the component model has them: 0.2.12 also is a 0.2.3, and a draft is only itself.
pub(crate) fn find(wanted: &PackageName) -> Option<&'static Offered> {
    OFFERED.iter().find(|offered| offered.answers(wanted))
}

impl Offered {
    fn answers(&self, wanted: &PackageName) -> bool {
        if self.package.split_once(':') != Some((&wanted.namespace, &wanted.name)) {
            return false;
        }
        let Some(version) = &wanted.version else { return false };
        let spelt = version.to_string();
        // Of each, only the last number may differ: all that is offered is 0.x.
        let track = |version: &str| version.rsplit_once('.').map(|(track, _)| track.to_owned());
        let last = |version: &str| version.rsplit_once('.').and_then(|(_, last)| last.parse::<u64>().ok());
        let is_older = last(&spelt).zip(last(self.version)).is_some_and(|(wanted, offered)| wanted <= offered);
        spelt == self.version || (track(&spelt) == track(self.version) && is_older)
    }

    /// Its files as the package of that name, which [`find`] found it by.
    ///
    /// An older version gets the text of the offered one under its own number, and so do the packages that it uses: those
    /// of WASI are released together. What says since when a part is there would contradict that number, and is left out.
    pub(crate) fn files_as(&self, wanted: &PackageName) -> Vec<(&'static str, String)> {
        let version = wanted.version.as_ref().map(ToString::to_string).unwrap_or_default();
        let renumbered = |text: &str| {
            if version == self.version {
                return text.to_owned();
            }
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("@since("));
            let text: String = lines.flat_map(|line| [line, "\n"]).collect();
            text.replace(&format!("@{}", self.version), &format!("@{version}"))
        };
        self.files.iter().map(|(name, text)| (*name, renumbered(text))).collect()
    }
}

/// All of them, for an error.
pub(crate) fn list() -> String {
    let names: Vec<_> = OFFERED.iter().map(|offered| format!("{}@{}", offered.package, offered.version)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wit_parser::UnresolvedPackageGroup;

    fn name(text: &str) -> PackageName {
        let wit = format!("package a:b; world w {{ import {text}; }}");
        let group = UnresolvedPackageGroup::parse("test.wit", &wit).map_err(|(_, error)| error).expect("WIT");
        group.main.foreign_deps.keys().next().expect("an import").clone()
    }

    #[test]
    fn older_versions_match_newer_ones_and_drafts_do_not() {
        for (wanted, is_found) in [
            ("wasi:random/random@0.2.12", true),
            ("wasi:random/random@0.2.3", true),
            ("wasi:random/random@0.2.13", false),
            ("wasi:random/random@0.3.0", false),
            ("wasi:random/random@0.2.3-rc", false),
            ("wasi:random/random", false),
            ("wasi:keyvalue/store@0.2.0-draft", true),
            ("wasi:keyvalue/store@0.2.0-draft2", false),
            ("wasi:keyvalue/store@0.2.0", false),
            ("witapi:host/request@0.1.0", true),
            ("example:host/request@0.1.0", false),
        ] {
            assert_eq!(find(&name(wanted)).is_some(), is_found, "{wanted}");
        }
    }

    #[test]
    fn every_package_says_of_itself_what_the_list_says() {
        for offered in OFFERED {
            let package = format!("package {}@{};", offered.package, offered.version);
            assert!(offered.files.iter().any(|(_, text)| text.contains(&package)), "{package}");
        }
    }
}
