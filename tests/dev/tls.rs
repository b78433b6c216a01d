//! HTTPS: whose certificate is shown, who may come in, and what becomes of those who do it wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificates::{Authority, Signed, client};
use crate::client::{Failure, get};
use crate::probe::{PROBES, project};
use crate::project::Projects;
use crate::wash::{Dev, Wash};

const GIVEN: &str = "dev: { tls_cert_path: tls/cert.pem, tls_key_path: tls/key.pem }\n";

fn write(projects: &Projects, signed: &Signed) {
    projects.write("tls/cert.pem", &signed.certificate);
    projects.write("tls/key.pem", &signed.key);
}

async fn serving(dev: Dev) -> (Wash, String) {
    let mut wash = dev.spawn();
    let line = wash.line("serving https://").await;
    let start = line.find("127.0.0.1:").expect("an address");
    let end = line[start..]
        .find(' ')
        .map_or(line.len(), |end| start + end);
    (wash, line[start..end].to_owned())
}

/// The answer, and the certificate that the server showed.
async fn ask(
    address: &str,
    path: &str,
    config: ClientConfig,
) -> Result<(StatusCode, Version, String, Vec<u8>), Failure> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().expect("one")[0].to_vec();
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let request = |uri: String| {
        Request::get(uri)
            .header("host", address)
            .body(Empty::<Bytes>::new())
    };
    let response = if is_http2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        tokio::spawn(connection);
        let request = request(format!("https://{address}{path}"))?;
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = http1::handshake(io).await?;
        tokio::spawn(connection);
        sender.send_request(request(path.to_owned())?).await?
    };
    let (status, version) = (response.status(), response.version());
    let body = response.into_body().collect().await?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok((status, version, body, shown))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_given_certificate_is_shown_and_followed() {
    let authority = Authority::new("own");
    for probe in PROBES {
        let projects = project(probe, GIVEN);
        write(&projects, &authority.sign());
        let (mut wash, address) = serving(Dev::on(&projects)).await;
        let mut shown = Vec::new();
        for (protocol, expected) in [("h2", Version::HTTP_2), ("http/1.1", Version::HTTP_11)] {
            let config = client(&authority.pem(), None, protocol);
            let (status, version, body, certificate) =
                ask(&address, "/scheme", config).await.unwrap();
            assert_eq!((status, version), (StatusCode::OK, expected));
            assert!(body.contains("Https"), "{probe}: {body}");
            shown = certificate;
        }
        let (status, page) = get(&address, "/scheme").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            page.contains(&format!("use https://{address}/scheme")),
            "{page}"
        );

        // A new one is shown as soon as both of its files are there.
        write(&projects, &authority.sign());
        wash.line("new connections get the new certificate").await;
        let config = client(&authority.pem(), None, "h2");
        let (.., certificate) = ask(&address, "/hello", config).await.unwrap();
        assert_ne!(certificate, shown);

        wash.signal(Signal::INT);
        let (status, console) = wash.end().await;
        assert!(status.success(), "{console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_made_and_kept() {
    let projects = project("probe", "");
    let mut shown = Vec::new();
    for round in 0..2 {
        let (wash, address) = serving(Dev::on(&projects).arg("--tls")).await;
        assert!(
            wash.console().contains("curl --cacert"),
            "{}",
            wash.console()
        );
        let tls = projects.path(".wash/state/tls");
        let mode = fs::metadata(tls.join("key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let trusted = fs::read_to_string(tls.join("certificate.pem")).unwrap();
        let config = client(&trusted, None, "h2");
        let (status, _, body, certificate) = ask(&address, "/hello", config).await.unwrap();
        assert_eq!((status, body.as_str()), (StatusCode::OK, "hello"));
        if round == 1 {
            assert_eq!(certificate, shown, "the same as before");
        }
        shown = certificate;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_must_show_a_certificate_of_the_right_authority() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let stranger = Authority::new("strangers");
    let projects = project(
        "probe",
        "dev: { tls_cert_path: tls/cert.pem, tls_key_path: tls/key.pem, tls_ca_path: tls/ca.pem }\n",
    );
    write(&projects, &servers.sign());
    projects.write("tls/ca.pem", clients.pem());
    let (mut wash, address) = serving(Dev::on(&projects)).await;
    let with = |own: Option<&Signed>| client(&servers.pem(), own, "h2");

    ask(&address, "/hello", with(None)).await.unwrap_err();
    wash.line("the client shows no certificate").await;
    ask(&address, "/hello", with(Some(&stranger.sign())))
        .await
        .unwrap_err();
    wash.line("not signed by an authority in `dev.tls_ca_path`")
        .await;
    let (status, _, body, _) = ask(&address, "/hello", with(Some(&clients.sign())))
        .await
        .unwrap();
    assert_eq!((status, body.as_str()), (StatusCode::OK, "hello"));

    // A client that does not trust us is told of as well.
    ask(&address, "/hello", client(&stranger.pem(), None, "h2"))
        .await
        .unwrap_err();
    wash.line("the client does not trust our certificate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_with_its_file() {
    for (config, expected) in [
        (
            "dev: { tls_cert_path: a.pem }",
            "config.yaml:3: `dev.tls_cert_path` needs `dev.tls_key_path`",
        ),
        (
            "dev: { tls_ca_path: a.pem }",
            "`dev.tls_ca_path` requires client certificates",
        ),
        ("dev: { tls: on }", "`dev.tls`"),
        (
            "dev: { tls: own }",
            "`dev.tls` must be `self-signed`, found `own`",
        ),
        (GIVEN, "`dev.tls_cert_path`: cannot read"),
    ] {
        let projects = project("probe", config);
        let (status, console) = Dev::on(&projects).spawn().end().await;
        assert!(!status.success() && console.contains(expected), "{console}");
    }
    let authority = Authority::new("own");
    let projects = project("probe", GIVEN);
    write(&projects, &authority.sign());
    projects.write("tls/key.pem", authority.sign().key);
    let (status, console) = Dev::on(&projects).spawn().end().await;
    assert!(
        !status.success() && console.contains("does not belong to the certificate"),
        "{console}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_server_are_limited() {
    let projects = project("probe", "dev: { max_connections: 1 }\n");
    let (mut wash, url) = Dev::on(&projects).serving().await;
    let mut first = crate::client::Client::connect(&url).await.unwrap();
    assert_eq!(first.get("/hello").await.unwrap().1, "hello");
    let second = tokio::spawn({
        let url = url.clone();
        async move { get(&url, "/hello").await.1 }
    });
    wash.line("the limit of connections (`dev.max_connections`")
        .await;
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap(), "hello");
}
