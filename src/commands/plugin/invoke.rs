//! Runs a command that an installed plugin adds.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::ArgMatches;
use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::{sanitize, units};
use wash_component::call::Value;
use wash_runtime::capability::wasi::{Directories, Process};

use super::hooks::TIMEOUT;
use super::{ask, surroundings};
use crate::commands::{Globals, unless_stopped};
use crate::console::Console;
use crate::plugin::guest::{CallFailure, Guest, RUN, Terms};
use crate::plugin::invocation::{Audience, Invocation, NamedError, Terminal};
use crate::plugin::manifest::{Manifest, Runs};
use crate::plugin::policy::Decisions;
use crate::plugin::{Store, grants};
use crate::report::OutputFormat;

/// What was typed.
pub enum Given {
    /// Parsed, from the plugin's own command on.
    Parsed { first: String, matches: ArgMatches },
    /// As it is.
    Words(Vec<OsString>),
}

/// What a plugin says went wrong. It may be long, and have anything in it.
const MAX_LENGTH: usize = 4096;

/// A plugin that ended in an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum PluginError {
    #[error("the plugin `{plugin}` failed: {reason}")]
    Failed { plugin: String, reason: String },
    #[error("the plugin `{plugin}` was stopped: {reason}")]
    Stopped { plugin: String, reason: String },
    #[error("the plugin `{plugin}` was stopped: it took longer than {}", units::duration(*.time))]
    TooLate { plugin: String, time: Duration },
}

impl Advice for PluginError {
    fn hints(&self) -> Vec<String> {
        match self {
            // Nothing else that ends here has a limit.
            Self::TooLate { .. } => vec![format!("`{TIMEOUT}=5m` gives hooks more time")],
            _ => Vec::new(),
        }
    }

    fn has_lines(&self) -> bool {
        true
    }
}

impl Advice for NamedError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Scratch(error) => error.hints(),
            Self::Temporary { .. } => vec!["set TMPDIR to another directory".to_owned()],
            Self::Read { .. } | Self::Kind { .. } => Vec::new(),
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            Self::Scratch(error) => error.fault(),
            Self::Temporary { .. } => ErrorClass::Environment,
            Self::Read { .. } | Self::Kind { .. } => ErrorClass::Input,
        }
    }
}

pub async fn run(
    store: &Store,
    manifest: &Manifest,
    given: Given,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let decisions = ask::decided(store, manifest).await?;
    run_with(store, manifest, &decisions, given, globals).await
}

/// Runs it with what it may do.
pub(super) async fn run_with(
    store: &Store,
    manifest: &Manifest,
    decisions: &Decisions,
    given: Given,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let guest = Guest::installed(store, manifest).map_err(hinted)?;
    let around = surroundings::of(decisions, globals)?;
    let data = store.data(&manifest.name);
    let settings = grants::settings(store, &manifest.name, data, decisions, &around);
    let mut settings = settings.map_err(hinted)?;
    settings.get_mut::<Process>().stdin = true;
    let mut arguments = Vec::new();
    // Holds what was named for as long as the plugin runs.
    let mut named = None;
    match given {
        Given::Parsed { first, matches } => {
            let invocation = invocation(manifest, first, &matches, globals)?;
            settings
                .get_mut::<Directories>()
                .0
                .extend(invocation.directories.iter().cloned());
            arguments.push(invocation.value.clone());
            named = Some(invocation);
        }
        Given::Words(words) => {
            let words = words.into_iter().map(OsString::into_string);
            let words: Result<_, _> = words.collect();
            settings.get_mut::<Process>().arguments = words.map_err(|word| {
                anyhow::anyhow!(
                    "`{}` is not UTF-8, which arguments of plugins must be",
                    word.display()
                )
            })?;
        }
    }
    let console = Console::shielded();
    let terms = Terms {
        settings,
        bounds: RUN,
        console: console.clone(),
        compiled: store.compiled(&manifest.digest),
    };
    let (interface, function) = match manifest.runs {
        Runs::Commands => ("wash:plugin/runner", "run"),
        Runs::AsyncCommands => ("wash:plugin/async-runner", "run"),
        Runs::Program => ("wasi:cli/run", "run"),
        Runs::Nothing => anyhow::bail!("the plugin `{}` has no commands", manifest.name),
    };
    let called = async {
        let answer = tokio::select! {
            answer = guest.call(interface, function, arguments, terms) => Some(answer),
            () = console.refused() => None,
        };
        (answer, console.written().await)
    };
    let (answer, output) = unless_stopped(called).await?;
    drop(named);
    let Some(answer) = answer else {
        return Ok(ExitCode::SUCCESS);
    };
    match output {
        Ok(()) => exit(&manifest.name, answer),
        // It may have failed because of it, as programs do whose reader has gone.
        Err(lost) if lost.is_closed() => match answer {
            Err(CallFailure::Trap { .. }) => Ok(ExitCode::SUCCESS),
            answer => exit(&manifest.name, answer),
        },
        Err(lost) => Err(hinted(lost)),
    }
}

