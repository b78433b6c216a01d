//! `wash new --list`

use std::process::ExitCode;

use serde_json::json;

use crate::report;
use crate::report::OutputFormat;
use crate::template::bundled;
use crate::template::bundled::Template;

pub(super) fn show(format: OutputFormat) -> anyhow::Result<ExitCode> {
    let templates = bundled::all();
    let data = templates.iter().map(|template| {
        json!({
            "name": template.name,
            "language": template.language,
            "description": template.description,
        })
    });
    let data = json!({ "templates": data.collect::<Vec<_>>() });
    report::success(format, &lines().join("\n"), "templates", data)?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each template, in columns.
pub(super) fn lines() -> Vec<String> {
    let templates = bundled::all();
    let width = |column: fn(&Template) -> &str| {
        let widths = templates.iter().map(|template| column(template).len());
        widths.max().unwrap_or_default()
    };
    let name = width(|template| &template.name);
    let language = width(|template| &template.language);
    let line = |template: &Template| {
        format!(
            "{:name$}  {:language$}  {}",
            template.name, template.language, template.description
        )
    };
    templates.iter().map(line).collect()
}
