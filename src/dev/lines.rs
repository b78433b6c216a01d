//! The words of a session: the line of a start or a reload, failures and other news. [`wiring()`] is the longest of them.

mod diagnostics;
mod wiring;

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};
use wash_common::units;
use wash_runtime::capability::sockets::PublishedPort;
use wash_runtime::http::Page;
use wash_runtime::workload::Drive;

use super::assemble::Linked;
use super::state::{Cause, Failure, News, Stage, Why};
use super::watch::Ignored;
use crate::project::{Project, Warning};
pub(super) use wiring::wiring;

const BOLD: Style = Style::new().effects(Effects::BOLD);
const DIM: Style = Style::new().effects(Effects::DIMMED);
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// How many files a line names before it only counts the others.
const FILES_NAMED: usize = 3;

/// A shorter step of linking or swapping is not named.
const WORTH_NAMING: Duration = Duration::from_millis(10);

/// How long each step to a running version took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    /// From the change, as far as there was one, to the swap.
    pub(super) total: Duration,
    /// The longest of the builds.
    pub(super) build: Option<Duration>,
    pub(super) link: Duration,
    pub(super) compile: Duration,
    pub(super) cached: bool,
    /// Optimized code is still to come.
    pub(super) quick: bool,
    pub(super) swap: Duration,
}

impl Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What takes no time to speak of would only make the line too long.
        let slow = |step: Duration| Some(step).filter(|step| *step >= WORTH_NAMING);
        let compile = match (self.cached, self.quick) {
            (false, false) => "compile",
            (false, true) => "quick compile",
            (true, false) => "cached",
            (true, true) => "cached quick compile",
        };
        let steps = [
            ("build", self.build),
            ("link", slow(self.link)),
            (compile, Some(self.compile)),
            ("swap", slow(self.swap)),
        ];
        let steps = steps.into_iter();
        let steps =
            steps.filter_map(|(name, step)| Some(format!("{name} {}", units::elapsed(step?))));
        f.write_str(&steps.collect::<Vec<_>>().join(", "))
    }
}

/// What runs for the first time, and where requests go.
pub(super) fn serving(url: &str, entries: &[Linked], steps: &Steps) -> String {
    let others = entries.iter().filter(|entry| !entry.answers_requests());
    let others = others.map(other);
    let others = others.collect::<Vec<_>>().join(", ");
    let what = match (
        entries.iter().any(Linked::answers_requests),
        others.as_str(),
    ) {
        (true, "") => format!("{GOOD}serving{GOOD:#} {BOLD}{url}{BOLD:#}"),
        (true, others) => format!("{GOOD}serving{GOOD:#} {BOLD}{url}{BOLD:#} and {others}"),
        (false, others) => format!("{GOOD}running{GOOD:#} {others}; nothing answers {url}"),
    };
    format!("{what} {DIM}({steps}){DIM:#}")
}

