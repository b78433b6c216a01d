//! Names of buckets and keys as names of files, and back.
//!
//! A name stays as it is wherever it can be the name of a file, so that directories which others have written can be
//! read, and people find their keys. What cannot is percent-encoded:
//!
//! ```text
//! user:1       user:1
//! a/b          a%2Fb
//! ..           %2E%2E
//! (empty)      %
//! 100%25       100%2525      or it would be read as `100%`
//! ```

use super::{NameKind, StoreError};

/// The longest name that file systems allow, in bytes.
const MAX_LENGTH: usize = 255;

/// The file of the empty name.
const EMPTY: &str = "%";

/// Files that begin like this are not finished.
pub(super) const UNFINISHED: &str = ".wash-";

pub(super) fn encode(name: &str, kind: NameKind) -> Result<String, StoreError> {
    let encoded = encode_text(name);
    match encoded.len() {
        0..=MAX_LENGTH => Ok(encoded),
        length => Err(StoreError::TooLong {
            kind,
            length,
            most: MAX_LENGTH,
        }),
    }
}

/// The name that a file stands for; `None` if it is nobody's, because [`encode`] does not make it.
pub(super) fn decode(file: &str) -> Option<String> {
    let name = match file {
        EMPTY => String::new(),
        file => decode_text(file)?,
    };
    (encode_text(&name) == file).then_some(name)
}

fn encode_text(name: &str) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    let dots = matches!(name, "." | "..") || name.starts_with(UNFINISHED);
    let mut encoded = String::with_capacity(name.len());
    for (at, character) in name.char_indices() {
        let escape = match character {
            '/' | '\0' => true,
            '.' => dots && (at == 0 || name == ".."),
            '%' => name == EMPTY || escaped(&name.as_bytes()[at..]).is_some(),
            _ => false,
        };
        match escape {
            true => encoded.push_str(&format!("%{:02X}", character as u32)),
            false => encoded.push(character),
        }
    }
    encoded
}

fn decode_text(file: &str) -> Option<String> {
    let bytes = file.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escaped(&bytes[at..]) {
            Some(byte) => {
                name.push(byte);
                at += 3;
            }
            None => {
                name.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(name).ok()
}

/// The byte that a text begins with the escape of.
fn escaped(text: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, file: &str) {
        assert_eq!(encode(name, NameKind::Key).as_deref(), Ok(file));
        assert_eq!(decode(file).as_deref(), Some(name));
    }

    #[test]
    fn everyday_names_stay_as_they_are() {
        for name in [
            "counter",
            "user:1",
            "Résumé (final).txt",
            "日本語",
            ".hidden",
            "a.",
            "100%",
            "%zz",
            "a b\n",
        ] {
            check(name, name);
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        check(".", "%2E");
        check("..", "%2E%2E");
        check("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd");
        check("/", "%2F");
        check("a\0b", "a%00b");
        check("...", "...");
    }

    #[test]
    fn what_would_be_read_as_something_else_is_encoded() {
        check("", "%");
        check("%", "%25");
        check("%2F", "%252F");
        check("%2f", "%252f");
        check(".wash-1.tmp", "%2Ewash-1.tmp");
    }

    #[test]
    fn files_of_others_are_nobodys() {
        for file in ["%2f", "%41", ".wash-1.tmp", "%FF", "a%2fb"] {
            assert_eq!(decode(file), None, "{file}");
        }
    }

    #[test]
    fn names_that_are_too_long_are_refused() {
        let longest = "a".repeat(255);
        check(&longest, &longest);
        let error = encode(&"/".repeat(86), NameKind::Bucket).unwrap_err();
        let text =
            "the name of the bucket is too long: 258 bytes as the name of a file, 255 are possible";
        assert_eq!(error.to_string(), text);
    }
}
