//! Ports of a service that are open on the machine.
//!
//! A listener belongs to the host and stays open as long as a version of the workload wants it, so a reload never closes
//! it: what comes in goes to the newest version that listens in its own network, and that is the old one until the new
//! one does.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::inbox::{Arrival, Datagram};
use super::network::{Connection, Network};
use super::place::Family;
use super::stream::{Reader, Writer};
use super::udp::{AFTER_ERROR, BIGGEST};
use crate::capability::SettingsError;
use crate::capability::sockets::{Protocol, PublishedPort};

/// The open ports of a host.
#[derive(Default)]
pub(super) struct Publisher(Mutex<OpenPorts>);

type OpenPorts = HashMap<(Protocol, u16), Weak<Open>>;

/// An open port, and the versions of the workload that want it, the newest last.
struct Open {
    workload: String,
    wanted: Mutex<Vec<Wanted>>,
    task: Mutex<Option<AbortHandle>>,
}

/// A version of the workload, and the port where its service listens.
struct Wanted {
    network: Weak<Network>,
    port: u16,
}

/// Keeps a port open.
pub(super) struct Lease {
    _open: Arc<Open>,
}

impl Publisher {
    pub(super) fn open(
        &self,
        port: &PublishedPort,
        workload: &str,
        network: &Arc<Network>,
    ) -> Result<Lease, SettingsError> {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ports.retain(|_, open| open.strong_count() > 0);
        let key = (port.protocol, port.host);
        let open = match ports.get(&key).and_then(Weak::upgrade) {
            Some(open) if open.workload != workload => {
                return Err(fault(port, &format!("workload `{}` has it", open.workload)));
            }
            Some(open) => open,
            None => listen(port, workload)?,
        };
        ports.insert(key, Arc::downgrade(&open));
        open.wanted().push(Wanted {
            network: Arc::downgrade(network),
            port: port.port,
        });
        Ok(Lease { _open: open })
    }
}

fn fault(port: &PublishedPort, reason: &str) -> SettingsError {
    let PublishedPort { protocol, host, .. } = port;
    SettingsError {
        message: format!("cannot open port {host}/{protocol} of this machine: {reason}"),
        hint: Some("set `publish` of the port in `dev.service_ports` to another one".to_owned()),
    }
}

fn listen(port: &PublishedPort, workload: &str) -> Result<Arc<Open>, SettingsError> {
    let open = Arc::new(Open {
        workload: workload.to_owned(),
        wanted: Mutex::default(),
        task: Mutex::default(),
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.host));
    let cannot = |error: std::io::Error| fault(port, &error.to_string());
    let weak = Arc::downgrade(&open);
    let task = match port.protocol {
        Protocol::Tcp => {
            let listener = std::net::TcpListener::bind(address).map_err(cannot)?;
            listener.set_nonblocking(true).map_err(cannot)?;
            let listener = TcpListener::from_std(listener).map_err(cannot)?;
            tokio::spawn(accept(listener, weak))
        }
        Protocol::Udp => {
            let socket = std::net::UdpSocket::bind(address).map_err(cannot)?;
            socket.set_nonblocking(true).map_err(cannot)?;
            let socket = UdpSocket::from_std(socket).map_err(cannot)?;
            tokio::spawn(relay(Arc::new(socket), weak))
        }
    };
    *open.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    Ok(open)
}

impl Open {
    fn wanted(&self) -> MutexGuard<'_, Vec<Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }

