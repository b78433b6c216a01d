//! The words of `wash call`: a component, a function of it, its arguments.

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use wash_component::call::{Catalog, suggest};

use super::{candidate, completer, files, project, registry};
use crate::completion::line::Line;

pub fn call_words() -> ArgValueCompleter {
    completer(|line, current| {
        let words = line.positionals.as_slice();
        let named = words.first().filter(|word| is_component(line, word));
        let shape = project::shape(line, named.map(String::as_str));
        let catalog = shape.as_ref().map(Catalog::of);
        let words = &words[usize::from(named.is_some())..];
        let mut found = match (words, &catalog) {
            (_, None) => Vec::new(),
            ([], Some(catalog)) => suggest::functions(catalog, current),
            ([function, given @ ..], Some(catalog)) => {
                suggest::arguments(catalog, function, given.len())
            }
        }
        .into_iter()
        .map(|it| candidate(it.text, it.help))
        .collect();
        if named.is_none() && words.is_empty() {
            components(line, current, &mut found);
        }
        found
    })
}

fn components(line: &Line, current: &str, found: &mut Vec<CompletionCandidate>) {
    found.extend(files::components_below(line, current));
    found.extend(registry::known(line));
}

/// As `wash call` takes a word.
fn is_component(line: &Line, word: &str) -> bool {
    !word.contains(['#', '('])
        && (word.ends_with(".wasm")
            || line.base().is_some_and(|base| base.join(word).exists())
            || registry::meant(line, word).is_some())
}
