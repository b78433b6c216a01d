//! WIT as a text: where its blocks and its references to other packages are.
//!
//! `wit-parser` says what WIT means and whether it is valid. This looks at the letters only, also of text that is not
//! valid: edits need places, messages need the block that was left open, and looking for what is missing must cost
//! nothing when nothing is.

use std::ops::Range;

use wit_parser::PackageName;

use super::name::package;

/// The outline of one file.
#[derive(Debug, Default, Clone)]
pub struct Outline {
    pub package: Option<PackageName>,
    pub blocks: Vec<Block>,
    pub statements: Vec<Statement>,
    /// The first `}` that closes nothing.
    pub stray: Option<usize>,
}

/// What stands in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub keyword: String,
    pub name: String,
    /// The name of the block.
    pub named_at: Range<usize>,
    pub open: usize,
    /// `None` when the file ends before.
    pub close: Option<usize>,
}

/// A `use`, `import`, `export` or `include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub keyword: Keyword,
    /// From its first annotation to its end.
    pub span: Range<usize>,
    /// What it refers to in another package.
    pub path: Option<Path>,
    /// What a `use` of another package's interface calls it.
    pub alias: Option<String>,
    /// The types that a `use` takes.
    pub types: Vec<String>,
    /// The interface or world of the same package that it refers to.
    pub local: Option<String>,
    /// The block it stands in, as an index into [`Outline::blocks`].
    pub block: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    Use,
    Import,
    Export,
    Include,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub package: PackageName,
    pub item: String,
    pub span: Range<usize>,
}

impl Outline {
    pub fn of(text: &str) -> Self {
        let mut scanner = Scanner {
            tokens: tokens(text),
            text,
            next: 0,
            open: Vec::new(),
            outline: Self::default(),
        };
        scanner.run();
        scanner.outline
    }

    /// The names of the interfaces and worlds of the file.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let items = self.blocks.iter();
        items
            .filter(|block| ["interface", "world"].contains(&block.keyword.as_str()))
            .map(|block| block.name.as_str())
            .filter(|name| !name.is_empty())
    }

    pub fn worlds(&self) -> impl Iterator<Item = (usize, &Block)> {
        let blocks = self.blocks.iter().enumerate();
        blocks.filter(|(_, block)| block.keyword == "world")
    }
}

struct Scanner<'t> {
    text: &'t str,
    tokens: Vec<Range<usize>>,
    next: usize,
    open: Vec<usize>,
    outline: Outline,
}

impl<'t> Scanner<'t> {
    fn run(&mut self) {
        // Where the annotations of the statement to come begin.
        let mut begin = None;
        while let Some(word) = self.word(self.next) {
            let at = self.tokens[self.next].start;
            match word {
                "@" => {
                    begin.get_or_insert(at);
                    self.annotation();
                    continue;
                }
                "}" => self.close(at),
                "{" => self.enter(String::new(), at..at, at),
                "package" if self.open.is_empty() => self.package(),
                "use" | "import" | "export" | "include" if self.holds_statements() => {
                    self.statement(begin.unwrap_or(at));
                }
                "world" | "interface" | "resource" | "record" | "variant" | "enum" | "flags" => {
                    self.named(word)
                }
                _ => self.next += 1,
            }
            begin = None;
        }
    }

