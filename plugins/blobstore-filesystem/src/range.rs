//! Which bytes of an object a caller asked for.

use alloc::format;
use alloc::string::String;

/// A part of an object that lies within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub length: u64,
}

/// Resolves the bytes from `start` to `end`, both included, of an object of `size` bytes.
///
/// An end past the object means its last byte: callers who want everything ask for `0..=u64::MAX`. A start right at
/// the end gives nothing, so that resuming a complete download is no error.
pub fn resolve(start: u64, end: u64, size: u64) -> Result<Span, String> {
    if start > end {
        return Err(format!(
            "the range starts at byte {start}, after its end, byte {end}"
        ));
    }
    if start > size {
        return Err(format!(
            "the range starts at byte {start}, but the object has {size} bytes"
        ));
    }
    let stop = end.saturating_add(1).min(size);
    Ok(Span {
        start,
        length: stop - start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(start: u64, end: u64, size: u64, expected: Result<(u64, u64), &str>) {
        let found = resolve(start, end, size).map(|span| (span.start, span.length));
        assert_eq!(
            found,
            expected.map_err(String::from),
            "{start}..={end} of {size}"
        );
    }

    #[test]
    fn ends_are_included() {
        check(0, 0, 10, Ok((0, 1)));
        check(2, 4, 10, Ok((2, 3)));
        check(9, 9, 10, Ok((9, 1)));
    }

    #[test]
    fn ends_past_the_object_mean_its_last_byte() {
        check(0, 9, 10, Ok((0, 10)));
        check(0, 10, 10, Ok((0, 10)));
        check(0, u64::MAX, 10, Ok((0, 10)));
        check(4, u64::MAX, 10, Ok((4, 6)));
        check(0, u64::MAX, u64::MAX, Ok((0, u64::MAX)));
    }

    #[test]
    fn nothing_is_left_at_the_end() {
        check(0, 0, 0, Ok((0, 0)));
        check(0, u64::MAX, 0, Ok((0, 0)));
        check(10, u64::MAX, 10, Ok((10, 0)));
        check(10, 10, 10, Ok((10, 0)));
    }

    #[test]
    fn impossible_ranges_say_why() {
        check(
            4,
            3,
            10,
            Err("the range starts at byte 4, after its end, byte 3"),
        );
        check(
            11,
            12,
            10,
            Err("the range starts at byte 11, but the object has 10 bytes"),
        );
    }
}
