//! Clients that say nothing, or not all, or what they should not.

use super::*;

const SHORT: Duration = Duration::from_millis(100);

/// A server that has little patience.
fn impatient() -> Timeouts {
    Timeouts {
        head: SHORT,
        idle: SHORT,
        body: SHORT,
        close: SHORT,
        ..Timeouts::default()
    }
}

/// What the server sends until it ends the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut text))
        .await
        .expect("the server ends it");
    String::from_utf8_lossy(&text).into_owned()
}

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &str = "\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn silent_clients_are_cut_off() {
    let site = Site::with(impatient(), Some(1)).await;
    site.front
        .serve(Arc::new(Answer(|_| async { full("fine") })));
    let preface_and_settings = format!("{PREFACE}{SETTINGS}");
    for beginning in [
        "",
        "P",
        "PRI * HTT",
        PREFACE,
        &preface_and_settings,
        "GET / HTTP/1.1\r\nhost: local",
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        let silent = site.raw(beginning).await;
        // There is room for one connection, so this one is served after the other has gone.
        assert_eq!(
            site.connect().await.get("/").await.expect("an answer").1,
            "fine",
            "after {beginning:?}"
        );
        rest(silent).await;
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_is_cut_off() {
    let site = Site::with(impatient(), None).await;
    site.front
        .serve(Arc::new(Answer(|request: Request| async move {
            match request.collect().await {
                Ok(_) => full("all"),
                Err(error) => full(error.to_string()),
            }
        })));
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let head = format!("PUT / HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n");
        let answer = rest(site.raw(&head).await).await;
        assert!(answer.contains("the client sent nothing for"), "{answer}");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_the_silent() {
    let timeouts = Timeouts {
        close: SHORT,
        ..Timeouts::default()
    };
    for beginning in [PREFACE, "GET / HTTP/1.1\r\nhost: local", "PUT"] {
        let site = Site::with(timeouts, None).await;
        let _silent = site.raw(beginning).await;
        site.stop.graceful.cancel();
        site.ended().await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_side_is_answered() {
    let site = Site::with(Timeouts::default(), None).await;
    site.front.serve(Arc::new(Answer(|_| async {
        tokio::time::sleep(SHORT).await;
        full("late")
    })));
    let mut stream = site.raw("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    stream.shutdown().await.expect("half closed");
    let answer = rest(stream).await;
    assert!(answer.ends_with("late"), "{answer}");
}

#[tokio::test]
async fn an_early_answer_survives_the_rest_of_the_upload() {
    let site = Site::with(Timeouts::default(), None).await;
    site.front
        .serve(Arc::new(Answer(|_| async { full("enough") })));
    const LENGTH: usize = 32 << 20;
    let head = format!("PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {LENGTH}\r\n\r\n");
    for _ in 0..5 {
        let mut stream = site.raw(&head).await;
        // Everything is written before anything is read.
        for _ in 0..LENGTH / (1 << 20) {
            stream.write_all(&[0; 1 << 20]).await.expect("it is read");
        }
        let answer = rest(stream).await;
        assert!(answer.ends_with("enough"), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_told() {
    let site = Site::with(Timeouts::default(), None).await;
    site.front
        .serve(Arc::new(Answer(|_| async { full("fine") })));
    let many = |count: usize| {
        let lines = "x-line: 1\r\n".repeat(count);
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}\r\n")
    };
    let answer = rest(site.raw(&many(150)).await).await;
    assert!(answer.contains(" 200 OK"), "{answer}");
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(100 << 10));
    for (request, status, told) in [
        (
            "\x16\x03\x01\x02\0\x01\0\x01\x01",
            "400",
            "the client speaks TLS",
        ),
        (
            "not a request\r\n\r\n",
            "400",
            "refused a request from 127.0.0.1:",
        ),
        (&many(300), "431", "its head is too large"),
        (&long, "4", "its head is too large"),
    ] {
        let answer = rest(site.raw(request).await).await;
        let begin = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&begin), "{told}: {answer}");
        site.logged(told).await;
    }
    for (head, status) in [
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n", "400"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: u:p@localhost\r\n", "400"),
        ("GET noslash HTTP/1.1\r\nhost: localhost\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "200"),
        ("GET /asterisk HTTP/1.1\r\nhost: localhost\r\n", "200"),
    ] {
        let answer = rest(site.raw(&format!("{head}connection: close\r\n\r\n")).await).await;
        assert!(answer.contains(&format!(" {status} ")), "{head}: {answer}");
    }
}

#[tokio::test]
async fn requests_for_unknown_hosts_are_refused_until_they_are_allowed() {
    let site = Site::with(Timeouts::default(), None).await;
    site.front
        .serve(Arc::new(Answer(|_| async { full("fine") })));
    let get = async |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        rest(site.raw(&request).await).await
    };
    for _ in 0..2 {
        let answer = get("evil.test:8000").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(
            answer.contains("allowed_hosts: [\"evil.test\"]"),
            "{answer}"
        );
    }
    site.logged("    allowed_hosts: [\"evil.test\"]").await;
    let log = site.events.stderr();
    assert_eq!(log.matches("refused a request for").count(), 1, "{log}");
    for host in ["localhost:1", "a.localhost", "127.0.0.1", "[::1]:8000"] {
        let answer = get(host).await;
        assert!(answer.ends_with("fine"), "{host}: {answer}");
    }
    let names = ["evil.test".to_owned(), "*.app.test".to_owned()];
    site.front.allow_hosts(AllowedHosts::new(names));
    for host in ["Evil.test", "a.app.test"] {
        let answer = get(host).await;
        assert!(answer.ends_with("fine"), "{host}: {answer}");
    }
    assert!(get("app.test").await.starts_with("HTTP/1.1 403 "));
}
