//! From [`RawConfig`] and what was detected to a [`Project`]: paths become absolute, and defaults are filled in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wash_common::sanitize;
use wash_common::units::{parse_duration, parse_size};
use wash_fetch::wit::Wit;
use wash_runtime::capability::http_client::HttpClient;
use wash_runtime::capability::wasi::ConfiguredBy;
use wash_runtime::workload::{LimitNames, Limits, MemberSettings};

use super::drive::Routed;
use super::interfaces::Interfaces;
use super::language::{Detected, Recipe};
use super::raw::{RawBuild, RawConfig, RawLimits};
use super::settings::Context;
use super::siblings::Siblings;
use super::table::{Located, Notes, nearest};
use super::{
    Address, Artifact, Build, Command, Dev, Kind, Overrides, Project, ProjectError, Purpose,
    ServerTls, drive, exposure, language, units,
};

/// Upstream's names for proposals to WebAssembly, and whether the engine has them switched on.
const PROPOSALS: [(&str, bool); 7] = [
    ("component-model-async", true),
    ("component-model-map", false),
    ("gc", true),
    ("exception-handling", true),
    ("wide-arithmetic", false),
    ("threads", true),
    ("tail-call", true),
];

/// What a resolution has at hand. `parents` are the roots of the projects that are being loaded, outermost first.
pub(super) struct Resolver<'r> {
    pub(super) root: &'r Path,
    pub(super) overrides: &'r Overrides,
    pub(super) notes: &'r Notes,
    pub(super) parents: &'r [PathBuf],
}

