//! Where a plugin comes from: a file, a project, which is built, or a registry.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use wash_common::advice::hinted;
use wash_common::process::Output;
use wash_fetch::oci::{PullPolicy, Reference};

use crate::build::BuildOptions;
use crate::commands::gather::Named;
use crate::commands::oci::AccessArgs;
use crate::commands::{Globals, gather, oci, unless_cancelled, warn_about};
use crate::plugin::examine::{Choices, Subject};
use crate::plugin::manifest::Source;
use crate::project::{Image, Project, Purpose};
use crate::{build, project};

/// A component, and where it was found.
pub(super) struct Fetched {
    pub(super) bytes: Arc<[u8]>,
    pub(super) source: Source,
    /// What it is called there.
    pub(super) name: String,
}

impl Fetched {
    /// To be examined, and called as somebody chose.
    pub(super) fn subject(self, choices: Choices) -> Subject {
        Subject {
            bytes: self.bytes,
            source: self.source,
            fallback: self.name,
            choices,
        }
    }
}

/// What a command line names; without a path, the project of the current directory.
pub(super) fn named(path: Option<&PathBuf>, globals: &Globals) -> anyhow::Result<Source> {
    let paths = path.cloned().into_iter().collect::<Vec<_>>();
    Ok(match gather::named(&paths, globals)? {
        Named::Image(image) => Source::Image(image.reference.to_string()),
        Named::Project(start) => Source::Project(project::find_root(&start).map_err(hinted)?),
        Named::Plugin(_, name) => anyhow::bail!("the plugin `{name}` is already installed"),
        Named::Files(files) => {
            let file = files.into_iter().next().unwrap_or_default();
            let found = file.canonicalize();
            Source::File(found.with_context(|| format!("cannot read `{}`", file.display()))?)
        }
    })
}

/// Reads, builds or pulls it.
pub(super) async fn fetch(
    source: Source,
    access: &AccessArgs,
    globals: &Globals,
) -> anyhow::Result<Fetched> {
    let (bytes, name) = match &source {
        Source::Image(reference) => {
            let reference: Reference = reference.parse().map_err(hinted)?;
            let name = reference.name().to_owned();
            let image = Image {
                reference,
                policy: PullPolicy::Always,
                insecure: false,
            };
            let pulled = oci::pull_image(&image, access, globals).await?;
            (pulled.bytes.into(), name)
        }
        Source::File(path) => {
            let overrides = globals.overrides(Purpose::Build)?;
            let project = project::prebuilt(path, &overrides).map_err(hinted)?;
            let name = project.name.clone();
            (built(project).await?, name)
        }
        Source::Project(root) => {
            let overrides = globals.overrides(Purpose::Build)?;
            let project = project::load(root, &overrides).map_err(hinted)?;
            warn_about(&project);
            let name = project.name.clone();
            (built(project).await?, name)
        }
    };
    Ok(Fetched {
        bytes,
        source,
        name,
    })
}

async fn built(project: Project) -> anyhow::Result<Arc<[u8]>> {
    let cancel = CancellationToken::new();
    let options = BuildOptions {
        output: Output::Inherit,
        color: false,
        cancel: cancel.clone(),
    };
    let built = unless_cancelled(&cancel, build::build(&project, options)).await?;
    Ok(built.map_err(hinted)?.bytes)
}
