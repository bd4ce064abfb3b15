//! Regular expressions of `@pattern`: a subset of ECMA-262 that is matched in linear time.
//!
//! JSON Schema 2020-12 (Core, section 6.4; Validation, section 6.3.3) takes the regular expressions of ECMA-262 with the
//! flag `u` and searches: a pattern is not anchored unless it says so. WitAPI takes the subset below and gives it just
//! the meaning that ECMA-262 gives it; all else is refused when the plugin loads. A text is a sequence of Unicode
//! scalar values, as a `string` of WIT is.
//!
//! # Taken
//!
//! - Characters; alternatives `a|b`; groups `(…)`, `(?:…)`, `(?<name>…)`. A name is of ASCII letters, digits, `$` and `_`,
//!   does not begin with a digit, and is there once.
//! - `^` and `$`: the very start and end of the text. `\b`, `\B`: at the edge of a word of `[0-9A-Za-z_]`, or not.
//! - `.`: any character but line feed, carriage return, U+2028 and U+2029.
//! - Quantifiers `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`, each lazy with a `?` after it, on all but `^`, `$`, `\b`, `\B`.
//! - Classes `[…]`, `[^…]` of characters, ranges and escapes; `[]` matches nothing, `[^]` any character. A `[` in a class
//!   is a character, and so are `&&`, `--` (but where it is a range) and `~~`.
//! - `\d`, `\w`: `[0-9]`, `[0-9A-Za-z_]`. `\s`: the white space and line ends of ECMA-262, with U+FEFF, without U+0085.
//!   `\D`, `\W`, `\S`: all others.
//! - `\p{…}`, `\P{…}` with `General_Category=` (`gc=`, or the value alone), `Script=` (`sc=`), `Script_Extensions=`
//!   (`scx=`) or a binary property, spelled as ECMA-262 spells them, as of Unicode 16.
//! - `\f \n \r \t \v \0`, `\cA`, `\x41`, `\u0041`, `\u{1F600}`, `\uD83D\uDE00`; `\` before `^ $ \ . * + ? ( ) [ ] { } | /`,
//!   and in a class before `-` and as `\b` (backspace).
//!
//! # Refused
//!
//! - What ECMA-262 has and linear time does not: look-ahead `(?=…)`, `(?!…)`, look-behind `(?<=…)`, `(?<!…)`,
//!   back-references `\1`, `\k<name>`.
//! - What ECMA-262 has and this subset does not: flags in the pattern `(?i:…)`, a group's name that is there twice or is
//!   not ASCII, one half of a surrogate pair, `\p{Surrogate}`, `\p{Script=Unknown}` and
//!   `\p{Changes_When_NFKC_Casefolded}`.
//! - What is an error in ECMA-262 with the flag `u`: a lone `{`, `}` or `]`, a needless `\`, a range with a class at an end
//!   or out of order, a quantifier without something to repeat; and all that only other dialects have, such as
//!   `\A`, `\z`, `\h`, `(?i)`, `(?P<name>…)`.
//! - What is too large: over [`MAX_CHARACTERS`] characters, groups over [`MAX_DEPTH`] deep, over [`MAX_COMPILED`] bytes of
//!   compiled program. Counted repetition costs as if it were written out.

pub mod property;
mod translate;

use regex::{Regex, RegexBuilder};

/// The most characters of a pattern.
pub const MAX_CHARACTERS: usize = 4096;

/// The most groups within each other. It keeps the recursion of the translation and of `regex` shallow.
pub const MAX_DEPTH: usize = 50;

/// The most bytes of a compiled pattern. Far below what makes `regex` panic (its issue 1344).
pub const MAX_COMPILED: usize = 4 << 20;

/// The bytes of a compiled pattern that any text is fit for. To classes such as `\p{L}` go 40 KiB, to `[a-z]{0,100}` 12 KiB.
const SMALL: usize = 16 << 10;

/// The most bytes of a compiled pattern times bytes of a text. At worst, a match takes about 0.3 ns for each.
const MAX_WORK: usize = 1 << 32;

/// A regular expression as JSON Schema 2020-12 means `pattern`; see the module for the subset.
#[derive(Debug, Clone)]
pub struct TextPattern {
    source: String,
    regex: Regex,
    /// The bytes that it compiled to, at most.
    compiled: usize,
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &TextPattern) -> bool {
        self.source == other.source
    }
}

impl Eq for TextPattern {}

impl TextPattern {
    /// Reads a pattern of ECMA-262, as it stands between the slashes of a literal.
    ///
    /// # Errors
    ///
    /// What was expected and what was found, at which character (the first is 1), if the pattern is malformed or is not
    /// in the subset: ``expected a pattern without look-ahead …, found the look-ahead `(?=` at character 3``.
    pub fn compile(source: &str) -> Result<TextPattern, String> {
        if source.chars().nth(MAX_CHARACTERS).is_some() {
            return Err(format!("expected at most {MAX_CHARACTERS} characters, found a longer pattern"));
        }
        let translated = translate::translate(source)?;
        // `regex` does not tell the size of what it made.
        let mut limit = SMALL;
        loop {
            let error = match RegexBuilder::new(&translated).size_limit(limit).build() {
                Ok(regex) => {
                    return Ok(TextPattern { source: source.to_owned(), regex, compiled: limit });
                }
                Err(error) => error,
            };
            match error {
                regex::Error::CompiledTooBig(_) if limit < MAX_COMPILED => limit *= 4,
                regex::Error::CompiledTooBig(_) => {
                    return Err(format!(
                        "expected a pattern that compiles to at most {} MiB, found a larger one; lower the counts of \
                         `{{n,m}}`, or bound the length with @maxLength instead",
                        MAX_COMPILED >> 20
                    ));
                }
                error => {
                    return Err(format!("expected a simpler pattern, found one that cannot be translated: {error}"));
                }
            }
        }
    }

    /// The pattern as its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The most characters of the texts that it is meant for; any if it compiles to little.
    ///
    /// Time is linear in the length of the text, and in the size of the compiled pattern as well: on a text of 128 KiB,
    /// a pattern of 512 KiB can take 20 s. A string with such a pattern has to have a `@maxLength` of at most this, which
    /// is checked first; a match then takes about 1 s at the very worst.
    pub fn longest_text(&self) -> Option<u64> {
        (self.compiled > SMALL).then_some((MAX_WORK / self.compiled / char::MAX.len_utf8()) as u64)
    }

    /// Bytes of memory that the compiled pattern takes, at most.
    pub fn compiled(&self) -> usize {
        self.compiled
    }

    /// Whether the pattern matches anywhere in the text. Takes time linear in the text's length.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // With the features of the host alone: other crates of the workspace switch on more of `regex`.
    #[test]
    fn each_construct_has_what_it_needs_of_regex() {
        let source =
            r"^[^\d\s\w\D\S\W]|[]|[^]|.\b\B(?<a>\p{L}|\P{gc=Lu}|[\p{Script=Latin}\P{scx=Grek}])*?\p{Emoji}{2,}$";
        TextPattern::compile(source).unwrap();
    }
}
