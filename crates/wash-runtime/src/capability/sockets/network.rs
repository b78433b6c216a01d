//! The private network of one workload: who listens on which port, and how the others get there.
//!
//! It is memory only: no port of the machine stands for one of these, so nobody outside of the workload can reach it, and
//! two workloads can use the same ports.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use wasmtime_wasi::sockets::ErrorCode;

use super::inbox::{Arrival, Inbox, MAX_NETWORK_BYTES};
use super::place::Family;
use super::ports::{InUse, Ports};
use super::stream;
use super::stream::{Reader, Writer};

/// How long a connection waits for a service that has just started, or stopped listening, to listen.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection waits for a listener that accepts too slowly.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(30);
/// UDP sockets that a workload may have within it at the same time.
const MOST_UDP: usize = 1024;
/// Connections that a workload may have within it at the same time: their buffers are the host's.
const MOST_INSIDE: usize = 1024;
/// Connections that a workload may have outside of it at the same time.
pub(super) const MOST_OUTSIDE: usize = 256;

pub(super) struct Network {
    ports: Mutex<Taken>,
    /// Somebody began to listen.
    listening: Notify,
    /// The service, if the workload has one.
    service: Option<Arc<str>>,
    patience: Duration,
    inside: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    udp: Arc<Semaphore>,
    /// Room for what is on its way to all UDP sockets, in bytes.
    datagrams: Arc<Semaphore>,
}

struct Taken {
    tcp: Ports<TcpPort>,
    udp: Ports<Inbox>,
    /// When a service began or ceased to listen; at first, when somebody first missed it.
    changed: Option<Instant>,
}

enum TcpPort {
    Bound,
    Listening(mpsc::Sender<Connection>),
}

/// One end of a connection within the workload.
pub(super) struct Connection {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// A TCP port that is taken until this goes.
pub(super) struct TcpLease {
    network: Arc<Network>,
    address: SocketAddr,
}

/// A UDP port that is taken until this goes.
pub(super) struct UdpLease {
    network: Arc<Network>,
    address: SocketAddr,
    _permit: OwnedSemaphorePermit,
}

impl Network {
    pub(super) fn new(service: Option<&str>) -> Self {
        Self {
            ports: Mutex::new(Taken {
                tcp: Ports::default(),
                udp: Ports::default(),
                changed: None,
            }),
            listening: Notify::new(),
            service: service.map(Arc::from),
            patience: TIMEOUT,
            inside: Arc::new(Semaphore::new(MOST_INSIDE)),
            outside: Arc::new(Semaphore::new(MOST_OUTSIDE)),
            udp: Arc::new(Semaphore::new(MOST_UDP)),
            datagrams: Arc::new(Semaphore::new(MAX_NETWORK_BYTES)),
        }
    }

