//! Whether the completion is there, and whether it is right.

use std::fs;
use std::path::{Path, PathBuf};

use super::edit::{Edit, is_ours};
use super::places::Surroundings;
use super::{Change, InstallError, places};
use crate::completion::detect::detect;
use crate::completion::shell::Shell;

/// Whether a shell completes `wash`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Fine,
    /// Something is there, but it is not of this `wash`.
    Stale,
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    pub shell: &'static str,
    pub state: State,
    /// What is there, or should be.
    #[serde(serialize_with = "crate::report::serialize_path")]
    pub path: PathBuf,
    pub reason: String,
}

/// Whether a shell would load what this `wash` answers to. The files say whether that is of this version, and the shell, if it
/// can be asked, whether it loads them.
pub fn check(shell: Shell, around: &Surroundings) -> Health {
    let mut health = files(shell, around);
    if health.state == State::Stale {
        return health;
    }
    match (around.completes(shell), &health.state) {
        (Some(true), State::Missing) => {
            health.state = State::Fine;
            "loaded at startup, but not from here".clone_into(&mut health.reason);
        }
        (Some(false), State::Fine) => {
            health.state = State::Missing;
            health.reason = format!("it exists, but a new {} does not load it", shell.name());
        }
        _ => {}
    }
    health
}

/// What the files say.
fn files(shell: Shell, around: &Surroundings) -> Health {
    let health = |state, path: &Path, reason: &str| Health {
        shell: shell.name(),
        state,
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let pieces = places::wanted(shell, around);
    let script = &pieces[0].path;
    if let Some(rc) = places::by_hand(shell, around) {
        return health(State::Fine, &rc, "loaded by each new shell");
    }
    if !script.exists() {
        return match places::packaged(shell, around) {
            Some(path) => match stale(shell, around, &path) {
                None => health(State::Fine, &path, "installed for all users"),
                Some(reason) => health(State::Stale, &path, &reason),
            },
            None => health(State::Missing, script, "it is not installed"),
        };
    }
    if let Some(reason) = stale(shell, around, script) {
        return health(State::Stale, script, &reason);
    }
    for piece in &pieces[1..] {
        match Edit::to_install(piece) {
            Err(error) => return health(State::Stale, &piece.path, &error.to_string()),
            Ok(edit) if edit.change == Change::Unchanged => {}
            Ok(edit) if edit.is_in_place() => {
                let reason = "the wash lines are from another version";
                return health(State::Stale, &piece.path, reason);
            }
            Ok(_) => {
                return health(
                    State::Missing,
                    &piece.path,
                    "no startup file loads the script",
                );
            }
        }
    }
    health(State::Fine, script, "installed")
}

/// What is wrong with a script that is there.
fn stale(shell: Shell, around: &Surroundings, path: &Path) -> Option<String> {
    let Ok(text) = fs::read(path) else {
        return Some("it cannot be read".to_owned());
    };
    if !is_ours(&text) {
        return Some("wash did not write it".to_owned());
    }
    let text = String::from_utf8_lossy(&text);
    match shell.program_of(&text) {
        None => Some("it is from another version of wash".to_owned()),
        Some(program) if !around.runs(&program) => {
            Some(format!("it runs `{program}`, which does not exist"))
        }
        Some(_) => None,
    }
}

/// The same for the shell that runs us.
pub fn check_here() -> Result<Health, InstallError> {
    let shell = detect().ok_or(InstallError::NoShell)?;
    Ok(check(shell, &Surroundings::of_env()?))
}
