//! The components beside the project's own: those of `dev.components`, and the service where it is another one. Files,
//! images in registries, or projects that are loaded as well.

use std::collections::BTreeMap;

use wash_common::advice::Advice as _;
use wash_common::sanitize;
use wash_fetch::oci::Reference;
use wash_runtime::capability::config::ConfigValues;
use wash_runtime::capability::http_client::{HttpClient, OutgoingHttp};
use wash_runtime::capability::keyvalue::KeyValue;
use wash_runtime::capability::logging::LogLevel;
use wash_runtime::capability::sockets::Sockets;
use wash_runtime::capability::wasi::{Directories, Directory, Process};
use wash_runtime::workload::Limits;

use super::drive::Service;
use super::raw::{RawComponent, RawConfig, RawService, RawSettings, RawWhich};
use super::resolve::{Resolver, name_of};
use super::settings::Context;
use super::table::{Located, nearest};
use super::{Image, ProjectError, Sibling, SiblingSource, drive, keyvalue};

/// What the components are resolved with.
pub(super) struct Siblings<'s> {
    pub(super) resolver: &'s Resolver<'s>,
    pub(super) raw: &'s RawConfig,
    pub(super) context: &'s Context<'s>,
    /// The name of the project's own component.
    pub(super) own: &'s str,
    /// Those of `dev.volumes`.
    pub(super) directories: &'s [Directory],
    /// Those of `dev.limits`.
    pub(super) limits: &'s Limits,
}

