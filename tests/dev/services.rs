//! Services: beside a handler of requests, and alone.

use http::StatusCode;

use crate::client::{get, text};
use crate::project::Projects;
use crate::wash::{Dev, url_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_only_runs_is_a_service() {
    let projects = Projects::copy("alone", &["daemon"]);
    projects.write("daemon/.wash/config.yaml", "name: daemon\n");
    let mut wash = Dev::on(&projects).spawn();
    let line = wash.line("serves").await;
    assert!(line.contains("as the service"), "{line}");
    wash.line("running the service daemon").await;
    wash.line("tick 1").await;

    projects.replace("daemon/src/main.rs", "tick", "tock");
    wash.line("reloaded daemon").await;
    wash.line("tock 1").await;

    // A version that cannot be built leaves the one before.
    projects.replace("daemon/src/main.rs", "fn main()", "fn main(");
    wash.line("daemon failed to build").await;
    wash.line("tock").await;
    wash.signal(rustix::process::Signal::INT);
    let (status, console) = wash.end().await;
    assert!(status.success(), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_runs_beside_the_requests() {
    let projects = Projects::copy("beside", &["hello", "daemon"]);
    let config = "hello/.wash/config.yaml";
    let with = "name: hello\ndev:\n  service: { name: ticker, path: ../daemon }\n";
    projects.write(config, with);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    assert!(
        wash.console()
            .contains(&format!("{url} and the service ticker")),
        "{}",
        wash.console()
    );
    wash.line("tick 1").await;
    assert_eq!(text(&url, "/").await, "hello\n");

    projects.replace("daemon/src/main.rs", "tick", "tock");
    wash.line("reloaded ticker").await;
    wash.line("tock 1").await;
    assert_eq!(text(&url, "/").await, "hello\n");

    projects.write(config, "name: hello\n");
    wash.line("component `ticker` removed, the service").await;
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "hello\n");
}

/// It could run as well, but a component of upstream's `dev.components` is not run unless it is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_could_be_the_service_says_so() {
    let projects = Projects::copy("could-be", &["hello", "daemon"]);
    let config = "hello/.wash/config.yaml";
    let with = "name: hello\ndev:\n  components: [{ name: ticker, path: ../daemon }]\n";
    projects.write(config, with);
    let (mut wash, _) = Dev::on(&projects).serving().await;
    let console = wash.console();
    for part in [
        "ticker is not used",
        "`dev.service: ticker` makes it the service",
    ] {
        assert!(console.contains(part), "{part}: {console}");
    }

    projects.write(config, format!("{with}  service: ticker\n"));
    wash.line("config changed: the service").await;
    wash.line("tick 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_a_service_is_told_that_nothing_answers() {
    let projects = Projects::copy("unanswered", &["daemon", "hello"]);
    let config = "daemon/.wash/config.yaml";
    projects.write(config, "name: daemon\n");
    let mut wash = Dev::on(&projects).spawn();
    let url = url_in(&wash.line("running the service daemon").await);
    let (status, page) = get(&url, "/").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        page.contains("nothing here answers HTTP requests"),
        "{page}"
    );

    let with = "name: daemon\ndev:\n  components: [{ name: hello, path: ../hello }]\n";
    projects.write(config, with);
    wash.line("component `hello` added").await;
    wash.line("reloaded").await;
    assert_eq!(text(&url, "/").await, "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_a_service_that_is_not_there_is_told() {
    let projects = Projects::copy("unserved", &["hello"]);
    let config = "name: hello\ndev: { service_ports: [{ name: echo, port: 7, publish: 7777 }] }\n";
    projects.write("hello/.wash/config.yaml", config);
    let (wash, _) = Dev::on(&projects).serving().await;
    let console = wash.console();
    for part in [
        "warning: `dev.service_ports`: 7777/tcp is not opened, because no service runs",
        "hint: `dev.service` names the component that listens there",
    ] {
        assert!(console.contains(part), "{part}: {console}");
    }
}
