//! Why a workload was not started.

use std::fmt;

use indexmap::IndexSet;
use wash_common::units;

use super::WorkloadId;

/// Why a workload was not started. Nothing of it runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("workload `{name}` is not valid")]
    Invalid {
        name: String,
        problems: Vec<Problem>,
    },
    #[error("the composed component of workload `{name}` does not load")]
    Load {
        name: String,
        /// The reason, most important line first.
        reason: String,
    },
    #[error("workload `{name}` trapped while it started")]
    Trap {
        name: String,
        /// The trap with its backtrace, demangled.
        report: String,
    },
    #[error(
        "workload `{name}` did not start: `{component}` waits for something while it is instantiated, and had no end \
         after {}", units::duration(*limit)
    )]
    TooLate {
        name: String,
        /// The component that is driven; what it waits for may be in one that is composed behind it.
        component: String,
        limit: std::time::Duration,
    },
    /// See `Host::start_unless`.
    #[error("workload `{name}` was replaced by a newer one before it started")]
    GivenUp { name: String },
    #[error(transparent)]
    NoSuchWorkload(#[from] NoSuchWorkload),
}

/// One reason why a workload was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The member it concerns, if it concerns one.
    pub member: Option<String>,
    /// What is wrong, as one line: which setting, what was found, what was expected.
    pub message: String,
    pub hint: Option<String>,
}

impl StartError {
    /// Everything that is wrong, where the error itself names the workload only.
    pub fn told(&self) -> String {
        match self {
            Self::Invalid { problems, .. } => {
                let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                problems.join("\n")
            }
            Self::Load { reason, .. } => format!("{self}: {reason}"),
            Self::Trap { report, .. } => format!("{self}\n{report}"),
            Self::TooLate { .. } | Self::GivenUp { .. } | Self::NoSuchWorkload(_) => {
                self.to_string()
            }
        }
    }

    /// All that there is to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Invalid { problems, .. } => {
                let hints = problems.iter().filter_map(|problem| problem.hint.clone());
                let hints: IndexSet<String> = hints.collect();
                hints.into_iter().collect()
            }
            _ => self.hint().map(str::to_owned).into_iter().collect(),
        }
    }

    /// What to do about it, where that is not part of what is wrong.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLate { .. } => Some(
                "what runs while a component is instantiated (a core module's `start`, constructors of globals) must not wait: do it in the handler, or in `run`",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "`{member}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no workload `{0}` on this host")]
pub struct NoSuchWorkload(pub WorkloadId);
