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
    done.failed("running `git log --format=%s` is not allowed");
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
fn a_directory_that_is_not_there_yet() {
    let user = User::new().with(&plugin("hostile"));
    let (trips, notes) = (user.path("trips/2026"), user.path("notes"));
    // What may be changed is made.
    user.ok(&[
        "plugin",
        "allow",
        "hostile",
        "--dir",
        &format!("{}:rw", text(&trips)),
    ]);
    assert!(trips.is_dir());
    std::fs::remove_dir(&trips).unwrap();
    let trip = trips.join("a");
    assert_eq!(user.ok(&["hostile", "write", text(&trip)]), "got written\n");
    assert!(trip.is_file());
    // What may be read is not.
    let done = user.wash(&["plugin", "allow", "hostile", "--dir", text(&notes)]);
    done.failed("/notes` does not exist")
        .failed("hint: create it: mkdir -p ");
    std::fs::create_dir(&notes).unwrap();
    user.ok(&["plugin", "allow", "hostile", "--dir", text(&notes)]);
    std::fs::remove_dir(&notes).unwrap();
    user.wash(&["hostile", "env"])
        .failed("the plugin `hostile` may read")
        .failed("hint: create it: mkdir -p ");
}

#[test]
fn what_it_requests_and_is_not_there_is_made_as_well() {
    let user = User::new().with(&plugin("hostile"));
    let manifest = user.store().join("installed/hostile.json");
    let text_of = std::fs::read(&manifest).unwrap();
    let mut wants: serde_json::Value = serde_json::from_slice(&text_of).unwrap();
    let want = |path: &str, access: &str| {
        let directory = json!({ "path": path, "access": access });
        json!({ "what": { "directory": directory }, "reason": "" })
    };
    wants["wants"] = json!([want("~/trips", "read-write"), want("~/notes", "read-only")]);
    std::fs::write(&manifest, wants.to_string()).unwrap();
    user.wash(&["plugin", "allow", "hostile", "--all"])
        .failed("directory `~/notes` does not exist")
        .failed("mkdir -p ~/notes");
    std::fs::create_dir(user.path("notes")).unwrap();
    user.ok(&["plugin", "allow", "hostile", "--all"]);
    assert!(user.path("trips").is_dir());
    assert_eq!(user.ok(&["hostile", "env"]), "got []\n");
}

#[test]
fn a_program_that_leaves_another_behind_is_not_waited_for() {
    let user = User::new().with(&plugin("hostile"));
    user.ok(&["plugin", "allow", "hostile", "--program", "sh -c"]);
    let line = "echo begun; sleep 600 &";
    let told = user.ok(&["hostile", "--", "process", "sh", "-c", line]);
    assert_eq!(told, "got begun\n\n");
}

#[test]
fn what_others_can_change_is_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let user = User::new().with(&plugin("say"));
    user.ok(&["plugin", "allow", "say", "--host", "example.com"]);
    let policy = user.store().join("policy.json");
    let mode = |mode| std::fs::set_permissions(&policy, std::fs::Permissions::from_mode(mode));
    mode(0o666).unwrap();
    user.wash(&["say", "x"])
        .failed("every user of this machine can change")
        .failed("chmod o-w ");
    mode(0o600).unwrap();
    assert_eq!(user.ok(&["say", "x"]), "x\n");
}

#[test]
fn nobody_is_allowed_to_change_what_is_allowed() {
    let user = User::new().with(&plugin("hostile"));
    let all = format!("{}:rw", text(&user.path("")));
    let all = all.trim_end_matches('/');
    user.wash(&["plugin", "allow", "hostile", "--dir", all])
        .failed("cannot be allowed");
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
        (
            ["--dir", "/none/of/this"],
            "directory `/none/of/this` does not exist",
        ),
        (["--dir", "/dev/null"], "`/dev/null` is not a directory"),
        (["--dir", "/"], "is not a directory that can be allowed"),
        (["-o", "text"], "no permission given; try `--host HOST`"),
    ] {
        let line: Vec<_> = ["plugin", "allow", "say"].into_iter().chain(line).collect();
        user.wash(&line).failed(expected);
    }
    user.wash(&["plugin", "allow", "sya", "--project"])
        .failed("did you mean `say`?");
    assert_eq!(user.data(&["plugin", "show", "say"])["allowed"], json!([]));
}

#[test]
fn what_no_plugin_may_change_is_refused_at_once() {
    let user = User::new().with(&plugin("my"));
    let allowed = || user.data(&["plugin", "show", "my"])["allowed"].take();
    let before = allowed();
    std::fs::create_dir_all(user.path("project/.git/hooks")).unwrap();
    std::os::unix::fs::symlink(".git", user.path("project/link")).unwrap();
    for (folder, reason) in [
        ("project/.git", "`.git` or `.wash`"),
        ("project/.git/hooks", "`.git` or `.wash`"),
        ("project/.git/new", "`.git` or `.wash`"),
        ("project/link", "`.git` or `.wash`"),
        ("project/.wash/state", "`.git` or `.wash`"),
    ] {
        let folder = user.path(folder);
        let folder = text(&folder);
        let done = user.wash(&["plugin", "allow", "my", "--dir", &format!("{folder}:rw")]);
        done.failed("cannot be allowed")
            .failed(reason)
            .failed("leave out `:rw`");
        assert_eq!(allowed(), before, "{folder}");
    }
    assert!(!user.path("project/.git/new").exists());
    let store = format!("{}:rw", text(&user.store()));
    user.wash(&["plugin", "allow", "my", "--dir", &store])
        .failed("cannot be allowed");

    // To read, and around it, there is no harm.
    let git = user.path("project/.git");
    user.ok(&["plugin", "allow", "my", "--dir", text(&git)]);
    let project = format!("{}:rw", text(&user.path("project")));
    user.ok(&["plugin", "allow", "my", "--dir", &project]);
}
