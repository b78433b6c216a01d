//! The options of a socket. Within a workload they are only remembered; a real socket has them set.

use std::time::Duration;

use rustix::fd::AsFd;
use rustix::net::sockopt;
use wasmtime_wasi::sockets::ErrorCode;

use super::place::Family;

/// `None` is what the system has.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) keep_alive: bool,
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
    pub(super) hop_limit: Option<u8>,
    pub(super) receive_buffer: Option<usize>,
    pub(super) send_buffer: Option<usize>,
}

/// What Linux has, for those that were not set.
pub(super) const IDLE: Duration = Duration::from_secs(7200);
pub(super) const INTERVAL: Duration = Duration::from_secs(75);
pub(super) const COUNT: u32 = 9;
pub(super) const HOP_LIMIT: u8 = 64;
pub(super) const BUFFER: usize = 64 * 1024;

/// Beyond these the system refuses, which guests are not prepared for.
const MAX_LENGTH: Duration = Duration::from_secs(i16::MAX as u64);
const MOST_PROBES: u32 = i8::MAX as u32;
const BIGGEST_BUFFER: usize = i32::MAX as usize / 2;

impl Options {
    pub(super) fn set_idle(&mut self, nanos: u64) -> Result<(), ErrorCode> {
        self.idle = Some(seconds(nanos)?);
        Ok(())
    }

    pub(super) fn set_interval(&mut self, nanos: u64) -> Result<(), ErrorCode> {
        self.interval = Some(seconds(nanos)?);
        Ok(())
    }

    pub(super) fn set_count(&mut self, count: u32) -> Result<(), ErrorCode> {
        self.count = Some(not_zero(count)?.min(MOST_PROBES));
        Ok(())
    }

    pub(super) fn set_hop_limit(&mut self, limit: u8) -> Result<(), ErrorCode> {
        self.hop_limit = Some(not_zero(limit)?);
        Ok(())
    }

    pub(super) fn set_receive_buffer(&mut self, size: u64) -> Result<(), ErrorCode> {
        self.receive_buffer = Some(buffer(size)?);
        Ok(())
    }

    pub(super) fn set_send_buffer(&mut self, size: u64) -> Result<(), ErrorCode> {
        self.send_buffer = Some(buffer(size)?);
        Ok(())
    }

    /// Sets those of TCP and of IP on a real socket.
    pub(super) fn apply_tcp(&self, socket: impl AsFd, family: Family) -> Result<(), ErrorCode> {
        let socket = socket.as_fd();
        sockopt::set_socket_keepalive(socket, self.keep_alive)?;
        if let Some(idle) = self.idle {
            sockopt::set_tcp_keepidle(socket, idle)?;
        }
        if let Some(interval) = self.interval {
            sockopt::set_tcp_keepintvl(socket, interval)?;
        }
        if let Some(count) = self.count {
            sockopt::set_tcp_keepcnt(socket, count)?;
        }
        self.apply_ip(socket, family)
    }

    pub(super) fn apply_ip(&self, socket: impl AsFd, family: Family) -> Result<(), ErrorCode> {
        let socket = socket.as_fd();
        match (self.hop_limit, family) {
            (Some(limit), Family::V4) => sockopt::set_ip_ttl(socket, limit.into())?,
            (Some(limit), Family::V6) => sockopt::set_ipv6_unicast_hops(socket, Some(limit))?,
            (None, _) => {}
        }
        if let Some(size) = self.receive_buffer {
            sockopt::set_socket_recv_buffer_size(socket, size)?;
        }
        if let Some(size) = self.send_buffer {
            sockopt::set_socket_send_buffer_size(socket, size)?;
        }
        Ok(())
    }
}

fn not_zero<T: PartialEq + Default>(value: T) -> Result<T, ErrorCode> {
    match value == T::default() {
        true => Err(ErrorCode::InvalidArgument),
        false => Ok(value),
    }
}

fn seconds(nanos: u64) -> Result<Duration, ErrorCode> {
    let wanted = Duration::from_nanos(not_zero(nanos)?);
    Ok(wanted.clamp(Duration::from_secs(1), MAX_LENGTH))
}

fn buffer(size: u64) -> Result<usize, ErrorCode> {
    let size = usize::try_from(not_zero(size)?).unwrap_or(usize::MAX);
    Ok(size.min(BIGGEST_BUFFER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_zero_and_nothing_too_much() {
        let mut options = Options::default();
        assert!(options.set_idle(0).is_err());
        assert!(options.set_count(0).is_err());
        assert!(options.set_hop_limit(0).is_err());
        assert!(options.set_send_buffer(0).is_err());
        options.set_idle(1).unwrap();
        options.set_interval(u64::MAX).unwrap();
        options.set_count(u32::MAX).unwrap();
        options.set_receive_buffer(u64::MAX).unwrap();
        assert_eq!(options.idle, Some(Duration::from_secs(1)));
        assert_eq!(options.interval, Some(MAX_LENGTH));
        assert_eq!(options.count, Some(127));
        assert_eq!(options.receive_buffer, Some(BIGGEST_BUFFER));
    }
}
