//! Tells what went wrong in a guest: one line for the client, a backtrace for the console. The words of a guest, names of
//! its functions among them, are made harmless here.

use std::fmt::Write as _;
use std::path::Path;

use wash_common::sanitize;
use wash_component::{member_of_module, stub};
use wasmtime::{Error, FrameInfo, FrameSymbol, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::instance::limits::LimitReached;
use crate::instance::panics::Panic;

pub(crate) struct Report {
    /// What happened, as one line.
    pub(crate) summary: String,
    /// The calls that led there, innermost first, indented; empty when it did not happen in a guest.
    pub(crate) backtrace: String,
    /// Whose code it happened in, if it did in a guest.
    pub(crate) component: Option<String>,
}

/// What a guest consists of, as people know it.
pub(crate) struct Names<'a> {
    /// The members that are composed.
    pub(crate) members: &'a [&'a str],
    /// Files below it are told without it.
    pub(crate) directory: &'a Path,
}

/// Describes the failure of a guest.
pub(crate) fn report(error: &Error, names: &Names<'_>) -> Report {
    let mut backtrace = String::new();
    let trace = error.downcast_ref::<WasmBacktrace>();
    let frames = trace.map_or(&[][..], WasmBacktrace::frames);
    let stub = stub_message(frames);
    let untold = match stub {
        Some(_) => within_stub(frames),
        None => panic_machinery(frames),
    };
    let frames = &frames[untold..];
    // What only the language's own library and functions without names have to do with is left out, unless there is
    // nothing else.
    let all = !frames.iter().any(is_telling);
    let told = frames.iter().filter(|frame| all || is_telling(frame));
    for (index, frame) in told.enumerate() {
        write_frame(&mut backtrace, index, frame, names);
    }
    let summary = stub.map_or_else(|| summary(error), str::to_owned);
    let component = frames.iter().find_map(|frame| member(frame, names.members));
    Report {
        summary: sanitize::guest_line(&summary).into_owned(),
        backtrace,
        component: component.map(str::to_owned),
    }
}

/// Whether a frame says something about the guest's own code, or that of a library it chose.
fn is_telling(frame: &FrameInfo) -> bool {
    let file = frame.symbols().last().and_then(FrameSymbol::file);
    let is_language = file.is_some_and(|file| file.starts_with(RUSTC) || file.contains(RUSTLIB));
    frame.func_name().is_some() && !is_language
}

/// Where the sources of Rust's own library are: as they were built, and as they are installed.
const RUSTC: &str = "/rustc/";
const RUSTLIB: &str = "/lib/rustlib/src/";

/// What a function that stands for a missing one has to say, if it was such a function that trapped.
fn stub_message(frames: &[FrameInfo]) -> Option<&str> {
    let frame = frames.first()?;
    stub::call(module(frame), frame.func_name()?)
}

/// How many of the innermost frames are in the same module as the first.
fn within_stub(frames: &[FrameInfo]) -> usize {
    let module = |frame: &FrameInfo| frame.module().name().map(str::to_owned);
    let first = frames.first().map(module);
    frames
        .iter()
        .take_while(|frame| Some(module(frame)) == first)
        .count()
}

/// How many of the innermost frames are Rust's way from a `panic!` to the trap, which tells nothing.
fn panic_machinery(frames: &[FrameInfo]) -> usize {
    let is_machinery = |frame: &FrameInfo| {
        let function = frame.func_name().map(demangle).unwrap_or_default();
        function.starts_with("core::panicking::") || function.ends_with("rust_begin_unwind")
    };
    frames
        .iter()
        .rposition(is_machinery)
        .map_or(0, |last| last + 1)
}

/// Describes an error of the engine's own: the cause first, then what was being done, outermost last.
pub(crate) fn chain(error: &Error) -> String {
    let mut lines: Vec<_> = error.chain().map(ToString::to_string).collect();
    lines.reverse();
    lines.join("\n")
}

impl Report {
    /// For what needs no backtrace.
    pub(super) fn plain(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            backtrace: String::new(),
            component: None,
        }
    }

    /// The summary, and the backtrace below it.
    pub(crate) fn text(&self) -> String {
        match self.backtrace.as_str() {
            "" => self.summary.clone(),
            backtrace => format!("{}\n{}", self.summary, backtrace.trim_end()),
        }
    }
}

