//! Durations, sizes, levels and addresses as people write them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use crate::console::Level;

/// `10s`, `250ms`, `1.5s`, `2m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a duration such as `500ms`, `10s` or `2m`, found `{text}`");
    let (number, unit) = split(text);
    let unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    match Duration::try_from_secs_f64(number * unit) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(wrong()),
    }
}

/// Bytes: `512MiB`, `64 KiB`, `1GB`, or a plain number.
pub fn size(text: &str) -> Result<NonZeroU64, String> {
    let wrong = || format!("expected a size such as `64MiB` or `1GiB`, found `{text}`");
    let (number, unit) = split(text);
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "ki" | "k" => 1 << 10,
        "mib" | "mi" | "m" => 1 << 20,
        "gib" | "gi" | "g" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .and_then(NonZeroU64::new)
        .ok_or_else(wrong)
}

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

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
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
    fn durations() {
        for (text, millis) in [
            ("10s", 10_000),
            ("250ms", 250),
            ("1.5s", 1_500),
            ("2m", 120_000),
            (" 3 s", 3_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "10",
            "",
            "s",
            "-1s",
            "0s",
            "1e3s",
            "10 parsecs",
            "99999999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1", 1),
            ("64 KiB", 65_536),
            ("512MiB", 512 << 20),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(size(text).map(NonZeroU64::get), Ok(bytes), "{text}");
        }
        for text in ["", "0", "1.5MiB", "MiB", "12 EB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

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
