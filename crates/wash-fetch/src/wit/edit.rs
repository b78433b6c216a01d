//! Adds and removes imports, exports and includes of a world in its text, and touches nothing else of it.

use std::ops::Range;

use super::error::WitError;
use super::name::Target;
use super::scan::{Keyword, Outline, Statement};
use super::source::Text;

/// A line for a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub keyword: Keyword,
    pub path: String,
}

impl Keyword {
    pub fn as_str(self) -> &'static str {
        match self {
            Keyword::Use => "use",
            Keyword::Import => "import",
            Keyword::Export => "export",
            Keyword::Include => "include",
        }
    }
}

/// The text and the world to change: the one that is named, or the only one there is.
pub fn world<'t>(texts: &'t [Text], name: Option<&str>) -> Result<(&'t Text, usize), WitError> {
    let all = texts.iter().flat_map(|text| {
        text.outline
            .worlds()
            .map(move |(index, world)| (text, index, world))
    });
    let all: Vec<_> = all.collect();
    let names: Vec<&str> = all
        .iter()
        .map(|(_, _, world)| world.name.as_str())
        .collect();
    let chosen = match name {
        Some(name) => all.iter().find(|(_, _, world)| world.name == name),
        None => all.first().filter(|_| all.len() == 1),
    };
    let refuse = |message: String, hint: Option<String>| WitError::Edit { message, hint };
    match (chosen, name, all.as_slice()) {
        (Some((text, index, _)), ..) => Ok((text, *index)),
        (None, _, []) => Err(refuse(
            "the package has no world".to_string(),
            Some("add one to a `.wit` file of the package: `world app {}`".to_string()),
        )),
        (None, Some(name), _) => Err(refuse(
            format!("no world `{name}`"),
            Some(format!("the package has {}", super::diagnose::list(&names))),
        )),
        (None, None, _) => Err(refuse(
            format!(
                "the package has several worlds: {}",
                super::diagnose::list(&names)
            ),
            Some(format!("choose one: `--world {}`", names[0])),
        )),
    }
}

/// Whether the world has the line.
pub fn has(text: &Text, world: usize, line: &Line) -> bool {
    let path = |statement: &Statement| {
        statement
            .path
            .as_ref()
            .map(|path| path.package.interface_id(&path.item))
    };
    let mut statements = text
        .outline
        .statements
        .iter()
        .filter(|statement| statement.block == Some(world));
    statements.any(|statement| {
        statement.keyword == line.keyword && path(statement).as_deref() == Some(&line.path)
    })
}

/// The text with a line more, after the last line of its kind.
pub fn add(text: &str, outline: &Outline, world: usize, line: &Line) -> String {
    let block = &outline.blocks[world];
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let written = format!("{} {};", line.keyword.as_str(), line.path);
    let inside: Vec<_> = outline
        .statements
        .iter()
        .filter(|statement| statement.block == Some(world))
        .collect();
    let same = inside
        .iter()
        .rfind(|statement| statement.keyword == line.keyword);
    // The order of the usual style: includes, imports, exports.
    let earlier = || {
        inside.iter().rfind(|statement| {
            statement.keyword != Keyword::Export || line.keyword == Keyword::Export
        })
    };
    if let Some(after) = same.or_else(earlier) {
        let line = &text[line_start(text, after.span.start)..after.span.start];
        if !line.trim().is_empty() {
            let at = after.span.end;
            return format!("{} {written}{}", &text[..at], &text[at..]);
        }
        let at = end_of_line(text, after.span.end);
        return format!("{}{end}{line}{written}{}", &text[..at], &text[at..]);
    }
    let outer = indent(text, block.named_at.start);
    let step = if outer.contains('\t') || text.contains("\n\t") {
        "\t"
    } else {
        "  "
    };
    let open = block.open + 1;
    let close = block.close.unwrap_or(open);
    let head = &text[..open];
    let body = &text[open..close];
    match body.trim().is_empty() {
        true => format!(
            "{head}{end}{outer}{step}{written}{end}{outer}{}",
            &text[close..]
        ),
        false => {
            let at = if body
                .trim_start_matches([' ', '\t'])
                .starts_with(['\r', '\n'])
            {
                open
            } else {
                end_of_line(text, open)
            };
            let at = if at > close { open } else { at };
            format!("{}{end}{outer}{step}{written}{}", &text[..at], &text[at..])
        }
    }
}

/// The text without what refers to a package, and how many lines that were. `use`s are left: what uses a type of the
/// package must be changed by whoever wrote it.
pub fn remove(text: &str, outline: &Outline, target: &Target) -> (String, usize) {
    let refers = |statement: &&Statement| {
        let path = statement.path.as_ref();
        statement.keyword != Keyword::Use
            && path.is_some_and(|path| target.covers(&path.package, Some(&path.item)))
    };
    let mut rest = text.to_string();
    let lines: Vec<Range<usize>> = outline
        .statements
        .iter()
        .filter(refers)
        .map(|one| whole(text, &one.span))
        .collect();
    for range in lines.iter().rev() {
        rest.replace_range(range.clone(), "");
    }
    (rest, lines.len())
}

