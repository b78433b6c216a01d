//! The table itself, in the order in which it is documented.

use super::{Key, Takes};

const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error", "critical"];
const TRUST_ROOTS: &[&str] = &["webpki", "webpki-and-native", "native", "extra-only"];
const PULL_POLICIES: &[&str] = &["always", "ifNotPresent", "never"];

pub(super) const ROOT: &[Key] = &[
    Key::new(
        "$schema",
        Takes::Any,
        "Where the JSON Schema of this file is, for editors.",
    ),
    Key::new(
        "version",
        Takes::Any,
        "Ignored. Other tools write their version here.",
    ),
    Key::new(
        "name",
        Takes::Text,
        "The name of the project's component in logs and in wiring; else that of its package, or of its directory.",
    ),
    Key::new(
        "build",
        Takes::Map(&[BUILD]),
        "How the component is built. Projects of a known kind need none of it.",
    ),
    Key::new(
        "dev",
        Takes::Map(&[DEV]),
        "What `wash dev` runs besides the component, and where.",
    ),
    Key::new(
        "workload",
        Takes::Map(&[SETTINGS]),
        "What the project's own component is given at run time.",
    ),
    Key::new(
        "imports",
        Takes::TextMap,
        "Who provides an interface, or another import, to the project's own component: a component's name, `plugin:NAME`, `host`, `stub`, or `runtime`, which `wash build --compose` leaves to the runtime that runs the result. `NAME#EXPORT` chooses one of several exports that fit.",
    ),
    Key::new(
        "configs",
        Takes::Named(&[SOURCE]),
        "Variables that `environment.configFrom` names.",
    ),
    Key::new(
        "secrets",
        Takes::Named(&[SOURCE]),
        "Variables that `environment.secretFrom` names. They are never shown, and their files are for their owner alone.",
    ),
    Key::new("wit", Takes::Map(&[WIT]), "Where WIT packages come from."),
    Key::new(
        "new",
        Takes::Map(&[NEW]),
        "What a template runs when a project is made from it.",
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
        "Builds the component; run by the shell in the project's directory.",
    ),
    Key::new(
        "component_path",
        Takes::Text,
        "Where the command leaves the component, relative to the project.",
    ),
    Key::new(
        "artifact_path",
        Takes::Text,
        "The older name of `component_path`.",
    ),
    Key::new("env", Takes::TextMap, "Variables of the command."),
    Key::new(
        "watch",
        Takes::Texts,
        "More files and directories that `wash dev` builds for, also with wildcards, relative to the project.",
    ),
    Key::new(
        "rust",
        Takes::Map(&[RUST]),
        "Settings of `cargo build`, where there is no `command`.",
    ),
    Key::new(
        "tinygo",
        Takes::Map(&[TINYGO]),
        "Settings of `tinygo build`, where there is no `command`.",
    ),
    Key::new(
        "typescript",
        Takes::Map(&[TYPESCRIPT]),
        "Which script of package.json builds, where there is no `command`.",
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
        "The Rust target; else that of `.cargo/config.toml`.",
    )
    .or("wasm32-wasip2"),
    Key::new("cargo_flags", Takes::Texts, "More flags of `cargo build`."),
    Key::new(
        "release",
        Takes::Bool,
        "A release build. `wash build` makes one, and `wash dev` does not, when nothing is said.",
    ),
    Key::new("features", Takes::Texts, "Features of the package."),
    Key::new(
        "no_default_features",
        Takes::Bool,
        "Leaves the default features out.",
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
    Key::new("build_flags", Takes::Texts, "More flags of `tinygo build`."),
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
        "`-wit-package`; else `wit`, where it is.",
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
        "`npm`, `pnpm`, `yarn` or `bun`; else the one whose lock file is there.",
    ),
    Key::new("build_command", Takes::Text, "The script.").or("build"),
    Key::new("build_flags", Takes::Texts, "More arguments of the script."),
    Key::new("node_version", Takes::Any, "Ignored."),
    Key::new(
        "skip_install",
        Takes::Any,
        "Ignored: packages are not installed.",
    ),
    Key::new(
        "source_maps",
        Takes::Any,
        "Not obeyed: the project's own build script decides.",
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
        "Where `wash dev` listens. If nobody says, the next free port from 8000.",
    )
    .or("127.0.0.1:8000"),
    Key::new(
        "tls",
        Takes::OneOf(&["self-signed"]),
        "HTTPS, with a certificate that `wash` makes.",
    ),
    Key::new(
        "tls_cert_path",
        Takes::Text,
        "HTTPS, with the certificate in this file, in PEM.",
    ),
    Key::new(
        "tls_key_path",
        Takes::Text,
        "The key of `tls_cert_path`, in PEM.",
    ),
    Key::new(
        "tls_ca_path",
        Takes::Text,
        "Authorities, in PEM: clients must show a certificate that one of them has signed.",
    ),
    Key::new(
        "allowed_hosts",
        Takes::Texts,
        "Names that requests over plain HTTP may be for, beside `localhost`, addresses and the hosts of `routes`: `app.test`, `*.app.test` or, for any, `*`.",
    ),
    Key::new(
        "max_connections",
        Takes::Count,
        "Connections to the server at the same time; more wait.",
    ),
    Key::new(
        "max_outbound_http_connections_per_workload",
        Takes::Count,
        "Connections of outgoing HTTP at the same time.",
    )
    .or("128"),
    Key::new(
        "http_connection_wait",
        Takes::Duration,
        "How long an outgoing request waits for a connection.",
    )
    .or("5s"),
    CA_PATHS,
    TRUSTED.or("webpki"),
    Key::new(
        "components",
        Takes::List(&[COMPONENT, SETTINGS]),
        "Other components that are linked in.",
    ),
    Key::new(
        "http",
        Takes::Texts,
        "The components that requests go through, in order; the last one answers.",
    ),
    Key::new(
        "routes",
        Takes::NamedTexts,
        "`[HOST][/PATH]` to the component that answers there, or to those that requests go through, in order.",
    ),
    Key::new(
        "service",
        Takes::Choice(&[SERVICE, COMPONENT, SETTINGS]),
        "The component that runs beside the requests: the project's own (`true`), one of `dev.components` (its name), or \
         a further one.",
    ),
    Key::new(
        "service_file",
        Takes::Text,
        "A component file that is the service, with the settings of `workload`.",
    ),
    Key::new(
        "service_image",
        Takes::Text,
        "An image that is the service, with the settings of `workload`.",
    ),
    Key::new(
        "service_pull_policy",
        Takes::Spellings(PULL_POLICIES),
        "When the registry is asked for `service_image`.",
    )
    .or("ifNotPresent"),
    Key::new(
        "service_ports",
        Takes::List(&[SERVICE_PORT]),
        "Ports on which the service listens.",
    ),
    Key::new(
        "volumes",
        Takes::List(&[VOLUME]),
        "Directories of every component that has no `volumes` of its own.",
    ),
    Key::new(
        "allow_insecure_registries",
        Takes::Bool,
        "Registries of images may be without TLS.",
    )
    .or("false"),
    Key::new(
        "limits",
        Takes::Map(&[LIMITS]),
        "Limits of every component that has none of its own.",
    ),
    Key::new(
        "environment",
        Takes::TextMap,
        "Variables of the build command in `wash dev`.",
    ),
    Key::new(
        "wasm_proposals",
        Takes::Texts,
        "Proposals to WebAssembly that components use. Those that the engine has are always on.",
    ),
    Key::new(
        "wasi_blobstore_path",
        Takes::Text,
        "Where blobs are kept, instead of in `.wash/state`.",
    ),
    Key::new(
        "wasi_keyvalue_path",
        Takes::Text,
        "Where keys and values are kept as files, instead of in `.wash/state`.",
    ),
    Key::new(
        "log_level",
        Takes::OneOf(LEVELS),
        "The least of wasi:logging that is shown, of components that say nothing else.",
    )
    .or("trace"),
    Key::new(
        "host_interfaces",
        Takes::List(&[HOST_INTERFACE]),
        "Settings of interfaces, for every component that has them.",
    ),
    Key::new(
        "capabilities",
        Takes::Map(&[CAPABILITIES]),
        "What the host serves.",
    ),
    Key::new(
        "host_plugins",
        Takes::Any,
        "Not obeyed: components that provide host capabilities do not run yet.",
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
    "Files in PEM with authorities that outgoing HTTPS trusts as well.",
);

const TRUSTED: Key = Key::new(
    "http_client_trust_roots",
    Takes::OneOf(TRUST_ROOTS),
    "Whom outgoing HTTPS trusts. With `SSL_CERT_FILE` or `SSL_CERT_DIR` in the environment, also the machine's own authorities.",
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
        "Its name in logs and in wiring; else that of the file, project or image.",
    ),
    Key::new("file", Takes::Text, "A component file."),
    Key::new(
        "path",
        Takes::Text,
        "The directory of another project, which is built and watched as well.",
    ),
    Key::new("image", Takes::Text, "A component in a registry."),
    Key::new(
        "pullPolicy",
        Takes::Spellings(PULL_POLICIES),
        "When the registry is asked for `image`.",
    )
    .or("ifNotPresent"),
    Key::new(
        "volumes",
        Takes::List(&[VOLUME]),
        "Directories; else those of `dev.volumes`.",
    ),
    CA_PATHS,
    TRUSTED,
    Key::new(
        "limits",
        Takes::Map(&[LIMITS]),
        "Limits; else those of `dev.limits`.",
    ),
    Key::new(
        "maxConcurrency",
        Takes::TextOrNumber,
        "The other name of `limits.concurrent_requests`; -1 and 0 set none.",
    ),
    Key::new(
        "imports",
        Takes::TextMap,
        "Who provides an interface to it, as the top-level `imports` says.",
    ),
    Key::new(
        "poolSize",
        Takes::Any,
        "Not obeyed: each request has an instance of its own.",
    ),
    Key::new(
        "maxInvocations",
        Takes::Any,
        "Not obeyed: each request has an instance of its own.",
    ),
];

