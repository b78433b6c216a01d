//! `wash plugin allow` and `wash plugin deny`

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use wash_common::advice::{Advice, hinted};
use wash_common::{advice, sanitize};

use super::{Means, show};
use crate::commands::Globals;
use crate::completion::values;
use crate::plugin::grants::GrantError;
use crate::plugin::manifest::{Access, Manifest, Permission};
use crate::plugin::permission::PermissionError;
use crate::plugin::policy::Decisions;
use crate::plugin::{grants, install, permission};
use crate::report;

/// Grant permissions to a plugin
///
/// Permissions persist until you revoke them with `wash plugin deny` or uninstall the plugin.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin allow my --dir ~/notes:rw --host api.example.com\n  wash plugin allow my --program 'git log'\n  wash plugin allow my --all"
)]
pub(super) struct AllowArgs {
    /// Name of an installed plugin
    #[arg(value_name = "NAME", add = values::plugins())]
    name: String,
    /// Grant everything the plugin requests
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    what: PermissionArgs,
}

/// Revoke permissions, or deny requested ones
///
/// The plugin runs without them, and you are not asked again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin deny my --host api.example.com\n  wash plugin deny my --all"
)]
pub(super) struct DenyArgs {
    /// Name of an installed plugin
    #[arg(value_name = "NAME", add = values::plugins())]
    name: String,
    /// Deny everything the plugin was granted or requests
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    what: PermissionArgs,
}

// No doc comment: it would become the help of the commands.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Permissions")]
pub(super) struct PermissionArgs {
    /// Directory to read, or to change with `:rw`; the plugin sees it at the same path
    #[arg(long, value_name = "PATH[:rw]", add = values::directory())]
    dir: Vec<String>,
    /// Host to reach with HTTP and sockets: `api.example.com`, `*.example.com`, `localhost:6379`, `*`
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Environment variable to read
    #[arg(long, value_name = "VARIABLE", add = values::variable_names())]
    env: Vec<String>,
    /// Program to run, with the arguments that it must begin with: 'git log'
    #[arg(long, value_name = "COMMAND", value_hint = clap::ValueHint::CommandString)]
    program: Vec<String>,
    /// Project in the current directory, to read, or to change with `=rw`
    #[arg(long, value_name = "ACCESS", num_args = 0..=1, require_equals = true, default_missing_value = "ro")]
    project: Option<Access>,
}

impl Advice for PermissionError {}

impl PermissionArgs {
    pub(super) fn permissions(&self, globals: &Globals) -> anyhow::Result<Vec<Permission>> {
        let mut all = Vec::new();
        for text in &self.dir {
            let (path, access) = permission::directory(text);
            // A shell leaves `~:rw` and another user's home as they are.
            if path.starts_with('~') && !path.starts_with("~/") {
                return Err(hinted(PermissionError::Directory(path.to_owned())));
            }
            let path = match path.starts_with("~/") {
                true => PathBuf::from(path),
                false => permission::contracted(&plain(globals.path(Path::new(path))?)),
            };
            let path = path.to_str().map(str::to_owned);
            let path = path.with_context(|| format!("`{text}` is not UTF-8"))?;
            all.push(Permission::Directory { path, access });
        }
        all.extend(self.host.iter().cloned().map(Permission::Host));
        all.extend(self.env.iter().cloned().map(Permission::Environment));
        for text in &self.program {
            let words = permission::program(text).map_err(hinted)?;
            all.push(Permission::Program(words));
        }
        all.extend(self.project.map(Permission::Project));
        for permission in &all {
            permission.check().map_err(hinted)?;
        }
        Ok(all)
    }
}

/// A path without `.`, and without `..` where it leads somewhere.
fn plain(path: PathBuf) -> PathBuf {
    match path.components().any(|part| part == Component::ParentDir) {
        true => path.canonicalize().unwrap_or(path),
        false => path.components().collect(),
    }
}

