//! A plugin's component, linked to what the host serves, and calls of what it exports: each in a fresh instance that
//! has what its settings say and nothing else.

use std::io;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wash_common::advice::Advice;
use wash_common::{files, units};
use wash_component::call::{Program, Step, Value};
use wash_component::{InterfaceName, Shape, ShapeError};
use wash_fetch::oci::Digest;
use wash_runtime::capability::host_interfaces;
use wash_runtime::host::{Host as _, StartRequest};
use wash_runtime::local::{CallError, HostOptions, LocalHost, NoRoutes};
use wash_runtime::workload::{
    Drive, Entry, Grant, LimitNames, Limits, Member as Granted, MemberSettings, StartError,
    Workload,
};

use super::{Manifest, Store};
use crate::console::Console;
use crate::linker;
use crate::linker::{ComposeError, Driven, Exports, LinkFailure, LinkRequest, Member, Role};

pub const MIB: u64 = 1 << 20;

/// How long and how large a call may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// `None`: as long as it likes.
    pub time: Option<Duration>,
    /// Bytes.
    pub memory: u64,
}

pub const DESCRIBE: Bounds = Bounds {
    time: Some(Duration::from_secs(5)),
    memory: 64 * MIB,
};
pub const HOOK: Bounds = Bounds {
    time: Some(Duration::from_secs(60)),
    memory: 512 * MIB,
};
pub const RUN: Bounds = Bounds {
    time: None,
    memory: 2048 * MIB,
};

/// A component that can be called.
#[derive(Debug, Clone)]
pub struct Guest {
    name: String,
    component: Arc<[u8]>,
    grants: Vec<Grant>,
    shape: Arc<Shape>,
}

/// Why there is nothing to call.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot read the component of the plugin `{plugin}`, `{}`", path.display())]
    Read {
        plugin: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "the component of the plugin `{plugin}` was changed after it was installed: `{}` has the digest {found}, not {expected}",
        path.display()
    )]
    Changed {
        plugin: String,
        path: PathBuf,
        expected: Digest,
        found: Digest,
    },
    #[error("the plugin `{plugin}` is not a component: {reason}")]
    Shape { plugin: String, reason: ShapeError },
    #[error("the plugin `{plugin}` cannot be linked")]
    Link { plugin: String, source: LinkFailure },
    #[error("the plugin `{plugin}` cannot be linked")]
    Compose {
        plugin: String,
        source: ComposeError,
    },
}

impl Advice for OpenError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { plugin, .. } | Self::Changed { plugin, .. } => vec![format!(
                "`wash plugin upgrade {plugin}` installs it from its source again; it keeps its data and its permissions"
            )],
            Self::Shape { reason, .. } => vec![reason.hint().to_owned()],
            Self::Link { .. } | Self::Compose { .. } => Vec::new(),
        }
    }
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    #[error("{summary}")]
    Trap { summary: String, report: String },
    #[error("it called `exit` with status {0}")]
    Exit(i32),
    #[error("it took longer than {}", units::duration(*.0))]
    TooLate(Duration),
    #[error("it exports no `{0}`")]
    Missing(&'static str),
    #[error("{}", .0.told())]
    Start(StartError),
}

/// What a call is made with.
pub struct Terms {
    pub settings: MemberSettings,
    pub bounds: Bounds,
    pub console: Console,
    /// Where compiled code is kept.
    pub compiled: PathBuf,
}

impl Guest {
    /// The component of an installed plugin, if it is still what was installed.
    pub fn installed(store: &Store, manifest: &Manifest) -> Result<Self, OpenError> {
        Self::new(&manifest.name, bytes(store, manifest)?)
    }

