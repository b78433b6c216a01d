//! [`RawConfig`] mirrors the config file: every key there is, of both generations of upstream's schema and of ours,
//! typed but not yet given a meaning.
//!
//! Ours are:
//!
//! - `name`: the name of the project's component
//! - `imports`, here and in each of `dev.components`: interface to `NAME`, `NAME#EXPORT`, `plugin:NAME`, `host`, `stub` or `runtime`
//! - `dev.http`: the components through which requests go, in order
//! - `dev.routes`: `[HOST][/PATH]` to the component, or the list of components, that its requests go through
//! - `dev.service` as the name of a component, or as a map: `component`, or what an entry of `dev.components` has, and
//!   `restart` (`on-failure`, `never`) and `max_restarts` (a number)
//! - `dev.components[].path`: another project, instead of `file`
//! - `dev.tls: self-signed`, instead of `dev.tls_cert_path` and `dev.tls_key_path`
//! - `dev.components[].http_client_ca_paths` and `.http_client_trust_roots`, which upstream has for all in `dev`
//! - `dev.components[].volumes`, instead of `dev.volumes`, and `read_only` of a volume there and here
//! - `dev.limits`, and `limits` of `dev.components[]`: `cpu_time` (`10s`), `memory` (`512MiB`),
//!   `concurrent_requests` and `queued_messages` (numbers)
//! - `dev.log_level`, and `log_level` of `workload` and of `dev.components[]`: the least of wasi:logging that is shown
//! - `env_file` of `workload` and of each of `dev.components`: a file of variables such as `.env`, which is not read unless it is named
//! - `allowedSockets` of `workload` and of each of `dev.components`: `HOST|IP|CIDR[:PORT|:FROM-TO][/tcp|/udp]`
//! - `dev.volumes` and `volumes` of each of `dev.components`: `empty: NAME` instead of `host_path`, `read_only`
//! - `dev.capabilities`: the name of a capability to `on` or `off`
//! - `keyvalue` of `workload` and of each of `dev.components`: `path`, `memory`, `prefix`, `buckets`, `quota`
//! - `environment` as a plain map of variables, besides upstream's map of `config`, `configFrom` and `secretFrom`

use std::collections::BTreeMap;

use wash_runtime::capability::CAPABILITIES;
use wash_runtime::capability::sockets::PublishedPort;

use super::keyvalue::{RawKeyValue, instead_of};
use super::sockets;
use super::sockets::RawSockets;
use super::table::{Choice, Located, Notes, Table};
use super::value::{Origin, Value};

#[derive(Debug, Default)]
pub(super) struct RawConfig {
    pub(super) name: Option<Located<String>>,
    pub(super) build: RawBuild,
    pub(super) dev: RawDev,
    pub(super) workload: RawSettings,
    pub(super) imports: BTreeMap<String, String>,
    pub(super) configs: BTreeMap<String, RawSource>,
    pub(super) secrets: BTreeMap<String, RawSource>,
    pub(super) wit: wash_fetch::wit::Wit,
}

#[derive(Debug, Default)]
pub(super) struct RawBuild {
    pub(super) command: Option<Located<String>>,
    pub(super) component_path: Option<Located<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) watch: Vec<String>,
    pub(super) rust: Option<RawRust>,
    pub(super) tinygo: Option<RawTinyGo>,
    pub(super) typescript: Option<RawTypeScript>,
}

#[derive(Debug, Default)]
pub(super) struct RawRust {
    pub(super) custom_command: Option<Located<Vec<String>>>,
    pub(super) target: Option<String>,
    pub(super) cargo_flags: Vec<String>,
    pub(super) release: Option<bool>,
    pub(super) features: Vec<String>,
    pub(super) no_default_features: bool,
}

