//! Configuration from all the places that upstream has for it.

use crate::client::text;
use crate::dev;

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_variables() {
    let (projects, dev) = dev("settings");
    let (mut wash, url) = dev.env("SETTINGS_TOKEN", "t0ken").serving().await;
    for (name, expected) in [
        // Of `workload.config`, which comes before that of the interface.
        ("greeting", "Ok(Some(\"of the workload\")) None"),
        ("layer", "Ok(Some(\"interface\")) None"),
        // Variables are settings as well; `environment` comes before `configFrom`.
        ("MODE", "Ok(Some(\"dev\")) Some(\"dev\")"),
        ("TIER", "Ok(Some(\"test\")) Some(\"test\")"),
        ("REGION", "Ok(Some(\"north\")) Some(\"north\")"),
        ("SETTINGS_TOKEN", "Ok(Some(\"t0ken\")) Some(\"t0ken\")"),
        // Nobody gave it that.
        ("PATH", "Ok(None) None"),
    ] {
        let answer = text(&url, &format!("/{name}")).await;
        assert_eq!(answer.trim_end(), expected, "{name}");
    }

    projects.replace("settings/shared.env", "TIER=test", "TIER=changed");
    wash.line("reloaded").await;
    let answer = text(&url, "/TIER").await;
    assert_eq!(answer, "Ok(Some(\"changed\")) Some(\"changed\")\n");
}
