//! The commands of plugins, from the moment they are installed.

use std::path::{Path, PathBuf};

use crate::answers::candidates;
use crate::home::Home;
use crate::plugin_guest;
use crate::terminal::{SHELLS, Terminal};

/// A plugin with groups, flags, values of all kinds, and a completer.
fn plugin() -> PathBuf {
    plugin_guest::plugin("my")
}

fn install(home: &Home, plugin: &Path) {
    let plugin = plugin.to_str().unwrap();
    home.wash("", &["plugin", "install", "--yes", plugin]);
}

#[test]
fn a_plugin_completes_in_the_shell_that_was_open_before() {
    let plugin = plugin();
    for shell in SHELLS {
        let home = Home::with(shell);
        home.file("notes.txt", "");
        home.file("notes.md", "");
        let mut terminal = Terminal::start(shell, &home, "");
        terminal.types("wash my").types("\t").types("x");
        terminal.line("wash myx");
        terminal.clears();
        install(&home, &plugin);
        for (typed, line) in [
            ("wash my\t", "wash my "),
            ("wash my pai\t", "wash my paint "),
            (
                "wash my paint house --col\t",
                "wash my paint house --color ",
            ),
            (
                "wash my paint house --color bl\t",
                "wash my paint house --color blue ",
            ),
            ("wash my paint house -c re\t", "wash my paint house -c red "),
            (
                "wash my paint house --dry f\t",
                "wash my paint house --dry false ",
            ),
            ("wash my read no\t", "wash my read notes.txt "),
            // Only the plugin knows these.
            ("wash my paint hou\t", "wash my paint house "),
            ("wash my paint bo\t", "wash my paint boat "),
            ("wash plugin show m\t", "wash plugin show my "),
        ] {
            terminal.types(typed).line(line);
            terminal.clears();
        }
        terminal.types("wash my paint house --color \t");
        if shell == "bash" {
            terminal.types("\t");
        }
        terminal.shows("as a rose\nas the sea");
        terminal.clears();
        home.wash("", &["plugin", "uninstall", "my"]);
        terminal.types("wash my").types("\t").types("x");
        terminal.line("wash myx");
    }
}

#[test]
fn a_broken_plugin_does_not_hide_the_others() {
    let home = Home::new();
    install(&home, &plugin());
    home.file(".local/share/wash/plugins/installed/bad.json", "{");
    assert_eq!(candidates(&home, "", &["my", "pa"]), ["paint"]);
    assert_eq!(candidates(&home, "", &["plugin", "show", ""]), ["my"]);
    // Names of plugins alone come from the list; its code is not needed.
    std::fs::remove_dir_all(home.path(".local/share/wash/plugins/components")).unwrap();
    assert_eq!(
        candidates(&home, "", &["my", "paint", "x", "--color", "b"]),
        ["blue"]
    );
}

#[test]
fn files_of_a_plugin_are_relative_to_the_directory_that_stands_before() {
    let home = Home::new();
    install(&home, &plugin());
    home.file("here.txt", "");
    home.file("sub/there.txt", "");
    home.file("sub/there.md", "");
    home.file("sub/deep/more.txt", "");
    let read = |words: &[&str]| candidates(&home, "", words);
    assert_eq!(read(&["my", "read", "h"]), ["here.txt"]);
    assert_eq!(
        read(&["-C", "sub", "my", "read", ""]),
        ["there.txt", "deep/"]
    );
    assert_eq!(
        read(&["-C", "sub", "my", "read", "deep/"]),
        ["deep/more.txt"]
    );
}