    /// Links a component. Imports that the host does not serve become functions that say so when they are called.
    pub fn new(name: &str, bytes: Arc<[u8]>) -> Result<Self, OpenError> {
        let plugin = || name.to_owned();
        let shape = Shape::parse(&bytes).map_err(|reason| OpenError::Shape {
            plugin: plugin(),
            reason,
        })?;
        let shape = Arc::new(shape);
        let member = Member {
            name: plugin(),
            role: Role::Project,
            shape: shape.clone(),
            wiring: Default::default(),
        };
        let host = host_interfaces();
        let request = LinkRequest {
            members: std::slice::from_ref(&member),
            host: &host,
            driven: Driven::Nothing,
            exports: Exports::All,
            other_runtime: false,
            max_members: None,
            stub_missing: true,
        };
        let plan = linker::plan(&request).map_err(|source| OpenError::Link {
            plugin: plugin(),
            source,
        })?;
        let component = match plan.needs_composing() {
            false => bytes,
            true => linker::compose(&plan, &[&bytes])
                .map_err(|source| OpenError::Compose {
                    plugin: plugin(),
                    source,
                })?
                .into(),
        };
        let grants = plan.host.iter().filter_map(|import| {
            Some(Grant {
                import: import.import.clone(),
                interface: import.interface.as_ref()?.to_string(),
                member: import.member?,
            })
        });
        Ok(Self {
            name: plugin(),
            component,
            grants: grants.collect(),
            shape,
        })
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The name under which it exports an interface of this path, in a version that we know.
    pub fn export(&self, path: &str) -> Option<&str> {
        let known = |interface: &InterfaceName| {
            let version = interface.version.as_ref();
            interface.path() == path
                && version
                    .is_some_and(|v| path.starts_with("wasi:") || (v.major, v.minor) == (0, 1))
        };
        let exports = self.shape.exports.iter();
        let mut found = exports.filter(|(_, export)| export.interface.as_ref().is_some_and(known));
        found.next().map(|(name, _)| name.as_str())
    }

    /// Compiles it, for the calls to come.
    pub async fn compile(&self, compiled: PathBuf) -> Result<(), StartError> {
        let terms = Terms {
            settings: MemberSettings::default(),
            bounds: DESCRIBE,
            console: Console::silent(),
            compiled,
        };
        let host = terms.host();
        let started = host.start(self.request(&terms)).await?;
        let _ = host.stop(&started.id).await;
        Ok(())
    }

    /// Calls a function of an interface, and waits for its answer. Dropping this stops the plugin.
    pub async fn call(
        &self,
        interface: &'static str,
        function: &str,
        arguments: Vec<Value>,
        terms: Terms,
    ) -> Result<Option<Value>, CallFailure> {
        let Some(export) = self.export(interface) else {
            return Err(CallFailure::Missing(interface));
        };
        let step = Step {
            interface: Some(export.to_owned()),
            function: function.to_owned(),
            arguments,
        };
        let program = Program { steps: vec![step] };
        let host = terms.host();
        let called = async {
            let started = host.start(self.request(&terms)).await;
            let started = started.map_err(CallFailure::Start)?;
            let answer = host.call(&started.id, &program).await;
            let _ = host.stop(&started.id).await;
            answer.map_err(CallFailure::from)
        };
        match terms.bounds.time {
            None => called.await,
            Some(time) => match tokio::time::timeout(time, called).await {
                Ok(answer) => answer,
                Err(_) => Err(CallFailure::TooLate(time)),
            },
        }
    }

    fn request(&self, terms: &Terms) -> StartRequest {
        let memory = NonZeroU64::new(terms.bounds.memory).expect("the bounds are constants");
        let entry = Entry {
            name: self.name.clone(),
            component: self.component.clone(),
            members: vec![Granted {
                name: self.name.clone(),
                settings: terms.settings.clone(),
            }],
            grants: self.grants.clone(),
            drive: Drive::Calls,
            limits: Limits {
                cpu_time: terms.bounds.time.unwrap_or(Duration::MAX),
                memory,
                names: LimitNames {
                    cpu_time: "".into(),
                    memory: "".into(),
                },
                ..Limits::default()
            },
        };
        let workload = Workload {
            name: self.name.clone(),
            entries: vec![entry],
        };
        StartRequest {
            workload,
            replaces: None,
        }
    }
}

impl Terms {
    fn host(&self) -> LocalHost {
        LocalHost::new(HostOptions {
            cache_dir: Some(self.compiled.clone()),
            events: self.console.events(),
            routes: Arc::new(NoRoutes),
        })
    }
}

impl From<CallError> for CallFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Exit(status) => Self::Exit(status),
            CallError::Trap { summary, report } => Self::Trap { summary, report },
            gone @ (CallError::NothingToCall(_) | CallError::NoSuchWorkload(_)) => Self::Trap {
                summary: gone.to_string(),
                report: gone.to_string(),
            },
        }
    }
}

/// The component of an installed plugin, if it is still what was installed.
pub fn bytes(store: &Store, manifest: &Manifest) -> Result<Arc<[u8]>, OpenError> {
    let path = store.component_path(&manifest.digest);
    let plugin = manifest.name.clone();
    let bytes = match files::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => {
            return Err(OpenError::Read {
                plugin,
                path,
                source,
            });
        }
    };
    let found = manifest.digest.of_same_kind(&bytes);
    if found != manifest.digest {
        let expected = manifest.digest.clone();
        return Err(OpenError::Changed {
            plugin,
            path,
            expected,
            found,
        });
    }
    Ok(bytes.into())
}
