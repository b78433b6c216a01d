//! Templates from repositories and from directories.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::created::{Answer, Desk};
use crate::repository::Repository;

fn read(desk: &Desk, path: &str) -> String {
    fs::read_to_string(desk.path(path)).unwrap()
}

#[test]
fn a_repository_without_its_history() {
    let repository =
        Repository::new(&[("README.md", "# {{ name }}\n"), ("bin/run", "#!/bin/sh\n")]);
    repository.link("LINK.md", "README.md");
    let program = fs::Permissions::from_mode(0o755);
    fs::set_permissions(repository.path().join("bin/run"), program).unwrap();
    let commit = repository.commit("second");

    let desk = Desk::new();
    let path = repository.path().display().to_string();
    for (source, name) in [(repository.url(), "by-url"), (path, "by-path")] {
        let answer = desk.run(&[&source, "--name", name, "-o", "json"]).success();
        let data = &answer.json()["data"];
        assert_eq!(data["commit"], commit.as_str());
        assert_eq!(data["path"], desk.path(name).to_str().unwrap());
        assert!(data["command"].is_null() && data["template"].is_null());
        // Placeholders are those of our own templates.
        assert_eq!(read(&desk, &format!("{name}/LINK.md")), "# {{ name }}\n");
        let mode = fs::metadata(desk.path(name).join("bin/run")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o111, 0o111);
        assert!(!desk.path(name).join(".git").exists());
    }
    // Also where git tells more than it is asked.
    let mut traced = desk.new_command(&[&repository.url(), "--name", "text"]);
    let answer = Answer::of(traced.env("GIT_TRACE", "1")).success();
    let expected = format!(
        "created `text` from {} (commit {}, without its history)\n\n  cd text\n  wash dev\n",
        repository.url(),
        &commit[..12]
    );
    assert_eq!(answer.stdout, expected);
}

#[test]
fn a_branch_a_tag_or_a_commit_of_a_subfolder() {
    let repository = Repository::new(&[("templates/api/file", "one"), ("other", "")]);
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "-a", "v1", "-m", "v1"]);
    repository.write("templates/api/file", "two");
    repository.commit("two");
    repository.git(&["branch", "feature/two"]);
    repository.write("templates/api/file", "three");
    repository.commit("three");

    let desk = Desk::new();
    let url = repository.url();
    for (reference, expected) in [
        (None, "three"),
        (Some("main"), "three"),
        (Some("v1"), "one"),
        (Some("feature/two"), "two"),
        (Some(first.as_str()), "one"),
        (Some(&first[..8]), "one"),
    ] {
        let mut args = vec![url.as_str(), "--subfolder", "templates/api"];
        args.extend(
            reference
                .iter()
                .flat_map(|reference| ["--git-ref", *reference]),
        );
        desk.run(&args).success();
        // Called what the folder is called.
        assert_eq!(read(&desk, "api/file"), expected, "{reference:?}");
        assert!(!desk.path("api/templates").exists());
        fs::remove_dir_all(desk.path("api")).unwrap();
    }
    assert_eq!(desk.everything(), Vec::<String>::new());
}

#[test]
fn a_directory_without_what_was_built_in_it() {
    let desk = Desk::new();
    for (path, text) in [
        ("mine/.gitignore", "/target\n"),
        ("mine/src/lib.rs", "//!"),
        ("mine/target/big", ""),
    ] {
        fs::create_dir_all(desk.path(path).parent().unwrap()).unwrap();
        fs::write(desk.path(path), text).unwrap();
    }
    let answer = desk.run(&["./mine", "--name", "yours"]).success();
    assert!(
        answer.stdout.starts_with("created `yours` from "),
        "{answer:?}"
    );
    assert_eq!(read(&desk, "yours/src/lib.rs"), "//!");
    assert!(desk.path("yours/.gitignore").is_file());
    assert!(!desk.path("yours/target").exists());

    let said = desk
        .run(&["./mine", "--name", "new", "--git-ref", "v1"])
        .failure(1);
    assert!(
        said.contains("is not a git repository, so it has no `v1`"),
        "{said}"
    );
    assert!(!desk.path("new").exists());
}

