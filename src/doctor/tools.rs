//! The tools of builds: whether they are there, and whether they are new enough. Those that the project is built with count.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use wash_common::process::{Command, Output};

use super::finding::{Area, Finding, Fix, Level};
use super::pins::Pin;
use super::{pins, programs};
use crate::build;
use crate::build::BuildError;
use crate::build::tools::{Install, TOOLS, Tool, how_to_install, known, locate};
use crate::project::language::cargo;
use crate::project::{Kind, Project};

/// `kind` is what there is to go by when there is no project that can be read.
pub(super) async fn examine(projects: &[&Project], kind: Option<Kind>) -> Vec<Finding> {
    let mut needed: BTreeSet<&str> = kind.into_iter().flat_map(of_kind).copied().collect();
    needed.extend(projects.iter().flat_map(|project| of_project(project)));
    let dir = projects.first().map(|project| project.root.as_path());
    let pins: Vec<Pin> = dir.map(pins::pins).unwrap_or_default();
    let looking = TOOLS
        .iter()
        .map(|tool| look(tool, needed.contains(tool.name), dir, &pins));
    let looked = join_all(looking).await;
    let mut findings: Vec<Finding> = looked.into_iter().flatten().collect();
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|name| known(name).is_none())
        .collect();
    let here = Path::new(".");
    findings.extend(
        missing
            .into_iter()
            .filter(|name| locate(name, dir.unwrap_or(here)).is_none())
            .map(|name| absent(name, "building the project requires it")),
    );
    for project in projects {
        findings.extend(preflight(project).await);
    }
    let of_needed = |pin: &&Pin| needed.iter().any(|tool| pin.is_about(tool));
    let told = pins.iter().filter(of_needed).filter_map(Pin::message);
    findings.extend(told.map(|message| Finding::new(Area::Tools, Level::Note, message)));
    findings.extend(wasi_sdk(kind));
    findings.sort_by_key(|finding| match finding.level {
        Level::Error => 0,
        Level::Warning => 1,
        Level::Fine => 2,
        Level::Note => 3,
    });
    findings.dedup();
    findings
}

/// What every project of a kind is built with.
fn of_kind(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Cargo => &["cargo", "rustc"],
        Kind::Npm => &["node"],
        Kind::Python => &["python3"],
        Kind::Go => &["go"],
        Kind::Custom | Kind::Prebuilt => &[],
    }
}

fn of_project(project: &Project) -> Vec<&str> {
    let mut needed: Vec<&str> = match &project.build.command {
        Command::Argv(argv) => argv.first().map(String::as_str).into_iter().collect(),
        Command::Shell(line) => programs::of_line(line),
        Command::None => return Vec::new(),
    };
    // A command of its own may do without what others of its kind are built with.
    if let Command::Argv(_) = project.build.command {
        needed.extend(of_kind(project.build.kind));
    }
    let mut sources = project.wit.sources.values();
    if sources.any(|source| source.starts_with("git") || source.ends_with(".git")) {
        needed.push("git");
    }
    needed
}

/// `None`: there is nothing to tell.
async fn look(tool: &Tool, needed: bool, dir: Option<&Path>, pins: &[Pin]) -> Option<Finding> {
    let name = tool.name;
    match locate(name, dir.unwrap_or(Path::new("."))) {
        Some(program) => Some(judge(tool, &program, needed, pins).await),
        None if needed => Some(absent(name, "building the project requires it")),
        None if tool.rare => None,
        None => {
            let message = format!("`{name}` is not installed ({})", tool.purpose);
            let finding = Finding::new(Area::Tools, Level::Note, message);
            Some(finding.hint(how_to_install(name)))
        }
    }
}