#[derive(Debug, Default)]
pub(super) struct RawTinyGo {
    pub(super) custom_command: Option<Located<Vec<String>>>,
    pub(super) target: Option<String>,
    pub(super) build_flags: Vec<String>,
    pub(super) scheduler: Option<String>,
    pub(super) gc: Option<String>,
    pub(super) opt: Option<String>,
    pub(super) panic: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) no_debug: bool,
    pub(super) stack_size: Option<String>,
    pub(super) wit_package: Option<String>,
    pub(super) wit_world: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct RawTypeScript {
    pub(super) custom_command: Option<Located<Vec<String>>>,
    pub(super) package_manager: Option<String>,
    pub(super) build_command: Option<String>,
    pub(super) build_flags: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct RawDev {
    pub(super) command: Option<Located<String>>,
    pub(super) component_path: Option<Located<String>>,
    pub(super) address: Option<Located<String>>,
    pub(super) tls: Option<Located<String>>,
    pub(super) tls_cert_path: Option<Located<String>>,
    pub(super) tls_key_path: Option<Located<String>>,
    pub(super) tls_ca_path: Option<Located<String>>,
    pub(super) allowed_hosts: Option<Located<Vec<String>>>,
    pub(super) max_connections: Option<Located<String>>,
    pub(super) max_outbound_connections: Option<Located<String>>,
    pub(super) http_connection_wait: Option<Located<String>>,
    pub(super) http_client: RawHttpClient,
    pub(super) components: Vec<RawComponent>,
    pub(super) http: Option<Located<Vec<String>>>,
    pub(super) routes: Vec<(String, Located<Vec<String>>)>,
    pub(super) service: Option<RawService>,
    pub(super) service_ports: Vec<PublishedPort>,
    pub(super) volumes: Vec<RawVolume>,
    pub(super) allow_insecure_registries: bool,
    pub(super) limits: RawLimits,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) wasm_proposals: Option<Located<Vec<String>>>,
    pub(super) wasi_blobstore_path: Option<Located<String>>,
    /// Of every component that says nothing else.
    pub(super) log_level: Option<Located<String>>,
    pub(super) interfaces: Vec<RawInterface>,
    pub(super) wasi_keyvalue_path: Option<Located<String>>,
    /// Capabilities that are switched on or off.
    pub(super) capabilities: BTreeMap<&'static str, Located<bool>>,
}

/// An entry of `dev.host_interfaces`.
#[derive(Debug)]
pub(super) struct RawInterface {
    /// The key of the entry, such as `dev.host_interfaces[0]`.
    pub(super) key: String,
    pub(super) at: Origin,
    /// Namespace and package: `wasi:config`.
    pub(super) package: String,
    pub(super) config: BTreeMap<String, String>,
}

/// Which component is the service, and how it is run.
#[derive(Debug)]
pub(super) struct RawService {
    pub(super) which: RawWhich,
    pub(super) restart: Option<Located<String>>,
    pub(super) max_restarts: Option<Located<String>>,
}

#[derive(Debug)]
pub(super) enum RawWhich {
    /// The project's own.
    Own,
    /// One that is there for other reasons, too.
    Named(Located<String>),
    /// One of its own.
    Component(Box<RawComponent>),
    /// Upstream's `service_file`, which has the settings of `workload`.
    File(Located<String>),
    /// Its `service_image` and `service_pull_policy`, likewise.
    Image(Located<String>, Option<Located<String>>),
}

#[derive(Debug, Default)]
pub(super) struct RawLimits {
    pub(super) cpu_time: Option<Located<String>>,
    pub(super) memory: Option<Located<String>>,
    pub(super) concurrent_requests: Option<Located<String>>,
    pub(super) queued_messages: Option<Located<String>>,
}

#[derive(Debug, Default)]
pub(super) struct RawHttpClient {
    pub(super) ca_paths: Option<Located<Vec<String>>>,
    pub(super) trust_roots: Option<Located<String>>,
}