    fn word(&self, index: usize) -> Option<&'t str> {
        self.tokens
            .get(index)
            .map(|range| &self.text[range.clone()])
    }

    /// Whether the innermost block is one whose words begin statements, and not, say, the fields of a record.
    fn holds_statements(&self) -> bool {
        self.open.last().is_none_or(|block| {
            ["world", "interface", "package"]
                .contains(&self.outline.blocks[*block].keyword.as_str())
        })
    }

    fn annotation(&mut self) {
        self.next += 2;
        if self.word(self.next) == Some("(") {
            while !matches!(self.word(self.next), None | Some(")")) {
                self.next += 1;
            }
            self.next += 1;
        }
    }

    fn package(&mut self) {
        let keyword = self.next;
        let end = self.end_of_head();
        let named = self.tokens[keyword].end
            ..self
                .tokens
                .get(end)
                .map_or(self.text.len(), |token| token.start);
        let name: String = self.text[named.clone()].split_whitespace().collect();
        let target = name
            .parse()
            .ok()
            .map(|target: super::name::Target| target.package);
        self.next = end + 1;
        match self.word(end) {
            Some("{") => self.enter_keyword("package", name, named, self.tokens[end].start),
            _ => self.outline.package = self.outline.package.take().or(target),
        }
    }

    /// A block with a name, if it is one: `resource r;` has none.
    fn named(&mut self, keyword: &str) {
        let name = self.tokens.get(self.next + 1).cloned();
        let end = self.end_of_head();
        let brace = self.word(end) == Some("{") && self.next + 2 >= end;
        self.next = if brace { end } else { self.next + 1 };
        if let (true, Some(name)) = (brace, name) {
            let text = self.text[name.clone()].trim_start_matches('%').to_string();
            let text = if text == "{" { String::new() } else { text };
            let open = self.tokens[end].start;
            self.next = end + 1;
            self.enter_keyword(keyword, text, name, open);
        }
    }

    /// The index of the `;`, `{` or `}` that ends what begins here.
    fn end_of_head(&self) -> usize {
        let rest = self.next..self.tokens.len();
        rest.into_iter()
            .find(|index| matches!(self.word(*index), Some(";" | "{" | "}")))
            .unwrap_or(self.tokens.len())
    }

    fn statement(&mut self, begin: usize) {
        let keyword = match self.word(self.next) {
            Some("use") => Keyword::Use,
            Some("import") => Keyword::Import,
            Some("export") => Keyword::Export,
            _ => Keyword::Include,
        };
        let block = self.open.last().copied();
        let first = self.next;
        // The braces of `use a.{b}` and `include a with { b as c }` belong to the statement, those of
        // `import a: interface { .. }` are a block.
        let mut end = self.end_of_head();
        let inline =
            end > 0 && self.word(end) == Some("{") && self.word(end - 1) == Some("interface");
        let mut finished = self.word(end) == Some(";") || inline;
        let brace = end;
        if self.word(end) == Some("{") && !inline {
            while !matches!(self.word(end), None | Some("}" | ";")) {
                end += 1;
            }
            finished = self.word(end) == Some("}");
            if finished && self.word(end + 1) == Some(";") {
                end += 1;
            }
        }
        let path = self.path(first + 1..end);
        let alias = match (&path, keyword) {
            (Some(path), Keyword::Use) => Some(self.alias(brace).unwrap_or(path.item.clone())),
            _ => None,
        };
        let local = self.local(first + 1, path.is_some());
        let types = match keyword {
            Keyword::Use => self.used_types(brace..end),
            _ => Vec::new(),
        };
        let to = match finished {
            true => self.tokens[end].end,
            false => self
                .tokens
                .get(end)
                .map_or(self.text.len(), |token| token.start),
        };
        self.outline.statements.push(Statement {
            keyword,
            span: begin..to,
            path,
            alias,
            types,
            local,
            block,
        });
        self.next = match inline {
            true => end - 1,
            false if finished => end + 1,
            false => end.max(first + 1),
        };
    }

    /// `namespace:name/item@version` among some tokens.
    fn path(&self, tokens: Range<usize>) -> Option<Path> {
        let slash = tokens
            .clone()
            .find(|index| self.word(*index) == Some("/"))?;
        if slash < tokens.start + 3 || self.word(slash - 2) != Some(":") {
            return None;
        }
        let label = |index: usize| self.word(index).map(|word| word.trim_start_matches('%'));
        let item = label(slash + 1)?.to_string();
        let mut end = self.tokens[slash + 1].end;
        let version = match self.word(slash + 2) {
            Some("@") => {
                let token = self.tokens.get(slash + 3)?;
                end = token.end;
                Some(self.text[token.clone()].parse().ok()?)
            }
            _ => None,
        };
        Some(Path {
            package: package(label(slash - 3)?, label(slash - 1)?, version),
            item,
            span: self.tokens[slash - 3].start..end,
        })
    }

    /// `name` of `use a:b/c as name`, which ends at this token.
    fn alias(&self, end: usize) -> Option<String> {
        let word = |back: usize| end.checked_sub(back).and_then(|index| self.word(index));
        let name = word(1)?.trim_start_matches('%').to_string();
        (word(2) == Some("as")).then_some(name)
    }

    /// `a` and `b` of `{a, b as c}`.
    fn used_types(&self, tokens: Range<usize>) -> Vec<String> {
        let follows = |index: &usize| {
            let before = index.checked_sub(1).and_then(|before| self.word(before));
            matches!(before, Some("{" | ","))
        };
        let names = tokens.filter(follows);
        let names = names.filter_map(|index| self.word(index));
        let names = names.filter(|word| word.bytes().all(is_word));
        names
            .map(|word| word.trim_start_matches('%').to_string())
            .collect()
    }

    /// The first word, unless it names something new: `import name: func()`.
    fn local(&self, first: usize, elsewhere: bool) -> Option<String> {
        let names = |index| {
            self.word(index)
                .is_some_and(|word| word.bytes().all(is_word))
        };
        let new = self.word(first + 1) == Some(":");
        (!elsewhere && !new && names(first)).then(|| {
            self.word(first)
                .unwrap_or_default()
                .trim_start_matches('%')
                .to_string()
        })
    }

    fn enter(&mut self, name: String, named_at: Range<usize>, open: usize) {
        self.next += 1;
        self.enter_keyword("", name, named_at, open);
    }

    fn enter_keyword(&mut self, keyword: &str, name: String, named_at: Range<usize>, open: usize) {
        self.open.push(self.outline.blocks.len());
        self.outline.blocks.push(Block {
            keyword: keyword.to_string(),
            name,
            named_at,
            open,
            close: None,
        });
    }

    fn close(&mut self, at: usize) {
        self.next += 1;
        match self.open.pop() {
            Some(block) => self.outline.blocks[block].close = Some(at),
            None => {
                self.outline.stray.get_or_insert(at);
            }
        }
    }
}

