//! Levels, counts and addresses as people write them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;

use wash_runtime::events::Level;

/// A level of wasi:logging.
pub(super) fn level(text: &str) -> Result<Level, String> {
    let known = Level::ALL.into_iter().find(|level| level.name() == text);
    known.ok_or_else(|| {
        let names = Level::ALL.map(Level::name).join(", ");
        format!("expected one of {names}, found `{text}`")
    })
}

/// A number from 1.
pub(super) fn count(text: &str) -> Result<NonZeroUsize, String> {
    let wrong = |_| format!("expected a number from 1, found `{text}`");
    text.trim().parse().map_err(wrong)
}

/// `HOST:PORT` with a numeric host or `localhost`; a port alone (`8000`, `:8000`) is on 127.0.0.1.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let local = |port: &str| {
        port.parse()
            .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            .ok()
    };
    text.parse()
        .ok()
        .or_else(|| local(text))
        .or_else(|| {
            local(
                text.strip_prefix("localhost")
                    .unwrap_or(text)
                    .strip_prefix(':')?,
            )
        })
        .ok_or_else(|| format!("expected an address such as `127.0.0.1:8000`, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8000", "[::1]:8000"),
            ("localhost:9000", "127.0.0.1:9000"),
            (":9000", "127.0.0.1:9000"),
            ("9000", "127.0.0.1:9000"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                address(text).map(|address| address.to_string()),
                Ok(expected.to_string()),
                "{text}"
            );
        }
        for text in [
            "",
            "example.org:80",
            "127.0.0.1",
            "127.0.0.1:99999",
            "localhost",
            "http://127.0.0.1:80",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
