//! Finds out what a component is as a plugin, before anything of it is kept: its imports and exports, and what it says
//! of itself, for which it is run once with nothing allowed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};
use wash_common::advice::{Advice, ErrorClass};
use wash_component::Shape;
use wash_fetch::oci::Digest;
use wash_runtime::workload::StartError;

use super::describe::{DescribeError, Description, Reserved};
use super::guest::{CallFailure, DESCRIBE, Guest, OpenError, Terms};
use super::manifest::{Command, FORMAT, Manifest, Runs, Source};
use super::store::{Store, is_name};
use super::world::Misfit;
use super::{describe, grants, world};
use crate::console::Console;

/// What is to be installed.
#[derive(Debug, Clone)]
pub struct Subject {
    pub bytes: Arc<[u8]>,
    pub source: Source,
    /// What it is called if it does not say itself: after its file, its project or its repository.
    pub fallback: String,
    pub choices: Choices,
}

/// What the user wants it to be called.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub name: Option<String>,
    /// The command that it adds: the new name, and which one is meant where there are several.
    pub commands: Vec<Renamed>,
}

/// `NEW` or `OLD=NEW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub old: Option<String>,
    pub new: String,
}

/// Why a component is no plugin that could be installed.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "`{0}` is not a name: expected lower-case letters, digits and `-`, such as `my-plugin`"
    )]
    Name(String),
    #[error(
        "`{0}` is not the name of a command: expected lower-case letters, digits and `-`, such as `my-command`"
    )]
    CommandName(String),
    #[error("`{0}` is not a plugin: it exports none of a plugin's interfaces")]
    NoPlugin(String),
    #[error("`{name}` exports `{export}`, which this version of `wash` does not know")]
    Unknown { name: String, export: String },
    #[error(transparent)]
    World(#[from] Misfit),
    #[error("the plugin did not describe itself: {0}")]
    Describe(CallFailure),
    #[error("the plugin's description is not valid")]
    Description(#[from] DescribeError),
    #[error("the plugin describes {what}, but does not export `{interface}`")]
    Lacks {
        what: &'static str,
        interface: &'static str,
    },
    #[error("`{command}` is not a command that the plugin adds")]
    NoSuchCommand { command: String, adds: Vec<String> },
    #[error("the plugin adds several commands ({0}): `--as` must say which one it renames")]
    WhichCommand(String),
    #[error("{}", .0.told())]
    Start(StartError),
}

impl Advice for ExamineError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Open(error) => error.hints(),
            Self::World(error) => error.hints(),
            Self::Start(error) => error.hints(),
            Self::Name(_) => vec!["`--name NAME` gives the plugin another name".to_owned()],
            Self::CommandName(_) => vec!["`--as NAME` names its command".to_owned()],
            Self::NoSuchCommand { adds, .. } if !adds.is_empty() => {
                vec![format!("it adds {}", adds.join(", "))]
            }
            Self::NoPlugin(_) => vec![
                "a plugin exports `wash:plugin/describer`, or `wasi:cli/run`, or interfaces that other components import"
                    .to_owned(),
            ],
            Self::Describe(_) => vec![
                "`describe` runs without permissions, for at most 5 s and in at most 64 MiB".to_owned(),
            ],
            Self::Unknown { .. } => {
                vec!["this version knows `wash:plugin@0.1`; a newer one may know more".to_owned()]
            }
            Self::WhichCommand(_) => vec!["write `--as OLD=NEW`".to_owned()],
            _ => Vec::new(),
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            Self::Name(_)
            | Self::CommandName(_)
            | Self::NoSuchCommand { .. }
            | Self::WhichCommand(_) => ErrorClass::Usage,
            _ => ErrorClass::Input,
        }
    }
}

fn no_such_command(command: &str, names: &[String]) -> ExamineError {
    ExamineError::NoSuchCommand {
        command: describe::printable(command, 40),
        adds: names.iter().map(|name| format!("`{name}`")).collect(),
    }
}