impl Resolver<'_> {
    pub(super) fn project(
        &self,
        raw: RawConfig,
        mut sources: Vec<PathBuf>,
    ) -> Result<Project, ProjectError> {
        let detected = language::detect(self.root)?;
        let name = raw
            .name
            .clone()
            .map(|name| name.value)
            .or(detected.as_ref().and_then(|found| found.name.clone()));
        let name = name.unwrap_or_else(|| name_of(self.root));
        // It stands before every line of the component's output.
        let name = sanitize::line(&name).into_owned();
        let dev = self.dev(&raw);
        let build = self.build(&raw, detected);
        let interfaces = Interfaces::of(&raw.dev, self.notes);
        let context = self.context(&raw, &interfaces);
        let (mut settings, others) = match self.overrides.purpose {
            // Building needs no secrets, no directories and no siblings.
            Purpose::Build => (MemberSettings::default(), Ok(Default::default())),
            Purpose::Dev | Purpose::Compose => {
                exposure::warn(&raw, self.root, self.notes);
                let directories = context.directories(&raw.dev.volumes);
                let settings = context.settings(&raw.workload, directories.clone());
                if self.overrides.purpose == Purpose::Dev {
                    context.unused_dotenv(&raw);
                }
                let siblings = Siblings {
                    resolver: self,
                    raw: &raw,
                    context: &context,
                    own: &name,
                    directories: &directories,
                    limits: &dev.limits,
                };
                (settings, siblings.all())
            }
        };
        let subscriptions = context.subscriptions(&raw.workload);
        let sibling_paths = raw.dev.sibling_paths();
        // Only now, when every problem of the files has been noted.
        let (build, (components, service)) = (build?, others?);
        sources.extend(context.env_files(&raw));
        sources.extend(read_besides(&context, &dev, &settings));
        settings.get_mut::<ConfiguredBy>().0 = configured_by(self.root, &sources);
        Ok(Project {
            name,
            root: self.root.to_path_buf(),
            sources,
            build,
            dev: Dev {
                components,
                service,
                ..dev
            },
            wit: Wit {
                skip_fetch: raw.wit.skip_fetch || self.overrides.skip_fetch,
                offline: self.overrides.offline,
                ..raw.wit.with_siblings(self.root, &sibling_paths)
            },
            settings,
            subscriptions,
            imports: raw.imports,
            warnings: Vec::new(),
        })
    }

    /// A component that is there already, with what the config says of every project.
    pub(super) fn given(
        &self,
        project: Project,
        raw: RawConfig,
        mut sources: Vec<PathBuf>,
    ) -> Project {
        let interfaces = Interfaces::of(&raw.dev, self.notes);
        let context = self.context(&raw, &interfaces);
        let dev = self.dev(&raw);
        exposure::warn(&raw, self.root, self.notes);
        let directories = context.directories(&raw.dev.volumes);
        let mut settings = context.settings(&raw.workload, directories);
        sources.extend(context.env_files(&raw));
        sources.extend(read_besides(&context, &dev, &settings));
        settings.get_mut::<ConfiguredBy>().0 = configured_by(self.root, &sources);
        Project {
            sources,
            dev,
            settings,
            subscriptions: context.subscriptions(&raw.workload),
            imports: raw.imports,
            ..project
        }
    }

    fn context<'c>(&'c self, raw: &'c RawConfig, interfaces: &'c Interfaces) -> Context<'c> {
        Context {
            notes: self.notes,
            root: self.root,
            env: &self.overrides.env,
            configs: &raw.configs,
            secrets: &raw.secrets,
            http_client: self.http_client(&raw.dev),
            interfaces,
            log_level: self
                .value(&raw.dev.log_level, |text| units::level(text))
                .unwrap_or_default(),
        }
    }

    fn build(&self, raw: &RawConfig, detected: Option<Detected>) -> Result<Build, ProjectError> {
        let for_dev = self.overrides.purpose == Purpose::Dev;
        let choose = |dev: &Option<Located<String>>, build: &Option<Located<String>>| {
            dev.clone().filter(|_| for_dev).or_else(|| build.clone())
        };
        let command = choose(&raw.dev.command, &raw.build.command);
        let artifact = choose(&raw.dev.component_path, &raw.build.component_path);
        let artifact = artifact.map(|path| self.root.join(path.value));
        let mut env = raw.dev.environment.clone();
        if !for_dev {
            env.clear();
        }
        env.extend(raw.build.env.clone());
        let kind = kind(&raw.build, detected.as_ref());
        let watch = raw.build.watch.iter();
        let watch: Vec<PathBuf> = watch.map(|path| self.root.join(path)).collect();

        if let Some(command) = command {
            if command.value.trim().is_empty() {
                self.notes.problem(
                    &command.at,
                    format!("`{}`: expected a command, found nothing", command.key),
                    None,
                );
            }
            let artifact =
                artifact.unwrap_or_else(|| self.root.join(format!("{}.wasm", name_of(self.root))));
            let command = Command::Shell(command.value);
            return Ok(Build {
                kind,
                command,
                env,
                watch,
                artifact: Artifact::Path(artifact),
            });
        }
        match (kind, artifact) {
            (Kind::Custom, Some(path)) => Ok(Build {
                kind,
                command: Command::None,
                env,
                watch,
                artifact: Artifact::Path(path),
            }),
            (_, artifact) => {
                let detected = Detected {
                    kind,
                    name: detected.and_then(|detected| detected.name),
                };
                let recipe = language::recipe(
                    self.root,
                    &detected,
                    &raw.build,
                    self.overrides.purpose,
                    artifact,
                )?;
                let Recipe {
                    command,
                    artifact,
                    env: defaults,
                } = recipe;
                let mut env = env;
                for (name, value) in defaults {
                    env.entry(name.to_string()).or_insert(value);
                }
                Ok(Build {
                    kind,
                    command,
                    env,
                    watch,
                    artifact,
                })
            }
        }
    }

    /// Without components.
    fn dev(&self, raw: &RawConfig) -> Dev {
        let localhost = raw.dev.address.as_ref();
        let localhost = localhost.map(|text| text.value.trim().to_owned());
        let asked = raw
            .dev
            .address
            .clone()
            .and_then(|text| text.parse(self.notes, |text| units::address(text)));
        if let Some(proposals) = &raw.dev.wasm_proposals {
            self.proposals(proposals);
        }
        Dev {
            address: match asked {
                Some(address) => Address {
                    socket: address.value,
                    requested: true,
                    localhost: localhost.is_some_and(|text| text.starts_with("localhost")),
                },
                None => Address::default(),
            },
            components: Vec::new(),
            http: match &raw.dev.http {
                Some(http) if raw.dev.routes.is_empty() => http.value.clone(),
                _ => Vec::new(),
            },
            routes: self.routes(raw),
            service: None,
            service_ports: raw.dev.service_ports.clone(),
            limits: self.limits(&raw.dev.limits, &Limits::default()),
            blobstore: raw
                .dev
                .wasi_blobstore_path
                .as_ref()
                .map(|path| self.root.join(&path.value)),
            tls: self.server_tls(&raw.dev),
            allowed_hosts: self.allowed_hosts(&raw.dev),
            max_connections: self.value(&raw.dev.max_connections, |text| units::count(text)),
            off: off(&raw.dev.capabilities),
        }
    }

    /// Those that are on need no switch, and the others have none.
    fn proposals(&self, proposals: &Located<Vec<String>>) {
        let known: Vec<&str> = PROPOSALS.iter().map(|(name, _)| *name).collect();
        for name in &proposals.value {
            let (at, key) = (&proposals.at, &proposals.key);
            match PROPOSALS.iter().find(|(known, _)| known == name) {
                Some((_, true)) => {}
                Some(_) => {
                    let message = format!(
                        "`{key}` is ignored for `{name}`: components that need it do not load"
                    );
                    self.notes.warn(at, message, None);
                }
                None => {
                    let message = format!("`{key}`: unknown proposal `{name}`");
                    let hint = match nearest(name, &known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}", known.join(", ")),
                    };
                    self.notes.problem(at, message, Some(hint));
                }
            }
        }
    }

    /// Those that the config names, and the one of the address.
    fn allowed_hosts(&self, raw: &super::raw::RawDev) -> Vec<String> {
        let named = raw.allowed_hosts.clone();
        let named = named.and_then(|hosts| {
            hosts.parse(self.notes, |hosts| {
                hosts
                    .iter()
                    .map(|host| drive::allowed_host(host))
                    .collect::<Result<Vec<_>, _>>()
            })
        });
        let mut hosts = named.map(|hosts| hosts.value).unwrap_or_default();
        let address = raw.address.as_ref().map(|address| address.value.as_str());
        let name = address
            .and_then(|address| address.rsplit_once(':'))
            .map(|(name, _)| name)
            // Addresses are allowed in any case.
            .filter(|name| name.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
        hosts.extend(name.and_then(|name| drive::allowed_host(name).ok()));
        hosts
    }

    fn routes(&self, raw: &RawConfig) -> Vec<Routed> {
        if let Some(http) = &raw.dev.http
            && !raw.dev.routes.is_empty()
        {
            let message = "`dev.http` and `dev.routes` both say where requests go".to_string();
            let hint = "a route may go through several components in order: `/: [auth, api]`";
            self.notes
                .problem(&http.at, message, Some(hint.to_string()));
        }
        let mut routes: Vec<Routed> = Vec::new();
        for (text, chain) in &raw.dev.routes {
            let parsed = chain.clone().parse(self.notes, |_| drive::route(text));
            let Some(Located {
                value: route,
                at,
                key,
            }) = parsed
            else {
                continue;
            };
            if let Some(other) = routes.iter().find(|other| other.route == route) {
                let message = format!("`{key}` is the same route as `{}`", other.key);
                self.notes.problem(&at, message, None);
            }
            let chain = chain.value.clone();
            routes.push(Routed { key, route, chain });
        }
        routes
    }

    /// What is not said is as in `defaults`.
    pub(super) fn limits(&self, raw: &RawLimits, defaults: &Limits) -> Limits {
        let positive = |text: &String| units::count(text);
        let bytes = |text: &String| parse_size(text);
        let key = |raw: &Option<Located<String>>, default: &Arc<str>| match raw {
            Some(located) => located.key.as_str().into(),
            None => Arc::clone(default),
        };
        Limits {
            cpu_time: self
                .value(&raw.cpu_time, |text| parse_duration(text))
                .unwrap_or(defaults.cpu_time),
            memory: self.value(&raw.memory, bytes).unwrap_or(defaults.memory),
            concurrent_requests: self
                .value(&raw.concurrent_requests, positive)
                .map_or(defaults.concurrent_requests, NonZeroUsize::get),
            queued_messages: self
                .value(&raw.queued_messages, positive)
                .unwrap_or(defaults.queued_messages),
            names: LimitNames {
                cpu_time: key(&raw.cpu_time, &defaults.names.cpu_time),
                memory: key(&raw.memory, &defaults.names.memory),
            },
            members: Vec::new(),
        }
    }

    pub(super) fn value<T>(
        &self,
        raw: &Option<Located<String>>,
        parse: impl FnOnce(&String) -> Result<T, String>,
    ) -> Option<T> {
        raw.clone()?
            .parse(self.notes, parse)
            .map(|located| located.value)
    }
}

