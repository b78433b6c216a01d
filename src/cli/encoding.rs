//! Arguments and variables of the environment are bytes. Those that must be text and are not are named here: the parser of the
//! command line says that there is one, and not which.

use std::env;
use std::ffi::{OsStr, OsString};

use clap::error::{Error, ErrorKind};
use clap::{Arg, ArgMatches, Command};
use wash_common::{advice, sanitize};

use crate::report;

/// What the names of our own variables begin with.
const OURS: &str = "WASH_";

/// Ours, and paths, which are no text.
const PATHS: [&str; 1] = ["WASH_OCI_CA_PATHS"];

/// Variables of others that decide something here.
const OF_OTHERS: [&str; 8] = [
    "RUST_LOG",
    "SOURCE_DATE_EPOCH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
];

/// Names the argument that is not UTF-8, if the error is about one.
pub(super) fn with_argument(error: Error, line: &[OsString], tree: Command) -> Error {
    if error.kind() != ErrorKind::InvalidUtf8 {
        return error;
    }
    let Some(word) = line.iter().find(|word| word.to_str().is_none()) else {
        return match odd_variables().next() {
            Some(name) => tree.clone().error(ErrorKind::InvalidUtf8, not_text(&name)),
            None => error,
        };
    };
    let argument = argument(line, word, tree.clone());
    let value = argument.as_ref().map_or(word.as_os_str(), |_| value(word));
    let message = match argument {
        Some(argument) => format!(
            "invalid value '{}' for '{argument}': it is not UTF-8",
            escaped(value)
        ),
        None => format!("'{}' on the command line is not UTF-8", escaped(value)),
    };
    tree.clone().error(ErrorKind::InvalidUtf8, message)
}

/// Refuses variables of ours that are no text, and tells of others that are not used for that reason.
pub(super) fn check_environment() -> anyhow::Result<()> {
    if let Some(name) = odd_variables().next() {
        return Err(advice::usage(not_text(&name)));
    }
    let is_odd = |name: &&&str| env::var_os(name).is_some_and(|value| value.to_str().is_none());
    for name in OF_OTHERS.iter().filter(is_odd) {
        report::warn(&format!("`{name}` is not UTF-8 and is ignored"), None);
    }
    Ok(())
}

/// Our variables that must be text, and are not. Their values may be secret.
fn odd_variables() -> impl Iterator<Item = OsString> {
    let odd = env::vars_os().filter(|(name, value)| {
        let is_ours = name.as_encoded_bytes().starts_with(OURS.as_bytes());
        let is_text = name.to_str().is_some() && value.to_str().is_some();
        is_ours && !is_text && !PATHS.iter().any(|path| name == path)
    });
    odd.map(|(name, _)| name)
}

fn not_text(name: &OsStr) -> String {
    match name.to_str() {
        Some(name) => format!("the value of the variable `{name}` is not UTF-8"),
        None => format!("the name of the variable `{}` is not UTF-8", escaped(name)),
    }
}

/// The argument that takes a word, as the help writes it. The line is parsed again with text in the place of the word.
fn argument(line: &[OsString], word: &OsStr, mut tree: Command) -> Option<String> {
    tree.build();
    let text = |word: &OsString| OsString::from(word.to_string_lossy().into_owned());
    let matches = tree.clone().ignore_errors(true);
    let matches = matches.try_get_matches_from(line.iter().map(text)).ok()?;
    let wanted = value(word).to_string_lossy().into_owned();
    find(&matches, &tree, &wanted)
}

fn find(matches: &ArgMatches, command: &Command, wanted: &str) -> Option<String> {
    let below = matches
        .subcommand()
        .and_then(|(name, matches)| find(matches, command.find_subcommand(name)?, wanted));
    below.or_else(|| {
        let has = |argument: &&Arg| {
            let values = matches.try_get_raw(argument.get_id().as_str());
            let mut values = values.ok().flatten().into_iter().flatten();
            values.any(|value| value == wanted)
        };
        let argument = command.get_arguments().find(has)?;
        Some(argument.to_string())
    })
}

/// The value in `--option=value`, or the word.
fn value(word: &OsStr) -> &OsStr {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = word.as_bytes();
    match (
        bytes.starts_with(b"--"),
        bytes.iter().position(|byte| *byte == b'='),
    ) {
        (true, Some(at)) => OsStr::from_bytes(&bytes[at + 1..]),
        _ => word,
    }
}

/// Text as it is, other bytes as `\xff`.
fn escaped(word: &OsStr) -> String {
    let mut escaped = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        escaped.push_str(&sanitize::escape(chunk.valid()));
        for byte in chunk.invalid() {
            escaped.push_str(&format!("\\x{byte:02x}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;
    use crate::cli::command;

    /// `!` stands for a byte that is no text.
    fn message(line: &str) -> String {
        let word = |word: &str| {
            let bytes = word
                .bytes()
                .map(|byte| if byte == b'!' { 0xff } else { byte });
            OsString::from_vec(bytes.collect())
        };
        let line: Vec<OsString> = line.split(' ').map(word).collect();
        let error = command().try_get_matches_from(&line).unwrap_err();
        let error = with_argument(error, &line, command());
        let text = error.render().to_string();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_argument_that_is_no_text_is_named() {
        for (line, named) in [
            ("wash new b!", "'b\\xff' for '[NAME"),
            ("wash new x --name b!", "'b\\xff' for '--name <NAME>'"),
            ("wash new x --name=b!", "'b\\xff' for '--name <NAME>'"),
            ("wash plugin allow my --dir b!", "'b\\xff' for '--dir <"),
            ("wash oci pull a!é", "'a\\xffé' for '<"),
        ] {
            let message = message(line);
            assert!(message.contains(named), "{line}: {message}");
            assert!(message.ends_with("it is not UTF-8"), "{line}: {message}");
        }
    }
}
