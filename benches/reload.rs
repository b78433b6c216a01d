//! From changed bytes to the first response of the new version: `wash dev` reloading, against the same `wash dev`
//! stopped and started again.
//!
//! Nothing is built: a finished component is renamed over the old one, as a build would do, and the server is asked
//! until the answer is the new one. Every version is compiled for the first time, as far as it differs from the one
//! before. With `-- --quick`, fewer rounds.

mod hello;
mod process;

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};

use process::{Server, wash_dev};

/// Functions that nobody calls, besides the one that answers. The last has as much code as makes `wash` compile it on its own, as
/// it does with an interpreter: versions differ in their data.
const SIZES: [(&str, usize); 3] = [
    ("one function", 0),
    ("500 functions", 500),
    ("12000 functions", 12_000),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag| arguments.iter().any(|argument| argument == flag);
    // `cargo test --benches` runs it as well, without this flag, to see that it starts.
    if !given("--bench") {
        return;
    }
    let rounds = if given("--quick") { 5 } else { 20 };
    println!(
        "{:<16}{:>10}{:>12}{:>12}{:>20}{:>28}",
        "component", "bytes", "reload", "restart", "restart : reload", "failed requests"
    );
    for (name, functions) in SIZES {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("app.wasm");
        if functions >= INTERPRETER {
            compile(&file, functions);
        }
        let reload = replace_each(&file, 0..=rounds, functions, |server| server);
        // Not the versions that the other rounds left in the cache.
        let restart = replace_each(&file, 1000..=1000 + rounds, functions, |server| {
            drop(server);
            Server::start(wash_dev(&file))
        });
        println!(
            "{name:<16}{:>10}{:>9.1} ms{:>9.1} ms{:>20.1}{:>28}",
            hello::component("version 0", functions).len(),
            reload.milliseconds(),
            restart.milliseconds(),
            restart.milliseconds() / reload.milliseconds(),
            format!("{} : {}", restart.failed, reload.failed),
        );
    }
}

/// From so many functions on, code is compiled on its own.
const INTERPRETER: usize = 12_000;
/// How long nothing is compiled any more when all is.
const SETTLED: Duration = Duration::from_secs(10);

/// Has the code of all versions compiled and optimized, which takes the first of them.
fn compile(file: &Path, functions: usize) {
    replace(file, &hello::component("version", functions));
    let mut server = Server::start(wash_dev(file));
    server.wait_for("version");
    let compiled = file.with_file_name("cache").join("wash/compiled");
    let files = || std::fs::read_dir(&compiled).map_or(0, Iterator::count);
    let (mut known, mut since) = (files(), Instant::now());
    while since.elapsed() < SETTLED {
        std::thread::sleep(Duration::from_millis(100));
        if files() != known {
            (known, since) = (files(), Instant::now());
        }
    }
}

/// What the rounds took.
struct Rounds {
    times: Vec<Duration>,
    failed: usize,
}

impl Rounds {
    /// The median.
    fn milliseconds(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e3
    }
}

/// Replaces each version by the next. `turn` has the server run it: the same, or another one.
fn replace_each(
    file: &Path,
    versions: RangeInclusive<usize>,
    functions: usize,
    turn: impl Fn(Server) -> Server,
) -> Rounds {
    let mut versions = versions.map(|number| {
        let text = format!("version {number}");
        (hello::component(&text, functions), text)
    });
    let (bytes, text) = versions.next().expect("there is one to begin with");
    replace(file, &bytes);
    let mut server = Server::start(wash_dev(file));
    server.wait_for(&text);
    let mut result = Rounds {
        times: Vec::new(),
        failed: 0,
    };
    for (bytes, text) in versions {
        let started = Instant::now();
        replace(file, &bytes);
        server = turn(server);
        result.failed += server.wait_for(&text);
        result.times.push(started.elapsed());
    }
    result
}

/// Puts a new file in the place of the old one, in one step.
fn replace(file: &Path, bytes: &[u8]) {
    let new = file.with_extension("new");
    std::fs::write(&new, bytes).expect("the directory takes a file");
    std::fs::rename(&new, file).expect("the file can be replaced");
}
