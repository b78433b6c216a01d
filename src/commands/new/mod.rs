//! `wash new`

mod ask;
mod list;
mod made;

use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{Globals, Stopped, prompt, stop_signal};
use crate::completion::values;
use crate::template::bundled::Template;
use crate::template::name::Name;
use crate::template::source::{Source, What};
use crate::template::{Place, TemplateError, bundled, name, source, workspace};
use crate::{project, report, template};
use made::Made;
use wash_common::advice::hinted;
use wash_common::{advice, sanitize};

/// Create a project from a template
///
/// The template is a built-in one (see `wash new --list`), a git repository, or a directory. Built-in templates need no
/// network. On a terminal, `wash new` asks for what is missing.
///
/// Creates a directory for the project in the current directory, or in that of -C. With `.`, creates the project in that
/// directory itself, which must be empty. Never overwrites files, and leaves nothing behind if it fails. Inside a cargo
/// workspace, a Rust project is added to its members. From a git repository, copies the files of one commit, without
/// history. Runs a command of the template (`new.command` in its .wash/config.yaml) only if you agree.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash new\n  wash new hello --template http\n  wash new --list\n  wash new https://github.com/me/templates --subfolder api --name orders\n  wash new ../templates/api --name orders"
)]
pub struct NewArgs {
    /// Project name, `.` for the current directory, or template location: URL, HOST:PATH, OWNER/REPOSITORY, ./DIRECTORY
    #[arg(value_name = "NAME|SOURCE", add = values::directory())]
    what: Option<String>,
    /// Name of a built-in template
    #[arg(long, alias = "template-name", value_name = "TEMPLATE", add = values::templates(), conflicts_with_all = ["subfolder", "git_ref"])]
    template: Option<String>,
    /// Project name [default: the last part of the template's location]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Directory of the template in the repository
    #[arg(long, value_name = "DIR")]
    subfolder: Option<String>,
    /// Branch, tag or commit [default: HEAD]
    #[arg(long, alias = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// Run the template's command without asking
    #[arg(short, long, conflicts_with = "skip_command")]
    yes: bool,
    /// Don't run the template's command
    #[arg(long)]
    skip_command: bool,
    /// List the built-in templates
    #[arg(long, conflicts_with_all = ["what", "template", "name", "subfolder", "git_ref", "yes", "skip_command"])]
    list: bool,
}

impl NewArgs {
    /// The project is to be created in the current directory itself, which is not a template.
    fn is_here(&self) -> bool {
        let is_template = self.name.is_some() || self.subfolder.is_some() || self.git_ref.is_some();
        let is_current = self
            .what
            .as_deref()
            .is_some_and(|what| matches!(what, "." | "./"));
        is_current && (self.template.is_some() || !is_template)
    }
}