/// What is known of it without the store: its manifest, as it would be installed.
pub async fn examine(
    subject: &Subject,
    store: &Store,
    reserved: &Reserved,
) -> Result<Manifest, ExamineError> {
    let fallback = called(&subject.fallback);
    let guest = Guest::new(&fallback, subject.bytes.clone())?;
    let mut exports = guest.shape().exports.keys();
    if let Some(export) = exports.find(|name| name.starts_with("wash:plugin/"))
        && guest.export("wash:plugin/describer").is_none()
    {
        return Err(ExamineError::Unknown {
            name: subject.fallback.clone(),
            export: export.clone(),
        });
    }
    world::check(&guest)?;
    let digest = Digest::sha256(&subject.bytes);
    let code = store.compiled(&digest);
    // Compiling takes as long as it takes.
    let compiled = guest.compile(code.clone()).await;
    compiled.map_err(ExamineError::Start)?;
    let described = match guest.export("wash:plugin/describer") {
        Some(_) => Some(describe(&guest, &fallback, code, reserved).await?),
        None => None,
    };
    let mut manifest = Manifest {
        format: FORMAT,
        name: fallback.clone(),
        version: None,
        summary: String::new(),
        digest,
        size: subject.bytes.len() as u64,
        source: subject.source.clone(),
        installed: now(),
        runs: Runs::Nothing,
        commands: Vec::new(),
        hooks: Vec::new(),
        async_hooks: guest.export("wash:plugin/async-hooks").is_some(),
        completes: guest.export("wash:plugin/completer").is_some(),
        imports: interfaces(guest.shape().imports.values()),
        provides: provided(guest.shape()),
        wants: Vec::new(),
    };
    match described {
        Some(description) => fill(&mut manifest, description, &guest)?,
        None if guest.export("wasi:cli/run").is_some() => {
            manifest.runs = Runs::Program;
            manifest.summary = "A program that gets its arguments unchanged".to_owned();
            manifest.commands = vec![Command {
                path: vec![fallback.clone()],
                described: vec![fallback.clone()],
                summary: format!("Run the program `{fallback}`"),
                ..Command::default()
            }];
        }
        None if manifest.provides.is_empty() => {
            return Err(ExamineError::NoPlugin(subject.fallback.clone()));
        }
        None => manifest.summary = format!("Provides {}", manifest.provides.join(", ")),
    }
    subject.choices.apply(&mut manifest)?;
    Ok(manifest)
}

/// The time, as RFC 3339 writes it, also where the clock stands before 1970.
fn now() -> String {
    rfc3339(SystemTime::now())
}

fn rfc3339(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |it| -it),
    };
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn describe(
    guest: &Guest,
    name: &str,
    compiled: PathBuf,
    reserved: &Reserved,
) -> Result<Description, ExamineError> {
    let terms = Terms {
        settings: grants::nothing(name),
        bounds: DESCRIBE,
        console: Console::silent(),
        compiled,
    };
    let call = guest.call("wash:plugin/describer", "describe", Vec::new(), terms);
    let answer = call.await.map_err(ExamineError::Describe)?;
    let answer = answer.ok_or_else(|| DescribeError::Form("nothing".to_owned()))?;
    Ok(describe::read(&answer, reserved)?)
}

fn fill(
    manifest: &mut Manifest,
    description: Description,
    guest: &Guest,
) -> Result<(), ExamineError> {
    let exports = |interface| guest.export(interface).is_some();
    manifest.runs = match (
        description.commands.is_empty(),
        exports("wash:plugin/runner"),
        exports("wash:plugin/async-runner"),
    ) {
        (true, ..) => Runs::Nothing,
        (false, true, _) => Runs::Commands,
        (false, false, true) => Runs::AsyncCommands,
        (false, false, false) => {
            return Err(ExamineError::Lacks {
                what: "commands",
                interface: "wash:plugin/runner",
            });
        }
    };
    if !description.hooks.is_empty() && !manifest.async_hooks && !exports("wash:plugin/hooks") {
        return Err(ExamineError::Lacks {
            what: "hooks",
            interface: "wash:plugin/hooks",
        });
    }
    let Description {
        name,
        version,
        summary,
        commands,
        hooks,
        wants,
    } = description;
    manifest.name = name;
    manifest.version = Some(version);
    manifest.summary = summary;
    manifest.commands = commands;
    manifest.hooks = hooks;
    manifest.wants = wants;
    Ok(())
}

impl Choices {
    /// Gives a plugin and its commands the names that the user wants.
    fn apply(&self, manifest: &mut Manifest) -> Result<(), ExamineError> {
        if let Some(name) = &self.name {
            // A program is called as the plugin is, unless something else is said.
            if manifest.runs == Runs::Program {
                rename(manifest, &manifest.name.clone(), name);
            }
            manifest.name.clone_from(name);
        }
        for Renamed { old, new } in &self.commands {
            let names: Vec<_> = manifest.top_level().map(|c| c.path[0].clone()).collect();
            let old = match (old, names.as_slice()) {
                (Some(old), names) if names.contains(old) => old.clone(),
                (Some(old), _) => return Err(no_such_command(old, &names)),
                (None, [only]) => only.clone(),
                (None, []) => return Err(no_such_command(new, &names)),
                (None, several) => return Err(ExamineError::WhichCommand(several.join(", "))),
            };
            if !is_name(new) {
                return Err(ExamineError::CommandName(describe::printable(new, 40)));
            }
            rename(manifest, &old, new);
        }
        match is_name(&manifest.name) {
            true => Ok(()),
            false => Err(ExamineError::Name(describe::printable(&manifest.name, 40))),
        }
    }
}

