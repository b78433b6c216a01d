//! Sockets as guests have them: what leaves the workload needs a rule, and says which when there is none.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use wash::host::sockets::Sockets;
use wash::host::workload::MemberSettings;

use crate::stage::{Stage, alone, probe};

const CALLERS: [&str; 2] = ["caller", "caller-p3"];

fn sockets(lookups: &[&str], machine: &[&str], allowed: &[&str]) -> Sockets {
    Sockets {
        lookups: lookups.iter().map(|text| text.parse().unwrap()).collect(),
        machine: machine.iter().map(|text| text.parse().unwrap()).collect(),
        allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        ..Sockets::default()
    }
}

/// Whether a guest was told an error, in whichever words its bindings have for it.
fn is(text: &str, error: &str) -> bool {
    text.replace('-', "")
        .to_lowercase()
        .contains(&error.to_lowercase())
}

async fn stage(caller: &str, sockets: Sockets) -> Stage {
    let settings = MemberSettings {
        sockets,
        ..MemberSettings::default()
    };
    Stage::new(alone(probe(caller), settings)).await
}

/// A server of the machine that sends back what it is sent, for both protocols.
async fn echo(address: &str) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let mut bytes = vec![0; 4096];
                while let Ok(count @ 1..) = read.read(&mut bytes).await {
                    write.write_all(&bytes[..count]).await.unwrap();
                }
            });
        }
    });
    tokio::spawn(async move {
        let mut bytes = vec![0; 4096];
        while let Ok((count, from)) = udp.recv_from(&mut bytes).await {
            udp.send_to(&bytes[..count], from).await.unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_of_the_machine_are_reached_by_its_name() {
    let port = echo("127.0.0.1:0").await.port();
    for caller in CALLERS {
        let rules = sockets(&[], &[&port.to_string()], &[]);
        let stage = stage(caller, rules).await;
        let ping = format!("192.0.0.8:PORT to 192.0.0.8:{port}: ping");
        let call = format!("/call?host.wasmcloud.internal:{port}");
        assert_eq!(stage.get(&call).await, (200, ping.clone()), "{caller}");
        let tcp = format!("/tcp?192.0.0.8:{port}");
        assert_eq!(stage.get(&tcp).await.1, ping, "{caller}");
        let udp = format!("/udp?192.0.0.8:{port}");
        let from = format!("ping from 192.0.0.8:{port}");
        assert_eq!(stage.get(&udp).await.1, from, "{caller}");
        let much = stage.get(&format!("/much?192.0.0.8:{port}")).await.1;
        assert!(much.ends_with(": 300000 bytes"), "{caller}: {much}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_says_which_line_allows_it() {
    let port = echo("127.0.0.1:0").await.port();
    for caller in CALLERS {
        let stage = stage(caller, Sockets::default()).await;
        for target in [
            format!("/tcp?192.0.0.8:{port}"),
            format!("/udp?192.0.0.8:{port}"),
            "/tcp?203.0.113.1:80".into(),
            "/tcp?[2001:db8::1]:80".into(),
            "/udp?203.0.113.1:53".into(),
        ] {
            let (_, text) = stage.get(&target).await;
            assert!(is(&text, "AccessDenied"), "{caller} {target}: {text}");
        }
        for name in ["example.com", "host.wasmcloud.internal"] {
            let (_, text) = stage.get(&format!("/lookup?{name}")).await;
            assert!(is(&text, "PermanentResolverFailure"), "{caller}: {text}");
        }
        let output = stage.output.text();
        for line in [
            format!("`workload.allowedHostLoopbackPorts: [\"{port}/tcp\"]`"),
            format!("`workload.allowedHostLoopbackPorts: [\"{port}/udp\"]`"),
            "`workload.allowedSockets: [\"203.0.113.1:80/tcp\"]`".into(),
            "`workload.allowedSockets: [\"[2001:db8::1]:80/tcp\"]`".into(),
            "`workload.allowedSockets: [\"203.0.113.1:53/udp\"]`".into(),
            "`workload.allowedIpNameLookups: [\"example.com\"]`".into(),
        ] {
            assert_eq!(
                output.matches(&line).count(),
                1,
                "{caller} {line}: {output}"
            );
        }
    }
}

/// An address of this machine that is not its loopback, if it has one.
fn outside() -> Option<std::net::IpAddr> {
    // Nothing is sent: to connect only chooses a route.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("203.0.113.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_outside_are_reached_with_a_rule() {
    let Some(address) = outside() else {
        return eprintln!("this machine has no network besides its loopback");
    };
    let server = echo(&format!("{address}:0")).await;
    for caller in CALLERS {
        let rule = format!("{address}/32:{}", server.port());
        let stage = stage(caller, sockets(&[], &[], &[&rule])).await;
        let (_, text) = stage.get(&format!("/tcp?{server}")).await;
        assert_eq!(
            text,
            format!("{address}:PORT to {server}: ping"),
            "{caller}"
        );
        let (_, text) = stage.get(&format!("/udp?{server}")).await;
        assert_eq!(text, format!("ping from {server}"), "{caller}");
        let (_, text) = stage.get(&format!("/tcp?{address}:1")).await;
        assert!(is(&text, "AccessDenied"), "{caller}: {text}");
    }
}

/// With a rule for everything the loopback is still the workload's own.
#[tokio::test(flavor = "multi_thread")]
async fn the_machines_loopback_is_not_an_address() {
    let port = echo("127.0.0.1:0").await.port();
    for caller in CALLERS {
        let rules = sockets(&["*"], &[], &["*", "0.0.0.0/0", "127.0.0.0/8"]);
        let stage = stage(caller, rules).await;
        for address in ["127.0.0.1", "127.1.2.3", "[::1]"] {
            let (_, text) = stage.get(&format!("/tcp?{address}:{port}")).await;
            assert!(is(&text, "ConnectionRefused"), "{caller} {address}: {text}");
        }
        for address in ["0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
            let (_, text) = stage.get(&format!("/tcp?{address}:{port}")).await;
            assert!(is(&text, "InvalidArgument"), "{caller} {address}: {text}");
        }
        let (_, text) = stage.get(&format!("/call?localhost:{port}")).await;
        assert!(is(&text, "ConnectionRefused"), "{caller}: {text}");
        let output = stage.output.text();
        assert!(output.contains("this workload has no service"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_listens() {
    for caller in CALLERS {
        let stage = stage(caller, sockets(&["*"], &[], &["*"])).await;
        for address in [
            "127.0.0.1:8080",
            "0.0.0.0:8080",
            "[::1]:8080",
            "127.0.0.1:0",
        ] {
            let (_, text) = stage.get(&format!("/listen?{address}")).await;
            assert!(is(&text, "AccessDenied"), "{caller} {address}: {text}");
        }
        let (_, text) = stage.get("/listen?192.0.2.1:80").await;
        assert!(is(&text, "AccessDenied"), "{caller}: {text}");
        let output = stage.output.text();
        assert!(
            output.contains("only the service of a workload may"),
            "{output}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_allowed_are_looked_up() {
    for caller in CALLERS {
        let stage = stage(
            caller,
            sockets(&["*.example.com"], &[], &["db.example:5432"]),
        )
        .await;
        assert_eq!(stage.get("/lookup?localhost").await.1, "127.0.0.1 ::1");
        let (_, text) = stage.get("/lookup?example.com").await;
        assert!(is(&text, "PermanentResolverFailure"), "{caller}: {text}");
        let (_, text) = stage.get("/lookup?not%20a%20name").await;
        assert!(is(&text, "InvalidArgument"), "{caller}: {text}");
        assert!(!stage.output.text().contains("db.example"));
    }
}
