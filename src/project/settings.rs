//! What a component is given at run time, from its section of the config, and from `configs` and `secrets`.
//!
//! Variables, later ones win: `configFrom`, `secretFrom`, `environment`, `env_file`. Settings of wasi:config, later ones
//! win: `dev.host_interfaces`, the variables, which are settings as well, and `config`. A `.env` that no `env_file` names is not
//! read: it may hold what is meant for other tools. Directories are those of `dev.volumes`, unless a component has `volumes` of
//! its own. Outgoing HTTP reaches no host but those of `allowedHosts`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wash_common::files;
use wash_runtime::capability::config::ConfigValues;
use wash_runtime::capability::http_client::{HttpClient, OutgoingHttp, Pattern, PatternError};
use wash_runtime::capability::logging::LogLevel;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Process, Volume};
use wash_runtime::events::Level;
use wash_runtime::workload::MemberSettings;

use super::interfaces::Interfaces;
use super::raw::{RawConfig, RawPlace, RawSettings, RawSource, RawVolume};
use super::table::{Located, Notes};
use super::value::Origin;
use super::{dotenv, drive, units};

/// What the settings of all components of one project are resolved against.
pub(super) struct Context<'c> {
    pub(super) notes: &'c Notes,
    pub(super) root: &'c Path,
    pub(super) env: &'c BTreeMap<String, String>,
    pub(super) configs: &'c BTreeMap<String, RawSource>,
    pub(super) secrets: &'c BTreeMap<String, RawSource>,
    /// How outgoing HTTP travels, of every component that says nothing else.
    pub(super) http_client: HttpClient,
    pub(super) interfaces: &'c Interfaces,
    /// Of components that say nothing else.
    pub(super) log_level: Level,
}

