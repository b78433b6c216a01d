//! As whom a registry is asked, and whom it is trusted to be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;

use crate::registry::{Options, PASSWORD, Registry, Trouble, USER};
use crate::stage::Stage;

fn locked() -> Registry {
    Registry::with(Options {
        login: true,
        ..Options::default()
    })
}

#[test]
fn each_source_of_credentials_opens_the_registry() {
    let registry = locked();
    let address = registry.address();
    let reference = format!("{address}/hello:1");
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];

    let options = [&push[..], &["-u", USER, "-p", PASSWORD]].concat();
    Stage::new().wash(&options).assert_success();

    let stdin = [&push[..], &["--user", USER, "--password-stdin"]].concat();
    Stage::new()
        .wash_with_input(&stdin, &format!("{PASSWORD}\n"))
        .assert_success();

    let environment = Stage::new()
        .set("WASH_OCI_USER", USER)
        .set("WASH_OCI_PASSWORD", PASSWORD);
    environment.wash(&push).assert_success();

    let docker = Stage::new();
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = serde_json::json!({ "auths": { &address: { "auth": auth } } });
    docker.file("docker/config.json", config.to_string());
    docker.wash(&push).assert_success();
    docker
        .wash(&["oci", "pull", "--insecure", &reference])
        .assert_success();

    let helped = Stage::new();
    let helper = format!(
        "#!/bin/sh\ncat >/dev/null\necho '{{\"Username\":\"{USER}\",\"Secret\":\"{PASSWORD}\"}}'\n"
    );
    let helper = helped.file("bin/docker-credential-test", helper);
    fs::set_permissions(helper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = serde_json::json!({ "credHelpers": { &address: "test" } });
    helped.file("docker/config.json", config.to_string());
    let path = format!(
        "{}:{}",
        helped.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    helped.set("PATH", path).wash(&push).assert_success();
}

#[test]
fn the_environment_may_be_meant_for_one_registry() {
    let registry = locked();
    let reference = format!("{}/hello:1", registry.address());
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    let stage = |only: &str| {
        let stage = Stage::new()
            .set("WASH_OCI_USER", USER)
            .set("WASH_OCI_PASSWORD", PASSWORD);
        stage.set("WASH_OCI_REGISTRY", only)
    };
    stage(&registry.address()).wash(&push).assert_success();
    // However it is written.
    stage(&format!("https://{}/", registry.address()))
        .wash(&push)
        .assert_success();
    stage("ghcr.io")
        .wash(&push)
        .assert_failure(&["sends WASH_OCI_USER and WASH_OCI_PASSWORD to `ghcr.io` alone"]);
    let half = Stage::new().set("WASH_OCI_USER", USER);
    half.wash(&push)
        .assert_failure(&["WASH_OCI_USER is set without WASH_OCI_PASSWORD and is ignored"]);
}

#[test]
fn a_project_does_not_choose_who_gets_the_password() {
    let registry = locked();
    let address = registry.address();
    let reference = format!("{address}/hello:1");
    let login = ["-u", USER, "-p", PASSWORD];
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    Stage::new()
        .wash(&[&push[..], &login].concat())
        .assert_success();

    let front = registry.behind(|_, _| Trouble::None);
    let stage = |only: Option<&str>| {
        let stage = Stage::new()
            .set("WASH_OCI_USER", USER)
            .set("WASH_OCI_PASSWORD", PASSWORD);
        let config = format!(
            "build:\n  component_path: hello.wasm\ndev:\n  allow_insecure_registries: true\n  components:\n    - image: {}/hello:1\n",
            front.address()
        );
        stage.file(".wash/config.yaml", config);
        match only {
            Some(only) => stage.set("WASH_OCI_REGISTRY", only),
            None => stage,
        }
    };
    stage(None).wash(&["inspect", "--plan"]).assert_failure(&[
        "the registry requires other credentials (401)",
        "WASH_OCI_USER and WASH_OCI_PASSWORD go to a registry that a project names only with `WASH_OCI_REGISTRY=",
    ]);
    for head in front.heads() {
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("\nauthorization:"), "{head}");
    }
    let pulled = stage(Some(&front.address())).wash(&["inspect", "--plan"]);
    assert!(
        pulled.stdout.contains("sibling"),
        "{}{}",
        pulled.stdout,
        pulled.stderr
    );
}

