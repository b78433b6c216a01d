//! Builds what a session would link, once: for commands that look at the whole, or ship it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wash_common::advice::{Advice, ErrorClass};
use wash_common::process::{Command, Output};
use wash_component::{Shape, ShapeError};
use wash_runtime::capability::offered;
use wash_runtime::workload::{MemberSettings, Workload};

pub use super::assemble::AssembleError;
use super::assemble::{Component, Parts};
use super::entries::Entries;
use super::session::work;
use super::storage::Storage;
use super::{assemble, entries};
use crate::build::{BuildError, BuildOptions};
use crate::linker::{Driven, LinkRequest, Member, Planned};
use crate::plugin::Store;
use crate::project::Project;
use crate::{build, report};

/// A project's component, those of `dev.components`, and everything else that may take part when they are linked.
#[derive(Debug, Clone)]
pub struct Components {
    parts: Parts,
}

/// Why there is nothing to link.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    #[error("component `{name}` failed to build")]
    Build { name: String, source: BuildError },
    /// What was there already, or in a registry.
    #[error(transparent)]
    Given(BuildError),
}

/// A function of a component has a body that is not valid.
#[derive(Debug, thiserror::Error)]
#[error("component `{name}` is not part of the workload")]
pub struct InvalidCode {
    name: String,
    source: ShapeError,
}

impl Advice for InvalidCode {
    fn hints(&self) -> Vec<String> {
        vec![self.source.hint().to_string()]
    }
}

impl Advice for OnceError {
    fn has_lines(&self) -> bool {
        match self {
            OnceError::Build { source, .. } | OnceError::Given(source) => source.has_lines(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            OnceError::Build { source, .. } | OnceError::Given(source) => source.hints(),
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            OnceError::Build { source, .. } | OnceError::Given(source) => source.fault(),
        }
    }
}

/// Builds every component, one after the other, so that what their tools print does not mix.
///
/// With `stub_missing`, imports that nobody provides are linked to functions that trap when they are called.
pub async fn build(
    project: Project,
    stub_missing: bool,
    output: Output,
    cancel: CancellationToken,
) -> Result<Components, OnceError> {
    let mut components = BTreeMap::new();
    for (name, unit) in work::units(&project) {
        let options = BuildOptions {
            output: output.clone(),
            color: false,
            cancel: cancel.clone(),
        };
        let built = match build::build(&unit, options).await {
            Ok(built) => built,
            Err(source) if unit.build.command == Command::None => {
                return Err(OnceError::Given(source));
            }
            Err(source) => return Err(OnceError::Build { name, source }),
        };
        let component = Component {
            bytes: built.bytes,
            shape: built.shape,
        };
        components.insert(name, component);
    }
    let host = offered(&project.dev.off).into();
    let storage = Storage::unlocked(&project.keeps_in());
    let plugins = work::plugins(Store::of_user().as_ref(), &project, &storage);
    for warning in &plugins.warnings {
        report::info(warning);
    }
    Ok(Components {
        parts: Parts {
            storage: Arc::new(storage),
            plugins: plugins.offered,
            project: project.into(),
            components,
            shipped: work::shipped(),
            host,
            stub_missing,
        },
    })
}

/// Why nothing can be called.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error("cannot write to `{}`", .path.display())]
    Storage { path: PathBuf, source: io::Error },
}

impl Advice for CallsError {
    fn has_lines(&self) -> bool {
        matches!(self, CallsError::Assemble(AssembleError::Link(_)))
    }

    fn fault(&self) -> ErrorClass {
        match self {
            CallsError::Assemble(AssembleError::Compose(_)) => ErrorClass::Wash,
            CallsError::Assemble(AssembleError::Link(_) | AssembleError::Memory { .. }) => {
                ErrorClass::Input
            }
            CallsError::Storage { .. } => ErrorClass::Environment,
        }
    }
}

impl Components {
    /// Looks at the bodies of functions as well, for what is not compiled here.
    pub fn check_code(&mut self) -> Result<(), InvalidCode> {
        for (name, component) in &mut self.parts.components {
            let shape = Arc::make_mut(&mut component.shape);
            shape
                .check_code(&component.bytes)
                .map_err(|source| InvalidCode {
                    name: name.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// The workload in which everything that the project's own component exports can be called by name.
    pub fn calls(&self) -> Result<Workload, CallsError> {
        let workload = assemble::assemble_calls(&self.parts).map_err(|mut error| {
            error.suggest_projects(&self.parts.project.root);
            error
        })?;
        let storage = &self.parts.storage;
        let failed = |source| CallsError::Storage {
            path: storage.directory().to_owned(),
            source,
        };
        storage.prepare(&workload).map_err(failed)?;
        Ok(workload)
    }

    pub fn project(&self) -> &Project {
        &self.parts.project
    }

    /// The ways into what a session would run, with the given members.
    pub fn entries(&self, members: &[Member]) -> Entries {
        entries::entries(&self.parts.project, members)
    }

    /// What a session asks the linker for.
    pub fn request<'a>(&'a self, members: &'a [Member], driven: Driven<'a>) -> LinkRequest<'a> {
        assemble::request(&self.parts, members, driven)
    }

    /// What can be linked.
    pub fn members(&self) -> Vec<Member> {
        assemble::members(&self.parts)
            .map(|(member, _)| member)
            .collect()
    }

    /// The bytes of each of [`Self::members`].
    pub fn bytes(&self) -> Vec<&[u8]> {
        assemble::members(&self.parts)
            .map(|(_, bytes)| bytes)
            .collect()
    }

    /// What a member is given when it runs here.
    pub fn settings(&self, member: &Planned) -> MemberSettings {
        assemble::settings(&self.parts, member)
    }

    /// The project's own component: its shape, and its bytes.
    pub fn own(&self) -> (&Shape, &[u8]) {
        let own = &self.parts.components[&self.parts.project.name];
        (&own.shape, &own.bytes)
    }
}
