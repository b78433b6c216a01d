//! How long a tab takes with thirty plugins installed: the script that asks `wash`, beside one that knows all commands by
//! heart, and beside asking each plugin what its commands are.
//!
//! All of it is what bash does between the key and the candidates. The baseline is bash with no completion at all.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../tests/support/plugin_guest.rs"]
mod guest;

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap_complete::aot;
use wash::cli;
use wash::plugin::Store;
use wash::plugin::complete::{Question, candidates};

const PLUGINS: usize = 30;
/// How often each is done for the table.
const RUNS: usize = 100;

/// What happens, and where the line is that is typed.
const TABS: [(&str, &str); 3] = [
    ("a command", "wash my1"),
    ("an option of a plugin", "wash my7 paint x --co"),
    ("a function of a component", "wash call app.wasm gr"),
];

fn main() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    install(dir);
    std::fs::copy(guest::plugin("my"), dir.join("app.wasm")).unwrap();
    let by_heart = dir.join("static.bash");
    std::fs::write(&by_heart, by_heart_script(dir)).unwrap();
    let ours = dir.join("wash.bash");
    let program = env!("CARGO_BIN_EXE_wash");
    std::fs::write(&ours, wash::completion::Shell::Bash.script(program)).unwrap();
    let size = |file: &Path| std::fs::metadata(file).unwrap().len();

    let nothing = best(|| bash(dir, ":"));
    let [loading, by_heart_loading] =
        [&ours, &by_heart].map(|file| best(|| bash(dir, &format!("source {}", file.display()))));
    let row = |what: &str, time: Duration, baseline: Duration| {
        let ratio = time.as_secs_f64() / baseline.as_secs_f64();
        println!(
            "{what:<44} {:>8.2} ms {ratio:>8.1}",
            time.as_secs_f64() * 1e3
        );
    };
    println!("{:<44} {:>11} {:>8}", "", "best", "ratio");
    row("bash alone", nothing, nothing);
    println!("\nwhat a start of the shell takes longer");
    let (ours_adds, adds) = (loading - nothing, by_heart_loading - nothing);
    row(
        &format!("static script, {} KB", size(&by_heart) >> 10),
        adds,
        adds,
    );
    row(
        &format!("our script, {} KB", size(&ours).div_ceil(1024)),
        ours_adds,
        adds,
    );
    for (what, line) in TABS {
        println!("\na tab after `{line}`: {what}");
        let tab = |file: &Path, function: &str, loading: Duration| {
            best(|| bash(dir, &pressed(file, function, line))).saturating_sub(loading)
        };
        let known = tab(&by_heart, "_wash", by_heart_loading);
        row("static script", known, known);
        row(
            "our script, which asks wash",
            tab(&ours, "_wash", loading),
            known,
        );
        let alone = best(|| ask(dir, program, line));
        row("wash alone, as the script runs it", alone, known);
    }
    println!("\nasking the plugins instead, from compiled code");
    let store = Store::at(dir.join("data/wash/plugins"));
    let answer = best(|| ask(dir, program, TABS[0].1));
    let each = best(|| all_plugins(&store));
    row("wash alone, from what is stored", answer, answer);
    row(
        &format!("{PLUGINS} plugins, one after the other"),
        each,
        answer,
    );
}

/// The same plugin, under thirty names.
fn install(dir: &Path) {
    let plugin = guest::plugin("my");
    for number in 0..PLUGINS {
        let name = format!("my{number}");
        let status = wash(dir)
            .args([
                "plugin",
                "install",
                "--yes",
                "--name",
                &name,
                "--as",
                &format!("my={name}"),
            ])
            .arg(&plugin)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
}

fn wash(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
    command.envs(environment(dir)).current_dir(dir);
    command
}

fn environment(dir: &Path) -> [(&'static str, std::path::PathBuf); 3] {
    [
        ("XDG_DATA_HOME", dir.join("data")),
        ("XDG_CACHE_HOME", dir.join("cache")),
        ("XDG_CONFIG_HOME", dir.join("config")),
    ]
}

/// What the generator of clap makes of all commands.
fn by_heart_script(dir: &Path) -> Vec<u8> {
    let store = Store::at(dir.join("data/wash/plugins"));
    let installed = store.installed();
    assert_eq!(installed.plugins.len(), PLUGINS);
    let mut script = Vec::new();
    let mut tree = cli::command_tree(&store, &installed);
    aot::generate(aot::Bash, &mut tree, "wash", &mut script);
    script
}

fn bash(dir: &Path, commands: &str) -> Duration {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-c", commands]);
    run(bash.envs(environment(dir)).current_dir(dir))
}

/// What bash runs when tab is pressed at the end of a line.
fn pressed(script: &Path, function: &str, line: &str) -> String {
    let last = line.split(' ').next_back().unwrap_or_default();
    let before = line.split(' ').rev().nth(1).unwrap_or_default();
    let (script, words) = (script.display(), line.split(' ').count() - 1);
    format!(
        "source {script}; COMP_LINE='{line}' COMP_POINT={} COMP_TYPE=9 COMP_WORDS=({line}) COMP_CWORD={words}; {function} wash '{last}' '{before}'",
        line.len()
    )
}

fn ask(dir: &Path, program: &str, line: &str) -> Duration {
    let mut command = Command::new(program);
    command
        .env("WASH_COMPLETE", "bash:1")
        .envs(environment(dir));
    run(command.args([line, " :=@", "9", "80"]).current_dir(dir))
}

fn run(command: &mut Command) -> Duration {
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().code().is_some());
    begin.elapsed()
}

/// As a tool must that keeps nothing of what its plugins are.
fn all_plugins(store: &Store) -> Duration {
    let begin = Instant::now();
    for number in 0..PLUGINS {
        let question = Question {
            plugin: format!("my{number}"),
            command: vec!["my".to_owned(), "paint".to_owned()],
            name: "what".to_owned(),
            typed: String::new(),
        };
        assert!(!black_box(candidates(store, &question)).is_empty());
    }
    begin.elapsed()
}

fn best(mut what: impl FnMut() -> Duration) -> Duration {
    (0..RUNS).map(|_| what()).min().unwrap()
}
