//! Commands as one would type them.

/// The words of a command in one line for the shell.
pub fn line<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.into_iter().map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._/=@+-:,".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn words_that_a_shell_would_take_apart_are_quoted() {
        assert_eq!(line(["mkdir", "-p", "/a/my data"]), "mkdir -p '/a/my data'");
        assert_eq!(line(["echo", "", "it's", "$x"]), r"echo '' 'it'\''s' '$x'");
    }
}
