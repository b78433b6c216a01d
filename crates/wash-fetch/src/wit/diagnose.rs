//! What is wrong in a WIT text, and where: the file, the line, and a caret under the place.

use std::fmt;
use std::ops::Range;

use wash_common::sanitize;
use wit_parser::{ParseError, ParseErrorKind, ResolveError, ResolveErrorKind, SourceMap, Span};

use super::scan::{Block, Outline, Path};
use super::source::Text;

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// From 1, as editors count.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    source: String,
    width: usize,
}

impl Place {
    pub fn of(file: &str, text: &str, range: Range<usize>) -> Self {
        let start = floor(text, range.start);
        let begin = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let end = text[start..]
            .find('\n')
            .map_or(text.len(), |end| start + end);
        let marked = floor(text, range.end).clamp(start, end.max(start));
        Self {
            file: file.to_string(),
            line: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            source: text[begin..end].trim_end_matches('\r').to_string(),
            width: text[start..marked].chars().count().max(1),
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `file:line`, for lists.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", sanitize::line(&self.file), self.line)
    }
}

/// One problem of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub message: String,
    pub place: Option<Place>,
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitize::line(&self.message))?;
        let Some(place) = &self.place else {
            return Ok(());
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs stay tabs, so that the caret stands where the editor shows the place.
        let before = place.source.chars().take(place.column - 1);
        let pad: String = before
            .map(|char| if char == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(place.width);
        write!(f, "\n{gutter} --> {place}:{}", place.column)?;
        write!(
            f,
            "\n{gutter} |\n{number} | {}\n{gutter} | {pad}{carets}",
            place.source
        )
    }
}

/// From an error of the parser to one for people. `texts` are those that were parsed.
pub fn parse_error(error: &ParseError, map: &SourceMap, texts: &[Text]) -> Diagnostic {
    let place = place(error.kind().span(), map, texts);
    let known = || texts.iter().flat_map(|text| text.outline.items());
    let (message, hint) = match error.kind() {
        ParseErrorKind::ItemNotFound { name, kind, .. } => {
            let near = nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
            (format!("no {kind} `{name}` in this package"), near)
        }
        other => {
            if let Some(unbalanced) = texts
                .iter()
                .find_map(|text| unbalanced(text, place.as_ref()))
            {
                return unbalanced;
            }
            (plain(&other.to_string()), None)
        }
    };
    Diagnostic {
        message,
        place,
        hint,
    }
}

/// From an error of putting packages together.
pub fn resolve_error(error: &ResolveError, map: &SourceMap, texts: &[&Text]) -> Diagnostic {
    let place = place(error.kind().span(), map, texts.iter().copied());
    let message = match error.kind() {
        ResolveErrorKind::PackageNotFound { requested, .. } => {
            format!("no package `{requested}`")
        }
        ResolveErrorKind::DuplicatePackage { name, span2, .. } => {
            let other = self::place(*span2, map, texts.iter().copied());
            let other = other.map_or_else(String::new, |place| format!(", also in {place}"));
            format!("package `{name}` is defined twice{other}")
        }
        other => match missing_item(place.as_ref(), texts) {
            Some((message, hint)) => {
                return Diagnostic {
                    message,
                    place,
                    hint: Some(hint),
                };
            }
            None => plain(&other.to_string()),
        },
    };
    Diagnostic {
        message,
        place,
        hint: None,
    }
}

fn place<'t>(
    span: Span,
    map: &SourceMap,
    texts: impl IntoIterator<Item = &'t Text>,
) -> Option<Place> {
    let found = map.resolve_span(span)?;
    let text = texts.into_iter().find(|text| text.label == found.path)?;
    Some(Place::of(found.path, &text.text, found.range))
}

/// An interface that a path at this place names, and its package does not have: the parser does not say which.
fn missing_item(place: Option<&Place>, texts: &[&Text]) -> Option<(String, String)> {
    let place = place?;
    let here = texts.iter().find(|text| text.label == place.file)?;
    let at = |path: &&Path| {
        let range = Place::of(&here.label, &here.text, path.span.clone());
        range.line == place.line
            && (range.column..=range.column + range.width).contains(&place.column)
    };
    let mut paths = here
        .outline
        .statements
        .iter()
        .filter_map(|statement| statement.path.as_ref());
    let path = paths.find(at)?;
    let of_package = |text: &&&Text| text.outline.package.as_ref() == Some(&path.package);
    let known: Vec<&str> = texts
        .iter()
        .filter(of_package)
        .flat_map(|text| text.outline.items())
        .collect();
    if known.is_empty() || known.contains(&path.item.as_str()) {
        return None;
    }
    let message = format!(
        "no interface or world `{}` in `{}`",
        path.item, path.package
    );
    let hint = match nearest(&path.item, known.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", path.package.interface_id(near)),
        None => format!("it has {}", list(&known)),
    };
    Some((message, hint))
}

