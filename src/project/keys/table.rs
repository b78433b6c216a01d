//! The table itself, in the order in which it is documented.

use super::{Key, Takes};

const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error", "critical"];
const TRUST_ROOTS: &[&str] = &["webpki", "webpki-and-native", "native", "extra-only"];
const PULL_POLICIES: &[&str] = &["always", "ifNotPresent", "never"];

pub(super) const ROOT: &[Key] = &[
    Key::new(
        "$schema",
        Takes::Any,
        "Location of the JSON Schema of this file, for editors.",
    ),
    Key::new("version", Takes::Any, "Ignored. Used by other tools."),
    Key::new(
        "name",
        Takes::Text,
        "Name of the project's component, in logs and wiring. Default: the name of its package, or of its directory.",
    ),
    Key::new(
        "build",
        Takes::Map(&[BUILD]),
        "How to build the component. Not needed for recognized kinds of projects.",
    ),
    Key::new("dev", Takes::Map(&[DEV]), "Settings of `wash dev`."),
    Key::new(
        "workload",
        Takes::Map(&[SETTINGS]),
        "Run-time settings of the project's own component.",
    ),
    Key::new(
        "imports",
        Takes::TextMap,
        "Providers of imports of the project's own component: the name of a component, `plugin:NAME`, `host`, `stub`, or `runtime`, which `wash build --compose` leaves to the runtime of the result. `NAME#EXPORT` selects one of several matching exports.",
    ),
    Key::new(
        "configs",
        Takes::Named(&[SOURCE]),
        "Sources of variables for `environment.configFrom`.",
    ),
    Key::new(
        "secrets",
        Takes::Named(&[SOURCE]),
        "Sources of variables for `environment.secretFrom`. Never shown; only the owner may have access to their files.",
    ),
    Key::new("wit", Takes::Map(&[WIT]), "Sources of WIT packages."),
    Key::new(
        "new",
        Takes::Map(&[NEW]),
        "What a template runs when it creates a project.",
    ),
    Key::new(
        "templates",
        Takes::Any,
        "Ignored. Templates of older versions.",
    ),
    Key::new("host", Takes::Any, "Ignored. Settings of a cluster's host."),
];

const BUILD: &[Key] = &[
    Key::new(
        "command",
        Takes::Text,
        "Build command, run by the shell in the project's directory.",
    ),
    Key::new(
        "component_path",
        Takes::Text,
        "Path of the built component, relative to the project.",
    ),
    Key::new(
        "artifact_path",
        Takes::Text,
        "Old name of `component_path`.",
    ),
    Key::new("env", Takes::TextMap, "Environment variables of the build."),
    Key::new(
        "watch",
        Takes::Texts,
        "More files and directories to watch in `wash dev`, relative to the project. May contain wildcards.",
    ),
    Key::new(
        "rust",
        Takes::Map(&[RUST]),
        "Settings of `cargo build`, without `command`.",
    ),
    Key::new(
        "tinygo",
        Takes::Map(&[TINYGO]),
        "Settings of `tinygo build`, without `command`.",
    ),
    Key::new(
        "typescript",
        Takes::Map(&[TYPESCRIPT]),
        "Settings of the package.json script, without `command`.",
    ),
];

const RUST: &[Key] = &[
    Key::new(
        "custom_command",
        Takes::Texts,
        "Program and arguments to run instead of `cargo build`.",
    ),
    Key::new(
        "target",
        Takes::Text,
        "Rust target. Default: that of `.cargo/config.toml`.",
    )
    .or("wasm32-wasip2"),
    Key::new("cargo_flags", Takes::Texts, "More flags for `cargo build`."),
    Key::new(
        "release",
        Takes::Bool,
        "Make release builds. Default: `true` in `wash build`, `false` in `wash dev`.",
    ),
    Key::new("features", Takes::Texts, "Cargo features to enable."),
    Key::new(
        "no_default_features",
        Takes::Bool,
        "Disable the default features.",
    )
    .or("false"),
];