/// Where a package's types are used.
pub fn uses<'t>(text: &'t Text, target: &Target) -> impl Iterator<Item = &'t Statement> {
    let target = target.clone();
    text.outline.statements.iter().filter(move |statement| {
        let path = statement.path.as_ref();
        statement.keyword == Keyword::Use
            && path.is_some_and(|path| target.covers(&path.package, Some(&path.item)))
    })
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

fn indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..at];
    &line[..line.len() - line.trim_start().len()]
}

/// The end of the line without its line break, past a comment that belongs to it.
fn end_of_line(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let line = rest.lines().next().unwrap_or_default();
    let comment = line.trim_start();
    match comment.is_empty() || comment.starts_with("//") {
        true => at + line.len(),
        false => at,
    }
}

/// A statement with the documentation above it and, where nothing else stands there, its line.
fn whole(text: &str, span: &Range<usize>) -> Range<usize> {
    let line = |at: usize| line_start(text, at);
    let mut start = line(span.start);
    if !text[start..span.start].trim().is_empty() {
        // It shares its line with what stands before it.
        let before = text[..span.start].trim_end_matches([' ', '\t']).len();
        return before..span.end;
    }
    while start > 0 && text[line(start - 1)..start].trim_start().starts_with("///") {
        start = line(start - 1);
    }
    let end = end_of_line(text, span.end);
    let rest = &text[end..];
    let end = match rest {
        _ if rest.starts_with("\r\n") => end + 2,
        _ if rest.starts_with('\n') => end + 1,
        // Something follows on the line, such as the brace of the world.
        _ => return span.start..span.end,
    };
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str, keyword: Keyword) -> String {
        let text = Text::new("w.wit", text);
        let (_, world) = world(std::slice::from_ref(&text), None).unwrap();
        let path = "wasi:keyvalue/store@0.2.0-draft".to_string();
        let line = Line { keyword, path };
        assert!(!has(&text, world, &line));
        let after = Text::new("w.wit", &add(&text.text, &text.outline, world, &line));
        assert!(has(&after, world, &line), "{}", after.text);
        after.text
    }

    #[test]
    fn a_line_goes_after_its_like() {
        let cases = [
            ("world w {}", "world w {\n  import K;\n}"),
            ("world w { }\n", "world w {\n  import K;\n}\n"),
            ("world w {\n}\n", "world w {\n  import K;\n}\n"),
            (
                "world w {\r\n\timport a:b/c; // why\r\n\texport x;\r\n}\r\n",
                "world w {\r\n\timport a:b/c; // why\r\n\timport K;\r\n\texport x;\r\n}\r\n",
            ),
            (
                "world w {\n    /// Doc.\n    export a:b/c;\n}\n",
                "world w {\n  import K;\n    /// Doc.\n    export a:b/c;\n}\n",
            ),
            (
                "world w {\n  include a:b/c;\n\n  export d;\n}\n",
                "world w {\n  include a:b/c;\n  import K;\n\n  export d;\n}\n",
            ),
            (
                "world w { import a:b/c; }\n",
                "world w { import a:b/c; import K; }\n",
            ),
            (
                "world w {\n  // nothing\n}\n",
                "world w {\n  import K;\n  // nothing\n}\n",
            ),
        ];
        for (before, expected) in cases {
            let expected = expected.replace('K', "wasi:keyvalue/store@0.2.0-draft");
            assert_eq!(added(before, Keyword::Import), expected, "{before}");
        }
        assert_eq!(
            added(
                "world w {\n  import a:b/c;\n  export d;\n}\n",
                Keyword::Export
            ),
            "world w {\n  import a:b/c;\n  export d;\n  export wasi:keyvalue/store@0.2.0-draft;\n}\n"
        );
    }

    #[test]
    fn a_line_is_removed_with_its_documentation_and_nothing_else() {
        let text = "package a:b; // head\n\nworld w {\n  // kept\n  import x:y/z@1.0.0;\n  /// Doc of k.\n  @since(version = 0.2.0)\n  import wasi:keyvalue/store@0.2.0-draft; // why\n\n  include wasi:keyvalue/imports@0.2.0-draft;\n  export e;\n}\n";
        let outline = Outline::of(text);
        let all = |target: &str| remove(text, &outline, &target.parse().unwrap());
        let expected = "package a:b; // head\n\nworld w {\n  // kept\n  import x:y/z@1.0.0;\n\n  export e;\n}\n";
        assert_eq!(all("wasi:keyvalue"), (expected.to_string(), 2));
        assert_eq!(all("wasi:keyvalue/store").1, 1);
        assert_eq!(all("wasi:keyvalue@0.2.0-draft").1, 2);
        assert_eq!(all("wasi:keyvalue@0.2.0"), (text.to_string(), 0));
        let one = "world w { import a:b/c; import d:e/f; }";
        assert_eq!(
            remove(one, &Outline::of(one), &"d:e".parse().unwrap()).0,
            "world w { import a:b/c; }"
        );
    }

    #[test]
    fn several_worlds_need_a_name() {
        let texts = [Text::new("w.wit", "world a {}\nworld b {}")];
        assert!(
            world(&texts, None)
                .unwrap_err()
                .to_string()
                .contains("`a` and `b`")
        );
        assert_eq!(world(&texts, Some("b")).unwrap().1, 1);
        assert!(world(&texts, Some("c")).is_err());
        assert!(world(&[], None).is_err());
    }
}
