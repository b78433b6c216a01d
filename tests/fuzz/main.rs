//! Bytes that nobody meant to be a component: whatever they are, there is an answer, in bounded time and memory.
//!
//! Real components are cut, spliced and damaged, the same way in every run. `FUZZ_ROUNDS=1000000 cargo test --test fuzz`
//! goes on for longer, `FUZZ_SEED=2` takes another way. `fuzz/` has targets for cargo-fuzz, which finds its own way;
//! `FUZZ_CORPUS=fuzz/corpus/damaged` writes the files that it begins with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../linker/case.rs"]
#[allow(dead_code, unreachable_pub, reason = "only its members are needed")]
mod case;
mod exercise;
mod mutate;
#[path = "../support/of_wit.rs"]
mod of_wit;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mutate::Mutator;

/// Nothing takes longer than this for a file of a few hundred kilobytes, even on a busy machine.
const MAX_LENGTH: Duration = Duration::from_secs(10);
/// What the whole run may take, in KiB, beyond what the seeds take.
const MEMORY: u64 = 400 * 1024;

#[test]
fn damaged_files_are_told_from_whole_ones() {
    let asked = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let rounds = asked("FUZZ_ROUNDS").unwrap_or(3_000);
    let seed = asked("FUZZ_SEED").unwrap_or(1);
    let seeds = seeds();
    let whole = seeds.iter().filter(|bytes| exercise::bytes(bytes)).count();
    assert!(whole > 100, "only {whole} of the seeds are components");
    if let Some(folder) = std::env::var_os("FUZZ_CORPUS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        for (number, bytes) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), bytes).unwrap();
        }
    }

    let before = peak();
    let mut mutator = Mutator::new(seed, &seeds);
    let mut linked = 0;
    for round in 0..rounds {
        let bytes = mutator.next();
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(|| exercise::bytes(&bytes));
        let took = started.elapsed();
        match outcome {
            Ok(whole) if took < MAX_LENGTH => linked += u64::from(whole),
            _ => {
                let file = std::env::temp_dir().join(format!("wash-fuzz-{seed}-{round}.wasm"));
                std::fs::write(&file, &bytes).unwrap();
                panic!(
                    "round {round} took {took:?} or panicked: {}",
                    file.display()
                );
            }
        }
    }
    assert!(
        linked > rounds / 50,
        "{linked} of {rounds} are still components"
    );
    let grown = peak() - before;
    assert!(grown < MEMORY, "{grown} KiB for files of at most 200");
}

/// The most memory that the process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// Real files: what ships, what the linker's cases are made of, and core modules as toolchains leave them.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = wash::provider::shipped()
        .iter()
        .map(|provider| provider.bytes.to_vec())
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/linker/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let members = case::Case::parse(&text).unwrap().members;
        seeds.extend(members.into_iter().map(|(_, bytes)| bytes));
    }
    for module in [
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (memory (export "memory") 1) (func (export "_start")))"#,
        r#"(module (import "env" "f" (func)) (memory (export "memory") 1))"#,
    ] {
        seeds.push(wat::parse_str(module).unwrap());
    }
    seeds.push(of_wit::module("package t:c;\nworld member { import a: func(x: string) -> list<u8>; export b: func(); }").unwrap());
    seeds
}