const TINYGO: &[Key] = &[
    Key::new(
        "custom_command",
        Takes::Texts,
        "Program and arguments to run instead of `tinygo build`.",
    ),
    Key::new("target", Takes::Text, "`-target`").or("wasip2"),
    Key::new(
        "build_flags",
        Takes::Texts,
        "More flags for `tinygo build`.",
    ),
    Key::new("scheduler", Takes::Text, "`-scheduler`"),
    Key::new("gc", Takes::Text, "`-gc`"),
    Key::new("opt", Takes::TextOrNumber, "`-opt`"),
    Key::new("panic", Takes::Text, "`-panic`"),
    Key::new("tags", Takes::Texts, "`-tags`"),
    Key::new("no_debug", Takes::Bool, "`-no-debug`").or("false"),
    Key::new("stack_size", Takes::TextOrNumber, "`-stack-size`"),
    Key::new(
        "wit_package",
        Takes::Text,
        "Value of `-wit-package`. Default: `wit`, if it exists.",
    ),
    Key::new("wit_world", Takes::Text, "`-wit-world`"),
    Key::new(
        "disable_go_generate",
        Takes::Any,
        "Ignored: `go generate` is not run.",
    ),
];

const TYPESCRIPT: &[Key] = &[
    Key::new(
        "custom_command",
        Takes::Texts,
        "Program and arguments to run instead of the script.",
    ),
    Key::new(
        "package_manager",
        Takes::Text,
        "`npm`, `pnpm`, `yarn` or `bun`. Default: determined by the lock file.",
    ),
    Key::new("build_command", Takes::Text, "The script.").or("build"),
    Key::new(
        "build_flags",
        Takes::Texts,
        "More arguments for the script.",
    ),
    Key::new("node_version", Takes::Any, "Ignored."),
    Key::new(
        "skip_install",
        Takes::Any,
        "Ignored: packages are not installed.",
    ),
    Key::new(
        "source_maps",
        Takes::Any,
        "Ignored: the project's build script decides.",
    ),
];