#[derive(Debug)]
pub(super) struct RawComponent {
    pub(super) at: Origin,
    /// The key of the entry, such as `dev.components[0]`.
    pub(super) key: String,
    pub(super) name: Option<Located<String>>,
    pub(super) file: Option<Located<String>>,
    pub(super) path: Option<Located<String>>,
    pub(super) image: Option<Located<String>>,
    pub(super) pull_policy: Option<Located<String>>,
    /// One of them is there, of the wrong type; that has been told.
    pub(super) wrong_source: bool,
    pub(super) settings: RawSettings,
    pub(super) http_client: RawHttpClient,
    /// `None`: those of `dev.volumes`.
    pub(super) volumes: Option<Vec<RawVolume>>,
    pub(super) limits: RawLimits,
    /// Upstream's word for `limits.concurrent_requests`.
    pub(super) max_concurrency: Option<Located<String>>,
    pub(super) imports: BTreeMap<String, String>,
}

impl RawDev {
    /// Where the projects of its components are, as the config says.
    pub(super) fn sibling_paths(&self) -> Vec<String> {
        let paths = self.components.iter().filter_map(|it| it.path.as_ref());
        paths.map(|path| path.value.clone()).collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct RawSettings {
    pub(super) args: Vec<String>,
    pub(super) program_name: Option<String>,
    pub(super) initial_cwd: Option<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) env_file: Option<Located<String>>,
    pub(super) config_from: Option<Located<Vec<String>>>,
    pub(super) secret_from: Option<Located<Vec<String>>>,
    pub(super) config: BTreeMap<String, String>,
    /// That of `config`.
    pub(super) subscriptions: Option<Located<String>>,
    pub(super) allowed_hosts: Option<Located<Vec<String>>>,
    pub(super) log_level: Option<Located<String>>,
    pub(super) sockets: RawSockets,
    pub(super) keyvalue: RawKeyValue,
}

#[derive(Debug)]
pub(super) struct RawVolume {
    pub(super) place: RawPlace,
    pub(super) guest_path: Located<String>,
    pub(super) read_only: bool,
}

/// What is behind a volume.
#[derive(Debug)]
pub(super) enum RawPlace {
    HostPath(Located<String>),
    /// An empty directory of this name.
    Empty(String),
}

/// An entry of `configs` or `secrets`.
#[derive(Debug)]
pub(super) struct RawSource {
    pub(super) inline: BTreeMap<String, String>,
    pub(super) file: Option<Located<String>>,
    pub(super) dir: Option<Located<String>>,
    pub(super) from_env: Option<Located<Vec<String>>>,
}

impl RawConfig {
    pub(super) fn read(notes: &Notes, value: Value) -> Self {
        let Some(mut root) = Table::new(notes, "", value) else {
            return Self::default();
        };
        let raw = Self {
            name: root.text("name"),
            build: root.table("build").map(RawBuild::read).unwrap_or_default(),
            dev: root.table("dev").map(RawDev::read).unwrap_or_default(),
            workload: root
                .table("workload")
                .map(RawSettings::read_workload)
                .unwrap_or_default(),
            imports: root.text_map("imports").unwrap_or_default(),
            configs: sources(&mut root, "configs"),
            secrets: sources(&mut root, "secrets"),
            wit: super::wit::read(&mut root),
        };
        // `wash new` runs it.
        if let Some(mut new) = root.table("new") {
            new.text("command");
            new.finish();
        }
        root.skip(&["$schema", "version", "templates", "host"]);
        root.finish();
        raw
    }
}

impl RawBuild {
    fn read(mut build: Table<'_>) -> Self {
        let component_path = build.text("component_path");
        let artifact_path = build.text("artifact_path");
        let raw = Self {
            command: build.text("command"),
            component_path: component_path.or(artifact_path),
            env: build.text_map("env").unwrap_or_default(),
            watch: texts(&mut build, "watch"),
            rust: build.table("rust").map(RawRust::read),
            tinygo: build.table("tinygo").map(RawTinyGo::read),
            typescript: build.table("typescript").map(RawTypeScript::read),
        };
        build.finish();
        raw
    }
}

impl RawRust {
    fn read(mut rust: Table<'_>) -> Self {
        let raw = Self {
            custom_command: rust.texts("custom_command"),
            target: text(&mut rust, "target"),
            cargo_flags: texts(&mut rust, "cargo_flags"),
            release: rust.boolean("release"),
            features: texts(&mut rust, "features"),
            no_default_features: rust.boolean("no_default_features").unwrap_or_default(),
        };
        rust.finish();
        raw
    }
}

impl RawTinyGo {
    fn read(mut tinygo: Table<'_>) -> Self {
        let raw = Self {
            custom_command: tinygo.texts("custom_command"),
            target: text(&mut tinygo, "target"),
            build_flags: texts(&mut tinygo, "build_flags"),
            scheduler: text(&mut tinygo, "scheduler"),
            gc: text(&mut tinygo, "gc"),
            opt: tinygo.text_or_number("opt").map(|opt| opt.value),
            panic: text(&mut tinygo, "panic"),
            tags: texts(&mut tinygo, "tags"),
            no_debug: tinygo.boolean("no_debug").unwrap_or_default(),
            stack_size: tinygo.text_or_number("stack_size").map(|size| size.value),
            wit_package: text(&mut tinygo, "wit_package"),
            wit_world: text(&mut tinygo, "wit_world"),
        };
        tinygo.skip(&["disable_go_generate"]);
        tinygo.finish();
        raw
    }
}

impl RawTypeScript {
    fn read(mut typescript: Table<'_>) -> Self {
        let raw = Self {
            custom_command: typescript.texts("custom_command"),
            package_manager: text(&mut typescript, "package_manager"),
            build_command: text(&mut typescript, "build_command"),
            build_flags: texts(&mut typescript, "build_flags"),
        };
        typescript.skip(&["node_version", "skip_install"]);
        typescript.not_yet("the project's own build script decides", &["source_maps"]);
        typescript.finish();
        raw
    }
}

impl RawDev {
    fn read(mut dev: Table<'_>) -> Self {
        let raw = Self {
            command: dev.text("command"),
            component_path: dev.text("component_path"),
            address: dev.text_or_number("address"),
            tls: dev.text("tls"),
            tls_cert_path: dev.text("tls_cert_path"),
            tls_key_path: dev.text("tls_key_path"),
            tls_ca_path: dev.text("tls_ca_path"),
            allowed_hosts: dev.texts("allowed_hosts"),
            max_connections: dev.text_or_number("max_connections"),
            max_outbound_connections: dev
                .text_or_number("max_outbound_http_connections_per_workload"),
            http_connection_wait: dev.text_or_number("http_connection_wait"),
            http_client: RawHttpClient::read(&mut dev),
            components: dev
                .tables("components")
                .into_iter()
                .map(RawComponent::read)
                .collect(),
            http: dev.texts("http"),
            routes: dev.named_texts("routes"),
            service: RawService::read(&mut dev),
            service_ports: sockets::service_ports(&mut dev),
            volumes: volumes(&mut dev).unwrap_or_default(),
            allow_insecure_registries: dev.boolean("allow_insecure_registries").unwrap_or_default(),
            limits: dev.table("limits").map(RawLimits::read).unwrap_or_default(),
            environment: dev.text_map("environment").unwrap_or_default(),
            wasm_proposals: dev.texts("wasm_proposals"),
            wasi_blobstore_path: dev.text("wasi_blobstore_path"),
            log_level: dev.text("log_level"),
            interfaces: interfaces(&mut dev),
            wasi_keyvalue_path: dev.text("wasi_keyvalue_path"),
            capabilities: dev.table("capabilities").map(switches).unwrap_or_default(),
        };
        dev.not_yet(
            "components that provide host capabilities are not supported yet",
            &["host_plugins"],
        );
        dev.not_yet(
            "this capability is not supported yet",
            &["data_nats_url", "postgres_url", "wasi_otel", "wasi_webgpu"],
        );
        for (store, key) in [
            ("redis", "wasi_keyvalue_redis_url"),
            ("nats", "wasi_keyvalue_nats_url"),
        ] {
            let instead = instead_of(store);
            dev.not_yet(
                &format!("this store is not supported yet; {instead}"),
                &[key],
            );
        }
        dev.not_yet(
            "connections are not limited",
            &[
                "max_outbound_socket_connections_per_workload",
                "max_inbound_socket_connections_per_workload",
            ],
        );
        dev.finish();
        raw
    }
}

impl RawService {
    fn read(dev: &mut Table<'_>) -> Option<Self> {
        let service = dev.service();
        let file = dev.text("service_file");
        let image = dev.text("service_image");
        let policy = dev.text("service_pull_policy");
        if let (Some(file), Some(_)) = (&file, &image) {
            let message = "`dev.service_file` and `dev.service_image` both name the service";
            let hint = "remove one of them".to_string();
            dev.notes.problem(&file.at, message.to_string(), Some(hint));
            return None;
        }
        let (which, restart, max_restarts) = match service {
            None => {
                let image = || image.map(|image| RawWhich::Image(image, policy));
                (file.map(RawWhich::File).or_else(image)?, None, None)
            }
            Some(_) if file.is_some() || image.is_some() => {
                let other = file.or(image)?;
                let message = format!("`{}` and `dev.service` both name the service", other.key);
                let hint = "remove one of them";
                dev.notes
                    .problem(&other.at, message, Some(hint.to_string()));
                return None;
            }
            Some(Choice::Yes) => (RawWhich::Own, None, None),
            Some(Choice::Named(name)) => (RawWhich::Named(name), None, None),
            Some(Choice::Table(mut table)) => {
                let restart = table.text("restart");
                let max_restarts = table.text_or_number("max_restarts");
                let which = match table.text("component") {
                    Some(name) => {
                        table.finish();
                        RawWhich::Named(name)
                    }
                    None if ["file", "path", "image"].iter().any(|key| table.has(key)) => {
                        RawWhich::Component(Box::new(RawComponent::read(table)))
                    }
                    None => {
                        // Known, so that they are suggested.
                        table.skip(&["file", "path", "image"]);
                        table.finish();
                        RawWhich::Own
                    }
                };
                (which, restart, max_restarts)
            }
        };
        Some(Self {
            which,
            restart,
            max_restarts,
        })
    }
}

impl RawLimits {
    fn read(mut limits: Table<'_>) -> Self {
        let raw = Self {
            cpu_time: limits.text_or_number("cpu_time"),
            memory: limits.text_or_number("memory"),
            concurrent_requests: limits.text_or_number("concurrent_requests"),
            queued_messages: limits.text_or_number("queued_messages"),
        };
        limits.finish();
        raw
    }
}

impl RawHttpClient {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            ca_paths: table.texts("http_client_ca_paths"),
            trust_roots: table.text("http_client_trust_roots"),
        }
    }
}

