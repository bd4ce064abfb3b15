//! Patterns by whoever writes a plugin, for texts by whoever is a client.

use witapi_contract::{format::Format, pattern::TextPattern};

/// The longest text that is matched, in bytes.
const LONGEST: usize = 20_000;

/// The first line is a pattern, the rest a text. Whether they match is known in time linear in the text, so that a text a
/// thousand times as long is still answered within libFuzzer's patience. So is whether it is of any format.
pub fn pattern(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (source, text) = input.split_once('\n').unwrap_or((input, ""));
    let long = text.repeat((LONGEST / text.len().max(1)).min(1_000));
    for format in Format::ALL {
        format.accepts(text);
        format.accepts(&long);
    }
    let Ok(pattern) = TextPattern::compile(source) else { return };
    assert_eq!(pattern.as_str(), source);
    pattern.is_match(text);
    pattern.is_match(&long);
}
