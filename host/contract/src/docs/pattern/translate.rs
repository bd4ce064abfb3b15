//! A pattern of ECMA-262 as one of the crate `regex`, with the same meaning.
//!
//! A descent over the grammar `Pattern[+UnicodeMode, +NamedCaptureGroups]` of ECMA-262, section 22.2.1. What is written
//! out leaves nothing to the other dialect: characters that are not ASCII letters or digits are escaped, classes are
//! spelled out, groups do not capture. Order and greed of alternatives choose among matches, never whether there is one.

use super::{MAX_DEPTH, property};

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
/// `WhiteSpace` and `LineTerminator` of ECMA-262, sections 12.2 and 12.3.
const SPACE: &str = r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
/// The inside of a class of every character.
const ANY: &str = r"\x{0}-\x{10ffff}";

pub(super) fn translate(source: &str) -> Result<String, String> {
    let chars = source.chars().collect();
    let mut translation =
        Translation { chars, at: 0, depth: 0, names: vec![], has_not_edge: false, out: String::new() };
    translation.disjunction()?;
    match translation.peek() {
        // A disjunction ends at the end or at a `)`.
        Some(_) => Err(translation.error(translation.at, "the `)`", "a `(` before it, or `\\)`")),
        // `\B` holds between the bytes of a character that is not ASCII. `regex` drops an empty match there, but goes on
        // after it and overlooks longer ones from before it. From the start on, whole characters lead to no such place.
        None if translation.has_not_edge => Ok(format!(r"\A[{ANY}]*?(?:{})", translation.out)),
        None => Ok(translation.out),
    }
}

struct Translation {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    names: Vec<String>,
    /// Whether there is a `\B`.
    has_not_edge: bool,
    out: String,
}

/// One item of a class.
enum Item {
    Char(char),
    /// What stands for a set within the brackets of a class.
    Set(String),
}

