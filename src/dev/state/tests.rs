//! The cases under `tests/cases/dev`: a line that begins with `>` is an event, the lines below it are the actions.
//! Of a changed file, `lib.rs` has contents that it never had, `lib.rs=a` has these, `+lib.rs` is new, and `-lib.rs` gone.
//!
//! The first line names the units. With `BLESS=1` the actions are written instead of compared.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use super::*;
use crate::dev::watch::{Difference, Fingerprint};

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/dev");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 20, "the cases are missing");
    let mut failed = Vec::new();
    for path in paths {
        let expected = fs::read_to_string(&path).unwrap();
        let found = run(&expected)
            .unwrap_or_else(|line| panic!("{}: not an event: {line}", path.display()));
        if found == expected {
            continue;
        }
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, found).unwrap();
        } else {
            failed.push(format!(
                "== {}\n-- expected\n{expected}\n-- found\n{found}",
                path.display()
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn run(case: &str) -> Result<String, String> {
    let mut found = String::new();
    let mut machine = None;
    let mut disk = Disk::default();
    for line in case.lines() {
        let actions = if let Some(units) = line.strip_prefix("> begin ") {
            let (new, actions) = Machine::new(units.split(' ').map(str::to_string));
            machine = Some(new);
            actions
        } else if let Some(event) = line.strip_prefix("> ") {
            let event = parse(event, &mut disk).ok_or(line)?;
            machine
                .as_mut()
                .ok_or("a case starts with `> begin UNITS`")?
                .handle(event)
        } else if line.starts_with('#') || line.is_empty() {
            Vec::new()
        } else {
            continue;
        };
        found += &format!("{line}\n");
        for action in actions {
            found += &format!("{}\n", render(&action));
        }
    }
    Ok(found)
}

fn parse(line: &str, disk: &mut Disk) -> Option<Event> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    Some(match verb {
        "changed"
        | "changed-after-build"
        | "changed-during-build"
        | "changed-during-other-build" => Event::FilesChanged {
            unit: words.first()?.to_string(),
            files: words[1..].iter().map(|word| disk.change(word)).collect(),
            occasion: match verb {
                "changed" => Occasion::AtRest,
                "changed-after-build" => Occasion::AfterBuild,
                "changed-during-build" => Occasion::DuringBuild,
                _ => Occasion::DuringOtherBuild,
            },
        },
        "artifact-written" => Event::ArtifactWritten {
            unit: words.first()?.to_string(),
            path: words.get(1)?.into(),
        },
        "due" => Event::Due {
            unit: words.first()?.to_string(),
        },
        "look-again" => Event::LookAgain,
        "config-changed" => Event::ConfigChanged,
        "config-broken" => Event::ConfigLoaded(Err(cause(rest))),
        "config" => {
            let list = |key: &str| {
                let word = words
                    .iter()
                    .find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
                word.unwrap_or_default()
                    .split(',')
                    .filter(|item| !item.is_empty())
                    .map(str::to_string)
            };
            Event::ConfigLoaded(Ok(ConfigChange {
                units: list("units").collect(),
                rebuild: list("rebuild").collect(),
                restart: words.contains(&"restart"),
                applied: list("applied").collect(),
                postponed: list("postponed").collect(),
            }))
        }
        "built" | "build-failed" => Event::BuildFinished {
            unit: words.first()?.to_string(),
            generation: words.get(1)?.parse().ok()?,
            outcome: match verb {
                "built" => Ok(Digest(words.get(2)?.to_string())),
                _ => Err(cause(&words[2..].join(" "))),
            },
        },
        "started" => Event::StartFinished {
            revision: words.first()?.parse().ok()?,
            outcome: Ok(()),
        },
        "start-failed" => Event::StartFinished {
            revision: words.first()?.parse().ok()?,
            outcome: Err(cause(&words[1..].join(" "))),
        },
        "start-given-up" => Event::StartGivenUp {
            revision: words.first()?.parse().ok()?,
        },
        "interrupt" => Event::Interrupt,
        "drained" => Event::Drained,
        _ => return None,
    })
}

/// The contents that files had last, of those that were named.
#[derive(Default)]
struct Disk {
    files: HashMap<PathBuf, Fingerprint>,
    changes: u64,
}

impl Disk {
    fn change(&mut self, word: &str) -> (PathBuf, Difference) {
        self.changes += 1;
        let (name, contents) = match word.split_once('=') {
            Some((name, contents)) => (name, contents.to_string()),
            None => (word, format!("change {}", self.changes)),
        };
        let path = PathBuf::from(name.trim_start_matches(['+', '-']));
        let fingerprint = |contents: &str| {
            let mut hasher = DefaultHasher::new();
            contents.hash(&mut hasher);
            Fingerprint::of(hasher.finish())
        };
        let after = match name.starts_with('-') {
            true => Fingerprint::MISSING,
            false => fingerprint(&contents),
        };
        let before = match self.files.insert(path.clone(), after) {
            _ if name.starts_with('+') => Fingerprint::MISSING,
            Some(before) => before,
            None => fingerprint("at first"),
        };
        let difference = Difference {
            before,
            after,
            emptied: contents.is_empty(),
        };
        (path, difference)
    }
}

fn cause(text: &str) -> Cause {
    // One that may pass begins with `?`.
    Cause {
        text: text.to_string(),
        shown: String::new(),
        passing: text.starts_with('?'),
    }
}

fn render(action: &Action) -> String {
    match action {
        Action::LoadConfig => "load-config".to_string(),
        Action::StartBuild { unit, generation } => format!("build {unit} {generation}"),
        Action::ReadArtifact { unit, generation } => format!("read {unit} {generation}"),
        Action::BuildLater { unit, delay } => format!("build {unit} after {delay:?}"),
        Action::CancelBuild { unit } => format!("cancel {unit}"),
        Action::Start { revision, why } => {
            let files: Vec<_> = why
                .files
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let config = if why.config { " config" } else { "" };
            format!(
                "start {revision} [{}] because of [{}]{config}",
                why.units.join(" "),
                files.join(" ")
            )
        }
        Action::SupersedeStart => "supersede-start".to_string(),
        Action::ShowPage(failures) if failures.is_empty() => "page: building".to_string(),
        Action::ShowPage(failures) => {
            let failures: Vec<_> = failures.iter().map(render_failure).collect();
            format!("page: {}", failures.join("; "))
        }
        Action::Tell(News::Failed {
            failure,
            again,
            serving,
        }) => {
            let again = if *again { " again" } else { "" };
            let serving = if *serving { "" } else { ", nothing runs" };
            format!("tell failed{again}: {}{serving}", render_failure(failure))
        }
        Action::Tell(News::Unchanged { units }) => format!("tell unchanged: {}", units.join(" ")),
        Action::Tell(News::Waiting { unit, missing }) => {
            format!("tell {unit} waits for: {}", missing.join(" "))
        }
        Action::Tell(News::ConfigApplied { applied, postponed }) => {
            format!(
                "tell config: now [{}], later [{}]",
                applied.join(" "),
                postponed.join(" ")
            )
        }
        Action::Tell(News::Delayed { unit, paths }) => {
            format!("tell builds of {unit} wait: {}", names(paths))
        }
        Action::Tell(News::BuiltAgain { unit, paths }) => {
            format!("tell {unit} is built again: {}", names(paths))
        }
        Action::Tell(News::RewrittenByBuild { unit, paths }) => {
            format!("tell rewritten by the build of {unit}: {}", names(paths))
        }
        Action::Drain => "drain".to_string(),
        Action::Exit(status) => format!("exit {status}"),
    }
}

fn names(paths: &BTreeSet<PathBuf>) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    names.join(" ")
}

fn render_failure(failure: &Failure) -> String {
    match &failure.stage {
        Stage::Config => format!("config: {}", failure.cause.text),
        Stage::Build(unit) => format!("build of {unit}: {}", failure.cause.text),
        Stage::Start => format!("start: {}", failure.cause.text),
    }
}
