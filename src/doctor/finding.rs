//! What was found, how bad it is, and what mends it.

use std::path::PathBuf;

use wash_common::advice::{Advice, in_one_line};
use wash_common::shell::shell_quote;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    /// Good to know. Nothing of this project needs it.
    Note,
    /// Work goes on, but not as it should.
    Warning,
    /// It must be mended to work on this project.
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Fine => "fine",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    Project,
    Tools,
    Ports,
    Caches,
    Registries,
    Completion,
    Plugins,
}

impl Area {
    pub fn name(self) -> &'static str {
        match self {
            Area::Project => "project",
            Area::Tools => "tools",
            Area::Ports => "ports",
            Area::Caches => "caches",
            Area::Registries => "registries",
            Area::Completion => "completion",
            Area::Plugins => "plugins",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub area: Area,
    pub level: Level,
    /// One line.
    pub message: String,
    /// What to do about it, for people: a command, or a sentence.
    pub hint: Option<String>,
    /// A command that mends it and can do no harm.
    pub fix: Option<Fix>,
}

/// A program and its arguments, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub argv: Vec<String>,
    /// `None`: wherever.
    pub dir: Option<PathBuf>,
}

impl Fix {
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            dir: None,
        }
    }

    /// As one would type it.
    pub fn line(&self) -> String {
        shell_quote(&self.argv)
    }
}

impl Finding {
    pub(super) fn new(area: Area, level: Level, message: impl Into<String>) -> Self {
        Self {
            area,
            level,
            message: message.into(),
            hint: None,
            fix: None,
        }
    }

    /// What an error says, with its causes, and its first hint.
    pub(super) fn of(area: Area, error: &impl Advice) -> Self {
        Self {
            hint: error.hints().into_iter().next(),
            ..Self::new(area, Level::Error, in_one_line(error))
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn fix(mut self, fix: Fix) -> Self {
        self.hint.get_or_insert_with(|| fix.line());
        self.fix = Some(fix);
        self
    }
}
