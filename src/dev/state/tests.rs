//! The cases under `tests/cases/dev`: a line that begins with `>` is an event, the lines below it are the actions.
//!
//! The first line names the units. With `BLESS=1` the actions are written instead of compared.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

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
    for line in case.lines() {
        let actions = if let Some(units) = line.strip_prefix("> begin ") {
            let (new, actions) = Machine::new(units.split(' ').map(str::to_string));
            machine = Some(new);
            actions
        } else if let Some(event) = line.strip_prefix("> ") {
            let event = parse(event).ok_or(line)?;
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

fn parse(line: &str) -> Option<Event> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    Some(match verb {
        "changed" | "changed-during-build" => Event::FilesChanged {
            unit: words.first()?.to_string(),
            change: changed(&words[1..]),
            during_build: verb == "changed-during-build",
        },
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

/// A file that is new has a `+` in front.
fn changed(words: &[&str]) -> Changed {
    let file = |word: &&str| PathBuf::from(word.trim_start_matches('+'));
    let new = words.iter().filter(|word| word.starts_with('+'));
    Changed {
        files: words.iter().map(file).collect(),
        appeared: new.map(file).collect(),
    }
}

fn cause(text: &str) -> Cause {
    Cause {
        text: text.to_string(),
        shown: String::new(),
    }
}

fn render(action: &Action) -> String {
    match action {
        Action::LoadConfig => "load-config".to_string(),
        Action::StartBuild { unit, generation } => format!("build {unit} {generation}"),
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
        Action::Tell(News::RewrittenByBuild { unit, path }) => {
            format!("tell rewritten by the build of {unit}: {}", path.display())
        }
        Action::Drain => "drain".to_string(),
        Action::Exit(status) => format!("exit {status}"),
    }
}

fn render_failure(failure: &Failure) -> String {
    match &failure.stage {
        Stage::Config => format!("config: {}", failure.cause.text),
        Stage::Build(unit) => format!("build of {unit}: {}", failure.cause.text),
        Stage::Start => format!("start: {}", failure.cause.text),
    }
}