const DEV: &[Key] = &[
    Key::new("command", Takes::Text, "`build.command` of `wash dev`."),
    Key::new(
        "component_path",
        Takes::Text,
        "`build.component_path` of `wash dev`.",
    ),
    Key::new(
        "address",
        Takes::Address,
        "Address to listen on. Default: the first free port from 8000.",
    )
    .or("127.0.0.1:8000"),
    Key::new(
        "tls",
        Takes::OneOf(&["self-signed"]),
        "`self-signed`: serve HTTPS with a certificate that `wash` creates.",
    ),
    Key::new(
        "tls_cert_path",
        Takes::Text,
        "Serve HTTPS with this certificate (PEM file).",
    ),
    Key::new(
        "tls_key_path",
        Takes::Text,
        "Key of `tls_cert_path` (PEM file).",
    ),
    Key::new(
        "tls_ca_path",
        Takes::Text,
        "Require client certificates signed by these authorities (PEM file).",
    ),
    Key::new(
        "allowed_hosts",
        Takes::Texts,
        "Host names to accept over plain HTTP besides `localhost`, addresses and the hosts of `routes`: `app.test`, `*.app.test`, or `*` for any.",
    ),
    Key::new(
        "max_connections",
        Takes::Count,
        "Maximum concurrent connections to the server; more wait.",
    ),
    Key::new(
        "max_outbound_http_connections_per_workload",
        Takes::Count,
        "Maximum concurrent connections of outgoing HTTP.",
    )
    .or("128"),
    Key::new(
        "http_connection_wait",
        Takes::Duration,
        "Timeout of outgoing requests that wait for a connection.",
    )
    .or("5s"),
    CA_PATHS,
    TRUSTED.or("webpki"),
    Key::new(
        "components",
        Takes::List(&[COMPONENT, SETTINGS]),
        "Other components to link.",
    ),
    Key::new(
        "http",
        Takes::Texts,
        "Components that handle requests, in order; the last one answers.",
    ),
    Key::new(
        "routes",
        Takes::NamedTexts,
        "Map of `[HOST][/PATH]` to a component, or to a list of components that handle requests in order.",
    ),
    Key::new(
        "service",
        Takes::Choice(&[SERVICE, COMPONENT, SETTINGS]),
        "Component to run as the service: the project's own (`true`), one of `dev.components` (its name), or \
         a further one.",
    ),
    Key::new(
        "service_file",
        Takes::Text,
        "Component file to run as the service, with the settings of `workload`.",
    ),
    Key::new(
        "service_image",
        Takes::Text,
        "Image to run as the service, with the settings of `workload`.",
    ),
    Key::new(
        "service_pull_policy",
        Takes::Spellings(PULL_POLICIES),
        "When to look up `service_image` in the registry.",
    )
    .or("ifNotPresent"),
    Key::new(
        "service_ports",
        Takes::List(&[SERVICE_PORT]),
        "Ports that the service listens on.",
    ),
    Key::new(
        "volumes",
        Takes::List(&[VOLUME]),
        "Directories of every component without its own `volumes`.",
    ),
    Key::new(
        "allow_insecure_registries",
        Takes::Bool,
        "Allow pulling images over plain HTTP.",
    )
    .or("false"),
    Key::new(
        "limits",
        Takes::Map(&[LIMITS]),
        "Limits of every component without its own `limits`.",
    ),
    Key::new(
        "environment",
        Takes::TextMap,
        "Environment variables of the build in `wash dev`.",
    ),
    Key::new(
        "wasm_proposals",
        Takes::Texts,
        "WebAssembly proposals that components use. Those that the engine supports are always on.",
    ),
    Key::new(
        "wasi_blobstore_path",
        Takes::Text,
        "Directory for blobs, instead of `.wash/state`.",
    ),
    Key::new(
        "wasi_keyvalue_path",
        Takes::Text,
        "Directory for key-value pairs as files, instead of `.wash/state`.",
    ),
    Key::new(
        "log_level",
        Takes::OneOf(LEVELS),
        "Default minimum log level of wasi:logging.",
    )
    .or("trace"),
    Key::new(
        "host_interfaces",
        Takes::List(&[HOST_INTERFACE]),
        "Settings of interfaces, for every component that uses them.",
    ),
    Key::new(
        "capabilities",
        Takes::Map(&[CAPABILITIES]),
        "Capabilities of the host to turn on or off.",
    ),
    Key::new(
        "host_plugins",
        Takes::Any,
        "Ignored: components that provide host capabilities are not supported yet.",
    ),
    Key::new("data_nats_url", Takes::Any, "Not obeyed."),
    Key::new("postgres_url", Takes::Any, "Not obeyed."),
    Key::new("wasi_otel", Takes::Any, "Not obeyed."),
    Key::new("wasi_webgpu", Takes::Any, "Not obeyed."),
    Key::new("wasi_keyvalue_redis_url", Takes::Any, "Not obeyed."),
    Key::new("wasi_keyvalue_nats_url", Takes::Any, "Not obeyed."),
    Key::new(
        "max_outbound_socket_connections_per_workload",
        Takes::Any,
        "Not obeyed.",
    ),
    Key::new(
        "max_inbound_socket_connections_per_workload",
        Takes::Any,
        "Not obeyed.",
    ),
];

const CA_PATHS: Key = Key::new(
    "http_client_ca_paths",
    Takes::Texts,
    "More authorities for outgoing HTTPS to trust (PEM files).",
);

const TRUSTED: Key = Key::new(
    "http_client_trust_roots",
    Takes::OneOf(TRUST_ROOTS),
    "Authorities for outgoing HTTPS to trust. If `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, also the machine's own.",
);

const CAPABILITIES: &[Key] = &[
    Key::new("config", Takes::Switch, "wasi:config").or("on"),
    Key::new("http-client", Takes::Switch, "Outgoing HTTP.").or("on"),
    Key::new("keyvalue", Takes::Switch, "wasi:keyvalue").or("on"),
    Key::new("logging", Takes::Switch, "wasi:logging").or("on"),
    Key::new("messaging", Takes::Switch, "wasmcloud:messaging").or("on"),
    Key::new("sockets", Takes::Switch, "wasi:sockets").or("on"),
];

