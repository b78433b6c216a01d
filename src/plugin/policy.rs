//! What the user allowed each plugin, and what the user denied: one file, which decides.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use wash_common::advice::Advice;
use wash_common::files;
use wash_common::shell::shell_quote;

use super::manifest::{Manifest, Permission, Want};
use super::store::{Store, is_open_to_all, move_away};
use super::write;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub plugins: BTreeMap<String, Decisions>,
}

/// What was decided about one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    #[serde(default)]
    pub allowed: Vec<Permission>,
    #[serde(default)]
    pub denied: Vec<Permission>,
}

/// The policy cannot be read or written; nothing is allowed then.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("cannot read plugin permissions from `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not valid JSON: {reason}", path.display())]
    Json { path: PathBuf, reason: String },
    #[error("`{}` does not hold plugin permissions: {reason}", path.display())]
    Syntax { path: PathBuf, reason: String },
    #[error("every user of this machine can change `{}`, which holds plugin permissions", path.display())]
    Shared { path: PathBuf },
    #[error("cannot write plugin permissions to `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Advice for PolicyError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Json { .. } | Self::Syntax { .. } => {
                vec!["fix it, or remove it to start without permissions".to_owned()]
            }
            Self::Shared { path } => {
                let path = shell_quote(&[path.to_string_lossy()]);
                vec![format!(
                    "review it, then take write access from others: chmod o-w {path}"
                )]
            }
            Self::Read { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                let path = shell_quote(&[path.to_string_lossy()]);
                vec![format!("`sudo chown \"$USER\" {path}` makes you its owner")]
            }
            Self::Read { path, source } if source.kind() == io::ErrorKind::NotADirectory => {
                vec![move_away(path)]
            }
            Self::Read { .. } | Self::Write { .. } => Vec::new(),
        }
    }
}

impl Policy {
    pub fn read(store: &Store) -> Result<Self, PolicyError> {
        let path = store.policy_path();
        let bytes = match files::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(PolicyError::Read { path, source }),
        };
        if is_open_to_all(&path) {
            return Err(PolicyError::Shared { path });
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let reason = error.to_string();
            match error.classify() {
                Category::Data => PolicyError::Syntax { path, reason },
                _ => PolicyError::Json { path, reason },
            }
        })
    }

    /// Whoever calls this holds the store's lock.
    pub(super) fn write(&self, store: &Store) -> Result<(), PolicyError> {
        let path = store.policy_path();
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        text.and_then(|text| write::file(&path, &text))
            .map_err(|source| PolicyError::Write { path, source })
    }

    /// What was decided about a plugin.
    pub fn of(&self, plugin: &str) -> Decisions {
        self.plugins.get(plugin).cloned().unwrap_or_default()
    }
}

impl Decisions {
    pub fn allows(&self, permission: &Permission) -> bool {
        self.allowed
            .iter()
            .any(|allowed| allowed.covers(permission))
    }

    fn denies(&self, permission: &Permission) -> bool {
        self.denied.iter().any(|denied| denied.covers(permission))
    }

    /// What a plugin wants that nobody has decided about.
    pub fn open<'m>(&self, manifest: &'m Manifest) -> Vec<&'m Want> {
        let open = |want: &&Want| !self.allows(&want.what) && !self.denies(&want.what);
        manifest.wants.iter().filter(open).collect()
    }

    /// Allows something, and with it whatever it covers.
    pub fn allow(&mut self, permission: Permission) {
        self.denied.retain(|denied| !permission.covers(denied));
        if !self.allows(&permission) {
            self.allowed.retain(|allowed| !permission.covers(allowed));
            self.allowed.push(permission);
        }
    }

    /// Takes away what was allowed and is covered by this or covers it, and remembers the denial.
    pub fn deny(&mut self, permission: Permission) {
        self.allowed
            .retain(|allowed| !permission.covers(allowed) && !allowed.covers(&permission));
        if !self.denied.contains(&permission) {
            self.denied.push(permission);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::plugin::manifest::Access;
    use crate::plugin::testing::manifest;

    fn host(name: &str) -> Permission {
        Permission::Host(name.to_owned())
    }

    #[test]
    fn every_decision_takes_back_the_one_before() {
        let mut decisions = Decisions::default();
        decisions.allow(Permission::Project(Access::ReadOnly));
        decisions.allow(Permission::Project(Access::ReadWrite));
        assert_eq!(decisions.allowed, [Permission::Project(Access::ReadWrite)]);
        decisions.allow(Permission::Project(Access::ReadOnly));
        assert_eq!(decisions.allowed.len(), 1);
        decisions.deny(Permission::Project(Access::ReadOnly));
        assert_eq!(decisions.allowed, []);
        decisions.allow(Permission::Project(Access::ReadWrite));
        assert_eq!(decisions.denied, []);
    }

    #[test]
    fn what_is_neither_allowed_nor_denied_is_open() {
        let mut plugin = manifest("my");
        plugin.wants = ["a", "b", "c"]
            .map(|name| Want {
                what: host(name),
                reason: String::new(),
            })
            .into();
        let mut decisions = Decisions::default();
        decisions.allow(host("a"));
        decisions.deny(host("b"));
        let open: Vec<_> = decisions
            .open(&plugin)
            .iter()
            .map(|want| &want.what)
            .collect();
        assert_eq!(open, [&host("c")]);
    }

    #[test]
    fn what_was_denied_is_denied_however_it_is_written() {
        let dir = |path: &str, access| Permission::Directory {
            path: path.to_owned(),
            access,
        };
        let mut plugin = manifest("my");
        plugin.wants = [
            dir("/srv/notes/", Access::ReadWrite),
            dir("/srv/notes/old", Access::ReadOnly),
        ]
        .map(|what| Want {
            what,
            reason: String::new(),
        })
        .into();
        let mut decisions = Decisions::default();
        decisions.deny(dir("/srv/notes", Access::ReadOnly));
        assert_eq!(decisions.open(&plugin).len(), 1, "changing is more");
        decisions.deny(dir("/srv/notes", Access::ReadWrite));
        assert!(decisions.open(&plugin).is_empty());
    }

    #[test]
    fn a_policy_that_makes_no_sense_allows_nothing() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().to_owned());
        assert_eq!(Policy::read(&store).unwrap(), Policy::default());
        let mut policy = Policy::default();
        policy
            .plugins
            .entry("my".into())
            .or_default()
            .allow(host("a"));
        policy.write(&store).unwrap();
        assert_eq!(Policy::read(&store).unwrap(), policy);
        fs::write(
            store.policy_path(),
            "{\"plugins\": {\"my\": {\"allow\": []}}}",
        )
        .unwrap();
        let error = Policy::read(&store).unwrap_err();
        assert!(matches!(error, PolicyError::Syntax { .. }), "{error}");
        fs::write(store.policy_path(), "{").unwrap();
        let error = Policy::read(&store).unwrap_err();
        assert!(error.to_string().contains("is not valid JSON: "), "{error}");
    }

    #[test]
    fn a_policy_that_others_can_change_allows_nothing() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::at(root.path().to_owned());
        Policy::default().write(&store).unwrap();
        let path = store.policy_path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let error = Policy::read(&store).unwrap_err();
        assert!(matches!(error, PolicyError::Shared { .. }), "{error}");
    }
}
