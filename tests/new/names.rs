//! What a project may be called, and what is missing when nobody can be asked.

use std::fs;

use crate::created::Desk;

#[test]
fn names_that_suit_no_crate() {
    let desk = Desk::new();
    for (name, said, hint) in [
        (
            "Hello",
            "it begins with a letter from a to z",
            "for example: `hello`",
        ),
        ("my.app", "and no `.`", "for example: `my-app`"),
        ("../up", "begins with a letter", "for example: `up`"),
        ("/tmp/up", "begins with a letter", "for example: `tmp-up`"),
        (
            "fn",
            "it means something else in Rust",
            "for example: `fn-app`",
        ),
        (
            "world",
            "it means something else in WIT",
            "for example: `world-app`",
        ),
        (
            "wstd",
            "the template depends on a crate of that name",
            "for example: `my-wstd`",
        ),
    ] {
        let answer = desk.run(&[name, "--template", "http"]).failure(2);
        assert!(
            answer.contains(said) && answer.contains(hint),
            "{name}: {answer}"
        );
    }
    assert_eq!(desk.everything(), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_told_with_the_choices() {
    let desk = Desk::new();
    let none: [&str; 0] = [];
    let said = desk.run(&none).failure(2);
    assert!(
        said.contains("no template given, and this is not a terminal"),
        "{said}"
    );
    assert!(
        said.contains("wash new NAME --template TEMPLATE") && said.contains("\n  http-python "),
        "{said}"
    );
    let said = desk.run(&["hello"]).failure(2);
    assert!(
        said.contains("wash new hello --template TEMPLATE"),
        "{said}"
    );
    let said = desk.run(&["http-c"]).failure(2);
    assert!(
        said.contains("`http-c` is a template: wash new NAME --template http-c"),
        "{said}"
    );
    let said = desk.run(&["--template", "http"]).failure(2);
    assert!(said.contains("no project name given"), "{said}");
    let said = desk.run(&["x", "--template", "http-pyhton"]).failure(2);
    assert!(said.contains("did you mean `http-python`?"), "{said}");
    let said = desk.run(&["x", "--template", "zzz"]).failure(2);
    assert!(
        said.contains("there are http, http-wit-bindgen, "),
        "{said}"
    );
    let said = desk
        .run(&["x", "--name", "y", "--template", "http"])
        .failure(2);
    assert!(said.contains("names given: `x` and `--name y`"), "{said}");
    let answer = desk.run(&["x", "--template", "http", "--git-ref", "v1"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert_eq!(desk.everything(), Vec::<String>::new());

    let said = desk
        .run(&["x", "--template", "http", "-C", "missing"])
        .failure(1);
    assert!(
        said.contains("missing`, to create the project in"),
        "{said}"
    );
}

#[test]
fn errors_for_programs() {
    let answer = Desk::new().run(&["-o", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(2), ""));
    let json = answer.json();
    assert_eq!(json["success"], false);
    let hint = json["data"]["hints"][0].as_str().unwrap();
    assert!(hint.contains("http-typescript"), "{hint}");
}

#[test]
fn what_is_there_stays() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "kept").unwrap();
    fs::create_dir(desk.path("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", desk.path("link")).unwrap();
    let before = desk.everything();
    for name in ["file", "folder", "link"] {
        let said = desk.run(&[name, "--template", "http"]).failure(1);
        assert!(said.contains(&format!("{name}` already exists")), "{said}");
    }
    assert_eq!(desk.everything(), before);
    desk.run(&["inner", "--template", "http", "-C", "folder"])
        .success();
    assert!(desk.path("folder/inner/src/lib.rs").is_file());
}

#[test]
fn the_current_directory_itself() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("my-app/.git")).unwrap();
    let answer = desk
        .run(&[".", "--template", "http", "-C", "my-app"])
        .success();
    assert!(answer.stdout.starts_with("created "), "{answer:?}");
    let manifest = fs::read_to_string(desk.path("my-app/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"my-app\""), "{manifest}");
    let said = desk
        .run(&[".", "--template", "http", "-C", "my-app"])
        .failure(1);
    assert!(said.contains("my-app` is not empty"), "{said}");
}

/// Cargo builds what is created in one of its workspaces.
#[test]
fn inside_a_cargo_workspace() {
    let desk = Desk::new();
    fs::write(
        desk.path("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = []\n",
    )
    .unwrap();
    fs::create_dir(desk.path("apps")).unwrap();
    let answer = desk
        .run(&["hello", "--template", "http", "-C", "apps"])
        .success();
    assert!(
        answer
            .stdout
            .contains("added to the members of the cargo workspace"),
        "{answer:?}"
    );
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let found = cargo.current_dir(desk.path("apps/hello")).output().unwrap();
    let said = String::from_utf8_lossy(&found.stdout);
    assert!(
        found.status.success() && said.contains("\"name\":\"hello\""),
        "{found:?}"
    );
    // A template with a workspace of its own is none of this one's.
    let answer = desk.run(&["tasks", "--template", "messaging"]).success();
    assert!(!answer.stdout.contains("added to"), "{answer:?}");
}
