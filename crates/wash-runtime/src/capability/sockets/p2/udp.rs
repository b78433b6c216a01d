//! wasi:sockets/udp 0.2.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use wasmtime::component::{Resource, ResourceTableError};
use wasmtime::{Result, format_err};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::udp::{
    Host, HostIncomingDatagramStream, HostOutgoingDatagramStream, HostUdpSocket, IncomingDatagram,
    IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::{
    DynPollable, Pollable, SocketError, SocketResult, UdpSocket as Handle, subscribe,
};

use super::super::handle::cast;
use super::super::inbox::Datagram;
use super::super::udp::{Queue, UdpSocket};
use super::super::{options, udp};
use super::Table;

/// Datagrams in one call.
const MAX: usize = 16;
/// Bytes in one call, or one datagram more.
const MOST_BYTES: usize = 64 * 1024;

pub(super) struct Socket {
    socket: Arc<Mutex<UdpSocket>>,
    binding: bool,
}

struct Incoming {
    queue: Queue,
    wanted: Option<SocketAddr>,
    next: Option<Result<Datagram, ErrorCode>>,
}

struct Outgoing {
    socket: Arc<Mutex<UdpSocket>>,
    permit: usize,
    /// A datagram that the system did not take at once.
    waiting: Option<(Vec<u8>, Option<SocketAddr>)>,
    failed: Option<ErrorCode>,
}

impl Socket {
    pub(super) fn new(socket: UdpSocket) -> Self {
        Self {
            socket: Arc::new(Mutex::new(socket)),
            binding: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, UdpSocket> {
        lock(&self.socket)
    }
}

fn lock(socket: &Mutex<UdpSocket>) -> MutexGuard<'_, UdpSocket> {
    socket.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table<'_> {
    fn udp(&mut self, handle: Resource<Handle>) -> Result<&mut Socket, ResourceTableError> {
        self.0.get_mut(&cast(handle))
    }
}

impl Host for Table<'_> {}

impl HostUdpSocket for Table<'_> {
    async fn start_bind(
        &mut self,
        this: Resource<Handle>,
        network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        self.0.get(&network)?;
        let socket = self.udp(this)?;
        if socket.binding {
            return Err(ErrorCode::ConcurrencyConflict.into());
        }
        socket.lock().bind(SocketAddr::from(local))?;
        socket.binding = true;
        Ok(())
    }

    fn finish_bind(&mut self, this: Resource<Handle>) -> SocketResult<()> {
        let socket = self.udp(this)?;
        match std::mem::take(&mut socket.binding) {
            true => Ok(()),
            false => Err(ErrorCode::NotInProgress.into()),
        }
    }

    async fn stream(
        &mut self,
        this: Resource<Handle>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<(
        Resource<IncomingDatagramStream>,
        Resource<OutgoingDatagramStream>,
    )> {
        let parent: Resource<Socket> = Resource::new_borrow(this.rep());
        let mut children = self.0.iter_children(&parent)?;
        if children.any(|child| child.is::<Incoming>() || child.is::<Outgoing>()) {
            return Err(SocketError::trap(format_err!(
                "the socket's streams were not dropped before it is asked for others"
            )));
        }
        drop(children);
        let socket = self.udp(this)?;
        let (queue, wanted) = {
            let mut socket = socket.lock();
            if !socket.is_bound() {
                return Err(ErrorCode::InvalidState.into());
            }
            match remote {
                Some(remote) => socket.connect(remote.into())?,
                None if socket.is_connected() => socket.disconnect()?,
                None => {}
            }
            socket.queue()?
        };
        let outgoing = Outgoing {
            socket: Arc::clone(&socket.socket),
            permit: 0,
            waiting: None,
            failed: None,
        };
        let incoming = Incoming {
            queue,
            wanted,
            next: None,
        };
        Ok((
            cast(self.0.push_child(incoming, &parent)?),
            cast(self.0.push_child(outgoing, &parent)?),
        ))
    }

    fn local_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.udp(this)?.lock().local_address()?.into())
    }

    fn remote_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.udp(this)?.lock().remote_address()?.into())
    }

    fn address_family(&mut self, this: Resource<Handle>) -> Result<IpAddressFamily> {
        Ok(self.udp(this)?.lock().family.into())
    }

    fn unicast_hop_limit(&mut self, this: Resource<Handle>) -> SocketResult<u8> {
        let limit = self.udp(this)?.lock().options.hop_limit;
        Ok(limit.unwrap_or(options::HOP_LIMIT))
    }

    fn set_unicast_hop_limit(&mut self, this: Resource<Handle>, limit: u8) -> SocketResult<()> {
        let mut socket = self.udp(this)?.lock();
        Ok(socket.set(|options| options.set_hop_limit(limit))?)
    }

    fn receive_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let size = self.udp(this)?.lock().options.receive_buffer;
        Ok(size.unwrap_or(options::BUFFER) as u64)
    }

    fn set_receive_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let mut socket = self.udp(this)?.lock();
        Ok(socket.set(|options| options.set_receive_buffer(size))?)
    }

    fn send_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let size = self.udp(this)?.lock().options.send_buffer;
        Ok(size.unwrap_or(options::BUFFER) as u64)
    }

    fn set_send_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let mut socket = self.udp(this)?.lock();
        Ok(socket.set(|options| options.set_send_buffer(size))?)
    }

    fn subscribe(&mut self, this: Resource<Handle>) -> Result<Resource<DynPollable>> {
        subscribe(self.0, cast::<_, Socket>(this))
    }

    fn drop(&mut self, this: Resource<Handle>) -> Result<()> {
        self.0.delete(cast::<_, Socket>(this))?;
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Socket {
    /// Nothing that a socket does by itself takes time.
    async fn ready(&mut self) {}
}

impl Incoming {
    fn try_next(&mut self) -> Option<Result<Datagram, ErrorCode>> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        let mut queue = self.queue.try_lock().ok()?;
        loop {
            let arrival = queue.try_recv().ok()?;
            if let Some(next) = arrival.wanted(self.wanted) {
                return Some(next.map_err(ErrorCode::from));
            }
        }
    }
}

