//! `wash inspect`

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use serde_json::json;
use wash_common::advice::{Advice, hinted};
use wash_common::atomic::write_atomic;
use wash_common::{advice, files};
use wash_component::{Shape, ShapeError};
use wash_runtime::workload::Drive;

use super::gather::Named;
use super::oci::AccessArgs;
use super::{Globals, gather};
use crate::completion::values;
use crate::dev::once::Components;
use crate::dev::{Entries, Wanted, neighbours};
use crate::inspect::file::Overview;
use crate::inspect::view::{Entry, Plan};
use crate::inspect::{file, graph, survey, text, view, why};
use crate::linker::{Driven, Exports, LinkRequest, Problem};
use crate::project::{Image, Overrides, ProjectError, Purpose};
use crate::report;
use crate::report::OutputFormat;

/// Show what a component is and what provides its imports
///
/// For a file, shows whether it is a component, a core module or a WIT package; its size, language and tools; its imports
/// and what provides them; its exports and what calls them. Builds a project first, with the components in
/// `dev.components`.
///
/// With `--plan`, shows how the components of a project, or the given files, are linked and why, what the host must
/// provide, and every problem; exits with 1 if there are problems. Among several files, the one that handles HTTP
/// requests or runs as a command is treated as the project, or else the first that no other file needs. `docs/inspect.md`
/// describes the output of `-o json`, and `docs/inspect-plan.md` that of `--plan -o json`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash inspect app.wasm\n  wash inspect --wit app.wasm\n  wash inspect --why wasi:filesystem app.wasm\n  wash inspect ghcr.io/me/app:0.1.0\n  wash inspect --plan\n  wash inspect --plan app.wasm greeter.wasm\n  wash inspect --graph plan.svg\n  wash inspect --graph dot | dot -Tpng > plan.png"
)]
pub struct InspectArgs {
    /// Component files, a project directory, REGISTRY/REPOSITORY:TAG, or plugin:NAME [default: current directory]
    #[arg(value_name = "PATH", add = values::inspected())]
    paths: Vec<PathBuf>,
    /// Show how components are linked, the reason for each link, and every problem
    #[arg(long)]
    plan: bool,
    /// Draw the plan to FILE.svg or FILE.dot, or to stdout with `svg` or `dot`
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(Picture::parse), add = values::picture())]
    graph: Option<Picture>,
    /// Replace missing imports with stubs that trap when called
    #[arg(long)]
    stub_missing: bool,
    /// Print the world of the component as WIT
    #[arg(long, conflicts_with_all = ["plan", "graph"])]
    wit: bool,
    /// Explain why an interface, or any interface of a package, is imported
    #[arg(long, value_name = "INTERFACE", add = values::interfaces(), conflicts_with_all = ["plan", "graph", "wit"])]
    why: Option<String>,
    /// Use this config file instead of the project's
    #[arg(long, value_name = "FILE", add = values::file())]
    config: Option<PathBuf>,
    /// Path of the built component, relative to the project
    #[arg(long, value_name = "FILE", add = values::wasm_file())]
    artifact_path: Option<String>,
    #[command(flatten)]
    access: AccessArgs,
}

/// Where a picture goes, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    /// `None`: stdout.
    file: Option<PathBuf>,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Svg,
    Dot,
}

impl Picture {
    fn parse(text: OsString) -> Result<Self, String> {
        let path = Path::new(&text);
        let (file, format) = match path.extension() {
            Some(extension) => (Some(path.to_path_buf()), extension.to_string_lossy()),
            None => (None, text.to_string_lossy()),
        };
        let format = match &*format {
            "svg" => Format::Svg,
            "dot" | "gv" => Format::Dot,
            _ => return Err("expected FILE.svg, FILE.dot, `svg` or `dot`".to_string()),
        };
        Ok(Picture { file, format })
    }
}