impl RawComponent {
    fn read(mut component: Table<'_>) -> Self {
        let has_source = ["file", "path", "image"]
            .iter()
            .any(|key| component.has(key));
        let mut raw = Self {
            wrong_source: false,
            at: component.at.clone(),
            key: component.name().to_string(),
            name: component.text("name"),
            file: component.text("file"),
            path: component.text("path"),
            image: component.text("image"),
            pull_policy: component.text("pullPolicy"),
            volumes: volumes(&mut component),
            http_client: RawHttpClient::read(&mut component),
            limits: component
                .table("limits")
                .map(RawLimits::read)
                .unwrap_or_default(),
            max_concurrency: component.text_or_number("maxConcurrency"),
            imports: component.text_map("imports").unwrap_or_default(),
            settings: RawSettings::read(&mut component),
        };
        raw.wrong_source =
            has_source && raw.file.is_none() && raw.path.is_none() && raw.image.is_none();
        component.not_yet(
            "each request and each message has an instance of its own",
            &["poolSize", "maxInvocations"],
        );
        component.finish();
        raw
    }
}

impl RawSettings {
    fn read_workload(mut workload: Table<'_>) -> Self {
        let raw = Self::read(&mut workload);
        workload.finish();
        raw
    }

    /// The keys that `workload` and each of `dev.components` have in common.
    fn read(table: &mut Table<'_>) -> Self {
        let config = table.text_map("config").unwrap_or_default();
        let subscriptions = config.get("subscriptions").map(|value| Located {
            value: value.clone(),
            at: table.at.clone(),
            key: format!("{}.config.subscriptions", table.name()),
        });
        let mut raw = Self {
            args: table
                .texts("args")
                .map(|args| args.value)
                .unwrap_or_default(),
            program_name: text(table, "program_name"),
            initial_cwd: text(table, "initial_cwd"),
            env_file: table.text("env_file"),
            config,
            subscriptions,
            allowed_hosts: table.texts("allowedHosts"),
            log_level: table.text("log_level"),
            sockets: RawSockets::read(table),
            keyvalue: table
                .table("keyvalue")
                .map(RawKeyValue::read)
                .unwrap_or_default(),
            ..Self::default()
        };
        // Upstream's form nests the variables under `config`; the flat form is a map of variables.
        if table.has_nested_environment() {
            if let Some(mut environment) = table.table("environment") {
                raw.environment = environment.text_map("config").unwrap_or_default();
                raw.config_from = environment.texts("configFrom");
                raw.secret_from = environment.texts("secretFrom");
                environment.finish();
            }
        } else {
            raw.environment = table.text_map("environment").unwrap_or_default();
        }
        raw
    }
}