impl Translation {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = expected.chars().eq(self.chars[self.at..].iter().copied().take(expected.len()));
        if found {
            self.at += expected.len();
        }
        found
    }

    /// `at` is an index; people count from one.
    fn error(&self, at: usize, found: &str, expected: &str) -> String {
        format!("expected {expected}, found {found} at character {}", at + 1)
    }

    /// What the source has from there to here.
    fn since(&self, start: usize) -> String {
        self.chars[start..self.at].iter().collect()
    }

    fn disjunction(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                None | Some(')') => return Ok(()),
                Some('|') => {
                    self.at += 1;
                    self.out.push('|');
                }
                Some(_) => self.term()?,
            }
        }
    }

    fn term(&mut self) -> Result<(), String> {
        let start = self.at;
        match self.next() {
            Some('^') => self.out.push_str(r"\A"),
            Some('$') => self.out.push_str(r"\z"),
            Some('\\') if self.eat("b") => self.out.push_str(r"(?-u:\b)"),
            Some('\\') if self.eat("B") => {
                self.has_not_edge = true;
                self.out.push_str(r"(?-u:\B)");
            }
            Some('(') => {
                self.group(start)?;
                self.quantifier()?;
            }
            Some('[') => {
                self.class(start)?;
                self.quantifier()?;
            }
            Some('.') => {
                self.out.push_str(r"[^\x{a}\x{d}\x{2028}\x{2029}]");
                self.quantifier()?;
            }
            Some('\\') => {
                match self.escape(start, false)? {
                    Item::Char(char) => self.char(char),
                    Item::Set(set) => {
                        self.out.push('[');
                        self.out.push_str(&set);
                        self.out.push(']');
                    }
                }
                self.quantifier()?;
            }
            Some(sign @ ('*' | '+' | '?' | '{')) => {
                let expected = format!("something to repeat before it, or `\\{sign}`");
                return Err(self.error(start, &format!("the quantifier `{sign}`"), &expected));
            }
            Some(sign @ ('}' | ']')) => {
                return Err(self.error(start, &format!("a lone `{sign}`"), &format!("`\\{sign}`")));
            }
            Some(char) => {
                self.char(char);
                self.quantifier()?;
            }
            None => {}
        }
        Ok(())
    }

    fn char(&mut self, char: char) {
        push_char(&mut self.out, char);
    }

    /// The rest of a group, after its `(`.
    fn group(&mut self, start: usize) -> Result<(), String> {
        const LINEAR: &str = "a pattern that can be matched in linear time";
        if self.depth == MAX_DEPTH {
            return Err(self.error(start, "a group", &format!("at most {MAX_DEPTH} groups within each other")));
        }
        if self.eat("?") {
            for (sign, name) in [
                ("=", "look-ahead `(?=`"),
                ("!", "look-ahead `(?!`"),
                ("<=", "look-behind `(?<=`"),
                ("<!", "look-behind `(?<!`"),
            ] {
                if self.eat(sign) {
                    return Err(self.error(start, &format!("the {name}"), LINEAR));
                }
            }
            if self.eat("<") {
                self.name(start)?;
            } else if !self.eat(":") {
                self.next();
                let found = format!("`{}`", self.since(start));
                let expected = "`(`, `(?:` or `(?<name>` (flags in the pattern are not supported)";
                return Err(self.error(start, &found, expected));
            }
        }
        self.out.push_str("(?:");
        self.depth += 1;
        self.disjunction()?;
        self.depth -= 1;
        if !self.eat(")") {
            return Err(self.error(start, "the `(`", "a `)` after it, or `\\(`"));
        }
        self.out.push(')');
        Ok(())
    }

    /// The name of a group and the `>` after it.
    fn name(&mut self, start: usize) -> Result<(), String> {
        let first = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, '$' | '_')) {
            self.at += 1;
        }
        let name = self.since(first);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !self.eat(">") {
            let expected = "`(?<name>` with a name of ASCII letters, digits, `$` and `_` that begins with no digit";
            return Err(self.error(start, "the group's name", expected));
        }
        if self.names.contains(&name) {
            return Err(self.error(start, &format!("a second group `{name}`"), "a name of its own for each group"));
        }
        self.names.push(name);
        Ok(())
    }

    /// A quantifier, if there is one.
    fn quantifier(&mut self) -> Result<(), String> {
        let start = self.at;
        match self.peek() {
            Some(sign @ ('*' | '+' | '?')) => {
                self.at += 1;
                self.out.push(sign);
            }
            Some('{') => {
                self.at += 1;
                let min = self.count(start)?;
                let max = match self.eat(",") {
                    false => Some(min),
                    true if self.peek() == Some('}') => None,
                    true => Some(self.count(start)?),
                };
                if !self.eat("}") {
                    return Err(self.malformed_count(start));
                }
                if max.is_some_and(|max| max < min) {
                    let found = format!("the quantifier `{}`", self.since(start));
                    return Err(self.error(start, &found, "the lesser count first"));
                }
                let max = max.map_or(String::new(), |max| max.to_string());
                self.out.push_str(&format!("{{{min},{max}}}"));
            }
            _ => return Ok(()),
        }
        if self.eat("?") {
            self.out.push('?');
        }
        Ok(())
    }

    fn count(&mut self, start: usize) -> Result<u32, String> {
        let first = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.since(first);
        if digits.is_empty() {
            return Err(self.malformed_count(start));
        }
        digits.parse().map_err(|_| self.error(first, &format!("the count {digits}"), "at most 4294967295"))
    }

    fn malformed_count(&self, start: usize) -> String {
        self.error(start, "the quantifier `{`", "`{n}`, `{n,}` or `{n,m}`, or `\\{`")
    }

    /// The rest of a class, after its `[`.
    fn class(&mut self, start: usize) -> Result<(), String> {
        let negated = self.eat("^");
        if self.eat("]") {
            let class = if negated { format!("[{ANY}]") } else { format!("[^{ANY}]") };
            self.out.push_str(&class);
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        while !self.eat("]") {
            let first = self.at;
            let item = self.class_item(start)?;
            let range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|&next| next != ']');
            if !range {
                match item {
                    Item::Char(char) => self.char(char),
                    Item::Set(set) => self.out.push_str(&set),
                }
                continue;
            }
            self.at += 1;
            let last = self.class_item(start)?;
            let found = format!("the range `{}`", self.since(first));
            let (Item::Char(low), Item::Char(high)) = (item, last) else {
                return Err(self.error(first, &found, "a character at each end, or `\\-`"));
            };
            if low > high {
                return Err(self.error(first, &found, "the lesser character first, or `\\-`"));
            }
            self.char(low);
            self.out.push('-');
            self.char(high);
        }
        self.out.push(']');
        Ok(())
    }

    fn class_item(&mut self, class: usize) -> Result<Item, String> {
        let start = self.at;
        match self.next() {
            Some('\\') => self.escape(start, true),
            Some(char) => Ok(Item::Char(char)),
            None => Err(self.error(class, "the `[`", "a `]` after it, or `\\[`")),
        }
    }

    /// The rest of an escape, after its `\`.
    fn escape(&mut self, start: usize, in_class: bool) -> Result<Item, String> {
        let Some(sign) = self.next() else {
            return Err(self.error(start, "the `\\`", "a character after it, or `\\\\`"));
        };
        Ok(Item::Char(match sign {
            'd' => return Ok(Item::Set(DIGIT.to_owned())),
            'w' => return Ok(Item::Set(WORD.to_owned())),
            's' => return Ok(Item::Set(SPACE.to_owned())),
            'D' => return Ok(Item::Set(format!("[^{DIGIT}]"))),
            'W' => return Ok(Item::Set(format!("[^{WORD}]"))),
            'S' => return Ok(Item::Set(format!("[^{SPACE}]"))),
            'p' | 'P' => return self.property(start, sign).map(Item::Set),
            'b' if in_class => '\x08',
            '-' if in_class => '-',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0' if !self.peek().is_some_and(|it| it.is_ascii_digit()) => '\0',
            'c' => match self.peek() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    char::from(letter as u8 % 32)
                }
                _ => return Err(self.error(start, "the escape `\\c`", "a letter after it, such as `\\cA`")),
            },
            'x' => match self.hex(2).and_then(char::from_u32) {
                Some(char) => char,
                None => return Err(self.error(start, "the escape `\\x`", "two hex digits after it, such as `\\x41`")),
            },
            'u' => self.code_point(start)?,
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => sign,
            '1'..='9' | 'k' if !in_class => {
                let found = format!("the back-reference `\\{sign}`");
                let expected = "a pattern that can be matched in linear time";
                return Err(self.error(start, &found, expected));
            }
            _ => {
                let expected = "an escape of ECMA-262 with the flag `u` (other characters need no `\\`)";
                return Err(self.error(start, &format!("the escape `\\{sign}`"), expected));
            }
        }))
    }

    /// So many hex digits.
    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits = self.chars.get(self.at..self.at + count)?;
        let value = digits.iter().try_fold(0, |value, digit| Some(value * 16 + digit.to_digit(16)?))?;
        self.at += count;
        Some(value)
    }

    /// The rest of an escape of a code point, after its `\u`.
    fn code_point(&mut self, start: usize) -> Result<char, String> {
        let value = if self.eat("{") {
            let first = self.at;
            let mut value = 0_u32;
            while let Some(digit) = self.peek().and_then(|it| it.to_digit(16)) {
                value = value.saturating_mul(16).saturating_add(digit);
                self.at += 1;
            }
            (self.at > first && self.eat("}") && value <= 0x10_ffff).then_some(value)
        } else {
            self.hex(4).map(|lead| self.paired(lead))
        };
        let Some(value) = value else {
            let expected = "`\\u0041` with four hex digits or `\\u{1F600}` with a code point to 10FFFF";
            return Err(self.error(start, "the escape `\\u`", expected));
        };
        char::from_u32(value).ok_or_else(|| {
            let found = format!("the lone surrogate `{}`", self.since(start));
            self.error(start, &found, "a whole character, such as `\\u{1F600}`: no string holds half of one")
        })
    }

    /// The code point of a surrogate pair if another half follows, else the half that is there.
    fn paired(&mut self, lead: u32) -> u32 {
        let after_lead = self.at;
        if (0xd800..0xdc00).contains(&lead)
            && self.eat("\\u")
            && let Some(trail @ 0xdc00..=0xdfff) = self.hex(4)
        {
            return 0x1_0000 + ((lead - 0xd800) << 10) + (trail - 0xdc00);
        }
        self.at = after_lead;
        lead
    }

    /// The rest of an escape of a property, after its `\p` or `\P`.
    fn property(&mut self, start: usize, sign: char) -> Result<String, String> {
        let first = self.at + 1;
        let inside = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '=');
        let opened = self.eat("{");
        while opened && self.peek().is_some_and(inside) {
            self.at += 1;
        }
        if !opened || self.peek() != Some('}') {
            return Err(self.error(start, &format!("the escape `\\{sign}`"), "a property after it, such as `\\p{L}`"));
        }
        let name = self.since(first);
        self.at += 1;
        match property::translate(&name) {
            Some(name) => Ok(format!("\\{sign}{{{name}}}")),
            None => {
                let expected = "a general category, a script or a binary property as ECMA-262 spells it, such as \
                              `\\p{L}`, `\\p{Script=Greek}` or `\\p{Emoji}`";
                Err(self.error(start, &format!("the property `{name}`"), expected))
            }
        }
    }
}

/// A character that stands for itself, in a class and out of it.
fn push_char(out: &mut String, char: char) {
    match char.is_ascii_alphanumeric() {
        true => out.push(char),
        false => out.push_str(&format!("\\x{{{:x}}}", u32::from(char))),
    }
}
