//! Whose fault a failure is, which is what an exit code says. `docs/exit-codes.md` is the users' side of it.

use std::io;
use std::process::ExitCode;

/// In the order in which one hides the other, where several have a part in a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ErrorClass {
    /// What the user gave us: a project, a component, a setting. The one that needs no proof.
    #[default]
    Input,
    /// The command line makes no sense.
    Usage,
    /// The machine or the network: a tool that is missing, a registry, a port, a permission.
    Environment,
    /// A bug of ours.
    Wash,
}

impl ErrorClass {
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Input => "input",
            ErrorClass::Usage => "usage",
            ErrorClass::Environment => "environment",
            ErrorClass::Wash => "wash",
        }
    }

    /// Where an I/O error comes from. A file that is not there was named by the user.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as E;
        match error.kind() {
            E::PermissionDenied
            | E::ReadOnlyFilesystem
            | E::StorageFull
            | E::QuotaExceeded
            | E::OutOfMemory
            | E::AddrInUse
            | E::AddrNotAvailable
            | E::ConnectionRefused
            | E::ConnectionReset
            | E::ConnectionAborted
            | E::HostUnreachable
            | E::NetworkUnreachable
            | E::NetworkDown
            | E::TimedOut => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}

impl From<ErrorClass> for ExitCode {
    /// 3 belongs to `wash call`: the guest failed.
    fn from(fault: ErrorClass) -> Self {
        ExitCode::from(match fault {
            ErrorClass::Input => 1,
            ErrorClass::Usage => 2,
            ErrorClass::Environment => 4,
            ErrorClass::Wash => 5,
        })
    }
}
