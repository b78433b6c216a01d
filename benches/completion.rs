//! How long a tab takes with thirty plugins installed: the script that asks `wash`, beside one that knows all commands by
//! heart, and beside asking each plugin what its commands are.
//!
//! All of it is what bash does between the key and the candidates. The baseline is bash with no completion at all.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../tests/support/plugin_guest.rs"]
mod plugin_guest;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap_complete::aot;
use wash::cli;
use wash::plugin::Store;
use wash::plugin_commands::complete::{Question, candidates};

const PLUGINS: usize = 30;
/// How often each is done for the table.
const RUNS: usize = 100;

/// What is completed, and the line that is typed.
const TABS: [(&str, &str); 2] = [
    ("a command", "wash my1"),
    ("an option of a plugin", "wash my7 paint x --co"),
];
const FUNCTION: &str = "wash call app.wasm gr";

fn main() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    install(dir);
    std::fs::copy(plugin_guest::plugin("my"), dir.join("app.wasm")).unwrap();
    let by_heart = dir.join("static.bash");
    std::fs::write(&by_heart, by_heart_script(dir)).unwrap();
    let ours = dir.join("wash.bash");
    let program = env!("CARGO_BIN_EXE_wash");
    std::fs::write(&ours, wash::completion::Shell::Bash.script(program)).unwrap();
    let nothing = best(|| bash(dir, ":"));
    let [loading, by_heart_loading] =
        [&ours, &by_heart].map(|file| best(|| bash(dir, &format!("source {}", file.display()))));
    println!("{:<44} {:>11} {:>8}", "", "best", "ratio");
    row("bash alone", nothing, nothing);

    println!("\nwhat a start of the shell takes longer");
    let adds = by_heart_loading - nothing;
    let kilobytes = |file: &Path| std::fs::metadata(file).unwrap().len().div_ceil(1024);
    row(
        &format!("static script, {} KB", kilobytes(&by_heart)),
        adds,
        adds,
    );
    let name = format!("our script, {} KB", kilobytes(&ours));
    row(&name, loading.saturating_sub(nothing), adds);

    let tab = |file: &Path, line: &str, loading: Duration| {
        best(|| bash(dir, &pressed(file, line))).saturating_sub(loading)
    };
    for (what, line) in TABS {
        println!("\na tab after `{line}`: {what}");
        let known = tab(&by_heart, line, by_heart_loading);
        row("static script", known, known);
        row(
            "our script, which asks wash",
            tab(&ours, line, loading),
            known,
        );
        row("wash alone", best(|| ask(dir, program, line)), known);
    }
    println!("\na tab after `{FUNCTION}`: a function, which no script knows by heart");
    let first = best(|| ask(dir, program, TABS[0].1));
    row("wash alone, after `wash my1`", first, first);
    row("wash alone", best(|| ask(dir, program, FUNCTION)), first);

    println!("\nasking the plugins, from compiled code");
    row("wash alone, from what is stored", first, first);
    let store = Store::at(dir.join("data/wash/plugins"));
    // What a plugin does not answer within its 50 ms is cut off.
    let asked = (0..10).map(|_| all_plugins(&store));
    let (time, answered) = asked.min().unwrap();
    let name = format!("{PLUGINS} plugins one by one, {answered} in time");
    row(&name, time, first);
}

fn row(what: &str, time: Duration, baseline: Duration) {
    let ratio = time.as_secs_f64() / baseline.as_secs_f64();
    println!(
        "{what:<44} {:>8.2} ms {ratio:>8.2}",
        time.as_secs_f64() * 1e3
    );
}

/// The same plugin, under thirty names.
fn install(dir: &Path) {
    let plugin = plugin_guest::plugin("my");
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
fn pressed(script: &Path, line: &str) -> String {
    let last = line.split(' ').next_back().unwrap_or_default();
    let before = line.split(' ').rev().nth(1).unwrap_or_default();
    let (script, words) = (script.display(), line.split(' ').count() - 1);
    format!(
        "source {script}; COMP_LINE='{line}' COMP_POINT={} COMP_TYPE=9 COMP_WORDS=({line}) COMP_CWORD={words}; _wash wash '{last}' '{before}'",
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
fn all_plugins(store: &Store) -> (Duration, usize) {
    let begin = Instant::now();
    let questions = (0..PLUGINS).map(|number| Question {
        plugin: format!("my{number}"),
        command: vec!["my".to_owned(), "paint".to_owned()],
        name: "what".to_owned(),
        typed: String::new(),
    });
    let answered = questions.filter(|question| !candidates(store, question).is_empty());
    let answered = answered.count();
    (begin.elapsed(), answered)
}

fn best(mut what: impl FnMut() -> Duration) -> Duration {
    (0..RUNS).map(|_| what()).min().unwrap()
}
