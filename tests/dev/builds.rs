//! Builds of any command: what they write where their sources are, and sources that lie elsewhere.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Child;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::client::{Client, text};
use crate::project::Projects;
use crate::wash::{Dev, TIMEOUT, Wash, wash};

/// A component that answers with a text.
fn answering(text: &str) -> Vec<u8> {
    let hello = include_str!("../../benches/hello/hello.wat")
        .replace("LENGTH", &text.len().to_string())
        .replace("TEXT", text);
    let mut module = wat::parse_str(format!("(module {hello})")).unwrap();
    let mut resolve = Resolve::default();
    let wit = include_str!("../../benches/hello/hello.wit");
    let package = resolve.push_str("hello.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("hello")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().module(&module).unwrap();
    encoder.encode().unwrap()
}

/// A project whose build copies the component that `src/version` names, and does something else before.
struct Shell {
    projects: Projects,
    outside: tempfile::TempDir,
}

impl Shell {
    fn new(before: &str) -> Self {
        let shell = Self {
            projects: Projects::empty(),
            outside: tempfile::tempdir().unwrap(),
        };
        for version in ["one", "two", "three"] {
            let path = shell.outside.path().join(format!("{version}.wasm"));
            fs::write(path, answering(version)).unwrap();
        }
        shell.projects.write("src/version", "one");
        let outside = shell.outside.path().display();
        let command = format!(
            "echo build >> {outside}/builds; {before}; cp {outside}/$(cat src/version).wasm out.wasm"
        );
        shell.configure(&command, &serde_json::json!([]));
        shell
    }

    fn configure(&self, command: &str, watch: &serde_json::Value) {
        let config = serde_json::json!({
            "build": { "command": command, "component_path": "out.wasm", "watch": watch }
        });
        self.projects.write(".wash/config.json", config.to_string());
    }

    /// How many builds have begun.
    fn builds(&self) -> usize {
        let builds = fs::read_to_string(self.outside.path().join("builds"));
        builds.unwrap_or_default().lines().count()
    }

    async fn edit(&self, wash: &mut Wash, url: &str, version: &str) {
        self.projects.write("src/version", version);
        wash.line("reloaded").await;
        assert_eq!(text(url, "/").await, version);
    }
}

/// What a build does to the project while it runs never keeps it from ending, and an edit takes one build soon.
async fn settles(before: &str, told: Option<&str>) {
    let shell = Shell::new(before);
    let (mut wash, url) = Dev::on(&shell.projects).serving().await;
    assert!(
        shell.builds() <= 4,
        "{}: {}",
        shell.builds(),
        wash.console()
    );
    assert_eq!(text(&url, "/").await, "one");
    if let Some(told) = told {
        let line = wash.line("with every build").await;
        assert!(line.contains(told), "{line}");
    }
    shell.edit(&mut wash, &url, "two").await;
    let builds = shell.builds();
    shell.edit(&mut wash, &url, "three").await;
    assert!(shell.builds() <= builds + 3, "{}", wash.console());
    assert!(shell.builds() <= 10, "{}", wash.console());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_leave_files_with_new_names() {
    let command = "sleep .2; date > tmp-$(date +%s%N).txt; sleep .2";
    settles(command, Some("`tmp-")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_have_a_temporary_file() {
    let command = "n=rollup.config-$(date +%s%N).mjs; date > $n; sleep .5; rm $n";
    settles(command, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_delete_and_regenerate() {
    let write = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo type $n > types/$n.ts; done";
    let command = format!("rm -rf types; sleep .2; mkdir types; {write}; sleep .2");
    settles(&command, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_stamp_and_touch() {
    let command = "touch src/version; sleep .2; date +%s%N > stamp; sleep .2";
    settles(command, Some("`stamp`")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_may_end_as_soon_as_it_has_written() {
    settles("date +%s%N > stamp", Some("`stamp`")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_while_a_build_stamps_is_not_lost() {
    let shell = Shell::new("date +%s%N > stamp; sleep .5");
    let (mut wash, url) = Dev::on(&shell.projects).serving().await;
    wash.line("with every build").await;
    let builds = shell.builds();
    shell.projects.write("src/other", "edited");
    while shell.builds() == builds {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    shell.edit(&mut wash, &url, "two").await;
}

/// A session whose output goes into its project.
struct Logged(Child);

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_in_the_project_is_no_source() {
    let shell = Shell::new("false");
    let outside = shell.outside.path().display();
    let command = format!("echo build >> {outside}/builds; exit 1");
    shell.configure(&command, &serde_json::json!([]));
    let log = File::create(shell.projects.path("log")).unwrap();
    let mut command = wash();
    command
        .args(["dev", "--address", "127.0.0.1:0"])
        .current_dir(shell.projects.root())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let _session = Logged(command.spawn().unwrap());
    for edit in 1..=4 {
        let count = || {
            let log = fs::read_to_string(shell.projects.path("log")).unwrap();
            log.matches("failed to build").count() + log.matches("fails to build").count()
        };
        let failed = async {
            while count() < edit {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, failed)
            .await
            .expect("it fails");
        assert!(shell.builds() <= edit + 1, "{}", shell.builds());
        shell.projects.write("src/version", format!("edit {edit}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_elsewhere_are_watched_when_they_are_named() {
    let shell = Shell::new("true");
    let outside = shell.outside.path().display();
    for file in ["plain", "glob/deep/a.txt", "glob/deep/b.md", "dir/a"] {
        let path = shell.outside.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "one").unwrap();
    }
    // The version itself is in a file that nobody names.
    let command = format!(
        "v=$(cat {outside}/version 2>/dev/null || echo one); cp {outside}/$v.wasm out.wasm"
    );
    let watch = [
        format!("{outside}/plain"),
        format!("{outside}/glob/**/*.txt"),
        format!("{outside}/dir"),
    ];
    shell.configure(&command, &serde_json::json!(watch));
    let (mut wash, url) = Dev::on(&shell.projects).serving().await;
    let outside = shell.outside.path().to_path_buf();
    let mut versions = ["two", "three"].into_iter().cycle();
    for file in ["plain", "glob/deep/a.txt", "dir/a"] {
        let version = versions.next().unwrap();
        fs::write(outside.join("version"), version).unwrap();
        fs::write(outside.join(file), version).unwrap();
        wash.line("reloaded").await;
        assert_eq!(text(&url, "/").await, version, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_source_is_followed() {
    let shell = Shell::new("true");
    let source = shell.outside.path().join("version");
    fs::write(&source, "one").unwrap();
    fs::remove_file(shell.projects.path("src/version")).unwrap();
    symlink(&source, shell.projects.path("src/version")).unwrap();
    let (mut wash, url) = Dev::on(&shell.projects).serving().await;
    fs::write(&source, "two").unwrap();
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_behind_a_link_that_is_pointed_elsewhere() {
    let projects = Projects::empty();
    projects.write("store/v1/lib/a.wasm", answering("one"));
    projects.write("store/v2/lib/a.wasm", answering("two"));
    let point = |to: &str| {
        let new: PathBuf = projects.path("result.new");
        symlink(to, &new).unwrap();
        fs::rename(new, projects.path("result")).unwrap();
    };
    point("store/v1");
    let (mut wash, url) = Dev::on(&projects).arg("result/lib/a.wasm").serving().await;
    assert_eq!(text(&url, "/").await, "one");
    point("store/v2");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two");
    projects.write("store/v2/lib/a.wasm", answering("three"));
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "three");
    // Nothing of it keeps anything.
    assert!(!projects.path("store/v1/lib/.wash").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_called_as_its_link() {
    let projects = Projects::empty();
    projects.write("t/a.wasm", answering("one"));
    projects.write("t/b.wasm", answering("two"));
    symlink("t/a.wasm", projects.path("shop.wasm")).unwrap();
    let (mut wash, url) = Dev::on(&projects).arg("shop.wasm").serving().await;
    symlink("t/b.wasm", projects.path("new")).unwrap();
    fs::rename(projects.path("new"), projects.path("shop.wasm")).unwrap();
    let line = wash.line("reloaded").await;
    assert!(line.contains("shop"), "{line}");
    assert_eq!(text(&url, "/").await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_another_tool_writes() {
    let projects = Projects::empty();
    projects.write("out.wasm", answering("one"));
    let config = r#"{"build": {"command": "true", "component_path": "out.wasm"}}"#;
    projects.write(".wash/config.json", config);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    projects.write("out.wasm", answering("two"));
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignore_file_of_somebody_above_does_not_count() {
    let shell = Shell::new("true");
    // As the directory above a project that is no repository.
    let home = Projects::empty();
    home.write(".gitignore", "*\n");
    for file in ["src/version", ".wash/config.json"] {
        let contents = fs::read(shell.projects.path(file)).unwrap();
        home.write(&format!("code/{file}"), contents);
    }
    let (mut wash, url) = Dev::on(&home).arg("code").serving().await;
    home.write("code/src/version", "two");
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "two");

    fs::create_dir(home.path(".git")).unwrap();
    let mut wash = Dev::on(&home).arg("code").spawn();
    let line = wash.line("changes are not noticed").await;
    assert!(line.contains(".gitignore"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_whose_mode_is_mended_is_taken() {
    let projects = Projects::empty();
    projects.write("out.wasm", answering("one"));
    let config = |workload: &str| {
        format!("build: {{command: 'true', component_path: out.wasm}}\n{workload}")
    };
    projects.write(".wash/config.yaml", config(""));
    projects.write("secret", "TOKEN=1\n");
    let mode = |mode| fs::set_permissions(projects.path("secret"), Permissions::from_mode(mode));
    mode(0o644).unwrap();
    let (mut wash, _) = Dev::on(&projects).serving().await;
    let secret = "secrets: {app: {file: secret}}\nworkload: {environment: {secretFrom: [app]}}\n";
    projects.write(".wash/config.yaml", config(secret));
    wash.line("the config is not valid").await;
    mode(0o600).unwrap();
    wash.line("config changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_told_before_anything_is_built() {
    let shell = Shell::new("until test -e go; do sleep .05; done");
    let mut wash = Dev::on(&shell.projects).spawn();
    let line = wash.line("listening on ").await;
    let url = crate::wash::url_in(&line);
    let mut client = Client::connect(&url).await.unwrap();
    let (status, _) = client.get("/").await.unwrap();
    assert_eq!(status, 503);
    shell.projects.write("go", "");
    wash.line("serving http://").await;
}
