//! Finds the process that has something others want: a port, or a lock on a file.
//!
//! For messages only: where the system does not tell, or does not let us look, nobody is found.

#[cfg(target_os = "linux")]
mod lock;
#[cfg(target_os = "linux")]
mod port;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// A process that has a port or a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (pid {})", self.command, self.pid)
    }
}

impl Holder {
    /// The process whose listener keeps others from the address.
    pub fn of_port(address: SocketAddr) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return port::holder(address);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = address;
            None
        }
    }

    /// A process that has locked the file or directory.
    pub fn of_lock(path: &Path) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return lock::holder(path);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            None
        }
    }

    #[cfg(target_os = "linux")]
    fn with_pid(pid: u32) -> Option<Self> {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments);
        let command = arguments.trim_end_matches('\0').replace('\0', " ");
        Some(Self { pid, command })
    }
}
