//! `wash wit init`

use std::fs;
use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::hinted;
use wash_common::atomic::write_atomic;
use wash_common::sanitize;
use wash_fetch::wit::WitError;
use wash_fetch::wit::fetch::open;
use wash_fetch::wit::source::{Source, Text};

use super::Context;
use crate::commands::short;
use crate::template::name::Name;

/// Create the WIT package of a project, with an empty world
///
/// Writes `wit/world.wit` (or to the directory in `wit.wit_dir`) with a package and an empty world; add to it with `wash
/// wit add`. Never changes existing files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit init\n  wash wit init --name orders")]
pub(super) struct InitArgs {
    /// Name of the package and its world [default: name of the directory]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn init(args: &InitArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let refuse = |message: String, hint: &str| {
        let hint = Some(hint.to_string());
        hinted(WitError::Edit { message, hint })
    };
    let dir = project.root.join(&project.wit.dir);
    if open(&project.root, &project.wit).map_err(hinted)?.is_some() {
        let message = format!("`{}` already has WIT", project.wit.dir.display());
        return Err(refuse(
            message,
            "add an interface: wash wit add wasi:keyvalue/store",
        ));
    }
    let given = args.name.clone();
    let of_root = || project.root.file_name()?.to_str().map(str::to_lowercase);
    let name = given.clone().or_else(of_root).unwrap_or_default();
    let name = match (name.parse::<Name>(), given) {
        (Ok(name), _) => name.wit_name(),
        (Err(error), Some(_)) => {
            return Err(refuse(error.to_string(), "wash wit init --name NAME"));
        }
        // A directory may have any name.
        (Err(_), None) => "app".to_string(),
    };
    let path = dir.join("world.wit");
    fs::create_dir_all(&dir)?;
    // `%` makes a name of a word that means something in WIT.
    let text = format!("package local:{name};\n\nworld %{name} {{\n}}\n");
    let plain = text.replace('%', "");
    let is_plain = Source::new(dir, vec![Text::new("world.wit", &plain)])
        .parse()
        .is_ok();
    let text = if is_plain { plain } else { text };
    write_atomic(&path, text.as_bytes())?;
    let mut lines = vec![
        format!("{}: world `{name}`", short(&path)),
        String::new(),
        "  wash wit add NAMESPACE:NAME/INTERFACE".to_string(),
    ];
    if project.root.join("Cargo.toml").is_file() {
        lines.push("  cargo add wit-bindgen".to_string());
        lines.push(String::new());
        lines.push("and in the source `wit_bindgen::generate!({ generate_all });`".to_string());
    }
    let data = json!({ "file": path.to_string_lossy(), "world": name });
    project.print(&sanitize::lines(&lines), "written", data)
}