fn rename(manifest: &mut Manifest, old: &str, new: &str) {
    let commands = manifest.commands.iter_mut();
    for command in commands.filter(|command| command.path[0] == old) {
        new.clone_into(&mut command.path[0]);
        if command.path.len() == 1 {
            // A new name is meant to be the only one.
            command.aliases.clear();
        }
    }
}

/// A name made of what something else is called: `my-plugin` of `My_Plugin.wasm`.
fn called(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    match is_name(&name) {
        true => name,
        false => format!("plugin-{name}")
            .trim_end_matches('-')
            .chars()
            .take(64)
            .collect(),
    }
}

fn interfaces<'e>(externs: impl Iterator<Item = &'e wash_component::Extern>) -> Vec<String> {
    let mut names: Vec<_> = externs
        .filter_map(|external| external.interface.as_ref())
        .map(ToString::to_string)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The interfaces that others may import.
fn provided(shape: &Shape) -> Vec<String> {
    let ours =
        |name: &String| name.starts_with("wash:plugin/") || name.starts_with("wasi:cli/run@");
    let mut names = interfaces(shape.exports.values());
    names.retain(|name| !ours(name));
    names
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plugin::testing::{command, manifest};

    fn renamed(text: &str) -> Renamed {
        match text.split_once('=') {
            Some((old, new)) => Renamed {
                old: Some(old.to_owned()),
                new: new.to_owned(),
            },
            None => Renamed {
                old: None,
                new: text.to_owned(),
            },
        }
    }

    fn apply(mut to: Manifest, name: Option<&str>, commands: &[&str]) -> Result<Manifest, String> {
        let choices = Choices {
            name: name.map(str::to_owned),
            commands: commands.iter().map(|text| renamed(text)).collect(),
        };
        choices.apply(&mut to).map_err(|error| error.to_string())?;
        Ok(to)
    }

    #[test]
    fn commands_get_the_names_that_were_chosen() {
        let mut my = manifest("my");
        my.commands.push(command(&["my", "list"]));
        let my = apply(my, Some("other"), &["yours"]).unwrap();
        assert_eq!(my.name, "other");
        let list = &my.commands[1];
        assert_eq!(
            (list.path.join(" "), list.described.join(" ")),
            ("yours list".into(), "my list".into())
        );
    }

    #[test]
    fn what_is_meant_must_be_said() {
        let mut two = manifest("a");
        two.commands.push(command(&["b"]));
        assert!(
            apply(two.clone(), None, &["c"])
                .unwrap_err()
                .contains("(a, b)")
        );
        assert_eq!(
            apply(two.clone(), None, &["b=c"]).unwrap().commands[1].path,
            ["c"]
        );
        assert!(apply(two.clone(), None, &["x=c"]).is_err());
        assert!(apply(two.clone(), None, &["b=../c"]).is_err());
        assert!(apply(two, Some("../c"), &[]).is_err());
    }

    #[test]
    fn a_program_is_called_as_its_plugin() {
        let program = Manifest {
            runs: Runs::Program,
            ..manifest("echo")
        };
        let named = apply(program, Some("say"), &[]).unwrap();
        assert_eq!(named.commands[0].path, ["say"]);
    }

    #[test]
    fn clocks_may_stand_before_1970() {
        let seconds = Duration::from_secs(86_400);
        assert_eq!(rfc3339(UNIX_EPOCH + seconds), "1970-01-02T00:00:00Z");
        assert_eq!(rfc3339(UNIX_EPOCH - seconds), "1969-12-31T00:00:00Z");
    }

    #[test]
    fn names_are_made_of_what_there_is() {
        for (text, name) in [
            ("My_Plugin", "my-plugin"),
            ("keyvalue-redis", "keyvalue-redis"),
            ("7zip", "plugin-7zip"),
            ("ünder", "nder"),
            ("...", "plugin"),
        ] {
            assert_eq!(called(text), name);
        }
    }
}
