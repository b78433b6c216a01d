//! bash, where a word is not what it seems: readline breaks it at the characters of `COMP_WORDBREAKS`, such as `:`, `=` and
//! `@`, and sets what a completion gives in place of the last piece only.
//!
//! So the script hands over the line as it was typed, which is split here as bash will split it; and of each candidate only
//! what follows the last break is given back. `COMP_WORDBREAKS` is everybody's, and is left as it is.

use dialoguer::console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::Words;
use super::quotes::{Quote, Rules, Word};
use crate::completion::Candidate;

/// The type of completion that only shows what there is.
const LISTING: &str = "63";

/// What is known of the place where the answer goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// What of the word stays: up to the last break, without quotes.
    stays: String,
    quote: Quote,
    /// Nothing of the word was typed yet, not even a quote.
    untouched: bool,
    /// A file that the output goes to or the input comes from.
    redirect: bool,
    /// A variable or the like is in it, which bash alone can expand.
    expands: bool,
    /// Words are completed whatever their case is.
    ignore_case: bool,
    /// Candidates are shown and not inserted, on a terminal so wide.
    listing: Option<usize>,
}

impl Edit {
    pub(super) fn ignore_case(&self) -> bool {
        self.ignore_case
    }
}

/// From the line up to the cursor, `COMP_WORDBREAKS`, `COMP_TYPE`, `COLUMNS`, and `ignore` if the case of letters does not
/// count.
pub(super) fn words(arguments: &[String]) -> Option<Words> {
    let [line, breaks, kind, columns, case @ ..] = arguments else {
        return None;
    };
    let mut words = split(line, breaks);
    let width = columns.parse().unwrap_or(80);
    words.bash.listing = (kind == LISTING).then_some(width);
    words.bash.ignore_case = case.iter().any(|case| case == "ignore");
    Some(words)
}

fn split(line: &str, breaks: &str) -> Words {
    let mut words = Vec::new();
    let mut word = Word::default();
    // Where in its value the word was broken last.
    let mut broken = 0;
    let mut redirect = false;
    for c in line.chars() {
        if word.reads(c, Rules::Posix) {
            continue;
        }
        match c {
            '<' | '>' => {
                // Such as `2>`.
                let is_number = word.value.chars().all(|c| c.is_ascii_digit());
                if word.begun && !is_number {
                    words.push(word.value);
                }
                (word, broken, redirect) = (Word::default(), 0, true);
            }
            c if c.is_whitespace() => {
                // The file of a redirection is none of the words.
                if word.begun && !std::mem::take(&mut redirect) {
                    words.push(word.value);
                }
                (word, broken) = (Word::default(), 0);
            }
            c => {
                let before = word.value.len();
                word.push(c);
                if breaks.contains(c) {
                    // Readline keeps it with the name of a host, for which it takes what follows.
                    broken = if c == '@' { before } else { word.value.len() };
                }
            }
        }
    }
    let stays = match word.quote {
        // Quotes that are closed are replaced with what is within.
        Quote::None => broken,
        _ => word.quoted_from,
    };
    let edit = Edit {
        stays: word.value[..stays].to_owned(),
        quote: word.quote,
        untouched: !word.begun,
        redirect,
        expands: word.expands,
        ignore_case: false,
        listing: None,
    };
    words.push(word.value);
    Words { words, bash: edit }
}

/// A line for each candidate, after those with `:` for the script itself: `:nospace` if more of the word may follow,
/// `:default` to let bash choose.
pub(super) fn answer(candidates: &[Candidate], edit: &Edit) -> String {
    if edit.redirect || edit.expands {
        return ":default\n".to_owned();
    }
    let rest = |candidate: &Candidate| Some(candidate.value.strip_prefix(&edit.stays)?.to_owned());
    let fitting: Vec<(String, &Candidate)> = candidates
        .iter()
        .filter_map(|candidate| Some((rest(candidate)?, candidate)))
        .collect();
    let mut answer = String::new();
    if let (Some(width), [_, _, ..]) = (edit.listing, fitting.as_slice()) {
        for line in listed(&fitting, width) {
            answer += &format!("{line}\n");
        }
        return answer;
    }
    if let [(_, only)] = fitting.as_slice()
        && only.open
    {
        answer += ":nospace\n";
    }
    for (rest, candidate) in fitting {
        answer += &quoted(&rest, edit, candidate.open);
        answer.push('\n');
    }
    answer
}