/// `a`, `b` and `c`.
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_string(),
        [one] => one.clone(),
        [several @ .., last] => format!("{} and {last}", several.join(", ")),
    }
}

pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
    let near = known
        .into_iter()
        .filter(|known| distance(known) <= 1 + name.len() / 4);
    near.min_by_key(distance)
}

/// The parser's words, in ours: one line, no capital, no quotes of its own.
fn plain(message: &str) -> String {
    let line = message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let mut quoted = String::with_capacity(line.len());
    let mut parts = line.split('\'');
    quoted += parts.next().unwrap_or_default();
    for part in parts {
        quoted.push('`');
        quoted += part;
    }
    match quoted.chars().next() {
        Some(first) if first.is_ascii_uppercase() => {
            first.to_ascii_lowercase().to_string() + &quoted[1..]
        }
        _ => quoted,
    }
}

/// Braces that do not match are told where the block begins, not where the parser gave up.
fn unbalanced(text: &Text, stopped: Option<&Place>) -> Option<Diagnostic> {
    let at = |range| Some(Place::of(&text.label, &text.text, range));
    if let Some(stray) = text.outline.stray {
        return Some(Diagnostic {
            message: "unmatched `}`".to_string(),
            place: at(stray..stray + 1),
            hint: None,
        });
    }
    let block = left_open(text)?;
    let what = match block.name.as_str() {
        "" if block.keyword.is_empty() => "this block".to_string(),
        "" => format!("this {}", block.keyword),
        name => format!("{} `{name}`", block.keyword),
    };
    let noticed = stopped.filter(|place| place.file == text.label);
    Some(Diagnostic {
        message: format!("{what} is not closed: its `}}` is missing"),
        place: at(block.open..block.open + 1),
        hint: noticed
            .map(|place| format!("noticed at {}:{}:{}", place.file, place.line, place.column)),
    })
}

/// The block whose `}` is missing. The outermost ones stay open for it; it is itself the one whose `}`, if it got one,
/// is indented like that of another block.
fn left_open(text: &Text) -> Option<&Block> {
    let Outline { blocks, .. } = &text.outline;
    let last_open = blocks.iter().rfind(|block| block.close.is_none())?;
    let indent = |at: usize| {
        let line = text.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let blank = text.text[line..].find(|char: char| char != ' ' && char != '\t');
        (blank.unwrap_or_default(), line)
    };
    let borrowed = |block: &&Block| {
        let Some(close) = block.close else {
            return false;
        };
        let ((open, line), (closing, last)) = (indent(block.open), indent(close));
        line != last && text.text[last..close].trim().is_empty() && open != closing
    };
    Some(blocks.iter().find(borrowed).unwrap_or(last_open))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wit::source::Source;

    fn problem(files: &[(&str, &str)]) -> Diagnostic {
        let texts = files
            .iter()
            .map(|(name, text)| Text::new(name, text))
            .collect();
        Source::new("wit".into(), texts).parse().unwrap_err()
    }

    #[test]
    fn carets_stand_under_the_place() {
        let text = "package a:b;\nworld w {\n\timport f: func(a: u32;\n}\n";
        let found = problem(&[("wit/w.wit", text)]).to_string();
        let (_, rest) = found.split_once('\n').unwrap();
        assert_eq!(
            rest,
            "  --> wit/w.wit:3:23\n  |\n3 | \timport f: func(a: u32;\n  | \t                     ^",
            "{found}"
        );
    }

    #[test]
    fn a_block_left_open_is_named() {
        let outer = problem(&[(
            "w.wit",
            "package a:b;\nworld w {\n  import x;\ninterface x {\n}\n",
        )]);
        assert_eq!(outer.message, "world `w` is not closed: its `}` is missing");
        assert_eq!(outer.place.unwrap().line, 2);
        let inner = "package a:b;\ninterface i {\n  record r {\n    a: u32,\n}\nworld w {\n}\n";
        let inner = problem(&[("w.wit", inner)]);
        assert_eq!(
            inner.message,
            "record `r` is not closed: its `}` is missing"
        );
        assert!(inner.hint.unwrap().starts_with("noticed at w.wit:"));
        assert_eq!(
            problem(&[("w.wit", "package a:b;\nworld w {\n}\n}\n")]).message,
            "unmatched `}`"
        );
    }

    #[test]
    fn names_that_are_near_are_suggested() {
        let text = "package a:b;\ninterface store {}\nworld w { import stor; }\n";
        let found = problem(&[("w.wit", text)]);
        assert_eq!(found.hint.as_deref(), Some("did you mean `store`?"));
        assert_eq!(found.place.unwrap().column, 18);
    }

    #[test]
    fn places_outside_of_a_text_are_its_end() {
        let place = Place::of("a", "é\nb", 100..200);
        assert_eq!((place.line, place.column), (2, 2));
        Place::of("a", "é", 1..1);
        Place::of("a", "", 0..0);
    }
}
