//! Documentation comments → summary, description and keywords.

pub mod format;
pub mod keywords;
pub(crate) mod literal;
pub mod number;
pub mod pattern;
pub mod rules;

use crate::keywords::Keywords;

/// A doc comment, as the document shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Docs {
    /// The first line.
    pub summary: Option<String>,
    /// What follows the first line: Markdown.
    pub description: Option<String>,
    /// Both as they were written, for places that have room for one text.
    pub text: Option<String>,
    pub keywords: Keywords,
}

impl Docs {
    /// Splits the text of a `///` comment into prose and the lines that begin with `@`, without that sign.
    pub(crate) fn split(text: &str) -> (Docs, Vec<&str>) {
        let mut keywords = Vec::new();
        let mut prose = Vec::new();
        for line in text.lines() {
            match line.trim_start().strip_prefix('@') {
                Some(keyword) => keywords.push(keyword.trim_end()),
                None => prose.push(line.trim_end()),
            }
        }
        let prose = prose.join("\n");
        let (first, rest) = prose.trim().split_once('\n').unwrap_or((prose.trim(), ""));
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let docs =
            Docs { summary: some(first), description: some(rest), text: some(&prose), keywords: Keywords::default() };
        (docs, keywords)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_comment_is_the_summary() {
        let (docs, _) = Docs::split("Lists todos.\n\nNewest *first*.\nSecond line.");
        assert_eq!(docs.summary.as_deref(), Some("Lists todos."));
        assert_eq!(docs.description.as_deref(), Some("Newest *first*.\nSecond line."));
        assert_eq!(docs.text.as_deref(), Some("Lists todos.\n\nNewest *first*.\nSecond line."));
    }

    #[test]
    fn lines_that_begin_with_an_at_sign_are_keywords() {
        let (docs, keywords) = Docs::split("Page size.\n@minimum 1\n  @maximum 100");
        assert_eq!(docs.summary.as_deref(), Some("Page size."));
        assert_eq!(docs.description, None);
        assert_eq!(keywords, ["minimum 1", "maximum 100"]);
    }

    #[test]
    fn an_empty_comment_is_nothing() {
        assert_eq!(Docs::split("  \n"), (Docs::default(), vec![]));
    }
}
