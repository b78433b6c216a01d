//! Requests that guests send: over which connections, whom they trust, and how long they wait.

use http::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::certificates::Authority;
use crate::client::text;
use crate::elsewhere::Elsewhere;
use crate::probe::{PROBES, project};
use crate::wash::{Dev, TIMEOUT};

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_when_the_config_says_so() {
    let authority = Authority::new("private");
    let server = Elsewhere::start(Some(authority.sign().server())).await;
    let path = format!("/send?url={}", server.url("https", "/"));
    for probe in PROBES {
        let projects = project(probe, "");
        let (mut wash, url) = Dev::on(&projects).serving().await;
        assert!(
            text(&url, &path).await.contains("TlsCertificateError"),
            "{probe}"
        );
        let line = wash
            .line(&format!("{probe} #1: request to `localhost:"))
            .await;
        assert!(line.contains("an authority that is not trusted"), "{line}");
        let hint = wash.line("hint: ").await;
        assert!(hint.contains("dev: { http_client_ca_paths: ["), "{hint}");

        let projects = project(
            probe,
            "dev: { http_client_ca_paths: [ca.pem], http_client_trust_roots: extra-only }\n",
        );
        projects.write("ca.pem", authority.pem());
        let (_wash, url) = Dev::on(&projects).serving().await;
        let before = server.seen();
        for _ in 0..3 {
            assert_eq!(text(&url, &path).await, "200 hello ", "{probe}");
        }
        let body = format!("/send?body=text&url={}", server.url("https", "/echo"));
        assert_eq!(text(&url, &body).await, "200 text+tail tail", "{probe}");
        let seen = server.seen();
        assert_eq!(seen.connections, before.connections + 1, "{probe}");
        let new = &seen.versions[before.versions.len()..];
        assert_eq!(new, [Version::HTTP_2; 4], "{probe}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again() {
    let server = Elsewhere::start(None).await;
    for (number, probe) in PROBES.into_iter().enumerate() {
        let projects = project(probe, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        let path = format!("/send?url={}", server.url("http", "/"));
        for _ in 0..3 {
            assert_eq!(text(&url, &path).await, "200 hello ", "{probe}");
        }
        let body = format!("/send?body=text&url={}", server.url("http", "/echo"));
        assert!(
            text(&url, &body).await.starts_with("200 text+tail"),
            "{probe}"
        );
        assert_eq!(server.seen().connections, 2 * number + 1, "{probe}");
        let versions = server.seen().versions;
        assert_eq!(
            versions[versions.len() - 4..],
            [Version::HTTP_11; 4],
            "{probe}"
        );

        let grpc = format!(
            "/send?body=text&type=application/grpc&url={}",
            server.url("http", "/echo")
        );
        assert_eq!(text(&url, &grpc).await, "200 text+tail tail", "{probe}");
        let seen = server.seen();
        assert_eq!(seen.versions.last(), Some(&Version::HTTP_2), "{probe}");
        assert_eq!(seen.connections, 2 * number + 2, "{probe}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_slow_is_given_up() {
    let server = Elsewhere::start(None).await;
    // Accepts, and never says a word.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_port = mute.local_addr().unwrap().port();
    for probe in PROBES {
        let projects = project(probe, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        let silent = server.url("http", "/silent");
        let half = server.url("http", "/half");
        for (path, code) in [
            (
                format!("/send?connect=200&url=https://127.0.0.1:{mute_port}/"),
                "ConnectionTimeout",
            ),
            (
                format!("/send?first=200&url={silent}"),
                "ConnectionReadTimeout",
            ),
            (
                format!("/send?between=200&url={half}"),
                "ConnectionReadTimeout",
            ),
            (
                "/send?url=http://127.0.0.1:1/".to_owned(),
                "ConnectionRefused",
            ),
            (
                "/send?url=http://no.such.host.invalid/".to_owned(),
                "DnsError",
            ),
        ] {
            let answer = text(&url, &path).await;
            // Of a body, wasmtime tells a guest of WASI 0.2 the words of the code and not the code.
            let words = answer.split_whitespace().collect::<String>();
            let said = words.to_lowercase().contains(&code.to_lowercase());
            assert!(said, "{probe} {path}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited() {
    let (one, two) = (Elsewhere::start(None).await, Elsewhere::start(None).await);
    let limits =
        "dev: { max_outbound_http_connections_per_workload: 1, http_connection_wait: 300ms }\n";
    let projects = project("probe", limits);
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let path = |server: &Elsewhere, path| format!("/send?url={}", server.url("http", path));
    // An idle connection makes room for one to another server.
    for server in [&one, &two, &one] {
        assert_eq!(text(&url, &path(server, "/")).await, "200 hello ");
    }
    assert_eq!((one.seen().connections, two.seen().connections), (2, 1));

    let held = tokio::spawn({
        let (url, path) = (url.clone(), path(&one, "/silent"));
        async move { text(&url, &format!("{path}&first=60000")).await }
    });
    let asked = async {
        while one.seen().versions.len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, asked).await.expect("the first is asked");
    let answer = text(&url, &path(&two, "/")).await;
    assert!(answer.contains("ConnectionLimitReached"), "{answer}");
    wash.line("all its connections open (1)").await;
    wash.line("max_outbound_http_connections_per_workload: 2")
        .await;
    held.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_are_refused() {
    for (config, expected) in [
        (
            "dev: { http_client_trust_roots: everybody }",
            "`dev.http_client_trust_roots`: expected `webpki`",
        ),
        (
            "dev: { http_connection_wait: soon }",
            "`dev.http_connection_wait`: expected a duration",
        ),
        (
            "dev: { max_connections: 0 }",
            "`dev.max_connections`: expected a number from 1",
        ),
    ] {
        let projects = project("probe", config);
        let (status, console) = Dev::on(&projects).spawn().end().await;
        assert!(!status.success());
        assert!(
            console.contains(expected) && console.contains("config.yaml:3"),
            "{console}"
        );
    }
    for (config, expected) in [
        (
            "dev: { http_client_ca_paths: [none.pem] }",
            "`http_client_ca_paths`: cannot read",
        ),
        (
            "dev: { http_client_ca_paths: [app.wasm] }",
            "no certificate in PEM format",
        ),
        (
            "dev: { http_client_trust_roots: extra-only }",
            "trusts no authority",
        ),
    ] {
        let projects = project("probe", config);
        let mut wash = Dev::on(&projects).spawn();
        wash.line(expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_where_nothing_is_configured() {
    let server = Elsewhere::start(None).await;
    for probe in PROBES {
        for workload in ["workload: {}\n", "workload: { allowedHosts: [] }\n"] {
            let projects = project(probe, workload);
            let (mut wash, url) = Dev::on(&projects).serving().await;
            let path = format!("/send?url={}", server.url("http", "/"));
            let answer = text(&url, &path).await;
            assert!(answer.contains("HttpRequestDenied"), "{probe}: {answer}");
            wash.line("request to `localhost:").await;
            let hint = wash.line("hint: ").await;
            assert!(
                hint.contains("workload: { allowedHosts: [\"localhost\"] }"),
                "{hint}"
            );
            let console = wash.console();
            assert!(console.contains("http client: nowhere"), "{console}");
        }
    }
    assert_eq!(server.seen().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_does_not_stand_for_this_machine() {
    let server = Elsewhere::start(None).await;
    let port = server
        .url("http", "")
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    for probe in PROBES {
        let projects = project(probe, "workload: { allowedHosts: [\"*\"] }\n");
        let (mut wash, url) = Dev::on(&projects).serving().await;
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
        ] {
            let answer = text(&url, &format!("/send?url=http://{host}:{port}/")).await;
            assert!(answer.contains("HttpRequestDenied"), "{host}: {answer}");
        }
        let line = wash.line("which `*` does not cover").await;
        assert!(line.contains("request to `localhost:"), "{line}");
        let hint = wash.line("hint: ").await;
        assert!(hint.contains("[\"*\", \"localhost\"]"), "{hint}");
        let console = wash.console();
        assert!(console.contains("http client: anywhere"), "{console}");
    }
    assert_eq!(server.seen().connections, 0);
    let projects = project("probe", "workload: { allowedHosts: [\"*\", localhost] }\n");
    let (_wash, url) = Dev::on(&projects).serving().await;
    let path = format!("/send?url={}", server.url("http", "/"));
    assert_eq!(text(&url, &path).await, "200 hello ");
}

/// Answers the first request of each connection, and ends it when the second one comes.
async fn forgetful() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut bytes = [0; 16 << 10];
                if stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                    stream.write_all(answer).await.unwrap();
                    // The end of the first request may come by itself.
                    while let Ok(count @ 1..) = stream.read(&mut bytes).await
                        && !bytes[..count].starts_with(b"GET")
                    {}
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_repeated_is_sent_again_when_an_old_connection_ends() {
    let address = forgetful().await;
    for probe in PROBES {
        let projects = project(probe, "");
        let (_wash, url) = Dev::on(&projects).serving().await;
        let get = format!("/send?url=http://{address}/");
        for _ in 0..5 {
            assert_eq!(text(&url, &get).await, "200 hello ", "{probe}");
        }
    }
}
