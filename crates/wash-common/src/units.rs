//! Durations and sizes: how they are printed, and how people write them.
//!
//! | | measured, rounded | set, exact |
//! |---|---|---|
//! | duration | [`elapsed()`]: `12.3 ms` | [`duration()`]: `500 ms`, `10 s` |
//! | size | [`size()`]: `1.2 MB` | [`exact_size()`]: `64 MiB` |

use std::num::NonZeroU64;
use std::time::Duration;

/// How long something took, with three digits or so: `0.42 ms`, `12.3 ms`, `2.05 s`, `61.0 s`.
pub fn elapsed(duration: Duration) -> String {
    let (value, unit) = match duration.as_secs_f64() {
        seconds if seconds < 1.0 => (seconds * 1e3, "ms"),
        seconds => (seconds, "s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// A limit or a wait as it was set, to the millisecond: `250 ms`, `1.5 s`, `10 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        // Shortest that reads the same, so nothing is rounded.
        millis => format!("{} s", millis as f64 / 1e3),
    }
}

/// How large something is: `512 B`, `64 KB`, `1.2 MB`.
pub fn size(bytes: impl TryInto<u64>) -> String {
    let bytes = bytes.try_into().unwrap_or(u64::MAX);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A limit, in the units of the config where they do not round it: `64 MiB`, `1 GiB`, `1000 bytes`.
pub fn exact_size(bytes: u64) -> String {
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// `10s`, `250ms`, `1.5s`, `2m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
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
pub fn parse_size(text: &str) -> Result<NonZeroU64, String> {
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

/// The number and the unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_durations_are_short() {
        for (micros, text) in [
            (420, "0.42 ms"),
            (12_340, "12.3 ms"),
            (999_000, "999 ms"),
            (2_050_000, "2.05 s"),
            (61_000_000, "61.0 s"),
        ] {
            assert_eq!(elapsed(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn set_durations_are_exact() {
        for (millis, text) in [
            (50, "50 ms"),
            (1_000, "1 s"),
            (1_500, "1.5 s"),
            (60_001, "60.001 s"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn measured_sizes_are_short() {
        for (bytes, text) in [
            (999, "999 B"),
            (1_001, "2 KB"),
            (999_999, "1000 KB"),
            (1_250_000, "1.2 MB"),
            (3_000_000_000_u64, "3000.0 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn set_sizes_are_exact() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1_000, "1000 bytes"),
            (1_024, "1 KiB"),
            (64 << 20, "64 MiB"),
            (1_536 << 20, "1536 MiB"),
            (2 << 30, "2 GiB"),
        ] {
            assert_eq!(exact_size(bytes), text);
        }
    }

    #[test]
    fn durations_are_parsed() {
        for (text, millis) in [
            ("10s", 10_000),
            ("250ms", 250),
            ("1.5s", 1_500),
            ("2m", 120_000),
            (" 3 s", 3_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
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
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_parsed() {
        for (text, bytes) in [
            ("1", 1),
            ("64 KiB", 65_536),
            ("512MiB", 512 << 20),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(parse_size(text).map(NonZeroU64::get), Ok(bytes), "{text}");
        }
        for text in ["", "0", "1.5MiB", "MiB", "12 EB", "99999999999GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
