//! How long commands take that do nothing: `wash --version` and help, beside a program that does nothing at all.
//!
//! The baseline is compiled in the same run: what it takes is what the machine takes to start any process.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::Criterion;

const COMMANDS: [(&str, &[&str]); 4] = [
    ("wash --version", &["--version"]),
    ("wash --help", &["--help"]),
    ("wash help dev", &["help", "dev"]),
    ("wash biuld", &["biuld"]),
];

/// How often each is run for the table.
const RUNS: usize = 200;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let nothing = nothing(dir.path());
    let wash = Path::new(env!("CARGO_BIN_EXE_wash"));

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("nothing", |b| b.iter(|| run(&nothing, &[])));
    for (name, arguments) in COMMANDS {
        criterion.bench_function(name, |b| b.iter(|| run(wash, arguments)));
    }
    criterion.final_summary();

    let mut best = vec![Duration::MAX; COMMANDS.len() + 1];
    // One after the other, so that what else the machine does falls on all of them.
    for _ in 0..RUNS {
        best[0] = best[0].min(run(&nothing, &[]));
        for (best, (_, arguments)) in best[1..].iter_mut().zip(COMMANDS) {
            *best = (*best).min(run(wash, arguments));
        }
    }
    println!("{:<16} {:>9} {:>8}", "", "best", "ratio");
    let names = ["nothing"]
        .into_iter()
        .chain(COMMANDS.map(|(name, _)| name));
    for (name, time) in names.zip(&best) {
        let ratio = time.as_secs_f64() / best[0].as_secs_f64();
        println!(
            "{name:<16} {:>6.2} ms {ratio:>8.1}",
            time.as_secs_f64() * 1e3
        );
    }
}

/// A program that ends at once.
fn nothing(dir: &Path) -> PathBuf {
    let (source, program) = (dir.join("nothing.rs"), dir.join("nothing"));
    std::fs::write(&source, "fn main() {}\n").unwrap();
    let compiled = Command::new("rustc")
        .args(["-O", "-o"])
        .args([&program, &source])
        .status();
    assert!(compiled.unwrap().success());
    program
}

fn run(program: &Path, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    black_box(command.status().unwrap());
    started.elapsed()
}
