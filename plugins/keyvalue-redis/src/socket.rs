//! Connections over `wasi:sockets`.

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    Network,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use crate::wire::{Broken, Connect, Wire};

const SECOND: u64 = 1_000_000_000;

/// How long to try one address.
const CONNECT: u64 = 5 * SECOND;

/// How long the server may keep silent.
const SILENCE: u64 = 30 * SECOND;

/// How `wash` calls the loopback of the machine; the component's own `127.0.0.1` is that of its workload.
const MACHINE: &str = "host.wasmcloud.internal";

/// Bytes to ask the host for at once.
const READ: u64 = 256 * 1024;

pub struct Sockets;

/// Streams are dropped before the socket that they belong to.
pub struct Stream {
    input: InputStream,
    output: OutputStream,
    _socket: TcpSocket,
}

impl Connect for Sockets {
    type Wire = Stream;

    fn connect(&self, host: &str, port: u16) -> Result<Stream, Broken> {
        let network = instance_network();
        let mut last = Broken("the name has no address".to_owned());
        for address in addresses(&network, host)? {
            match open(&network, address, port) {
                Ok(stream) => return Ok(stream),
                Err(broken) => last = broken,
            }
        }
        Err(last)
    }
}

/// Where a host is. For the loopback it is that of the machine, where the runtime has a name for it.
fn addresses(network: &Network, host: &str) -> Result<Vec<IpAddress>, Broken> {
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "::1");
    if is_loopback
        && let Ok(found) = look_up(network, MACHINE)
        && !found.is_empty()
    {
        return Ok(found);
    }
    look_up(network, host).map_err(|code| match code {
        ErrorCode::NameUnresolvable => Broken("there is no host of this name".to_owned()),
        code => Broken(format!("cannot look the name up: {}", words(code))),
    })
}

fn look_up(network: &Network, name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let stream = resolve_addresses(network, name)?;
    let ready = stream.subscribe();
    let mut found = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(address)) => found.push(address),
            Ok(None) => return Ok(found),
            Err(ErrorCode::WouldBlock) => {
                if !wait(&ready, CONNECT) {
                    return Err(ErrorCode::Timeout);
                }
            }
            Err(code) => return Err(code),
        }
    }
}

fn open(network: &Network, address: IpAddress, port: u16) -> Result<Stream, Broken> {
    let failed = |code| Broken(words(code).to_owned());
    let (family, address) = match address {
        IpAddress::Ipv4(address) => {
            let address = Ipv4SocketAddress { port, address };
            (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(address))
        }
        IpAddress::Ipv6(address) => {
            let address = Ipv6SocketAddress {
                port,
                flow_info: 0,
                address,
                scope_id: 0,
            };
            (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address))
        }
    };
    let socket = create_tcp_socket(family).map_err(failed)?;
    socket.start_connect(network, address).map_err(failed)?;
    let ready = socket.subscribe();
    loop {
        match socket.finish_connect() {
            Ok((input, output)) => {
                return Ok(Stream {
                    input,
                    output,
                    _socket: socket,
                });
            }
            Err(ErrorCode::WouldBlock) => {
                if !wait(&ready, CONNECT) {
                    return Err(failed(ErrorCode::Timeout));
                }
            }
            Err(code) => return Err(failed(code)),
        }
    }
}

/// Whether it came within the time.
fn wait(ready: &Pollable, time: u64) -> bool {
    let clock = subscribe_duration(time);
    poll(&[ready, &clock]).contains(&0)
}

fn words(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AccessDenied => "this component is not allowed to",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionReset | ErrorCode::ConnectionAborted => "the connection was reset",
        ErrorCode::RemoteUnreachable => "the host cannot be reached",
        ErrorCode::Timeout => "no answer within 5 s",
        ErrorCode::NameUnresolvable => "there is no host of this name",
        ErrorCode::TemporaryResolverFailure | ErrorCode::PermanentResolverFailure => {
            "names cannot be looked up now"
        }
        code => code.name(),
    }
}

impl Wire for Stream {
    fn is_closed(&mut self) -> bool {
        // Nothing is asked for, so nothing is to come but the end.
        match self.input.read(1) {
            Ok(bytes) => !bytes.is_empty(),
            Err(_) => true,
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let room = self.output.check_write().map_err(broken)?;
            if room == 0 {
                if !wait(&self.output.subscribe(), SILENCE) {
                    return Err(silent());
                }
                continue;
            }
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.output.write(now).map_err(broken)?;
            bytes = later;
        }
        // Large values go on by themselves; this sends the end of each.
        self.output.flush().map_err(broken)
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<(), Broken> {
        loop {
            let bytes = self.input.read(READ).map_err(broken)?;
            if !bytes.is_empty() {
                into.extend_from_slice(&bytes);
                return Ok(());
            }
            if !wait(&self.input.subscribe(), SILENCE) {
                return Err(silent());
            }
        }
    }
}

fn silent() -> Broken {
    Broken("no answer within 30 s".to_owned())
}

fn broken(error: StreamError) -> Broken {
    Broken(match error {
        StreamError::Closed => "it was closed".to_owned(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    })
}