/// Words, versions and single signs; comments and white space are left out.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut tokens: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            byte if byte.is_ascii_whitespace() => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = end_of_line(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = end_of_comment(bytes, at),
            byte if is_word(byte) => {
                // A version follows the `@` of a path, which follows a word without a space.
                let version = is_version(text, &tokens, start);
                while at < bytes.len()
                    && (is_word(bytes[at]) || version && is_of_version(bytes, at))
                {
                    at += 1;
                }
                tokens.push(start..at);
            }
            _ => {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                tokens.push(start..at);
            }
        }
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'%' | b'_')
}

fn is_version(text: &str, tokens: &[Range<usize>], start: usize) -> bool {
    let [.., word, sign] = tokens else {
        return false;
    };
    &text[sign.clone()] == "@" && sign.end == start && word.end == sign.start
}

/// Not the dot of `@0.2.0.{streams}`.
fn is_of_version(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'+' => true,
        b'.' => bytes.get(at + 1).copied().is_some_and(is_word),
        _ => false,
    }
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    let end = bytes[at..].iter().position(|byte| *byte == b'\n');
    end.map_or(bytes.len(), |end| at + end)
}

/// Comments nest.
fn end_of_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: &str = r#"
/// A world { with a brace in its comment
package my:app@1.2.3-rc.1+build;

use wasi:io/streams@0.2.0-rc.1 as s;

interface own {
  use wasi:io/streams@0.2.1.{input-stream, output-stream};
  record point { use-it: u32, import: s8 }
  resource file { read: func(); }
  resource plain;
}

world app { /* import a:b/c; /* nested */ } */
  import own;
  @since(version = 0.2.0)
  @unstable(feature = x)
  import wasi:http/types@0.2.0; // } not this one
  import named: wasi:keyvalue/store@0.2.0-draft;
  import f: func(a: u32) -> u32;
  import inline: interface { use local:pkg/i.{t}; }
  include wasi:cli/imports@0.2.0 with { a as b }
  export %use:for/%type@0.1.0;
}
"#;

    #[test]
    fn references_are_found_with_their_places() {
        let outline = Outline::of(WORLD);
        assert_eq!(
            outline.package.unwrap().to_string(),
            "my:app@1.2.3-rc.1+build"
        );
        let found: Vec<_> = outline
            .statements
            .iter()
            .filter_map(|statement| statement.path.as_ref())
            .map(|path| {
                (
                    path.package.interface_id(&path.item),
                    &WORLD[path.span.clone()],
                )
            })
            .collect();
        let plain = [
            "wasi:io/streams@0.2.0-rc.1",
            "wasi:io/streams@0.2.1",
            "wasi:http/types@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft",
            "local:pkg/i",
            "wasi:cli/imports@0.2.0",
        ];
        for (found, expected) in found.iter().zip(plain) {
            assert_eq!((found.0.as_str(), found.1), (expected, expected));
        }
        assert_eq!(
            found[6],
            ("use:for/type@0.1.0".to_string(), "%use:for/%type@0.1.0")
        );
        assert_eq!(found.len(), 7);
    }

    #[test]
    fn blocks_nest_and_statements_know_theirs() {
        let outline = Outline::of(WORLD);
        let names: Vec<_> = outline
            .blocks
            .iter()
            .map(|block| (block.keyword.as_str(), block.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("interface", "own"),
                ("record", "point"),
                ("resource", "file"),
                ("world", "app"),
                ("interface", "")
            ]
        );
        assert!(outline.blocks.iter().all(|block| block.close.is_some()));
        assert_eq!(outline.stray, None);
        let http = &outline.statements[3];
        assert!(
            WORLD[http.span.clone()].starts_with("@since")
                && WORLD[http.span.clone()].ends_with("@0.2.0;")
        );
        assert_eq!(outline.blocks[http.block.unwrap()].name, "app");
        let include = outline
            .statements
            .iter()
            .find(|statement| statement.keyword == Keyword::Include)
            .unwrap();
        assert!(WORLD[include.span.clone()].ends_with("a as b }"));
    }

    #[test]
    fn what_is_not_closed_stays_open() {
        let outline = Outline::of("world a {\n  import b: interface {\n}\n");
        let closed: Vec<_> = outline
            .blocks
            .iter()
            .map(|block| block.close.is_some())
            .collect();
        assert_eq!(closed, [false, true]);
        assert_eq!(Outline::of("world a {}\n}\n").stray, Some(11));
    }

    #[test]
    fn any_text_is_outlined() {
        for text in [
            "",
            "@",
            "use",
            "import {",
            "package",
            "world",
            "/*",
            "include a:b/",
            "é{",
            "use a:b/c@",
            "import a:b/c@1.{",
        ] {
            Outline::of(text);
        }
        let mut cut = WORLD.to_string();
        while cut.pop().is_some() {
            Outline::of(&cut);
        }
    }
}
