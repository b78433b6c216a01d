//! Ports that somebody else has.

use std::net::TcpListener;

use crate::probe::project;
use crate::wash::{Dev, url_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_was_asked_for_is_the_only_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let asked = [
        project("probe", &format!("dev: {{ address: \"{address}\" }}\n")),
        project("probe", ""),
    ];
    for (projects, flag) in asked.iter().zip([None, Some(&address)]) {
        let wash = match flag {
            None => Dev::without_address(projects),
            Some(address) => Dev::without_address(projects).arg("--address").arg(address),
        };
        let (status, console) = wash.spawn().end().await;
        assert_eq!(status.code(), Some(1), "{console}");
        let first = console.lines().next().unwrap_or_default();
        let holder = format!("(pid {})", std::process::id());
        assert!(
            first.contains(&format!("{address} is in use by `")) && first.contains(&holder),
            "{console}"
        );
        assert!(console.contains("hint: "), "{console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_nobody_asked_for_is_not() {
    // Taken by us, unless somebody else has it already.
    let _taken = TcpListener::bind("127.0.0.1:8000");
    let projects = project("probe", "");
    let mut wash = Dev::without_address(&projects).spawn();
    let line = wash.line("127.0.0.1:8000 is in use").await;
    let (_, address) = line.split_once("listening on ").expect("where instead");
    let url = url_in(&wash.line("serving http://").await);
    assert_eq!(url, format!("http://{address}"));
    assert_eq!(crate::client::text(&url, "/hello").await, "hello");
}