pub async fn run(args: InspectArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut named = gather::named(&args.paths, globals)?;
    let as_plan = args.plan || args.graph.is_some();
    let single = match &mut named {
        Named::Files(files) if !as_plan => match files.as_slice() {
            [path] => {
                // Pipes and the like are refused before they are read.
                if path.exists() && !path.is_file() {
                    let special = ProjectError::NotRegular(path.clone());
                    return Err(hinted(special));
                }
                let bytes = files::read(path);
                let bytes = bytes.with_context(|| format!("cannot read `{}`", path.display()))?;
                Some((path.clone(), bytes))
            }
            _ => {
                return Err(advice::usage("cannot show several files without `--plan`"));
            }
        },
        Named::Image(image) => {
            let bytes = pull(image, &args.access, globals).await?;
            Some((image.reference.name().into(), bytes)).filter(|_| !as_plan)
        }
        _ => None,
    };
    if let Some((path, bytes)) = single {
        if args.wit {
            return show_wit(&path, &bytes, globals);
        }
        // A component is shown with who provides its imports, anything else by itself.
        match Shape::parse(&bytes) {
            Err(error) if args.why.is_some() => return Err(not_shown(&path, error)),
            Err(error) => return show_other(&path, &bytes, error, globals),
            Ok(_) => {}
        }
    }
    let overrides = Overrides {
        config: args.config.map(|file| globals.path(&file)).transpose()?,
        artifact: args.artifact_path,
        ..globals.overrides(Purpose::Dev)?
    };
    let exports = match &named {
        Named::Project(_) => Exports::Driven,
        // Nobody said that they are to be served.
        Named::Files(_) | Named::Image(_) | Named::Plugin(..) => Exports::All,
    };
    let project = gather::project(named, &overrides)?;
    let mut components = gather::build(project, args.stub_missing, globals).await?;
    components.check_code().map_err(hinted)?;
    if args.wit {
        let (_, bytes) = components.own();
        return show_wit(&components.project().root, bytes, globals);
    }
    let plan = match as_plan && exports == Exports::Driven {
        true => by_entry(&components),
        false => at_once(&components, exports),
    };
    match args.graph {
        Some(picture) => draw(&plan, &picture, args.plan, globals),
        None if as_plan => show_plan(&plan, globals),
        None => {
            let (shape, bytes) = components.own();
            let name = &components.project().name;
            if let Some(wanted) = &args.why {
                let whys = why::why(name, shape, &plan.edges, wanted).map_err(hinted)?;
                let data = json!({ "imports": whys });
                report::success(globals.output, &why::text(&whys), "inspected", data)?;
                return Ok(ExitCode::SUCCESS);
            }
            let profile = components.project().build.profile();
            let overview = Overview {
                profile: profile.map(str::to_owned),
                ..file::component(name, bytes.len(), shape, &plan.edges)
            };
            show(&overview, globals)
        }
    }
}

/// Brings an image into the cache, and names it by what it has now.
async fn pull(
    image: &mut Image,
    access: &AccessArgs,
    globals: &Globals,
) -> anyhow::Result<Vec<u8>> {
    let pulled = super::oci::pull_image(image, access, globals).await?;
    image.reference = image.reference.pinned(&pulled.digest);
    Ok(pulled.bytes)
}

/// What a session would run.
fn by_entry(components: &Components) -> Plan {
    let members = components.members();
    let Entries { wanted, problems } = components.entries(&members);
    if wanted.is_empty() {
        // The linker finds the same problems, and shows the rest.
        return at_once(components, Exports::Driven);
    }
    let several = wanted.len() > 1;
    let surveyed = wanted.iter().map(|wanted| {
        let mut survey = survey::survey(components.request(&members, wanted.driven()));
        neighbours::suggest(&mut survey.problems, &components.project().root);
        // What is found instead belongs to the other entries.
        if several && survey.problems.iter().any(Problem::is_about_driving) {
            survey.plan = None;
        }
        (entry(wanted), survey)
    });
    let surveyed: Vec<_> = surveyed.collect();
    view::view(&members, &sizes(components), &surveyed, problems)
}