/// Everything that was to be decided.
enum Wanted {
    Bundled(&'static Template, Name),
    Elsewhere { source: Source, name: String },
}

pub async fn run(args: NewArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    if args.list {
        return list::show(globals.output);
    }
    // From here on nothing is left behind, whatever ends the command.
    let cancel = CancellationToken::new();
    let stop = stop_signal()?;
    let mut creating = pin!(create(&args, globals, &cancel));
    let stopped: Stopped = tokio::select! {
        done = &mut creating => return done,
        stopped = stop => stopped,
    };
    cancel.cancel();
    // A question is given up; a program that runs is ended.
    match creating.await {
        Ok(code) => Ok(code),
        Err(_) => Err(stopped.into()),
    }
}

async fn create(
    args: &NewArgs,
    globals: &Globals,
    cancel: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let here = globals.here()?;
    let wanted = decide(args, &here).await?;
    let name = match &wanted {
        Wanted::Bundled(_, name) => name.as_str(),
        Wanted::Elsewhere { name, .. } => name,
    };
    let place = match (&wanted, args.is_here()) {
        (Wanted::Bundled(..), true) => Place::here(&here),
        _ => Place::reserve(&here, name),
    };
    let place = place.map_err(hinted)?;
    let commit = match &wanted {
        Wanted::Bundled(template, name) => {
            template::from_bundled(template, name, &place)
                .await
                .map_err(hinted)?;
            None
        }
        Wanted::Elsewhere { source, .. } => {
            let progress = prompt::somebody_is_there() && !globals.quiet;
            if let (Source::Repository(_), true) = (source, progress) {
                report::info(&format!("fetching {source}"));
            }
            let (subfolder, git_ref) = (args.subfolder.as_deref(), args.git_ref.as_deref());
            template::from_source(source, subfolder, git_ref, &place, cancel)
                .await
                .map_err(hinted)?
        }
    };
    let command = project::set_up_command(&place.dir());
    let command = command.map_err(|error| hinted(TemplateError::Config(error)))?;
    let agreed = match &command {
        Some(command) if !args.skip_command => {
            let comes_with_wash = matches!(wanted, Wanted::Bundled(..));
            args.yes || ask::may_run(command, comes_with_wash).await?
        }
        _ => false,
    };
    if cancel.is_cancelled() {
        return Err(TemplateError::Cancelled.into());
    }
    let settled = place.settle().map_err(hinted)?;
    if let (Some(command), true) = (&command, agreed) {
        if !globals.quiet {
            report::info(&format!("running `{}`", sanitize::escape(command)));
        }
        template::set_up(command, &settled, &globals.tool_output(), cancel)
            .await
            .map_err(hinted)?;
    }
    let path = settled.keep();
    let workspace = workspace::join(&path).unwrap_or_else(|error| {
        let message = format!("the project was not added to the cargo workspace above it: {error}");
        report::warn(&message, None);
        None
    });
    let made = Made {
        wanted: &wanted,
        commit,
        workspace,
        command,
        ran: agreed,
    };
    made.show(&path, globals)?;
    Ok(ExitCode::SUCCESS)
}

/// From the arguments, and from the answers of whoever sits at the terminal.
async fn decide(args: &NewArgs, here: &Path) -> anyhow::Result<Wanted> {
    if let Some(template) = &args.template {
        let template = bundled::find(template);
        let template = template.ok_or_else(|| {
            TemplateError::NoSuchTemplate(args.template.clone().unwrap_or_default())
        });
        return with_template(args, template.map_err(hinted)?, here).await;
    }
    if args.is_here() {
        let template = ask::template(here.file_name().and_then(|name| name.to_str())).await?;
        return with_template(args, template, here).await;
    }
    let elsewhere = args.subfolder.is_some() || args.git_ref.is_some() || args.name.is_some();
    let what = match &args.what {
        Some(what) => Some(source::read(what, elsewhere, here).map_err(hinted)?),
        None => None,
    };
    match what {
        Some(What::Source(source)) => {
            let last = args.subfolder.as_deref().and_then(last_name);
            let name = args.name.as_deref().or(last).or(source.name());
            let name = name.unwrap_or_default().to_string();
            name::directory(&name).map_err(|error| hinted(TemplateError::Name(error)))?;
            Ok(Wanted::Elsewhere { source, name })
        }
        _ => {
            let name = args.what.as_deref().or(args.name.as_deref());
            let template = ask::template(name).await?;
            with_template(args, template, here).await
        }
    }
}

fn last_name(subfolder: &str) -> Option<&str> {
    Path::new(subfolder).file_name()?.to_str()
}

async fn with_template(
    args: &NewArgs,
    template: &'static Template,
    here: &Path,
) -> anyhow::Result<Wanted> {
    let name_of_here = || {
        let name = here.file_name().unwrap_or_default();
        Some(name.to_string_lossy().into_owned())
    };
    let (what, name) = match args.is_here() {
        true => (None, args.name.clone().or_else(name_of_here)),
        false => (args.what.clone(), args.name.clone()),
    };
    let name = match (&what, &name) {
        (Some(what), Some(name)) => {
            let twice = format!("two project names given: `{what}` and `--name {name}`");
            return Err(advice::usage(twice));
        }
        (Some(name), None) | (None, Some(name)) => name.clone(),
        (None, None) => ask::name(template).await?,
    };
    let name: Name = name
        .parse()
        .map_err(|error| hinted(TemplateError::Name(error)))?;
    Ok(Wanted::Bundled(template, name))
}
