//! What the user allows and denies.

use serde_json::json;

use crate::support::{User, plugin, text};

#[test]
fn what_it_wants_is_asked_for_before_it_runs() {
    let user = User::new();
    let done = user.wash(&["plugin", "install", text(&plugin("my"))]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let allow = "wash plugin allow my --project --program 'git log'";
    assert!(done.stderr.contains(allow), "{done:?}");
    let done = user.wash(&["my", "paint", "x"]);
    done.failed("the plugin `my` wants to read the project")
        .failed(allow)
        .failed("runs it without");
    // The line that was printed is the one that helps.
    user.ok(&["plugin", "allow", "my", "--project", "--program", "git log"]);
    user.ok(&["my", "paint", "x"]);
    user.ok(&["plugin", "deny", "my", "--all"]);
    user.ok(&["my", "paint", "x"]);
    let done = user.wash(&["my", "history"]);
    done.failed("running `git log --format=%s` denied");
    let data = user.data(&["plugin", "show", "my"]);
    assert_eq!(data["allowed"], json!([]));
    assert_eq!(data["denied"].as_array().unwrap().len(), 2, "{data}");
}

#[test]
fn the_project_is_read_and_not_changed() {
    let user = User::new().with(&plugin("my"));
    user.write(
        "work/.wash/config.yaml",
        "name: shown\nbuild:\n  command: 'true'\n  component_path: a.wasm\n",
    );
    user.write("work/inner/file", "");
    assert_eq!(user.ok(&["my", "project"]), "shown: .wash inner\n");
    assert_eq!(
        user.ok(&["-C", "inner", "my", "project"]),
        "shown: .wash inner\n"
    );
    let elsewhere = User::new().with(&plugin("my"));
    elsewhere.wash(&["my", "project"]).failed("NoProject");
}

#[test]
fn programs_run_where_the_user_is() {
    let user = User::new().with(&plugin("my"));
    for line in [
        &["init", "-q"][..],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "first words",
        ],
    ] {
        let git = std::process::Command::new("git")
            .args(line)
            .current_dir(user.path("work"))
            .status();
        assert!(git.unwrap().success());
    }
    assert_eq!(user.ok(&["my", "history"]), "first words\n");
}

#[test]
fn directories_are_read_or_changed_as_allowed() {
    let user = User::new().with(&plugin("hostile"));
    let notes = user.write("notes/a", "words").parent().unwrap().to_owned();
    let note = notes.join("a");
    user.ok(&["plugin", "allow", "hostile", "--dir", text(&notes)]);
    assert_eq!(user.ok(&["hostile", "read", text(&note)]), "got words\n");
    assert!(
        user.ok(&["hostile", "write", text(&note)])
            .starts_with("refused")
    );
    user.ok(&[
        "plugin",
        "allow",
        "hostile",
        "--dir",
        &format!("{}:rw", text(&notes)),
    ]);
    assert_eq!(user.ok(&["hostile", "write", text(&note)]), "got written\n");
    user.ok(&["plugin", "deny", "hostile", "--dir", text(&notes)]);
    assert!(
        user.ok(&["hostile", "read", text(&note)])
            .starts_with("refused")
    );
}

#[test]
fn nobody_is_allowed_to_change_what_is_allowed() {
    let user = User::new().with(&plugin("hostile"));
    let all = format!("{}:rw", text(&user.path("")));
    user.ok(&[
        "plugin",
        "allow",
        "hostile",
        "--dir",
        all.trim_end_matches('/'),
    ]);
    let done = user.wash(&["hostile", "env"]);
    done.failed("what plugins are allowed is kept there")
        .failed("wash plugin deny hostile --dir");
}

#[test]
fn variables_are_given_by_name() {
    let user = User::new().with(&plugin("hostile"));
    user.ok(&["plugin", "allow", "hostile", "--env", "ONE"]);
    let mut command = user.command();
    let output = command
        .args(["hostile", "env"])
        .env("ONE", "1")
        .env("TWO", "2")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "got [(\"ONE\", \"1\")]\n"
    );
}

#[test]
fn what_makes_no_sense_cannot_be_allowed() {
    let user = User::new().with(&plugin("say"));
    for (line, expected) in [
        (["--host", "https://x"], "is not a host"),
        (["--env", "A=B"], "is not the name of a variable"),
        (["--program", ""], "a program is its name"),
        (["--program", "git 'log"], "a quote that is not closed"),
        (["--dir", "/none/of/this"], "is not a directory"),
        (["--dir", "/"], "is not a directory that can be allowed"),
        (["-o", "text"], "there is no permission: name one"),
    ] {
        let line: Vec<_> = ["plugin", "allow", "say"].into_iter().chain(line).collect();
        user.wash(&line).failed(expected);
    }
    user.wash(&["plugin", "allow", "sya", "--project"])
        .failed("there is `say`");
    assert_eq!(user.data(&["plugin", "show", "say"])["allowed"], json!([]));
}
