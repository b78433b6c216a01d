//! The installed plugins that provide interfaces, for `wash dev`: each with the settings that it runs with as a member.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wash_common::advice::Advice;
use wash_component::{Shape, ShapeError};
use wash_runtime::capability::keyvalue::KeyValue;
use wash_runtime::capability::plugin::ProjectInfo;
use wash_runtime::workload::MemberSettings;

use super::grants::{Found, GrantError, Surroundings};
use super::guest::OpenError;
use super::manifest::Manifest;
use super::policy::{Policy, PolicyError};
use super::store::{Broken, Store};
use super::{grants, guest};

/// A plugin that others may import from.
#[derive(Debug, Clone)]
pub struct Offered {
    pub name: String,
    pub bytes: Arc<[u8]>,
    pub shape: Arc<Shape>,
    pub settings: MemberSettings,
}

/// Why a plugin does not take part.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error("the plugin `{plugin}` is not a component: {reason}")]
    Shape { plugin: String, reason: ShapeError },
}

impl Advice for Unusable {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Broken(broken) => vec![broken.hint()],
            Self::Policy(error) => error.hints(),
            Self::Open(error) => error.hints(),
            Self::Grant(error) => error.hints(),
            Self::Shape { reason, .. } => vec![reason.hint().to_owned()],
        }
    }
}

/// Everything that is offered to a project, and why other plugins do not take part. `data` says where a plugin keeps what
/// it keeps for this project.
pub fn offered(
    store: &Store,
    project: &str,
    root: &Path,
    data: impl Fn(&str) -> PathBuf,
) -> (Vec<Offered>, Vec<Unusable>) {
    let installed = store.installed();
    let mut unusable: Vec<Unusable> = installed.broken.into_iter().map(Unusable::from).collect();
    let mut providers = installed.plugins;
    providers.retain(|plugin| !plugin.provides.is_empty());
    if providers.is_empty() {
        return (Vec::new(), unusable);
    }
    let policy = match Policy::read(store) {
        Ok(policy) => policy,
        Err(error) => {
            unusable.push(error.into());
            return (Vec::new(), unusable);
        }
    };
    let around = Surroundings {
        directory: root.to_owned(),
        project: Ok(Found {
            root: root.to_owned(),
            info: ProjectInfo {
                name: project.to_owned(),
                path: root.display().to_string(),
                component: None,
                components: vec![project.to_owned()],
            },
        }),
    };
    let offer = |plugin: &Manifest| -> Result<Offered, Unusable> {
        let name = &plugin.name;
        let bytes = guest::bytes(store, plugin)?;
        let shape = Shape::parse(&bytes).map_err(|reason| Unusable::Shape {
            plugin: name.clone(),
            reason,
        })?;
        let decisions = policy.of(name);
        let mut settings = grants::settings(store, name, data(name), &decisions, &around)?;
        // The members of a workload share a database.
        settings.get_mut::<KeyValue>().prefix = format!("plugin-{name}-");
        Ok(Offered {
            name: name.clone(),
            bytes,
            shape: shape.into(),
            settings,
        })
    };
    let mut offered = Vec::new();
    for plugin in &providers {
        match offer(plugin) {
            Ok(plugin) => offered.push(plugin),
            Err(error) => unusable.push(error),
        }
    }
    (offered, unusable)
}
