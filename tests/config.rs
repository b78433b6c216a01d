//! Config files in, resolved projects or errors out: one case a file in `tests/config`.
//!
//! A case starts with what it shows, then directives (`purpose build`, `address ADDRESS`, `artifact PATH`,
//! `env NAME=VALUE`, `dir PATH`, `prebuilt PATH`), then the files of the project as `-- PATH --` and their text. A path
//! that ends in a slash is a directory. What is expected follows `-- expected --`; `BLESS=1 cargo test --test config` writes it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use wash::project;
use wash::project::{
    Artifact, Overrides, Project, ProjectError, Purpose, Service, SiblingSource, Warning, keys,
};
use wash_common::advice::Advice;
use wash_common::process::Command;
use wash_runtime::capability::config::ConfigValues;
use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::keyvalue::{KeyValue, KeyValueBackend};
use wash_runtime::capability::logging::LogLevel;
use wash_runtime::capability::sockets::Sockets;
use wash_runtime::capability::wasi::{Access, Directories, Process, Volume};
use wash_runtime::events::Level;
use wash_runtime::workload::{LimitNames, Limits, MemberSettings, Restart};

#[path = "support/cases.rs"]
mod case_files;
#[path = "support/schema.rs"]
mod schema;

#[test]
fn cases() {
    case_files::all("tests/config", run);
}

/// Compares a file with what it should be, or writes it with `BLESS=1`.
fn current(path: &str, expected: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        return fs::write(file, expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is not current: BLESS=1 cargo test --test config"
    );
}

#[test]
fn the_published_schema_is_current() {
    current(
        "schema/config.schema.json",
        &format!("{:#}\n", keys::schema()),
    );
}

#[test]
fn the_table_of_keys_is_current() {
    let path = "docs/config.md";
    let text = fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let text = text.unwrap();
    let (begin, end) = ("<!-- keys -->\n", "<!-- end of keys -->");
    let (head, rest) = text.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    current(
        path,
        &format!("{head}{begin}{}{end}{tail}", keys::markdown()),
    );
}

/// A file that says what holds anyway is like one that says nothing.
#[test]
fn the_defaults_of_the_table_are_true() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap().join("app");
    fs::create_dir_all(root.join(".wash")).unwrap();
    let load = |text: &str| {
        fs::write(root.join(".wash/config.yaml"), text).unwrap();
        let overrides = Overrides {
            purpose: Purpose::Dev,
            user_config: Some(root.join(".wash/none.yaml")),
            ..Overrides::default()
        };
        fs::write(root.join(".wash/none.yaml"), "").unwrap();
        let mut project =
            project::load(&root, &overrides).unwrap_or_else(|e| panic!("{text}: {e}"));
        // That somebody asked for it is the difference.
        project.dev.address.requested = false;
        project
    };
    let build = "build: {command: make}\n";
    let nothing = load(build);
    let mut checked = 0;
    for (path, key) in keys::all() {
        let Some(default) = key.default else { continue };
        let segments: Vec<&str> = path.split('.').collect();
        if path.contains(['[', '*']) || path.starts_with("dev.service") || segments[0] == "build" {
            continue;
        }
        let mut text = build.to_string();
        for (depth, segment) in segments.iter().enumerate() {
            let indent = "  ".repeat(depth);
            text += &format!("{indent}{segment}:\n");
        }
        let text = format!("{} {default}\n", text.trim_end());
        assert_eq!(load(&text), nothing, "{text}");
        checked += 1;
    }
    assert!(checked > 10);
}

