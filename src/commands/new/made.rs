//! What `wash new` says when it has created a project.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wash_common::sanitize;
use wash_common::shell::shell_quote;
use wash_fetch::git::Commit;

use super::Wanted;
use crate::commands::{Globals, relative, short};
use crate::report;

/// A project that is there.
pub(super) struct Made<'m> {
    pub(super) wanted: &'m Wanted,
    pub(super) commit: Option<Commit>,
    /// The manifest of the cargo workspace that it has become a member of.
    pub(super) workspace: Option<PathBuf>,
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
        if !self.submodules().is_empty() {
            lines.push("its git submodules were not fetched".to_string());
        }
        lines.extend(self.pointers_line());
        lines.extend(self.workspace.as_ref().map(|manifest| {
            let manifest = short(manifest);
            format!("added to the members of the cargo workspace in `{manifest}`")
        }));
        let undone = self.command.as_deref().filter(|_| !self.ran);
        let undone = undone.map(sanitize::escape);
        if let Some(command) = &undone {
            lines.push(match self.wanted {
                Wanted::Bundled(..) => format!("to finish, run `{command}` once"),
                Wanted::Elsewhere { .. } => {
                    format!("`{command}` of the template was not run: it was not confirmed")
                }
            });
        }
        let mut steps = vec![format!(
            "cd {}",
            shell_quote(&[relative(path).to_string_lossy()])
        )];
        // Whoever is there already need not go.
        steps.retain(|_| !std::env::current_dir().is_ok_and(|here| here == path));
        steps.extend(undone);
        let run = match self.wanted {
            Wanted::Bundled(template, _) => &template.run,
            Wanted::Elsewhere { .. } => "wash dev",
        };
        steps.push(run.to_string());
        lines.push(String::new());
        lines.extend(steps.iter().map(|step| format!("  {step}")));
        let data = self.data(path);
        report::success(globals.output, &sanitize::lines(&lines), "created", data)?;
        Ok(())
    }

    fn submodules(&self) -> &[PathBuf] {
        self.commit
            .as_ref()
            .map_or(&[], |commit| &commit.submodules)
    }

    fn pointers(&self) -> &[PathBuf] {
        self.commit.as_ref().map_or(&[], |commit| &commit.pointers)
    }

    fn pointers_line(&self) -> Option<String> {
        let first = self.pointers().first()?;
        let first = sanitize::escape(&first.to_string_lossy());
        let (which, are) = match self.pointers().len() - 1 {
            0 => (format!("`{first}`"), "is"),
            more => (format!("`{first}` and {more} more"), "are"),
        };
        Some(format!(
            "{which} {are} stored in Git LFS and not fetched: the project has only pointers to the content"
        ))
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
            "workspace": self.workspace.as_ref().map(|path| path.to_string_lossy()),
            "submodules": paths(self.submodules()),
            "lfs_pointers": paths(self.pointers()),
            "command": self.command.as_ref().map(|command| json!({ "text": command, "ran": self.ran })),
        })
    }
}

fn paths(paths: &[PathBuf]) -> Vec<String> {
    let texts = paths.iter().map(|path| path.to_string_lossy().into_owned());
    texts.collect()
}
