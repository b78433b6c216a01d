//! `wash wit add` and `remove`

use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::sanitize;
use wash_fetch::wit::add::Wanted;
use wash_fetch::wit::name::Target;
use wash_fetch::wit::{WitError, add};

use super::{Context, data, lines};
use crate::completion::values;

/// Add a package or an interface to a world
///
/// For an interface (`wasi:keyvalue/store`), adds an import, or an export with --export. For a package, includes its
/// world `imports`. The default version is the one that the project uses of this package or its namespace; else that of a
/// directory in wkg.toml, in the config or in a component of `dev.components`; else the newest built into wash that has
/// the interface; else the newest in the registry. The rest of the file stays unchanged.
///
/// Fetches the package and checks everything before writing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit add wasi:keyvalue/store@0.2.0-draft\n  wash wit add wasi:logging/logging --world app\n  wash wit add --export wasmcloud:messaging/handler@0.2.0"
)]
pub(super) struct AddArgs {
    /// NAMESPACE:NAME[/INTERFACE][@VERSION]
    #[arg(value_name = "PACKAGE", add = values::published())]
    package: String,
    /// World to add it to, if there are several
    #[arg(long, value_name = "NAME", add = values::worlds())]
    world: Option<String>,
    /// Export the interface instead of importing it
    #[arg(long)]
    export: bool,
}

pub(super) async fn add(args: AddArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let wanted = Wanted {
        target: target(&args.package)?,
        world: args.world,
        export: args.export,
    };
    let added = add::add(&project.root, &project.wit, project.folder()?, &wanted)
        .await
        .map_err(hinted)?;
    let mut text = vec![match added.was_there {
        true => format!("{} already has `{}`", added.file, added.line),
        false => format!("{}: {}", added.file, added.line),
    }];
    text.extend(lines(&added.fetched));
    let data = json!({
        "file": added.file,
        "line": added.line,
        "was_there": added.was_there,
        "fetched": data(&added.fetched),
    });
    project.print(&sanitize::lines(&text), "added", data)
}

/// Remove a package or an interface from all worlds
///
/// Removes its imports, exports and includes, and packages in `wit/deps` that are no longer needed. The rest of the files
/// stays unchanged. Remove any `use` of its types yourself; the error lists their locations.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit remove wasi:keyvalue\n  wash wit remove wasi:keyvalue/atomics"
)]
pub(super) struct RemoveArgs {
    /// NAMESPACE:NAME[/INTERFACE][@VERSION]
    #[arg(value_name = "PACKAGE", add = values::needed_packages())]
    package: String,
}

pub(super) fn remove(args: &RemoveArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let removed = add::remove(
        &project.root,
        &project.wit,
        project.folder()?,
        &target(&args.package)?,
    )
    .map_err(hinted)?;
    let mut text: Vec<String> = removed
        .files
        .iter()
        .map(|(file, lines)| {
            format!(
                "{file}: {lines} {} removed",
                if *lines == 1 { "line" } else { "lines" }
            )
        })
        .collect();
    text.extend(removed.packages.iter().map(|name| format!("- {name}")));
    let files: Vec<_> = removed
        .files
        .iter()
        .map(|(file, lines)| json!({ "file": file, "lines": lines }))
        .collect();
    project.print(
        &sanitize::lines(&text),
        "removed",
        json!({ "files": files, "removed": removed.packages }),
    )
}

fn target(text: &str) -> anyhow::Result<Target> {
    text.parse().map_err(|error| hinted(WitError::Name(error)))
}
