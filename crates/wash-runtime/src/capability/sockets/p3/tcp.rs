//! The TCP sockets of wasi:sockets/types 0.3.

use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;
use wasmtime::Result;
use wasmtime::component::{Access, Accessor, FutureReader, Resource, StreamReader};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostTcpSocket, HostTcpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::TcpSocket as Handle;

use super::super::handle::cast;
use super::super::tcp::TcpSocket;
use super::super::{OfMember, View, options};
use super::streams::{Accepting, Incoming, Outgoing};

impl View<'_> {
    fn tcp_socket(&mut self, handle: Resource<Handle>) -> Result<&mut TcpSocket> {
        Ok(self.table.get_mut(&cast(handle))?)
    }

    /// The socket behind a handle; without one the guest is trapped.
    fn tcp_of(&mut self, handle: Resource<Handle>) -> SocketResult<&mut TcpSocket> {
        self.tcp_socket(handle).map_err(SocketError::trap)
    }
}

/// A handle that can be used more than once.
fn again(handle: &Resource<Handle>) -> Resource<Handle> {
    Resource::new_borrow(handle.rep())
}

impl<T: Send + 'static> HostTcpSocketWithStore<T> for OfMember {
    async fn connect(
        store: &Accessor<T, Self>,
        this: Resource<Handle>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        store.with(|mut store| {
            let mut view = store.get();
            let socket = view.tcp_of(again(&this))?;
            Ok::<_, SocketError>(socket.start_connect(SocketAddr::from(remote))?)
        })?;
        std::future::poll_fn(|cx| {
            store.with(|mut store| match store.get().tcp_of(again(&this)) {
                Ok(socket) => socket.poll_connect(cx).map_err(SocketError::from),
                Err(error) => Poll::Ready(Err(error)),
            })
        })
        .await
    }

    async fn listen(
        mut store: Access<'_, T, Self>,
        this: Resource<Handle>,
    ) -> SocketResult<StreamReader<Resource<Handle>>> {
        let getter = store.getter();
        let listener = store.get().tcp_of(this)?.listen()?;
        let accepting = Accepting { listener, getter };
        StreamReader::new(&mut store, accepting).map_err(SocketError::trap)
    }

    fn send(
        mut store: Access<'_, T, Self>,
        this: Resource<Handle>,
        mut data: StreamReader<u8>,
    ) -> Result<FutureReader<Result<(), ErrorCode>>> {
        match store.get().tcp_socket(this)?.take_writer() {
            Ok(writer) => {
                let (ended, end) = oneshot::channel();
                data.pipe(&mut store, Outgoing::new(writer, ended))?;
                FutureReader::new(&mut store, end)
            }
            Err(error) => {
                data.close(&mut store)?;
                FutureReader::new(&mut store, async move {
                    Ok::<_, wasmtime::Error>(Err(error.into()))
                })
            }
        }
    }

    fn receive(
        mut store: Access<'_, T, Self>,
        this: Resource<Handle>,
    ) -> Result<(StreamReader<u8>, FutureReader<Result<(), ErrorCode>>)> {
        match store.get().tcp_socket(this)?.take_reader() {
            Ok(reader) => {
                let (ended, end) = oneshot::channel();
                Ok((
                    StreamReader::new(&mut store, Incoming::new(reader, ended))?,
                    FutureReader::new(&mut store, end)?,
                ))
            }
            Err(error) => Ok((
                StreamReader::new(&mut store, std::iter::empty())?,
                FutureReader::new(&mut store, async move {
                    Ok::<_, wasmtime::Error>(Err(error.into()))
                })?,
            )),
        }
    }
}

impl HostTcpSocket for View<'_> {
    fn create(&mut self, family: IpAddressFamily) -> SocketResult<Resource<Handle>> {
        let socket = self.tcp(family.into());
        let handle = self.table.push(socket).map_err(SocketError::trap)?;
        Ok(cast(handle))
    }

    async fn bind(&mut self, this: Resource<Handle>, local: IpSocketAddress) -> SocketResult<()> {
        Ok(self.tcp_of(this)?.bind(SocketAddr::from(local))?)
    }

    fn get_local_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp_of(this)?.local_address()?.into())
    }

    fn get_remote_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp_of(this)?.remote_address()?.into())
    }

    fn get_is_listening(&mut self, this: Resource<Handle>) -> Result<bool> {
        Ok(self.tcp_socket(this)?.is_listening())
    }

    fn get_address_family(&mut self, this: Resource<Handle>) -> Result<IpAddressFamily> {
        Ok(self.tcp_socket(this)?.family.into())
    }

    fn set_listen_backlog_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        Ok(self.tcp_of(this)?.set_backlog(size)?)
    }

    fn get_keep_alive_enabled(&mut self, this: Resource<Handle>) -> SocketResult<bool> {
        Ok(self.tcp_of(this)?.options.keep_alive)
    }

    fn set_keep_alive_enabled(&mut self, this: Resource<Handle>, on: bool) -> SocketResult<()> {
        let socket = self.tcp_of(this)?;
        Ok(socket.set(|options| {
            options.keep_alive = on;
            Ok(())
        })?)
    }

    fn get_keep_alive_idle_time(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp_of(this)?.options;
        Ok(nanos(options.idle.unwrap_or(options::IDLE)))
    }

    fn set_keep_alive_idle_time(&mut self, this: Resource<Handle>, time: u64) -> SocketResult<()> {
        Ok(self.tcp_of(this)?.set(|options| options.set_idle(time))?)
    }

    fn get_keep_alive_interval(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp_of(this)?.options;
        Ok(nanos(options.interval.unwrap_or(options::INTERVAL)))
    }

    fn set_keep_alive_interval(&mut self, this: Resource<Handle>, time: u64) -> SocketResult<()> {
        let socket = self.tcp_of(this)?;
        Ok(socket.set(|options| options.set_interval(time))?)
    }

    fn get_keep_alive_count(&mut self, this: Resource<Handle>) -> SocketResult<u32> {
        let options = &self.tcp_of(this)?.options;
        Ok(options.count.unwrap_or(options::COUNT))
    }

    fn set_keep_alive_count(&mut self, this: Resource<Handle>, count: u32) -> SocketResult<()> {
        Ok(self.tcp_of(this)?.set(|options| options.set_count(count))?)
    }

    fn get_hop_limit(&mut self, this: Resource<Handle>) -> SocketResult<u8> {
        let options = &self.tcp_of(this)?.options;
        Ok(options.hop_limit.unwrap_or(options::HOP_LIMIT))
    }

    fn set_hop_limit(&mut self, this: Resource<Handle>, limit: u8) -> SocketResult<()> {
        let socket = self.tcp_of(this)?;
        Ok(socket.set(|options| options.set_hop_limit(limit))?)
    }

    fn get_receive_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp_of(this)?.options;
        Ok(options.receive_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_receive_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = self.tcp_of(this)?;
        Ok(socket.set(|options| options.set_receive_buffer(size))?)
    }

    fn get_send_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.tcp_of(this)?.options;
        Ok(options.send_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_send_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = self.tcp_of(this)?;
        Ok(socket.set(|options| options.set_send_buffer(size))?)
    }

    fn drop(&mut self, this: Resource<Handle>) -> Result<()> {
        self.table.delete(cast::<_, TcpSocket>(this))?;
        Ok(())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
