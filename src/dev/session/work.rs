//! What runs beside the loop: building one unit, and starting what was built.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wash_common::advice::Advice;
use wash_common::process::{Command, Output};
use wash_common::{advice, sanitize};
use wash_component::Shape;
use wash_runtime::host::{Host, StartRequest, StartTimings};
use wash_runtime::workload::{StartError, WorkloadId};

use super::reminder::LastPrinted;
use crate::build::{BuildError, BuildOptions, Built};
use crate::console::Console;
use crate::dev::assemble::{Assembled, Component, Linked, Parts};
use crate::dev::scope::Inputs;
use crate::dev::state::{Cause, Digest, UnitName};
use crate::dev::storage::Storage;
use crate::dev::{assemble, lines};
use crate::plugin::Store;
use crate::plugin::provider::{Offered, Unusable};
use crate::project::{Artifact, Project, ProjectError, SiblingSource};
use crate::provider::Provider;
use crate::{build, plugin, provider};

/// A component file that is not complete is looked at again for so long after it was written to.
const STILL_WRITTEN: Duration = Duration::from_millis(500);

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Who waits longer for a start wants to know why.
const WORTH_A_WORD: Duration = Duration::from_secs(1);

/// What a build came to.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) component: Component,
    pub(super) digest: Digest,
    pub(super) inputs: BTreeSet<PathBuf>,
    pub(super) elapsed: Duration,
}

/// A workload that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: WorkloadId,
    pub(super) entries: Vec<Linked>,
    /// How long planning and composing took.
    pub(super) link: Duration,
    pub(super) timings: StartTimings,
}

/// Why a workload does not run.
#[derive(Debug)]
pub(super) enum NotStarted {
    Failed(Cause),
    /// Something newer is there to be started.
    GivenUp,
}

/// What to build for each unit. A file or an image is a project that has nothing to run.
pub(in crate::dev) fn units(project: &Project) -> BTreeMap<UnitName, Project> {
    let siblings = project.dev.components.iter().map(|sibling| {
        let project = match &sibling.source {
            SiblingSource::Project(project) => (**project).clone(),
            SiblingSource::File(path) => {
                let root = path.parent().unwrap_or(path);
                Project::around(&sibling.name, root, Artifact::Path(path.clone()))
            }
            SiblingSource::Image(image) => {
                Project::around(&sibling.name, &project.root, Artifact::Image(image.clone()))
            }
        };
        (sibling.name.clone(), project)
    });
    siblings
        .chain([(project.name.clone(), project.clone())])
        .collect()
}

/// What to build for one unit.
pub(super) fn unit(project: &Project, name: &UnitName) -> Option<Project> {
    units(project).remove(name)
}

/// What earlier builds have read, as far as that is known: a first build may fail before it tells.
pub(super) fn inputs(project: &Project) -> Inputs {
    let inputs = units(project).into_iter().filter_map(|(name, unit)| {
        let newest = build::left(&unit).into_iter().next()?;
        Some((name, build::inputs(&newest)))
    });
    inputs.collect()
}

/// The installed plugins that provide something, read.
#[derive(Debug, Default)]
pub(in crate::dev) struct Plugins {
    pub(in crate::dev) offered: Arc<[Offered]>,
    /// What keeps others from taking part, for people.
    pub(in crate::dev) warnings: Vec<String>,
}

pub(in crate::dev) fn plugins(
    store: Option<&Store>,
    project: &Project,
    storage: &Storage,
) -> Plugins {
    let Some(store) = store else {
        return Plugins::default();
    };
    let data = |name: &str| storage.place(&format!("plugin-{name}"), None);
    let (offered, unusable) = plugin::provider::offered(store, &project.name, &project.root, data);
    let warning = |error: &Unusable| {
        let hints = error.hints();
        lines::trouble(&chain(error), hints.first().map(String::as_str))
    };
    Plugins {
        offered: offered.into(),
        warnings: unusable.iter().map(warning).collect(),
    }
}

/// The providers that ship with `wash`, read.
pub(in crate::dev) fn shipped() -> Arc<[(Provider, Component)]> {
    let read = |provider: &Provider| {
        let shape = Shape::parse(provider.bytes).expect("what ships is a component");
        let component = Component {
            bytes: provider.bytes.into(),
            shape: shape.into(),
        };
        (*provider, component)
    };
    provider::shipped().iter().map(read).collect()
}

/// The output of a unit's build goes to the console as it comes, with the unit's name where there are several.
pub(super) fn output(
    console: &Console,
    unit: &UnitName,
    several: bool,
    printed: &LastPrinted,
) -> Output {
    let (console, unit, printed) = (console.clone(), unit.clone(), printed.clone());
    Output::Tee(Arc::new(move |lines: &[u8]| {
        printed.now();
        console.build(&unit, several, &String::from_utf8_lossy(lines));
    }))
}