#[test]
fn a_directory_that_the_project_lies_in() {
    let desk = Desk::new();
    fs::create_dir(desk.path("inner")).unwrap();
    fs::write(desk.path("file"), "text").unwrap();
    desk.run(&[".", "--name", "one"]).success();
    assert_eq!(read(&desk, "one/file"), "text");
    assert_eq!(fs::read_dir(desk.path("one")).unwrap().count(), 2);
    desk.run(&["..", "--name", "two", "-C", "inner"]).success();
    assert_eq!(read(&desk, "inner/two/one/file"), "text");
    assert_eq!(
        fs::read_dir(desk.path("inner/two/inner")).unwrap().count(),
        0
    );
}

const COMMAND: &str = "new:\n  command: echo was here > mark; echo said; test ! -e fail\n";

#[test]
fn a_templates_own_command_runs_when_that_was_agreed_to() {
    let repository = Repository::new(&[(".wash/config.yaml", COMMAND)]);
    let desk = Desk::new();
    let url = repository.url();

    let answer = desk.run(&[&url, "--name", "unattended"]).success();
    assert!(!desk.path("unattended/mark").exists());
    assert!(
        answer
            .stdout
            .contains("of the template was not run: it was not confirmed")
    );
    assert!(
        answer
            .stdout
            .contains("  cd unattended\n  echo was here > mark; "),
        "{answer:?}"
    );
    let answer = desk.run(&[&url, "--name", "json", "-o", "json"]).success();
    assert_eq!(answer.json()["data"]["command"]["ran"], false);

    let answer = desk
        .run(&[&url, "--name", "agreed", "--yes", "-o", "json"])
        .success();
    assert_eq!(read(&desk, "agreed/mark"), "was here\n");
    assert_eq!(answer.json()["data"]["command"]["ran"], true);
    // What it prints is no answer of ours.
    assert!(answer.stderr.contains("said"), "{answer:?}");

    let answer = desk
        .run(&[&url, "--name", "skipped", "--skip-command"])
        .success();
    assert!(!desk.path("skipped/mark").exists(), "{answer:?}");
}

#[test]
fn what_a_failed_command_was_for_is_gone_with_it() {
    let repository = Repository::new(&[(".wash/config.yaml", COMMAND), ("fail", "")]);
    let desk = Desk::new();
    let said = desk.run(&[repository.url().as_str(), "--name", "x", "--yes"]);
    assert!(
        said.stderr
            .contains("the template's own command failed: `echo was here"),
        "{said:?}"
    );
    assert!(
        said.stderr
            .contains("hint: to create the project without running it: --skip-command")
    );
    assert_eq!(said.code, Some(1));
    assert_eq!(desk.everything(), Vec::<String>::new());

    desk.run(&[repository.url().as_str(), "--name", "x", "--skip-command"])
        .success();
    assert!(desk.path("x/fail").exists());
}

/// Nobody's configuration and nobody's environment have a say in what is run.
#[test]
fn only_the_template_names_a_command() {
    let repository = Repository::new(&[("file", "")]);
    let desk = Desk::new();
    fs::create_dir_all(desk.path(".config/wash")).unwrap();
    fs::write(
        desk.path(".config/wash/config.yaml"),
        "new: { command: touch by-user }\n",
    )
    .unwrap();
    let url = repository.url();
    let mut command = desk.new_command(&[&url, "--name", "x", "--yes", "-o", "json"]);
    command.env("WASH_NEW__COMMAND", "touch by-environment");
    let answer = Answer::of(&mut command).success();
    assert!(answer.json()["data"]["command"].is_null());
    let entries = fs::read_dir(desk.path("x")).unwrap().count();
    assert_eq!(entries, 1);
}