/// The files that were read, or will be, because the config names them.
fn read_besides(context: &Context<'_>, dev: &Dev, settings: &MemberSettings) -> Vec<PathBuf> {
    let mut files = context.files();
    files.extend(dev.tls.iter().flat_map(ServerTls::files).cloned());
    files.extend(settings.get::<HttpClient>().authorities.iter().cloned());
    files
}

/// What is switched off, and where.
fn off(switches: &BTreeMap<&'static str, Located<bool>>) -> BTreeMap<String, String> {
    let off = switches.iter().filter(|(_, switch)| !switch.value);
    off.map(|(name, Located { at, key, .. })| {
        let line = at.line.map_or(String::new(), |line| format!(":{line}"));
        let place = format!("`{key}` in {}{line}", at.file.display());
        (name.to_string(), place)
    })
    .collect()
}

/// What the project files say; without them, what the config's tables for languages say.
fn kind(raw: &RawBuild, detected: Option<&Detected>) -> Kind {
    match detected {
        Some(detected) => detected.kind,
        None if raw.rust.is_some() => Kind::Cargo,
        None if raw.tinygo.is_some() => Kind::Go,
        None if raw.typescript.is_some() => Kind::Npm,
        None => Kind::Custom,
    }
}

/// The last element of a path, without an extension for a file.
pub(super) fn name_of(path: &Path) -> String {
    let name = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    name.map_or_else(
        || "app".to_string(),
        |name| sanitize::line(&name.to_string_lossy()).into_owned(),
    )
}

/// The project's own folder, and the files that it was read from.
fn configured_by(root: &Path, sources: &[PathBuf]) -> Vec<PathBuf> {
    let mut paths = vec![root.to_path_buf()];
    paths.extend_from_slice(sources);
    paths
}
