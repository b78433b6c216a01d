//! `wash wit why` and `tree`

use std::process::ExitCode;

use serde_json::{Value, json};
use wash_common::advice::hinted;
use wash_fetch::wit::graph::{Branch, Node, Step};
use wash_fetch::wit::name::Target;
use wash_fetch::wit::{WitError, graph};

use super::Context;
use crate::completion::values;

/// Explain why a package or an interface is needed
///
/// Shows the shortest path to it from each world and interface of the project, with the location of each step.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash wit why wasi:io\n  wash wit why wasi:io/poll@0.2.2 -o json"
)]
pub(super) struct WhyArgs {
    /// NAMESPACE:NAME[/INTERFACE][@VERSION]
    #[arg(value_name = "PACKAGE", add = values::packages())]
    package: String,
}

pub(super) fn why(args: &WhyArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let target: Target = args
        .package
        .parse()
        .map_err(|error| hinted(WitError::Name(error)))?;
    let folder = project.folder()?;
    let ways = graph::ways(&folder, &target);
    if ways.is_empty() {
        let there = folder
            .defined()
            .into_keys()
            .any(|package| target.covers(&package, None));
        return Err(hinted(WitError::Edit {
            message: format!(
                "nothing in `{}` needs `{target}`",
                project.wit.dir.display()
            ),
            hint: there.then(|| {
                "it is in `deps`, but nothing needs it; to remove it: wash wit fetch --clean"
                    .to_string()
            }),
        }));
    }
    let text: Vec<String> = ways.iter().map(|way| shown(way)).collect();
    let data: Vec<Value> = ways
        .iter()
        .map(|way| way.iter().map(step).collect())
        .collect();
    project.print(&text.join("\n\n"), "why", json!({ "ways": data }))
}

fn shown(way: &[Step]) -> String {
    let mut text = way.first().map(|step| name(&step.from)).unwrap_or_default();
    for (depth, step) in way.iter().enumerate() {
        let indent = "  ".repeat(depth + 1);
        text += &format!(
            "\n{indent}{} {} ({})",
            step.keyword.as_str(),
            name(&step.to),
            step.place
        );
    }
    text
}

fn name(node: &Node) -> String {
    match (&node.package, &node.item) {
        (Some(package), Some(item)) => package.interface_id(item),
        (Some(package), None) => package.to_string(),
        (None, Some(item)) => item.clone(),
        (None, None) => "the package".to_string(),
    }
}

fn step(step: &Step) -> Value {
    json!({
        "from": name(&step.from),
        "by": step.keyword.as_str(),
        "to": name(&step.to),
        "file": step.place.file,
        "line": step.place.line,
    })
}

/// Show the dependency tree of a project's WIT
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  wash wit tree\n  wash wit tree -o json")]
pub(super) struct TreeArgs {}

pub(super) fn tree(_: &TreeArgs, project: &Context<'_>) -> anyhow::Result<ExitCode> {
    let folder = project.folder()?;
    let branches = graph::tree(&folder);
    let root = folder
        .name()
        .map_or_else(|| folder.label.clone(), |name| name.to_string());
    let mut text = root.clone();
    draw(&branches, "", &mut text);
    let data = json!({ "package": root, "needs": branches.iter().map(branch).collect::<Vec<_>>() });
    project.print(&text, "tree", data)
}

fn draw(branches: &[Branch], indent: &str, text: &mut String) {
    for (index, branch) in branches.iter().enumerate() {
        let last = index + 1 == branches.len();
        let (corner, below) = if last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let note = match (branch.there, branch.shown_before) {
            (false, _) => " (missing)",
            (true, true) => " (see above)",
            (true, false) => "",
        };
        *text += &format!("\n{indent}{corner}{}{note}", branch.package);
        draw(&branch.branches, &format!("{indent}{below}"), text);
    }
}

fn branch(branch: &Branch) -> Value {
    json!({
        "package": branch.package.to_string(),
        "missing": !branch.there,
        "shown_before": branch.shown_before,
        "needs": branch.branches.iter().map(self::branch).collect::<Vec<_>>(),
    })
}
