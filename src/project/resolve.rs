//! From [`RawConfig`] and what was detected to a [`Project`]: paths become absolute, defaults are filled in, and the
//! projects among the components are loaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::language::{self, Detected, Recipe};
use super::raw::{OtherSource, RawBuild, RawComponent, RawConfig, RawLimits};
use super::settings::{Context, dotenv};
use super::table::{Located, Notes};
use super::{
    Address, Artifact, Build, Command, Dev, Kind, Overrides, Project, ProjectError, Purpose,
    Sibling, SiblingSource, units,
};
use crate::host::workload::{Limits, MemberSettings};
use crate::wit::Wit;

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
        let dev = self.dev(&raw);
        let build = self.build(&raw, detected);
        let context = Context {
            notes: self.notes,
            root: self.root,
            env: &self.overrides.env,
            configs: &raw.configs,
            secrets: &raw.secrets,
            interface_config: &raw.dev.interface_config,
        };
        let dotenv_file = self.root.join(".env");
        let (settings, components) = match self.overrides.purpose {
            // Building needs no secrets, no directories and no siblings.
            Purpose::Build => (MemberSettings::default(), Ok(Vec::new())),
            Purpose::Dev | Purpose::Compose => {
                let variables = dotenv(&dotenv_file, self.notes);
                let settings = context.settings(&raw.workload, &raw.dev.volumes, variables);
                (settings, self.components(&raw, &context, &name))
            }
        };
        // Only now, when every problem of the files has been noted.
        let (build, components) = (build?, components?);
        sources.push(dotenv_file);
        sources.extend(context.files());
        Ok(Project {
            name,
            root: self.root.to_path_buf(),
            sources,
            build,
            dev: Dev { components, ..dev },
            wit: Wit {
                skip_fetch: raw.wit.skip_fetch || self.overrides.skip_fetch,
                offline: self.overrides.offline,
                ..raw.wit
            },
            settings,
            imports: raw.imports,
            warnings: Vec::new(),
        })
    }

    fn build(&self, raw: &RawConfig, detected: Option<Detected>) -> Result<Build, ProjectError> {
        let for_dev = self.overrides.purpose == Purpose::Dev;
        let choose = |dev: &Option<Located<String>>, build: &Option<Located<String>>| {
            dev.clone().filter(|_| for_dev).or_else(|| build.clone())
        };
        let command = choose(&raw.dev.command, &raw.build.command);
        let artifact = choose(&raw.dev.component_path, &raw.build.component_path);
        let artifact = artifact.map(|path| self.root.join(path.value));
        let env = raw.build.env.clone();
        let kind = kind(&raw.build, detected.as_ref());

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
                artifact: Artifact::Path(artifact),
            });
        }
        match (kind, artifact) {
            (Kind::Custom, Some(path)) => Ok(Build {
                kind,
                command: Command::None,
                env,
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
                    artifact,
                })
            }
        }
    }

    /// Without components.
    pub(super) fn dev(&self, raw: &RawConfig) -> Dev {
        let asked = raw
            .dev
            .address
            .clone()
            .and_then(|text| text.parse(self.notes, |text| units::address(text)));
        Dev {
            address: match asked {
                Some(address) => Address {
                    socket: address.value,
                    requested: true,
                },
                None => Address::default(),
            },
            components: Vec::new(),
            http: raw.dev.http.clone(),
            limits: self.limits(&raw.dev.limits),
        }
    }

    fn limits(&self, raw: &RawLimits) -> Limits {
        let defaults = Limits::default();
        let positive = |text: &String| {
            let wrong = |_| format!("expected a number from 1, found `{text}`");
            text.parse().map(std::num::NonZeroUsize::get).map_err(wrong)
        };
        let bytes = |text: &String| units::size(text);
        Limits {
            cpu_time: self
                .value(&raw.cpu_time, |text| units::duration(text))
                .unwrap_or(defaults.cpu_time),
            memory: self.value(&raw.memory, bytes).unwrap_or(defaults.memory),
            concurrent_requests: self
                .value(&raw.concurrent_requests, positive)
                .unwrap_or(defaults.concurrent_requests),
        }
    }

    fn value<T>(
        &self,
        raw: &Option<Located<String>>,
        parse: impl FnOnce(&String) -> Result<T, String>,
    ) -> Option<T> {
        raw.clone()?
            .parse(self.notes, parse)
            .map(|located| located.value)
    }

    fn components(
        &self,
        raw: &RawConfig,
        context: &Context<'_>,
        own: &str,
    ) -> Result<Vec<Sibling>, ProjectError> {
        let mut siblings: Vec<Sibling> = Vec::new();
        for component in &raw.dev.components {
            let Some(sibling) = self.sibling(component, context)? else {
                continue;
            };
            if sibling.name == own || siblings.iter().any(|other| other.name == sibling.name) {
                let message = format!(
                    "`{}`: there are two components named `{}`",
                    component.key, sibling.name
                );
                let hint = "give each of `dev.components` a `name` of its own; the project's is the top-level `name`";
                self.notes
                    .problem(&component.at, message, Some(hint.to_string()));
            }
            siblings.push(sibling);
        }
        Ok(siblings)
    }

    /// `None`, with a problem told, when the entry says too little or too much.
    fn sibling(
        &self,
        raw: &RawComponent,
        context: &Context<'_>,
    ) -> Result<Option<Sibling>, ProjectError> {
        let settings = context.settings(&raw.settings, &raw.volumes, BTreeMap::new());
        let imports = raw.imports.clone();
        let name = |default: &str| {
            raw.name
                .as_ref()
                .map_or(default, |name| &name.value)
                .to_string()
        };
        let sibling = match self.source(raw)? {
            None => return Ok(None),
            Some(SiblingSource::File(path)) => Sibling {
                name: name(&name_of(&path)),
                source: SiblingSource::File(path),
                settings,
                imports,
            },
            Some(SiblingSource::Project(project)) => {
                // What the entry says comes on top of what the project says of itself.
                let mut merged = project.settings.clone();
                merged.environment.extend(settings.environment);
                merged.config.extend(settings.config);
                merged.directories.extend(settings.directories);
                if raw.settings.allowed_hosts.is_some() {
                    merged.outgoing_http = settings.outgoing_http;
                }
                Sibling {
                    name: name(&project.name),
                    imports: project.imports.clone().into_iter().chain(imports).collect(),
                    source: SiblingSource::Project(project),
                    settings: merged,
                }
            }
        };
        Ok(Some(sibling))
    }

    fn source(&self, raw: &RawComponent) -> Result<Option<SiblingSource>, ProjectError> {
        let message = match (&raw.file, &raw.path, raw.other_source) {
            (Some(file), None, _) => {
                return Ok(Some(SiblingSource::File(self.root.join(&file.value))));
            }
            (None, Some(path), _) => return self.sibling_project(raw, &path.value).map(Some),
            (Some(_), Some(_), _) => "expected `file` or `path`, found both",
            (None, None, OtherSource::Wrong) => return Ok(None),
            (None, None, OtherSource::Image) => {
                "expected `file` or `path`: an `image` is not pulled from its registry yet"
            }
            (None, None, OtherSource::None) => "expected `file` or `path`, found neither",
        };
        self.notes
            .problem(&raw.at, format!("`{}`: {message}", raw.key), None);
        Ok(None)
    }

    fn sibling_project(
        &self,
        raw: &RawComponent,
        path: &str,
    ) -> Result<SiblingSource, ProjectError> {
        let root = self.root.join(path);
        let overrides = Overrides {
            purpose: self.overrides.purpose,
            user_config: self.overrides.user_config.clone(),
            env: self.overrides.env.clone(),
            skip_fetch: self.overrides.skip_fetch,
            offline: self.overrides.offline,
            ..Overrides::default()
        };
        match super::load_below(&root, &overrides, self.parents) {
            Ok(project) => Ok(SiblingSource::Project(Box::new(project))),
            Err(cycle @ ProjectError::Cycle(_)) => Err(cycle),
            Err(source) => Err(ProjectError::Sibling {
                name: raw
                    .name
                    .as_ref()
                    .map_or(path, |name| &name.value)
                    .to_string(),
                root: root.canonicalize().unwrap_or(root),
                source: Box::new(source),
            }),
        }
    }
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
        |name| name.to_string_lossy().into_owned(),
    )
}
