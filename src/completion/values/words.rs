//! Words that our options know, where clap does not know them.

use clap_complete::engine::ArgValueCompleter;

use super::{candidate, completer, files};

/// What `-o` takes: a format, or for some commands a file.
pub fn outputs() -> ArgValueCompleter {
    completer(|line, current| {
        let mut found = vec![
            candidate("text", "For people"),
            candidate("json", "For programs"),
        ];
        if current.contains(['.', '/']) {
            found.extend(files::below(line, current, |_| true));
        }
        found
    })
}

pub fn levels() -> ArgValueCompleter {
    completer(|_, _| {
        ["trace", "debug", "info", "warn", "error", "off"]
            .map(|level| candidate(level, ""))
            .into()
    })
}

/// Where to listen.
pub fn addresses() -> ArgValueCompleter {
    completer(|_, _| {
        [
            ("127.0.0.1:0", "Any free port"),
            ("127.0.0.1:8000", "This machine only"),
            ("0.0.0.0:8000", "All network interfaces"),
        ]
        .map(|(address, help)| candidate(address, help))
        .into()
    })
}

/// Names of the environment.
pub fn variable_names() -> ArgValueCompleter {
    completer(|_, _| {
        let names = environment().into_iter();
        names.map(|name| candidate(name, "")).collect()
    })
}

fn environment() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// `NAME=` for the environment of a guest.
pub fn variables() -> ArgValueCompleter {
    completer(|_, _| {
        let names = environment().into_iter();
        names
            .map(|name| candidate(format!("{name}="), ""))
            .collect()
    })
}

/// The annotations that registries know.
pub fn annotations() -> ArgValueCompleter {
    completer(|_, _| {
        [
            "authors",
            "created",
            "description",
            "documentation",
            "licenses",
            "revision",
            "source",
            "title",
            "url",
            "vendor",
            "version",
        ]
        .map(|name| candidate(format!("org.opencontainers.image.{name}="), ""))
        .into()
    })
}
