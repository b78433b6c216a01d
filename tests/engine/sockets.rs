//! Sockets as guests have them: what leaves the workload needs a rule, and says which when there is none.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use wash_runtime::capability::sockets::{Protocol, PublishedPort, Sockets};
use wash_runtime::capability::wasi::Process;
use wash_runtime::host::{Host, StartRequest};
use wash_runtime::workload::{Drive, MemberSettings, Restart, StartError, Workload};

use crate::stage::{Stage, alone, probe, within};

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
    let settings = MemberSettings::default().with(sockets);
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

/// Requests to `caller`, which has the service beside it.
fn beside(caller: &str, echo: &str, arguments: &[&str], published: Vec<PublishedPort>) -> Workload {
    let mut workload = alone(probe(caller), MemberSettings::default());
    let settings = MemberSettings::default()
        .with(Process {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            ..Process::default()
        })
        .with(Sockets {
            published,
            ..Sockets::default()
        });
    let mut service = alone(probe(echo), settings).entries.remove(0);
    service.name = "echo".into();
    service.members[0].name = "echo".into();
    service.drive = Drive::Service {
        restart: Restart::default(),
    };
    workload.entries.push(service);
    workload
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_workload_reach_its_service() {
    for (caller, echo) in [
        ("caller", "echo"),
        ("caller-p3", "echo"),
        ("caller", "echo-p3"),
        ("caller-p3", "echo-p3"),
    ] {
        let stage = Stage::new(beside(caller, echo, &[], Vec::new())).await;
        let get = async |path: &str| stage.get(path).await.1;
        // At once: the service may not listen yet.
        let answer = get("/tcp?127.0.0.1:7777").await;
        let expected = "127.0.0.1:PORT to 127.0.0.1:7777: ping";
        assert_eq!(answer, expected, "{caller} {echo}");
        let answer = get("/call?localhost:7777").await;
        assert_eq!(answer, expected, "{caller} {echo}");
        let answer = get("/tcp?[::1]:7777").await;
        assert_eq!(answer, "[::1]:PORT to [::1]:7777: ping", "{caller} {echo}");
        let answer = get("/udp?127.0.0.1:7777").await;
        assert_eq!(answer, "ping from 127.0.0.1:7777", "{caller} {echo}");
        let answer = get("/much?127.0.0.1:7777").await;
        assert!(
            answer.ends_with(": 300000 bytes"),
            "{caller} {echo}: {answer}"
        );
        let refused = get("/listen?127.0.0.1:7778").await;
        assert!(is(&refused, "AccessDenied"), "{caller} {echo}: {refused}");
        let output = stage.output.text();
        assert!(output.contains("which here is `echo`"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_do_not_see_each_other() {
    let here = Stage::new(beside("caller", "echo", &["7777", "here "], Vec::new())).await;
    let there = Stage::new(beside("caller", "echo", &["7777", "there "], Vec::new())).await;
    let elsewhere = Stage::new(beside("caller", "echo", &["17301"], Vec::new())).await;
    let ask = async |stage: &Stage| stage.get("/tcp?127.0.0.1:7777").await.1;
    assert!(ask(&here).await.ends_with(": here ping"));
    assert!(ask(&there).await.ends_with(": there ping"));
    let refused = ask(&elsewhere).await;
    assert!(is(&refused, "ConnectionRefused"), "{refused}");
    let output = elsewhere.output.text();
    let told = "hint: the service `echo` listens on 17301";
    assert!(output.contains(told), "{output}");
    // And nobody does from the machine.
    let outside = std::net::TcpStream::connect("127.0.0.1:17301");
    assert!(outside.is_err());
}

/// Asks a port of the machine what the service says before an answer.
async fn greeting(port: u16) -> String {
    within("the service answers", async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"!").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_port_survives_reloads() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = free.local_addr().unwrap().port();
    drop(free);
    let published = |port| {
        [Protocol::Tcp, Protocol::Udp]
            .map(|protocol| PublishedPort {
                protocol,
                port,
                host,
            })
            .to_vec()
    };
    let mut stage = Stage::new(beside("caller", "echo", &["7777", "one"], published(7777))).await;
    assert_eq!(greeting(host).await, "one!");
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.connect(("127.0.0.1", host)).await.unwrap();
    udp.send(b"ping").await.unwrap();
    let mut bytes = [0; 16];
    let answer = within("the datagram comes back", udp.recv(&mut bytes));
    let count = answer.await.unwrap();
    assert_eq!(&bytes[..count], b"ping");

    // Now on another port inside, while others ask all the time.
    let asking = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..100 {
            answers.push(greeting(host).await);
        }
        answers
    });
    let workload = beside("caller", "echo", &["7778", "two"], published(7778));
    let replaces = Some(stage.id.clone());
    let request = StartRequest { workload, replaces };
    stage.id = stage.host.start(request).await.unwrap().id;
    within("the new version answers", async {
        while greeting(host).await != "two!" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let answers = asking.await.unwrap();
    let cut_off = answers
        .iter()
        .filter(|answer| !["one!", "two!"].contains(&answer.as_str()));
    assert!(cut_off.count() <= 1, "{answers:?}");

    stage.host.stop(&stage.id).await.unwrap();
    within("the port closes", async {
        while TcpStream::connect(("127.0.0.1", host)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_refuses_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = taken.local_addr().unwrap().port();
    let published = vec![PublishedPort {
        protocol: Protocol::Tcp,
        port: 7777,
        host,
    }];
    let workload = beside("caller", "echo", &[], published);
    let Err(StartError::Invalid { problems, .. }) = Stage::try_new(workload).await.map(drop) else {
        panic!()
    };
    let [problem] = &problems[..] else {
        panic!("{problems:?}")
    };
    assert_eq!(problem.member.as_deref(), Some("echo"));
    let told = format!("cannot open port {host}/tcp of this machine");
    assert!(problem.message.contains(&told), "{}", problem.message);
}
