//! `wash config init`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::atomic::write_atomic;
use wash_common::shell::shell_quote;
use wash_component::Shape;

use super::root;
use crate::commands::{Globals, short};
use crate::project::starter::Starter;
use crate::project::{Purpose, keys, starter};
use crate::{build, project, report};

/// Write a starter config file
///
/// Writes `.wash/config.yaml` with the detected settings of the project as comments: the file has no effect until you
/// uncomment something. If the component is built, includes settings for its interfaces. If the kind of project is not
/// recognized, adds a `build` section to fill in. Also writes the JSON Schema of the config next to it, for editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash config init\n  wash config init --user")]
pub(super) struct InitArgs {
    /// Write the user's config file, which applies to all projects
    #[arg(long)]
    user: bool,
    /// Overwrite an existing config file
    #[arg(long)]
    force: bool,
}

#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("`{}` already exists", .0.display())]
    IsThere(PathBuf),
    /// The new file would be read, and the other no more.
    #[error("`{}` already exists, and would no longer be read", .0.display())]
    OtherFormat(PathBuf),
    #[error("cannot find the config directory: HOME is not set")]
    NoHome,
}

impl Advice for InitError {
    fn hints(&self) -> Vec<String> {
        match self {
            InitError::IsThere(_) => {
                vec!["`wash config show` prints it; --force replaces it".to_string()]
            }
            InitError::OtherFormat(path) => {
                let rm = shell_quote(&["rm", &path.to_string_lossy()]);
                vec![format!("remove it first: {rm}")]
            }
            InitError::NoHome => vec!["set HOME, or name the file: --user-config FILE".to_string()],
        }
    }

    fn fault(&self) -> ErrorClass {
        match self {
            InitError::IsThere(_) | InitError::OtherFormat(_) => ErrorClass::Input,
            InitError::NoHome => ErrorClass::Environment,
        }
    }
}

pub(super) fn run(args: &InitArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.user {
        true => of_user(args, globals),
        false => of_project(args, globals),
    }
}

fn of_user(args: &InitArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let overrides = globals.overrides(Purpose::Dev)?;
    let file = project::user_config_file(&overrides).ok_or_else(|| hinted(InitError::NoHome))?;
    let file = match file.exists() {
        true => allowed(args, [file.clone()].into_iter(), file)?,
        false => file,
    };
    let schema = write(&file, &starter::for_user())?;
    let text = format!("wrote {}\nwrote {}", short(&file), short(&schema));
    let data = json!({
        "path": report::json_path(&file),
        "schema": report::json_path(&schema),
        "kind": null,
        "built": null,
    });
    report::success(globals.output, &text, "wrote the user's config", data)?;
    Ok(ExitCode::SUCCESS)
}

fn of_project(args: &InitArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let dir = match root(globals)? {
        Some(root) => root,
        None => fs::canonicalize(globals.here()?)?,
    };
    let file = allowed(
        args,
        project::config_files(&dir),
        dir.join(".wash/config.yaml"),
    )?;
    let found = project::detected(&dir).map_err(hinted)?;
    let left = found.iter().flat_map(build::left).next();
    let shape = left
        .as_ref()
        .and_then(|path| Shape::parse(&wash_common::files::read(path).ok()?).ok());
    let built = left.as_ref().zip(shape.as_ref());
    let below = |path: &PathBuf| path.strip_prefix(&dir).unwrap_or(path).to_path_buf();
    let built = built.map(|(path, shape)| (below(path), shape));
    let name = match &found {
        Some(project) => project.name.clone(),
        None => dir
            .file_name()
            .map_or("app".into(), |name| name.to_string_lossy().into_owned()),
    };
    let starter = Starter {
        name: &name,
        project: found.as_ref(),
        built: built.as_ref().map(|(path, shape)| (path.as_path(), *shape)),
    };
    let schema = write(&file, &starter.text())?;
    let kind = found.as_ref().map(|project| project.build.kind.name());
    let mut text = format!("wrote {}\nwrote {}", short(&file), short(&schema));
    if kind.is_none() {
        text.push_str("\nthe project's build is not recognized: set `build.command` and `build.component_path`");
    }
    let built = built.map(|(path, _)| dir.join(path));
    let data = json!({
        "path": report::json_path(&file),
        "schema": report::json_path(&schema),
        "kind": kind,
        "built": report::json_path_or_null(built),
    });
    report::success(globals.output, &text, "wrote the project's config", data)?;
    Ok(ExitCode::SUCCESS)
}

/// The file to write, unless one is there and nobody said that it may be replaced.
fn allowed(
    args: &InitArgs,
    mut present: impl Iterator<Item = PathBuf>,
    file: PathBuf,
) -> anyhow::Result<PathBuf> {
    // A link that points nowhere is something, too.
    match present.find(|path| path.symlink_metadata().is_ok()) {
        Some(path) if !args.force => Err(hinted(InitError::IsThere(path))),
        Some(path) if path != file => Err(hinted(InitError::OtherFormat(path))),
        _ => Ok(file),
    }
}

/// Writes the file, and the schema that it names beside it.
fn write(file: &Path, text: &str) -> anyhow::Result<PathBuf> {
    use anyhow::Context as _;
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
    }
    let schema = file.with_file_name(keys::SCHEMA_FILE);
    write_atomic(&schema, format!("{:#}\n", keys::schema()).as_bytes())?;
    write_atomic(file, text.as_bytes())?;
    Ok(schema)
}
