//! What users see of a panic: first that it is ours and where to report it, then the details, never a bare backtrace.
//!
//! Nothing a user gives us may lead here. A panic of a task that others do not depend on is told as well, and the command
//! goes on.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::{contain, sanitize};

use crate::report::OutputFormat;
use crate::{report, version};

/// Runs a command. When it panics, tells so, and answers with the exit code for our bugs.
pub fn guarded(format: OutputFormat, run: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        if contain::is_contained() {
            return;
        }
        // Without stderr there is nobody to tell.
        let _ = anstream::stderr().write_all(told(info).as_bytes());
    }));
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        if format == OutputFormat::Json {
            let bug = Bug(contain::words(&*panic).to_owned());
            let _ = report::failure(format, &hinted(bug));
        }
        ErrorClass::Wash.into()
    })
}

#[derive(Debug, thiserror::Error)]
#[error("this is a bug in wash: {0}")]
struct Bug(String);

impl Advice for Bug {
    fn hints(&self) -> Vec<String> {
        vec!["report it to whoever provides this build of wash".to_string()]
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Wash
    }
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string);
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    let version = version::LONG;
    let mut text = format!(
        "error: this is a bug in wash: {}\n  at {place}, in wash {version}\n",
        sanitize::text(contain::words(info.payload()))
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
