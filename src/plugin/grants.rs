//! From what the user allowed a plugin to the settings that it runs with.
//!
//! A plugin finds its own folder at `/`, the project at `/project`, allowed directories at their own paths, and what was
//! named on its command line at `/arguments/N`.

use std::env::{self, VarError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wash_common::advice::Advice;
use wash_common::folders;
use wash_common::folders::protected::Protected;
use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::plugin::{OpenProject, Plugin, PluginAccess, ProjectInfo};
use wash_runtime::capability::sockets::{MachinePort, SocketRule, Sockets};
use wash_runtime::capability::wasi::{Access as Mounted, Directories, Directory, Process, Volume};
use wash_runtime::workload::MemberSettings;

use super::manifest::{Access, Permission};
use super::permission;
use super::permission::LOCALHOST;
use super::policy::Decisions;
use super::store::Store;

/// Where a plugin finds the project.
pub const PROJECT: &str = "/project";

/// Where and for whom a plugin runs.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The current directory of the user.
    pub directory: PathBuf,
    /// The project there, or why there is none.
    pub project: Result<Found, String>,
}

/// The project of the current directory.
#[derive(Debug, Clone)]
pub struct Found {
    pub root: PathBuf,
    pub info: ProjectInfo,
}

/// Something that was allowed cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("the plugin `{plugin}` may use `{path}`, which cannot be opened")]
    Open {
        plugin: String,
        path: String,
        option: String,
        source: io::Error,
    },
    #[error("the plugin `{plugin}` may use `{path}`, which is the whole home or more")]
    TooWide {
        plugin: String,
        path: String,
        option: String,
    },
    #[error("the plugin `{plugin}` must not change `{path}`: it belongs to `wash`")]
    Own {
        plugin: String,
        path: String,
        option: String,
    },
    #[error(
        "the plugin `{plugin}` must not change `{path}`: no plugin may change what is in `.git` or `.wash`"
    )]
    Protected {
        plugin: String,
        path: String,
        option: String,
    },
    #[error("the plugin `{plugin}` may read `{path}`, which does not exist")]
    Missing {
        plugin: String,
        path: String,
        option: String,
    },
    #[error("the plugin `{plugin}` must not change `{path}`: plugin permissions are stored there")]
    Store {
        plugin: String,
        path: String,
        option: String,
    },
}

impl Advice for GrantError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Open { plugin, option, .. }
            | Self::TooWide { plugin, option, .. }
            | Self::Own { plugin, option, .. }
            | Self::Protected { plugin, option, .. }
            | Self::Store { plugin, option, .. } => {
                vec![taken_back(plugin, option)]
            }
            Self::Missing {
                plugin,
                path,
                option,
            } => vec![
                format!("create it: mkdir -p {}", permission::home(path)),
                taken_back(plugin, option),
            ],
        }
    }
}

fn taken_back(plugin: &str, option: &str) -> String {
    format!("`wash plugin deny {plugin} {option}` takes the permission back")
}

/// What a plugin runs with: its own folder in `data`, and what it was allowed.
pub fn settings(
    store: &Store,
    plugin: &str,
    data: PathBuf,
    decisions: &Decisions,
    around: &Surroundings,
) -> Result<MemberSettings, GrantError> {
    let mut settings = MemberSettings::default().with(Directories(vec![own_folder(plugin, data)]));
    let mut open = Plugin {
        name: plugin.to_owned(),
        directory: around.directory.clone(),
        ..Plugin::default()
    };
    let mut hosts = Vec::new();
    for permission in &decisions.allowed {
        match permission {
            Permission::Directory { path, access } => {
                let found = directory(store, plugin, path, permission, *access)?;
                settings.get_mut::<Directories>().0.push(found);
            }
            Permission::Host(host) => {
                add_host(settings.get_mut::<Sockets>(), host);
                hosts.push(host.clone());
            }
            Permission::Environment(name) => match env::var(name) {
                Ok(value) => drop(
                    settings
                        .get_mut::<Process>()
                        .environment
                        .insert(name.clone(), value),
                ),
                Err(VarError::NotUnicode(_)) => {
                    tracing::warn!("{name} is not UTF-8, and not given to the plugin {plugin}");
                }
                Err(VarError::NotPresent) => {}
            },
            Permission::Program(words) => open.programs.push(words.clone()),
            Permission::Project(access) => match &around.project {
                Ok(Found { root, info }) => {
                    keeps_out(store, plugin, root, permission, *access)?;
                    open.project = OpenProject::Allowed(info.clone());
                    let guest = PROJECT.to_owned();
                    settings.get_mut::<Directories>().0.push(mount(
                        root.clone(),
                        guest,
                        *access,
                        false,
                    ));
                }
                Err(reason) => open.project = OpenProject::Missing(reason.clone()),
            },
        }
    }
    if !hosts.is_empty() {
        *settings.get_mut() = OutgoingHttp::Allowed(hosts);
    }
    settings.get_mut::<PluginAccess>().0 = Some(open);
    Ok(settings)
}

