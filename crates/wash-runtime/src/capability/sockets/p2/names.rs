//! wasi:sockets/ip-name-lookup 0.2.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::JoinHandle;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::ResolveAddressStream;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{Host, HostResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError, subscribe};

use super::super::View;
use super::super::handle::cast;
use super::super::names::{LookupError, resolve};

/// A lookup that goes on by itself until it is dropped.
enum Lookup {
    Asked(JoinHandle<Result<Vec<IpAddr>, LookupError>>),
    Found(std::vec::IntoIter<IpAddr>),
    Failed(ErrorCode),
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if let Self::Asked(task) = self {
            task.abort();
        }
    }
}

impl Lookup {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Asked(task) = self {
            let found = ready!(Pin::new(task).poll(cx)).unwrap_or(Err(LookupError::Unknown));
            *self = match found {
                Ok(addresses) => Self::Found(addresses.into_iter()),
                Err(error) => Self::Failed(error.into()),
            };
        }
        Poll::Ready(())
    }
}

impl Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        self.table.get(&network)?;
        let caller = self.caller();
        let mut lookup = Box::pin(async move { resolve(&caller, &name).await });
        // What needs no question is answered at once, and so is a denial.
        let lookup = match lookup
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(Err(error)) => return Err(ErrorCode::from(error).into()),
            Poll::Ready(Ok(addresses)) => Lookup::Found(addresses.into_iter()),
            Poll::Pending => Lookup::Asked(tokio::spawn(lookup)),
        };
        Ok(cast(self.table.push(lookup)?))
    }
}

impl HostResolveAddressStream for View<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let lookup: &mut Lookup = self.table.get_mut(&cast(stream))?;
        let mut cx = Context::from_waker(Waker::noop());
        if lookup.poll_ready(&mut cx).is_pending() {
            return Err(ErrorCode::WouldBlock.into());
        }
        match lookup {
            Lookup::Found(addresses) => Ok(addresses.next().map(IpAddress::from)),
            Lookup::Failed(error) => Err((*error).into()),
            Lookup::Asked(_) => Err(ErrorCode::WouldBlock.into()),
        }
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        subscribe(self.table, cast::<_, Lookup>(stream))
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> Result<()> {
        self.table.delete(cast::<_, Lookup>(stream))?;
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await;
    }
}

impl From<LookupError> for ErrorCode {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => Self::PermanentResolverFailure,
            LookupError::NotAName => Self::InvalidArgument,
            LookupError::Unknown => Self::NameUnresolvable,
        }
    }
}
