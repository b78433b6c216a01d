//! `new.command`: what the author of a template wants to be run in a new project.

use std::path::Path;

use super::table::{Notes, Table};
use super::{ProjectError, layers};

/// The command in the config of `root`, if there is one. It counts there alone: not in the user's config, nor in the environment.
pub fn set_up_command(root: &Path) -> Result<Option<String>, ProjectError> {
    let notes = Notes::default();
    let mut files = layers::files_in(&root.join(".wash"));
    let Some(file) = files.find(|path| path.is_file()) else {
        return Ok(None);
    };
    let config = layers::read_file(&file, root, &notes)?.config;
    let command = Table::new(&notes, "", config)
        .and_then(|mut root| root.table("new"))
        .and_then(|mut new| new.text("command"));
    let problems = notes.problems.into_inner();
    match problems.is_empty() {
        true => Ok(command
            .map(|command| command.value)
            .filter(|command| !command.trim().is_empty())),
        false => Err(ProjectError::Invalid(problems)),
    }
}
