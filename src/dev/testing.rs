//! Projects for the tests of this module.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wash_common::process::Command;

use crate::project::{Artifact, Build, Dev, Kind, Project};

/// A project in `root`, built with make.
pub(super) fn project(root: &str) -> Project {
    let root = PathBuf::from(root);
    Project {
        name: "app".to_string(),
        sources: vec![root.join(".wash/config.yaml"), root.join(".env")],
        build: Build {
            kind: Kind::Custom,
            command: Command::Shell("make".to_string()),
            env: BTreeMap::new(),
            watch: Vec::new(),
            artifact: Artifact::Path(root.join("app.wasm")),
        },
        dev: Dev::default(),
        wit: Default::default(),
        settings: Default::default(),
        subscriptions: Vec::new(),
        imports: BTreeMap::new(),
        warnings: Vec::new(),
        root,
    }
}