    /// The newest version that is ready, or else the newest, for which one waits.
    fn target(&self, ready: impl Fn(&Network, u16) -> bool) -> Option<(Arc<Network>, u16)> {
        let mut wanted = self.wanted();
        wanted.retain(|wanted| wanted.network.strong_count() > 0);
        let there = wanted.iter();
        let there: Vec<_> = there
            .filter_map(|wanted| Some((wanted.network.upgrade()?, wanted.port)))
            .collect();
        let mut newest_first = there.iter().rev();
        let found = newest_first.find(|(network, port)| ready(network, *port));
        found.or(there.last()).cloned()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

async fn accept(listener: TcpListener, open: Weak<Open>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some(open) = open.upgrade() else { return };
        match accepted {
            Ok((stream, from)) => {
                let Some((network, port)) = open.target(Network::listens) else {
                    continue;
                };
                connections.spawn(forward(stream, from, network, port));
            }
            // Such as too many open files; it passes.
            Err(_) => tokio::time::sleep(AFTER_ERROR).await,
        }
    }
}

/// Carries both directions until both have ended.
async fn forward(stream: TcpStream, from: SocketAddr, network: Arc<Network>, port: u16) {
    let to = Family::V4.loopback(port);
    let Ok(connection) = network.connect(to, from, false).await else {
        return;
    };
    let Connection { reader, writer, .. } = connection;
    let (mut read, mut write) = stream.into_split();
    let inward = async move {
        let mut writer = writer;
        copy_in(&mut read, &mut writer).await;
    };
    let outward = async move {
        let mut reader = reader;
        copy_out(&mut reader, &mut write).await;
    };
    tokio::join!(inward, outward);
}

async fn copy_in(read: &mut (impl tokio::io::AsyncRead + Unpin), writer: &mut Writer) {
    use tokio::io::AsyncReadExt;

    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = read.read(&mut buffer).await {
        if writer.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn copy_out(reader: &mut Reader, write: &mut (impl tokio::io::AsyncWrite + Unpin)) {
    loop {
        std::future::poll_fn(|cx| reader.poll_ready(cx)).await;
        let Ok(bytes) = reader.take(usize::MAX) else {
            break;
        };
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}

/// How long an answer to a datagram from outside may take.
const ANSWER: Duration = Duration::from_secs(60);
/// Senders that are remembered at the same time; more are not answered.
const MOST_SENDERS: usize = 1024;
/// Datagrams of one sender that wait to be taken in; they do so for a moment only.
const MOST_WAITING: usize = 64;

/// A sender outside, and the version of the workload that its datagrams go to.
struct Sender {
    network: Weak<Network>,
    datagrams: mpsc::Sender<Vec<u8>>,
}

impl Sender {
    fn goes_to(&self, network: &Arc<Network>) -> bool {
        std::ptr::eq(self.network.as_ptr(), Arc::as_ptr(network))
    }
}

/// Each sender outside has a port of its own inside, for the answers. Its datagrams go to the newest version that
/// receives them, also when it has sent to another before.
async fn relay(socket: Arc<UdpSocket>, open: Weak<Open>) {
    let mut bytes = vec![0; BIGGEST];
    let mut senders: HashMap<SocketAddr, Sender> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let Ok((count, from)) = socket.recv_from(&mut bytes).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        let Some(open) = open.upgrade() else { return };
        senders.retain(|_, sender| !sender.datagrams.is_closed());
        let Some((network, port)) = open.target(Network::receives) else {
            continue;
        };
        let known = senders.get(&from);
        if known.is_none_or(|sender| !sender.goes_to(&network)) {
            if known.is_none() && senders.len() >= MOST_SENDERS {
                continue;
            }
            let (datagrams, inward) = mpsc::channel(MOST_WAITING);
            let sender = Sender {
                network: Arc::downgrade(&network),
                datagrams,
            };
            tasks.spawn(answer(network, port, inward, Arc::clone(&socket), from));
            // The task of the version before goes on with the answers that are still to come.
            senders.insert(from, sender);
        }
        if let Some(sender) = senders.get(&from) {
            let _ = sender.datagrams.try_send(bytes[..count].to_vec());
        }
    }
}

/// Carries the datagrams of one sender, until none has come for a while.
async fn answer(
    network: Arc<Network>,
    port: u16,
    mut inward: mpsc::Receiver<Vec<u8>>,
    socket: Arc<UdpSocket>,
    sender: SocketAddr,
) {
    let to = Family::V4.loopback(port);
    let Ok((lease, _arrive, mut outward)) = network.bind_udp(Family::V4.loopback(0)) else {
        return;
    };
    loop {
        tokio::select! {
            Some(bytes) = inward.recv() => {
                network.send(to, lease.address().port(), bytes);
            }
            Some(Arrival::Datagram(Datagram { from, bytes, .. })) = outward.recv() => {
                if from.port() == port {
                    let _ = socket.send_to(&bytes, sender).await;
                }
            }
            () = tokio::time::sleep(ANSWER) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::time::timeout;

    use super::super::network::TcpLease;
    use super::*;

    /// A port of the machine that was free a moment ago.
    fn free() -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }

    fn port(host: u16, protocol: Protocol) -> PublishedPort {
        PublishedPort {
            protocol,
            port: 7777,
            host,
        }
    }

    fn network() -> Arc<Network> {
        Arc::new(Network::new(Some("echo")))
    }

    /// Says its name to everybody who connects.
    fn listen_as(network: &Arc<Network>, name: &'static str) -> Arc<TcpLease> {
        let lease = Arc::new(network.bind_tcp(Family::V4.loopback(7777)).unwrap());
        let mut incoming = lease.listen(8);
        tokio::spawn(async move {
            while let Some(mut connection) = incoming.recv().await {
                connection.writer.write_all(name.as_bytes()).await.unwrap();
            }
        });
        lease
    }

    const LONG: Duration = Duration::from_secs(30);

    async fn ask(host: u16) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", host)).await.unwrap();
        let mut answer = String::new();
        let whole = timeout(LONG, stream.read_to_string(&mut answer)).await;
        whole.expect("an answer").unwrap();
        answer
    }

    #[tokio::test]
    async fn connections_go_to_the_newest_version_that_listens() {
        let publisher = Publisher::default();
        let host = free();
        let open = |network: &Arc<Network>| {
            let open = publisher.open(&port(host, Protocol::Tcp), "app", network);
            open.ok().unwrap()
        };
        let (old, new) = (network(), network());
        let _old_listens = listen_as(&old, "old");
        let old_lease = open(&old);
        assert_eq!(ask(host).await, "old");
        let _new_lease = open(&new);
        assert_eq!(ask(host).await, "old");
        let _new_listens = listen_as(&new, "new");
        assert_eq!(ask(host).await, "new");
        drop((old_lease, old));
        assert_eq!(ask(host).await, "new");
    }

    #[tokio::test]
    async fn who_comes_before_the_service_listens_waits() {
        let publisher = Publisher::default();
        let (host, network) = (free(), network());
        let lease = publisher.open(&port(host, Protocol::Tcp), "app", &network);
        let later = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            listen_as(&network, "late")
        };
        let (answer, _listens) = tokio::join!(ask(host), later);
        assert_eq!(answer, "late");
        drop(lease);
    }

    #[tokio::test]
    async fn a_port_closes_with_the_last_who_wants_it() {
        let publisher = Publisher::default();
        let (host, network) = (free(), network());
        let open = || {
            let open = publisher.open(&port(host, Protocol::Tcp), "app", &network);
            open.ok().unwrap()
        };
        let first = open();
        let second = open();
        drop(first);
        assert!(TcpStream::connect(("127.0.0.1", host)).await.is_ok());
        drop(second);
        let closed = async {
            while TcpStream::connect(("127.0.0.1", host)).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, closed).await.expect("the port closes");
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told_with_its_owner() {
        let publisher = Publisher::default();
        let (host, network) = (free(), network());
        let tcp = port(host, Protocol::Tcp);
        let _lease = publisher.open(&tcp, "one", &network).ok().unwrap();
        let fault = publisher.open(&tcp, "two", &network).err().unwrap();
        let wanted = format!("cannot open port {host}/tcp of this machine: workload `one` has it");
        assert_eq!(fault.message, wanted);
        let other = Publisher::default();
        let fault = other.open(&tcp, "two", &network).err().unwrap();
        assert!(fault.message.contains("in use"), "{}", fault.message);
    }

    #[tokio::test]
    async fn datagrams_are_answered() {
        let publisher = Publisher::default();
        let (host, network) = (free(), network());
        let _lease = publisher.open(&port(host, Protocol::Udp), "app", &network);
        let (_service, _, mut queue) = network.bind_udp(Family::V4.loopback(7777)).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(("127.0.0.1", host)).await.unwrap();
        client.send(b"ping").await.unwrap();
        let asked = timeout(LONG, queue.recv()).await;
        let Arrival::Datagram(Datagram { from, bytes, .. }) = asked.expect("in time").unwrap()
        else {
            panic!("a datagram arrives");
        };
        assert_eq!(bytes, b"ping");
        network.send(from, 7777, b"pong".to_vec());
        let mut answer = [0; 16];
        let answered = timeout(LONG, client.recv(&mut answer)).await;
        let count = answered.expect("an answer").unwrap();
        assert_eq!(&answer[..count], b"pong");
    }

    /// Answers every datagram with a name.
    fn answer_as(network: &Arc<Network>, name: &'static str) {
        let (lease, _, mut queue) = network.bind_udp(Family::V4.loopback(7777)).unwrap();
        let network = Arc::clone(network);
        tokio::spawn(async move {
            let _lease = lease;
            while let Some(Arrival::Datagram(datagram)) = queue.recv().await {
                network.send(datagram.from, 7777, name.into());
            }
        });
    }

    #[tokio::test]
    async fn datagrams_of_a_known_sender_go_to_the_newest_version() {
        let publisher = Publisher::default();
        let host = free();
        let open = |network: &Arc<Network>| {
            let open = publisher.open(&port(host, Protocol::Udp), "app", network);
            open.ok().unwrap()
        };
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(("127.0.0.1", host)).await.unwrap();
        let ask = async || {
            client.send(b"?").await.unwrap();
            let mut answer = [0; 16];
            let answered = timeout(LONG, client.recv(&mut answer)).await;
            let count = answered.expect("an answer").unwrap();
            String::from_utf8(answer[..count].to_vec()).unwrap()
        };
        let (old, new) = (network(), network());
        answer_as(&old, "old");
        let _old_lease = open(&old);
        assert_eq!(ask().await, "old");
        let _new_lease = open(&new);
        assert_eq!(ask().await, "old", "the new one does not receive yet");
        answer_as(&new, "new");
        assert_eq!(ask().await, "new");
    }
}
