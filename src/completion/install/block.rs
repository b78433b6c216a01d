//! Some lines of ours in a file of the user's, between two others that tell where they are.

pub(super) const BEGIN: &str = "# >>> wash completion >>>";
pub(super) const END: &str = "# <<< wash completion <<<";

/// The text with our lines: where they were, or at its end. The error is the number of the line where a block begins that
/// does not end.
pub(super) fn with(text: &str, lines: &str) -> Result<String, usize> {
    let block = format!("{BEGIN}\n{lines}\n{END}\n");
    if let Some((before, after)) = around(text)? {
        // If there were several, one is enough.
        return Ok(format!("{before}{block}{}", without(after)?));
    }
    let gap = match text.is_empty() || text.ends_with('\n') {
        true => "",
        false => "\n",
    };
    Ok(format!("{text}{gap}{block}"))
}

pub(super) fn without(text: &str) -> Result<String, usize> {
    match around(text)? {
        Some((before, after)) => Ok(format!("{before}{}", without(after)?)),
        None => Ok(text.to_owned()),
    }
}

/// What is before the first block and after it.
fn around(text: &str) -> Result<Option<(&str, &str)>, usize> {
    let mut begin = None;
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        match (line.trim_end(), begin) {
            (BEGIN, None) => begin = Some((at, number + 1)),
            (END, Some((begin, _))) => return Ok(Some((&text[..begin], &text[end..]))),
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

    #[test]
    fn lines_come_and_go_where_they_are() {
        let first = with("one\n", "x").unwrap();
        assert_eq!(first, format!("one\n{BEGIN}\nx\n{END}\n"));
        let more = format!("{first}two\n");
        assert_eq!(
            with(&more, "y").unwrap(),
            format!("one\n{BEGIN}\ny\n{END}\ntwo\n")
        );
        assert_eq!(without(&more).unwrap(), "one\ntwo\n");
        let twice = format!("{more}{first}");
        assert_eq!(with(&twice, "x").unwrap(), format!("{more}one\n"));
        assert_eq!(with("one", "x").unwrap(), first);
    }

    #[test]
    fn a_block_without_an_end_is_not_touched() {
        assert_eq!(with(&format!("one\n{BEGIN}\nx\n"), "x"), Err(2));
        assert_eq!(without(&format!("{BEGIN}\nall the rest\n")), Err(1));
    }
}
