//! What is on its way to one UDP socket, counted in bytes: it waits in memory of the host, which no guest's limit counts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use wasmtime_wasi::sockets::ErrorCode;

/// Datagrams on their way to one socket; more are dropped.
pub(super) const MAX_DATAGRAMS: usize = 256;
/// Bytes on their way to one socket, as many as Linux has room for.
pub(super) const MAX_SOCKET_BYTES: usize = 208 * 1024;
/// Bytes on their way to all sockets of a workload.
pub(super) const MAX_NETWORK_BYTES: usize = 16 * 1024 * 1024;
/// What a datagram takes beside its bytes, about.
const OVERHEAD: usize = 256;

#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
    _room: Room,
}

/// The room that a datagram takes until somebody has it.
#[derive(Debug)]
struct Room {
    _socket: OwnedSemaphorePermit,
    _network: OwnedSemaphorePermit,
}

/// What a socket finds in its inbox.
#[derive(Debug)]
pub(super) enum Arrival {
    Datagram(Datagram),
    /// Nobody has the port that something was sent to before.
    Refused,
}

/// Puts datagrams into the inbox of one socket.
#[derive(Clone)]
pub(super) struct Inbox {
    sender: mpsc::Sender<Arrival>,
    socket: Arc<Semaphore>,
    network: Arc<Semaphore>,
}

impl Inbox {
    /// `network` is the room of the whole workload.
    pub(super) fn new(network: &Arc<Semaphore>) -> (Self, mpsc::Receiver<Arrival>) {
        let (sender, receiver) = mpsc::channel(MAX_DATAGRAMS);
        let inbox = Self {
            sender,
            socket: Arc::new(Semaphore::new(MAX_SOCKET_BYTES)),
            network: Arc::clone(network),
        };
        (inbox, receiver)
    }

    /// Delivers a datagram. As with any datagram, it is lost where there is no room for it.
    pub(super) fn deliver(&self, from: SocketAddr, bytes: Vec<u8>) {
        let Ok(size) = u32::try_from(bytes.len() + OVERHEAD) else {
            return;
        };
        let socket = Arc::clone(&self.socket).try_acquire_many_owned(size);
        let network = Arc::clone(&self.network).try_acquire_many_owned(size);
        if let (Ok(socket), Ok(network)) = (socket, network) {
            let room = Room {
                _socket: socket,
                _network: network,
            };
            let datagram = Datagram {
                from,
                bytes,
                _room: room,
            };
            let _ = self.sender.try_send(Arrival::Datagram(datagram));
        }
    }

    pub(super) fn refuse(&self) {
        let _ = self.sender.try_send(Arrival::Refused);
    }
}

impl Arrival {
    /// The datagram, if it is from who is wanted; an error if nobody receives what was sent.
    pub(super) fn wanted(self, wanted: Option<SocketAddr>) -> Option<Result<Datagram, ErrorCode>> {
        match self {
            Self::Datagram(datagram) => wanted
                .is_none_or(|wanted| wanted == datagram.from)
                .then_some(Ok(datagram)),
            Self::Refused => Some(Err(ErrorCode::ConnectionRefused)),
        }
    }
}
