//! wasi:sockets/tcp 0.2.

use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::{Host, HostTcpSocket, ShutdownType};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, Pollable, SocketResult, TcpSocket as Handle,
    subscribe,
};

use super::super::handle::cast;
use super::super::options;
use super::super::tcp::{Listener, TcpSocket};
use super::Table;
use super::streams::{Input, Output};

pub(super) struct Socket {
    socket: TcpSocket,
    in_progress: Option<Started>,
    listener: Option<Listener>,
    streams: Option<(Input, Output)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Started {
    Bind,
    Connect,
    Listen,
}

type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

impl Socket {
    pub(super) fn new(socket: TcpSocket) -> Self {
        Self {
            socket,
            in_progress: None,
            listener: None,
            streams: None,
        }
    }

    fn idle(&self) -> SocketResult<()> {
        match self.in_progress {
            Some(_) => Err(ErrorCode::ConcurrencyConflict.into()),
            None => Ok(()),
        }
    }

    fn finish(&mut self, what: Started) -> SocketResult<()> {
        if self.in_progress != Some(what) {
            return Err(ErrorCode::NotInProgress.into());
        }
        self.in_progress = None;
        Ok(())
    }

    fn streams(&mut self) -> SocketResult<(DynInputStream, DynOutputStream)> {
        let input = Input::new(self.socket.take_reader()?);
        let output = Output::new(self.socket.take_writer()?);
        self.streams = Some((input.clone(), output.clone()));
        Ok((Box::new(input), Box::new(output)))
    }
}

impl Table<'_> {
    fn tcp(&mut self, handle: Resource<Handle>) -> Result<&mut Socket, ResourceTableError> {
        self.0.get_mut(&cast(handle))
    }

    fn push_streams(
        &mut self,
        (input, output): (DynInputStream, DynOutputStream),
        parent: u32,
    ) -> SocketResult<Streams> {
        let parent = Resource::<Socket>::new_borrow(parent);
        Ok((
            self.0.push_child(input, &parent)?,
            self.0.push_child(output, &parent)?,
        ))
    }
}

impl Host for Table<'_> {}

