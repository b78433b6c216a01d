//! A command of a component in a pipe: who writes to it, who reads from it, and who does not.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use crate::guest;

/// A program of WASI 0.2 as a component.
fn program(name: &str, source: &str) -> PathBuf {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    fs::create_dir_all(&dir).unwrap();
    let (file, component) = (
        dir.join(format!("{name}.rs")),
        dir.join(format!("{name}.wasm")),
    );
    if component.is_file() && fs::read_to_string(&file).is_ok_and(|before| before == source) {
        return component;
    }
    fs::write(&file, source).unwrap();
    let status = guest::rustc()
        .args(["--edition", "2024", "--target", guest::TARGET, "-O", "-o"])
        .args([&component, &file])
        .status()
        .unwrap();
    assert!(status.success(), "`{name}` is not built");
    component
}

fn wash(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(component: &Path) -> Command {
    wash(&["call", component.to_str().unwrap(), "run"])
}

/// The exit code, and what is on stderr.
fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stderr)
}

/// Takes a line, and goes.
fn take_one_line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    line
}

/// Writes until it is told that nobody reads.
const POLITE: &str = r#"
use std::io::Write;
fn main() {
    let mut out = std::io::stdout().lock();
    for n in 0u64.. {
        if let Err(error) = writeln!(out, "y {n}") {
            eprintln!("{:?}", error.kind());
            std::process::exit(1);
        }
    }
}
"#;

/// Writes without a look at how that went.
const STUBBORN: &str = r#"
use std::io::Write;
fn main() {
    let mut out = std::io::stdout().lock();
    loop {
        let _ = writeln!(out, "y");
    }
}
"#;

/// Panics when it cannot print, as most programs do.
const COMMON: &str = "fn main() { loop { println!(\"y\"); } }";

const CAT: &str = r#"
use std::io::{Read, Write};
fn main() {
    let mut bytes = [0; 4096];
    let (mut input, mut out) = (std::io::stdin(), std::io::stdout());
    loop {
        let count = input.read(&mut bytes).unwrap();
        if count == 0 { break; }
        out.write_all(&bytes[..count]).unwrap();
        out.flush().unwrap();
    }
    eprintln!("the end");
}
"#;

/// Prints ten lines, whatever becomes of them.
const TEN: &str = r#"
use std::io::Write;
fn main() {
    for n in 0..10 {
        let _ = writeln!(std::io::stdout(), "{n}");
    }
}
"#;

#[test]
fn a_reader_that_goes_ends_the_program() {
    for (name, source, code) in [
        ("polite", POLITE, 1),
        ("stubborn", STUBBORN, 0),
        ("common", COMMON, 0),
    ] {
        let mut child = run(&program(name, source)).spawn().unwrap();
        assert!(take_one_line(&mut child).starts_with('y'));
        let (actual, stderr) = end(child);
        assert_eq!(actual, Some(code), "{name}: {stderr}");
        assert!(!stderr.contains("error:"), "{name}: {stderr}");
        if name == "polite" {
            assert_eq!(stderr, "BrokenPipe\n");
        }
    }
}

#[test]
fn a_reader_that_pauses_holds_the_program_back() {
    let component = program("polite", POLITE);
    let mut child = run(&component).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    // More than a pipe and the queue hold: nothing is left out in between.
    let mut line = String::new();
    for n in 0..200_000u64 {
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("y {n}\n"));
    }
    drop(stdout);
    assert_eq!(end(child).0, Some(1));

    // The program waits, and a signal still ends it.
    let mut child = run(&component).spawn().unwrap();
    let mut first = [0; 2];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut first).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
}

#[test]
fn output_that_cannot_be_written_is_told() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for (name, source) in [("ten", TEN), ("common", COMMON), ("stubborn-ten", TEN)] {
        let mut command = run(&program(name, source));
        let (code, stderr) = end(command.stdout(full()).spawn().unwrap());
        assert_eq!(code, Some(4), "{name}: {stderr}");
        let told = "error: cannot write to standard output: No space left on device";
        assert!(stderr.contains(told), "{name}: {stderr}");
        assert_eq!(stderr.matches("No space left").count(), 1, "{stderr}");
    }
    let ten = program("ten", TEN);
    let ten = ten.to_str().unwrap();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "call"],
        &["inspect", ten],
        &["call", ten, "--list"],
    ] {
        let (code, stderr) = end(wash(arguments).stdout(full()).spawn().unwrap());
        assert_eq!(code, Some(4), "{arguments:?}: {stderr}");
        let told = "cannot write to standard output: No space left on device";
        assert!(stderr.contains(told), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_program_reads_what_is_piped_into_it() {
    let component = program("cat", CAT);
    let mut child = run(&component).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // As it comes: this is a conversation.
    for word in ["hi\n", "there\n"] {
        stdin.write_all(word.as_bytes()).unwrap();
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, word);
    }
    drop(stdin);
    assert_eq!(end(child), (Some(0), "the end\n".to_owned()));

    let (code, stderr) = end(run(&component).spawn().unwrap());
    assert_eq!((code, &*stderr), (Some(0), "the end\n"));
}
