//! What users see of a panic: first that it is ours and where to report it, then the details, never a bare backtrace.
//!
//! Nothing a user gives us may lead here. A panic of a task that others do not depend on is told as well, and the command
//! goes on.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use crate::report::{self, Advice, Fault, OutputFormat, hinted, sanitize};
use crate::version;

/// Runs a command. When it panics, tells so, and answers with the exit code for our bugs.
pub fn guarded(format: OutputFormat, run: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        if CONTAINED.get() {
            return;
        }
        // Without stderr there is nobody to tell.
        let _ = anstream::stderr().write_all(told(info).as_bytes());
    }));
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        if format == OutputFormat::Json {
            let bug = Bug(words(&*panic).to_owned());
            let _ = report::failure(format, &hinted(bug));
        }
        Fault::Wash.into()
    })
}

thread_local! {
    /// Whether a panic of this thread becomes an error, so that nothing is to be told of it.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// A library that `wash` uses panicked on what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{library} cannot read it: {message}")]
pub struct LibraryPanic {
    library: &'static str,
    message: String,
}

/// Runs a library on bytes of strangers; a panic of it becomes an error. Nothing that `run` changes is used after a panic.
pub fn contain<T>(library: &'static str, run: impl FnOnce() -> T) -> Result<T, LibraryPanic> {
    let outer = CONTAINED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(outer);
    outcome.map_err(|panic| LibraryPanic {
        library,
        message: words(&*panic).to_owned(),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("this is a bug in wash: {0}")]
struct Bug(String);

impl Advice for Bug {
    fn hints(&self) -> Vec<String> {
        vec!["report it to whoever provides this build of wash".to_string()]
    }

    fn fault(&self) -> Fault {
        Fault::Wash
    }
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string);
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    let version = version::LONG;
    let mut text = format!(
        "error: this is a bug in wash: {}\n  at {place}, in wash {version}\n",
        sanitize::text(words(info.payload()))
    );
    let backtrace = Backtrace::capture();
    let more = match backtrace.status() {
        BacktraceStatus::Captured => {
            text += &format!("{backtrace}\n");
            ""
        }
        _ => ", and what it prints with `RUST_BACKTRACE=1`",
    };
    text + &format!(
        "\nhint: report it to whoever provides this build of wash, with what led to it{more}\n"
    )
}

/// What was said to `panic!`.
fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}