fn run(input: &str) -> String {
    let temp = tempfile::tempdir().unwrap();
    // One element deep, so that a case may name a directory beside the project.
    let root = temp.path().canonicalize().unwrap().join("app");
    fs::create_dir(&root).unwrap();
    let mut overrides = Overrides {
        purpose: Purpose::Dev,
        user_config: Some(root.join("user.yaml")),
        ..Overrides::default()
    };
    let (mut dir, mut prebuilt) = (root.clone(), None);

    let (head, files) = input.split_at(input.find("\n-- ").map_or(input.len(), |start| start + 1));
    for line in head.lines() {
        match line.split_once(' ') {
            Some(("purpose", "build")) => overrides.purpose = Purpose::Build,
            Some(("address", address)) => overrides.address = Some(address.to_string()),
            Some(("artifact", path)) => overrides.artifact = Some(path.to_string()),
            Some(("env", variable)) => {
                let (name, value) = variable.split_once('=').unwrap();
                overrides.env.insert(name.to_string(), value.to_string());
            }
            Some(("dir", path)) => dir = root.join(path),
            Some(("prebuilt", path)) => prebuilt = Some(root.join(path)),
            _ => {}
        }
    }
    fs::write(root.join("user.yaml"), "").unwrap();
    let mut file = None;
    for line in files.split_inclusive('\n') {
        if let Some(path) = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"))
        {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if path.to_string_lossy().ends_with('/') {
                fs::create_dir_all(&path).unwrap();
                file = None;
            } else {
                fs::write(&path, "").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
                file = Some(path);
            }
        } else if let Some(path) = &file {
            let text = fs::read_to_string(path).unwrap() + line;
            fs::write(path, text).unwrap();
        }
    }

    let notes = project::verdict(&dir, &overrides);
    schema::agrees(&root, notes.as_ref().ok());
    let loaded = match prebuilt {
        Some(path) => project::prebuilt(&path, &overrides),
        None => project::find_root(&dir).and_then(|root| project::load(&root, &overrides)),
    };
    let mut text = String::new();
    match loaded {
        Ok(project) => show(&mut text, &project, ""),
        Err(error) => show_error(&mut text, &error),
    }
    text.replace(&*root.to_string_lossy(), "ROOT").replace(
        &*temp.path().canonicalize().unwrap().to_string_lossy(),
        "ABOVE",
    )
}

fn show_error(text: &mut String, error: &ProjectError) {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut label = "error";
    while let Some(error) = cause {
        writeln!(text, "{label}: {error}").unwrap();
        label = "  caused by";
        cause = error.source();
    }
    for hint in error.hints() {
        writeln!(text, "hint: {hint}").unwrap();
    }
}

/// Only what differs from the defaults, indented below a sibling.
fn show(text: &mut String, project: &Project, indent: &str) {
    let mut line = |line: String| writeln!(text, "{indent}{line}").unwrap();
    line(format!("{} in {}", project.name, project.root.display()));
    let build = &project.build;
    line(match &build.command {
        Command::Shell(command) => format!("{:?} sh: {command}", build.kind),
        Command::Argv(argv) => format!("{:?} argv: {}", build.kind, argv.join(" ")),
        Command::None => format!("{:?} no command", build.kind),
    });
    for (name, value) in &build.env {
        line(format!("build env {name}={value}"));
    }
    line(match &build.artifact {
        Artifact::Path(path) => format!("artifact {}", path.display()),
        Artifact::FromCargo => "artifact from cargo".to_string(),
        Artifact::Image(image) => format!("artifact {}", image.reference),
        Artifact::Search(dirs) => {
            let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            format!("artifact in {}", dirs.join(", "))
        }
    });
    let address = &project.dev.address;
    if *address != project::Address::default() {
        line(format!(
            "address {}{}",
            address.socket,
            if address.requested { ", requested" } else { "" }
        ));
    }
    if !project.dev.http.is_empty() {
        line(format!("http {}", project.dev.http.join(", ")));
    }
    for routed in &project.dev.routes {
        line(format!(
            "route {} to {}",
            routed.route,
            routed.chain.join(", ")
        ));
    }
    for (capability, place) in &project.dev.off {
        line(format!("{capability} is off: {place}"));
    }
    if let Some(Service { name, restart }) = &project.dev.service {
        line(match restart {
            Restart::Never => format!("service {name}, never restarted"),
            Restart::OnFailure {
                tries: Some(tries), ..
            } => {
                format!("service {name}, restarted {tries} times")
            }
            Restart::OnFailure { tries: None, .. } => format!("service {name}"),
        });
    }
    if let Some(path) = &project.dev.blobstore {
        line(format!("blobs in {}", path.display()));
    }
    show_limits(text, &project.dev.limits, indent);
    show_subscriptions(text, &project.subscriptions, indent);
    show_settings(text, &project.settings, indent);
    for (interface, wire) in &project.imports {
        writeln!(text, "{indent}import {interface} = {wire}").unwrap();
    }
    for sibling in &project.dev.components {
        writeln!(text, "{indent}component {}", sibling.name).unwrap();
        let deeper = format!("{indent}  ");
        match &sibling.source {
            SiblingSource::File(path) => writeln!(text, "{deeper}file {}", path.display()).unwrap(),
            SiblingSource::Image(image) => {
                let insecure = if image.insecure {
                    " or without TLS"
                } else {
                    ""
                };
                writeln!(
                    text,
                    "{deeper}image {} {:?}{insecure}",
                    image.reference, image.policy
                )
                .unwrap();
            }
            SiblingSource::Project(project) => show(text, project, &format!("{deeper}| ")),
        }
        show_limits(text, &sibling.limits, &deeper);
        show_subscriptions(text, &sibling.subscriptions, &deeper);
        show_settings(text, &sibling.settings, &deeper);
        for (interface, wire) in &sibling.imports {
            writeln!(text, "{deeper}import {interface} = {wire}").unwrap();
        }
    }
    for warning in &project.warnings {
        show_warning(text, warning, indent);
    }
}