/// What every component can be given.
const SETTINGS: &[Key] = &[
    Key::new(
        "environment",
        Takes::Environment(&[ENVIRONMENT]),
        "Variables of the component. They are settings of wasi:config as well.",
    ),
    Key::new(
        "args",
        Takes::Texts,
        "Arguments of a service or command, as `wasi:cli/environment` has them after the program's name.",
    ),
    Key::new(
        "program_name",
        Takes::Text,
        "The program's name, which `wasi:cli/environment` has before the arguments. Default: the name of the component.",
    ),
    Key::new(
        "initial_cwd",
        Takes::Text,
        "The directory that a program starts in, as `wasi:cli/environment` has it: one that the component sees, such as where a volume is mounted. Default: none, which most programs take for `/`.",
    ),
    Key::new(
        "env_file",
        Takes::Text,
        "A file of `NAME=value` lines with more variables, such as `.env`; they win over `environment`. No such file is read unless it is named.",
    ),
    Key::new(
        "config",
        Takes::TextMap,
        "Settings of wasi:config; they win over variables of the same name. `subscriptions` has the subjects of messages it takes.",
    ),
    Key::new(
        "allowedHosts",
        Takes::Texts,
        "Where outgoing HTTP may go: `HOST[:PORT]`, `*.HOST`, `SCHEME://HOST`, or `*` for any host on a network. Default: nowhere. Loopback and link-local addresses need an entry of their own.",
    ),
    Key::new(
        "log_level",
        Takes::OneOf(LEVELS),
        "The least of wasi:logging that is shown; else `dev.log_level`.",
    ),
    Key::new(
        "allowedIpNameLookups",
        Takes::Scalars,
        "Names that sockets may look up: `*`, `*.SUFFIX`, a name.",
    ),
    Key::new(
        "allowedHostLoopbackPorts",
        Takes::Scalars,
        "Ports of this machine, as `host.wasmcloud.internal`.",
    ),
    Key::new(
        "allowedSockets",
        Takes::Scalars,
        "Where sockets may connect to: `HOST|IP|CIDR[:PORT|:FROM-TO][/tcp|/udp]`.",
    ),
    Key::new(
        "keyvalue",
        Takes::Map(&[KEYVALUE]),
        "Where its keys and values are kept. Components share one store unless they name different ones.",
    ),
];

