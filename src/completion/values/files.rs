//! Files of the right kind, relative to `-C`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Instant;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use wash_common::budget;

use super::{candidate, completer, plugins, project, registry};
use crate::completion::line::{Line, expand_home};

/// A file of a kind.
pub fn file_that(
    is_wanted: impl Fn(&Path) -> bool + Clone + Send + Sync + 'static,
) -> ArgValueCompleter {
    completer(move |line, current| below(line, current, is_wanted.clone()))
}

/// Any file.
pub fn file() -> ArgValueCompleter {
    file_that(|_| true)
}

/// A directory.
pub fn directory() -> ArgValueCompleter {
    file_that(Path::is_dir)
}

/// A directory, relative to the current one: the value of `-C` itself.
pub fn start_directory() -> ArgValueCompleter {
    completer(|_, current| PathCompleter::dir().complete(OsStr::new(current)))
}

/// A file of WebAssembly.
pub fn wasm_file() -> ArgValueCompleter {
    file_that(is_wasm)
}

/// A component or the directory of a project.
pub fn component_file() -> ArgValueCompleter {
    completer(components_below)
}

/// A component, the directory of a project, or a reference to a registry.
pub fn components() -> ArgValueCompleter {
    completer(|line, current| {
        let mut found = components_below(line, current);
        found.extend(registry::known(line));
        found
    })
}

/// The same, or an installed plugin.
pub fn inspected() -> ArgValueCompleter {
    completer(|line, current| {
        let mut found = components_below(line, current);
        found.extend(registry::known(line));
        // Not for those who have not begun to write it.
        if !current.is_empty() {
            found.extend(plugins::prefixed());
        }
        found
    })
}

/// What `--graph` takes.
pub fn picture() -> ArgValueCompleter {
    completer(|line, current| {
        let mut found = vec![
            candidate("svg", "Draw it on stdout"),
            candidate("dot", "Write it on stdout for graphviz"),
        ];
        let is_picture = |path: &Path| has_extension(path, "svg") || has_extension(path, "dot");
        found.extend(below(line, current, is_picture));
        found
    })
}

pub(super) fn components_below(line: &Line, current: &str) -> Vec<CompletionCandidate> {
    let mut found = project::components(line);
    let files = below(line, current, is_wasm);
    let own: Vec<_> = found.iter().map(|it| it.get_value().to_owned()).collect();
    let is_new = |file: &CompletionCandidate| {
        let name = file.get_value().to_string_lossy();
        !own.iter().any(|own| *own == *name.trim_end_matches('/'))
    };
    found.extend(files.into_iter().filter(is_new));
    found
}

/// The files that are wanted, and the directories on the way to others. Of a directory that is too large to be read in time
/// there are as many as were read.
pub(super) fn below(
    line: &Line,
    current: &str,
    is_wanted: impl Fn(&Path) -> bool + Send + Sync + 'static,
) -> Vec<CompletionCandidate> {
    let until = Instant::now() + budget::time(budget::EACH) / 2;
    let (folder, begin) = current.split_at(current.rfind('/').map_or(0, |at| at + 1));
    let Some(base) = line.base() else {
        return Vec::new();
    };
    let entries = fs::read_dir(base.join(expand_home(folder)));
    let mut wanted = Vec::new();
    let mut on_the_way = Vec::new();
    for entry in entries.into_iter().flatten().flatten() {
        if Instant::now() > until {
            break;
        }
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(begin)) else {
            continue;
        };
        let path = entry.path();
        let is_dir = match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => kind.is_dir(),
            _ => path.is_dir(),
        };
        let end = if is_dir { "/" } else { "" };
        let value = format!("{folder}{name}{end}");
        let is_hidden = name.starts_with('.') && !begin.starts_with('.');
        match (is_wanted(&path), is_dir) {
            (true, _) => wanted.push((value, is_hidden)),
            (false, true) => on_the_way.push((value, is_hidden)),
            (false, false) => {}
        }
    }
    wanted.sort();
    on_the_way.sort();
    let all = wanted.into_iter().chain(on_the_way);
    all.map(|(value, is_hidden)| CompletionCandidate::new(value).hide(is_hidden))
        .collect()
}

fn is_wasm(path: &Path) -> bool {
    has_extension(path, "wasm") && path.is_file()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
}
