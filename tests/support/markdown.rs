//! Blocks of code in the pages of the documentation, and the commands in them.

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block<'p> {
    /// The words behind the fence: the language, then what else is said of the block.
    pub info: Vec<&'p str>,
    pub code: &'p str,
}

impl<'p> Block<'p> {
    pub fn language(&self) -> &'p str {
        self.info[0]
    }

    /// The file that the code is of: `file=src/lib.rs`.
    pub fn file(&self) -> Option<&'p str> {
        self.info.iter().find_map(|word| word.strip_prefix("file="))
    }

    /// The commands in a block of the language `console` that is to be run, each with what it prints.
    pub fn commands(&self) -> Vec<(String, String)> {
        if self.language() != "console" || self.info.contains(&"norun") {
            return vec![];
        }
        let mut commands: Vec<(String, String)> = vec![];
        let mut goes_on = false;
        for line in self.code.lines() {
            if goes_on {
                let (command, _) = commands.last_mut().expect("a command first");
                command.push_str(&format!("\n{line}"));
            } else if let Some(command) = line.strip_prefix("$ ") {
                commands.push((command.to_owned(), String::new()));
            } else {
                let (_, printed) = commands.last_mut().expect("a command first");
                printed.push_str(&format!("{line}\n"));
                continue;
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }
}

/// All blocks of a page, in their order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![];
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (info, after) = after.split_once('\n').expect("a line after the fence");
        let end = if after.starts_with("```") { 0 } else { after.find("\n```").expect("the end of a block") + 1 };
        blocks.push(Block { info: info.split(',').map(str::trim).collect(), code: &after[..end] });
        // What is left begins with the line end before the next fence.
        rest = &after[end + 3..];
    }
    blocks
}

/// Whether a command printed what its page says, but for white space at the end; `…` is any text.
pub fn is_as_shown(printed: &str, shown: &str) -> bool {
    let shown = shown.trim();
    let mut pieces = shown.split('…');
    let Some(mut rest) = printed.trim().strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}
