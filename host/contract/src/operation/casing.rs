//! How names of WIT are spelled in JSON, in queries and in paths.

use std::{fmt, str::FromStr};

/// A way to spell names. WIT's own are kebab-case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Casing {
    /// `new_todo`
    #[default]
    Snake,
    /// `newTodo`
    Camel,
    /// `new-todo`: as WIT has it.
    Kebab,
}

impl Casing {
    pub const ALL: [Casing; 3] = [Casing::Snake, Casing::Camel, Casing::Kebab];

    /// The name of the casing, spelled in it: what the configuration and `@json` call it.
    pub fn name(self) -> &'static str {
        match self {
            Casing::Snake => "snake_case",
            Casing::Camel => "camelCase",
            Casing::Kebab => "kebab-case",
        }
    }

    /// Spells a name of WIT in this casing. Acronyms, which WIT may spell in capitals, become
    /// words: `parse-URL` is `parse_url` and `parseUrl`. WIT has no two names that differ in
    /// capitals only, so that snake_case never makes two names one. camelCase may: `v-1` and `v1`.
    pub fn apply(self, wit_name: &str) -> String {
        match self {
            Casing::Kebab => wit_name.to_owned(),
            Casing::Snake => wit_name.replace('-', "_").to_ascii_lowercase(),
            Casing::Camel => {
                let mut words = wit_name.split('-');
                let mut name = words.next().unwrap_or_default().to_ascii_lowercase();
                for word in words {
                    let mut letters = word.chars();
                    name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                    name.extend(letters.map(|letter| letter.to_ascii_lowercase()));
                }
                name
            }
        }
    }
}

impl fmt::Display for Casing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is the name of no [`Casing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCasing(pub String);

impl fmt::Display for UnknownCasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [snake, camel, kebab] = Casing::ALL;
        write!(f, "expected `{snake}`, `{camel}` or `{kebab}`, found `{}`", self.0)
    }
}

impl std::error::Error for UnknownCasing {}

impl FromStr for Casing {
    type Err = UnknownCasing;

    fn from_str(name: &str) -> Result<Self, UnknownCasing> {
        let casing = Casing::ALL.into_iter().find(|casing| casing.name() == name);
        casing.ok_or_else(|| UnknownCasing(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(wit_name: &str) -> [String; 3] {
        Casing::ALL.map(|casing| casing.apply(wit_name))
    }

    #[test]
    fn words_are_joined_in_each_casing() {
        assert_eq!(all("new-todo"), ["new_todo", "newTodo", "new-todo"]);
        assert_eq!(all("id"), ["id", "id", "id"]);
        assert_eq!(all("a-b-c"), ["a_b_c", "aBC", "a-b-c"]);
        assert_eq!(all("line-2-x"), ["line_2_x", "line2X", "line-2-x"]);
    }

    #[test]
    fn acronyms_become_words() {
        assert_eq!(all("parse-URL"), ["parse_url", "parseUrl", "parse-URL"]);
        assert_eq!(all("URL-of"), ["url_of", "urlOf", "URL-of"]);
    }

    #[test]
    fn what_is_no_name_of_wit_does_not_panic() {
        assert_eq!(all(""), ["", "", ""]);
        assert_eq!(all("-é--b-"), ["_é__b_", "éB", "-é--b-"]);
    }

    #[test]
    fn only_the_three_casings_have_names() {
        for casing in Casing::ALL {
            assert_eq!(casing.to_string().parse(), Ok(casing));
        }
        assert_eq!(
            "Camel".parse::<Casing>().unwrap_err().to_string(),
            "expected `snake_case`, `camelCase` or `kebab-case`, found `Camel`"
        );
    }
}
