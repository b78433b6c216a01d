//! Names of containers and objects as paths, and back.
//!
//! A name may be any text: empty, `..`, with slashes, control characters, thousands of bytes. Its path stays where it
//! is put and stands for that name only. Characters that are safe on common file systems stay readable; the rest, and
//! a dot or space at either end, are percent-encoded. What exceeds the length of a file name goes on in a directory:
//!
//! ```text
//! notes.txt      notes.txt
//! ../a b?        %2E.%2Fa b%3F
//! (empty)        %
//! 600 x `a`      aaa…%/aaa…%/aaa…     a directory that ends in `%` holds the rest of the name
//! ```
//!
//! On a file system that ignores case, names that differ only in case are the same name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest part of a path, in bytes. File systems allow 255, and one is needed for [`MORE`].
const LONGEST: usize = 240;

/// At the end of a directory's name: the object's name goes on inside.
const MORE: char = '%';

/// The file of the object with the empty name. No other encoding ends in a bare `%`.
const EMPTY: &str = "%";

/// Encodes an object's name as the parts of a relative path: directories, then a file. Never empty.
pub fn encode(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = encode_text(name);
    while rest.len() > LONGEST {
        let mut at = LONGEST;
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        let tail = rest.split_off(at);
        rest.push(MORE);
        parts.push(rest);
        rest = tail;
    }
    parts.push(rest);
    parts
}

/// Encodes a container's name as the name of a directory.
pub fn encode_container(name: &str) -> Result<String, String> {
    let encoded = encode_text(name);
    match encoded.len() {
        0..=LONGEST => Ok(encoded),
        length => Err(format!(
            "the name of the container takes {length} bytes, {LONGEST} are possible"
        )),
    }
}

/// Finds the object that a file stands for, given the directories it is in. `None`: it is nobody's file, because
/// [`encode`] does not make that path.
pub fn decode<'a>(directories: impl Iterator<Item = &'a str>, file: &str) -> Option<String> {
    let mut encoded = String::new();
    let mut count = 1;
    for directory in directories {
        encoded.push_str(continued(directory)?);
        count += 1;
    }
    encoded.push_str(file);
    let name = decode_text(&encoded)?;
    let canonical = encode(&name);
    (canonical.len() == count && canonical.last().is_some_and(|last| last == file)).then_some(name)
}

/// The part of a name that a directory inside a container stands for, if it stands for one.
pub fn continued(directory: &str) -> Option<&str> {
    directory.strip_suffix(MORE).filter(|part| !part.is_empty())
}

fn encode_text(name: &str) -> String {
    if name.is_empty() {
        return EMPTY.into();
    }
    let last = name.char_indices().next_back().map_or(0, |(at, _)| at);
    let mut encoded = String::with_capacity(name.len());
    for (at, character) in name.char_indices() {
        let at_an_end = at == 0 || at == last;
        if is_safe(character) && !(at_an_end && matches!(character, '.' | ' ')) {
            encoded.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

/// Whether a character may be in a file's name on Linux, macOS and Windows, and is not ours.
fn is_safe(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '%' | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
        )
}

fn decode_text(encoded: &str) -> Option<String> {
    if encoded == EMPTY {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, path: &str) {
        let parts = encode(name);
        assert_eq!(parts.join("/"), path);
        let (file, directories) = parts.split_last().expect("never empty");
        assert_eq!(
            decode(directories.iter().map(String::as_str), file).as_deref(),
            Some(name)
        );
    }

    #[test]
    fn everyday_names_stay_as_they_are() {
        check("notes.txt", "notes.txt");
        check("Résumé (final) v2.tar.gz", "Résumé (final) v2.tar.gz");
        check("日本語", "日本語");
        check("a", "a");
    }

    #[test]
    fn nothing_leads_elsewhere() {
        check("..", "%2E%2E");
        check(".", "%2E");
        check("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd");
        check("/", "%2F");
        check("a/b", "a%2Fb");
        check(r"C:\x", "C%3A%5Cx");
        check(".container", "%2Econtainer");
        check(".staging", "%2Estaging");
    }

    #[test]
    fn odd_names_are_encoded() {
        check("", "%");
        check("%", "%25");
        check("%2F", "%252F");
        check(" ", "%20");
        check("a ", "a%20");
        check("a.", "a%2E");
        check("a\0b\n", "a%00b%0A");
        check("\u{85}", "%C2%85");
    }

    #[test]
    fn long_names_go_on_in_directories() {
        let a = "a".repeat(240);
        check(&a, &a);
        check(&"a".repeat(241), &format!("{a}%/a"));
        check(&"a".repeat(600), &format!("{a}%/{a}%/{}", "a".repeat(120)));
        // Cut between two characters, and in the middle of an escape.
        check(
            &format!("{}é!", "a".repeat(239)),
            &format!("{}%/é!", "a".repeat(239)),
        );
        check(
            &format!("{}/b", "a".repeat(239)),
            &format!("{}%%/2Fb", "a".repeat(239)),
        );
        check(
            &format!("{}/", "a".repeat(238)),
            &format!("{}%2%/F", "a".repeat(238)),
        );
    }

    #[test]
    fn files_of_others_are_nobodys() {
        for path in [
            ".container",
            ".hidden",
            "a%",
            "%zz",
            "%2f",
            "%41",
            "%FF",
            "a:b",
            "x/y",
            "x%/y",
            "%/y",
        ] {
            let (directories, file) = path
                .rsplit_once('/')
                .map_or((None, path), |(d, f)| (Some(d), f));
            assert_eq!(decode(directories.into_iter(), file), None, "{path}");
        }
    }

    #[test]
    fn containers_are_one_directory() {
        assert_eq!(encode_container("photos").as_deref(), Ok("photos"));
        assert_eq!(encode_container(".staging").as_deref(), Ok("%2Estaging"));
        assert_eq!(encode_container("").as_deref(), Ok("%"));
        assert_eq!(
            encode_container(&"a".repeat(241)),
            Err("the name of the container takes 241 bytes, 240 are possible".into())
        );
    }
}
