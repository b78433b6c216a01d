use wash_runtime::capability::wasi::{Directories, Directory};

use super::*;
use crate::dev::testing::project;
use crate::dev::watch::Difference;
use crate::project::Sibling;

fn sibling(name: &str, source: SiblingSource) -> Sibling {
    Sibling {
        name: name.to_string(),
        source,
        settings: Default::default(),
        subscriptions: Vec::new(),
        limits: Default::default(),
        imports: Default::default(),
    }
}

/// A project with a sibling project inside it and a sibling file that its own build makes.
fn scope() -> Scope {
    let mut app = project("/p");
    app.sources.push("/p/settings".into());
    app.dev.components = vec![
        sibling(
            "cache",
            SiblingSource::Project(Box::new(project("/p/components/cache"))),
        ),
        sibling("auth", SiblingSource::File("/p/target/auth.wasm".into())),
    ];
    Scope::of(&app, Some(&Store::at("/plugins".into())), &Inputs::new())
}

fn changed(files: &[&str]) -> Differences {
    let files = files.iter().map(PathBuf::from);
    files.map(|file| (file, Difference::of_unknown())).collect()
}

fn check(file: &str, units: &[&str], config: bool) {
    let sorted = scope().sort(changed(&[file]));
    assert_eq!(sorted.units.keys().collect::<Vec<_>>(), units, "{file}");
    assert_eq!(!sorted.config.is_empty(), config, "{file}");
}

#[test]
fn a_file_belongs_to_the_innermost_project() {
    check("/p/src/lib.rs", &["app"], false);
    check("/p/components/other/lib.rs", &["app"], false);
    check("/p/components/cache/src/lib.rs", &["cache"], false);
    check("/p/target/auth.wasm", &["auth"], false);
    check("/q/src/lib.rs", &[], false);
}

#[test]
fn config_is_not_a_source() {
    check("/p/.wash/config.yaml", &[], true);
    check("/p/.env", &[], true);
    check("/p/components/cache/.env", &[], true);
    check("/p/settings/greeting", &[], true);
    check("/p/settings/deep/greeting", &["app"], false);
}

#[test]
fn what_is_installed_and_allowed_is_config() {
    check("/plugins/installed", &[], true);
    check("/plugins/policy.json", &[], true);
    check("/plugins/lock", &[], false);
}

#[test]
fn a_manifest_is_both() {
    check("/p/Cargo.toml", &["app"], true);
    check("/p/components/cache/go.mod", &["cache"], true);
    check("/p/crates/a/Cargo.toml", &["app"], false);
}

#[test]
fn what_is_watched() {
    let Targets {
        roots,
        files,
        except,
        ..
    } = scope().targets();
    let names = |paths: BTreeSet<PathBuf>| -> Vec<String> {
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    };
    assert_eq!(names(roots), ["/p", "/p/components/cache"]);
    assert!(names(files).contains(&"/p/target/auth.wasm".to_string()));
    assert_eq!(
        names(except),
        [
            "/p/app.component.wasm",
            "/p/app.wasm",
            "/p/components/cache/app.component.wasm",
            "/p/components/cache/app.wasm",
        ]
    );
}

#[test]
fn a_component_that_is_there_already_is_its_own_source() {
    let mut app = project("/p");
    app.build.command = Command::None;
    let scope = Scope::of(&app, None, &Inputs::new());
    assert!(scope.targets().roots.is_empty());
    let sorted = scope.sort(changed(&["/p/app.wasm", "/p/other.wasm"]));
    assert_eq!(sorted.units["app"], changed(&["/p/app.wasm"]));
}

#[test]
fn what_a_component_writes_is_no_source() {
    let volume = |path: &str, access| Directory {
        volume: Volume::HostPath {
            path: path.into(),
            create: false,
        },
        guest: "/data".to_string(),
        access,
    };
    let mut app = project("/p");
    app.settings.get_mut::<Directories>().0 = vec![
        volume("/p/./data", Access::ReadWrite),
        volume("/p/pages", Access::ReadOnly),
    ];
    app.dev.blobstore = Some("/p/tmp/blobs".into());
    let except = Scope::of(&app, None, &Inputs::new()).targets().except;
    assert!(except.contains(Path::new("/p/data")), "{except:?}");
    assert!(except.contains(Path::new("/p/tmp/blobs")), "{except:?}");
    assert!(!except.contains(Path::new("/p/pages")), "{except:?}");
}

#[test]
fn sources_elsewhere() {
    let mut app = project("/p/api");
    app.wit.dir = "../wit".into();
    app.build.watch = vec!["/p/assets/**/*.html".into(), "/p/schema".into()];
    let inputs = Inputs::from([("app".to_string(), ["/q/macro.txt".into()].into())]);
    let scope = Scope::of(&app, None, &inputs);
    let belongs = |file: &str| !scope.sort(changed(&[file])).units.is_empty();
    for file in [
        "/p/wit/world.wit",
        "/p/assets/a/b.html",
        "/p/schema",
        "/p/schema/a.json",
        "/q/macro.txt",
    ] {
        assert!(belongs(file), "{file}");
    }
    for file in ["/p/assets/a/b.css", "/p/other", "/q/other.txt"] {
        assert!(!belongs(file), "{file}");
    }
}

#[test]
fn a_component_that_a_build_makes_is_no_source() {
    let sorted = scope().sort(changed(&["/p/app.wasm", "/p/app.component.wasm"]));
    assert!(sorted.units.is_empty(), "{:?}", sorted.units);
    let artifacts = [("app".to_string(), PathBuf::from("/p/app.wasm"))];
    assert_eq!(sorted.artifacts, artifacts.into());
}
