//! Where a component's keys and values are kept, as the config says it: `keyvalue` of `workload` and of each of
//! `dev.components`, `dev.host_interfaces` for `wasi:keyvalue`, and `dev.wasi_keyvalue_path`.
//!
//! What is said nearer to the component wins, setting by setting.

use std::collections::BTreeMap;
use std::path::Path;

use wash_common::units::parse_size;
use wash_runtime::capability::keyvalue::{KeyValue, KeyValueBackend};

use super::raw::RawInterface;
use super::table::{Located, Notes, Table, nearest};

#[derive(Debug, Clone, Default)]
pub(super) struct RawKeyValue {
    backend: Option<RawBackend>,
    prefix: Option<String>,
    buckets: Option<Vec<String>>,
    quota: Option<Located<String>>,
}

#[derive(Debug, Clone)]
enum RawBackend {
    Memory,
    Files(Located<String>),
}

/// What `backend` can be.
const BACKENDS: [&str; 2] = ["in_memory", "filesystem"];

impl RawKeyValue {
    /// `keyvalue: { path, memory, prefix, buckets, quota }`
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let memory = table.boolean("memory").unwrap_or_default();
        let backend = match (table.text("path"), memory) {
            (Some(path), true) => {
                let message = format!(
                    "`{}`: expected `path` or `memory`, found both",
                    table.name()
                );
                table.notes.problem(&path.at, message, None);
                None
            }
            (Some(path), false) => Some(RawBackend::Files(path)),
            (None, true) => Some(RawBackend::Memory),
            (None, false) => None,
        };
        let raw = Self {
            backend,
            prefix: table.text("prefix").map(|prefix| prefix.value),
            buckets: table.texts("buckets").map(|buckets| buckets.value),
            quota: table.text_or_number("quota"),
        };
        table.finish();
        raw
    }

    /// The `config` of an entry of `host_interfaces`, as upstream has it. Takes what it knows out of `config`.
    pub(super) fn read_interface(
        interface: &RawInterface,
        config: &mut BTreeMap<String, String>,
        notes: &Notes,
    ) -> Self {
        let mut take = |name: &str| {
            config.remove(name).map(|value| Located {
                value,
                at: interface.at.clone(),
                key: format!("{}.config.{name}", interface.key),
            })
        };
        let (backend, root, _) = (take("backend"), take("root"), take("url"));
        let bucket = take("bucket");
        let listed = |texts: Located<String>| {
            let names = texts.value.split(',').map(str::trim);
            names.map(str::to_string).collect()
        };
        Self {
            backend: match backend {
                None => root.map(RawBackend::Files),
                Some(backend) => chosen(&backend, root, notes),
            },
            prefix: take("prefix").map(|prefix| prefix.value),
            buckets: take("buckets").or(bucket).map(listed),
            quota: None,
        }
    }

    /// The directory in which values are kept as files.
    pub(super) fn files_path(&self) -> Option<&Located<String>> {
        match self.backend.as_ref()? {
            RawBackend::Files(path) => Some(path),
            RawBackend::Memory => None,
        }
    }

    /// `dev.wasi_keyvalue_path`
    pub(super) fn files(path: Located<String>) -> Self {
        Self {
            backend: Some(RawBackend::Files(path)),
            ..Self::default()
        }
    }

    /// This, and from `other` what it does not say.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            backend: self.backend.or(other.backend),
            prefix: self.prefix.or(other.prefix),
            buckets: self.buckets.or(other.buckets),
            quota: self.quota.or(other.quota),
        }
    }

    pub(super) fn resolve(&self, root: &Path, notes: &Notes) -> KeyValue {
        let backend = match &self.backend {
            None => None,
            Some(RawBackend::Memory) => Some(KeyValueBackend::Memory),
            Some(RawBackend::Files(path)) => {
                let directory = root.join(&path.value);
                if directory.exists() && !directory.is_dir() {
                    let found = directory.display();
                    let message =
                        format!("`{}`: expected a directory, `{found}` is a file", path.key);
                    notes.problem(&path.at, message, None);
                }
                Some(KeyValueBackend::Files(directory))
            }
        };
        KeyValue {
            backend,
            prefix: self.prefix.clone().unwrap_or_default(),
            buckets: self
                .buckets
                .clone()
                .map(|buckets| buckets.into_iter().collect()),
            quota: self
                .quota
                .clone()
                .and_then(|quota| quota.parse(notes, |text| parse_size(text)))
                .map(|quota| quota.value),
        }
    }
}

fn chosen(
    backend: &Located<String>,
    root: Option<Located<String>>,
    notes: &Notes,
) -> Option<RawBackend> {
    let Located { value, at, key } = backend;
    match value.replace('-', "_").as_str() {
        "in_memory" | "memory" => Some(RawBackend::Memory),
        "filesystem" => {
            if root.is_none() {
                let message = format!("`{key}`: `filesystem` needs a `root` directory");
                notes.problem(at, message, None);
            }
            root.map(RawBackend::Files)
        }
        "redis" | "nats" => {
            let message = format!("`{key}` is ignored: {value} stores are not supported yet");
            notes.warn(at, message, Some(instead_of(value)));
            None
        }
        _ => {
            let message = format!("`{key}`: expected `in_memory` or `filesystem`, found `{value}`");
            let hint = nearest(value, &BACKENDS).map(|near| format!("did you mean `{near}`?"));
            notes.problem(at, message, hint);
            None
        }
    }
}

/// What a store that the host does not have is replaced by.
pub(super) fn instead_of(store: &str) -> String {
    let instead =
        "values are kept in `.wash/state`, or as files with `dev.wasi_keyvalue_path: DIR`";
    match store {
        "redis" => format!("{REDIS}; otherwise {instead}"),
        _ => instead.to_string(),
    }
}

/// The plugin that keeps values in Redis.
const REDIS: &str =
    "the plugin `keyvalue-redis` keeps values in Redis: install it and set `REDIS_URL`";

/// What an entry says, then what the project it names says, then the rest: setting by setting.
pub(super) fn layered(layers: [KeyValue; 3]) -> KeyValue {
    layers
        .into_iter()
        .reduce(|nearer, farther| KeyValue {
            backend: nearer.backend.or(farther.backend),
            prefix: match nearer.prefix.is_empty() {
                true => farther.prefix,
                false => nearer.prefix,
            },
            buckets: nearer.buckets.or(farther.buckets),
            quota: nearer.quota.or(farther.quota),
        })
        .unwrap_or_default()
}