impl HostTcpSocket for Table<'_> {
    async fn start_bind(
        &mut self,
        this: Resource<Handle>,
        network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        self.0.get(&network)?;
        let socket = self.tcp(this)?;
        socket.idle()?;
        socket.socket.bind(SocketAddr::from(local))?;
        socket.in_progress = Some(Started::Bind);
        Ok(())
    }

    fn finish_bind(&mut self, this: Resource<Handle>) -> SocketResult<()> {
        self.tcp(this)?.finish(Started::Bind)
    }

    fn start_connect(
        &mut self,
        this: Resource<Handle>,
        network: Resource<Network>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        self.0.get(&network)?;
        let socket = self.tcp(this)?;
        socket.idle()?;
        socket.socket.start_connect(SocketAddr::from(remote))?;
        socket.in_progress = Some(Started::Connect);
        Ok(())
    }

    fn finish_connect(&mut self, this: Resource<Handle>) -> SocketResult<Streams> {
        let rep = this.rep();
        let socket = self.tcp(this)?;
        if socket.in_progress != Some(Started::Connect) {
            return Err(ErrorCode::NotInProgress.into());
        }
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(connected) = socket.socket.poll_connect(&mut cx) else {
            return Err(ErrorCode::WouldBlock.into());
        };
        socket.in_progress = None;
        connected?;
        let streams = socket.streams()?;
        self.push_streams(streams, rep)
    }

    async fn start_listen(&mut self, this: Resource<Handle>) -> SocketResult<()> {
        let socket = self.tcp(this)?;
        socket.idle()?;
        if !socket.socket.is_bound() {
            return Err(ErrorCode::InvalidState.into());
        }
        socket.listener = Some(socket.socket.listen()?);
        socket.in_progress = Some(Started::Listen);
        Ok(())
    }

    fn finish_listen(&mut self, this: Resource<Handle>) -> SocketResult<()> {
        self.tcp(this)?.finish(Started::Listen)
    }

    fn accept(
        &mut self,
        this: Resource<Handle>,
    ) -> SocketResult<(
        Resource<Handle>,
        Resource<DynInputStream>,
        Resource<DynOutputStream>,
    )> {
        let socket = self.tcp(this)?;
        let listener = socket.listener.as_mut().ok_or(ErrorCode::InvalidState)?;
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(accepted) = listener.poll_accept(&mut cx) else {
            return Err(ErrorCode::WouldBlock.into());
        };
        let mut accepted = Socket::new(accepted);
        let streams = accepted.streams()?;
        let accepted = self.0.push(accepted)?;
        let (input, output) = self.push_streams(streams, accepted.rep())?;
        Ok((cast(accepted), input, output))
    }

    fn local_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp(this)?.socket.local_address()?.into())
    }

    fn remote_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp(this)?.socket.remote_address()?.into())
    }

    fn is_listening(&mut self, this: Resource<Handle>) -> Result<bool> {
        Ok(self.tcp(this)?.socket.is_listening())
    }

    fn address_family(&mut self, this: Resource<Handle>) -> Result<IpAddressFamily> {
        Ok(self.tcp(this)?.socket.family.into())
    }

    fn set_listen_backlog_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        Ok(self.tcp(this)?.socket.set_backlog(size)?)
    }

    fn keep_alive_enabled(&mut self, this: Resource<Handle>) -> SocketResult<bool> {
        Ok(self.tcp(this)?.socket.options.keep_alive)
    }

    fn set_keep_alive_enabled(&mut self, this: Resource<Handle>, on: bool) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| {
            options.keep_alive = on;
            Ok(())
        })?)
    }

    fn keep_alive_idle_time(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp(this)?.socket.options;
        Ok(nanos(options.idle.unwrap_or(options::IDLE)))
    }

    fn set_keep_alive_idle_time(&mut self, this: Resource<Handle>, time: u64) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_idle(time))?)
    }

    fn keep_alive_interval(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp(this)?.socket.options;
        Ok(nanos(options.interval.unwrap_or(options::INTERVAL)))
    }

    fn set_keep_alive_interval(&mut self, this: Resource<Handle>, time: u64) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_interval(time))?)
    }

    fn keep_alive_count(&mut self, this: Resource<Handle>) -> SocketResult<u32> {
        let options = &self.tcp(this)?.socket.options;
        Ok(options.count.unwrap_or(options::COUNT))
    }

    fn set_keep_alive_count(&mut self, this: Resource<Handle>, count: u32) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_count(count))?)
    }

    fn hop_limit(&mut self, this: Resource<Handle>) -> SocketResult<u8> {
        let options = &self.tcp(this)?.socket.options;
        Ok(options.hop_limit.unwrap_or(options::HOP_LIMIT))
    }

    fn set_hop_limit(&mut self, this: Resource<Handle>, limit: u8) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_hop_limit(limit))?)
    }

    fn receive_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp(this)?.socket.options;
        Ok(options.receive_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_receive_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_receive_buffer(size))?)
    }

    fn send_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp(this)?.socket.options;
        Ok(options.send_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_send_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = &mut self.tcp(this)?.socket;
        Ok(socket.set(|options| options.set_send_buffer(size))?)
    }

    fn subscribe(&mut self, this: Resource<Handle>) -> Result<Resource<DynPollable>> {
        subscribe(self.0, cast::<_, Socket>(this))
    }

    fn shutdown(&mut self, this: Resource<Handle>, what: ShutdownType) -> SocketResult<()> {
        let socket = self.tcp(this)?;
        let (input, output) = socket.streams.as_ref().ok_or(ErrorCode::InvalidState)?;
        if let ShutdownType::Receive | ShutdownType::Both = what {
            input.close();
        }
        if let ShutdownType::Send | ShutdownType::Both = what {
            output.close();
        }
        Ok(())
    }

    fn drop(&mut self, this: Resource<Handle>) -> Result<()> {
        self.0.delete(cast::<_, Socket>(this))?;
        Ok(())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[wasmtime_wasi::async_trait]
impl Pollable for Socket {
    async fn ready(&mut self) {
        match (self.in_progress, &mut self.listener) {
            (Some(Started::Connect), _) => {
                let _ = std::future::poll_fn(|cx| self.socket.poll_connect(cx)).await;
            }
            (None, Some(listener)) => std::future::poll_fn(|cx| listener.poll_ready(cx)).await,
            _ => {}
        }
    }
}
