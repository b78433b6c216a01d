//! What a component logs, and the least of it that is shown.

use crate::client::text;
use crate::dev;

const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "critical"];

#[tokio::test(flavor = "multi_thread")]
async fn a_component_logs() {
    let _turn = crate::JOURNAL.lock().await;
    let (projects, dev) = dev("journal");
    let (mut wash, url) = dev.serving().await;
    assert_eq!(text(&url, "/one").await, "logged\n");
    for level in LEVELS {
        wash.line(&format!("| {level} journal: /one")).await;
    }
    let config = "journal/.wash/config.yaml";
    let before = std::fs::read_to_string(projects.path(config)).unwrap();

    projects.write(config, format!("{before}dev:\n  log_level: warn\n"));
    wash.line("config changed").await;
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/two").await, "logged\n");
    // What is logged and what is printed are on two streams, and either may be read first.
    let last = ["| critical journal: /two", "| printed /two"];
    for _ in last {
        wash.one_of(&last).await;
    }
    let console = wash.console();
    for level in LEVELS {
        let shown = console.contains(&format!("| {level} journal: /two"));
        assert_eq!(
            shown,
            ["warn", "error", "critical"].contains(&level),
            "{level}: {console}"
        );
    }
    // Levels are of what is logged, not of what is printed.
    for line in ["| printed /two", "| complained /two"] {
        assert!(console.contains(line), "{console}");
    }

    // What is said of the component counts more.
    let both = "dev:\n  log_level: warn\nworkload:\n  log_level: critical\n";
    projects.write(config, format!("{before}{both}"));
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/three").await, "logged\n");
    let line = wash.one_of(&["| error journal: /three", "| critical journal: /three"]);
    assert!(line.await.contains("critical"));

    projects.write(config, format!("{before}dev:\n  log_level: loud\n"));
    wash.line("expected one of trace, debug, info, warn, error, critical, found `loud`")
        .await;
    assert_eq!(text(&url, "/four").await, "logged\n");
}
