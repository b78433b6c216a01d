//! A TCP socket as both versions of WASI have it: bound, connected or listening, within the workload or outside of it.

use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wasmtime_wasi::sockets::ErrorCode;

use super::member::Caller;
use super::network::{Connection, TcpLease};
use super::options::Options;
use super::place::{Family, Place};
use super::real::Stream;
use super::stream::{Reader, Writer};
use super::{place, real, stream};
use crate::capability::sockets::Protocol;

pub(super) struct TcpSocket {
    caller: Arc<Caller>,
    pub(super) family: Family,
    pub(super) options: Options,
    backlog: usize,
    state: State,
}

enum State {
    New,
    Bound(TcpLease),
    Connecting(Connecting),
    Connected(Connected),
    Listening {
        lease: Arc<TcpLease>,
        /// What accepted sockets begin with.
        inherited: Arc<Mutex<Options>>,
    },
    Closed(ErrorCode),
}

struct Connected {
    local: SocketAddr,
    remote: SocketAddr,
    reader: Option<Reader>,
    writer: Option<Writer>,
    /// What options are set on.
    stream: Option<Arc<Stream>>,
    /// The local port in the workload's network, if it is of this end.
    _lease: Option<TcpLease>,
}

/// Goes on by itself; to drop it is to give it up.
struct Connecting(JoinHandle<Result<Connected, ErrorCode>>);

impl Drop for Connecting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const BACKLOG: usize = 128;
const MOST_BACKLOG: usize = 4096;

impl TcpSocket {
    pub(super) fn new(caller: Arc<Caller>, family: Family) -> Self {
        Self {
            caller,
            family,
            options: Options::default(),
            backlog: BACKLOG,
            state: State::New,
        }
    }

    pub(super) fn bind(&mut self, address: SocketAddr) -> Result<(), ErrorCode> {
        let State::New = self.state else {
            return Err(ErrorCode::InvalidState);
        };
        if !self.family.has(address.ip()) || !place::is_unicast(address.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        self.caller.bind(Protocol::Tcp, address)?;
        self.state = State::Bound(self.caller.member.network.bind_tcp(address)?);
        Ok(())
    }

    pub(super) fn is_bound(&self) -> bool {
        !matches!(self.state, State::New)
    }

    pub(super) fn start_connect(&mut self, to: SocketAddr) -> Result<(), ErrorCode> {
        let ip = to.ip();
        match self.state {
            State::New | State::Bound(_) => {}
            _ => return Err(ErrorCode::InvalidState),
        }
        if !self.family.has(ip) || !place::is_unicast(ip) || !place::is_remote(to) {
            return Err(ErrorCode::InvalidArgument);
        }
        let before = mem::replace(&mut self.state, State::Closed(ErrorCode::Other));
        let caller = Arc::clone(&self.caller);
        let options = self.options.clone();
        let family = self.family;
        let connect = async move {
            caller.reach(Protocol::Tcp, to)?;
            if Place::of(ip) != Place::Workload {
                return outside(&caller, to, options).await;
            }
            let network = &caller.member.network;
            let lease = match before {
                State::Bound(lease) => lease,
                _ => network.bind_tcp(family.unspecified())?,
            };
            within(&caller, to, lease).await
        };
        self.state = State::Connecting(Connecting(tokio::spawn(connect)));
        Ok(())
    }

    pub(super) fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ErrorCode>> {
        let connected = match &mut self.state {
            State::Connecting(connecting) => {
                // A task is only cancelled by who drops it, and this has not panicked.
                let joined = ready!(Pin::new(&mut connecting.0).poll(cx));
                joined.unwrap_or(Err(ErrorCode::Other))
            }
            State::Connected(_) => return Poll::Ready(Ok(())),
            State::Closed(error) => return Poll::Ready(Err(*error)),
            _ => return Poll::Ready(Err(ErrorCode::InvalidState)),
        };
        match connected {
            Ok(connected) => {
                self.state = State::Connected(connected);
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                self.state = State::Closed(error);
                Poll::Ready(Err(error))
            }
        }
    }

    /// Binds to any port if that has not been done.
    pub(super) fn listen(&mut self) -> Result<Listener, ErrorCode> {
        let address = match &self.state {
            State::New => self.family.unspecified(),
            State::Bound(lease) => lease.address(),
            _ => return Err(ErrorCode::InvalidState),
        };
        self.caller.offer(Protocol::Tcp, address)?;
        let lease = match mem::replace(&mut self.state, State::Closed(ErrorCode::Other)) {
            State::Bound(lease) => lease,
            _ => self.caller.member.network.bind_tcp(address)?,
        };
        let incoming = lease.listen(self.backlog);
        let lease = Arc::new(lease);
        let inherited = Arc::new(Mutex::new(self.options.clone()));
        self.state = State::Listening {
            lease: Arc::clone(&lease),
            inherited: Arc::clone(&inherited),
        };
        Ok(Listener {
            _lease: lease,
            caller: Arc::clone(&self.caller),
            family: self.family,
            options: inherited,
            incoming,
            next: None,
        })
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening { .. })
    }

