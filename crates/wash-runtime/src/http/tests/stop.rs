//! The server ends, in both ways, and lives on where it can.

use futures::SinkExt;

use super::*;

#[tokio::test]
async fn a_graceful_stop_waits_for_requests_and_closes_the_idle() {
    let (responses, handler) = prepared();
    let site = Site::serving(handler).await;
    let mut idle = site.connect().await;
    responses.send(full("first")).expect("the handler waits");
    idle.get("/").await.expect("an answer");
    let mut silent = site.raw("").await;
    let mut busy = site.connect().await;
    let (mut feed, response) = fed();
    responses.send(response).expect("the handler waits");
    let response = busy
        .send(request(Method::GET, "/busy"))
        .await
        .expect("a head");

    site.stop.graceful.cancel();
    timeout(TIMEOUT, idle.connection)
        .await
        .expect("closed at once")
        .expect("no panic")
        .expect("closed cleanly");
    assert_eq!(
        timeout(TIMEOUT, silent.read(&mut [0]))
            .await
            .expect("closed at once")
            .expect("cleanly"),
        0
    );
    let closed = async {
        while TcpStream::connect(site.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, closed).await.expect("closed at once");
    assert!(!site.running.is_finished(), "a request is in flight");

    feed.send(data("to the ")).await.expect("the body is read");
    feed.send(data("end")).await.expect("the body is read");
    drop(feed);
    assert_eq!(
        response.collect().await.expect("the whole body").to_bytes(),
        "to the end"
    );
    site.ended().await;
}

#[tokio::test]
async fn an_immediate_stop_cuts_requests_off() {
    let (_responses, handler) = prepared();
    let site = Site::serving(handler).await;
    let _client = site
        .raw("GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    site.until(|front| front.in_flight() > 0).await;
    site.stop.graceful.cancel();
    site.stop.immediate.cancel();
    let events = site.events.clone();
    site.ended().await;
    let log = events.stderr();
    assert!(
        log.contains("GET /never - ") && log.contains("cut off: by the shutdown"),
        "{log}"
    );
}

/// In a process of its own, for the sake of the other tests.
#[test]
fn a_server_without_files_left_recovers() {
    let output = std::process::Command::new(std::env::current_exe().expect("this test's binary"))
        .args([
            "--ignored",
            "--exact",
            "http::tests::stop::with_no_files_left",
        ])
        .output()
        .expect("this test's binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "run by `a_server_without_files_left_recovers`"]
async fn with_no_files_left() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let site = Site::serving(Answer(|_| async { full("fine") })).await;
    let client = tokio::net::TcpSocket::new_v4().expect("a file");
    let few = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    setrlimit(Resource::Nofile, few).expect("a limit may be lowered");
    let files: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();

    let stream = client
        .connect(site.address)
        .await
        .expect("the system accepts");
    site.logged("cannot accept connections").await;
    drop(files);
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP/1.1");
    let mut client = Client {
        sender,
        connection: tokio::spawn(connection),
    };
    assert_eq!(client.get("/").await.expect("an answer").1, "fine");
    let complaints = site.events.stderr().matches("cannot accept").count();
    assert_eq!(complaints, 1, "said once, however often it was tried");
}