fn text(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    table.text(key).map(|text| text.value)
}

fn texts(table: &mut Table<'_>, key: &'static str) -> Vec<String> {
    table
        .texts(key)
        .map(|texts| texts.value)
        .unwrap_or_default()
}

fn volumes(table: &mut Table<'_>) -> Option<Vec<RawVolume>> {
    let read = |mut volume: Table<'_>| {
        let place = match (volume.text("host_path"), text(&mut volume, "empty")) {
            (Some(path), None) => Some(RawPlace::HostPath(path)),
            (None, Some(name)) => Some(RawPlace::Empty(name)),
            (found, _) => {
                let found = found.map_or("neither", |_| "both");
                let name = volume.name();
                let message = format!("`{name}`: expected `host_path` or `empty`, found {found}");
                let hint =
                    "host_path: DIRECTORY, or empty: NAME for one that goes with the workload";
                let at = volume.at.clone();
                volume.notes.problem(&at, message, Some(hint.to_string()));
                None
            }
        };
        let guest_path = volume.required_text("guest_path");
        let read_only = volume.boolean("read_only").unwrap_or_default();
        volume.finish();
        Some(RawVolume {
            place: place?,
            guest_path: guest_path?,
            read_only,
        })
    };
    let is_there = table.has("volumes");
    let volumes = table.tables("volumes").into_iter().filter_map(read);
    is_there.then(|| volumes.collect())
}

