//! A connection as the client sees it, so that the client runs on the sockets of WASI and on those of a test.

use std::fmt;

/// Makes connections.
pub trait Connect {
    type Wire: Wire;

    fn connect(&self, host: &str, port: u16) -> Result<Self::Wire, Broken>;
}

/// A connection. Both directions block.
pub trait Wire {
    /// Whether the other side has closed it since the last answer, as far as that is known without waiting.
    fn is_closed(&mut self) -> bool;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Broken>;

    /// Puts what comes next at the end of the buffer: at least one byte.
    fn read(&mut self, into: &mut Vec<u8>) -> Result<(), Broken>;
}

/// Why there is no connection, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
