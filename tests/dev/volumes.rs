//! What components may do in the directories that they are given.

use std::fs;
use std::os::unix::fs::symlink;

use crate::client::text;
use crate::probe::{PROBES, project};
use crate::project::Projects;
use crate::wash::Dev;

/// A volume that holds the project, in which a repository is.
fn whole_project(probe: &'static str) -> Projects {
    let projects = project(
        probe,
        "dev: { volumes: [{host_path: ., guest_path: /p}] }\n",
    );
    projects.write(".git/hooks/pre-commit", "original");
    projects.write(".git/config", "original");
    projects.write("inner/file", "original");
    symlink("../.wash", projects.root().join("inner/way")).unwrap();
    symlink(".git/config", projects.root().join("shortcut")).unwrap();
    symlink(".wash/new.yaml", projects.root().join("dangling")).unwrap();
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn what_decides_what_runs_outside_is_out_of_reach() {
    for probe in PROBES {
        let projects = whole_project(probe);
        let config = fs::read_to_string(projects.root().join(".wash/config.yaml")).unwrap();
        let (wash, url) = Dev::on(&projects).serving().await;
        let warning = "`dev.volumes[0].host_path` lets a component change the project";
        assert!(wash.console().contains(warning), "{}", wash.console());
        for denied in [
            "write&.wash/config.yaml",
            "overwrite&.wash/config.yaml",
            "overwrite&./inner/../.wash/./config.yaml",
            "write&inner/way/config.yaml",
            "overwrite&inner/way/config.yaml",
            "write&.wash/config.json",
            "write&dangling",
            "write&shortcut",
            "write-in&.wash&config.json",
            "write-in&inner/way&config.json",
            "write&.GIT/config",
            "write&inner/.wash",
            "write&inner/.git",
            "mkdir&inner/.git",
            "mkdir&inner/.Wash/",
            "mkdir&.wash/more",
            "unlink&.wash/config.yaml",
            "unlink&.git/config",
            "rmdir&.git/hooks",
            "rename&.wash&elsewhere",
            "rename&.git/&elsewhere",
            "rename&.git/.&elsewhere",
            "rename&.git/hooks/..&elsewhere",
            "rename&inner&.git",
            "rename&inner/file&.wash/config.json",
            "rename&.wash/config.yaml&taken",
            "link&.wash/config.yaml&taken",
            "link&inner/file&.git/hooks/post-commit",
            "symlink&inner&.wash/config",
            "symlink&../inner&inner/.git",
            "times&.wash/config.yaml",
            "times&inner/way/config.yaml",
        ] {
            let answer = text(&url, &format!("/files?{denied}")).await;
            assert_ne!(answer, "ok", "{probe}: {denied}");
        }
        for allowed in [
            "read&.wash/config.yaml",
            "read&shortcut",
            "write&notes",
            "write&inner/file",
            "write&.gitignore",
            "mkdir&inner/more",
            "rename&inner/more&inner/other",
            "write&inner/other/../note",
            "symlink&notes&inner/link",
            "link&notes&inner/hard",
            "times&notes",
            "unlink&inner/hard",
            "rmdir&inner/other/",
            "rename&inner&moved",
        ] {
            let answer = text(&url, &format!("/files?{allowed}")).await;
            assert_eq!(answer, "ok", "{probe}: {allowed}");
        }
        let read = |path: &str| fs::read_to_string(projects.root().join(path)).unwrap();
        assert_eq!(read(".wash/config.yaml"), config);
        assert_eq!(read(".git/config"), "original");
        assert_eq!(read("moved/file"), "by the guest");
        assert!(!projects.root().join(".wash/config.json").exists());
        assert!(!projects.root().join(".wash/new.yaml").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_becomes_a_link_leads_nowhere() {
    let projects = project(
        "probe",
        "dev: { volumes: [{host_path: data, guest_path: /a}, {host_path: data/b, guest_path: /b}] }\n",
    );
    projects.write("data/b/file", "inside");
    projects.write("outside/file", "secret");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert_eq!(text(&url, "/read?/b/file").await, "inside");
    assert_eq!(text(&url, "/files?rename&b&old").await, "ok");
    let out = "/files?symlink&../outside&b";
    assert_eq!(text(&url, out).await, "ok");
    // Such as any edit of the developer's.
    let config = fs::read_to_string(projects.root().join(".wash/config.yaml")).unwrap();
    projects.write(".wash/config.yaml", format!("{config}imports: {{}}\n"));
    projects.write(
        "app.wasm",
        fs::read(projects.root().join("app.wasm")).unwrap(),
    );
    let changed = config.replace("name: probe", "name: changed");
    projects.write(".wash/config.yaml", changed);
    let line = wash.line("symbolic link").await;
    assert!(line.contains("data/b"), "{line}");
    assert_ne!(text(&url, "/read?/b/file").await, "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_a_volume_holds_nobody_up() {
    for probe in PROBES {
        let projects = project(
            probe,
            "dev: { volumes: [{host_path: data, guest_path: /a}] }\n",
        );
        projects.write("data/file", "");
        let made = std::process::Command::new("mkfifo")
            .arg(projects.root().join("data/pipe"))
            .status();
        assert!(made.unwrap().success());
        let (_wash, url) = Dev::on(&projects).serving().await;
        for operation in ["read", "write", "overwrite"] {
            let answer = text(&url, &format!("/files?{operation}&pipe")).await;
            assert_ne!(answer, "ok", "{probe}: {operation}");
        }
        assert_eq!(text(&url, "/files?read&file").await, "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_wash_are_out_of_reach() {
    let projects = project(
        "probe",
        "dev: { volumes: [{host_path: home, guest_path: /h}] }\n",
    );
    let home = projects.root().join("home");
    fs::create_dir_all(home.join("cache/wash/compiled")).unwrap();
    fs::write(home.join("cache/wash/compiled/known"), "").unwrap();
    symlink("cache/wash", home.join("way")).unwrap();
    let (_wash, url) = Dev::on(&projects)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .serving()
        .await;
    for denied in [
        "write&cache/wash/compiled/x",
        "write&way/compiled/x",
        "mkdir&way/more",
        "rename&cache&elsewhere",
        "rename&cache/wash&elsewhere",
        // They are not there yet.
        "mkdir&config",
        "symlink&cache&config",
        "rename&way&config",
    ] {
        let answer = text(&url, &format!("/files?{denied}")).await;
        assert_ne!(answer, "ok", "{denied}");
    }
    for allowed in [
        "write&cache/other",
        "mkdir&share",
        "read&cache/wash/compiled/known",
    ] {
        let answer = text(&url, &format!("/files?{allowed}")).await;
        assert_eq!(answer, "ok", "{allowed}");
    }
    assert!(!home.join("cache/wash/compiled/x").exists());
}

/// From a directory above, a project is not replaced by another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_stays_in_its_place() {
    for probe in PROBES {
        let projects = project(
            probe,
            "dev: { volumes: [{host_path: .., guest_path: /above}] }\n",
        );
        let root = projects.root();
        let name = root.file_name().unwrap().to_str().unwrap().to_owned();
        let above = root.parent().unwrap().to_owned();
        // All projects of these tests are in the same place, run after run.
        for left in ["code", "mine", "yours", "src", "elsewhere"] {
            let _ = fs::remove_dir_all(above.join(left));
        }
        let _ = fs::remove_file(above.join("way"));
        fs::create_dir_all(above.join("code/deep/other/.git")).unwrap();
        fs::create_dir_all(above.join("mine/src")).unwrap();
        symlink("code/deep/other", above.join("way")).unwrap();
        let (_wash, url) = Dev::on(&projects).serving().await;
        for denied in [
            format!("rename&{name}&elsewhere"),
            format!("rename&mine&{name}"),
            format!("rmdir&{name}"),
            format!("write&{name}/.washignore"),
            format!("symlink&../mine&{name}/.washignore"),
            "rename&code&elsewhere".to_owned(),
            "rename&code/deep/other&elsewhere".to_owned(),
            "rename&way&elsewhere".to_owned(),
            "unlink&way".to_owned(),
        ] {
            let answer = text(&url, &format!("/files?{denied}")).await;
            assert_ne!(answer, "ok", "{probe}: {denied}");
        }
        for allowed in [
            "rename&mine&yours",
            "write&yours/src/file",
            "rename&yours/src&src",
        ] {
            let answer = text(&url, &format!("/files?{allowed}")).await;
            assert_eq!(answer, "ok", "{probe}: {allowed}");
        }
        assert!(root.join(".wash/config.yaml").exists());
        assert!(above.join("code/deep/other/.git").exists());
    }
}
