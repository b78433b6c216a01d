//! `wash config init`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::root;
use crate::build;
use crate::commands::{Globals, short, write_file};
use crate::component::Shape;
use crate::console::pasteable;
use crate::project::starter::{self, Starter};
use crate::project::{self, Purpose, keys};
use crate::report::{self, Advice, Fault, hinted};

/// Write a starter config file
///
/// Writes `.wash/config.yaml` with what was found out about the project, as comments: the file changes nothing until
/// something in it is uncommented. When the component is built, the settings that mean something to its interfaces are there. A
/// project of which nothing says how it is built gets a `build` section to fill in. Beside it, the JSON Schema of this version of
/// `wash` is written, for editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash config init\n  wash config init --user")]
pub(super) struct InitArgs {
    /// Write the user's config file, which holds for every project, instead of the project's
    #[arg(long)]
    user: bool,
    /// Replace the config file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("there is `{}` already", .0.display())]
    IsThere(PathBuf),
    /// The new file would be read, and the other no more.
    #[error("there is `{}` already, and it would not be read any more", .0.display())]
    OtherFormat(PathBuf),
    #[error("there is no config directory: nothing says where your home is")]
    NoHome,
}

impl Advice for InitError {
    fn hints(&self) -> Vec<String> {
        match self {
            InitError::IsThere(_) => {
                vec!["`wash config show` prints it; --force replaces it".to_string()]
            }
            InitError::OtherFormat(path) => {
                let rm = pasteable(&["rm", &path.to_string_lossy()]);
                vec![format!("remove it first: {rm}")]
            }
            InitError::NoHome => vec!["set HOME, or name the file: --user-config FILE".to_string()],
        }
    }

    fn fault(&self) -> Fault {
        match self {
            InitError::IsThere(_) | InitError::OtherFormat(_) => Fault::Input,
            InitError::NoHome => Fault::Environment,
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
        .and_then(|path| Shape::parse(&crate::files::read(path).ok()?).ok());
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
        text.push_str("\nnothing says how the project is built: change `build.command` and `build.component_path` in it");
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
    write_file(&schema, format!("{:#}\n", keys::schema()).as_bytes())?;
    write_file(file, text.as_bytes())?;
    Ok(schema)
}
