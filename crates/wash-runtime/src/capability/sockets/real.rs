//! Connections and datagrams that leave the workload, once the rules let them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi::sockets::ErrorCode;

use super::options::Options;
use super::place::{Family, MACHINE_ADDRESS, Place};

/// A real connection, which counts as one of the workload's until both of its directions have gone.
pub(super) struct Stream {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Stream {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

/// A real connection, and the addresses that the guest sees.
pub(super) struct Connected {
    pub(super) stream: Arc<Stream>,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

pub(super) async fn connect(
    to: SocketAddr,
    options: Options,
    permit: OwnedSemaphorePermit,
) -> Result<Connected, ErrorCode> {
    let stream = match Place::of(to.ip()) {
        Place::Workload => return Err(ErrorCode::AccessDenied),
        Place::Outside => open(to, &options).await?,
        // Servers on the machine listen on the one or on the other.
        Place::Machine => match open((Ipv4Addr::LOCALHOST, to.port()).into(), &options).await {
            Ok(stream) => stream,
            Err(error) => open((Ipv6Addr::LOCALHOST, to.port()).into(), &options)
                .await
                .map_err(|_| error)?,
        },
    };
    let local = stream.local_addr()?;
    let local = match Place::of(to.ip()) {
        Place::Machine => SocketAddr::new(MACHINE_ADDRESS, local.port()),
        _ => local,
    };
    Ok(Connected {
        stream: Arc::new(Stream {
            stream,
            _permit: permit,
        }),
        local,
        remote: to,
    })
}

async fn open(to: SocketAddr, options: &Options) -> Result<TcpStream, ErrorCode> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    options.apply_tcp(&socket, Family::of(to.ip()))?;
    Ok(socket.connect(to).await?)
}

/// A real socket for datagrams, on a port that the system chooses.
pub(super) fn datagrams(family: Family, options: &Options) -> Result<UdpSocket, ErrorCode> {
    let socket = std::net::UdpSocket::bind(family.unspecified())?;
    socket.set_nonblocking(true)?;
    options.apply_ip(&socket, family)?;
    Ok(UdpSocket::from_std(socket)?)
}

/// Sends a datagram. The system nearly always takes it at once, also from a socket that was just made, of which the
/// runtime does not know yet that it can be written to.
pub(super) fn poll_send(
    socket: &UdpSocket,
    cx: &mut Context<'_>,
    bytes: &[u8],
    to: SocketAddr,
) -> Poll<Result<(), ErrorCode>> {
    match rustix::net::sendto(socket, bytes, SendFlags::DONTWAIT, &to) {
        Ok(_) => Poll::Ready(Ok(())),
        Err(Errno::AGAIN) => {
            ready!(socket.poll_send_to(cx, bytes, to))?;
            Poll::Ready(Ok(()))
        }
        Err(error) => Poll::Ready(Err(error.into())),
    }
}

/// Where a datagram for an address that the guest knows really goes.
pub(super) fn outward(to: SocketAddr) -> SocketAddr {
    match Place::of(to.ip()) {
        Place::Machine => (Ipv4Addr::LOCALHOST, to.port()).into(),
        _ => to,
    }
}

/// As what the guest knows the address that a real datagram comes from.
pub(super) fn inward(from: SocketAddr) -> SocketAddr {
    let address = from.ip().to_canonical();
    match address == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        true => SocketAddr::new(MACHINE_ADDRESS, from.port()),
        false => SocketAddr::new(address, from.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open_to(to: SocketAddr) -> Result<Connected, ErrorCode> {
        let permit = Arc::new(tokio::sync::Semaphore::new(1));
        connect(
            to,
            Options::default(),
            permit.acquire_owned().await.unwrap(),
        )
        .await
    }

    #[test]
    fn the_machine_has_another_address_inside() {
        let inside: SocketAddr = "192.0.0.8:53".parse().unwrap();
        let outside: SocketAddr = "127.0.0.1:53".parse().unwrap();
        assert_eq!(outward(inside), outside);
        assert_eq!(inward(outside), inside);
        let other: SocketAddr = "203.0.113.1:53".parse().unwrap();
        assert_eq!((outward(other), inward(other)), (other, other));
    }

    #[tokio::test]
    async fn the_machine_is_reached_on_either_loopback() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = tokio::net::TcpListener::bind(address).await else {
                assert!(address.starts_with('['), "a machine without IPv6 is one");
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let to = SocketAddr::new(MACHINE_ADDRESS, port);
            let connected = open_to(to).await.unwrap();
            assert_eq!(connected.remote, to);
            assert_eq!(connected.local.ip(), MACHINE_ADDRESS);
        }
    }

    #[tokio::test]
    async fn the_workloads_own_addresses_are_never_the_machines() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let error = open_to(address).await.err().unwrap();
        assert!(matches!(error, ErrorCode::AccessDenied));
    }
}