/// All that can be linked with the project.
fn at_once(components: &Components, exports: Exports) -> Plan {
    let members = components.members();
    let mut survey = survey::survey(LinkRequest {
        exports,
        ..components.request(&members, Driven::Automatic)
    });
    neighbours::suggest(&mut survey.problems, &components.project().root);
    let entry = Entry {
        name: components.project().name.clone(),
        driven_by: None,
        routes: Vec::new(),
        subscriptions: Vec::new(),
        members: Vec::new(),
    };
    view::view(&members, &sizes(components), &[(entry, survey)], Vec::new())
}

fn sizes(components: &Components) -> Vec<usize> {
    let bytes = components.bytes();
    bytes.iter().map(|bytes| bytes.len()).collect()
}

fn entry(wanted: &Wanted) -> Entry {
    let (driven_by, routes, subscriptions) = match &wanted.drive {
        Drive::Http { routes } => {
            let routes = routes.iter().map(ToString::to_string);
            ("http", routes.collect(), Vec::new())
        }
        Drive::Messages { subscriptions } => ("messages", Vec::new(), subscriptions.clone()),
        Drive::Service { .. } => ("service", Vec::new(), Vec::new()),
        Drive::Calls => ("call", Vec::new(), Vec::new()),
    };
    Entry {
        name: wanted.name.clone(),
        driven_by: Some(driven_by),
        routes,
        subscriptions,
        members: Vec::new(),
    }
}

fn show_wit(path: &Path, bytes: &[u8], globals: &Globals) -> anyhow::Result<ExitCode> {
    match Shape::parse(bytes) {
        Ok(_) | Err(ShapeError::WitPackage) => {}
        Err(error) => return Err(not_shown(path, error)),
    }
    let wit =
        file::wit(bytes).with_context(|| format!("cannot show `{}` as WIT", path.display()))?;
    report::product(
        globals.output,
        wit.trim_end(),
        "inspected",
        json!({ "wit": wit }),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn show_other(
    path: &Path,
    bytes: &[u8],
    error: ShapeError,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    match file::other(&name.to_string_lossy(), bytes, error) {
        Ok(overview) => show(&overview, globals),
        Err(error) => Err(not_shown(path, error)),
    }
}

/// A file that is no component.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {reason}", .path.display())]
struct NotShown {
    path: PathBuf,
    reason: ShapeError,
}

impl Advice for NotShown {
    fn hints(&self) -> Vec<String> {
        vec![self.reason.hint().to_string()]
    }
}

fn not_shown(path: &Path, reason: ShapeError) -> anyhow::Error {
    hinted(NotShown {
        path: path.to_path_buf(),
        reason,
    })
}

fn show(overview: &Overview, globals: &Globals) -> anyhow::Result<ExitCode> {
    let text = file::text(overview);
    report::success(globals.output, &text, "inspected", json!(overview))?;
    Ok(ExitCode::SUCCESS)
}

fn show_plan(plan: &Plan, globals: &Globals) -> anyhow::Result<ExitCode> {
    let text = text::text(plan);
    if plan.linked {
        report::success(globals.output, &text, "linked", json!(plan))?;
        return Ok(ExitCode::SUCCESS);
    }
    let message = match plan.problems.len() {
        1 => "there is a problem".to_string(),
        count => format!("there are {count} problems"),
    };
    report::incomplete(globals.output, &text, &message, json!(plan))?;
    Ok(ExitCode::FAILURE)
}

/// Writes the picture, and shows the plan where that was asked for, or where there are problems to tell.
fn draw(
    plan: &Plan,
    picture: &Picture,
    shown: bool,
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let drawn = graph::graph(plan);
    let text = match picture.format {
        Format::Svg => graph::svg(&drawn),
        Format::Dot => graph::dot(&drawn),
    };
    match &picture.file {
        Some(file) => write_atomic(&globals.path(file)?, text.as_bytes())?,
        None if globals.output == OutputFormat::Json => {
            return Err(advice::usage(
                "cannot write both the graph and JSON to stdout: write the graph to a file, `--graph FILE`",
            ));
        }
        None => {
            report::product(OutputFormat::Text, text.trim_end(), "", json!(null))?;
            return Ok(match plan.linked {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            });
        }
    }
    if shown || !plan.linked || globals.output == OutputFormat::Json {
        return show_plan(plan, globals);
    }
    Ok(ExitCode::SUCCESS)
}