fn switches(mut capabilities: Table<'_>) -> BTreeMap<&'static str, Located<bool>> {
    let switch = |name| Some((name, capabilities.switch(name)?));
    let switches = CAPABILITIES.into_iter().filter_map(switch).collect();
    capabilities.finish();
    switches
}

/// Imports are read from components, so of an entry only the settings mean something.
fn interfaces(dev: &mut Table<'_>) -> Vec<RawInterface> {
    let read = |mut interface: Table<'_>| {
        let namespace = text(&mut interface, "namespace");
        let package = text(&mut interface, "package");
        let raw = RawInterface {
            key: interface.name().to_string(),
            at: interface.at.clone(),
            package: format!("{}:{}", namespace.as_deref()?, package.as_deref()?),
            config: interface.text_map("config").unwrap_or_default(),
        };
        interface.skip(&["interfaces", "version", "name"]);
        interface.finish();
        Some(raw)
    };
    let interfaces = dev.tables("host_interfaces").into_iter();
    interfaces.filter_map(read).collect()
}

fn sources(root: &mut Table<'_>, key: &'static str) -> BTreeMap<String, RawSource> {
    let read = |(name, mut source): (String, Table<'_>)| {
        let raw = RawSource {
            inline: source.text_map("inline").unwrap_or_default(),
            file: source.text("file"),
            dir: source.text("dir"),
            from_env: source.texts("fromEnv"),
        };
        source.finish();
        (name, raw)
    };
    root.named_tables(key).into_iter().map(read).collect()
}