pub(super) fn allow(args: AllowArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let manifest = install::find(means.store, &args.name).map_err(hinted)?;
    let mut permissions = args.what.permissions(means.globals)?;
    something(&permissions, args.all)?;
    if args.all {
        permissions.extend(manifest.wants.iter().map(|want| want.what.clone()));
    }
    for permission in &permissions {
        usable(permission, means, &args.name)?;
    }
    change(&manifest, means, "allowed", |decisions| {
        permissions
            .into_iter()
            .for_each(|permission| decisions.allow(permission));
    })
}

/// A directory that is to be changed is made where it is missing; one that is to be read has to be there.
fn usable(permission: &Permission, means: &Means<'_>, plugin: &str) -> anyhow::Result<()> {
    match permission {
        Permission::Directory { path, access } => {
            if let Err(source) = grants::check(means.store, plugin, permission)
                && source.is_forbidden()
            {
                let path = path.clone();
                return Err(hinted(DirectoryError::Forbidden { path, source }));
            }
            let place = permission::expanded(path);
            match (place.symlink_metadata().is_ok(), access) {
                (true, _) if !place.is_dir() => {
                    Err(hinted(DirectoryError::Kind { path: path.clone() }))
                }
                (true, _) => Ok(()),
                (false, Access::ReadOnly) => {
                    Err(hinted(DirectoryError::Missing { path: path.clone() }))
                }
                (false, Access::ReadWrite) => {
                    grants::check(means.store, plugin, permission).map_err(hinted)?;
                    let made = fs::create_dir_all(&place);
                    made.with_context(|| format!("cannot create `{path}`"))?;
                    report::info(&format!("created `{path}`"));
                    Ok(())
                }
            }
        }
        _ => Ok(()),
    }
}

/// Why a directory cannot be allowed.
#[derive(Debug, thiserror::Error)]
enum DirectoryError {
    #[error("`{path}` is not a directory")]
    Kind { path: String },
    #[error("directory `{path}` does not exist")]
    Missing { path: String },
    #[error("`{path}` cannot be allowed")]
    Forbidden { path: String, source: GrantError },
}

impl Advice for DirectoryError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Kind { .. } => Vec::new(),
            Self::Forbidden { .. } => {
                vec!["name another directory, or allow only reading it: leave out `:rw`".to_owned()]
            }
            Self::Missing { path } => {
                vec![format!("create it: mkdir -p {}", permission::home(path))]
            }
        }
    }
}

pub(super) fn deny(args: DenyArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let manifest = install::find(means.store, &args.name).map_err(hinted)?;
    let mut permissions = args.what.permissions(means.globals)?;
    something(&permissions, args.all)?;
    if args.all {
        permissions.extend(manifest.wants.iter().map(|want| want.what.clone()));
    }
    change(&manifest, means, "denied", |decisions| {
        if args.all {
            permissions.append(&mut decisions.allowed);
        }
        permissions
            .into_iter()
            .for_each(|permission| decisions.deny(permission));
    })
}

fn something(permissions: &[Permission], all: bool) -> anyhow::Result<()> {
    match permissions.is_empty() && !all {
        true => Err(advice::usage(
            "no permission given; try `--host HOST`, `--dir PATH`, `--env VARIABLE`, `--program COMMAND`, `--project` or `--all`",
        )),
        false => Ok(()),
    }
}

fn change(
    manifest: &Manifest,
    means: &Means<'_>,
    done: &str,
    change: impl FnOnce(&mut Decisions),
) -> anyhow::Result<ExitCode> {
    let store = means.store;
    let decisions = install::decide(store, &manifest.name, change).map_err(hinted)?;
    let mut lines = vec![format!("`{}` may use its own folder", manifest.name)];
    lines.extend(
        decisions
            .allowed
            .iter()
            .map(|allowed| format!("  may {allowed}")),
    );
    lines.extend(
        decisions
            .denied
            .iter()
            .map(|denied| format!("  must not {denied}")),
    );
    let data = show::data(store, manifest, &decisions);
    report::success(means.globals.output, &sanitize::lines(&lines), done, data)?;
    Ok(ExitCode::SUCCESS)
}
