//! Some lines of ours in a file of the user's, between two others that tell where they are. The rest of the file need not be
//! text.

pub(super) const BEGIN: &str = "# >>> wash completion >>>";
pub(super) const END: &str = "# <<< wash completion <<<";

/// The file with our lines: where they were, or at its end. The error is the number of the line where a block begins that
/// does not end.
pub(super) fn with(file: &[u8], lines: &str) -> Result<Vec<u8>, usize> {
    let block = format!("{BEGIN}\n{lines}\n{END}\n").into_bytes();
    if let Some((before, after)) = around(file)? {
        // If there were several, one is enough.
        return Ok([before, &block, &without(after)?].concat());
    }
    let gap: &[u8] = match file.is_empty() || file.ends_with(b"\n") {
        true => b"",
        false => b"\n",
    };
    Ok([file, gap, &block].concat())
}

pub(super) fn without(file: &[u8]) -> Result<Vec<u8>, usize> {
    match around(file)? {
        Some((before, after)) => Ok([before, &without(after)?].concat()),
        None => Ok(file.to_vec()),
    }
}

/// Whether there are lines of ours.
pub(super) fn is_in(file: &[u8]) -> bool {
    let mut lines = file.split(|byte| *byte == b'\n');
    lines.any(|line| line.trim_ascii_end() == BEGIN.as_bytes())
}

/// What is before the first block and after it.
type Around<'f> = (&'f [u8], &'f [u8]);

/// Finds the first block. The error is the line on which a block begins that does not end.
fn around(file: &[u8]) -> Result<Option<Around<'_>>, usize> {
    let mut begin = None;
    let mut at = 0;
    for (number, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let end = at + line.len();
        let line = line.trim_ascii_end();
        match begin {
            None if line == BEGIN.as_bytes() => begin = Some((at, number + 1)),
            Some((begin, _)) if line == END.as_bytes() => {
                return Ok(Some((&file[..begin], &file[end..])));
            }
            _ => {}
        }
        at = end;
    }
    match begin {
        Some((_, number)) => Err(number),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: &str, lines: &str) -> String {
        String::from_utf8(with(file.as_bytes(), lines).unwrap()).unwrap()
    }

    #[test]
    fn lines_come_and_go_where_they_are() {
        let first = put("one\n", "x");
        assert_eq!(first, format!("one\n{BEGIN}\nx\n{END}\n"));
        assert!(is_in(first.as_bytes()) && !is_in(b"one\n"));
        let more = format!("{first}two\n");
        assert_eq!(put(&more, "y"), format!("one\n{BEGIN}\ny\n{END}\ntwo\n"));
        assert_eq!(without(more.as_bytes()).unwrap(), b"one\ntwo\n");
        let twice = format!("{more}{first}");
        assert_eq!(put(&twice, "x"), format!("{more}one\n"));
        assert_eq!(put("one", "x"), first);
    }

    #[test]
    fn what_is_not_text_stays() {
        let file = b"caf\xe9\n";
        let there = with(file, "x").unwrap();
        assert!(there.starts_with(file));
        assert_eq!(without(&there).unwrap(), file);
    }

    #[test]
    fn a_block_without_an_end_is_not_touched() {
        let file = format!("one\n{BEGIN}\nx\n");
        assert_eq!(with(file.as_bytes(), "x"), Err(2));
        let file = format!("{BEGIN}\nall the rest\n");
        assert_eq!(without(file.as_bytes()), Err(1));
    }
}