impl Context<'_> {
    pub(super) fn settings(
        &self,
        raw: &RawSettings,
        directories: Vec<Directory>,
    ) -> MemberSettings {
        let mut environment = self.named(raw.config_from.as_ref(), "configs");
        environment.extend(self.named(raw.secret_from.as_ref(), "secrets"));
        environment.extend(raw.environment.clone());
        environment.extend(self.env_file(raw));

        let mut config = self.interfaces.config.clone();
        config.extend(environment.clone());
        config.extend(raw.config.clone());

        let process = Process {
            environment,
            program_name: raw.program_name.clone(),
            arguments: raw.args.clone(),
            initial_cwd: raw.initial_cwd.clone(),
            stdin: false,
        };
        let log_level = raw.log_level.clone();
        let log_level = log_level
            .and_then(|level| level.parse(self.notes, |text| units::level(text)))
            .map_or(self.log_level, |level| level.value);
        let keyvalue = raw.keyvalue.clone().or(self.interfaces.keyvalue.clone());
        MemberSettings::default()
            .with(process)
            .with(Directories(directories))
            .with(ConfigValues(config))
            .with(self.outgoing_http(raw.allowed_hosts.as_ref()))
            .with(LogLevel(log_level))
            .with(raw.sockets.resolve(self.notes))
            .with(self.http_client.clone())
            .with(keyvalue.resolve(self.root, self.notes))
    }

    /// Patterns that are none are problems.
    fn outgoing_http(&self, hosts: Option<&Located<Vec<String>>>) -> OutgoingHttp {
        let Some(hosts) = hosts else {
            return OutgoingHttp::Denied;
        };
        for (index, host) in hosts.value.iter().enumerate() {
            if let Err(error) = Pattern::parse(host) {
                let message = format!("`{}[{index}]`: {error}", hosts.key);
                let hint = Some(PatternError::HINT.to_owned());
                self.notes.problem(&hosts.at, message, hint);
            }
        }
        match hosts.value.as_slice() {
            [] => OutgoingHttp::Denied,
            hosts if hosts.iter().all(|host| host == "*") => OutgoingHttp::Any,
            hosts => OutgoingHttp::Allowed(hosts.to_vec()),
        }
    }

    /// What messages a component is given, if it takes any.
    pub(super) fn subscriptions(&self, raw: &RawSettings) -> Vec<String> {
        let text = raw.subscriptions.as_ref();
        let text = text.or(self.interfaces.subscriptions.as_ref()).cloned();
        let parsed = text.and_then(|text| text.parse(self.notes, |t| drive::subscriptions(t)));
        parsed.map(|parsed| parsed.value).unwrap_or_default()
    }

    /// The volumes that are there; of the others, it is told.
    pub(super) fn directories(&self, volumes: &[RawVolume]) -> Vec<Directory> {
        let volumes = volumes.iter();
        volumes
            .filter_map(|volume| self.directory(volume))
            .collect()
    }

    /// The values of the entries of `configs` or `secrets` that a component names.
    fn named(
        &self,
        names: Option<&Located<Vec<String>>>,
        section: &str,
    ) -> BTreeMap<String, String> {
        let (sources, secret) = if section == "secrets" {
            (self.secrets, true)
        } else {
            (self.configs, false)
        };
        let mut values = BTreeMap::new();
        let Some(names) = names else { return values };
        for name in &names.value {
            match sources.get(name) {
                Some(source) => values.extend(self.source(source, secret)),
                None => {
                    let message = format!("`{}`: no `{name}` in `{section}`", names.key);
                    self.notes.problem(&names.at, message, None);
                }
            }
        }
        values
    }

    /// The files that the settings come from, besides the config itself.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let sources = self.configs.values().chain(self.secrets.values());
        sources
            .flat_map(|source| source.file.iter().chain(&source.dir))
            .map(|path| self.root.join(&path.value))
            .collect()
    }

    fn env_file(&self, raw: &RawSettings) -> BTreeMap<String, String> {
        let file = raw.env_file.as_ref().filter(|file| !file.value.is_empty());
        file.map(|file| self.variables(file, false))
            .unwrap_or_default()
    }

    /// Tells of a `.env` that a developer may take for read.
    pub(super) fn unused_dotenv(&self, raw: &RawConfig) {
        let path = self.root.join(".env");
        let named = self.files().into_iter().chain(self.env_files(raw));
        if path.is_file()
            && raw.workload.env_file.is_none()
            && !named.into_iter().any(|file| file == path)
        {
            let at = Origin {
                file: path.into(),
                line: None,
            };
            let hint = "to give its variables to the component: `workload: {env_file: .env}`; to silence this warning: `env_file: \"\"`";
            self.notes.warn(
                &at,
                "ignored: the configuration does not name it".to_string(),
                Some(hint.to_string()),
            );
        }
    }

    /// The files that `env_file` names.
    pub(super) fn env_files(&self, raw: &RawConfig) -> Vec<PathBuf> {
        let components = raw
            .dev
            .components
            .iter()
            .map(|component| &component.settings);
        let files = [&raw.workload].into_iter().chain(components);
        let files = files.filter_map(|settings| settings.env_file.as_ref());
        files
            .filter(|file| !file.value.is_empty())
            .map(|file| self.root.join(&file.value))
            .collect()
    }

    fn directory(&self, volume: &RawVolume) -> Option<Directory> {
        let access = if volume.read_only {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        };
        Some(Directory {
            volume: match &volume.place {
                RawPlace::HostPath(path) => self.host_path(path)?,
                RawPlace::Empty(name) => Volume::Empty { name: name.clone() },
            },
            guest: volume.guest_path.value.clone(),
            access,
        })
    }

    fn host_path(&self, named: &Located<String>) -> Option<Volume> {
        let path = self.root.join(&named.value);
        if !path.is_dir() {
            let there_is_none = format!(
                "`{}`: directory `{}` does not exist",
                named.key,
                path.display()
            );
            let command = ["mkdir", "-p", &path.to_string_lossy()];
            self.notes.mendable(&named.at, there_is_none, &command);
            return None;
        }
        Some(Volume::HostPath {
            path,
            create: false,
        })
    }

    fn source(&self, source: &RawSource, secret: bool) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        if let Some(names) = &source.from_env {
            for name in &names.value {
                match self.env.get(name) {
                    Some(value) => {
                        values.insert(name.clone(), value.clone());
                    }
                    None => {
                        let is_there = std::env::var_os(name).is_some();
                        let message = match is_there {
                            true => format!("`{}`: the variable `{name}` is not UTF-8", names.key),
                            false => {
                                format!("`{}`: environment variable `{name}` is not set", names.key)
                            }
                        };
                        self.notes.problem(
                            &names.at,
                            message,
                            Some(format!("export {name}=VALUE")),
                        );
                    }
                }
            }
        }
        if let Some(file) = &source.file {
            values.extend(self.variables(file, secret));
        }
        if let Some(dir) = &source.dir {
            values.extend(self.one_value_a_file(dir, secret));
        }
        values.extend(source.inline.clone());
        values
    }

    /// The path of a file of values. One with secrets lies in the project and is readable by its owner alone.
    fn contained(&self, path: &Located<String>, secret: bool) -> Option<PathBuf> {
        let full = self.root.join(&path.value);
        let problem = |message: String, hint: Option<String>| {
            self.notes
                .problem(&path.at, format!("`{}`: {message}", path.key), hint);
            None
        };
        let real = match full.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return problem(format!("there is no `{}`", full.display()), None);
            }
            Err(error) => {
                let reason = files::explain(error);
                return problem(format!("cannot read `{}`: {reason}", full.display()), None);
            }
        };
        if secret {
            if !real.starts_with(self.root) {
                return problem(
                    format!(
                        "secrets must be in the project, and `{}` is not",
                        real.display()
                    ),
                    None,
                );
            }
            if real.is_file() && readable_by_others(&real) {
                let key = &path.key;
                let message = format!(
                    "`{key}`: `{}` is readable by users other than its owner",
                    full.display()
                );
                let command = ["chmod", "600", &full.to_string_lossy()];
                self.notes.mendable(&path.at, message, &command);
                return None;
            }
        }
        Some(real)
    }

    /// As Kubernetes mounts config maps: a file's name is the key, its text the value.
    fn one_value_a_file(&self, dir: &Located<String>, secret: bool) -> BTreeMap<String, String> {
        let Some(path) = self.contained(dir, secret) else {
            return BTreeMap::new();
        };
        let unreadable = |path: &Path, error: &io::Error| {
            let message = format!("`{}`: cannot read `{}`: {error}", dir.key, path.display());
            self.notes.problem(&dir.at, message, None);
        };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries.flatten(),
            Err(error) => {
                unreadable(&path, &error);
                return BTreeMap::new();
            }
        };
        let read = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            match files::read_to_string(entry.path()) {
                Ok(text) => Some((
                    name,
                    text.strip_suffix('\n').map(str::to_string).unwrap_or(text),
                )),
                Err(error) => {
                    unreadable(&entry.path(), &error);
                    None
                }
            }
        };
        // Kubernetes keeps the files in directories beside the links to them.
        let entries = entries.filter(|entry| !entry.path().is_dir());
        entries.filter_map(read).collect()
    }

    /// The values in a file of `NAME=value` lines.
    fn variables(&self, file: &Located<String>, secret: bool) -> BTreeMap<String, String> {
        let Some(path) = self.contained(file, secret) else {
            return BTreeMap::new();
        };
        let wrong = |line, message: &str| {
            let at = Origin {
                file: path.as_path().into(),
                line: Some(line),
            };
            self.notes.problem(&at, message.to_string(), None);
        };
        let bytes = match files::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let (key, path) = (&file.key, path.display());
                let message = format!("`{key}`: cannot read `{path}`: {error}");
                self.notes.problem(&file.at, message, None);
                return BTreeMap::new();
            }
        };
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                wrong(line, "this is not UTF-8 text");
                return BTreeMap::new();
            }
        };
        let (values, errors) = dotenv::parse(text);
        for error in errors {
            wrong(error.line, error.message);
        }
        values
    }
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}