const ENVIRONMENT: &[Key] = &[
    Key::new("config", Takes::TextMap, "Variables."),
    Key::new("configFrom", Takes::Texts, "Names of entries of `configs`."),
    Key::new("secretFrom", Takes::Texts, "Names of entries of `secrets`."),
];

const KEYVALUE: &[Key] = &[
    Key::new(
        "path",
        Takes::Text,
        "A directory with one file for each value.",
    ),
    Key::new("memory", Takes::Bool, "They go when `wash dev` ends.").or("false"),
    Key::new(
        "prefix",
        Takes::Text,
        "Stands before the name of every bucket, so that components that share a store keep apart.",
    ),
    Key::new(
        "buckets",
        Takes::Texts,
        "The buckets that may be opened; all if nothing is said.",
    ),
    Key::new(
        "quota",
        Takes::Size,
        "Of all keys and values of the store. Default: `256MiB` in memory, none on disk.",
    ),
];

const SERVICE: &[Key] = &[
    Key::new(
        "component",
        Takes::Text,
        "The name of a component of `dev.components`.",
    ),
    Key::new(
        "restart",
        Takes::OneOf(&["on-failure", "never"]),
        "When the service is started again.",
    )
    .or("on-failure"),
    Key::new(
        "max_restarts",
        Takes::Number,
        "How often in a row; 0 is never. Without end if nothing is said.",
    ),
];

