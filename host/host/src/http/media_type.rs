//! Media types and lists of them as headers write them (RFC 9110, sections 5.6 and 8.3.1).
//!
//! By hand: crate `mime` has had no release since 2020, and refuses the empty parameters that RFC 9110 allows.

use std::borrow::Cow;

pub const JSON: &str = "application/json";
pub const BYTES: &str = "application/octet-stream";
pub const URL_ENCODED: &str = "application/x-www-form-urlencoded";
pub const MULTIPART: &str = "multipart/form-data";

/// Server-sent events (WHATWG HTML, section 9.2).
pub const EVENTS: &str = "text/event-stream";

/// A media type or a media range with its parameters, such as `text/html; charset=utf-8`. Borrows from the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// As written, such as `Text`; `*` in a range.
    pub main: &'a str,
    /// As written, such as `html`; `*` in a range.
    pub sub: &'a str,
    /// Names as written, and values without their quotes.
    pub params: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> MediaType<'a> {
    /// Reads `type/subtype; name=value; other="quoted"`. `None` if it is none.
    pub fn parse(text: &'a str) -> Option<MediaType<'a>> {
        let mut pieces = split(text, b';').map(trim);
        let essence = pieces.next()?;
        // What `HttpURLConnection` of Java sends means all types.
        let (main, sub) = if essence == "*" { ("*", "*") } else { essence.split_once('/')? };
        if !is_token(main) || !is_token(sub) {
            return None;
        }
        // An empty piece is a semicolon too many, which RFC 9110 allows.
        let params = pieces.filter(|piece| !piece.is_empty()).map(param).collect::<Option<_>>()?;
        Some(MediaType { main, sub, params })
    }

    /// Whether type and subtype are those of `essence`, such as `application/json`, in any case.
    pub fn is(&self, essence: &str) -> bool {
        essence
            .split_once('/')
            .is_some_and(|(main, sub)| self.main.eq_ignore_ascii_case(main) && self.sub.eq_ignore_ascii_case(sub))
    }

    /// The value of the first parameter of that name, in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }
}

fn param(text: &str) -> Option<(&str, Cow<'_, str>)> {
    let (name, value) = text.split_once('=')?;
    if !is_token(name) {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else { return is_token(value).then_some((name, value.into())) };
    let quoted = quoted.strip_suffix('"')?;
    if !quoted.contains(['\\', '"']) {
        return Some((name, quoted.into()));
    }
    let mut plain = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next()?),
            '"' => return None,
            c => plain.push(c),
        }
    }
    Some((name, plain.into()))
}

/// The pieces between separators that stand in no quoted string.
pub fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut in_quotes, mut is_escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_quotes => is_escaped = true,
                b'"' => in_quotes = !in_quotes,
                byte => return byte == separator && !in_quotes,
            }
            false
        });
        // The separator is ASCII, so both sides of it are text.
        let (piece, after) = match end {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        rest = after;
        Some(piece)
    })
}

/// Without the white space that headers allow around their parts.
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Whether the text is a token (RFC 9110, section 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_parse_with_parameters_and_quotes() {
        let html = MediaType::parse(" Text/HTML ; Charset=\"utf\\-8\" ; a=b;; q=\"x;\\\"y,\" ").unwrap();
        assert!(html.is("text/html") && !html.is("text/plain") && !html.is("text"));
        assert_eq!(html.param("charset"), Some("utf-8"));
        assert_eq!(html.param("A"), Some("b"));
        assert_eq!(html.param("q"), Some("x;\"y,"));
        assert_eq!(html.param("b"), None);
        for wrong in ["", "text", "/", "text/", "/html", "te xt/html", "text/html;a", "text/html;a=", "text/html;=b"] {
            assert_eq!(MediaType::parse(wrong), None, "{wrong}");
        }
        for wrong in ["a/b/c", "a/b;c=d e", "a/b;c=\"d", "a/b;c=\"d\"e\"", "a/b;c=\"d\\\"", "a/b;ä=b", "a,b/c"] {
            assert_eq!(MediaType::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn separators_in_quotes_separate_nothing() {
        let pieces = |text| split(text, b',').collect::<Vec<_>>();
        assert_eq!(pieces("a,b"), ["a", "b"]);
        assert_eq!(pieces("a=\"1,2\",b"), ["a=\"1,2\"", "b"]);
        assert_eq!(pieces("a=\"1\\\",2\",b"), ["a=\"1\\\",2\"", "b"]);
        assert_eq!(pieces("a=\",b"), ["a=\",b"]);
        assert_eq!(pieces(",ä,"), ["", "ä", ""]);
    }
}