impl HostIncomingDatagramStream for Table<'_> {
    fn receive(
        &mut self,
        this: Resource<IncomingDatagramStream>,
        most: u64,
    ) -> SocketResult<Vec<IncomingDatagram>> {
        let stream: &mut Incoming = self.0.get_mut(&cast(this))?;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(MAX);
        let mut datagrams = Vec::new();
        let mut bytes = 0;
        while datagrams.len() < most
            && bytes < MOST_BYTES
            && let Some(next) = stream.try_next()
        {
            let datagram = match next {
                Ok(datagram) => datagram,
                Err(error) if datagrams.is_empty() => return Err(error.into()),
                // It is told by the next call.
                error @ Err(_) => {
                    stream.next = Some(error);
                    break;
                }
            };
            bytes += datagram.bytes.len();
            datagrams.push(IncomingDatagram {
                data: datagram.bytes,
                remote_address: datagram.from.into(),
            });
        }
        Ok(datagrams)
    }

    fn subscribe(
        &mut self,
        this: Resource<IncomingDatagramStream>,
    ) -> Result<Resource<DynPollable>> {
        subscribe(self.0, cast::<_, Incoming>(this))
    }

    fn drop(&mut self, this: Resource<IncomingDatagramStream>) -> Result<()> {
        self.0.delete(cast::<_, Incoming>(this))?;
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        if self.next.is_none() {
            let next = udp::next(&self.queue, self.wanted).await;
            self.next = Some(next.map_err(ErrorCode::from));
        }
    }
}

impl Outgoing {
    /// Ready once nothing waits.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((bytes, to)) = &self.waiting else {
            return Poll::Ready(());
        };
        let sent = lock(&self.socket).poll_send(cx, bytes, *to);
        match sent {
            Poll::Pending => Poll::Pending,
            Poll::Ready(sent) => {
                self.failed = sent.err().map(ErrorCode::from);
                self.waiting = None;
                Poll::Ready(())
            }
        }
    }
}

impl HostOutgoingDatagramStream for Table<'_> {
    fn check_send(&mut self, this: Resource<OutgoingDatagramStream>) -> SocketResult<u64> {
        let stream: &mut Outgoing = self.0.get_mut(&cast(this))?;
        let mut cx = Context::from_waker(Waker::noop());
        stream.permit = match stream.poll_ready(&mut cx) {
            Poll::Ready(()) => MAX,
            Poll::Pending => 0,
        };
        Ok(stream.permit as u64)
    }

    fn send(
        &mut self,
        this: Resource<OutgoingDatagramStream>,
        datagrams: Vec<OutgoingDatagram>,
    ) -> SocketResult<u64> {
        let stream: &mut Outgoing = self.0.get_mut(&cast(this))?;
        if datagrams.len() > std::mem::take(&mut stream.permit) && !datagrams.is_empty() {
            return Err(SocketError::trap(format_err!(
                "more datagrams were sent than `check-send` permitted"
            )));
        }
        if let Some(failed) = stream.failed.take() {
            return Err(failed.into());
        }
        let mut count = 0;
        for datagram in datagrams {
            let to = datagram.remote_address.map(SocketAddr::from);
            let mut cx = Context::from_waker(Waker::noop());
            let sent = lock(&stream.socket).poll_send(&mut cx, &datagram.data, to);
            match sent {
                Poll::Ready(Ok(())) => count += 1,
                // It counts as sent, and nothing more can be until it is.
                Poll::Pending => {
                    stream.waiting = Some((datagram.data, to));
                    count += 1;
                    break;
                }
                Poll::Ready(Err(_)) if count > 0 => break,
                Poll::Ready(Err(error)) => return Err(error.into()),
            }
        }
        Ok(count)
    }

    fn subscribe(
        &mut self,
        this: Resource<OutgoingDatagramStream>,
    ) -> Result<Resource<DynPollable>> {
        subscribe(self.0, cast::<_, Outgoing>(this))
    }

    async fn drop(&mut self, this: Resource<OutgoingDatagramStream>) -> Result<()> {
        let mut stream = self.0.delete(cast::<_, Outgoing>(this))?;
        // What counts as sent is sent.
        std::future::poll_fn(|cx| stream.poll_ready(cx)).await;
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await;
    }
}