fn invocation(
    manifest: &Manifest,
    first: String,
    matches: &ArgMatches,
    globals: &Globals,
) -> anyhow::Result<Invocation> {
    let (mut path, mut matches) = (vec![first], matches);
    while let Some((word, below)) = matches.subcommand() {
        path.push(word.to_owned());
        matches = below;
    }
    let command = manifest.command(&path);
    let command = command.with_context(|| format!("no command `wash {}`", path.join(" ")))?;
    let here = globals.here()?;
    let place = |path: &Path| here.join(path);
    let invocation = Invocation::new(command, matches, audience(globals), place);
    invocation.map_err(hinted)
}

fn audience(globals: &Globals) -> Audience {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal().then(|| {
        let size = dialoguer::console::Term::stdout().size_checked();
        Terminal {
            columns: size.map_or(80, |(_, columns)| columns),
            colors: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        }
    });
    Audience {
        terminal,
        json: globals.output == OutputFormat::Json,
    }
}

/// What the answer of `run` means for the shell.
fn exit(plugin: &str, answer: Result<Option<Value>, CallFailure>) -> anyhow::Result<ExitCode> {
    match answer {
        Ok(Some(Value::Result(Ok(None)))) => Ok(ExitCode::SUCCESS),
        Ok(Some(Value::Result(Err(None)))) => Ok(ExitCode::FAILURE),
        Ok(Some(Value::Result(Ok(Some(code))))) => Ok(match *code {
            Value::Integer(_, code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            _ => ExitCode::FAILURE,
        }),
        Ok(answer) => Err(hinted(PluginError::Failed {
            plugin: plugin.to_owned(),
            reason: said(answer.as_ref()),
        })),
        Err(CallFailure::Exit(status)) => Ok(ExitCode::from(u8::try_from(status).unwrap_or(1))),
        Err(failure) => Err(hinted(stopped(plugin, &failure))),
    }
}

/// What a function that answered an error has to say.
pub(super) fn said(answer: Option<&Value>) -> String {
    match answer {
        Some(Value::Result(Err(Some(error)))) => match &**error {
            Value::String(text) => clean(text),
            other => clean(&other.wave()),
        },
        _ => "its answer does not match its description".to_owned(),
    }
}

pub(super) fn stopped(plugin: &str, failure: &CallFailure) -> PluginError {
    let plugin = plugin.to_owned();
    match failure {
        CallFailure::TooLate(time) => PluginError::TooLate {
            plugin,
            time: *time,
        },
        other => PluginError::Stopped {
            plugin,
            reason: clean(&other.to_string()),
        },
    }
}

/// A text of a plugin as it may stand in an error: none of its lines begins where those of `wash` do.
fn clean(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(MAX_LENGTH)];
    let mut lines = sanitize::indented(cut);
    if cut.len() < text.len() {
        lines.push_str(" …");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_says_cannot_control_the_terminal() {
        let error = Value::Result(Err(Some(Box::new(Value::String(
            "a\u{1b}[2J\nb".to_owned(),
        )))));
        assert_eq!(said(Some(&error)), "a␛[2J\n    b");
        let long = "é".repeat(MAX_LENGTH);
        assert!(clean(&long).ends_with(" …") && clean(&long).len() < MAX_LENGTH + 8);
    }
}