pub(super) async fn build(
    project: &Project,
    output: Output,
    color: bool,
    cancel: CancellationToken,
) -> Result<Ready, Cause> {
    let built = loop {
        let options = BuildOptions {
            output: output.clone(),
            color,
            cancel: cancel.clone(),
        };
        match build::build(project, options).await {
            Err(BuildError::NotAComponent { path, .. }) if is_being_written(project, &path) => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            outcome => break outcome.map_err(|error| build_cause(&error))?,
        }
    };
    let Built {
        bytes,
        shape,
        inputs,
        elapsed,
        ..
    } = built;
    let digest = tokio::task::block_in_place(|| Sha256::digest(&bytes));
    Ok(Ready {
        digest: Digest(format!("{digest:x}")),
        component: Component { bytes, shape },
        inputs,
        elapsed,
    })
}

/// Whether whoever puts the component there may not be done with it.
fn is_being_written(project: &Project, path: &Path) -> bool {
    let modified = || fs::metadata(path).ok()?.modified().ok();
    let age = || SystemTime::now().duration_since(modified()?).ok();
    project.build.command == Command::None && age().is_some_and(|age| age < STILL_WRITTEN)
}

/// Links the parts and lets the host run them.
pub(super) async fn start(
    parts: Parts,
    host: &dyn Host,
    replaces: Option<WorkloadId>,
    superseded: CancellationToken,
    console: &Console,
) -> Result<Running, NotStarted> {
    let begin = Instant::now();
    let storage = Arc::clone(&parts.storage);
    let link = move || {
        let Assembled { entries, workload } = assemble::assemble(&parts).map_err(|mut error| {
            error.suggest_projects(&parts.project.root);
            Cause {
                text: error.to_string(),
                ..Cause::default()
            }
        })?;
        parts.storage.prepare(&workload).map_err(|error| {
            let state = parts.storage.directory().display();
            Cause {
                text: format!("cannot write to `{state}`: {error}"),
                ..Cause::default()
            }
        })?;
        Ok((entries, workload))
    };
    let linked = tokio::task::spawn_blocking(link).await;
    let linked = linked.expect("linking does not panic");
    let (entries, workload) = linked.map_err(NotStarted::Failed)?;
    let link = begin.elapsed();
    if let Some((directory, error)) = storage.unkept(&workload) {
        console.warn(&lines::unkept(&directory, &error));
    }
    let bytes = workload
        .entries
        .iter()
        .map(|entry| entry.component.len())
        .sum();
    let name = workload.name.clone();
    let request = StartRequest { workload, replaces };
    let mut starting = host.start_unless(request, superseded);
    let started = match timeout(WORTH_A_WORD, &mut starting).await {
        Ok(started) => started,
        Err(_) => {
            let fields = json!({ "component": name, "bytes": bytes });
            console.tell("compiling", fields, &lines::compiling(&name, bytes));
            starting.await
        }
    };
    let started = match started {
        Ok(started) => started,
        Err(StartError::GivenUp { .. }) => return Err(NotStarted::GivenUp),
        Err(error) => return Err(NotStarted::Failed(start_cause(error))),
    };
    Ok(Running {
        id: started.id,
        entries,
        link,
        timings: started.timings,
    })
}

/// An error with what caused it and what to do about it.
pub(super) fn cause(error: &impl Advice) -> Cause {
    with_hints(chain(error), &error.hints())
}

fn chain(error: &impl Advice) -> String {
    let has_lines = error.has_lines();
    let shown = |error: &dyn std::error::Error| advice::shown(error, has_lines);
    advice::causes(error).fold(shown(error), |text, cause| {
        text + &format!("\n  caused by: {}", shown(cause))
    })
}

/// What is wrong with a file's mode, or what is missing, may be mended without an edit of what is watched.
pub(super) fn config_cause(error: &ProjectError) -> Cause {
    Cause {
        passing: true,
        ..cause(error)
    }
}

fn build_cause(error: &BuildError) -> Cause {
    let cause = cause(error);
    match error {
        BuildError::Failed {
            command,
            status,
            output,
            ..
        } => Cause {
            // Whoever reads this knows that it is about a build that failed.
            text: cause.text.replacen(
                &advice::shown(error, false),
                &format!("`{command}` ended with {status}"),
                1,
            ),
            shown: output.clone(),
            ..Cause::default()
        },
        _ => cause,
    }
}

fn start_cause(error: StartError) -> Cause {
    match error {
        StartError::Invalid { problems, .. } => {
            let texts = problems.iter().map(ToString::to_string);
            let texts = sanitize::lines(texts);
            let hints: Vec<_> = problems
                .into_iter()
                .filter_map(|problem| problem.hint)
                .collect();
            // Another process may have locked what this one needs, or listen where it would.
            Cause {
                passing: true,
                ..with_hints(texts, &hints)
            }
        }
        StartError::Load { reason, .. } => with_hints(sanitize::indented(&reason), &[]),
        StartError::Trap { ref report, .. } => with_hints(format!("{error}\n{report}"), &[]),
        StartError::TooLate { .. } | StartError::GivenUp { .. } | StartError::NoSuchWorkload(_) => {
            let hints: Vec<_> = error.hint().map(str::to_owned).into_iter().collect();
            with_hints(error.to_string(), &hints)
        }
    }
}

fn with_hints(mut text: String, hints: &[String]) -> Cause {
    let hint = lines::HINT;
    for advice in hints {
        text += &format!("\n{hint}hint{hint:#}: {}", sanitize::hint(advice));
    }
    Cause {
        text,
        ..Cause::default()
    }
}
