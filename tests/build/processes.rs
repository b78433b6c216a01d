//! The command of a build: its environment, its output, and its end.

use tokio_util::sync::CancellationToken;
use wash::build;
use wash::build::{BuildError, BuildOptions};

use crate::support::{Dir, LONG, Printed, build, component, pid_in, wait_until_gone};

#[tokio::test]
async fn output_comes_in_order_as_it_was_written() {
    let dir = Dir::shell(r"printf '\033[32mone\033[0m\n'; echo two >&2; printf three; cat")
        .file("out.wasm", component());
    let printed = Printed::default();
    build(&dir, &printed, false).await.unwrap();
    assert_eq!(
        printed.text(),
        "\u{1b}[32mone\u{1b}[0m\ntwo\nthree",
        "and stdin is empty"
    );
}

#[tokio::test]
async fn the_command_knows_where_the_component_goes() {
    let command = r#"cp made.wasm "$WASH_COMPONENT_PATH" && echo "$MODE in $PWD, colour ${CLICOLOR_FORCE:-none}""#;
    let config = serde_json::json!({ "build": {
        "command": command, "component_path": "out/app.wasm", "env": { "MODE": "quick" },
    } });
    let dir = Dir::new()
        .file(".wash/config.json", config.to_string())
        .file("made.wasm", component())
        .file("out/.keep", "");
    let printed = Printed::default();
    let built = build(&dir, &printed, false).await.unwrap();
    assert_eq!(built.path, dir.path().join("out/app.wasm"));
    assert_eq!(*built.bytes, component()[..]);
    assert_eq!(
        printed.text(),
        format!("quick in {}, colour none\n", dir.path().display())
    );

    let printed = Printed::default();
    build(&dir, &printed, true).await.unwrap();
    assert!(printed.text().ends_with("colour 1\n"), "{}", printed.text());
}

#[tokio::test]
async fn a_failed_build_keeps_the_end_of_its_output() {
    let dir = Dir::shell("seq 1 40000; echo it went wrong >&2; exit 3");
    match build(&dir, &Printed::default(), false).await {
        Err(BuildError::Failed { status, output, .. }) => {
            assert_eq!(status.code(), Some(3));
            assert!(
                output.ends_with("39999\n40000\nit went wrong\n"),
                "{}",
                &output[output.len() - 50..]
            );
            assert!(output.len() <= 128 * 1024, "{} bytes", output.len());
            let first = output.lines().next().unwrap();
            assert!(
                first.parse::<u32>().is_ok_and(|line| line > 1),
                "a whole line: {first}"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Writes the ids of a child that ignores requests to end and of the shell itself, then waits.
const STUBBORN: &str = "sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 1000; done' & echo $$ > parent; wait";

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_the_whole_group_before_it_returns() {
    let dir = Dir::shell(STUBBORN);
    let cancel = CancellationToken::new();
    let options = BuildOptions {
        output: Printed::default().output(),
        color: false,
        cancel: cancel.clone(),
    };
    let project = dir.project();
    let building = tokio::spawn(async move { build::build(&project, options).await });
    let (parent, child) = (
        pid_in(&dir.path().join("parent")),
        pid_in(&dir.path().join("child")),
    );
    cancel.cancel();
    let outcome = tokio::time::timeout(LONG, building).await.unwrap().unwrap();
    assert!(matches!(outcome, Err(BuildError::Cancelled)), "{outcome:?}");
    wait_until_gone(parent);
    wait_until_gone(child);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_build_ends_the_whole_group() {
    let dir = Dir::shell(STUBBORN);
    let options = BuildOptions {
        output: Printed::default().output(),
        color: false,
        cancel: CancellationToken::new(),
    };
    let project = dir.project();
    let building = tokio::spawn(async move { build::build(&project, options).await });
    let (parent, child) = (
        pid_in(&dir.path().join("parent")),
        pid_in(&dir.path().join("child")),
    );
    building.abort();
    assert!(building.await.unwrap_err().is_cancelled());
    wait_until_gone(parent);
    wait_until_gone(child);
}

#[tokio::test]
async fn what_a_build_leaves_in_the_background_ends_with_it() {
    let dir = Dir::shell("sleep 1000 & echo $! > child").file("out.wasm", component());
    tokio::time::timeout(LONG, build(&dir, &Printed::default(), false))
        .await
        .unwrap()
        .unwrap();
    wait_until_gone(pid_in(&dir.path().join("child")));
}

#[tokio::test]
async fn a_build_that_is_cancelled_already_does_not_begin() {
    let dir = Dir::shell("touch began").file("out.wasm", component());
    let cancel = CancellationToken::new();
    cancel.cancel();
    let options = BuildOptions {
        output: Printed::default().output(),
        color: false,
        cancel,
    };
    assert!(matches!(
        build::build(&dir.project(), options).await,
        Err(BuildError::Cancelled)
    ));
    assert!(!dir.path().join("began").exists());
}