/// The folder of a plugin. Where it cannot be made or read, because the plugin was installed by another user or the disk is
/// read-only, there is an empty one that is removed when the plugin ends.
fn own_folder(plugin: &str, data: PathBuf) -> Directory {
    let usable = match fs::read_dir(&data) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut above = data.ancestors();
            let nearest = above.find(|path| path.exists());
            let writable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
            nearest.map_or(Ok(()), |path| writable(path).map_err(io::Error::from))
        }
        Err(error) => Err(error),
    };
    match usable {
        Ok(()) => mount(data, "/".to_owned(), Access::ReadWrite, true),
        Err(error) => {
            tracing::debug!(
                "the plugin `{plugin}` has an empty folder: `{}`: {error}",
                data.display()
            );
            Directory {
                volume: Volume::Empty {
                    name: format!("plugin-{plugin}"),
                },
                guest: "/".to_owned(),
                access: Mounted::ReadWrite,
            }
        }
    }
}

/// What a plugin runs with while it may do nothing.
pub fn nothing(plugin: &str) -> MemberSettings {
    let plugin = Plugin {
        name: plugin.to_owned(),
        ..Plugin::default()
    };
    MemberSettings::default().with(PluginAccess(Some(plugin)))
}

/// A directory that a plugin is given.
pub fn mount(host: PathBuf, guest: String, access: Access, create: bool) -> Directory {
    Directory {
        volume: Volume::HostPath { path: host, create },
        guest,
        access: match access {
            Access::ReadOnly => Mounted::ReadOnly,
            Access::ReadWrite => Mounted::ReadWrite,
        },
    }
}

/// An allowed directory, which the plugin finds at its own path. One that may be changed is made when it is missing.
fn directory(
    store: &Store,
    plugin: &str,
    path: &str,
    allowed: &Permission,
    access: Access,
) -> Result<Directory, GrantError> {
    let expanded = permission::expanded(path);
    let failed = |source| GrantError::Open {
        plugin: plugin.to_owned(),
        path: path.to_owned(),
        option: allowed.option(),
        source,
    };
    let guest = expanded.to_string_lossy().into_owned();
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let real = match expanded.canonicalize() {
        Err(error) if missing(&error) && access == Access::ReadWrite => {
            let place = place(&expanded).map_err(failed)?;
            keeps_out(store, plugin, &place, allowed, access)?;
            return Ok(mount(place, guest, access, true));
        }
        Err(error) if missing(&error) => {
            return Err(GrantError::Missing {
                plugin: plugin.to_owned(),
                path: path.to_owned(),
                option: allowed.option(),
            });
        }
        found => found.map_err(failed)?,
    };
    if !real.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    keeps_out(store, plugin, &real, allowed, access)?;
    // A link may lead there, too.
    if permission::holds_home(&real) {
        return Err(GrantError::TooWide {
            plugin: plugin.to_owned(),
            path: path.to_owned(),
            option: allowed.option(),
        });
    }
    Ok(mount(real, guest, access, false))
}

/// Where a directory is to be that is not there: links on the way to it are followed.
fn place(path: &Path) -> io::Result<PathBuf> {
    let mut above = path.ancestors();
    let nearest = above.find(|path| path.symlink_metadata().is_ok());
    let nearest = nearest.unwrap_or(Path::new("/"));
    // A link that leads nowhere is an error.
    let real = nearest.canonicalize()?;
    Ok(match path.strip_prefix(nearest) {
        Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
        _ => real,
    })
}

/// Whether a permission can be given.
pub fn check(store: &Store, plugin: &str, permission: &Permission) -> Result<(), GrantError> {
    match permission {
        Permission::Directory { path, access } => {
            directory(store, plugin, path, permission, *access).map(drop)
        }
        _ => Ok(()),
    }
}

/// Nobody who may write to the store is held by it. Of a directory that holds a folder of `wash`, all but that folder may
/// be changed: see [`folders::protected`].
fn keeps_out(
    store: &Store,
    plugin: &str,
    real: &Path,
    permission: &Permission,
    access: Access,
) -> Result<(), GrantError> {
    let root = store.root();
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let (plugin, path, option) = (
        plugin.to_owned(),
        real.display().to_string(),
        permission.option(),
    );
    let inside =
        |folder: &Path| real.starts_with(folder.canonicalize().as_deref().unwrap_or(folder));
    let folders = [folders::config(), folders::cache(), folders::data()];
    let is_own = || folders.iter().flatten().any(|folder| inside(folder));
    match access {
        Access::ReadWrite if root.starts_with(real) || real.starts_with(&root) => {
            Err(GrantError::Store {
                plugin,
                path,
                option,
            })
        }
        Access::ReadWrite if is_own() => Err(GrantError::Own {
            plugin,
            path,
            option,
        }),
        // What cannot be opened is refused for that.
        Access::ReadWrite
            if Protected::of_user()
                .contains_path(real)
                .is_ok_and(|inside| inside) =>
        {
            Err(GrantError::Protected {
                plugin,
                path,
                option,
            })
        }
        Access::ReadOnly | Access::ReadWrite => Ok(()),
    }
}

