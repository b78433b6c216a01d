//! Much code is compiled quickly, serves, and is replaced by optimized code while it serves.

use std::path::Path;
use std::time::Duration;

use wash_runtime::host::{Host, StartRequest};
use wash_runtime::workload::MemberSettings;

use crate::hello;
use crate::stage::{Stage, alone};

/// More than what is compiled at once by the optimizing compiler.
const FUNCTIONS: usize = 5_000;

async fn start(text: &str, cache: &Path) -> Stage {
    let workload = alone(
        hello::component(text, FUNCTIONS).into(),
        MemberSettings::default(),
    );
    Stage::with_cache(workload, cache.to_owned()).await.unwrap()
}

/// Waits for code that is compiled with what others leave of the machine, which may be little.
async fn optimized(stage: &Stage) {
    const MAX_WAIT: Duration = Duration::from_secs(300);
    let optimized = async {
        while !stage.output.text().contains("optimized api") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(MAX_WAIT, optimized).await;
    waited.expect("the code is optimized");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_while_optimized_code_takes_over() {
    let cache = tempfile::tempdir().unwrap();
    let stage = start("version 0", cache.path()).await;
    assert!(stage.timings.quick && !stage.timings.cached);
    let answers = async {
        loop {
            assert_eq!(stage.get("/").await, (200, "version 0".to_owned()));
            // Leaves the compiler its turn.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = answers => {}
        () = optimized(&stage) => {}
    }
    assert_eq!(stage.get("/").await.1, "version 0");
    assert_eq!(stage.status().await.traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_data_with_known_code_takes_no_compiler_that_is_quick() {
    let cache = tempfile::tempdir().unwrap();
    optimized(&start("version 0", cache.path()).await).await;
    let stage = start("version 1", cache.path()).await;
    assert!(!stage.timings.quick && !stage.timings.cached);
    assert_eq!(stage.get("/").await.1, "version 1");
    let stage = start("version 0", cache.path()).await;
    assert!(!stage.timings.quick);
    assert_eq!(stage.get("/").await.1, "version 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_takes_over_before_the_older_one_is_optimized() {
    let cache = tempfile::tempdir().unwrap();
    let stage = start("version 0", cache.path()).await;
    let component = hello::component("version 1", FUNCTIONS + 1);
    let workload = alone(component.into(), MemberSettings::default());
    let replaces = Some(stage.id.clone());
    let request = StartRequest { workload, replaces };
    let started = stage.host.start(request).await.unwrap();
    assert!(started.timings.quick);
    assert_eq!(stage.get("/").await.1, "version 1");
    optimized(&stage).await;
    assert_eq!(stage.get("/").await.1, "version 1");
}
