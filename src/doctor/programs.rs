//! Runs programs to hear their versions, and reads the names of programs out of command lines.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use wash_common::units;

/// No program takes so long to say its version.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps the launchers of tools from fetching another version, and from running one that a project brings along.
const NEUTRAL: [(&str, &str); 5] = [
    ("RUSTUP_AUTO_INSTALL", "0"),
    ("GOTOOLCHAIN", "local"),
    ("YARN_IGNORE_PATH", "1"),
    ("COREPACK_ENABLE_NETWORK", "0"),
    ("COREPACK_ENABLE_PROJECT_SPEC", "0"),
];

/// What a shell does itself.
const BUILT_IN: [&str; 24] = [
    ".", ":", "[", "alias", "cd", "command", "do", "done", "echo", "else", "eval", "exec", "exit",
    "export", "false", "fi", "for", "if", "set", "source", "test", "then", "true", "while",
];

/// The version that a program tells, as far as it has three numbers or fewer. The error is why it tells none.
///
/// It is run outside of the project, and fetches nothing: many tools run or fetch what the project in the current directory names.
pub(super) async fn version(program: &Path, arguments: &[&str]) -> Result<[u32; 3], String> {
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir("/")
        .envs(NEUTRAL)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match tokio::time::timeout(TIMEOUT, command.output()).await {
        Ok(output) => output.map_err(|error| format!("it cannot be run: {error}"))?,
        Err(_) => {
            return Err(format!(
                "it did not answer within {}",
                units::duration(TIMEOUT)
            ));
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let first = said.lines().find(|line| !line.trim().is_empty());
        return Err(first.unwrap_or("it fails without a message").to_string());
    }
    numbers(&said).ok_or_else(|| "it prints no version".to_string())
}

/// The first version in a text: `v22.1.0`, `go1.27`, `Python 3.12.3`.
fn numbers(text: &str) -> Option<[u32; 3]> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.contains('.'))
        .find_map(|word| {
            let mut numbers = word.split('.').map(|number| number.parse::<u32>().ok());
            let major = numbers.next()??;
            let mut further = || numbers.next().flatten().unwrap_or_default();
            Some([major, further(), further()])
        })
}

/// The programs that a command line for the shell runs for certain, as far as its words tell: the first of each command that
/// is not an alternative.
pub(super) fn of_line(line: &str) -> Vec<&str> {
    // Words with these may be anything.
    if line.contains(['\'', '"', '`', '$', '(', '{', '\n', '\\', '#', '<']) {
        return first(line).into_iter().collect();
    }
    let certain = line.split("||").next().unwrap_or_default();
    let commands = certain.split([';', '|', '&']);
    commands.filter_map(first).collect()
}

fn first(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let word = words.find(|word| !is_assignment(word))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/+-".contains(c);
    (word.chars().all(is_plain) && !BUILT_IN.contains(&word)).then_some(word)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .chars()
                .all(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, expected) in [
            ("cargo 1.95.0 (abc 2026-01-01)", Some([1, 95, 0])),
            ("v22.1.0\n", Some([22, 1, 0])),
            ("go version go1.27 linux/amd64", Some([1, 27, 0])),
            (
                "tinygo version 0.33.0 linux/amd64 (using go version go1.23)",
                Some([0, 33, 0]),
            ),
            ("Python 3.12.3", Some([3, 12, 3])),
            ("git version 2.39.5", Some([2, 39, 5])),
            ("GNU Make 4.3", Some([4, 3, 0])),
            ("usage: x", None),
        ] {
            assert_eq!(numbers(text), expected, "{text}");
        }
    }

    #[test]
    fn programs_are_found_in_command_lines() {
        for (line, expected) in [
            ("cargo build --release", &["cargo"][..]),
            ("npm ci && npm run build", &["npm", "npm"]),
            ("cd guest && CC=clang make -j 4; cp a b", &["make", "cp"]),
            ("ninja || make", &["ninja"]),
            ("./build.sh", &["./build.sh"]),
            ("$TOOL build", &[]),
            ("FOO='a b' make", &[]),
            ("make CFLAGS=\"-O2 -g\" && other", &["make"]),
            ("", &[]),
        ] {
            assert_eq!(of_line(line), expected, "{line}");
        }
    }
}
