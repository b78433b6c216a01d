//! Every template that comes with `wash`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::client::{authority, get, text};
use crate::created::{Answer, Desk};
use crate::project::Projects;
use crate::tools::{node_modules, python_path};
use crate::wash::{Dev, Wash};

/// A new project, in a directory with nothing else.
struct Created {
    projects: Projects,
    name: String,
}

impl Created {
    fn new(template: &str) -> Self {
        let created = Self {
            projects: Projects::empty(),
            name: format!("new-{template}"),
        };
        let answer = Answer::of(
            Command::new(env!("CARGO_BIN_EXE_wash"))
                .args([
                    "new",
                    &created.name,
                    "--template",
                    template,
                    "--skip-command",
                ])
                .current_dir(created.projects.path(""))
                // Nothing is asked for over the network.
                .env("HTTPS_PROXY", "http://127.0.0.1:1"),
        );
        answer.success();
        created
    }

    fn dev(&self) -> Dev {
        Dev::on(&self.projects).arg("-C").arg(&self.name)
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        self.projects
            .replace(&format!("{}/{path}", self.name), from, to);
    }

    /// Runs a command in the project, which must succeed.
    fn run(&self, command: &[&str]) -> String {
        let output = Command::new(command[0])
            .args(&command[1..])
            .current_dir(self.projects.path(&self.name))
            .env("CARGO_TARGET_DIR", Dev::target_dir())
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        said
    }

    /// The project's own tests, and what else its author would look at.
    fn rust_tests(&self) {
        self.run(&["cargo", "fmt", "--all", "--check"]);
        self.run(&[
            "cargo",
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]);
        let said = self.run(&["cargo", "test", "--workspace"]);
        assert!(said.contains("test tests::"), "{said}");
    }

