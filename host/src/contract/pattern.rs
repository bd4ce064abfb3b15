//! Regular expressions of `@pattern`: a subset of ECMA-262, matched in linear time.

use regex::Regex;

/// A regular expression as JSON Schema 2020-12 means `pattern` (Core, section 6.4; Validation, section 6.3.3).
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl Pattern {
    /// Reads an ECMA-262 pattern.
    ///
    /// # Errors
    ///
    /// What is found and what is wanted, when the pattern is malformed or not in the subset.
    pub fn compile(source: &str) -> Result<Pattern, String> {
        let regex = Regex::new(source).map_err(|error| error.to_string())?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// The pattern as its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the pattern matches anywhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
