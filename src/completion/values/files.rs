//! Files of the right kind, relative to `-C`.

use std::ffi::OsStr;
use std::path::Path;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};

use super::{candidate, completer, project, registry};
use crate::completion::line::Line;

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

/// The files that are wanted, and the directories on the way to others.
pub(super) fn below(
    line: &Line,
    current: &str,
    is_wanted: impl Fn(&Path) -> bool + Send + Sync + 'static,
) -> Vec<CompletionCandidate> {
    let Some(base) = line.base() else {
        return Vec::new();
    };
    let files = PathCompleter::any().current_dir(base).filter(is_wanted);
    let found = files.complete(OsStr::new(current)).into_iter();
    // It is there to show that the current directory would do, which leaving the argument out says as well.
    found.filter(|file| file.get_value() != ".").collect()
}

fn is_wasm(path: &Path) -> bool {
    has_extension(path, "wasm") && path.is_file()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
}