    /// Edits the greeting, which the next version has.
    async fn greets(&self, wash: &mut Wash, url: &str, source: &str) {
        assert_eq!(text(url, "/").await, "Hello, world!\n");
        assert_eq!(text(url, "/ada?x=y").await, "Hello, ada!\n");
        self.replace(source, "Hello, ", "Welcome, ");
        wash.line(&format!("reloaded {}", self.name)).await;
        assert_eq!(text(url, "/ada").await, "Welcome, ada!\n");
        self.replace(source, "Welcome, ", "Hello, ");
        wash.line("reloaded").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http() {
    let created = Created::new("http");
    let (mut wash, url) = created.dev().serving().await;
    created.greets(&mut wash, &url, "src/lib.rs").await;
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_wit_bindgen() {
    let created = Created::new("http-wit-bindgen");
    let (mut wash, url) = created.dev().serving().await;
    created.greets(&mut wash, &url, "src/lib.rs").await;
    let long = "x".repeat(5000);
    assert_eq!(
        text(&url, &format!("/{long}")).await,
        format!("Hello, {long}!\n")
    );
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_p3() {
    let created = Created::new("http-p3");
    let (mut wash, url) = created.dev().serving().await;
    created.greets(&mut wash, &url, "src/lib.rs").await;
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_keyvalue() {
    let created = Created::new("http-keyvalue");
    let (wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/a/b").await, "1 visit to /a/b\n");
    assert_eq!(text(&url, "/a/b").await, "2 visits to /a/b\n");
    assert_eq!(text(&url, "/").await, "1 visit to /\n");
    wash.signal(rustix::process::Signal::INT);
    wash.end().await;
    let (_wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/").await, "2 visits to /\n");
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn blobby() {
    let created = Created::new("blobby");
    let (_wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/").await, "");
    let large = "blob ".repeat(30_000);
    assert_eq!(send(&url, "PUT", "/large", &large).await, "201 stored\n");
    assert_eq!(send(&url, "PUT", "/small", "blob").await, "201 stored\n");
    assert_eq!(text(&url, "/").await, "large\nsmall\n");
    assert_eq!(text(&url, "/large").await, large);
    assert_eq!(send(&url, "PUT", "/large", "less").await, "201 stored\n");
    assert_eq!(text(&url, "/large").await, "less");
    assert_eq!(send(&url, "DELETE", "/large", "").await, "200 deleted\n");
    assert_eq!(get(&url, "/large").await.0, 404);
    assert_eq!(
        send(&url, "PUT", "/", "x").await.split(' ').next(),
        Some("400")
    );
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn messaging() {
    let created = Created::new("messaging");
    let (mut wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/wake-up").await, "WAKE-UP!\n");
    wash.line("a message on tasks.shout").await;
    created.replace("worker/src/lib.rs", "b\"!\\n\"", "b\"!!\\n\"");
    wash.line("reloaded worker").await;
    assert_eq!(text(&url, "/wake-up").await, "WAKE-UP!!\n");
    created.replace("worker/src/lib.rs", "b\"!!\\n\"", "b\"!\\n\"");
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_service() {
    let created = Created::new("tcp-service");
    let (mut wash, url) = created.dev().serving().await;
    wash.line("listening on 127.0.0.1:7777").await;
    assert_eq!(text(&url, "/hello").await, "olleh\n");
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn provider() {
    let created = Created::new("provider");
    let (mut wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/ada").await, "Hello, ada!\n");
    assert_eq!(get(&url, "/").await.0, 400);
    created.replace("src/lib.rs", "\"Hello\"", "\"Welcome\"");
    wash.line("reloaded new-provider").await;
    assert_eq!(text(&url, "/ada").await, "Welcome, ada!\n");
    drop(wash);

    // The interface changes in one place.
    created.replace(
        "wit/world.wit",
        "hello: func(name: string)",
        "hello: func(who: string)",
    );
    let wash = env!("CARGO_BIN_EXE_wash");
    let called = created.run(&[wash, "call", "greeter(\"Good day\").greet(\"ada\")"]);
    assert!(called.contains("Good day, ada!"), "{called}");
    let listed = created.run(&[wash, "call", "--list"]);
    assert!(listed.contains("who"), "{listed}");
    let (_wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/ada").await, "Welcome, ada!\n");
    created.rust_tests();
}

#[test]
fn plugin() {
    let created = Created::new("plugin");
    let wash = env!("CARGO_BIN_EXE_wash");
    let run = |args: &[&str]| {
        let command = [&[wash, "plugin", "test", ".", "--"], args].concat();
        created.run(&command)
    };
    let said = run(&["--upper"]);
    assert!(said.contains("HELLO, WORLD!\n"), "{said}");
    let said = run(&["ada", "--upper"]);
    assert!(said.contains("HELLO, ADA!\n"), "{said}");
    let said = created.run(&[wash, "plugin", "test", ".", "-o", "json", "--", "ada"]);
    let told =
        "{\"message\": \"greeted\", \"success\": true, \"data\": {\"greeting\": \"Hello, ada!\"}}";
    assert!(said.contains(told), "{said}");
    let said = run(&["--help"]);
    assert!(
        said.contains("Greet somebody") && said.contains("--upper"),
        "{said}"
    );
    created.rust_tests();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_typescript() {
    let created = Created::new("http-typescript");
    let modules = created.projects.path("new-http-typescript/node_modules");
    symlink(node_modules(), modules).unwrap();
    let (mut wash, url) = created.dev().serving().await;
    assert_eq!(text(&url, "/").await, "Hello, world!\n");
    created.replace("src/greeting.ts", "Hello, ", "Welcome, ");
    wash.line("reloaded new-http-typescript").await;
    assert_eq!(text(&url, "/ada?x=y").await, "Welcome, ada!\n");
    drop(wash);
    created.replace("src/greeting.ts", "Welcome, ", "Hello, ");
    let said = created.run(&["npm", "test"]);
    assert!(said.contains("pass 1"), "{said}");

    // An interface is imported as the README says.
    let wash = env!("CARGO_BIN_EXE_wash");
    created.run(&[
        wash,
        "wit",
        "add",
        "--offline",
        "wasi:keyvalue/store@0.2.0-draft",
    ]);
    created.run(&["npm", "run", "types"]);
    let import = "import { open } from \"wasi:keyvalue/store@0.2.0-draft\";\nimport { greeting }";
    created.replace("src/app.ts", "import { greeting }", import);
    created.replace("src/app.ts", "  (event as", "  open(\"\");\n  (event as");
    let said = created.run(&["npm", "run", "build"]);
    assert!(!said.contains("UNRESOLVED_IMPORT"), "{said}");
    let said = created.run(&[wash, "inspect", "build/app.wasm"]);
    assert!(said.contains("wasi:keyvalue/store@0.2.0-draft"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_python() {
    let created = Created::new("http-python");
    let (_wash, url) = created.dev().env("PATH", python_path()).serving().await;
    assert_eq!(text(&url, "/").await, "Hello, world!\n");
    assert_eq!(text(&url, "/ada?x=y").await, "Hello, ada!\n");
    // What the README says for editors does not get into the way of the tests.
    for _ in 0..2 {
        let bindings =
            "rm -rf typings && PATH=$TOOLS componentize-py -d wit -w http bindings typings";
        let bindings = bindings.replace("$TOOLS", &python_path().to_string_lossy());
        created.run(&["sh", "-c", &bindings]);
        let said = created.run(&["python3", "-m", "unittest"]);
        assert!(said.contains("Ran 1 test"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_c() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = Command::new(root.join("scripts/c-toolchain"))
        .output()
        .unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let created = Created::new("http-c");
    let (mut wash, url) = created.dev().serving().await;
    created.greets(&mut wash, &url, "src/greeting.c").await;
    let said = created.run(&["make", "test"]);
    assert!(said.contains("all passed"), "{said}");
}

/// Those that are not listed here are not tested.
#[test]
fn every_template_has_a_test() {
    let listed = Desk::new().run(&["--list", "-o", "json"]).success().json();
    let listed = listed["data"]["templates"].as_array().unwrap();
    let tests = include_str!("templates.rs");
    for template in listed {
        let name = template["name"].as_str().unwrap();
        let created = format!("Created::new(\"{name}\")");
        assert!(tests.contains(&created), "{name}");
        for key in ["language", "description"] {
            assert!(matches!(&template[key], Value::String(text) if !text.is_empty()));
        }
    }
    let text = Desk::new().run(&["--list"]).success().stdout;
    assert_eq!(text.lines().count(), listed.len());
}

/// What is pinned twice is pinned to the same.
#[test]
fn the_tools_are_those_that_are_tested_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (template, fixture) in [
        (
            "http-python/pyproject.toml.jinja",
            "report-python/pyproject.toml",
        ),
        (
            "http-typescript/package.json.jinja",
            "words-javascript/package.json",
        ),
    ] {
        let read = |path| std::fs::read_to_string(root.join(path)).unwrap();
        let (template, fixture) = (
            read(Path::new("templates").join(template)),
            read(Path::new("fixtures").join(fixture)),
        );
        let pinned = |line: &&str| line.contains("componentize-py==") || line.contains("/jco\"");
        let pins = |text: &str| {
            let line = text.lines().find(pinned).unwrap();
            line.trim().trim_end_matches(',').to_string()
        };
        assert_eq!(pins(&template), pins(&fixture));
    }
}

/// Status and body.
async fn send(url: &str, method: &str, path: &str, body: &str) -> String {
    let stream = TcpStream::connect(authority(url)).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path);
    let request = request.header("host", authority(url));
    let body = Full::new(Bytes::from(body.to_string()));
    let response = sender
        .send_request(request.body(body).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    format!("{status} {}", String::from_utf8_lossy(&body))
}
