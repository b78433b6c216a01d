//! A project in, a component out: runs its toolchain and checks what came of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::project::Project;
use crate::report::Advice;

#[derive(Debug)]
pub struct BuildOptions {
    pub output: Output,
    /// Ask the tools for colour although their output may not be a terminal.
    pub color: bool,
    /// Ends the build: its whole process group is stopped before `build` returns [`BuildError::Cancelled`].
    pub cancel: CancellationToken,
}

/// Where the output of the tools goes. Never to our stdout, which is for the result.
#[derive(Clone)]
pub enum Output {
    /// To our stderr, untouched. Errors do not have its text.
    Inherit,
    /// Handed on as it comes, in whole lines where the tool writes whole lines; its end is kept for
    /// [`BuildError::Failed`].
    Tee(Arc<dyn Fn(&[u8]) + Send + Sync>),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Output::Inherit => "Inherit",
            Output::Tee(_) => "Tee",
        })
    }
}

/// A component that was built, or was there already.
#[derive(Debug, Clone)]
pub struct Built {
    /// Absolute. Beside the tool's own output when that was a core module and had to be wrapped.
    pub path: PathBuf,
    pub bytes: Arc<[u8]>,
    pub elapsed: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("`{command}` failed ({status})")]
    Failed {
        command: String,
        status: std::process::ExitStatus,
        /// The end of what the tools printed, with its colours; empty with [`Output::Inherit`].
        output: String,
    },
    #[error("the build was cancelled")]
    Cancelled,
}

impl Advice for BuildError {}

/// Builds the project's component.
///
/// When the returned future is dropped, the build and everything it started is killed.
pub async fn build(project: &Project, options: BuildOptions) -> Result<Built, BuildError> {
    todo!("{project:?} {options:?}")
}
