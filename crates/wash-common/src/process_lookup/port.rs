//! Who listens on a port, as Linux tells.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::Holder;

/// `TCP_LISTEN` in the `st` column.
const LISTENING: &str = "0A";

pub(super) fn holder(address: SocketAddr) -> Option<Holder> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .find_map(|table| listener(&fs::read_to_string(table).ok()?, address))?;
    Holder::with_pid(owner(inode)?)
}

/// The inode of the socket that listens where the address would.
fn listener(table: &str, address: SocketAddr) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let local = columns.next()?;
        let state = columns.nth(1)?;
        let inode = columns.nth(5)?.parse().ok()?;
        let (ip, port) = local.split_once(':')?;
        let same_port = u16::from_str_radix(port, 16) == Ok(address.port());
        (state == LISTENING && same_port && overlap(parse_ip(ip)?, address.ip())).then_some(inode)
    })
}

/// An address as the kernel prints it: 32-bit words, each in the byte order of the machine.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        Some(
            u32::from_str_radix(hex.get(at..at + 8)?, 16)
                .ok()?
                .to_ne_bytes(),
        )
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

/// Listeners on equal addresses exclude each other, and one on all addresses excludes every other.
fn overlap(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}

fn owner(inode: u64) -> Option<u32> {
    let link = PathBuf::from(format!("socket:[{inode}]"));
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid: &u32| {
            let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
                return false;
            };
            files
                .flatten()
                .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == link))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100 0 0 10 0
   1: 0100007F:1F41 0100007F:1F40 01 00000000:00000000 00:00000000 00000000  1000        0 42 1 0 100 0 0 10 0
   2: 00000000:1F42 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 43 1 0 100 0 0 10 0
";
    const TABLE6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1F40 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51 1 0 100 0 0 10 0
   1: 00000000000000000000000000000000:1F41 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 52 1 0 100 0 0 10 0
";

    #[cfg(target_endian = "little")]
    #[test]
    fn finds_the_listener_in_the_way() {
        let find = |table, address: &str| listener(table, address.parse().expect("an address"));
        assert_eq!(find(TABLE, "127.0.0.1:8000"), Some(41));
        assert_eq!(find(TABLE, "0.0.0.0:8000"), Some(41));
        assert_eq!(find(TABLE, "127.0.0.2:8000"), None);
        assert_eq!(
            find(TABLE, "127.0.0.1:8001"),
            None,
            "a connection is no listener"
        );
        assert_eq!(find(TABLE, "127.0.0.1:8002"), Some(43));
        assert_eq!(find(TABLE6, "[::1]:8000"), Some(51));
        assert_eq!(
            find(TABLE6, "127.0.0.1:8001"),
            Some(52),
            "`[::]` has the IPv4 port as well"
        );
        assert_eq!(find("", "127.0.0.1:8000"), None);
        assert_eq!(find("header\nnonsense", "127.0.0.1:8000"), None);
    }
}
