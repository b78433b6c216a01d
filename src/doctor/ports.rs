//! The ports that `wash dev` will want: whether they are free, and who has them if not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use wash_common::process_lookup::Holder;
use wash_runtime::capability::sockets::Protocol;

use super::finding::{Area, Finding, Level};
use crate::project::{Address, Project};

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let default = Address::default();
    let address = project.map_or(&default, |project| &project.dev.address);
    let mut findings = vec![dev(address, project.is_some())];
    let published = project
        .into_iter()
        .flat_map(|project| &project.dev.service_ports);
    findings.extend(published.map(|port| {
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, port.host));
        let what = format!("{socket}/{}, of `dev.service_ports`,", port.protocol);
        let bound = match port.protocol {
            Protocol::Tcp => TcpListener::bind(socket).map(drop),
            Protocol::Udp => UdpSocket::bind(socket).map(drop),
        };
        let hint = "change its `publish`, or stop that process";
        tell(&what, socket, bound, Level::Error, hint)
    }));
    findings
}

fn dev(address: &Address, is_project: bool) -> Finding {
    let socket = address.socket;
    let bound = TcpListener::bind(socket).map(drop);
    match (address.requested, is_project) {
        (true, true) => {
            let hint = "change `dev.address`, or stop that process";
            let what = format!("{socket}, of `dev.address`,");
            tell(&what, socket, bound, Level::Error, hint)
        }
        // `wash dev` takes the next one then.
        _ => tell(
            &socket.to_string(),
            socket,
            bound,
            Level::Note,
            "nothing to do: `wash dev` uses the next free port",
        ),
    }
}

fn tell(what: &str, socket: SocketAddr, bound: io::Result<()>, bad: Level, hint: &str) -> Finding {
    let error = match bound {
        Ok(()) => return Finding::new(Area::Ports, Level::Fine, format!("{what} is free")),
        Err(error) => error,
    };
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    match Holder::of_port(socket).filter(|_| taken) {
        // It may be the session of this very project.
        Some(holder) if is_wash(&holder) => {
            let message = format!("{what} is served by {holder}");
            Finding::new(Area::Ports, bad.min(Level::Warning), message)
                .hint(format!("another session needs another port: {hint}"))
        }
        Some(holder) => {
            let message = format!("{what} is in use by {holder}");
            Finding::new(Area::Ports, bad, message).hint(hint)
        }
        None if taken => {
            let message = format!("{what} is in use by another process");
            Finding::new(Area::Ports, bad, message).hint(hint)
        }
        None => {
            let message = format!("cannot listen on {what}: {error}");
            Finding::new(Area::Ports, bad, message).hint(hint)
        }
    }
}

fn is_wash(holder: &Holder) -> bool {
    let program = holder.command.split(' ').next().unwrap_or_default();
    let name = std::path::Path::new(program).file_name();
    name.is_some_and(|name| name == "wash")
}
