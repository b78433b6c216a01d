//! `project`: what there is in the current directory.

use wasmtime::component::{ComponentType, LinkerInstance, Lower};
use wasmtime::{Result, StoreContextMut};

use super::{denied, permissions};
use crate::capability::plugin::{OpenProject, ProjectInfo};
use crate::instance::State;

#[derive(ComponentType, Lower)]
#[component(record)]
struct Info {
    name: String,
    path: String,
    component: Option<String>,
    components: Vec<String>,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "no-project")]
    NoProject(String),
    #[component(name = "denied")]
    Denied(String),
}

pub(super) fn add(instance: &mut LinkerInstance<'_, State>, member: usize) -> Result<()> {
    instance.func_wrap(
        "current",
        move |store: StoreContextMut<'_, State>, (): ()| Ok((current(store.data(), member),)),
    )
}

fn current(state: &State, member: usize) -> std::result::Result<Info, Error> {
    let permissions = permissions(state, member);
    let permissions = permissions.as_deref();
    match permissions.map(|permissions| &permissions.0.project) {
        Some(OpenProject::Allowed(info)) => Ok(info.clone().into()),
        Some(OpenProject::Missing(reason)) => Err(Error::NoProject(reason.clone())),
        Some(OpenProject::Denied) | None => Err(Error::Denied(denied(
            state,
            permissions,
            "access to the project denied",
            "--project",
        ))),
    }
}

impl From<ProjectInfo> for Info {
    fn from(info: ProjectInfo) -> Self {
        let ProjectInfo {
            name,
            path,
            component,
            components,
        } = info;
        Self {
            name,
            path,
            component,
            components,
        }
    }
}
