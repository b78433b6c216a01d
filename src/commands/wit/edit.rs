//! `wash wit add` and `remove`

use std::process::ExitCode;

use serde_json::json;

use super::{Context, data, lines};
use crate::completion::values;
use crate::report::{hinted, sanitize};
use crate::wit::WitError;
use crate::wit::add::{self, Wanted};
use crate::wit::name::Target;

/// Add a package or an interface to a world
///
/// With an interface (`wasi:keyvalue/store`), the world imports it, or exports it with --export. With a package alone, the world
/// includes the package's world `imports`. Without a version, it is the one that the project uses of this package, or of its
/// namespace; that of a folder which wkg.toml, the config or a component of the project (`dev.components`) has it in; else the newest
/// that comes with wash and has the interface; else the newest of its registry. The rest of the file stays as it is.
///
/// The package is fetched and everything is checked before anything is written.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit add wasi:keyvalue/store@0.2.0-draft\n  wash wit add wasi:logging/logging --world app\n  wash wit add --export wasmcloud:messaging/handler@0.2.0"
)]
pub(super) struct AddArgs {
    /// NAMESPACE:NAME[/INTERFACE][@VERSION]
    #[arg(value_name = "PACKAGE", add = values::published())]
    package: String,
    /// The world to add it to, where there are several
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
        true => format!("{} has `{}` already", added.file, added.line),
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

/// Remove a package or an interface from the worlds
///
/// Removes the imports, exports and includes that name it, and the packages in `wit/deps` that nothing else needs. The rest of the
/// files stays as it is. A `use` of its types must be changed by you: it says where.
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