fn joined(items: &[impl ToString]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// What runs besides the handlers of requests.
fn other(entry: &Linked) -> String {
    let name = &entry.name;
    match &entry.drive {
        Drive::Http { routes } => format!("{name} for {}", joined(routes)),
        Drive::Messages { subscriptions } if subscriptions.is_empty() => {
            format!("{name} for all messages")
        }
        Drive::Messages { subscriptions } => format!("{name} for {}", joined(subscriptions)),
        Drive::Service { .. } => format!("the service {name}"),
        Drive::Calls => format!("{name} for calls"),
    }
}

pub(super) fn reloaded(why: &Why, steps: &Steps, project: &Project) -> String {
    let what = match why.units.as_slice() {
        [] => project.name.clone(),
        units => units.join(", "),
    };
    let mut because: Vec<String> = why
        .files
        .iter()
        .take(FILES_NAMED)
        .map(|file| below(file, &project.root))
        .collect();
    if why.files.len() > FILES_NAMED {
        because.push(format!("{} more", why.files.len() - FILES_NAMED));
    }
    if why.config {
        because.push("config".to_string());
    }
    let because = match because.is_empty() {
        true => String::new(),
        false => format!(": {}", because.join(", ")),
    };
    let total = units::elapsed(steps.total);
    format!("{GOOD}reloaded{GOOD:#} {BOLD}{what}{BOLD:#} {total} {DIM}({steps}){DIM:#}{because}")
}

/// The port is bound; nothing is built yet.
pub(super) fn listening(url: &str) -> String {
    format!("listening on {BOLD}{url}{BOLD:#} {DIM}(503 until the first version runs){DIM:#}")
}

/// A start takes longer than usual.
pub(super) fn compiling(name: &str, bytes: usize) -> String {
    let size = units::size(bytes);
    format!("{DIM}compiling {name} ({size}){DIM:#}")
}

/// A build goes on, and prints nothing.
pub(super) fn still_building(unit: &str, command: &str, elapsed: Duration) -> String {
    let elapsed = units::elapsed(elapsed);
    match command {
        "" => format!("{DIM}{unit} is still missing after {elapsed}{DIM:#}"),
        command => format!("{DIM}still building {unit} after {elapsed}: `{command}`{DIM:#}"),
    }
}

/// What components store goes with the session.
pub(super) fn unkept(directory: &Path, error: &io::Error) -> String {
    let message = format!(
        "data is not stored: cannot write to `{}`: {error}",
        directory.display()
    );
    trouble(&message, Some("use `--ephemeral` if this is intended"))
}

/// No edit of the project will be noticed.
pub(super) fn ignored(root: &Path, ignored: &Ignored) -> String {
    let (message, hint) = ignoring(root, ignored);
    trouble(&message, Some(&hint))
}

/// What is wrong, and what to do, where an ignore file leaves out the sources of a project.
pub(crate) fn ignoring(root: &Path, ignored: &Ignored) -> (String, String) {
    let Ignored { sources, by } = ignored;
    let message = format!(
        "changes are not noticed: `{}` ignores everything in `{}`",
        by.display(),
        sources.display()
    );
    // Files of others do not count in a repository.
    let or = match by.starts_with(root) {
        true => "",
        false => ", or make the project a repository: git init",
    };
    let hint = format!("add `!*` to `{}`{or}", root.join(".washignore").display());
    (message, hint)
}

/// The end has begun, with so many requests in flight.
pub(super) fn stopping(in_flight: usize) -> String {
    match in_flight {
        0 => "stopping".to_string(),
        1 => "waiting for a request to finish; Ctrl-C cuts it off".to_string(),
        more => format!("waiting for {more} requests to finish; Ctrl-C cuts them off"),
    }
}

/// Something that makes the session work less well.
pub(super) fn trouble(message: &str, hint: Option<&str>) -> String {
    let hint = hint.map_or_else(String::new, |hint| {
        format!("\n  {HINT}hint{HINT:#}: {hint}")
    });
    format!("{WARNING}warning{WARNING:#}: {message}{hint}")
}

/// Ports that nobody listens on: there is no service.
pub(super) fn unpublished(ports: &[PublishedPort]) -> Option<String> {
    let ports: Vec<_> = ports
        .iter()
        .map(|port| format!("{}/{}", port.host, port.protocol))
        .collect();
    let message = match ports.as_slice() {
        [] => return None,
        [port] => format!("`dev.service_ports`: {port} is not opened, because no service runs"),
        ports => format!(
            "`dev.service_ports`: {} are not opened, because no service runs",
            ports.join(", ")
        ),
    };
    let hint = "`dev.service` names the component that listens there";
    Some(trouble(&message, Some(hint)))
}

pub(super) fn warnings(warnings: &[Warning]) -> String {
    let lines = warnings
        .iter()
        .map(|warning| trouble(&warning.to_string(), warning.hint.as_deref()));
    lines.collect::<Vec<_>>().join("\n")
}

/// A path as seen from the project, also where it lies beside it.
fn below(path: &Path, root: &Path) -> String {
    let mut up = PathBuf::new();
    for above in root.ancestors().take(3) {
        if let Ok(rest) = path.strip_prefix(above) {
            return up.join(rest).display().to_string();
        }
        up.push("..");
    }
    path.display().to_string()
}

/// What to print for a piece of news.
pub(super) fn news(news: &News, url: &str, root: &Path) -> String {
    match news {
        News::Failed {
            failure,
            again: true,
            ..
        } => {
            format!("{ERROR}{}{ERROR:#}", title_again(&failure.stage))
        }
        News::Failed {
            failure, serving, ..
        } => {
            let until = match serving {
                true => "the previous version keeps serving".to_string(),
                false => format!("{url} answers 503 until it is fixed"),
            };
            format!(
                "{ERROR}{}{ERROR:#}: {}\n{DIM}{until}{DIM:#}",
                title(&failure.stage),
                failure.cause.text
            )
        }
        News::Unchanged { units } => {
            let (what, is) = match units.as_slice() {
                [] => ("the project".to_string(), "is"),
                [unit] => (unit.clone(), "is"),
                units => (units.join(", "), "are"),
            };
            format!("{what} {is} unchanged: nothing to reload")
        }
        News::Waiting { unit, missing } => {
            format!(
                "{unit} is built; waiting for {} to link it",
                missing.join(", ")
            )
        }
        News::ConfigApplied { applied, postponed } => {
            let applied =
                (!applied.is_empty()).then(|| format!("config changed: {}", applied.join(", ")));
            let postponed = (!postponed.is_empty()).then(|| {
                let warning =
                    format!("{WARNING}takes effect when you restart `wash dev`{WARNING:#}");
                format!("config changed: {}, which {warning}", postponed.join(", "))
            });
            applied
                .into_iter()
                .chain(postponed)
                .collect::<Vec<_>>()
                .join("\n")
        }
        News::Delayed { unit, paths } => {
            let names = names(paths, root);
            format!(
                "{WARNING}{names} changes right after each build of {unit}{WARNING:#}: the next builds wait\n\
                 {HINT}hint{HINT:#}: if it is generated, add it to .gitignore or .washignore"
            )
        }
        News::BuiltAgain { unit, paths } => {
            let verb = if paths.len() == 1 { "has" } else { "have" };
            let names = names(paths, root);
            format!("{DIM}{names} {verb} changed during the build: building {unit} again{DIM:#}")
        }
        News::RewrittenByBuild { unit, paths } => {
            let (change, them) = match paths.len() {
                1 => ("changes", "it"),
                _ => ("change", "them"),
            };
            let names = names(paths, root);
            format!(
                "{WARNING}{names} {change} with every build of {unit}{WARNING:#}: ignored while builds run\n\
                 {HINT}hint{HINT:#}: if only builds write {them}, add {them} to .gitignore or .washignore"
            )
        }
    }
}

/// The first of some paths, and how many more there are.
fn names(paths: &BTreeSet<PathBuf>, root: &Path) -> String {
    let mut names = paths.iter().map(|path| below(path, root));
    let first = names.next().unwrap_or_default();
    match names.count() {
        0 => format!("`{first}`"),
        more => format!("`{first}` and {more} more"),
    }
}

/// What to show as long as nothing runs.
pub(super) fn page(failures: &[Failure]) -> Page {
    let text = |failure: &Failure| {
        let Cause { text, shown, .. } = &failure.cause;
        let shown = diagnostics::first(shown);
        format!("{text}\n\n{shown}").trim_end().to_string()
    };
    match failures {
        [] => Page::starting(),
        [failure] => Page::unavailable(title(&failure.stage), text(failure)),
        failures => {
            let texts: Vec<_> = failures
                .iter()
                .map(|failure| format!("{}: {}", title(&failure.stage), text(failure)))
                .collect();
            Page::unavailable("there is nothing to serve yet", texts.join("\n\n"))
        }
    }
}

fn title(stage: &Stage) -> String {
    match stage {
        Stage::Config => "the config is not valid".to_string(),
        Stage::Build(unit) => format!("{unit} failed to build"),
        Stage::Start => "not started".to_string(),
    }
}

fn title_again(stage: &Stage) -> String {
    match stage {
        Stage::Config => "the config is still not valid".to_string(),
        Stage::Build(unit) => format!("{unit} still fails to build"),
        Stage::Start => "still not started".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::testing::project;
    use wash_common::sanitize;

    fn steps() -> Steps {
        Steps {
            total: Duration::from_millis(1234),
            build: Some(Duration::from_millis(1100)),
            link: Duration::from_micros(4200),
            compile: Duration::from_millis(60),
            cached: false,
            quick: false,
            swap: Duration::from_micros(300),
        }
    }

    #[test]
    fn a_reload_is_one_line() {
        let files = ["src/lib.rs", "../lib/src/a.rs", "a.wit", "b.wit", "c.wit"];
        let check = |units: &[&str], files: &[&str], config: bool, expected: &str| {
            let why = Why {
                units: units.iter().map(ToString::to_string).collect(),
                files: files
                    .iter()
                    .map(|file| super::super::cargo::resolve(Path::new("/w/p"), file))
                    .collect(),
                config,
            };
            let line = reloaded(&why, &steps(), &project("/w/p"));
            let times = "(build 1.10 s, compile 60.0 ms)";
            assert_eq!(
                sanitize::strip_ansi(&line),
                expected.replace("TIMES", times)
            );
        };
        check(
            &["app"],
            &files[..1],
            false,
            "reloaded app 1.23 s TIMES: src/lib.rs",
        );
        check(
            &["app", "cache"],
            &files[1..2],
            false,
            "reloaded app, cache 1.23 s TIMES: ../lib/src/a.rs",
        );
        check(
            &["app"],
            &files,
            false,
            "reloaded app 1.23 s TIMES: ../lib/src/a.rs, a.wit, b.wit, 2 more",
        );
        check(&[], &[], true, "reloaded app 1.23 s TIMES: config");
        check(&["app"], &[], false, "reloaded app 1.23 s TIMES");
    }

    #[test]
    fn what_a_build_writes_is_one_line() {
        let told = |paths: &[&str]| {
            let unit = "app".to_string();
            let paths = paths.iter().map(PathBuf::from).collect();
            let news_ = News::RewrittenByBuild { unit, paths };
            let text =
                sanitize::strip_ansi(&news(&news_, "http://x", Path::new("/w/p"))).into_owned();
            text.lines().next().unwrap().to_string()
        };
        assert_eq!(
            told(&["/w/p/tmp-*.txt"]),
            "`tmp-*.txt` changes with every build of app: ignored while builds run"
        );
        assert_eq!(
            told(&["/w/p/gen/a.ts", "/w/p/gen/b.ts", "/w/p/gen/c.ts"]),
            "`gen/a.ts` and 2 more change with every build of app: ignored while builds run"
        );
    }

    #[test]
    fn a_failure_is_told_once() {
        let failed = |again, serving| {
            let cause = Cause {
                text: "`make` ended with 1".to_string(),
                ..Cause::default()
            };
            let failure = Failure {
                stage: Stage::Build("app".to_string()),
                cause,
            };
            let text = news(
                &News::Failed {
                    failure,
                    again,
                    serving,
                },
                "http://x",
                Path::new("/w/p"),
            );
            sanitize::strip_ansi(&text).into_owned()
        };
        assert_eq!(
            failed(false, true),
            "app failed to build: `make` ended with 1\nthe previous version keeps serving"
        );
        assert_eq!(
            failed(false, false),
            "app failed to build: `make` ended with 1\nhttp://x answers 503 until it is fixed"
        );
        assert_eq!(failed(true, true), "app still fails to build");
    }
}