/// A file is a program or not. Whose rights it runs with, and who may write it, is not for a template to say.
#[test]
fn of_a_mode_nothing_is_kept_but_whether_it_is_a_program() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("theirs/dir")).unwrap();
    let modes = [
        ("setuid", 0o4755, 0o755),
        ("setgid", 0o2775, 0o755),
        ("sticky", 0o1777, 0o755),
        ("everybody", 0o666, 0o644),
        ("secret", 0o600, 0o644),
        ("dir/both", 0o6711, 0o755),
    ];
    for (name, mode, _) in modes {
        let path = desk.path("theirs").join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let special = fs::Permissions::from_mode(0o7777);
    fs::set_permissions(desk.path("theirs/dir"), special).unwrap();
    let check = |project: &str, umask: u32| {
        for (name, _, expected) in modes {
            let there = fs::metadata(desk.path(project).join(name)).unwrap();
            assert_eq!(
                there.permissions().mode() & 0o7777,
                expected & !umask,
                "{name}"
            );
        }
        let dir = fs::metadata(desk.path(project).join("dir")).unwrap();
        assert_eq!(dir.permissions().mode() & 0o7022, 0);
    };
    for (project, umask) in [("usual", 0o022), ("careful", 0o077), ("careless", 0)] {
        let line = format!("umask {umask:03o}; exec \"$0\" new ./theirs --name {project}");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_wash")]);
        shell
            .current_dir(desk.path(""))
            .env("XDG_CONFIG_HOME", desk.path(".config"));
        Answer::of(&mut shell).success();
        if umask != 0 {
            check(project, umask);
        } else {
            let there = fs::metadata(desk.path("careless/everybody")).unwrap();
            assert_eq!(there.permissions().mode() & 0o7777, 0o644);
        }
    }
    let commit = |args: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]);
        let done = git.args(args).current_dir(desk.path("theirs")).output();
        assert!(done.unwrap().status.success(), "{args:?}");
    };
    commit(&["init", "--quiet"]);
    commit(&["add", "--all"]);
    commit(&["commit", "--quiet", "-m", "all"]);
    desk.run(&["./theirs", "--name", "by-git"]).success();
    check("by-git", 0o022);
}

/// As `git lfs install` sets it up: the filter looks for the content at the repository's remote.
#[test]
fn files_of_git_lfs_are_fetched_or_told() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
    let repository = Repository::new(&[
        (".gitattributes", "*.bin filter=lfs\n"),
        ("one/model.bin", pointer),
        ("two/file", "text"),
    ]);
    let desk = Desk::new();
    let run = |filter: &str, args: &[&str]| {
        let filter = filter.replace('"', "\\\"");
        let config = format!("[filter \"lfs\"]\n\tsmudge = \"{filter}\"\n\trequired = true\n");
        fs::write(desk.path("gitconfig"), config).unwrap();
        let url = repository.url();
        let mut command = desk.new_command(&[&[url.as_str()], args].concat());
        Answer::of(command.env("GIT_CONFIG_GLOBAL", desk.path("gitconfig"))).success()
    };
    let works = "cat >/dev/null; git config remote.origin.url";
    run(works, &["--name", "works"]);
    assert_eq!(read(&desk, "works/one/model.bin").trim(), repository.url());

    let fails = "if test -z \"$GIT_LFS_SKIP_SMUDGE\"; then exit 2; fi; cat";
    let answer = run(fails, &["--name", "fails"]);
    assert_eq!(read(&desk, "fails/one/model.bin"), pointer);
    assert!(
        answer
            .stdout
            .contains("`one/model.bin` is stored in Git LFS"),
        "{answer:?}"
    );
    let answer = run(fails, &["--subfolder", "one", "-o", "json"]);
    assert_eq!(answer.json()["data"]["lfs_pointers"][0], "model.bin");
    let answer = run(fails, &["--subfolder", "two", "-o", "json"]);
    assert_eq!(
        answer.json()["data"]["lfs_pointers"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}