/// What there is, with what it means.
fn listed(fitting: &[(String, &Candidate)], width: usize) -> Vec<String> {
    let widest = fitting
        .iter()
        .map(|(rest, _)| measure_text_width(rest))
        .max();
    let widest = widest.unwrap_or_default().min(width / 2);
    let line = |(rest, candidate): &(String, &Candidate)| match candidate.help.as_str() {
        "" => rest.clone(),
        help => {
            let rest = pad_str(rest, widest, Alignment::Left, None);
            let line = format!("{rest}  ({help})");
            truncate_str(&line, width.max(20) - 1, "").into_owned()
        }
    };
    fitting.iter().map(line).collect()
}

/// What follows the break, so that bash reads it as what it is.
fn quoted(text: &str, edit: &Edit, open: bool) -> String {
    let escaped = |special: &str| {
        let mut out = String::new();
        for c in text.chars() {
            if special.contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    const SPECIAL: &str = " \t\\'\"`$&|;<>()[]{}*?!#";
    match edit.quote {
        Quote::Double => escaped("\\\"$`"),
        Quote::Single => text.replace('\'', r"'\''"),
        // `{` is for more than one word only with `,` or `..`, but who knows what is typed next.
        Quote::None => {
            let specials = text.chars().filter(|c| SPECIAL.contains(*c)).count();
            match edit.untouched && !open && specials > 1 && !text.contains('\'') {
                true => format!("'{text}'"),
                false => escaped(SPECIAL),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    fn candidate(value: &str) -> Candidate {
        Candidate {
            value: value.to_owned(),
            help: String::new(),
            open: value.ends_with('/'),
        }
    }

    #[test]
    fn a_line_has_the_words_that_the_program_would_get() {
        for (line, words) in [
            ("wash ", &["wash", ""][..]),
            ("wash bu", &["wash", "bu"]),
            (
                "wash oci pull r.io/a:1",
                &["wash", "oci", "pull", "r.io/a:1"],
            ),
            ("wash a : b", &["wash", "a", ":", "b"]),
            (
                "wash wit add wasi:http@0.2",
                &["wash", "wit", "add", "wasi:http@0.2"],
            ),
            ("wash --output=js", &["wash", "--output=js"]),
            ("wash --output = js", &["wash", "--output", "=", "js"]),
            ("wash -C \"my dir\" bu", &["wash", "-C", "my dir", "bu"]),
            ("wash -C my\\ dir bu", &["wash", "-C", "my dir", "bu"]),
            ("wash -C 'my d", &["wash", "-C", "my d"]),
            ("wash -C '' ", &["wash", "-C", "", ""]),
            ("wash build > log.txt -C", &["wash", "build", "-C"]),
            ("wash build 2>&1 -C", &["wash", "build", "-C"]),
            ("wash  call\tadd   1", &["wash", "call", "add", "1"]),
            ("wash ä:ö", &["wash", "ä:ö"]),
            ("wash oci \\\npus", &["wash", "oci", "pus"]),
            ("wash oci \\\n", &["wash", "oci", ""]),
        ] {
            assert_eq!(split(line, BREAKS).words, words, "{line}");
        }
    }

    /// What a candidate becomes on the line.
    #[test]
    fn only_what_follows_the_break_is_given_back() {
        for (line, value, given) in [
            ("wash ", "build", "build"),
            (
                "wash oci pull local",
                "localhost:5000/x:1",
                "localhost:5000/x:1",
            ),
            ("wash oci pull localhost:", "localhost:5000/x:1", "5000/x:1"),
            ("wash oci pull localhost:5000/x:", "localhost:5000/x:1", "1"),
            (
                "wash oci pull localhost:5000/x@sha",
                "localhost:5000/x@sha256:1",
                "@sha256:1",
            ),
            ("wash wit add wasi:ht", "wasi:http@0.2.3", "http@0.2.3"),
            ("wash wit add wasi:http@", "wasi:http@0.2.3", "@0.2.3"),
            ("wash --output=", "--output=json", "json"),
            ("wash -C=my:d", "-C=my:dir/", ":nospace dir/"),
            // Within quotes nothing breaks.
            (
                "wash wit add \"wasi:ht",
                "wasi:http@0.2.3",
                "wasi:http@0.2.3",
            ),
            (
                "wash wit add 'wasi:ht",
                "wasi:http@0.2.3",
                "wasi:http@0.2.3",
            ),
            ("wash wit add wasi\\:ht", "wasi:http", "wasi:http"),
            ("wash wit add \"wasi:http\"@0", "wasi:http@0.2.3", "@0.2.3"),
            ("wash wit add a:\"b:c", "a:b:cd", "b:cd"),
            // Quotes that are closed are replaced as well.
            (
                "wash -C \"my dir\"/s",
                "my dir/sub/",
                ":nospace my\\ dir/sub/",
            ),
            ("wash -C my\\ d", "my dir/", ":nospace my\\ dir/"),
            ("wash -C \"my d", "my dir/", ":nospace my dir/"),
            ("wash build \"my d", "my $file", "my \\$file"),
            ("wash build 'it", "it's", "it'\\''s"),
            ("wash call add ", "{name: \"\"}", "'{name: \"\"}'"),
            ("wash call add {na", "{name: 1}", "\\{name:\\ 1\\}"),
        ] {
            let edit = split(line, BREAKS).bash;
            let answer = answer(&[candidate(value)], &edit);
            assert_eq!(answer.trim_end().replace('\n', " "), given, "{line}");
        }
    }

    #[test]
    fn somebody_may_have_changed_where_words_break() {
        let edit = split("wash oci pull localhost:5000/x", " \t\n\"'><=;|&(").bash;
        let answer = answer(&[candidate("localhost:5000/x:1")], &edit);
        assert_eq!(answer, "localhost:5000/x:1\n");
    }

    #[test]
    fn a_listing_tells_what_candidates_mean() {
        let mut edit = split("wash ", BREAKS).bash;
        edit.listing = Some(30);
        let mut build = candidate("build");
        build.help = "Build the component of a project".to_owned();
        let both = [build.clone(), candidate("oci")];
        assert_eq!(answer(&both, &edit), "build  (Build the component o\noci\n");
        // One alone is inserted.
        assert_eq!(answer(&both[..1], &edit), "build\n");
    }

    #[test]
    fn a_listing_counts_columns() {
        let mut edit = split("wash ", BREAKS).bash;
        edit.listing = Some(40);
        let both = ["東京", "oslo"].map(|name| Candidate {
            help: "a city".to_owned(),
            ..candidate(name)
        });
        assert_eq!(answer(&both, &edit), "東京  (a city)\noslo  (a city)\n");
    }

    #[test]
    fn files_of_redirections_and_of_variables_are_left_to_bash() {
        for line in [
            "wash build > lo",
            "wash inspect $HOME/lo",
            "wash inspect \"$HOME/lo",
            "wash inspect `pwd`/lo",
        ] {
            let edit = split(line, BREAKS).bash;
            assert_eq!(answer(&[candidate("log")], &edit), ":default\n", "{line}");
        }
        for line in ["wash inspect '$lo", "wash inspect \\$lo"] {
            let edit = split(line, BREAKS).bash;
            assert!(!answer(&[candidate("$log")], &edit).contains(":default"));
        }
    }
}
