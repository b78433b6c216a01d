//! The UDP sockets of wasi:sockets/types 0.3.

use std::net::SocketAddr;
use std::task::Poll;

use wasmtime::Result;
use wasmtime::component::{Accessor, Resource};
use wasmtime_wasi::p3::bindings::sockets::types::{
    HostUdpSocket, HostUdpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::UdpSocket as Handle;

use super::super::handle::cast;
use super::super::inbox::Datagram;
use super::super::udp::UdpSocket;
use super::super::{OfMember, View, options, udp};

impl View<'_> {
    fn udp_of(&mut self, handle: Resource<Handle>) -> SocketResult<&mut UdpSocket> {
        self.table.get_mut(&cast(handle)).map_err(SocketError::trap)
    }
}

/// A handle that can be used more than once.
fn again(handle: &Resource<Handle>) -> Resource<Handle> {
    Resource::new_borrow(handle.rep())
}

impl<T> HostUdpSocketWithStore<T> for OfMember {
    async fn send(
        store: &Accessor<T, Self>,
        this: Resource<Handle>,
        data: Vec<u8>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<()> {
        let remote = remote.map(SocketAddr::from);
        std::future::poll_fn(|cx| {
            store.with(|mut store| match store.get().udp_of(again(&this)) {
                Ok(socket) => socket
                    .poll_send(cx, &data, remote)
                    .map_err(SocketError::from),
                Err(error) => Poll::Ready(Err(error)),
            })
        })
        .await
    }

    async fn receive(
        store: &Accessor<T, Self>,
        this: Resource<Handle>,
    ) -> SocketResult<(Vec<u8>, IpSocketAddress)> {
        let (queue, wanted) = store.with(|mut store| {
            let mut view = store.get();
            Ok::<_, SocketError>(view.udp_of(this)?.queue()?)
        })?;
        let Datagram { from, bytes, .. } = udp::next(&queue, wanted).await?;
        Ok((bytes, from.into()))
    }
}

impl HostUdpSocket for View<'_> {
    async fn create(&mut self, family: IpAddressFamily) -> SocketResult<Resource<Handle>> {
        let socket = UdpSocket::new(self.caller(), family.into());
        let handle = self.table.push(socket).map_err(SocketError::trap)?;
        Ok(cast(handle))
    }

    async fn bind(&mut self, this: Resource<Handle>, local: IpSocketAddress) -> SocketResult<()> {
        Ok(self.udp_of(this)?.bind(SocketAddr::from(local))?)
    }

    async fn connect(
        &mut self,
        this: Resource<Handle>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        Ok(self.udp_of(this)?.connect(SocketAddr::from(remote))?)
    }

    fn disconnect(&mut self, this: Resource<Handle>) -> SocketResult<()> {
        Ok(self.udp_of(this)?.disconnect()?)
    }

    fn get_local_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.udp_of(this)?.local_address()?.into())
    }

    fn get_remote_address(&mut self, this: Resource<Handle>) -> SocketResult<IpSocketAddress> {
        Ok(self.udp_of(this)?.remote_address()?.into())
    }

    fn get_address_family(&mut self, this: Resource<Handle>) -> Result<IpAddressFamily> {
        let socket: &mut UdpSocket = self.table.get_mut(&cast(this))?;
        Ok(socket.family.into())
    }

    fn get_unicast_hop_limit(&mut self, this: Resource<Handle>) -> SocketResult<u8> {
        let options = &self.udp_of(this)?.options;
        Ok(options.hop_limit.unwrap_or(options::HOP_LIMIT))
    }

    fn set_unicast_hop_limit(&mut self, this: Resource<Handle>, limit: u8) -> SocketResult<()> {
        let socket = self.udp_of(this)?;
        Ok(socket.set(|options| options.set_hop_limit(limit))?)
    }

    fn get_receive_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.udp_of(this)?.options;
        Ok(options.receive_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_receive_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = self.udp_of(this)?;
        Ok(socket.set(|options| options.set_receive_buffer(size))?)
    }

    fn get_send_buffer_size(&mut self, this: Resource<Handle>) -> SocketResult<u64> {
        let options = &self.udp_of(this)?.options;
        Ok(options.send_buffer.unwrap_or(options::BUFFER) as u64)
    }

    fn set_send_buffer_size(&mut self, this: Resource<Handle>, size: u64) -> SocketResult<()> {
        let socket = self.udp_of(this)?;
        Ok(socket.set(|options| options.set_send_buffer(size))?)
    }

    fn drop(&mut self, this: Resource<Handle>) -> Result<()> {
        self.table.delete(cast::<_, UdpSocket>(this))?;
        Ok(())
    }
}