    /// The right to one more connection that leaves the workload.
    pub(super) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.outside).try_acquire_owned().ok()
    }

    pub(super) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the port of an address of the workload's own.
    pub(super) fn bind_tcp(self: &Arc<Self>, address: SocketAddr) -> Result<TcpLease, ErrorCode> {
        let family = Family::of(address.ip());
        let port = self
            .taken()
            .tcp
            .take(family, address.port(), TcpPort::Bound)?;
        Ok(TcpLease {
            network: Arc::clone(self),
            address: SocketAddr::new(address.ip(), port),
        })
    }

    pub(super) fn bind_udp(
        self: &Arc<Self>,
        address: SocketAddr,
    ) -> Result<(UdpLease, Inbox, mpsc::Receiver<Arrival>), ErrorCode> {
        let permit = Arc::clone(&self.udp).try_acquire_owned();
        let permit = permit.map_err(|_| ErrorCode::OutOfMemory)?;
        let (inbox, receiver) = Inbox::new(&self.datagrams);
        let family = Family::of(address.ip());
        let port = self
            .taken()
            .udp
            .take(family, address.port(), inbox.clone())?;
        let lease = UdpLease {
            network: Arc::clone(self),
            address: SocketAddr::new(address.ip(), port),
            _permit: permit,
        };
        Ok((lease, inbox, receiver))
    }

    /// Connects to a port of the workload's own. While a service may be about to listen there, others than the service
    /// itself wait for it.
    pub(super) async fn connect(
        self: Arc<Self>,
        to: SocketAddr,
        from: SocketAddr,
        by_service: bool,
    ) -> Result<Connection, ErrorCode> {
        let listener = match by_service {
            true => self.find_listener(to),
            false => self.listener(to).await,
        };
        let (family, listener) = listener.ok_or(ErrorCode::ConnectionRefused)?;
        let hold = Arc::clone(&self.inside).try_acquire_owned();
        let hold = Arc::new(hold.map_err(|_| ErrorCode::OutOfMemory)?);
        let ((reader, writer), (their_reader, their_writer)) = stream::connection(&hold);
        let local = Family::of(to.ip()).loopback(from.port());
        let theirs = Connection {
            local: family.loopback(to.port()),
            remote: family.loopback(from.port()),
            reader: their_reader,
            writer: their_writer,
        };
        match tokio::time::timeout(ACCEPT_PATIENCE, listener.send(theirs)).await {
            Ok(Ok(())) => Ok(Connection {
                local,
                remote: to,
                reader,
                writer,
            }),
            Ok(Err(_)) => Err(ErrorCode::ConnectionRefused),
            Err(_) => Err(ErrorCode::Timeout),
        }
    }

    async fn listener(&self, to: SocketAddr) -> Option<(Family, mpsc::Sender<Connection>)> {
        loop {
            // Before looking, so that a listener which comes in between is not missed.
            let listening = self.listening.notified();
            if let Some(found) = self.find_listener(to) {
                return Some(found);
            }
            self.service.as_ref()?;
            let patience = *self.taken().changed.get_or_insert_with(Instant::now) + self.patience;
            tokio::time::timeout_at(patience, listening).await.ok()?;
        }
    }

    fn find_listener(&self, to: SocketAddr) -> Option<(Family, mpsc::Sender<Connection>)> {
        let taken = self.taken();
        match taken.tcp.find(Family::of(to.ip()), to.port())? {
            (family, TcpPort::Listening(sender)) => Some((family, sender.clone())),
            (_, TcpPort::Bound) => None,
        }
    }

    /// Whether somebody listens on a port.
    pub(super) fn listens(&self, port: u16) -> bool {
        self.find_listener(Family::V4.loopback(port)).is_some()
    }

    /// Whether somebody has a port for datagrams.
    pub(super) fn receives(&self, port: u16) -> bool {
        self.taken().udp.find(Family::V4, port).is_some()
    }

    /// The TCP ports where somebody listens, in order.
    pub(super) fn listeners(&self) -> Vec<u16> {
        let taken = self.taken();
        let listening = taken
            .tcp
            .iter()
            .filter(|(_, by)| matches!(by, TcpPort::Listening(_)));
        let mut ports: Vec<u16> = listening.map(|(port, _)| port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Sends a datagram to a port of the workload's own, and tells whether anybody has it. As with any datagram, it is
    /// lost if nobody is there, or if they do not keep up.
    pub(super) fn send(&self, to: SocketAddr, from_port: u16, bytes: Vec<u8>) -> bool {
        let taken = self.taken();
        let Some((family, inbox)) = taken.udp.find(Family::of(to.ip()), to.port()) else {
            return false;
        };
        inbox.deliver(family.loopback(from_port), bytes);
        true
    }
}

impl TcpLease {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets others connect. So many of them wait until they are accepted.
    pub(super) fn listen(&self, backlog: usize) -> mpsc::Receiver<Connection> {
        let (sender, receiver) = mpsc::channel(backlog);
        let mut taken = self.network.taken();
        let family = Family::of(self.address.ip());
        let listening = TcpPort::Listening(sender);
        taken.tcp.replace(family, self.address.port(), listening);
        taken.changed = Some(Instant::now());
        drop(taken);
        self.network.listening.notify_waiters();
        receiver
    }
}

impl UdpLease {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TcpLease {
    fn drop(&mut self) {
        let mut taken = self.network.taken();
        let (family, port) = (Family::of(self.address.ip()), self.address.port());
        if let Some((_, TcpPort::Listening(_))) = taken.tcp.find(family, port) {
            taken.changed = Some(Instant::now());
        }
        taken.tcp.release(family, port);
    }
}

impl Drop for UdpLease {
    fn drop(&mut self) {
        let family = Family::of(self.address.ip());
        self.network
            .taken()
            .udp
            .release(family, self.address.port());
    }
}

impl From<InUse> for ErrorCode {
    fn from(InUse: InUse) -> Self {
        ErrorCode::AddressInUse
    }
}

#[cfg(test)]
mod tests {
    use super::super::inbox::{MAX_DATAGRAMS, MAX_SOCKET_BYTES};
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn network(service: Option<&str>) -> Arc<Network> {
        Arc::new(Network::new(service))
    }

    async fn connect(network: &Arc<Network>, to: &str) -> Result<Connection, ErrorCode> {
        let from = at("0.0.0.0:50000");
        Arc::clone(network).connect(at(to), from, false).await
    }

    #[tokio::test]
    async fn both_ends_see_addresses_of_the_workload() {
        let network = network(Some("echo"));
        let lease = network.bind_tcp(at("0.0.0.0:7777")).unwrap();
        let mut listener = lease.listen(1);
        let mut mine = connect(&network, "127.0.0.1:7777").await.unwrap();
        let mut theirs = listener.recv().await.unwrap();
        assert_eq!(
            (mine.local, mine.remote),
            (at("127.0.0.1:50000"), at("127.0.0.1:7777"))
        );
        assert_eq!((theirs.local, theirs.remote), (mine.remote, mine.local));
        mine.writer.write_all(b"ping").await.unwrap();
        std::future::poll_fn(|cx| theirs.reader.poll_ready(cx)).await;
        assert_eq!(&theirs.reader.take(9).unwrap()[..], b"ping");
    }

    #[tokio::test]
    async fn each_end_sees_its_own_family() {
        let network = network(Some("echo"));
        let lease = network.bind_tcp(at("127.0.0.1:7777")).unwrap();
        let mut listener = lease.listen(1);
        let mine = connect(&network, "[::1]:7777").await.unwrap();
        let theirs = listener.recv().await.unwrap();
        assert_eq!(
            (mine.local, mine.remote),
            (at("[::1]:50000"), at("[::1]:7777"))
        );
        assert_eq!(theirs.remote, at("127.0.0.1:50000"));
    }

    #[tokio::test]
    async fn networks_do_not_see_each_other() {
        let (one, other) = (network(None), network(None));
        let lease = one.bind_tcp(at("127.0.0.1:7777")).unwrap();
        let _listener = lease.listen(1);
        assert!(other.bind_tcp(at("127.0.0.1:7777")).is_ok());
        let refused = connect(&other, "127.0.0.1:7777").await.err().unwrap();
        assert!(matches!(refused, ErrorCode::ConnectionRefused));
        assert!(connect(&one, "127.0.0.1:7777").await.is_ok());
    }

    #[tokio::test]
    async fn without_a_service_nobody_waits() {
        let network = Arc::new(Network {
            patience: Duration::from_secs(3600),
            ..Network::new(None)
        });
        assert!(connect(&network, "127.0.0.1:7777").await.is_err());
    }

    async fn listens_soon(network: &Arc<Network>) -> (TcpLease, mpsc::Receiver<Connection>) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let lease = network.bind_tcp(at("127.0.0.1:7777")).unwrap();
        let listener = lease.listen(1);
        (lease, listener)
    }

    #[tokio::test]
    async fn a_connection_waits_for_a_service_that_starts() {
        let network = network(Some("echo"));
        let connecting = connect(&network, "127.0.0.1:7777");
        let (connected, _lease) = tokio::join!(connecting, listens_soon(&network));
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn a_connection_waits_for_a_service_that_starts_again() {
        let network = network(Some("echo"));
        let lease = network.bind_tcp(at("127.0.0.1:7777")).unwrap();
        drop(lease.listen(1));
        drop(lease);
        let connecting = connect(&network, "127.0.0.1:7777");
        let (connected, _lease) = tokio::join!(connecting, listens_soon(&network));
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn no_connection_waits_for_ever() {
        let network = Arc::new(Network {
            patience: Duration::from_millis(50),
            ..Network::new(Some("echo"))
        });
        let lease = network.bind_tcp(at("127.0.0.1:7778")).unwrap();
        let _listener = lease.listen(1);
        assert!(connect(&network, "127.0.0.1:7777").await.is_err());
        assert_eq!(network.listeners(), [7778]);
    }

    #[tokio::test]
    async fn connections_have_a_limit_until_they_end() {
        let network = network(Some("echo"));
        let lease = network.bind_tcp(at("127.0.0.1:7777")).unwrap();
        let mut listener = lease.listen(MOST_INSIDE);
        let mut open = Vec::new();
        for _ in 0..MOST_INSIDE {
            open.push(connect(&network, "127.0.0.1:7777").await.ok().unwrap());
        }
        let refused = connect(&network, "127.0.0.1:7777").await.err().unwrap();
        assert!(matches!(refused, ErrorCode::OutOfMemory));
        drop(open.pop());
        assert!(connect(&network, "127.0.0.1:7777").await.is_err());
        while listener.try_recv().is_ok() {}
        assert!(connect(&network, "127.0.0.1:7777").await.is_ok());
    }

    #[tokio::test]
    async fn datagrams_arrive_or_are_lost() {
        let network = network(None);
        let (lease, _, mut receiver) = network.bind_udp(at("127.0.0.1:0")).unwrap();
        assert!(network.send(lease.address(), 50000, b"one".to_vec()));
        assert!(!network.send(at("127.0.0.1:9"), 50000, b"lost".to_vec()));
        let Some(Arrival::Datagram(datagram)) = receiver.recv().await else {
            panic!("a datagram arrives");
        };
        assert_eq!(
            (datagram.from, &datagram.bytes[..]),
            (at("127.0.0.1:50000"), &b"one"[..])
        );
        for _ in 0..2 * MAX_DATAGRAMS {
            network.send(lease.address(), 50000, b"many".to_vec());
        }
        assert_eq!(receiver.len(), MAX_DATAGRAMS);
    }

    #[tokio::test]
    async fn bytes_that_nobody_receives_have_a_limit() {
        let network = network(None);
        let big = 60_000;
        let mut sockets = Vec::new();
        for _ in 0..200 {
            sockets.push(network.bind_udp(at("127.0.0.1:0")).unwrap());
        }
        for (lease, ..) in &sockets {
            for _ in 0..50 {
                network.send(lease.address(), 50000, vec![0; big]);
            }
        }
        let waiting = |sockets: &[(_, _, mpsc::Receiver<Arrival>)]| {
            let count = sockets.iter().map(|(.., queue)| queue.len()).sum::<usize>();
            count * big
        };
        assert!(sockets[0].2.len() * big <= MAX_SOCKET_BYTES);
        assert!(waiting(&sockets) <= MAX_NETWORK_BYTES);
        let (lease, _, queue) = &mut sockets[0];
        while queue.try_recv().is_ok() {}
        network.send(lease.address(), 50000, vec![0; big]);
        assert_eq!(queue.len(), 1, "there is room again");
    }

    #[tokio::test]
    async fn udp_sockets_have_a_limit_until_they_go() {
        let network = network(None);
        let bind = || network.bind_udp(at("127.0.0.1:0"));
        let mut open: Vec<_> = (0..MOST_UDP).map(|_| bind().unwrap()).collect();
        assert!(matches!(bind(), Err(ErrorCode::OutOfMemory)));
        open.pop();
        assert!(bind().is_ok());
    }

    #[tokio::test]
    async fn the_service_does_not_wait_for_itself() {
        let network = Arc::new(Network {
            patience: Duration::from_secs(3600),
            ..Network::new(Some("echo"))
        });
        let connecting = Arc::clone(&network).connect(at("127.0.0.1:7777"), at("0.0.0.0:1"), true);
        let refused = connecting.await.err().unwrap();
        assert!(matches!(refused, ErrorCode::ConnectionRefused));
    }

    #[tokio::test]
    async fn a_port_is_free_again_when_its_socket_has_gone() {
        let network = network(None);
        let lease = network.bind_tcp(at("127.0.0.1:7777")).unwrap();
        assert!(matches!(
            network.bind_tcp(at("0.0.0.0:7777")),
            Err(ErrorCode::AddressInUse)
        ));
        drop(lease);
        assert!(network.bind_tcp(at("0.0.0.0:7777")).is_ok());
    }
}
