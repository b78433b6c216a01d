//! `wash wit fetch`, `update` and `clean`

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::sanitize;
use wash_fetch::wit::fetch::open;
use wash_fetch::wit::lock::Lock;
use wash_fetch::wit::name::{Target, is_same_package};
use wash_fetch::wit::resolve::{ASK_AGAIN, Keep};
use wash_fetch::wit::source::Source;
use wash_fetch::wit::{Overrides, WitError, bundle, fetch, source, store};

use super::{Context, data, lines};
use crate::completion::values;
use crate::report;

/// Fetch packages that are missing in `wit/deps`
///
/// Keeps existing packages, and updates copies of local packages (`path` in wkg.toml). If any package cannot be fetched,
/// changes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit fetch\n  wash wit fetch --clean\n  wash wit fetch --offline"
)]
pub(super) struct FetchArgs {
    /// Fetch everything again, and remove unneeded packages
    #[arg(long)]
    clean: bool,
}

pub(super) async fn fetch(args: FetchArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    // A project without WIT needs none: build scripts call this for all of theirs.
    let Some(folder) = open(&project.root, &project.wit).map_err(hinted)? else {
        let dir = project.wit.dir.display();
        let text = match deeper(&project.root.join(&project.wit.dir)) {
            None => format!("nothing to fetch: no WIT in `{dir}`"),
            Some(folder) => format!(
                "nothing to fetch: no WIT in `{dir}` itself, but in `{dir}/{folder}`; `wit.wit_dir` in .wash/config.yaml may name that folder"
            ),
        };
        return project.print(
            &sanitize::line(&text),
            "nothing to fetch",
            json!({ "written": [], "removed": [], "lock_written": false }),
        );
    };
    let keep = if args.clean { Keep::Nothing } else { Keep::All };
    let fetched = fetch::fetch(&project.root, &project.wit, &folder, keep);
    let mut fetched = fetched.await.map_err(hinted)?;
    if args.clean {
        fetched.removed = fetch::prune(&project.folder()?).map_err(hinted)?;
    }
    warn_unsure(&fetched);
    let text = match fetched.is_empty() {
        true if !fetched.unsure.is_empty() => "nothing was fetched".to_string(),
        true => "nothing to fetch: no packages are missing".to_string(),
        false => sanitize::lines(lines(&fetched)),
    };
    project.print(&text, "fetched", data(&fetched))
}

/// Tells of what may be less than there is, as nobody could be asked.
fn warn_unsure(fetched: &fetch::Fetched) {
    for unsure in &fetched.unsure {
        let message = format!(
            "{} in deps may have only what {} uses: {}",
            unsure.package,
            unsure.needed_by,
            unsure.tried.join("; ")
        );
        report::warn(&message, Some(ASK_AGAIN));
    }
}

/// A folder with WIT inside one that has none of its own.
fn deeper(dir: &Path) -> Option<String> {
    let folders = source::entries(dir)
        .ok()?
        .into_iter()
        .filter(|path| path.is_dir());
    let mut names = folders.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_string();
        let has_wit =
            name != "deps" && Source::read(&path, &name).is_ok_and(|found| found.is_some());
        has_wit.then_some(name)
    });
    names.next()
}

/// Fetch packages again, including those pinned in `wkg.lock`
///
/// References name exact versions, so this updates packages whose contents changed under the same version, such as
/// drafts, and reverts manual changes in `wit/deps`. To use another version, change it in the world.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit update\n  wash wit update wasi:keyvalue")]
pub(super) struct UpdateArgs {
    /// Update only this package [default: all]
    #[arg(value_name = "PACKAGE", add = values::packages())]
    package: Option<String>,
}

pub(super) async fn update(args: UpdateArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let folder = project.folder()?;
    let keep = match args.package.as_deref().map(str::parse::<Target>) {
        None => Keep::Nothing,
        Some(target) => {
            let package = target
                .map_err(|error| hinted(WitError::from(error)))?
                .package;
            let keep = Keep::AllBut(package.clone());
            let referred = folder
                .sources()
                .flat_map(Source::needs)
                .any(|need| !keep.keeps(&need.package));
            if !referred {
                return Err(hinted(WitError::Edit {
                    message: format!(
                        "nothing in `{}` refers to `{package}`",
                        project.wit.dir.display()
                    ),
                    hint: Some(format!("add it: wash wit add {package}")),
                }));
            }
            keep
        }
    };
    let fetched = fetch::fetch(&project.root, &project.wit, &folder, keep)
        .await
        .map_err(hinted)?;
    warn_unsure(&fetched);
    let text = match fetched.is_empty() {
        true if !fetched.unsure.is_empty() => "nothing was fetched".to_string(),
        true => "everything is up to date".to_string(),
        false => sanitize::lines(lines(&fetched)),
    };
    project.print(&text, "updated", data(&fetched))
}

/// Remove `wit/deps`
///
/// Removes only packages that can be fetched again; --force removes all. Keeps `wkg.lock`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit clean\n  wash wit clean --force")]
pub(super) struct CleanArgs {
    /// Also remove packages that cannot be fetched again
    #[arg(long)]
    force: bool,
}

pub(super) fn clean(args: &CleanArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let Some(folder) = open(&project.root, &project.wit).map_err(hinted)? else {
        return project.print(
            "nothing to remove",
            "removed",
            json!({ "removed": [], "kept": [] }),
        );
    };
    let lock = Lock::read(&project.root).map_err(|error| hinted(WitError::from(error)))?;
    let overrides = Overrides::read(&project.root).map_err(hinted)?;
    let again = |source: &Source| {
        let known = |package| {
            bundle::find(package).is_some()
                || overrides.of(package).is_some()
                || project.wit.source_of(package).is_some()
                || lock
                    .packages()
                    .any(|locked| is_same_package(&locked, package) && locked == *package)
        };
        source.packages().iter().all(known)
    };
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    for source in &folder.deps {
        let name = source.file_name();
        match args.force || again(source) {
            true => {
                store::remove(source).map_err(hinted)?;
                removed.push(name);
            }
            false => kept.push(name),
        }
    }
    if kept.is_empty() {
        // Whatever else is there is somebody's.
        let _ = std::fs::remove_dir(folder.deps_dir());
    }
    let mut text: Vec<String> = removed.iter().map(|name| format!("- {name}")).collect();
    text.extend(
        kept.iter()
            .map(|name| format!("kept {name}: it cannot be fetched again (--force removes it)")),
    );
    if text.is_empty() {
        text.push("nothing to remove".to_string());
    }
    project.print(
        &sanitize::lines(&text),
        "removed",
        json!({ "removed": removed, "kept": kept }),
    )
}
