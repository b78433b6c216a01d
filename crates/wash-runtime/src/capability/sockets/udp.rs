//! A UDP socket as both versions of WASI have it. What comes from the workload's own network and what comes from outside
//! arrives in one queue.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::UdpSocket as RealSocket;
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use wasmtime_wasi::sockets::ErrorCode;

use super::inbox::{Arrival, Datagram, Inbox};
use super::member::Caller;
use super::network::UdpLease;
use super::options::Options;
use super::place::{Family, Place};
use super::{place, real};
use crate::capability::sockets::Protocol;

pub(super) const BIGGEST: usize = u16::MAX as usize;
/// So that an error which stays does not keep a processor busy.
pub(super) const AFTER_ERROR: Duration = Duration::from_millis(10);

pub(super) struct UdpSocket {
    caller: Arc<Caller>,
    pub(super) family: Family,
    pub(super) options: Options,
    port: Option<Port>,
    remote: Option<SocketAddr>,
    outside: Option<Outside>,
}

/// The port in the workload's network, and what arrives there.
struct Port {
    lease: UdpLease,
    inbox: Inbox,
    queue: Queue,
}

pub(super) type Queue = Arc<Mutex<mpsc::Receiver<Arrival>>>;

/// A real socket, made when something is first sent out.
struct Outside {
    socket: Arc<RealSocket>,
    receiving: JoinHandle<()>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

impl UdpSocket {
    pub(super) fn new(caller: Arc<Caller>, family: Family) -> Self {
        Self {
            caller,
            family,
            options: Options::default(),
            port: None,
            remote: None,
            outside: None,
        }
    }

    pub(super) fn is_bound(&self) -> bool {
        self.port.is_some()
    }

    pub(super) fn bind(&mut self, address: SocketAddr) -> Result<(), ErrorCode> {
        if self.is_bound() {
            return Err(ErrorCode::InvalidState);
        }
        if !self.family.has(address.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        self.caller.bind(Protocol::Udp, address)?;
        let (lease, inbox, queue) = self.caller.member.network.bind_udp(address)?;
        self.port = Some(Port {
            lease,
            inbox,
            queue: Arc::new(Mutex::new(queue)),
        });
        Ok(())
    }

    /// Sends to one address from now on, and receives from it only.
    pub(super) fn connect(&mut self, remote: SocketAddr) -> Result<(), ErrorCode> {
        self.check(remote)?;
        self.bound()?;
        self.remote = Some(remote);
        Ok(())
    }

    pub(super) fn disconnect(&mut self) -> Result<(), ErrorCode> {
        let connected = self.remote.take();
        connected.map(drop).ok_or(ErrorCode::InvalidState)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.remote.is_some()
    }

    fn check(&self, to: SocketAddr) -> Result<(), ErrorCode> {
        if !self.family.has(to.ip()) || !place::is_remote(to) {
            return Err(ErrorCode::InvalidArgument);
        }
        self.caller.reach(Protocol::Udp, to)
    }

    fn bound(&mut self) -> Result<&Port, ErrorCode> {
        if self.port.is_none() {
            self.bind(self.family.unspecified())?;
        }
        self.port.as_ref().ok_or(ErrorCode::InvalidState)
    }

    /// Sends a datagram, to the address it is connected to if none is given.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: Option<SocketAddr>,
    ) -> Poll<Result<(), ErrorCode>> {
        if bytes.len() > BIGGEST {
            return Poll::Ready(Err(ErrorCode::DatagramTooLarge));
        }
        let to = match (to, self.remote) {
            (Some(to), Some(remote)) if to != remote => None,
            (to, remote) => to.or(remote),
        };
        let to = to.ok_or(ErrorCode::InvalidArgument)?;
        self.check(to)?;
        let port = self.bound()?;
        let from = port.lease.address().port();
        if Place::of(to.ip()) == Place::Workload {
            let inbox = port.inbox.clone();
            let is_there = self.caller.member.network.send(to, from, bytes.to_vec());
            // As systems have it, only a connected socket is told, and when it receives.
            if !is_there && self.is_connected() {
                inbox.refuse();
            }
            return Poll::Ready(Ok(()));
        }
        let socket = self.outside()?;
        real::poll_send(&socket, cx, bytes, real::outward(to))
    }

    fn outside(&mut self) -> Result<Arc<RealSocket>, ErrorCode> {
        if self.outside.is_none() {
            let inbox = self.bound()?.inbox.clone();
            let permit = self.caller.outside()?;
            let socket = Arc::new(real::datagrams(self.family, &self.options)?);
            let caller = Arc::clone(&self.caller);
            let receiving = receive(Arc::clone(&socket), self.family, caller, inbox);
            self.outside = Some(Outside {
                receiving: tokio::spawn(receiving),
                socket,
                _permit: permit,
            });
        }
        let outside = self.outside.as_ref().ok_or(ErrorCode::InvalidState)?;
        Ok(Arc::clone(&outside.socket))
    }

    /// Where datagrams arrive, and from whom they are wanted; nobody says for all.
    pub(super) fn queue(&self) -> Result<(Queue, Option<SocketAddr>), ErrorCode> {
        let port = self.port.as_ref().ok_or(ErrorCode::InvalidState)?;
        Ok((Arc::clone(&port.queue), self.remote))
    }

    pub(super) fn local_address(&self) -> Result<SocketAddr, ErrorCode> {
        let port = self.port.as_ref().ok_or(ErrorCode::InvalidState)?;
        let bound = port.lease.address();
        match self.remote {
            Some(remote) if Place::of(remote.ip()) == Place::Workload => {
                Ok(self.family.loopback(bound.port()))
            }
            _ => Ok(bound),
        }
    }

    pub(super) fn remote_address(&self) -> Result<SocketAddr, ErrorCode> {
        self.remote.ok_or(ErrorCode::InvalidState)
    }

    /// Changes options, on a real socket at once.
    pub(super) fn set(
        &mut self,
        change: impl FnOnce(&mut Options) -> Result<(), ErrorCode>,
    ) -> Result<(), ErrorCode> {
        change(&mut self.options)?;
        match &self.outside {
            Some(outside) => self.options.apply_ip(&*outside.socket, self.family),
            None => Ok(()),
        }
    }
}

/// Takes in what comes from outside, from those who may be sent to.
async fn receive(socket: Arc<RealSocket>, family: Family, caller: Arc<Caller>, inbox: Inbox) {
    let mut bytes = vec![0; BIGGEST];
    loop {
        // An error belongs to something that was sent before, such as to a port where nobody is.
        let Ok((count, from)) = socket.recv_from(&mut bytes).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let from = real::inward(from);
        let own = Place::of(from.ip()) == Place::Workload;
        if own || !family.has(from.ip()) || !caller.hears(from) {
            continue;
        }
        inbox.deliver(from, bytes[..count].to_vec());
    }
}

/// The next datagram from who is wanted, or that nobody receives what was sent.
pub(super) async fn next(queue: &Queue, wanted: Option<SocketAddr>) -> Result<Datagram, ErrorCode> {
    loop {
        match queue.lock().await.recv().await {
            Some(arrival) => {
                if let Some(next) = arrival.wanted(wanted) {
                    return next;
                }
            }
            // Not while the socket is there, which has a sender.
            None => std::future::pending().await,
        }
    }
}
