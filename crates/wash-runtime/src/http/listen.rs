//! Takes a port: the one that was asked for, or the next free one when nobody asked.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use wash_common::advice::{Advice, ErrorClass};
use wash_common::process_lookup::Holder;

/// Connections the system keeps for us between two accepts.
const BACKLOG: u32 = 1024;

/// How many ports to try when nobody asked for a certain one.
const PORTS_TRIED: u16 = 100;

/// A bound listener.
#[derive(Debug)]
pub struct Listening {
    pub listener: TcpListener,
    pub address: SocketAddr,
    /// The address that would have been used, had it been free.
    pub skipped: Option<Skipped>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub address: SocketAddr,
    pub holder: Option<Holder>,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{address} is in use{}", by(.holder))]
    InUse {
        address: SocketAddr,
        holder: Option<Holder>,
    },
    #[error("{address} and the {tried} ports after it are in use")]
    NoFreePort { address: SocketAddr, tried: u16 },
    #[error("not allowed to listen on {address}")]
    NotAllowed { address: SocketAddr },
    #[error("this machine has no address {}", .address.ip())]
    NoSuchAddress { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Io {
        address: SocketAddr,
        source: io::Error,
    },
}

impl Advice for ListenError {
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }

    fn fault(&self) -> ErrorClass {
        ErrorClass::Environment
    }
}

impl ListenError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InUse {
                holder: Some(holder),
                address,
            } => Some(format!(
                "stop it (`kill {}`), or use any free port: `--address {}`",
                holder.pid,
                any_port(*address)
            )),
            Self::InUse {
                holder: None,
                address,
            } => Some(format!(
                "`lsof -i :{}` may tell what has it; or use any free port: `--address {}`",
                address.port(),
                any_port(*address)
            )),
            Self::NoFreePort { address, .. } => Some(format!(
                "use any free port: `--address {}`",
                any_port(*address)
            )),
            Self::NotAllowed { address } if address.port() < 1024 => Some(format!(
                "ports below 1024 are for the superuser; use a higher one: `--address {}`",
                SocketAddr::new(address.ip(), 8000)
            )),
            Self::NoSuchAddress { .. } => {
                Some("listen on this machine only: `--address 127.0.0.1:8000`".to_owned())
            }
            Self::NotAllowed { .. } | Self::Io { .. } => None,
        }
    }
}

/// Binds the address. When it is taken and nobody `requested` it, binds the next free port instead.
pub async fn listen(address: SocketAddr, requested: bool) -> Result<Listening, ListenError> {
    match bind(address) {
        Ok(listener) => listening(listener, address, None),
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => Err(classify(address, error)),
        Err(_) if requested => Err(ListenError::InUse {
            address,
            holder: holder(address).await,
        }),
        Err(_) => {
            let skipped = Skipped {
                address,
                holder: holder(address).await,
            };
            let (listener, address) = next_free(address)?;
            listening(listener, address, Some(skipped))
        }
    }
}

fn next_free(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let last = address.port().saturating_add(PORTS_TRIED);
    for port in address.port()..last {
        let next = SocketAddr::new(address.ip(), port + 1);
        match bind(next) {
            Ok(listener) => return Ok((listener, next)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(classify(next, error)),
        }
    }
    Err(ListenError::NoFreePort {
        address,
        tried: last - address.port(),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Unix this only lets a port be taken again right after a restart; on Windows it would let two have it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn listening(
    listener: TcpListener,
    asked: SocketAddr,
    skipped: Option<Skipped>,
) -> Result<Listening, ListenError> {
    let address = listener
        .local_addr()
        .map_err(|error| classify(asked, error))?;
    Ok(Listening {
        listener,
        address,
        skipped,
    })
}

fn classify(address: SocketAddr, error: io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ListenError::NotAllowed { address },
        io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress { address },
        _ => ListenError::Io {
            address,
            source: error,
        },
    }
}

/// Looking through all processes takes a while.
async fn holder(address: SocketAddr) -> Option<Holder> {
    tokio::task::spawn_blocking(move || Holder::of_port(address))
        .await
        .ok()
        .flatten()
}

fn by(holder: &Option<Holder>) -> String {
    holder
        .as_ref()
        .map(|holder| format!(" by {holder}"))
        .unwrap_or_default()
}

fn any_port(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[tokio::test]
    async fn an_address_nobody_asked_for_moves_on() {
        let first = listen(local(0), false).await.expect("a free port");
        assert_eq!(first.skipped, None);
        let second = listen(first.address, false)
            .await
            .expect("the next free port");
        assert!(second.address.port() > first.address.port());
        let skipped = second.skipped.expect("the first port was taken");
        assert_eq!(skipped.address, first.address);
        #[cfg(target_os = "linux")]
        assert_eq!(
            skipped.holder.map(|holder| holder.pid),
            Some(std::process::id())
        );
    }

    #[tokio::test]
    async fn an_address_that_was_asked_for_does_not() {
        let first = listen(local(0), true).await.expect("a free port");
        let error = listen(first.address, true).await.expect_err("it is taken");
        let hint = error.hint().expect("a hint");
        assert!(hint.contains("--address 127.0.0.1:0"), "{hint}");
        #[cfg(target_os = "linux")]
        assert!(
            error
                .to_string()
                .contains(&format!("(pid {})", std::process::id())),
            "{error}"
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        let address = SocketAddr::from(([192, 0, 2, 1], 8000));
        let error = listen(address, false)
            .await
            .expect_err("nobody has a documentation address");
        assert!(
            matches!(error, ListenError::NoSuchAddress { .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_privileged_port_is_explained() {
        let error = classify(local(80), io::ErrorKind::PermissionDenied.into());
        assert_eq!(error.to_string(), "not allowed to listen on 127.0.0.1:80");
        assert!(
            error
                .hint()
                .expect("a hint")
                .contains("--address 127.0.0.1:8000")
        );
    }
}
