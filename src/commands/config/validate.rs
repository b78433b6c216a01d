//! `wash config validate`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use wash_common::advice::hinted;
use wash_common::sanitize;

use super::root;
use crate::commands::{Globals, short};
use crate::completion::values;
use crate::project::{Overrides, Purpose, Verdict, Warning};
use crate::{project, report};

/// Check the configuration and report every problem
///
/// Checks everything that `wash dev` reads: the config of the project and of the projects in `dev.components`, the user's
/// config, and environment variables. With FILE, checks only that file. Exits with 1 if there are errors or unknown keys,
/// and with 0 if there are only warnings.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash config validate\n  wash config validate .wash/config.ci.yaml"
)]
pub(super) struct ValidateArgs {
    /// Check only this config file
    #[arg(value_name = "FILE", add = values::file())]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &ValidateArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let overrides = globals.overrides(Purpose::Dev)?;
    let verdict = match &args.file {
        Some(file) => {
            let file = globals.path(file)?;
            let dir = project_of(&file, globals)?;
            project::verdict_on(&file, &dir, &overrides)
        }
        None => match root(globals)? {
            Some(root) => project::verdict(&root, &overrides),
            None => return users(globals, &overrides),
        },
    };
    tell(&verdict.map_err(hinted)?, globals)
}

/// The project that paths in a config file are relative to: that in whose `.wash` it lies, or the one we are in.
fn project_of(file: &Path, globals: &Globals) -> anyhow::Result<PathBuf> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    match (dir.file_name(), dir.parent()) {
        (Some(name), Some(above)) if name == ".wash" => Ok(above.to_path_buf()),
        _ => match root(globals)? {
            Some(root) => Ok(root),
            None => Ok(globals.here()?),
        },
    }
}

/// Without a project there is the user's config alone.
fn users(globals: &Globals, overrides: &Overrides) -> anyhow::Result<ExitCode> {
    let file = project::user_config_file(overrides).filter(|file| file.is_file());
    let verdict = match file {
        Some(file) => project::verdict_on(&file, &globals.here()?, overrides).map_err(hinted)?,
        None => Verdict::default(),
    };
    tell(&verdict, globals)
}

fn tell(verdict: &Verdict, globals: &Globals) -> anyhow::Result<ExitCode> {
    let wrong = verdict.problems.len() + verdict.unknown.len();
    let data = json!({
        "files": verdict.files.iter().map(report::json_path).collect::<Vec<_>>(),
        "problems": all(&verdict.problems),
        "unknown_keys": all(&verdict.unknown),
        "warnings": all(&verdict.warnings),
    });
    let mut text = String::new();
    lines(&mut text, "error", &verdict.problems);
    lines(&mut text, "error", &verdict.unknown);
    lines(&mut text, "warning", &verdict.warnings);
    let text = text.trim_end();
    if wrong > 0 {
        let message = match wrong {
            1 => "the configuration has a problem".to_string(),
            several => format!("the configuration has {several} problems"),
        };
        report::incomplete(globals.output, text, &message, data)?;
        return Ok(ExitCode::FAILURE);
    }
    let files: Vec<String> = verdict.files.iter().map(|file| short(file)).collect();
    let fine = match files.as_slice() {
        [] => "no config file (none is required)".to_string(),
        files => format!("no problems in {}", files.join(", ")),
    };
    let text = match text.is_empty() {
        true => fine.clone(),
        false => format!("{text}\n{fine}"),
    };
    report::success(globals.output, &text, "valid", data)?;
    Ok(ExitCode::SUCCESS)
}

fn all(found: &[Warning]) -> Vec<Json> {
    let found = found.iter();
    let one = |found: &Warning| {
        json!({
            "file": report::json_path(&found.file),
            "line": found.line,
            "message": found.message,
            "hint": found.hint,
        })
    };
    found.map(one).collect()
}

fn lines(text: &mut String, label: &str, found: &[Warning]) {
    for warning in found {
        let shown = Warning {
            file: short(&warning.file).into(),
            ..warning.clone()
        };
        let shown = shown.to_string();
        let _ = writeln!(text, "{label}: {}", sanitize::line(&shown));
        if let Some(hint) = &warning.hint {
            let _ = writeln!(text, "  hint: {}", sanitize::hint(hint));
        }
    }
}
