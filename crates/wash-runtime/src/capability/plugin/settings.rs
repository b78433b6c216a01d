//! What an installed plugin may do beside what every member may.

use std::path::PathBuf;

use crate::member_section;

/// Whether a member is an installed plugin, and what it may do then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginAccess(pub Option<Plugin>);

member_section!(PluginAccess);

/// What an installed plugin has of the machine, beside what every member may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plugin {
    /// As it is installed.
    pub name: String,
    /// What it may run: argument vectors that begin so.
    pub programs: Vec<Vec<String>>,
    /// Where programs run: an absolute path.
    pub directory: PathBuf,
    pub project: OpenProject,
}

/// The project that an installed plugin may look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OpenProject {
    #[default]
    Denied,
    /// It may, but there is none, for this reason.
    Missing(String),
    Allowed(ProjectInfo),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectInfo {
    pub name: String,
    /// On the machine.
    pub path: String,
    /// Where the guest finds what was built last.
    pub component: Option<String>,
    /// The names of all its components, its own first.
    pub components: Vec<String>,
}
