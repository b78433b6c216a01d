//! Tools and targets that are missing are named, with the command that installs them.

use std::process::Output;

use crate::support::{Dir, stderr, stdout};

/// A project with tools of the tests' own in front of the system's basic ones.
fn run(dir: &Dir) -> Output {
    let mut command = dir.wash(&["build"]);
    command.env(
        "PATH",
        format!("{}:/usr/bin:/bin", dir.path().join("bin").display()),
    );
    command
        .env("RUSTUP_HOME", dir.path().join("rustup"))
        .env_remove("RUSTUP_TOOLCHAIN");
    command.output().unwrap()
}

/// Rust whose toolchain has the given targets.
fn rust(dir: Dir, targets: &[&str]) -> Dir {
    let sysroot = dir.path().join("toolchains/plain");
    let mut dir = dir.program("rustc", &format!("echo {}", sysroot.display()));
    for target in targets {
        dir = dir.file(
            &format!("toolchains/plain/lib/rustlib/{target}/lib/libcore-1.rlib"),
            "",
        );
    }
    dir.program(
        "cargo",
        r#"echo "cargo with ${RUSTUP_TOOLCHAIN:-its own} toolchain" >&2"#,
    )
}

fn check(output: &Output, error: &str, hint: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(
        text.lines()
            .any(|line| line.starts_with(&format!("error: {error}"))),
        "{text}"
    );
    assert!(text.contains(&format!("\n\nhint: {hint}\n")), "{text}");
    assert_eq!(stdout(output), "");
}

#[test]
fn a_missing_target() {
    let dir = rust(Dir::cargo("fn main() {}"), &["x86_64-unknown-linux-gnu"]);
    check(
        &run(&dir),
        "the Rust target `wasm32-wasip2` is not installed for the default toolchain",
        "rustup target add wasm32-wasip2",
    );
}

#[test]
fn a_missing_target_of_a_chosen_toolchain() {
    let dir = rust(Dir::cargo("fn main() {}"), &[])
        .file("rust-toolchain.toml", "[toolchain]\nchannel = \"plain\"\n")
        .file(
            "rustup/toolchains/wash-wasm/lib/rustlib/wasm32-wasip2/lib/libcore-2.rlib",
            "",
        );
    check(
        &run(&dir),
        "the Rust target `wasm32-wasip2` is not installed for the toolchain `plain`",
        "rustup target add wasm32-wasip2 --toolchain plain",
    );
}

#[test]
fn our_own_toolchain_stands_in_and_says_so() {
    let dir = rust(Dir::cargo("fn main() {}"), &[]).file(
        "rustup/toolchains/wash-wasm/lib/rustlib/wasm32-wasip2/lib/libcore-2.rlib",
        "",
    );
    let text = stderr(&run(&dir));
    assert!(
        text.contains("the rustup toolchain `wash-wasm`: `plain` has no target `wasm32-wasip2`\n"),
        "{text}"
    );
    assert!(text.contains("cargo with wash-wasm toolchain\n"), "{text}");
}

#[test]
fn an_installed_target_changes_nothing() {
    let dir = rust(Dir::cargo("fn main() {}"), &["wasm32-wasip2"]).file(
        "rustup/toolchains/wash-wasm/lib/rustlib/wasm32-wasip2/lib/libcore-2.rlib",
        "",
    );
    let text = stderr(&run(&dir));
    assert!(text.starts_with("cargo with its own toolchain\n"), "{text}");
}

#[test]
fn missing_tools() {
    let missing = |tool: &str| format!("`{tool}` is not installed, or not on the `PATH`");
    let npm = Dir::new()
        .file("package.json", r#"{ "scripts": { "build": "true" } }"#)
        .file("yarn.lock", "");
    check(&run(&npm), &missing("yarn"), "npm install --global yarn");

    let python = Dir::new()
        .file("pyproject.toml", "")
        .file("app.py", "")
        .file("wit/world.wit", "package a:b;\nworld c {}\n");
    check(
        &run(&python),
        &missing("componentize-py"),
        "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
    );
    // What is in the project's virtual environment needs nothing on the `PATH`.
    let script = "#!/bin/sh\necho \"$0 $*\" >&2\nexit 3\n";
    let python = python
        .file(".venv/bin/componentize-py", script)
        .executable(".venv/bin/componentize-py");
    let text = stderr(&run(&python));
    assert!(
        text.contains(".venv/bin/componentize-py -d wit -w c componentize app -o"),
        "{text}"
    );

    let go = Dir::new()
        .file("go.mod", "module hello\n")
        .file("wit/world.wit", "package a:b;\n");
    check(
        &run(&go),
        &missing("tinygo"),
        "install TinyGo: https://tinygo.org/getting-started/install",
    );
}

#[test]
fn packages_that_are_not_installed() {
    let package = r#"{ "scripts": { "build": "true" }, "devDependencies": { "typescript": "5" } }"#;
    let dir = Dir::new()
        .file("package.json", package)
        .program("npm", "exit 0");
    check(&run(&dir), "the packages in `", "npm install");
}

/// A member is built, and its packages are installed, with the package manager of the workspace.
#[test]
fn packages_of_a_member_of_a_workspace() {
    let package = r#"{ "scripts": { "build": "true" }, "devDependencies": { "typescript": "5" } }"#;
    let dir = Dir::new()
        .file("pnpm-workspace.yaml", "packages:\n  - apps/*\n")
        .file("apps/api/package.json", package)
        .program("pnpm", "exit 0")
        .program("npm", "exit 0");
    let mut command = dir.wash(&["-C", "apps/api", "build"]);
    command.env(
        "PATH",
        format!("{}:/usr/bin:/bin", dir.path().join("bin").display()),
    );
    check(
        &command.output().unwrap(),
        "the packages in `",
        "pnpm install",
    );
    let dir = Dir::new()
        .file(
            "package.json",
            r#"{ "workspaces": ["api"], "packageManager": "yarn@4.5.0" }"#,
        )
        .file("api/package.json", package);
    let mut command = dir.wash(&["-C", "api", "build"]);
    command.env("PATH", "/usr/bin:/bin");
    check(
        &command.output().unwrap(),
        "`yarn` is not installed, or not on the `PATH`",
        "npm install --global yarn",
    );
}

/// TinyGo has a world of its own, which it takes when none is named.
#[test]
fn the_only_world_is_the_one_of_a_go_project() {
    let dir = Dir::new()
        .file("go.mod", "module hello\n")
        .file(
            "wit/world.wit",
            "package a:b;\nworld mine {\n  include wasi:cli/imports@0.2.0;\n}\n",
        )
        .program("tinygo", "echo \"tinygo $*\" >&2; exit 3");
    let text = stderr(&run(&dir));
    assert!(text.contains("-wit-package=wit -wit-world=mine "), "{text}");
}

/// Upstream's templates have a command that does not install them.
#[test]
fn packages_that_a_command_would_need() {
    let dir = Dir::shell("pnpm run build")
        .file("package.json", r#"{ "devDependencies": { "jco": "1" } }"#)
        .program("pnpm", "exit 127");
    check(&run(&dir), "the packages in `", "pnpm install");
}

#[test]
fn a_program_that_the_shell_does_not_find() {
    let dir = Dir::shell("no-such-program --build");
    check(
        &run(&dir),
        "the build failed: `no-such-program --build` ended with exit code 127",
        "the build command runs a program that is not on the `PATH`",
    );
}