impl Siblings<'_> {
    /// All of them, and which component is the service.
    pub(super) fn all(&self) -> Result<(Vec<Sibling>, Option<Service>), ProjectError> {
        let mut siblings: Vec<Sibling> = Vec::new();
        for component in &self.raw.dev.components {
            if let Some(sibling) = self.sibling(component)? {
                self.add(&mut siblings, sibling, component);
            }
        }
        let service = match &self.raw.dev.service {
            Some(raw) => self.service(raw, &mut siblings)?,
            None => None,
        };
        Ok((siblings, service))
    }

    fn add(&self, siblings: &mut Vec<Sibling>, sibling: Sibling, raw: &RawComponent) {
        if self.is_taken(siblings, &sibling.name) {
            let message = format!(
                "`{}`: there are two components named `{}`",
                raw.key, sibling.name
            );
            let hint = "give each of `dev.components` a `name` of its own; the project's is the top-level `name`";
            self.resolver
                .notes
                .problem(&raw.at, message, Some(hint.to_string()));
        }
        siblings.push(sibling);
    }

    fn is_taken(&self, siblings: &[Sibling], name: &str) -> bool {
        name == self.own || siblings.iter().any(|other| other.name == name)
    }

    /// `None`, with a problem told, when there is no such component.
    fn service(
        &self,
        raw: &RawService,
        siblings: &mut Vec<Sibling>,
    ) -> Result<Option<Service>, ProjectError> {
        let resolver = self.resolver;
        let restart = resolver.value(&raw.restart, |text| drive::restart(text));
        let most = resolver.value(&raw.max_restarts, |text| {
            let wrong = |_| format!("expected a number, found `{text}`");
            text.parse().map_err(wrong)
        });
        let name = match &raw.which {
            RawWhich::Own => self.own.to_string(),
            RawWhich::Named(name) if self.is_taken(siblings, &name.value) => name.value.clone(),
            RawWhich::Named(name) => {
                self.nobody(name, siblings);
                return Ok(None);
            }
            RawWhich::Component(component) => {
                let Some(sibling) = self.sibling(component)? else {
                    return Ok(None);
                };
                let name = sibling.name.clone();
                self.add(siblings, sibling, component);
                name
            }
            RawWhich::File(path) => {
                let path = self.resolver.root.join(&path.value);
                self.upstream_service(&name_of(&path), SiblingSource::File(path), siblings)
            }
            RawWhich::Image(image, policy) => {
                let Some(image) = self.image(image, policy) else {
                    return Ok(None);
                };
                let name = image.reference.name().to_string();
                self.upstream_service(&name, SiblingSource::Image(image), siblings)
            }
        };
        let restart = restart.unwrap_or_default();
        Ok(Some(Service {
            name,
            restart: match most {
                Some(most) => drive::max_restarts(restart, most),
                None => restart,
            },
        }))
    }

    fn nobody(&self, name: &Located<String>, siblings: &[Sibling]) {
        let mut names: Vec<&str> = siblings.iter().map(|s| s.name.as_str()).collect();
        names.push(self.own);
        let hint = match nearest(&name.value, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "name a component of `dev.components`, or give its `file` or `path`".to_string()
            }
        };
        let message = format!("`{}`: no component `{}`", name.key, name.value);
        self.resolver.notes.problem(&name.at, message, Some(hint));
    }

    /// Upstream gives such a service what `workload` gives to the project's own component.
    fn upstream_service(
        &self,
        name: &str,
        source: SiblingSource,
        siblings: &mut Vec<Sibling>,
    ) -> String {
        let mut name = name.to_string();
        while self.is_taken(siblings, &name) {
            name.push_str("-service");
        }
        let directories = self.directories.to_vec();
        let workload = &self.raw.workload;
        siblings.push(Sibling {
            name: name.clone(),
            source,
            settings: self.context.settings(workload, directories),
            subscriptions: self.context.subscriptions(workload),
            imports: BTreeMap::new(),
            limits: self.limits.clone(),
        });
        name
    }

    /// `None`, with a problem told, when the entry says too little or too much.
    fn sibling(&self, raw: &RawComponent) -> Result<Option<Sibling>, ProjectError> {
        let own = raw.volumes.as_deref().map(|v| self.context.directories(v));
        let settings = |directories| {
            let mut settings = self.context.settings(&raw.settings, directories);
            let client = settings.get_mut::<HttpClient>();
            *client = self.resolver.trusting(&raw.http_client, client.clone());
            settings
        };
        let Some(source) = self.source(raw)? else {
            return Ok(None);
        };
        let name = match &raw.name {
            Some(name) => name.value.clone(),
            None => called(&source),
        };
        // It stands before every line of the component's output.
        let name = sanitize::line(&name).into_owned();
        let sibling = match source {
            SiblingSource::File(_) | SiblingSource::Image(_) => Sibling {
                name,
                source,
                settings: settings(own.unwrap_or_else(|| self.directories.to_vec())),
                subscriptions: self.context.subscriptions(&raw.settings),
                imports: raw.imports.clone(),
                limits: self.limits_of(raw, self.limits),
            },
            SiblingSource::Project(project) => {
                // What the entry says comes on top of what the project says of itself.
                let mut merged = project.settings.clone();
                let settings = settings(match own {
                    None if merged.get::<Directories>().0.is_empty() => self.directories.to_vec(),
                    own => own.unwrap_or_default(),
                });
                let environment = settings.get::<Process>().environment.clone();
                merged.get_mut::<Process>().environment.extend(environment);
                let config = settings.get::<ConfigValues>().0.clone();
                merged.get_mut::<ConfigValues>().0.extend(config);
                let directories = settings.get::<Directories>().0.clone();
                merged.get_mut::<Directories>().0.extend(directories);
                let level = settings.get::<LogLevel>().0;
                let merged_level = &mut merged.get_mut::<LogLevel>().0;
                *merged_level = match &raw.settings.log_level {
                    Some(_) => level,
                    // Both may have a level, and neither wants less to be left out.
                    None => level.max(*merged_level),
                };
                // The limits on connections are the workload's.
                let HttpClient {
                    connections, wait, ..
                } = *settings.get();
                let client = merged.get_mut::<HttpClient>();
                *client = HttpClient {
                    connections,
                    wait,
                    ..self.resolver.trusting(&raw.http_client, client.clone())
                };
                let resolver = self.resolver;
                let own = raw.settings.keyvalue.resolve(resolver.root, resolver.notes);
                let keyvalue = merged.get_mut::<KeyValue>();
                *keyvalue =
                    keyvalue::layered([own, keyvalue.clone(), settings.get::<KeyValue>().clone()]);
                if raw.settings.allowed_hosts.is_some() {
                    *merged.get_mut() = settings.get::<OutgoingHttp>().clone();
                }
                let sockets = &raw.settings.sockets;
                sockets.lay_over(
                    merged.get_mut::<Sockets>(),
                    settings.get::<Sockets>().clone(),
                );
                let imports = project.imports.clone().into_iter();
                Sibling {
                    name,
                    imports: imports.chain(raw.imports.clone()).collect(),
                    settings: merged,
                    subscriptions: match &raw.settings {
                        RawSettings {
                            subscriptions: None,
                            ..
                        } if !project.subscriptions.is_empty() => project.subscriptions.clone(),
                        settings => self.context.subscriptions(settings),
                    },
                    limits: self.limits_of(raw, &project.dev.limits),
                    source: SiblingSource::Project(project),
                }
            }
        };
        Ok(Some(sibling))
    }

    fn limits_of(&self, raw: &RawComponent, defaults: &Limits) -> Limits {
        let mut limits = self.resolver.limits(&raw.limits, defaults);
        let most = self.resolver.value(&raw.max_concurrency, |text| {
            let wrong = |_| format!("expected a number, found `{text}`");
            text.parse::<i64>().map_err(wrong)
        });
        // Upstream writes -1, or 0, for no limit of its own.
        if let Some(most) = most.and_then(|most| usize::try_from(most).ok())
            && most > 0
            && raw.limits.concurrent_requests.is_none()
        {
            limits.concurrent_requests = most;
        }
        limits
    }

    fn source(&self, raw: &RawComponent) -> Result<Option<SiblingSource>, ProjectError> {
        let resolver = self.resolver;
        if let (Some(policy), None) = (&raw.pull_policy, &raw.image) {
            let message = format!("`{}` has no effect without an `image`", policy.key);
            resolver.notes.warn(&policy.at, message, None);
        }
        let message = match (&raw.file, &raw.path, &raw.image) {
            (Some(file), None, None) => {
                return Ok(Some(SiblingSource::File(resolver.root.join(&file.value))));
            }
            (None, Some(path), None) => return self.project(raw, &path.value).map(Some),
            (None, None, Some(image)) => {
                return Ok(self
                    .image(image, &raw.pull_policy)
                    .map(SiblingSource::Image));
            }
            (None, None, None) if raw.wrong_source => return Ok(None),
            (None, None, None) => "expected `file`, `path` or `image`, found none of them",
            _ => "expected `file`, `path` or `image`, found more than one of them",
        };
        resolver
            .notes
            .problem(&raw.at, format!("`{}`: {message}", raw.key), None);
        Ok(None)
    }

    fn image(&self, image: &Located<String>, policy: &Option<Located<String>>) -> Option<Image> {
        let notes = self.resolver.notes;
        let policy = self.resolver.value(policy, |text| text.parse());
        let reference = image.value.parse::<Reference>().map_err(|error| {
            let hint = error.hints().into_iter().next();
            notes.problem(&image.at, format!("`{}`: {error}", image.key), hint);
        });
        Some(Image {
            reference: reference.ok()?,
            policy: policy.unwrap_or_default(),
            insecure: self.raw.dev.allow_insecure_registries,
        })
    }

    fn project(&self, raw: &RawComponent, path: &str) -> Result<SiblingSource, ProjectError> {
        let Resolver {
            root,
            overrides,
            parents,
            ..
        } = self.resolver;
        let root = root.join(path);
        match super::load_below(&root, &overrides.of_sibling(), parents) {
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

fn called(source: &SiblingSource) -> String {
    match source {
        SiblingSource::File(path) => name_of(path),
        SiblingSource::Project(project) => project.name.clone(),
        SiblingSource::Image(image) => image.reference.name().to_string(),
    }
}
