//! The probes: guests of WASI 0.2 and 0.3 that do what the path of a request says. Each is built once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::prebuilt::build;
use crate::project::Projects;

/// Those who do the same in either version of WASI.
pub(crate) const PROBES: [&str; 2] = ["probe", "probe-p3"];

/// A project of which the component is there already, with these lines in its config besides. Unless they have a
/// `workload`, its requests may go to this machine.
pub(crate) fn project(probe: &'static str, config: &str) -> Projects {
    static BUILT: Mutex<BTreeMap<&str, Arc<[u8]>>> = Mutex::new(BTreeMap::new());
    let component = BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .entry(probe)
        .or_insert_with(|| build(&Projects::copy("http", &[probe])).into())
        .clone();
    let projects = Projects::empty();
    projects.write("app.wasm", component);
    let workload = match config.lines().any(|line| line.starts_with("workload:")) {
        true => "",
        false => "workload: { allowedHosts: [localhost, 127.0.0.1, \"*\"] }\n",
    };
    projects.write(
        ".wash/config.yaml",
        format!("name: {probe}\nbuild: {{ component_path: app.wasm }}\n{config}\n{workload}"),
    );
    projects
}