const SERVICE_PORT: &[Key] = &[
    Key::new("name", Takes::Any, "For people."),
    Key::new(
        "port",
        Takes::Port,
        "The port on which the service listens.",
    ),
    Key::new("protocol", Takes::Spellings(&["TCP", "UDP"]), "").or("TCP"),
    Key::new(
        "publish",
        Takes::Port,
        "The port of this machine's 127.0.0.1 that leads there; none if nothing is said.",
    ),
];

const VOLUME: &[Key] = &[
    Key::new(
        "host_path",
        Takes::Text,
        "A directory of this machine, which must be there.",
    ),
    Key::new(
        "empty",
        Takes::Text,
        "The name of an empty directory that goes with the workload, instead of `host_path`.",
    ),
    Key::new("guest_path", Takes::Text, "Where the component sees it."),
    Key::new("read_only", Takes::Bool, "").or("false"),
];

const LIMITS: &[Key] = &[
    Key::new(
        "cpu_time",
        Takes::Duration,
        "Of one request, between two waits.",
    )
    .or("10s"),
    Key::new("memory", Takes::Size, "Of one instance.").or("512MiB"),
    Key::new(
        "concurrent_requests",
        Takes::Count,
        "Requests at the same time; more wait.",
    )
    .or("512"),
    Key::new(
        "queued_messages",
        Takes::Count,
        "Messages that wait; more are refused.",
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
        "Ignored: which interfaces a component has is read from itself.",
    ),
    Key::new("version", Takes::Any, "Ignored, likewise."),
    Key::new("name", Takes::Any, "Ignored, likewise."),
];

const SOURCE: &[Key] = &[
    Key::new("inline", Takes::TextMap, "Variables."),
    Key::new("file", Takes::Text, "A file with `NAME=value` lines."),
    Key::new(
        "dir",
        Takes::Text,
        "A directory with one file for each variable.",
    ),
    Key::new(
        "fromEnv",
        Takes::Texts,
        "Names of variables of the environment.",
    ),
];

const WIT: &[Key] = &[
    Key::new(
        "skip_fetch",
        Takes::Bool,
        "Builds do not fetch WIT packages.",
    )
    .or("false"),
    Key::new(
        "wit_dir",
        Takes::Text,
        "The folder of the project's own WIT package.",
    )
    .or("wit"),
    Key::new(
        "sources",
        Takes::TextMap,
        "Package to where it is: a path, a URL, a git repository, or a reference to a registry.",
    ),
    Key::new(
        "registries",
        Takes::List(&[REGISTRY]),
        "Registries to ask, in this order, for packages whose namespace has none, and how to log in to registries.",
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
    "Sets a new project up; `wash new` asks before it is run.",
)];
