//! `wash config info`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use wash_common::folders;
use wash_common::folders::cleanup::Cache;

use super::root;
use crate::commands::{Globals, short};
use crate::dev::storage::STATE;
use crate::inspect::table;
use crate::project::Purpose;
use crate::{project, report, version};

/// Show paths and the detected project type
#[derive(Debug, clap::Args)]
pub(super) struct InfoArgs {}

pub(super) fn run(_: &InfoArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let overrides = globals.overrides(Purpose::Dev)?;
    let root = root(globals)?;
    let places = Places {
        user_config: project::user_config_file(&overrides),
        cache: folders::cache(),
        data: folders::data(),
        project: root.clone(),
        config: root.as_deref().map(config_file),
        state: root.as_deref().map(|root| root.join(STATE)),
    };
    let loaded = root.as_deref().map(|root| project::load(root, &overrides));
    let (kind, problem) = match &loaded {
        None => (None, None),
        Some(Ok(project)) => (Some((project.build.kind, project.name.clone())), None),
        Some(Err(error)) => (None, Some(error.to_string())),
    };
    let version = version::VERSION;
    let mut rows = vec![row("wash", version.to_string())];
    rows.extend(version::COMMIT.map(|commit| row("commit", commit.to_string())));
    rows.extend(version::WASMTIME.map(|version| row("wasmtime", version.to_string())));
    rows.push(row("platform", version::TARGET.to_string()));
    rows.extend(places.rows());
    if let Some((kind, name)) = &kind {
        rows.push(row("it is", format!("`{name}`, {}", kind.about())));
    }
    if problem.is_some() {
        rows.push(row(
            "it is",
            "unknown: run `wash config validate` for the reason".to_string(),
        ));
    }
    let text = table(&rows);
    let data = json!({
        "version": version,
        "commit": version::COMMIT,
        "wasmtime": version::WASMTIME,
        "platform": version::TARGET,
        "user_config": place(&places.user_config),
        "cache": place(&places.cache),
        "caches": Cache::ALL.map(|cache| json!({
            "name": cache.name(),
            "path": report::json_path_or_null(cache.directory()),
            "about": cache.about(),
        })),
        "data": place(&places.data),
        "project": places.project.as_ref().map(|root| json!({
            "root": report::json_path(root),
            "name": kind.as_ref().map(|(_, name)| name),
            "kind": kind.as_ref().map(|(kind, _)| kind.name()),
            "problem": problem,
            "config": place(&places.config),
            "state": place(&places.state),
        })),
    });
    report::success(globals.output, text.trim_end(), "where everything is", data)?;
    Ok(ExitCode::SUCCESS)
}

/// Paths, existing or not. `None` for a user without a home, or where there is no project.
struct Places {
    user_config: Option<PathBuf>,
    cache: Option<PathBuf>,
    data: Option<PathBuf>,
    project: Option<PathBuf>,
    config: Option<PathBuf>,
    state: Option<PathBuf>,
}

impl Places {
    fn rows(&self) -> Vec<[String; 2]> {
        let rows = [
            ("your config", &self.user_config),
            ("caches", &self.cache),
            ("data", &self.data),
            ("project", &self.project),
            ("its config", &self.config),
            ("its state", &self.state),
        ];
        let rows = rows
            .into_iter()
            .filter_map(|(name, path)| Some((name, path.as_ref()?)));
        rows.map(|(name, path)| {
            let there = match path.exists() {
                true => "",
                false => " (missing)",
            };
            row(name, format!("{}{there}", short(path)))
        })
        .collect()
    }
}

fn row(name: &str, value: String) -> [String; 2] {
    [name.to_string(), value]
}

fn config_file(root: &Path) -> PathBuf {
    let mut files = project::config_files(root);
    let found = project::config_files(root).find(|path| path.is_file());
    found.or_else(|| files.next()).unwrap_or_default()
}

fn place(path: &Option<PathBuf>) -> Json {
    match path {
        Some(path) => json!({"path": report::json_path(path), "exists": path.exists()}),
        None => Json::Null,
    }
}
