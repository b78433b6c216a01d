//! Reads what people type: WAVE, in which the name of a function with arguments may stand for what it answers.
//!
//! Tokens, and what is within strings and characters, are wasm-wave's; the names of functions are longer than its labels.

use std::ops::Range;

use wasm_wave::lex::{Lexer, Token};
use wasm_wave::untyped::UntypedValue;

use super::rejected::{Problem, Rejected};

/// Where something stands in the text, in bytes.
pub type Span = Range<usize>;

/// Values within values, at most.
const DEPTH: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Its text is that of the span.
    Number,
    Char(char),
    String(String),
    Tuple(Vec<Node>),
    List(Vec<Node>),
    Record(Vec<(Label, Node)>),
    Flags(Vec<Label>),
    /// A word, a case of a variant, or calls: `red`, `dot((1, 2))`, `counter(5).next()`. Not empty.
    Chain(Vec<Link>),
}

/// A name, without the `%` that tells it from a keyword.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub text: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub name: Label,
    /// What stands in parentheses after the name, if anything does.
    pub arguments: Option<Vec<Node>>,
}

/// Reads one expression, which must be all there is.
pub fn parse(text: &str) -> Result<Node, Rejected> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let node = parser.node()?;
    match parser.skip() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected("nothing more")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips blanks and comments, and tells what comes then.
    fn skip(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            let comment = trimmed
                .starts_with("//")
                .then(|| trimmed.find('\n').unwrap_or(trimmed.len()));
            self.at += rest.len() - trimmed.len() + comment.unwrap_or_default();
            if comment.is_none() {
                return trimmed.chars().next();
            }
        }
    }

    /// The next token of WAVE, and where it stands.
    fn token(&mut self) -> Result<(Token, Span), Rejected> {
        self.skip();
        let start = self.at;
        let mut lexer = Lexer::new(self.rest());
        match lexer.next() {
            Some(Ok(token)) => {
                self.at += lexer.span().end;
                Ok((token, start..self.at))
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.skip() == Some(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), Rejected> {
        match self.take(mark) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{mark}`"))),
        }
    }

    fn node(&mut self) -> Result<Node, Rejected> {
        if self.depth == DEPTH {
            return Err(self.reject("values are nested too deep", self.at..self.at + 1));
        }
        self.depth += 1;
        let node = self.inner();
        self.depth -= 1;
        node
    }

    fn inner(&mut self) -> Result<Node, Rejected> {
        let next = self.skip();
        let start = self.at;
        let kind = match next {
            None => return Err(self.unexpected("a value")),
            Some('(') => {
                self.at += 1;
                Kind::Tuple(self.list(')')?)
            }
            Some('[') => {
                self.at += 1;
                Kind::List(self.list(']')?)
            }
            Some('{') => {
                self.at += 1;
                self.braces()?
            }
            Some(c) if c.is_ascii_alphabetic() || c == '%' => Kind::Chain(self.chain()?),
            Some(_) => self.literal()?,
        };
        Ok(Node {
            kind,
            span: start..self.at,
        })
    }

    fn literal(&mut self) -> Result<Kind, Rejected> {
        let (token, span) = self.token()?;
        let source = &self.text[span.clone()];
        let wrong = |_| {
            Rejected::new(self.text, span.clone(), Problem::Syntax("there is an escape that does not exist, or a line of text that is not indented as its end".to_owned()))
        };
        match token {
            Token::Number => Ok(Kind::Number),
            Token::Char => {
                let value = UntypedValue::parse(source).map_err(wrong)?;
                let value = value.node().as_char(source).map_err(wrong)?;
                Ok(Kind::Char(value))
            }
            Token::String | Token::MultilineString => {
                let value = UntypedValue::parse(source).map_err(wrong)?;
                let value = value.node().as_str(source).map_err(wrong)?;
                Ok(Kind::String(value.into_owned()))
            }
            _ => {
                self.at = span.start;
                Err(self.unexpected("a value"))
            }
        }
    }

    /// Values up to a closing mark.
    fn list(&mut self, end: char) -> Result<Vec<Node>, Rejected> {
        let mut nodes = Vec::new();
        while !self.take(end) {
            nodes.push(self.node()?);
            if !self.take(',') {
                self.expect(end)?;
                break;
            }
        }
        Ok(nodes)
    }

    /// A record, or flags.
    fn braces(&mut self) -> Result<Kind, Rejected> {
        if self.take(':') {
            self.expect('}')?;
            return Ok(Kind::Record(Vec::new()));
        }
        let (mut fields, mut flags) = (Vec::new(), Vec::new());
        while !self.take('}') {
            let label = self.label()?;
            let known = fields.iter().map(|(known, _): &(Label, Node)| known);
            if known.chain(&flags).any(|known| known.text == label.text) {
                return Err(self.reject("duplicate name", label.span));
            }
            if flags.is_empty() && (!fields.is_empty() || self.skip() == Some(':')) {
                self.expect(':')?;
                fields.push((label, self.node()?));
            } else {
                flags.push(label);
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        Ok(match fields.is_empty() {
            true => Kind::Flags(flags),
            false => Kind::Record(fields),
        })
    }

    fn label(&mut self) -> Result<Label, Rejected> {
        self.skip();
        let start = self.at;
        match self.token() {
            Ok((Token::LabelOrKeyword, span)) => Ok(self.named(span)),
            _ => {
                self.at = start;
                Err(self.unexpected("a name"))
            }
        }
    }

    fn named(&self, span: Span) -> Label {
        let text = self.text[span.clone()].trim_start_matches('%').to_owned();
        Label { text, span }
    }

    fn chain(&mut self) -> Result<Vec<Link>, Rejected> {
        let start = self.at;
        let path = |c: char| c.is_ascii_alphanumeric() || "-%:/@#.+".contains(c);
        let length = self.rest().find(|c| !path(c));
        // A dot at the end of a sentence is not part of the name.
        let length = length.unwrap_or(self.rest().len());
        let length = self.rest()[..length].trim_end_matches('.').len();
        self.at += length;
        let mut links = vec![Link {
            name: self.named(start..self.at),
            arguments: self.arguments()?,
        }];
        while links.last().is_some_and(|link| link.arguments.is_some()) && self.take('.') {
            let name = self.label()?;
            // Kebab-case stands together; what follows a dot may have no parentheses only if it is the last.
            let arguments = self.arguments()?;
            links.push(Link { name, arguments });
        }
        Ok(links)
    }

    fn arguments(&mut self) -> Result<Option<Vec<Node>>, Rejected> {
        match self.rest().starts_with('(') {
            true => {
                self.at += 1;
                self.list(')').map(Some)
            }
            false => Ok(None),
        }
    }

    fn unexpected(&mut self, expected: &str) -> Rejected {
        let found = match self.skip() {
            None => "the end".to_owned(),
            Some(c) => format!("`{c}`"),
        };
        let length = self.rest().chars().next().map_or(1, char::len_utf8);
        let message = format!("expected {expected}, found {found}");
        self.reject(&message, self.at..self.at + length)
    }

    fn reject(&self, message: &str, span: Span) -> Rejected {
        Rejected::new(self.text, span, Problem::Syntax(message.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expression with all its structure: words in `<>`, calls with their arguments.
    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(node) => show(&node, text),
            Err(rejected) => rejected.to_string(),
        }
    }

    fn show(node: &Node, text: &str) -> String {
        let all = |nodes: &[Node]| {
            let nodes: Vec<_> = nodes.iter().map(|node| show(node, text)).collect();
            nodes.join(" ")
        };
        match &node.kind {
            Kind::Number => text[node.span.clone()].to_owned(),
            Kind::Char(c) => format!("{c:?}"),
            Kind::String(s) => format!("{s:?}"),
            Kind::Tuple(nodes) => format!("({})", all(nodes)),
            Kind::List(nodes) => format!("[{}]", all(nodes)),
            Kind::Record(fields) => {
                let field =
                    |(label, node): &(Label, Node)| format!("{}={}", label.text, show(node, text));
                format!(
                    "{{{}}}",
                    fields.iter().map(field).collect::<Vec<_>>().join(" ")
                )
            }
            Kind::Flags(flags) => {
                let flags: Vec<_> = flags.iter().map(|flag| flag.text.as_str()).collect();
                format!("flags{{{}}}", flags.join(" "))
            }
            Kind::Chain(links) => {
                let link = |link: &Link| match &link.arguments {
                    Some(arguments) => format!("<{}>({})", link.name.text, all(arguments)),
                    None => format!("<{}>", link.name.text),
                };
                links.iter().map(link).collect::<Vec<_>>().join(" . ")
            }
        }
    }

    #[test]
    fn values_are_wave() {
        for (text, expected) in [
            ("-12", "-12"),
            ("-inf", "-inf"),
            ("1.5e-3", "1.5e-3"),
            (r#""a\"\u{1f980}""#, r#""a\"🦀""#),
            ("'\\''", "'\\''"),
            ("\"\"\"\n  two\n   lines\n  \"\"\"", r#""two\n lines""#),
            ("[1, (2, 3,), []]", "[1 (2 3) []]"),
            ("{a: 1, b-c: {d: none}}", "{a=1 b-c={d=<none>}}"),
            ("{a:1}", "{a=1}"),
            ("{a, b}", "flags{a b}"),
            ("{}", "flags{}"),
            ("{:}", "{}"),
            ("some(%some(1)) // a comment", "<some>(<some>(1))"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn functions_are_named_as_people_name_them() {
        for (text, expected) in [
            ("add", "<add>"),
            ("my:math/ops#add(1, 2)", "<my:math/ops#add>(1 2)"),
            ("my:math/ops@1.0.0-rc.1.add", "<my:math/ops@1.0.0-rc.1.add>"),
            ("counter(5).next()", "<counter>(5) . <next>()"),
            ("counter.new(5).next", "<counter.new>(5) . <next>"),
            (
                "put(item(\"a\").half(), [b()])",
                "<put>(<item>(\"a\") . <half>() [<b>()])",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, expected) in [
            ("", "expected a value, found the end\n  \n  ^"),
            (
                "add(1, 2",
                "expected `)`, found the end\n  add(1, 2\n          ^",
            ),
            ("[1 2]", "expected `]`, found `2`\n  [1 2]\n     ^"),
            (
                "{a: 1, b}",
                "expected `:`, found `}`\n  {a: 1, b}\n          ^",
            ),
            ("{a, a}", "duplicate name\n  {a, a}\n      ^"),
            (
                "\"é\" x",
                "expected nothing more, found `x`\n  \"é\" x\n      ^",
            ),
            (
                "counter(5).",
                "expected a name, found the end\n  counter(5).\n             ^",
            ),
            ("\"open", "expected a value, found `\"`\n  \"open\n  ^"),
            ("'ab'", "expected a value, found `'`\n  'ab'\n  ^"),
            ("a\n@", "expected nothing more, found `@`\n  @\n  ^"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        let deep = "[".repeat(5000);
        assert!(shown(&deep).starts_with("values are nested too deep"));
    }
}