#[test]
fn a_helper_that_does_not_answer_is_not_waited_for() {
    let stage = Stage::new();
    let helper = stage.file(
        "bin/docker-credential-stuck",
        "#!/bin/sh\nexec sleep 1000\n",
    );
    fs::set_permissions(helper, fs::Permissions::from_mode(0o755)).unwrap();
    stage.file("docker/config.json", r#"{"credsStore":"stuck"}"#);
    let path = format!(
        "{}:{}",
        stage.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let stage = stage.set("PATH", path);
    stage
        .wash(&["oci", "pull", "--insecure", "--timeout", "1", "127.0.0.1:1/hello:1"])
        .assert_failure(&[
            "the credential helper `docker-credential-stuck` did not answer for `127.0.0.1:1` within 1 s",
            "hint: it may be waiting for something",
        ]);
}

#[test]
fn a_locked_registry_says_what_opens_it() {
    let registry = locked();
    let address = registry.address();
    let reference = format!("{address}/hello:1");
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    Stage::new().wash(&push).assert_failure(&[
        &format!(
            "error: cannot push to `{reference}`: the registry requires other credentials (401)"
        ),
        &format!("hint: no credentials were found for `{address}`: `docker login {address}`"),
    ]);
    let wrong = [&push[..], &["-u", USER, "-p", "sesame-closed"]].concat();
    let ended = Stage::new()
        .wash(&wrong)
        .assert_failure(&["credentials used: those of the command line"]);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
    let verbose = [&wrong[..], &["-l", "trace", "-o", "json"]].concat();
    let ended = Stage::new().wash(&verbose);
    assert_eq!(ended.code, Some(4));
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains("sesame"), "{said}");
    }
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["success"], false);

    // A helper that is not there is told, and no obstacle where none is needed.
    let stage = Stage::new();
    stage.file("docker/config.json", r#"{"credsStore":"no-such-helper"}"#);
    stage.wash(&push).assert_failure(&[
        "its credential helper is missing",
        "no credentials were found",
    ]);
    let empty = [&push[..], &["-u", USER, "--password-stdin"]].concat();
    Stage::new()
        .wash_with_input(&empty, "\n")
        .assert_failure(&["stdin has no password"]);
    let asked = [&push[..], &["-u", USER]].concat();
    Stage::new()
        .wash(&asked)
        .assert_failure(&["use `--password-stdin`"]);
}

#[test]
fn a_private_authority_is_trusted_when_it_is_named() {
    let registry = Registry::with(Options {
        tls: true,
        login: true,
        ..Options::default()
    });
    let reference = format!("{}/hello:1", registry.address());
    let push = [
        "oci",
        "push",
        "-u",
        USER,
        "-p",
        PASSWORD,
        &reference,
        "hello.wasm",
    ];
    let authority = registry.authority().display().to_string();

    Stage::new().wash(&push).assert_failure(&[
        "its certificate is not trusted: it was signed by an unknown authority",
        "hint: `--ca-path FILE`",
    ]);
    let trusting = [&push[..], &["--ca-path", &authority]].concat();
    Stage::new().wash(&trusting).assert_success();
    let stage = Stage::new().set("WASH_OCI_CA_PATHS", authority);
    stage.wash(&push).assert_success();
    stage
        .wash(&["oci", "pull", "-u", USER, "-p", PASSWORD, &reference])
        .assert_success();

    let plain = [&push[..], &["--insecure"]].concat();
    Stage::new()
        .wash(&plain)
        .assert_failure(&["the registry requires TLS", "leave out `--insecure`"]);
    let stage = Stage::new();
    let nowhere = [&push[..], &["--ca-path", "no.pem"]].concat();
    stage
        .wash(&nowhere)
        .assert_failure(&["cannot read the certificate authorities in", "no.pem"]);
    let no_pem = [&push[..], &["--ca-path", "hello.wasm"]].concat();
    stage
        .wash(&no_pem)
        .assert_failure(&["there is no certificate in it"]);
}

#[test]
fn a_registry_without_tls_is_told_apart() {
    let registry = Registry::start();
    let reference = format!("{}/hello:1", registry.address());
    Stage::new()
        .wash(&["oci", "push", &reference, "hello.wasm"])
        .assert_failure(&[
            "the registry does not speak TLS",
            "hint: `--insecure` uses plain HTTP",
        ]);
}