impl GrantError {
    /// Whether a plugin may never have it, wherever it is.
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::TooWide { .. } | Self::Own { .. } => true,
            Self::Protected { .. } | Self::Store { .. } => true,
            Self::Open { .. } | Self::Missing { .. } => false,
        }
    }
}

/// `localhost:PORT` is the machine's loopback, which guests know under a name of its own.
fn add_host(sockets: &mut Sockets, host: &str) {
    match host.split_once(':') {
        Some((LOCALHOST, port)) => sockets.machine.extend(port.parse::<MachinePort>()),
        _ => sockets.allowed.extend(host.parse::<SocketRule>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(root: &Path, allowed: Vec<Permission>) -> Result<MemberSettings, GrantError> {
        let store = Store::at(root.join("plugins"));
        let decisions = Decisions {
            allowed,
            denied: Vec::new(),
        };
        let around = Surroundings {
            directory: "/".into(),
            project: Err("no project".to_owned()),
        };
        settings(&store, "my", store.data("my"), &decisions, &around)
    }

    fn dir(path: &Path, access: Access) -> Permission {
        Permission::Directory {
            path: path.display().to_string(),
            access,
        }
    }

    #[test]
    fn nothing_is_allowed_but_the_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let settings = run(root.path(), Vec::new()).unwrap();
        let own = root.path().join("plugins/data/my");
        assert_eq!(
            settings.get::<Directories>().0,
            [mount(own, "/".into(), Access::ReadWrite, true)]
        );
        assert_eq!(settings.get::<OutgoingHttp>(), &OutgoingHttp::Denied);
        assert!(
            settings.get::<Process>().environment.is_empty() && !settings.get::<Process>().stdin
        );
        assert_eq!(
            settings.get::<PluginAccess>().0.clone().unwrap().project,
            OpenProject::Denied
        );
    }

    #[test]
    fn hosts_are_for_requests_and_sockets() {
        let root = tempfile::tempdir().unwrap();
        let hosts = ["a.example.com", "localhost:6379"].map(|h| Permission::Host(h.into()));
        let settings = run(root.path(), hosts.into()).unwrap();
        assert_eq!(settings.get::<Sockets>().machine[0].to_string(), "6379");
        assert_eq!(settings.get::<Sockets>().allowed.len(), 1);
        assert!(
            matches!(settings.get::<OutgoingHttp>(), OutgoingHttp::Allowed(hosts) if hosts.len() == 2)
        );
    }

    #[test]
    fn what_plugins_are_allowed_is_out_of_their_reach() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("plugins/data");
        fs::create_dir_all(&inner).unwrap();
        for path in [root.path(), &root.path().join("plugins"), &inner] {
            let error = run(root.path(), vec![dir(path, Access::ReadWrite)]).unwrap_err();
            assert!(matches!(error, GrantError::Store { .. }), "{error}");
        }
        assert!(run(root.path(), vec![dir(root.path(), Access::ReadOnly)]).is_ok());
    }

    #[test]
    fn no_link_leads_to_the_whole_home() {
        let root = tempfile::tempdir().unwrap();
        let home = etcetera::home_dir().unwrap();
        for (name, target) in [("home", home.as_path()), ("machine", Path::new("/"))] {
            let link = root.path().join(name);
            std::os::unix::fs::symlink(target, &link).unwrap();
            let error = run(root.path(), vec![dir(&link, Access::ReadOnly)]).unwrap_err();
            assert!(matches!(error, GrantError::TooWide { .. }), "{error}");
        }
    }

    #[test]
    fn what_is_gone_is_told_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("gone");
        let error = run(root.path(), vec![dir(&path, Access::ReadOnly)]).unwrap_err();
        let hints = error.hints();
        assert_eq!(hints[0], format!("create it: mkdir -p {}", path.display()));
        assert!(
            hints[1].starts_with("`wash plugin deny my --dir "),
            "{error}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn what_may_be_changed_is_made_where_it_is_missing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
        let path = root.path().join("link/trips/2026");
        let settings = run(root.path(), vec![dir(&path, Access::ReadWrite)]).unwrap();
        let real = root.path().canonicalize().unwrap();
        let real = real.join("real/trips/2026");
        let guest = path.display().to_string();
        assert_eq!(
            settings.get::<Directories>().0[1],
            mount(real, guest, Access::ReadWrite, true)
        );
        // Not where plugins are kept, though.
        let inside = root.path().join("plugins/new");
        let error = run(root.path(), vec![dir(&inside, Access::ReadWrite)]).unwrap_err();
        assert!(matches!(error, GrantError::Store { .. }), "{error}");
        assert!(!inside.exists());
    }
}
