//! Why a directory is not a project that can be built.

use std::path::PathBuf;

use crate::report::Advice;

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("there is no directory `{}`", .0.display())]
    NoSuchDirectory(PathBuf),
}

impl Advice for ProjectError {}