/// Which component, and what only one beside the project's own can have.
const COMPONENT: &[Key] = &[
    Key::new(
        "name",
        Takes::Text,
        "Name in logs and wiring. Default: the name of the file, project or image.",
    ),
    Key::new("file", Takes::Text, "A component file."),
    Key::new(
        "path",
        Takes::Text,
        "Directory of another project, which is built and watched as well.",
    ),
    Key::new("image", Takes::Text, "A component in a registry."),
    Key::new(
        "pullPolicy",
        Takes::Spellings(PULL_POLICIES),
        "When to look up `image` in the registry.",
    )
    .or("ifNotPresent"),
    Key::new(
        "volumes",
        Takes::List(&[VOLUME]),
        "Directories of the component. Default: `dev.volumes`.",
    ),
    CA_PATHS,
    TRUSTED,
    Key::new(
        "limits",
        Takes::Map(&[LIMITS]),
        "Limits of the component. Default: `dev.limits`.",
    ),
    Key::new(
        "maxConcurrency",
        Takes::TextOrNumber,
        "Other name of `limits.concurrent_requests`; -1 and 0 set no limit.",
    ),
    Key::new(
        "imports",
        Takes::TextMap,
        "Providers of its imports, like the top-level `imports`.",
    ),
    Key::new(
        "poolSize",
        Takes::Any,
        "Ignored: each request has its own instance.",
    ),
    Key::new(
        "maxInvocations",
        Takes::Any,
        "Ignored: each request has its own instance.",
    ),
];

/// What every component can be given.
const SETTINGS: &[Key] = &[
    Key::new(
        "environment",
        Takes::Environment(&[ENVIRONMENT]),
        "Environment variables of the component, also available through wasi:config.",
    ),
    Key::new(
        "args",
        Takes::Texts,
        "Arguments of a service or command in `wasi:cli/environment`, after the program's name.",
    ),
    Key::new(
        "program_name",
        Takes::Text,
        "Program name in `wasi:cli/environment`, before the arguments. Default: the name of the component.",
    ),
    Key::new(
        "initial_cwd",
        Takes::Text,
        "Initial working directory in `wasi:cli/environment`: a directory of the component, such as where a volume is mounted. Default: none, which most programs treat as `/`.",
    ),
    Key::new(
        "env_file",
        Takes::Text,
        "File with more variables as `NAME=value` lines, such as `.env`. They take precedence over `environment`. Not read unless set.",
    ),
    Key::new(
        "config",
        Takes::TextMap,
        "Values of wasi:config, which take precedence over variables of the same name. `subscriptions` lists the subjects of messages to receive.",
    ),
    Key::new(
        "allowedHosts",
        Takes::Texts,
        "Hosts that outgoing HTTP may reach: `HOST[:PORT]`, `*.HOST`, `SCHEME://HOST`, or `*` for any host on a network. Default: none. Loopback and link-local addresses need their own entries.",
    ),
    Key::new(
        "log_level",
        Takes::OneOf(LEVELS),
        "Minimum log level of wasi:logging. Default: `dev.log_level`.",
    ),
    Key::new(
        "allowedIpNameLookups",
        Takes::Scalars,
        "Names that sockets may look up: a name, `*.SUFFIX` or `*`.",
    ),
    Key::new(
        "allowedHostLoopbackPorts",
        Takes::Scalars,
        "Ports of this machine to reach at `host.wasmcloud.internal`.",
    ),
    Key::new(
        "allowedSockets",
        Takes::Scalars,
        "Addresses that sockets may connect to: `HOST|IP|CIDR[:PORT|:FROM-TO][/tcp|/udp]`.",
    ),
    Key::new(
        "keyvalue",
        Takes::Map(&[KEYVALUE]),
        "Key-value store of the component. Components share one store unless they name different ones.",
    ),
];

const ENVIRONMENT: &[Key] = &[
    Key::new("config", Takes::TextMap, "Variables."),
    Key::new("configFrom", Takes::Texts, "Entries of `configs` to use."),
    Key::new("secretFrom", Takes::Texts, "Entries of `secrets` to use."),
];

const KEYVALUE: &[Key] = &[
    Key::new("path", Takes::Text, "Directory with one file per value."),
    Key::new("memory", Takes::Bool, "`true`: discard values on exit.").or("false"),
    Key::new(
        "prefix",
        Takes::Text,
        "Prefix of every bucket name, to separate components that share a store.",
    ),
    Key::new(
        "buckets",
        Takes::Texts,
        "Buckets that the component may open. Default: all.",
    ),
    Key::new(
        "quota",
        Takes::Size,
        "Maximum size of the store. Default: `256MiB` in memory, none on disk.",
    ),
];

