//! Why what was typed is not called, and where that stands in it.

use std::fmt;

use wash_common::advice::{Advice, ErrorClass};
use wash_common::sanitize;

use super::syntax::Span;

/// What is wrong with what was typed, pointed at. Nothing was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub problem: Box<Problem>,
    /// The word of the command line that is at fault.
    pub text: String,
    /// The part of it.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Syntax(String),
    #[error("expected the name of a function, found {found}")]
    NotACall { found: String },
    #[error("no function `{name}`")]
    Unknown { name: String, near: Vec<String> },
    #[error("`{name}` may be one of several")]
    Ambiguous {
        name: String,
        candidates: Vec<String>,
    },
    #[error("`{method}` is a method: it needs {resource} in front of it")]
    NeedsInstance { method: String, resource: String },
    #[error("{answer} has no methods: only resources do")]
    NotAResource { answer: String },
    #[error("`{resource}` has no method `{name}`")]
    NoMethod {
        resource: String,
        name: String,
        near: Vec<String>,
        methods: Vec<String>,
    },
    #[error("`{function}` takes {}, found {found}", count(*.expected))]
    Count {
        /// With parameters and types, as one would type it.
        signature: String,
        function: String,
        expected: usize,
        found: usize,
    },
    #[error("the arguments of `{function}` are given twice: in parentheses and after it")]
    Twice { function: String },
    #[error("{argument}: expected {expected}, found {found}")]
    Type {
        /// ``argument 2 (`b`) of `add` ``
        argument: String,
        expected: String,
        found: String,
        hint: Option<String>,
    },
    #[error("{argument} is {what}, which cannot be written on a command line")]
    Unwritable { argument: String, what: String },
    #[error("`{function}` returns {what}, which cannot be printed")]
    Unprintable { function: String, what: String },
}

fn count(expected: usize) -> String {
    match expected {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        several => format!("{several} arguments"),
    }
}

impl Rejected {
    pub(super) fn new(text: &str, span: Span, problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            text: text.to_owned(),
            span,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            problem,
            text,
            span,
        } = self;
        let start = span.start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let before = text[line_start..start].chars().count();
        let within = text.get(start..span.end).unwrap_or_default();
        let within = within.lines().next().unwrap_or_default().chars().count();
        let line = line.replace('\t', " ");
        let (blank, carets) = (" ".repeat(before), "^".repeat(within.max(1)));
        let problem = problem.to_string();
        let problem = sanitize::line(&problem);
        write!(f, "{problem}\n  {line}\n  {blank}{carets}")
    }
}

impl std::error::Error for Rejected {}

impl Advice for Rejected {
    fn has_lines(&self) -> bool {
        true
    }

    fn hints(&self) -> Vec<String> {
        let near = |near: &[String]| match near {
            [] => None,
            near => Some(format!("did you mean {}?", listed(near, " or "))),
        };
        let mut hints = Vec::new();
        match &*self.problem {
            Problem::Unknown { near: names, .. } => {
                hints.extend(near(names));
                hints.push("`--list` shows what can be called".to_owned());
            }
            Problem::Ambiguous { candidates, .. } => {
                hints.push(format!("name it: {}", listed(candidates, " or ")));
            }
            Problem::NeedsInstance { .. } => {
                hints.push("`--list` shows the functions that return one".to_owned());
            }
            Problem::NoMethod {
                near: names,
                methods,
                ..
            } => match (near(names), methods.as_slice()) {
                (Some(hint), _) => hints.push(hint),
                (None, []) => {}
                (None, methods) => hints.push(format!("it has {}", listed(methods, ", "))),
            },
            Problem::Count { signature, .. } => hints.push(format!("it is `{signature}`")),
            Problem::Type { hint, .. } => hints.extend(hint.clone()),
            _ => {}
        }
        hints
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

fn listed(names: &[String], separator: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(separator)
}
