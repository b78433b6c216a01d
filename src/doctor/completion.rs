//! Whether the shell completes `wash`: for those who type, at a terminal.

use std::io::{self, IsTerminal as _};

use super::finding::{Area, Finding, Level};
use crate::completion::install;
use crate::completion::install::State;

pub(super) fn examine() -> Option<Finding> {
    if !io::stdin().is_terminal() {
        return None;
    }
    // What runs us may be no shell that completes.
    let health = install::check_here().ok()?;
    let message = format!(
        "{}: {} (`{}`)",
        health.shell,
        health.reason,
        health.path.display()
    );
    let level = match health.state {
        State::Fine => return Some(Finding::new(Area::Completion, Level::Fine, message)),
        State::Missing => Level::Note,
        State::Stale => Level::Warning,
    };
    // It may edit a file of the user's, so it is not run by `--fix`.
    let mend = format!("wash completion install {}", health.shell);
    Some(Finding::new(Area::Completion, level, message).hint(mend))
}