const SERVICE: &[Key] = &[
    Key::new(
        "component",
        Takes::Text,
        "Name of a component in `dev.components`.",
    ),
    Key::new(
        "restart",
        Takes::OneOf(&["on-failure", "never"]),
        "When to restart the service.",
    )
    .or("on-failure"),
    Key::new(
        "max_restarts",
        Takes::Number,
        "Maximum consecutive restarts; 0 is never. Default: unlimited.",
    ),
];

const SERVICE_PORT: &[Key] = &[
    Key::new("name", Takes::Any, "For people."),
    Key::new("port", Takes::Port, "Port that the service listens on."),
    Key::new("protocol", Takes::Spellings(&["TCP", "UDP"]), "").or("TCP"),
    Key::new(
        "publish",
        Takes::Port,
        "Port of 127.0.0.1 on this machine to publish it on. Default: none.",
    ),
];

const VOLUME: &[Key] = &[
    Key::new(
        "host_path",
        Takes::Text,
        "Existing directory of this machine.",
    ),
    Key::new(
        "empty",
        Takes::Text,
        "Name of a temporary directory, instead of `host_path`.",
    ),
    Key::new("guest_path", Takes::Text, "Path in the component."),
    Key::new("read_only", Takes::Bool, "").or("false"),
];

const LIMITS: &[Key] = &[
    Key::new(
        "cpu_time",
        Takes::Duration,
        "Maximum computing time of a request between two waits.",
    )
    .or("10s"),
    Key::new("memory", Takes::Size, "Maximum memory of one instance.").or("512MiB"),
    Key::new(
        "concurrent_requests",
        Takes::Count,
        "Maximum concurrent requests; more wait.",
    )
    .or("512"),
    Key::new(
        "queued_messages",
        Takes::Count,
        "Maximum queued messages; more are rejected.",
    )
    .or("10000"),
];

const HOST_INTERFACE: &[Key] = &[
    Key::new("namespace", Takes::Text, "Such as `wasi`."),
    Key::new("package", Takes::Text, "Such as `keyvalue`."),
    Key::new(
        "config",
        Takes::TextMap,
        "Settings of wasi:config, wasi:keyvalue (`backend`, `root`, `prefix`, `buckets`) or wasmcloud:messaging (`subscriptions`).",
    ),
    Key::new(
        "interfaces",
        Takes::Any,
        "Ignored: the interfaces are read from the component.",
    ),
    Key::new("version", Takes::Any, "Ignored, likewise."),
    Key::new("name", Takes::Any, "Ignored, likewise."),
];

const SOURCE: &[Key] = &[
    Key::new("inline", Takes::TextMap, "Variables."),
    Key::new("file", Takes::Text, "File with `NAME=value` lines."),
    Key::new("dir", Takes::Text, "Directory with one file per variable."),
    Key::new("fromEnv", Takes::Texts, "Names of environment variables."),
];

const WIT: &[Key] = &[
    Key::new(
        "skip_fetch",
        Takes::Bool,
        "Don't fetch WIT packages in builds.",
    )
    .or("false"),
    Key::new(
        "wit_dir",
        Takes::Text,
        "Directory of the project's own WIT package.",
    )
    .or("wit"),
    Key::new(
        "sources",
        Takes::TextMap,
        "Map of packages to their sources: a path, a URL, a git repository, or a reference to a registry.",
    ),
    Key::new(
        "registries",
        Takes::List(&[REGISTRY]),
        "Registries for packages whose namespace has none, in this order, and logins to registries.",
    ),
];

const REGISTRY: &[Key] = &[
    Key::new("url", Takes::Text, ""),
    Key::new("username", Takes::Text, ""),
    Key::new("token", Takes::Text, "Never shown."),
];

const NEW: &[Key] = &[Key::new(
    "command",
    Takes::Text,
    "Command to set up a new project; `wash new` asks before it runs it.",
)];
