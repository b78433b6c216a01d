//! Candidates that only a plugin knows: it is asked, with nothing allowed and hardly any time.

use serde::Deserialize;
use wash_common::budget;
use wash_component::call::Value;

use crate::console::Console;
use crate::plugin::describe::is_unseen;
use crate::plugin::grants;
use crate::plugin::guest::{Bounds, Guest, MIB, Terms};
use crate::plugin::invocation::{record, text, texts};
use crate::plugin::store::Store;

/// A value that may be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub value: String,
    pub summary: Option<String>,
}

/// What is to be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The plugin.
    pub plugin: String,
    /// The path of its command, as it describes it.
    pub command: Vec<String>,
    /// The argument or flag.
    pub name: String,
    /// What was typed so far.
    pub typed: String,
}

/// More are of no use to anybody.
const MAX: usize = 1000;
const MAX_LENGTH: usize = 200;

/// Bytes that a plugin may use for them.
const MEMORY: u64 = 64 * MIB;

/// As the plugin answers.
#[derive(Deserialize)]
struct Answered {
    value: String,
    summary: String,
}

/// Asks a plugin. Whatever goes wrong, there are no candidates, nothing is printed, and it takes no longer than the
/// candidates of any argument.
pub fn candidates(store: &Store, question: &Question) -> Vec<Candidate> {
    let (store, question) = (store.clone(), question.clone());
    // Loading its code is a part of the time; where that was lost, it would be compiled.
    let answer = budget::within(budget::EACH, move || ask(&store, &question));
    answer.flatten().unwrap_or_default()
}

fn ask(store: &Store, question: &Question) -> Option<Vec<Candidate>> {
    let manifest = store.find(&question.plugin).ok()??;
    let guest = Guest::installed(store, &manifest).ok()?;
    let terms = Terms {
        settings: grants::nothing(&manifest.name),
        bounds: Bounds {
            time: Some(budget::time(budget::EACH)),
            memory: MEMORY,
        },
        console: Console::silent(),
        compiled: store.compiled(&manifest.digest),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let arguments = vec![question.value()];
    let call = guest.call("wash:plugin/completer", "complete", arguments, terms);
    Some(read(&runtime.block_on(call).ok()??, &question.typed))
}

fn read(answer: &Value, typed: &str) -> Vec<Candidate> {
    let Value::List(answered) = answer else {
        return Vec::new();
    };
    let answered = answered.iter().take(MAX);
    let answered = answered.filter_map(|answered| serde_json::from_value(answered.json()).ok());
    let fits = |answered: &Answered| {
        let seen = |text: &str| text.chars().count() <= MAX_LENGTH && !text.contains(is_unseen);
        !answered.value.is_empty()
            && answered.value.starts_with(typed)
            && seen(&answered.value)
            && seen(&answered.summary)
    };
    let candidate = |answered: Answered| Candidate {
        value: answered.value,
        summary: Some(answered.summary).filter(|summary| !summary.is_empty()),
    };
    answered.filter(fits).map(candidate).collect()
}

impl Question {
    fn value(&self) -> Value {
        record([
            ("command", texts(&self.command)),
            ("name", text(&self.name)),
            ("typed", text(&self.typed)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_typed_and_seen_is_offered() {
        let candidate = |value: &str, summary: &str| {
            record([("value", text(value)), ("summary", text(summary))])
        };
        let answer = Value::List(vec![
            candidate("red", "as blood"),
            candidate("rose", ""),
            candidate("blue", ""),
            candidate("r\u{1b}[2J", ""),
            candidate("rust", "\u{7}"),
            candidate(&"r".repeat(300), ""),
        ]);
        let offered: Vec<_> = read(&answer, "r")
            .into_iter()
            .map(|c| (c.value, c.summary))
            .collect();
        let expected = [
            ("red".to_owned(), Some("as blood".to_owned())),
            ("rose".to_owned(), None),
        ];
        assert_eq!(offered, expected);
        assert!(read(&Value::Bool(true), "").is_empty());
    }
}