async fn judge(tool: &Tool, program: &Path, needed: bool, pins: &[Pin]) -> Finding {
    let name = tool.name;
    let bad = match needed {
        true => Level::Error,
        false => Level::Note,
    };
    let is_pinned = |name: &str| pins.iter().any(|pin| pin.is_about(name));
    match programs::version(program, tool.version).await {
        Ok(version) => {
            let text = version.map(|number| number.to_string()).join(".");
            match tool.oldest {
                Some((oldest, why)) if version < oldest => {
                    let oldest = oldest.map(|number| number.to_string()).join(".");
                    let message = format!(
                        "`{name}` {text} is too old: {oldest} or newer is required ({why})"
                    );
                    update(Finding::new(Area::Tools, bad, message), tool)
                }
                _ => Finding::new(Area::Tools, Level::Fine, format!("{name} {text}")),
            }
        }
        // What starts it may know a version in the project only.
        Err(reason) if is_pinned(name) => {
            let file = pins.iter().find(|pin| pin.is_about(name));
            let file = file.map_or("", |pin| pin.file);
            let message = format!(
                "cannot determine the version of `{name}` outside of the project, where `{file}` sets it: {reason}"
            );
            Finding::new(Area::Tools, Level::Note, message)
        }
        Err(reason) => {
            let message = format!("cannot use `{}`: {reason}", program.display());
            Finding::new(Area::Tools, bad, message).hint(how_to_install(name))
        }
    }
}

/// Makefiles find the WASI SDK by this variable.
fn wasi_sdk(kind: Option<Kind>) -> Option<Finding> {
    let bad = match kind {
        Some(Kind::Custom) => Level::Warning,
        _ => Level::Note,
    };
    let path = PathBuf::from(env::var_os("WASI_SDK_PATH")?);
    let clang = path.join("bin/clang");
    let finding = match clang.is_file() {
        true => {
            let message = format!("WASI_SDK_PATH: `{}`", path.display());
            Finding::new(Area::Tools, Level::Fine, message)
        }
        false => {
            let message = format!("WASI_SDK_PATH: `{}` does not exist", clang.display());
            Finding::new(Area::Tools, bad, message).hint(how_to_install("clang"))
        }
    };
    Some(finding)
}

fn update(finding: Finding, tool: &Tool) -> Finding {
    match (tool.name, &tool.install) {
        ("cargo" | "rustc", _) if locate("rustup", Path::new(".")).is_some() => {
            finding.hint("rustup update")
        }
        (_, Install::Command(line) | Install::Page(line)) => finding.hint(*line),
    }
}

fn absent(name: &str, why: &str) -> Finding {
    let message = format!("`{name}` is not installed, or not on the `PATH`; {why}");
    Finding::new(Area::Tools, Level::Error, message).hint(how_to_install(name))
}

/// What a build would say before it begins, except that a tool is missing, which has been told.
async fn preflight(project: &Project) -> Option<Finding> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = said.clone();
    let output = Output::Tee(Arc::new(move |bytes: &[u8]| {
        let mut said = sink.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes);
    }));
    if cargo::target_of(&project.root, &project.build.command).is_some()
        && pins::has_own_rust(&project.root)
    {
        // Its targets cannot be told without running it, and that it is there has been told.
        return None;
    }
    let rust = pins::rust_channel(&project.root);
    let error = match build::check_outside(project, rust, &output).await {
        Err(BuildError::MissingTool { .. }) => return None,
        Err(error) => error,
        Ok(()) => {
            let target = cargo::target_of(&project.root, &project.build.command);
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            let said = String::from_utf8_lossy(&said).trim().to_string();
            return match (said.is_empty(), target) {
                (false, _) => Some(Finding::new(Area::Tools, Level::Note, said)),
                (true, Some(target)) => {
                    let message = format!("the Rust target `{target}` is installed");
                    Some(Finding::new(Area::Tools, Level::Fine, message))
                }
                (true, None) => None,
            };
        }
    };
    let of_project = matches!(error, BuildError::MissingPackages { .. });
    let fix = error.mend().map(|words| Fix {
        dir: of_project.then(|| project.root.clone()),
        ..Fix::new(words)
    });
    let can_run = |fix: &Fix| locate(&fix.argv[0], Path::new(".")).is_some();
    let finding = Finding::of(Area::Tools, &error);
    Some(match fix.filter(can_run) {
        Some(fix) => finding.fix(fix),
        None => finding,
    })
}
