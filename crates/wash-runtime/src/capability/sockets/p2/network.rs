//! wasi:sockets/network 0.2: the handle that some functions want, and the errors.

use wasmtime::component::Resource;
use wasmtime::{Error, Result};
use wasmtime_wasi::p2::SocketError;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, Host, HostNetwork, Network};

use super::super::View;
use super::Table;

impl Host for Table<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        error.downcast()
    }

    /// The streams of a connection fail with the code itself.
    fn network_error_code(&mut self, error: Resource<Error>) -> Result<Option<ErrorCode>> {
        Ok(self.0.get(&error)?.downcast_ref().copied())
    }
}

impl HostNetwork for Table<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        self.0.delete(network)?;
        Ok(())
    }
}

impl Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        Table(self.table).convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<Error>) -> Result<Option<ErrorCode>> {
        Table(self.table).network_error_code(error)
    }
}

impl HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        HostNetwork::drop(&mut Table(self.table), network)
    }
}
