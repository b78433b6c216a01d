//! Packages that do not come with `wash`, exchanged with `wkg`'s libraries through a real registry (`scripts/registry`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use wasm_pkg_client::caching::{CachingClient, FileCache};
use wasm_pkg_client::{Client, Config, PublishOpts};
use wasm_pkg_core::lock::LockFile;
use wasm_pkg_core::manifest::Manifest;
use wasm_pkg_core::wit::{OutputType, fetch_dependencies};

use crate::registry::{Options, PASSWORD, Registry, Trouble, USER};

const WORLD: &str = "package demo:app;\n\nworld app {\n  import demo:words/words@1.0.0;\n}\n";
const WORDS: &str = "package demo:words@1.0.0;\n\ninterface words {\n  use wasi:io/streams@0.2.3.{input-stream};\n  count: func(text: borrow<input-stream>) -> u32;\n}\n";

/// A project, the package it needs, and a user whose config names the registry.
struct Stage {
    dir: TempDir,
    config: String,
}

impl Stage {
    fn new(address: &str) -> Self {
        let config = format!(
            "[namespace_registries]\ndemo = {{ registry = \"{address}\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{address}\" }} }} }}\n[registry.\"{address}\"]\ntype = \"oci\"\n[registry.\"{address}\".oci]\nprotocol = \"http\"\n"
        );
        let dir = tempfile::tempdir().unwrap();
        let stage = Self { dir, config };
        stage.write("config/wasm-pkg/config.toml", &stage.config);
        stage.write("app/wit/world.wit", WORLD);
        stage.write("words/wit/words.wit", WORDS);
        stage
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn wash(&self, dir: &str, args: &[&str]) -> Output {
        let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
        wash.args(args)
            .current_dir(self.path(dir))
            .env_remove("RUST_LOG")
            .env("HOME", self.dir.path());
        wash.env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"));
        wash.output().unwrap()
    }

    fn assert_success(&self, dir: &str, args: &[&str]) -> String {
        let output = self.wash(dir, args);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn assert_failure(&self, dir: &str, args: &[&str]) -> String {
        let output = self.wash(dir, args);
        assert!(
            !output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stderr).unwrap()
    }

    fn client(&self) -> Client {
        Client::new(Config::from_toml(&self.config).unwrap())
    }

    /// As `wkg publish` does.
    async fn publish(&self) {
        self.assert_success("words", &["wit", "build", "-o", "words.wasm"]);
        let file = self.path("words/words.wasm");
        let options = PublishOpts {
            skip_semver_check: true,
            ..PublishOpts::default()
        };
        let (package, version) = self
            .client()
            .publish_release_file(&file, options)
            .await
            .unwrap();
        assert_eq!(
            (package.to_string(), version.to_string()),
            ("demo:words".to_string(), "1.0.0".to_string())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wkg_publishes_is_fetched_and_the_lock_is_shared() {
    let registry = Registry::start();
    let stage = Stage::new(&registry.address());
    stage.publish().await;

    let said = stage.assert_success("app", &["wit", "fetch"]);
    assert!(
        said.contains(&format!(
            "+ demo:words@1.0.0 (registry {})",
            registry.address()
        )),
        "{said}"
    );
    assert!(said.contains("+ wasi:io@0.2.3 (comes with wash)"), "{said}");
    assert!(
        stage
            .read("app/wit/deps/demo-words-1.0.0/package.wit")
            .contains("count: func(")
    );
    stage.assert_success("app", &["wit", "check"]);
    let ours = stage.read("app/wkg.lock");

    // wkg takes our lock, finds the same bytes, and writes the same file.
    fs::create_dir(stage.path("wkg")).unwrap();
    stage.write("wkg/wkg.lock", &ours);
    fs::create_dir(stage.path("wkg/wit")).unwrap();
    fs::copy(
        stage.path("app/wit/world.wit"),
        stage.path("wkg/wit/world.wit"),
    )
    .unwrap();
    let mut lock = LockFile::load_from_path(stage.path("wkg/wkg.lock"), false)
        .await
        .unwrap();
    let cache = FileCache::new(stage.path("wkg-cache")).await.unwrap();
    let client = CachingClient::new(Some(stage.client()), cache);
    let dir = stage.path("wkg/wit");
    fetch_dependencies(
        &Manifest::default(),
        &dir,
        &mut lock,
        client,
        OutputType::Wit,
    )
    .await
    .unwrap();
    lock.write().await.unwrap();
    drop(lock);
    assert_eq!(stage.read("wkg/wkg.lock"), ours);
    assert!(Path::new(&stage.path("wkg/wit/deps/demo-words-1.0.0/package.wit")).is_file());

    // We take what wkg left, and do without the registry.
    drop(registry);
    assert_eq!(
        stage.assert_success("wkg", &["wit", "fetch"]),
        "nothing to fetch: no packages are missing\n"
    );
    fs::remove_dir_all(stage.path("wkg/wit/deps")).unwrap();
    stage.assert_success("wkg", &["wit", "fetch", "--offline"]);
    assert_eq!(stage.read("wkg/wkg.lock"), ours);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_the_locked_ones_are_refused() {
    let registry = Registry::start();
    let stage = Stage::new(&registry.address());
    stage.publish().await;
    stage.assert_success("app", &["wit", "fetch"]);
    let lock = stage.read("app/wkg.lock");
    let digest = lock.split("sha256:").nth(1).unwrap()[..64].to_string();
    stage.write("app/wkg.lock", &lock.replace(&digest, &"0".repeat(64)));
    fs::remove_dir_all(stage.path("app/wit/deps")).unwrap();
    let said = stage.assert_failure("app", &["wit", "fetch"]);
    assert!(
        said.starts_with(
            "error: WIT package `demo:words@1.0.0` not found\n  needed by wit/world.wit:4\n"
        ),
        "{said}"
    );
    assert!(!stage.path("app/wit/deps").exists());
    stage.assert_success("app", &["wit", "update", "demo:words"]);
    assert_eq!(stage.read("app/wkg.lock"), lock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_was_damaged_on_its_way_is_not_written() {
    let registry = Registry::start();
    let harm = registry.behind(|request, _| {
        match request.contains("/blobs/") && request.starts_with("GET") {
            true => Trouble::Flip,
            false => Trouble::None,
        }
    });
    Stage::new(&registry.address()).publish().await;
    let stage = Stage::new(&harm.address());
    let said = stage.assert_failure("app", &["wit", "fetch"]);
    assert!(
        said.contains("demo:words@1.0.0") && said.contains("digest"),
        "{said}"
    );
    assert!(!stage.path("app/wit/deps").exists() && !stage.path("app/wkg.lock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_nobody_has_is_told() {
    let registry = Registry::start();
    let stage = Stage::new(&registry.address());
    stage.publish().await;
    stage.write("app/wit/world.wit", &WORLD.replace("1.0.0", "1.1.0"));
    let said = stage.assert_failure("app", &["wit", "fetch"]);
    assert!(said.contains("no such package or version"), "{said}");
}

/// As `wash oci` has it: authorities and a login from the environment.
#[test]
fn a_registry_with_a_certificate_and_a_login_of_its_own() {
    let registry = Registry::with(Options {
        login: true,
        tls: true,
        ..Options::default()
    });
    let address = registry.address();
    let mut stage = Stage::new(&address);
    stage.config = stage.config.replace("protocol = \"http\"", "");
    stage.write("config/wasm-pkg/config.toml", &stage.config);
    stage.assert_success("words", &["wit", "build", "-o", "words.wasm"]);
    let run = |dir: &str, args: &[&str], variables: &[(&str, &str)]| {
        let mut wash = Command::new(env!("CARGO_BIN_EXE_wash"));
        wash.args(args)
            .current_dir(stage.path(dir))
            .env_remove("RUST_LOG");
        wash.env("HOME", stage.dir.path())
            .env("XDG_CONFIG_HOME", stage.path("config"))
            .env("XDG_CACHE_HOME", stage.path("cache"));
        wash.envs(variables.iter().copied());
        let output = wash.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let authority = registry.authority();
    let trusted = ("WASH_OCI_CA_PATHS", authority.to_str().unwrap());
    let login = [
        trusted,
        ("WASH_OCI_USER", USER),
        ("WASH_OCI_PASSWORD", PASSWORD),
    ];
    let reference = format!("{address}/demo/words:1.0.0");
    let (done, text) = run("words", &["oci", "push", &reference, "words.wasm"], &login);
    assert!(done, "{text}");

    let (done, text) = run("app", &["wit", "fetch"], &[]);
    assert!(!done && text.contains("WASH_OCI_CA_PATHS=FILE"), "{text}");
    let (done, text) = run("app", &["wit", "fetch"], &[trusted]);
    assert!(!done && text.contains("it requires a login"), "{text}");
    assert!(
        text.contains("WASH_OCI_USER and WASH_OCI_PASSWORD"),
        "{text}"
    );
    let (done, text) = run("app", &["wit", "fetch"], &login);
    assert!(
        done && text.contains("+ demo:words@1.0.0 (registry"),
        "{text}"
    );

    // A registry that only the project names gets no password that is not for it.
    stage.write("config/wasm-pkg/config.toml", "");
    let config = format!(
        "build: {{ command: \"true\", component_path: app.wasm }}\nwit:\n  registries: [{{ url: \"https://{address}\" }}]\n"
    );
    stage.write("app/.wash/config.yaml", &config);
    fs::remove_dir_all(stage.path("app/wit/deps")).unwrap();
    fs::remove_file(stage.path("app/wkg.lock")).unwrap();
    fs::remove_dir_all(stage.path("cache")).unwrap();
    let (done, text) = run("app", &["wit", "fetch"], &login);
    assert!(!done && text.contains("it requires a login"), "{text}");
    let named = [&login[..], &[("WASH_OCI_REGISTRY", address.as_str())]].concat();
    let (done, text) = run("app", &["wit", "fetch"], &named);
    assert!(done, "{text}");
}
