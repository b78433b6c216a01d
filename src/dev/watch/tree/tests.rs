use std::fs;

use super::*;

/// A project in a temporary directory, looked at once.
struct Case {
    dir: tempfile::TempDir,
    tree: Tree,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, |root| Targets {
            roots: [root.to_path_buf()].into(),
            ..Targets::default()
        })
    }

    fn with(files: &[(&str, &str)], targets: impl FnOnce(&Path) -> Targets) -> Self {
        let mut case = Self {
            dir: tempfile::tempdir().unwrap(),
            tree: Tree::default(),
        };
        files.iter().for_each(|(file, text)| case.write(file, text));
        let mut touched = case.tree.retarget(targets(case.dir.path()));
        while !touched.is_empty() {
            touched = case.tree.look(&touched).new_dirs;
        }
        case
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }

    /// What a look at these finds, with everything that is new below.
    fn look(&mut self, touched: &[&str]) -> Vec<String> {
        let mut touched: Touched = touched.iter().map(|file| self.path(file)).collect();
        touched.retain(|path| self.tree.cares_for(path));
        let mut changed = BTreeSet::new();
        while !touched.is_empty() {
            let look = self.tree.look(&touched);
            changed.extend(look.changed.files.into_keys());
            touched = look.new_dirs;
        }
        let root = self.dir.path();
        changed
            .iter()
            .map(|path| {
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string()
            })
            .collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_file_is_written() {
    let mut case = Case::new(&[("src/lib.rs", "a"), ("src/other.rs", "a")]);
    case.write("src/lib.rs", "b");
    assert_eq!(case.look(&["src/lib.rs"]), ["src/lib.rs"]);
    assert_eq!(case.look(&["src/lib.rs"]), NOTHING);
}

#[test]
fn a_save_without_a_change() {
    let mut case = Case::new(&[("src/lib.rs", "a")]);
    case.write("src/lib.rs", "a");
    assert_eq!(case.look(&["src/lib.rs"]), NOTHING);
}

#[test]
fn a_file_of_the_same_length_and_time() {
    let mut case = Case::new(&[("src/lib.rs", "a")]);
    let time = fs::metadata(case.path("src/lib.rs"))
        .unwrap()
        .modified()
        .unwrap();
    case.write("src/lib.rs", "b");
    File::options()
        .write(true)
        .open(case.path("src/lib.rs"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_eq!(case.look(&["src/lib.rs"]), ["src/lib.rs"]);
}

#[test]
fn a_file_is_renamed_over() {
    let mut case = Case::new(&[("src/lib.rs", "a")]);
    case.write("src/.lib.rs.swp", "b");
    case.write("src/lib.rs~", "b");
    fs::rename(case.path("src/.lib.rs.swp"), case.path("src/lib.rs")).unwrap();
    assert_eq!(
        case.look(&["src/.lib.rs.swp", "src/lib.rs~", "src/lib.rs"]),
        ["src/lib.rs"]
    );
}

#[test]
fn new_files_are_told_apart() {
    let mut case = Case::with(&[("src/a.rs", "a")], |dir| Targets {
        roots: [dir.join("src")].into(),
        files: [dir.join("Cargo.lock")].into(),
        ..Targets::default()
    });
    for file in ["src/a.rs", "src/b.rs", "Cargo.lock"] {
        case.write(file, "b");
    }
    let touched = [case.path("src/a.rs"), case.path("src/b.rs")].into();
    let changed = case.tree.look(&touched).changed;
    assert_eq!(changed.files.len(), 3);
    let new = [case.path("Cargo.lock"), case.path("src/b.rs")];
    let appeared = changed.files.into_iter();
    let appeared = appeared.filter(|(_, file)| file.before.is_missing());
    assert_eq!(appeared.map(|(path, _)| path).collect::<Vec<_>>(), new);
}

#[test]
fn files_come_and_go() {
    let mut case = Case::new(&[("src/lib.rs", "a"), ("src/a.rs", "a")]);
    fs::rename(case.path("src/a.rs"), case.path("src/b.rs")).unwrap();
    assert_eq!(
        case.look(&["src/a.rs", "src/b.rs"]),
        ["src/a.rs", "src/b.rs"]
    );
}

#[test]
fn directories_come_and_go() {
    let mut case = Case::new(&[("src/lib.rs", "a")]);
    case.write("src/new/deep/mod.rs", "a");
    assert_eq!(case.look(&["src/new"]), ["src/new/deep/mod.rs"]);
    case.write("src/new/deep/mod.rs", "b");
    assert_eq!(case.look(&["src/new/deep/mod.rs"]), ["src/new/deep/mod.rs"]);
    fs::remove_dir_all(case.path("src/new")).unwrap();
    assert_eq!(case.look(&["src/new"]), ["src/new/deep/mod.rs"]);
}

#[test]
fn the_root_comes_back() {
    let mut case = Case::with(&[("sibling/src/lib.rs", "a")], |dir| Targets {
        roots: [dir.join("sibling")].into(),
        ..Targets::default()
    });
    fs::rename(case.path("sibling"), case.path("away")).unwrap();
    assert_eq!(case.look(&["sibling"]), ["sibling/src/lib.rs"]);
    assert_eq!(case.tree.watched(), [case.dir.path().to_path_buf()].into());
    fs::rename(case.path("away"), case.path("sibling")).unwrap();
    assert_eq!(case.look(&["sibling"]), ["sibling/src/lib.rs"]);
}

#[test]
fn ignored_files() {
    let mut case = Case::new(&[
        (".gitignore", "*.log\n/dist\n"),
        (".washignore", "notes\n"),
        ("sub/.ignore", "gen.rs\n"),
        ("src/lib.rs", "a"),
        ("dist/a.js", "a"),
        ("notes/a.md", "a"),
    ]);
    for file in [
        "build.log",
        "src/x.log",
        "dist/b.js",
        "notes/a.md",
        "sub/gen.rs",
    ] {
        case.write(file, "b");
        assert_eq!(case.look(&[file]), NOTHING, "{file}");
    }
    let root = case.dir.path();
    let watched = [
        root.parent().unwrap(),
        root,
        &root.join("src"),
        &root.join("sub"),
    ]
    .map(Path::to_path_buf);
    assert_eq!(case.tree.watched(), watched.into());
}

#[test]
fn an_ignore_file_above_the_root() {
    let check = |repository: Option<&str>, is_ignored: bool| {
        let mut case = Case::with(
            &[("top/.gitignore", "*.gen\n"), ("top/api/a.rs", "a")],
            |dir| {
                if let Some(repository) = repository {
                    fs::create_dir(dir.join(repository).join(".git")).unwrap();
                }
                Targets {
                    roots: [dir.join("top/api")].into(),
                    ..Targets::default()
                }
            },
        );
        case.write("top/api/a.gen", "a");
        let found = case.look(&["top/api/a.gen"]);
        assert_eq!(found.is_empty(), is_ignored, "{repository:?}");
    };
    check(None, false);
    check(Some("top/api"), false);
    check(Some("top"), true);
    check(Some(""), true);
}

#[test]
fn everything_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    let write = |file: &str, text: &str| {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("project/src/lib.rs", "");
    write("project/.gitignore", "/target\n");
    write(".gitignore", "*\n");
    let ignoring = || super::super::ignored_sources(&project).map(|ignored| ignored.by);
    assert_eq!(ignoring(), None);
    fs::create_dir(dir.path().join(".git")).unwrap();
    assert_eq!(ignoring(), Some(dir.path().join(".gitignore")));
    write("project/.washignore", "!*\n");
    assert_eq!(ignoring(), None);
    // One file that is not left out is not what is edited.
    write("project/README.md", "");
    write("project/.washignore", "*\n!README.md\n");
    let ignored = super::super::ignored_sources(&project).unwrap();
    assert_eq!(ignored.sources, project.join("src"));
    assert_eq!(ignored.by, project.join(".washignore"));
}

#[test]
fn links_to_files() {
    use std::os::unix::fs::symlink;
    let mut case = Case::with(
        &[("shared/v1", "a"), ("shared/v2", "b"), ("p/x", "")],
        |dir| {
            symlink("../shared/v1", dir.join("p/version")).unwrap();
            Targets {
                roots: [dir.join("p")].into(),
                ..Targets::default()
            }
        },
    );
    assert!(case.tree.watched().contains(&case.path("shared")));
    case.write("shared/v1", "c");
    assert_eq!(case.look(&["shared/v1"]), ["p/version"]);
    case.write("shared/v2", "d");
    assert_eq!(case.look(&["shared/v2"]), NOTHING);
    fs::remove_file(case.path("p/version")).unwrap();
    symlink("../shared/v2", case.path("p/version")).unwrap();
    assert_eq!(case.look(&["p/version"]), ["p/version"]);
    case.write("shared/v2", "e");
    assert_eq!(case.look(&["shared/v2"]), ["p/version"]);
}

#[test]
fn a_single_file_behind_a_link() {
    use std::os::unix::fs::symlink;
    let files = [("store/v1/app.wasm", "a"), ("store/v2/app.wasm", "b")];
    let mut case = Case::with(&files, |dir| {
        symlink("store/v1", dir.join("result")).unwrap();
        Targets {
            files: [dir.join("result/app.wasm")].into(),
            ..Targets::default()
        }
    });
    case.write("store/v1/app.wasm", "c");
    assert_eq!(case.look(&["store/v1/app.wasm"]), ["result/app.wasm"]);
    fs::remove_file(case.path("result")).unwrap();
    symlink("store/v2", case.path("result")).unwrap();
    assert_eq!(case.look(&["result"]), ["result/app.wasm"]);
    assert!(case.tree.watched().contains(&case.path("store/v2")));
}

#[test]
fn ignore_rules_change() {
    let mut case = Case::new(&[
        (".gitignore", "/dist\n"),
        ("src/gen/a.rs", "a"),
        ("dist/a.js", "a"),
    ]);
    case.write(".gitignore", "/src/gen\n");
    assert_eq!(
        case.look(&[".gitignore"]),
        [".gitignore", "dist/a.js", "src/gen/a.rs"]
    );
    case.write("src/gen/a.rs", "b");
    assert_eq!(case.look(&["src/gen/a.rs"]), NOTHING);
}

#[test]
fn what_tools_and_editors_leave() {
    let mut case = Case::new(&[
        ("Cargo.toml", ""),
        ("src/target/mod.rs", "a"),
        ("target/debug/a", "a"),
        ("cache/CACHEDIR.TAG", ""),
        ("cache/a", "a"),
        (".wash/state/blobs/a", "a"),
        (".git/HEAD", "a"),
        ("node_modules/a/index.js", "a"),
    ]);
    let files = [
        "target/debug/a",
        "cache/a",
        ".wash/state/blobs/a",
        ".git/HEAD",
        "node_modules/a/index.js",
        "src/.lib.rs.swp",
        "src/#lib.rs#",
        "src/.#lib.rs",
        "src/4913",
    ];
    for file in files {
        case.write(file, "b");
        assert_eq!(case.look(&[file]), NOTHING, "{file}");
    }
    // Only beside a Cargo.toml is that name cargo's.
    case.write("src/target/mod.rs", "b");
    assert_eq!(case.look(&["src/target/mod.rs"]), ["src/target/mod.rs"]);
}

#[test]
fn hidden_files_are_sources() {
    let mut case = Case::new(&[(".cargo/config.toml", "a")]);
    case.write(".cargo/config.toml", "b");
    assert_eq!(case.look(&[".cargo/config.toml"]), [".cargo/config.toml"]);
}

#[test]
fn the_artifact_does_not_count() {
    let mut case = Case::with(
        &[("app.wasm", "a"), ("dist/app.wasm", "a"), ("src/a.go", "a")],
        |dir| Targets {
            roots: [dir.to_path_buf()].into(),
            except: [dir.join("app.wasm")].into(),
            except_wasm_in: [dir.join("dist")].into(),
            ..Targets::default()
        },
    );
    for file in ["app.wasm", "dist/app.wasm", "dist/other.wasm"] {
        case.write(file, "b");
        assert_eq!(case.look(&[file]), NOTHING, "{file}");
    }
    case.write("dist/page.html", "a");
    assert_eq!(case.look(&["dist/page.html"]), ["dist/page.html"]);
}

#[test]
fn a_directory_may_be_excepted() {
    let targets = |root: &Path, except: &[&str]| Targets {
        roots: [root.to_path_buf()].into(),
        except: except.iter().map(|dir| root.join(dir)).collect(),
        ..Targets::default()
    };
    let mut case = Case::with(&[("data/one/a", "a"), ("src/a.rs", "a")], |root| {
        targets(root, &["data"])
    });
    case.write("data/one/a", "b");
    assert_eq!(case.look(&["data/one/a", "data/one", "data"]), NOTHING);

    // From now on.
    let root = case.dir.path().to_path_buf();
    case.tree.retarget(targets(&root, &["src"]));
    assert_eq!(case.look(&["src/a.rs", "src", "."]), ["data/one/a"]);
}

#[test]
fn single_files() {
    let mut case = Case::with(&[("Cargo.toml", "")], |dir| Targets {
        files: [
            dir.join("target/out/app.wasm"),
            dir.join(".wash/config.yaml"),
        ]
        .into(),
        ..Targets::default()
    });
    case.write("target/out/app.wasm", "a");
    assert_eq!(case.look(&["target"]), ["target/out/app.wasm"]);
    assert!(case.tree.watched().contains(&case.path("target/out")));
    case.write(".wash/config.yaml", "a");
    assert_eq!(case.look(&[".wash"]), [".wash/config.yaml"]);
    case.write("target/out/other.wasm", "a");
    assert!(!case.tree.cares_for(&case.path("target/out/other.wasm")));
    fs::remove_file(case.path("target/out/app.wasm")).unwrap();
    assert_eq!(case.look(&["target/out/app.wasm"]), ["target/out/app.wasm"]);
}

#[test]
fn a_single_directory() {
    let mut case = Case::with(&[("conf/a", "a"), ("conf/deep/b", "a")], |dir| Targets {
        files: [dir.join("conf"), dir.join("later/conf")].into(),
        ..Targets::default()
    });
    assert!(case.tree.watched().contains(&case.path("conf")));
    case.write("conf/a", "b");
    assert_eq!(case.look(&["conf/a"]), ["conf"]);
    case.write("conf/c", "a");
    assert_eq!(case.look(&["conf/c"]), ["conf"]);
    case.write("conf/c", "a");
    case.write("conf/c~", "a");
    case.write("conf/deep/b", "b");
    assert_eq!(case.look(&["conf/c", "conf/c~", "conf/deep/b"]), NOTHING);
    fs::remove_file(case.path("conf/c")).unwrap();
    assert_eq!(case.look(&["conf/c"]), ["conf"]);
    case.write("later/conf/a", "a");
    assert_eq!(case.look(&["later"]), ["later/conf"]);
    assert!(case.tree.watched().contains(&case.path("later/conf")));
}

#[test]
fn other_targets() {
    let mut case = Case::new(&[("src/lib.rs", "a"), ("sibling/lib.rs", "a")]);
    let root = case.dir.path().to_path_buf();
    let new = case.tree.retarget(Targets {
        roots: [root.join("src"), root.join("more")].into(),
        files: [root.join("sibling/lib.rs")].into(),
        ..Targets::default()
    });
    assert_eq!(new, [root.join("more")].into());
    case.write("src/lib.rs", "b");
    case.write("sibling/lib.rs", "b");
    assert_eq!(
        case.look(&["src/lib.rs", "sibling/lib.rs"]),
        ["sibling/lib.rs", "src/lib.rs"]
    );
}

#[cfg(unix)]
#[test]
fn linked_files_and_directories() {
    let mut case = Case::new(&[("shared/world.wit", "a"), ("api/lib.rs", "a")]);
    std::os::unix::fs::symlink("../shared", case.path("api/wit")).unwrap();
    assert_eq!(case.look(&["api/wit"]), ["api/wit/world.wit"]);
    // A link in a circle ends.
    std::os::unix::fs::symlink("..", case.path("api/up")).unwrap();
    assert_eq!(case.look(&["api/up"]), NOTHING);
}