fn summary(error: &Error) -> String {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return limit.to_string();
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return format!("the guest called `exit` with status {status}");
    }
    if let Some(panic) = error.downcast_ref::<Panic>() {
        return panic.to_string();
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trap.to_string();
    }
    error
        .root_cause()
        .to_string()
        .lines()
        .next()
        .unwrap_or("unknown error")
        .to_owned()
}

fn write_frame(out: &mut String, index: usize, frame: &FrameInfo, names: &Names<'_>) {
    let function = frame
        .func_name()
        .map_or_else(|| format!("function {}", frame.func_index()), demangle);
    let origin = match member(frame, names.members) {
        Some(member) => format!("  [{member}]"),
        None => module(frame)
            .map(|name| format!("  [module {}]", sanitize::guest_line(name)))
            .unwrap_or_default(),
    };
    let symbols = frame.symbols();
    let inlined = symbols.split_last().map_or(&[][..], |(_, inlined)| inlined);
    let mut mark = format!("{index:>3}:");
    for symbol in inlined {
        let name = symbol.name().map_or_else(|| "?".to_owned(), demangle);
        let _ = writeln!(out, "  {mark} {name}{origin}");
        write_place(out, symbol, names.directory);
        mark = "    ".to_owned();
    }
    let _ = writeln!(out, "  {mark} {function}{origin}");
    if let Some(symbol) = symbols.last() {
        write_place(out, symbol, names.directory);
    }
}

fn write_place(out: &mut String, symbol: &FrameSymbol, directory: &Path) {
    if let (Some(file), Some(line)) = (symbol.file(), symbol.line()) {
        let column = symbol
            .column()
            .map(|column| format!(":{column}"))
            .unwrap_or_default();
        let file = shortened(file, directory);
        let _ = writeln!(
            out,
            "         at {}:{line}{column}",
            sanitize::guest_line(file)
        );
    }
}

/// A file of the project without the way there, and one of a crate from the name of the crate on.
fn shortened<'f>(file: &'f str, directory: &Path) -> &'f str {
    let own = Path::new(file).strip_prefix(directory).ok();
    if let Some(own) = own.and_then(Path::to_str) {
        return own;
    }
    let in_registry = || {
        let (_, within) = file.split_once("/registry/src/")?;
        within.split_once('/').map(|(_, file)| file)
    };
    in_registry().unwrap_or(file)
}

/// The member that a frame belongs to, if it can be told: the only one, or the one that the module is named after.
fn member<'a>(frame: &FrameInfo, members: &[&'a str]) -> Option<&'a str> {
    if let [only] = members {
        return Some(only);
    }
    let (name, _) = member_of_module(frame.module().name()?);
    members.iter().copied().find(|member| Some(*member) == name)
}

/// What the module of a frame calls itself.
fn module(frame: &FrameInfo) -> Option<&str> {
    let (_, own) = member_of_module(frame.module().name()?);
    Some(own).filter(|own| !own.is_empty())
}

fn demangle(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        // The alternate form leaves out the hash at the end.
        Ok(name) => sanitize::guest_line(&format!("{name:#}")).into_owned(),
        Err(_) => sanitize::guest_line(name).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_names_are_demangled_and_others_kept() {
        assert_eq!(demangle("_ZN3foo3bar17h05af221e174051e9E"), "foo::bar");
        assert_eq!(demangle("main.handle"), "main.handle");
    }

    #[test]
    fn what_a_guest_says_does_nothing_to_the_terminal() {
        let names = Names {
            members: &[],
            directory: Path::new("/"),
        };
        let report = report(&Error::msg("\x1b]0;title\x07"), &names);
        assert_eq!(report.text(), "␛]0;title␇");
        assert_eq!(demangle("\x1b[2J\n  0: main"), "␛[2J␊  0: main");
    }

    #[test]
    fn files_of_the_project_and_of_crates_are_told_without_the_way_there() {
        let project = Path::new("/home/me/shop");
        for (file, expected) in [
            ("/home/me/shop/src/lib.rs", "src/lib.rs"),
            ("src/lib.rs", "src/lib.rs"),
            (
                "/home/me/.cargo/registry/src/index.crates.io-1949/serde-1.0.2/src/de.rs",
                "serde-1.0.2/src/de.rs",
            ),
            ("/home/me/other/src/lib.rs", "/home/me/other/src/lib.rs"),
        ] {
            assert_eq!(shortened(file, project), expected);
        }
    }
}
