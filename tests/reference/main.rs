//! The command reference in `docs/commands/` and the man pages in `man/` are those of the definitions.
//!
//! `BLESS=1 cargo test --test reference` writes them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod markdown;
mod packaged;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Text by the name of its file.
type Pages = BTreeMap<String, String>;

#[test]
fn the_command_reference_is_current() {
    check("docs/commands", &markdown::pages(definitions()));
}

#[test]
fn the_man_pages_are_current() {
    let mut pages = Pages::new();
    let mut wash = definitions();
    wash.build();
    man(&wash, &mut pages);
    check("man", &pages);
}

/// The page of a command, and those of its subcommands.
fn man(command: &clap::Command, pages: &mut Pages) {
    let page = clap_mangen::Man::new(command.clone())
        // One that is empty would be left out, and what follows taken for it.
        .date(" ")
        .source("wash")
        .manual("Commands of wash");
    let mut text = Vec::new();
    page.render(&mut text).unwrap();
    pages.insert(page.get_filename(), String::from_utf8(text).unwrap());
    let commands = command.get_subcommands();
    for command in commands.filter(|command| !command.is_hide_set()) {
        man(command, pages);
    }
}

/// Every command, so that none is told of twice: what clap adds is told by the page of `wash`.
fn definitions() -> clap::Command {
    wash::cli::command().disable_help_subcommand(true)
}

fn pages(dir: &Path) -> Pages {
    let Ok(entries) = fs::read_dir(dir) else {
        return Pages::new();
    };
    let page = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    entries.map(|entry| page(&entry.unwrap().path())).collect()
}

#[track_caller]
fn check(folder: &str, expected: &Pages) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let found = pages(&dir);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&dir).unwrap();
        for name in found.keys().filter(|name| !expected.contains_key(*name)) {
            fs::remove_file(dir.join(name)).unwrap();
        }
        for (name, text) in expected {
            fs::write(dir.join(name), text).unwrap();
        }
        return;
    }
    let names = found.keys().chain(expected.keys());
    let mut stale: Vec<_> = names
        .filter(|name| found.get(*name) != expected.get(*name))
        .collect();
    stale.dedup();
    assert!(
        stale.is_empty(),
        "not as the definitions say: {stale:?} in {folder}; `BLESS=1 cargo test --test reference` writes them"
    );
}
