//! gRPC with components on either side, and tonic on the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use http::StatusCode;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::client::get;
use crate::guest;
use crate::project::Projects;
use crate::wash::Dev;

/// Builds the components of the workspace, and its programs. Where to find both.
fn built() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/grpc/Cargo.toml");
        let target = Dev::target_dir();
        let cargo = |mut cargo: Command, arguments: &[&str]| {
            cargo
                .arg("build")
                .args(arguments)
                .args(["--quiet", "--locked", "--manifest-path"]);
            let status = cargo
                .arg(&manifest)
                .env("CARGO_TARGET_DIR", &target)
                .status();
            assert!(status.unwrap().success(), "{arguments:?}");
        };
        let components = [
            "--release",
            "--target",
            guest::TARGET,
            "-p",
            "grpc-server",
            "-p",
            "grpc-client",
        ];
        cargo(guest::cargo(), &components);
        let mut native = Command::new("cargo");
        native
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTFLAGS");
        cargo(native, &["-p", "grpc-native"]);
        (
            target.join(guest::TARGET).join("release"),
            target.join("debug"),
        )
    })
}

fn project(component: &str) -> Projects {
    let projects = Projects::empty();
    let (components, _) = built();
    let bytes = std::fs::read(components.join(format!("{component}.wasm"))).unwrap();
    projects.write("app.wasm", bytes);
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_serves() {
    let projects = project("grpc_server");
    let (_wash, url) = Dev::on(&projects).arg("app.wasm").serving().await;
    let mut client = tokio::process::Command::new(built().1.join("grpc-call"));
    let output = client
        .args([&url, "ann", "bob", ""])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "greet hello ann from a-component\n\
         greet hello bob from a-component\n\
         greet 3 the name is empty by a-component\n\
         chat hello ann from a-component\n\
         chat hello bob from a-component\n\
         chat 3 the name is empty by a-component\n";
    assert_eq!(
        said,
        expected,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_calls() {
    let mut server = tokio::process::Command::new(built().1.join("grpc-serve"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().expect("its address");

    let projects = project("grpc_client");
    projects.write(
        ".wash/config.yaml",
        "build: { component_path: app.wasm }\nworkload: { allowedHosts: [\"127.0.0.1\"] }\n",
    );
    let (_wash, url) = Dev::on(&projects).serving().await;
    let ask = async |path: &str| get(&url, &format!("/{path}?{address}&ann&bob")).await;
    let greetings = "hello ann from a-server\nhello bob from a-server\n";
    assert_eq!(ask("greet").await, (StatusCode::OK, greetings.to_owned()));
    assert_eq!(ask("chat").await, (StatusCode::OK, greetings.to_owned()));
    let (status, said) = get(&url, &format!("/greet?{address}&")).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert_eq!(said, "3 the name is empty by a-server\n");
}
