//! What `wash new` says when it has created a project.

use std::path::Path;

use serde_json::{Value, json};

use super::Wanted;
use crate::commands::{Globals, short};
use crate::console::{pasteable, visible};
use crate::git::Commit;
use crate::report;

/// A project that is there.
pub(super) struct Made<'m> {
    pub(super) wanted: &'m Wanted,
    pub(super) commit: Option<Commit>,
    /// The template's own.
    pub(super) command: Option<String>,
    pub(super) ran: bool,
}

impl Made<'_> {
    pub(super) fn show(&self, path: &Path, globals: &Globals) -> anyhow::Result<()> {
        let shown = short(path);
        let from = match self.wanted {
            Wanted::Bundled(template, _) => format!("the template `{}`", template.name),
            Wanted::Elsewhere { source, .. } => source.to_string(),
        };
        let commit = match &self.commit {
            Some(commit) => format!(
                " (commit {}, without its history)",
                &commit.id[..12.min(commit.id.len())]
            ),
            None => String::new(),
        };
        let mut lines = vec![format!("created `{shown}` from {from}{commit}")];
        if self
            .commit
            .as_ref()
            .is_some_and(|commit| commit.has_submodules)
        {
            lines.push("its git submodules were not fetched".to_string());
        }
        let undone = self.command.as_deref().filter(|_| !self.ran);
        let undone = undone.map(visible);
        if let Some(command) = &undone {
            lines.push(format!(
                "`{command}` was not run: the template wants it, and nobody agreed"
            ));
        }
        lines.push(format!("\n  cd {}", pasteable(&[&shown])));
        lines.extend(undone.map(|command| format!("  {command}")));
        let run = match self.wanted {
            Wanted::Bundled(template, _) => &template.run,
            Wanted::Elsewhere { .. } => "wash dev",
        };
        lines.push(format!("  {run}"));
        let data = self.data(path);
        report::success(globals.output, &lines.join("\n"), "created", data)?;
        Ok(())
    }

    fn data(&self, path: &Path) -> Value {
        let (name, template, source) = match self.wanted {
            Wanted::Bundled(template, name) => (name.as_str(), Some(&template.name), None),
            Wanted::Elsewhere { source, name } => (name.as_str(), None, Some(source.to_string())),
        };
        json!({
            "name": name,
            "path": report::json_path(path),
            "template": template,
            "source": source,
            "commit": self.commit.as_ref().map(|commit| &commit.id),
            "command": self.command.as_ref().map(|command| json!({ "text": command, "ran": self.ran })),
        })
    }
}