fn show_limits(text: &mut String, limits: &Limits, indent: &str) {
    if *limits == Limits::default() {
        return;
    }
    let Limits {
        cpu_time,
        memory,
        concurrent_requests,
        queued_messages,
        names,
        members: _,
    } = limits;
    writeln!(
        text,
        "{indent}limits {cpu_time:?}, {memory} bytes, {concurrent_requests} requests, {queued_messages} queued"
    )
    .unwrap();
    if *names != LimitNames::default() {
        let LimitNames { cpu_time, memory } = names;
        writeln!(text, "{indent}  by {cpu_time}, {memory}").unwrap();
    }
}

fn show_subscriptions(text: &mut String, subscriptions: &[String], indent: &str) {
    if !subscriptions.is_empty() {
        writeln!(text, "{indent}subscribes to {}", subscriptions.join(", ")).unwrap();
    }
}

fn show_settings(text: &mut String, settings: &MemberSettings, indent: &str) {
    let process = settings.get::<Process>();
    let mut line = |line: String| writeln!(text, "{indent}{line}").unwrap();
    if !process.arguments.is_empty() {
        line(format!("args {:?}", process.arguments));
    }
    if let Some(name) = &process.program_name {
        line(format!("program name {name}"));
    }
    if let Some(path) = &process.initial_cwd {
        line(format!("initial cwd {path}"));
    }
    for (name, value) in &process.environment {
        line(format!("env {name}={value:?}"));
    }
    for (name, value) in &settings.get::<ConfigValues>().0 {
        line(format!("config {name}={value:?}"));
    }
    for directory in &settings.get::<Directories>().0 {
        let access = if directory.access == Access::ReadOnly {
            "read-only"
        } else {
            "read-write"
        };
        let volume = match &directory.volume {
            Volume::HostPath { path, .. } => path.display().to_string(),
            Volume::Empty { name } => format!("empty {name}"),
        };
        line(format!(
            "directory {} = {volume}, {access}",
            directory.guest
        ));
    }
    let LogLevel(level) = settings.get();
    if *level != Level::default() {
        line(format!("logs from {}", level.name()));
    }
    let KeyValue {
        backend,
        prefix,
        buckets,
        quota,
    } = settings.get();
    match backend {
        None => {}
        Some(KeyValueBackend::Files(path)) => line(format!("keyvalue in {}", path.display())),
        Some(backend) => line(format!("keyvalue {backend:?}")),
    }
    if !prefix.is_empty() {
        line(format!("keyvalue prefix {prefix}"));
    }
    if let Some(buckets) = buckets {
        line(format!("keyvalue buckets {buckets:?}"));
    }
    if let Some(quota) = quota {
        line(format!("keyvalue quota {quota}"));
    }
    match settings.get() {
        OutgoingHttp::Any => line("outgoing http to any host".to_string()),
        OutgoingHttp::Denied => {}
        OutgoingHttp::Allowed(hosts) => line(format!("outgoing http to {}", hosts.join(", "))),
    }
    let Sockets {
        lookups,
        machine,
        allowed,
        section,
        published,
    } = settings.get();
    let mut rules = |what: &str, rules: Vec<String>| {
        if !rules.is_empty() {
            line(format!("{what} by `{section}`: {}", rules.join(", ")));
        }
    };
    rules("lookups", lookups.iter().map(ToString::to_string).collect());
    rules(
        "ports of the machine",
        machine.iter().map(ToString::to_string).collect(),
    );
    rules("sockets", allowed.iter().map(ToString::to_string).collect());
    assert_eq!(published, &[], "that is for the service");
}

fn show_warning(text: &mut String, warning: &Warning, indent: &str) {
    writeln!(text, "{indent}warning: {warning}").unwrap();
    if let Some(hint) = &warning.hint {
        writeln!(text, "{indent}  hint: {hint}").unwrap();
    }
}
