//! With the real file system and its notifications. What counts as a change is tested in `tree`.

use std::fs;
use std::path::Path;

use super::*;

struct Case {
    dir: tempfile::TempDir,
    watcher: Watcher,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Case {
    async fn new(files: &[&str], means: Means) -> Self {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| write(dir.path(), file, "a"));
        let targets = Targets {
            roots: [dir.path().join("project")].into(),
            ..Targets::default()
        };
        let (watcher, reports) = Watcher::start(targets, means).await;
        Self {
            dir,
            watcher,
            reports,
        }
    }

    fn write(&self, file: &str, text: &str) {
        write(self.dir.path(), file, text);
    }

    /// The files of the next reports, until all of these were named. What else is named fails the test.
    async fn expect(&mut self, files: &[&str]) {
        self.expect_besides(files, &[]).await;
    }

    /// The same, where others may be named as well: what is done in two steps may be seen in between.
    async fn expect_besides(&mut self, files: &[&str], others: &[&str]) {
        let others: Vec<PathBuf> = others
            .iter()
            .map(|file| self.dir.path().join(file))
            .collect();
        let mut missing: BTreeSet<PathBuf> = files
            .iter()
            .map(|file| self.dir.path().join(file))
            .collect();
        while !missing.is_empty() {
            let report = tokio::time::timeout(Duration::from_secs(20), self.reports.recv()).await;
            match report.unwrap_or_else(|_| panic!("no report of {missing:?}")) {
                Some(Report::Changed { change, .. }) => {
                    for file in change.files.into_keys() {
                        let expected = missing.remove(&file) || others.contains(&file);
                        assert!(expected, "{file:?} was not expected, or was reported twice");
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn write(dir: &Path, file: &str, text: &str) {
    fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
    fs::write(dir.join(file), text).unwrap();
}

#[tokio::test]
async fn changes_are_reported_and_nothing_else() {
    let files = [
        "project/src/lib.rs",
        "project/src/main.rs",
        "project/.gitignore",
    ];
    let mut case = Case::new(&files, Means::Notifications).await;
    case.write("project/src/lib.rs", "a");
    case.write("project/src/.lib.rs.swp", "b");
    case.write("beside/lib.rs", "b");
    fs::read(case.dir.path().join("project/src/main.rs")).unwrap();
    case.write("project/src/main.rs", "b");
    case.expect(&["project/src/main.rs"]).await;
}

#[tokio::test]
async fn a_file_renamed_over_is_one_change() {
    let mut case = Case::new(&["project/src/lib.rs"], Means::Notifications).await;
    for text in ["b", "c"] {
        case.write("project/src/lib.rs.tmp~", text);
        let src = case.dir.path().join("project/src");
        fs::rename(src.join("lib.rs.tmp~"), src.join("lib.rs")).unwrap();
        case.expect(&["project/src/lib.rs"]).await;
    }
}

#[tokio::test]
async fn new_directories_are_watched_at_once() {
    let mut case = Case::new(&["project/src/lib.rs"], Means::Notifications).await;
    case.write("project/src/deep/er/mod.rs", "a");
    case.write("project/src/deep/er/more.rs", "a");
    case.expect(&["project/src/deep/er/mod.rs", "project/src/deep/er/more.rs"])
        .await;
    case.write("project/src/deep/er/mod.rs", "b");
    case.expect(&["project/src/deep/er/mod.rs"]).await;
}

#[tokio::test]
async fn a_directory_under_an_old_name_is_watched() {
    let mut case = Case::new(
        &["project/src/a/mod.rs", "project/src/b/mod.rs"],
        Means::Notifications,
    )
    .await;
    let src = case.dir.path().join("project/src");
    fs::remove_dir_all(src.join("a")).unwrap();
    fs::rename(src.join("b"), src.join("a")).unwrap();
    // The contents are the same under the name `a`.
    case.expect_besides(&["project/src/b/mod.rs"], &["project/src/a/mod.rs"])
        .await;
    case.write("project/src/a/mod.rs", "b");
    case.expect(&["project/src/a/mod.rs"]).await;
    fs::rename(src.join("a"), src.join("c")).unwrap();
    case.expect(&["project/src/a/mod.rs", "project/src/c/mod.rs"])
        .await;
    case.write("project/src/c/mod.rs", "c");
    case.expect(&["project/src/c/mod.rs"]).await;
}

#[tokio::test]
async fn the_root_is_replaced() {
    let files = ["project/old.rs", "other/new.rs"];
    let mut case = Case::new(&files, Means::Notifications).await;
    let dir = case.dir.path();
    fs::rename(dir.join("project"), dir.join("away")).unwrap();
    fs::rename(dir.join("other"), dir.join("project")).unwrap();
    case.expect(&["project/old.rs", "project/new.rs"]).await;
    case.write("project/new.rs", "b");
    case.expect(&["project/new.rs"]).await;
}

#[tokio::test]
async fn other_targets() {
    let mut case = Case::new(&["project/lib.rs", "other/lib.rs"], Means::Notifications).await;
    let other = case.dir.path().join("other");
    let file = case.dir.path().join("project/out/app.wasm");
    let targets = Targets {
        roots: [other].into(),
        files: [file].into(),
        ..Targets::default()
    };
    case.watcher.retarget(targets).await;
    case.write("project/lib.rs", "b");
    case.write("project/out/app.wasm", "a");
    case.expect(&["project/out/app.wasm"]).await;
    case.write("other/lib.rs", "b");
    case.expect(&["other/lib.rs"]).await;
}

#[tokio::test]
async fn without_notifications() {
    let mut case = Case::new(&["project/src/lib.rs"], Means::Polling).await;
    case.write("project/src/lib.rs", "b");
    case.write("project/src/new/mod.rs", "b");
    case.expect(&["project/src/lib.rs", "project/src/new/mod.rs"])
        .await;
}

#[tokio::test]
async fn a_single_file_without_notifications() {
    let mut case = Case::new(&["app.wasm"], Means::Polling).await;
    let targets = Targets {
        files: [case.dir.path().join("app.wasm")].into(),
        ..Targets::default()
    };
    case.watcher.retarget(targets).await;
    case.write("app.wasm", "b");
    case.expect(&["app.wasm"]).await;
}
