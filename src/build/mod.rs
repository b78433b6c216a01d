//! A project in, a component out: runs its toolchain and checks what came of it.
//!
//! `preflight` looks for the tools first, so that what is missing is told with the command that installs it;
//! `process` runs the command in a process group of its own, which ends when the build is cancelled or dropped;
//! `artifact` finds what was built, and `wrap` makes a component of it if it is a core module. What is in a registry is pulled
//! by `image` instead.

mod artifact;
mod dep_info;
mod error;
mod image;
mod preflight;
pub(crate) mod tools;
mod wrap;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;
use wash_component::Shape;
use wash_fetch::wit;

use crate::project::language::cargo;
use crate::project::{Artifact, Project};
use crate::report;
pub use wash_common::process::{self, Command, Output};

pub use artifact::left;
pub use dep_info::inputs;
pub use error::BuildError;
pub use wrap::{Refusal, of_module};

#[derive(Debug)]
pub struct BuildOptions {
    pub output: Output,
    /// Ask the tools for colour although they do not see a terminal. Only matters with [`Output::Tee`].
    pub color: bool,
    /// Ends the build: its whole process group is stopped before `build` returns [`BuildError::Cancelled`].
    pub cancel: CancellationToken,
}

/// A line of our own among those of the tools.
fn say(output: &Output, line: &str) {
    match output {
        Output::Inherit => report::info(line),
        Output::IfFailed => {}
        Output::Tee(sink) => sink(format!("{line}\n").as_bytes()),
    }
}

/// Something that the user should know although the build succeeds.
fn warn(output: &Output, message: &str, hint: &str) {
    match output {
        Output::Inherit | Output::IfFailed => report::warn(&message, Some(hint)),
        Output::Tee(sink) => {
            sink(format!("warning: {message}\nhint: {hint}\n").as_bytes());
        }
    }
}

/// A component that was built, or was there already.
#[derive(Debug, Clone)]
pub struct Built {
    /// Absolute. Beside the tool's own output when that was a core module and had to be wrapped.
    pub path: PathBuf,
    pub bytes: Arc<[u8]>,
    pub shape: Arc<Shape>,
    /// The files that the tools say they have read, as far as they do.
    pub inputs: BTreeSet<PathBuf>,
    pub elapsed: Duration,
}

/// Whether the tools of a build are there, without building; what it would say of them goes to `output`. Nothing is run in the project's
/// directory, whose files may name programs of its own. `toolchain` is the rustup toolchain that it asks for.
pub(crate) async fn check_outside(
    project: &Project,
    toolchain: Option<String>,
    output: &Output,
) -> Result<(), BuildError> {
    let place = preflight::Place::Outside { toolchain };
    preflight::check(project, &place, output).await?;
    preflight::packages_of(project)
}

/// Builds the project's component.
///
/// When the returned future is dropped, the build and everything it started is killed.
pub async fn build(project: &Project, options: BuildOptions) -> Result<Built, BuildError> {
    if let Artifact::Image(image) = &project.build.artifact {
        return tokio::select! {
            pulled = image::pull(image, &options.output) => pulled,
            () = options.cancel.cancelled() => Err(BuildError::Cancelled),
        };
    }
    let started = Instant::now();
    let mut begin = SystemTime::now();
    let messages = match &project.build.command {
        Command::None => Vec::new(),
        command => {
            let fetched = tokio::select! {
                fetched = wit::ensure(&project.root, &project.wit) => fetched?,
                () = options.cancel.cancelled() => return Err(BuildError::Cancelled),
            };
            if let Some(news) = fetched.news(&project.wit) {
                say(&options.output, &news);
            }
            if !project.wit.skip_fetch {
                wit::fetch::validate(&project.root, &project.wit)?;
            }
            begin = SystemTime::now();
            run(project, command, &options).await?
        }
    };
    let artifact::Left { path, doubt } = artifact::find(project, &messages, begin)?;
    if let Some(doubt) = doubt {
        warn(&options.output, &doubt.message, &doubt.hint);
    }
    let work = move || {
        let bytes = artifact::read(&path)?;
        let inputs = inputs(&path);
        wrap::file(path, bytes).map(|(path, bytes, shape)| (path, bytes, shape, inputs))
    };
    let (path, bytes, shape, inputs) = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| BuildError::Cancelled)??;
    Ok(Built {
        path,
        bytes: bytes.into(),
        shape: shape.into(),
        inputs,
        elapsed: started.elapsed(),
    })
}

/// Runs the command; the lines it wrote for programs, if it was asked for any.
async fn run(
    project: &Project,
    command: &Command,
    options: &BuildOptions,
) -> Result<Vec<String>, BuildError> {
    let environment =
        preflight::check(project, &preflight::Place::Project, &options.output).await?;
    let mut variables: Vec<(String, String)> = environment.set;
    variables.extend(project.build.env.clone());
    if let Artifact::Path(path) = &project.build.artifact {
        variables.push((
            "WASH_COMPONENT_PATH".to_string(),
            path.to_string_lossy().into_owned(),
        ));
    }
    let with_messages = cargo::with_messages(command);
    let job = process::Job {
        command: with_messages.as_ref().unwrap_or(command),
        dir: &project.root,
        set: &variables,
        unset: &environment.unset,
        wants_lines: with_messages.is_some(),
        output: &options.output,
        color: options.color,
    };
    let finished = process::run(job, &options.cancel).await?;
    if finished.status.success() {
        return Ok(finished.lines);
    }
    preflight::explain(project, finished.status)?;
    if let Output::IfFailed = options.output {
        report::tool_output(String::from_utf8_lossy(&finished.tail).trim_end());
    }
    Err(BuildError::Failed {
        command: process::text(command),
        status: finished.status,
        output: String::from_utf8_lossy(&finished.tail).into_owned(),
        kind: project.build.kind,
    })
}