    pub(super) fn set_backlog(&mut self, size: u64) -> Result<(), ErrorCode> {
        if size == 0 {
            return Err(ErrorCode::InvalidArgument);
        }
        match self.state {
            State::New | State::Bound(_) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                self.backlog = size.min(MOST_BACKLOG);
                Ok(())
            }
            State::Listening { .. } => Err(ErrorCode::NotSupported),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    pub(super) fn take_reader(&mut self) -> Result<Reader, ErrorCode> {
        let reader = self.connected()?.reader.take();
        reader.ok_or(ErrorCode::InvalidState)
    }

    pub(super) fn take_writer(&mut self) -> Result<Writer, ErrorCode> {
        let writer = self.connected()?.writer.take();
        writer.ok_or(ErrorCode::InvalidState)
    }

    fn connected(&mut self) -> Result<&mut Connected, ErrorCode> {
        match &mut self.state {
            State::Connected(connected) => Ok(connected),
            State::Closed(error) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    pub(super) fn local_address(&self) -> Result<SocketAddr, ErrorCode> {
        match &self.state {
            State::New | State::Connecting(_) => Err(ErrorCode::InvalidState),
            State::Bound(lease) => Ok(lease.address()),
            State::Listening { lease, .. } => Ok(lease.address()),
            State::Connected(connected) => Ok(connected.local),
            State::Closed(error) => Err(*error),
        }
    }

    pub(super) fn remote_address(&self) -> Result<SocketAddr, ErrorCode> {
        match &self.state {
            State::Connected(connected) => Ok(connected.remote),
            State::Closed(error) => Err(*error),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Changes options, on a real socket at once.
    pub(super) fn set(
        &mut self,
        change: impl FnOnce(&mut Options) -> Result<(), ErrorCode>,
    ) -> Result<(), ErrorCode> {
        change(&mut self.options)?;
        match &self.state {
            State::Connected(Connected {
                stream: Some(stream),
                remote,
                ..
            }) => {
                let family = Family::of(remote.ip());
                self.options.apply_tcp(&***stream, family)?;
            }
            State::Listening { inherited, .. } => {
                let mut inherited = inherited.lock().unwrap_or_else(PoisonError::into_inner);
                inherited.clone_from(&self.options);
            }
            _ => {}
        }
        Ok(())
    }

    fn accepted(connection: Connection, listener: &Listener) -> Self {
        let Connection {
            local,
            remote,
            reader,
            writer,
        } = connection;
        Self {
            caller: Arc::clone(&listener.caller),
            family: listener.family,
            options: listener
                .options
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            backlog: BACKLOG,
            state: State::Connected(Connected {
                local,
                remote,
                reader: Some(reader),
                writer: Some(writer),
                stream: None,
                _lease: None,
            }),
        }
    }
}

async fn within(caller: &Caller, to: SocketAddr, lease: TcpLease) -> Result<Connected, ErrorCode> {
    let network = Arc::clone(&caller.member.network);
    let by_service = caller.member.is_service();
    let connected = network.connect(to, lease.address(), by_service).await;
    if let Err(ErrorCode::ConnectionRefused) = connected {
        caller.missed(to);
    }
    let Connection {
        local,
        remote,
        reader,
        writer,
    } = connected?;
    Ok(Connected {
        local,
        remote,
        reader: Some(reader),
        writer: Some(writer),
        stream: None,
        _lease: Some(lease),
    })
}

async fn outside(
    caller: &Caller,
    to: SocketAddr,
    options: Options,
) -> Result<Connected, ErrorCode> {
    let permit = caller.outside()?;
    let real::Connected {
        stream,
        local,
        remote,
    } = real::connect(to, options, permit).await?;
    let (reader, writer) = stream::halves(&stream);
    Ok(Connected {
        local,
        remote,
        reader: Some(reader),
        writer: Some(writer),
        stream: Some(stream),
        _lease: None,
    })
}

/// What a socket that listens has accepted. It goes on when the socket has gone.
pub(super) struct Listener {
    /// Has the other end of `incoming`, which therefore does not end.
    _lease: Arc<TcpLease>,
    caller: Arc<Caller>,
    family: Family,
    options: Arc<Mutex<Options>>,
    incoming: mpsc::Receiver<Connection>,
    next: Option<Connection>,
}

impl Listener {
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.next.is_none() {
            self.next = ready!(self.incoming.poll_recv(cx));
        }
        Poll::Ready(())
    }

    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<TcpSocket> {
        ready!(self.poll_ready(cx));
        match self.next.take() {
            Some(connection) => Poll::Ready(TcpSocket::accepted(connection, self)),
            None => Poll::Pending,
        }
    }
}
