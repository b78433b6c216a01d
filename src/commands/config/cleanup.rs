//! `wash config cleanup`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use wash_common::advice::hinted;
use wash_common::folders::cleanup;
use wash_common::folders::cleanup::{Cache, Found};
use wash_common::units::size;

use super::root;
use crate::commands::{Globals, prompt, short};
use crate::dev::reset;
use crate::dev::reset::Kept;
use crate::inspect::table;
use crate::report;

/// Remove caches
///
/// Removes compiled code and downloads from registries, after asking; they are created again when needed. Removes data
/// that the project stores only with `--state` or `--all`. Skips what a running session uses.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash config cleanup --dry-run\n  wash config cleanup --oci\n  wash config cleanup --all --yes"
)]
pub(super) struct CleanupArgs {
    /// Remove compiled code only
    #[arg(long)]
    compiled: bool,
    /// Remove components from registries only
    #[arg(long)]
    oci: bool,
    /// Remove WIT packages from registries only
    #[arg(long)]
    wit: bool,
    /// Remove all caches (default)
    #[arg(long)]
    cache: bool,
    /// Remove the data that the project stores in `.wash/state`
    #[arg(long)]
    state: bool,
    /// Remove all caches and the project's stored data
    #[arg(long)]
    all: bool,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Don't ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

/// Something that may be removed.
struct Item {
    what: &'static str,
    about: &'static str,
    path: PathBuf,
    size: u64,
    /// Why it is not.
    left: Option<String>,
}

impl CleanupArgs {
    fn caches(&self) -> Vec<Cache> {
        let named = |cache: &Cache| match cache {
            Cache::Compiled => self.compiled,
            Cache::Oci => self.oci,
            Cache::Wit => self.wit,
        };
        let some = self.compiled || self.oci || self.wit;
        let all = self.all || self.cache || !(some || self.state);
        let caches = Cache::ALL.into_iter();
        caches.filter(|cache| all || named(cache)).collect()
    }
}

pub(super) async fn run(args: &CleanupArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let found: Vec<Found> = args
        .caches()
        .into_iter()
        .filter_map(cleanup::look)
        .collect();
    let (kept, unkept) = match args.state || args.all {
        true => state(globals)?,
        false => (None, None),
    };
    let mut items: Vec<Item> = found.iter().map(of_cache).collect();
    items.extend(kept.as_ref().map(of_state));
    let (mut items, left): (Vec<_>, Vec<_>) = items.into_iter().partition(|i| i.left.is_none());
    let mut left: Vec<Item> = left.into_iter().chain(unkept).collect();
    if items.is_empty() || args.dry_run {
        return tell(&items, &left, args.dry_run, globals);
    }
    if !args.yes {
        ask(&items, &left).await?;
    }
    for found in found.iter().filter(|found| found.left.is_none()) {
        let at = items.iter().position(|item| item.path == found.directory);
        match (cleanup::clear(found), at) {
            (Ok(size), Some(at)) => items[at].size = size,
            // It has been taken into use since we looked.
            (Err(reason), Some(at)) => {
                let item = items.remove(at);
                left.push(Item {
                    left: Some(reason.to_string()),
                    ..item
                });
            }
            (_, None) => {}
        }
    }
    if let Some(kept) = kept {
        kept.clear().map_err(hinted)?;
    }
    tell(&items, &left, false, globals)
}

/// What the project keeps, and what of it cannot be removed.
fn state(globals: &Globals) -> anyhow::Result<(Option<Kept>, Option<Item>)> {
    let Some(root) = root(globals)? else {
        return Ok((None, None));
    };
    match reset::look(&root) {
        Ok(kept) => Ok((Some(kept).filter(|kept| !kept.entries.is_empty()), None)),
        Err(error) => {
            let item = Item {
                what: "state",
                about: ABOUT_STATE,
                path: root.join(crate::dev::storage::STATE),
                size: 0,
                left: Some(error.to_string()),
            };
            Ok((None, Some(item)))
        }
    }
}

const ABOUT_STATE: &str = "what the project stores; it cannot be restored";

fn of_cache(found: &Found) -> Item {
    Item {
        what: found.cache.name(),
        about: found.cache.about(),
        path: found.directory.clone(),
        size: found.size(),
        left: found.left.as_ref().map(ToString::to_string),
    }
}

fn of_state(kept: &Kept) -> Item {
    Item {
        what: "state",
        about: ABOUT_STATE,
        path: kept.directory.clone(),
        size: kept.size(),
        left: None,
    }
}

async fn ask(items: &[Item], left: &[Item]) -> anyhow::Result<()> {
    if !prompt::somebody_is_there() {
        let names = items.iter();
        let names: Vec<String> = names
            .map(|item| format!("`{}` ({})", short(&item.path), size(item.size)))
            .collect();
        return Err(hinted(prompt::NobodyToAsk {
            question: format!("remove {}", names.join(", ")),
            hint: "use --yes to remove it without a prompt, or --dry-run to see what it is",
        }));
    }
    report::info(format!("this removes\n{}", lines(items)).trim_end());
    if !left.is_empty() {
        report::info(format!("and leaves\n{}", lines(left)).trim_end());
    }
    match prompt::confirm("remove it?", false).await? {
        true => Ok(()),
        false => anyhow::bail!("nothing was removed"),
    }
}

fn tell(
    items: &[Item],
    left: &[Item],
    dry_run: bool,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let freed: u64 = items.iter().map(|item| item.size).sum();
    let data = json!({
        "dry_run": dry_run,
        "removed": items.iter().map(Item::json).collect::<Vec<_>>(),
        "left": left.iter().map(Item::json).collect::<Vec<_>>(),
        "size": freed,
    });
    let (verb, message) = match (items.is_empty(), dry_run) {
        (true, _) => ("", "nothing to remove"),
        (false, true) => ("would remove", "nothing was removed"),
        (false, false) => ("removed", "removed"),
    };
    let mut text = match items.is_empty() {
        true => message.to_string(),
        false => format!("{verb} {}\n{}", size(freed), lines(items)),
    };
    if !left.is_empty() {
        text = format!("{}\nleft\n{}", text.trim_end(), lines(left));
    }
    report::success(globals.output, text.trim_end(), message, data)?;
    Ok(ExitCode::SUCCESS)
}

impl Item {
    fn json(&self) -> Json {
        json!({
            "what": self.what,
            "about": self.about,
            "path": report::json_path(&self.path),
            "size": self.size,
            "reason": self.left,
        })
    }
}

fn lines(items: &[Item]) -> String {
    let rows: Vec<[String; 3]> = items
        .iter()
        .map(|item| {
            let about = item.left.as_deref().unwrap_or(item.about);
            [short(&item.path), size(item.size), about.to_string()]
        })
        .collect();
    table(&rows)
}
