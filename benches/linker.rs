//! Linking 25 and 50 members of 300 KB each: reading their shapes, planning, composing; and the memory that takes.
//!
//! The members are a chain in which each also needs the last, with imports from the host in several versions. Twice as many
//! should take twice the time and twice the memory. Each count runs in a process of its own, which holds the files before it
//! is measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wash::linker;
use wash::linker::{Exports, LinkRequest, Member, Role};
use wash_component::Shape;
use wash_runtime::capability::host_interfaces;

const COUNTS: [usize; 2] = [25, 50];
const BYTES: usize = 300_000;
const ROUNDS: usize = 7;

/// What is measured, in this order.
const COLUMNS: [&str; 4] = ["shapes", "plan", "compose", "memory"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, folder] = arguments.as_slice()
        && arguments[0] == "--measure"
    {
        let measured = measure(Path::new(folder));
        println!("{}", measured.map(|figure| figure.to_string()).join(" "));
        return;
    }
    // `cargo test --benches` runs it as well, without this flag, to see that it starts.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    print!("{:<10}", "members");
    COLUMNS.iter().for_each(|column| print!("{column:>12}"));
    println!("{:>12}{:>14}", "linking", "composed");
    let figures = COUNTS.map(|count| {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for index in 0..count {
            let file = folder.path().join(format!("member-{index:02}.wasm"));
            fs::write(file, member(index, count)).expect("the directory takes a file");
        }
        let figures = in_a_process(folder.path());
        let [shapes, plan, compose, memory, composed] = figures;
        println!(
            "{count:<10}{:>9.1} ms{:>9.1} ms{:>9.1} ms{:>9.1} MB{:>9.1} ms{:>11.1} MB",
            shapes,
            plan,
            compose,
            memory,
            shapes + plan + compose,
            composed
        );
        figures
    });
    let [few, many] = figures;
    let ratio = |column: usize| many[column] / few[column];
    let linking = |figures: [f64; 5]| figures[..3].iter().sum::<f64>();
    println!(
        "{:<10}{:>12.2}{:>12.2}{:>12.2}{:>12.2}{:>12.2}{:>14.2}",
        format!("{} : {}", COUNTS[1], COUNTS[0]),
        ratio(0),
        ratio(1),
        ratio(2),
        ratio(3),
        linking(many) / linking(few),
        ratio(4)
    );
}

fn in_a_process(folder: &Path) -> [f64; 5] {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg("--measure").arg(folder).output();
    let output = String::from_utf8(output.expect("it runs").stdout).expect("it prints numbers");
    let figures: Vec<f64> = output.split_whitespace().flat_map(str::parse).collect();
    figures.try_into().expect("a number for each column")
}

/// Milliseconds of each step, and megabytes: of memory besides the files, and of what came out.
fn measure(folder: &Path) -> [f64; 5] {
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let bytes: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(file).expect("the file is there"))
        .collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let host = host_interfaces();
    let before = peak_memory();

    let mut times = [const { Vec::new() }; 3];
    let mut size = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let members: Vec<Member> = bytes.iter().enumerate().map(read).collect();
        times[0].push(started.elapsed());

        let started = Instant::now();
        let plan = linker::plan(&LinkRequest {
            members: &members,
            host: &host,
            exports: Exports::All,
            ..LinkRequest::default()
        });
        let plan = plan.expect("everything is provided");
        times[1].push(started.elapsed());

        let started = Instant::now();
        let in_order: Vec<&[u8]> = plan.members.iter().map(|m| bytes[m.index]).collect();
        let composed = linker::compose(&plan, &in_order).expect("what was planned composes");
        times[2].push(started.elapsed());
        size = black_box(composed).len();
    }
    let memory = peak_memory() - before;
    let [shapes, plan, compose] = times.map(median);
    [shapes, plan, compose, memory, size as f64 / 1e6]
}

fn read((index, bytes): (usize, &&[u8])) -> Member {
    Member {
        name: format!("member-{index:02}"),
        role: if index == 0 {
            Role::Project
        } else {
            Role::Sibling
        },
        shape: Arc::new(Shape::parse(bytes).expect("a component")),
        wiring: BTreeMap::new(),
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// The most that this process held, in megabytes.
fn peak_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 = peak
        .and_then(|peak| peak.split_whitespace().next()?.parse().ok())
        .expect("the kernel counts it");
    kilobytes / 1e3
}

/// A component that exports `bench:chain/iINDEX`, and imports what the next one exports, what the last one exports, and WASI.
fn member(index: usize, count: usize) -> Vec<u8> {
    let functions = |each: &dyn Fn(usize) -> String| (0..20).map(each).collect::<String>();
    let mut text = String::from("(component\n");
    let mut import = |name: String, contents: &str| {
        writeln!(text, "(import \"{name}\" (instance {contents}))").expect("a string");
    };
    let interface = functions(&|n| {
        format!(r#"(export "f{n}" (func (param "x" u32) (param "y" string) (result u32)))"#)
    });
    let mut needed = vec![index + 1, count - 1];
    needed.retain(|other| *other > index && *other < count);
    needed.dedup();
    for other in needed {
        import(
            format!("bench:chain/i{other}@1.0.{}", other % 3),
            &interface,
        );
    }
    import(
        format!("wasi:cli/environment@0.2.{}", index % 5),
        r#"(export "get-arguments" (func (result (list string))))"#,
    );
    import(
        format!("wasi:io/streams@0.2.{}", index % 5),
        r#"(export "input-stream" (type (sub resource)))"#,
    );
    text += "(core module $m (memory (export \"memory\") 1)\n\
             (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0)\n\
             (func (export \"f\") (param i32 i32 i32) (result i32) local.get 0)\n";
    // Seven bytes for each pair of instructions.
    for function in 0..BYTES / 700 {
        let number = 0x4000_0000 + index * 1_000_000 + function;
        writeln!(
            text,
            "(func {})",
            format!("i32.const {number} drop ").repeat(100)
        )
        .expect("a string");
    }
    text += ")\n(core instance $c (instantiate $m))\n\
             (func $f (param \"x\" u32) (param \"y\" string) (result u32)\n\
             (canon lift (core func $c \"f\") (memory $c \"memory\") (realloc (func $c \"realloc\"))))\n";
    let exports = functions(&|n| format!(r#"(export "f{n}" (func $f))"#));
    writeln!(
        text,
        "(instance $i {exports})\n(export \"bench:chain/i{index}@1.0.{}\" (instance $i)))",
        index % 2
    )
    .expect("a string");
    wat::parse_str(&text).expect("it is well-formed")
}
