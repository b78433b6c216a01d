//! One tab: the question of a script, and the answer to it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic;
use std::process::ExitCode;

use clap::{Arg, Command};
use clap_complete::engine;
use wash_common::budget;

use super::line::{Line, Typed};
use super::shell::{Matching, PROTOCOL, Shell, VARIABLE};
use super::{Candidate, values};

/// What a script asks.
pub struct Request {
    /// `bash:1`: the shell, and the protocol that its script speaks.
    script: OsString,
    arguments: Vec<OsString>,
}

impl Request {
    /// `None` when `wash` was run to do something.
    pub fn from_env() -> Option<Self> {
        let script = env::var_os(VARIABLE).filter(|script| !script.is_empty())?;
        Some(Self {
            script,
            arguments: env::args_os().skip(1).collect(),
        })
    }

    /// Prints the candidates. The tree of commands is only made when it is needed.
    pub fn answer(self, commands: fn() -> Command) -> ExitCode {
        let Some(shell) = self.shell() else {
            let hint = "wash: the completion script of this shell is from another version; to update it: wash completion install";
            let _ = writeln!(io::stderr(), "{hint}");
            return ExitCode::FAILURE;
        };
        panic::set_hook(Box::new(|_| {}));
        let answer = budget::within(budget::WHOLE, move || {
            let words = shell.words(self.arguments)?;
            let matching = shell.matching(&words);
            let found = candidates(commands(), &words.words, matching);
            Some(shell.answer(&found, &words))
        });
        if let Some(Some(answer)) = answer {
            let _ = io::stdout().write_all(answer.as_bytes());
        }
        ExitCode::SUCCESS
    }

    /// `None` when the script is not one of ours as they are now.
    fn shell(&self) -> Option<Shell> {
        let (shell, protocol) = self.script.to_str()?.split_once(':')?;
        let is_ours = protocol.parse() == Ok(PROTOCOL);
        is_ours.then(|| Shell::named(shell)).flatten()
    }
}

/// What could stand in the place of the last word.
fn candidates(mut commands: Command, words: &[String], matching: Matching) -> Vec<Candidate> {
    commands.build();
    let line = Line::read(&commands, words);
    values::remember(line.clone());
    let current = line.current();
    let mut found = beginning_with(&mut commands, &line, current);
    if matches!(line.typed, Typed::Command) {
        call_by_name(&mut found, line.command(&commands), current);
        if !are_flags(line.command(&commands), current) {
            found.retain(|one| !one.value.starts_with('-') || one.value.starts_with("--"));
        }
    }
    if found.is_empty()
        && matching != Matching::Prefix
        && let Some(stem) = stem(current)
    {
        found = beginning_with(&mut commands, &line, stem);
        if matches!(line.typed, Typed::Command) {
            call_by_name(&mut found, line.command(&commands), stem);
        }
        let typed = current.to_lowercase();
        found.retain(|one| {
            let is_option = one.value.starts_with('-') && !current.starts_with('-');
            let value = one.value.to_lowercase();
            let fits = match matching {
                Matching::Own => true,
                Matching::Within => value.contains(&typed),
                Matching::IgnoreCase | Matching::Prefix => value.starts_with(&typed),
            };
            !is_option && fits
        });
    }
    usual(found, current, values::are_late())
}

/// The candidates that begin with `current`, which stands in the place of the last word.
fn beginning_with(commands: &mut Command, line: &Line, current: &str) -> Vec<Candidate> {
    let base = line.base();
    let found = match &line.typed {
        Typed::Command => {
            let before = &line.words[..line.words.len() - 1];
            let words = before.iter().map(String::as_str).chain([current]);
            let words = words.map(OsString::from).collect();
            engine::complete(commands, words, line.words.len() - 1, base.as_deref())
        }
        // The engine takes words after `--` for names of commands.
        Typed::Argument(argument) => {
            let mut only = Command::new("wash")
                .disable_help_flag(true)
                .arg((**argument).clone());
            let words = ["wash", current].map(OsString::from).to_vec();
            engine::complete(&mut only, words, 1, base.as_deref())
        }
        Typed::Nothing => Ok(Vec::new()),
    };
    let found = found.unwrap_or_default();
    found.iter().filter_map(Candidate::new).collect()
}

/// What of a word decides which candidates there are: the folder of a path, the package of an interface.
fn stem(word: &str) -> Option<&str> {
    if word.is_empty() {
        return None;
    }
    let end = word.rfind(['/', ':', '@', '=']).map_or(0, |at| at + 1);
    match (end, word.strip_prefix('-')) {
        (0, Some(rest)) => rest.starts_with('-').then_some("--"),
        _ => Some(&word[..end]),
    }
}

/// Whether a word that begins with a single `-` has letters of flags only, up to one that takes the rest for its value. The
/// library adds letters to any.
fn are_flags(command: &Command, word: &str) -> bool {
    let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else {
        return true;
    };
    for letter in letters.chars() {
        let is_named = |arg: &&Arg| arg.get_short() == Some(letter);
        match command.get_arguments().find(is_named) {
            None => return false,
            Some(arg) if arg.get_num_args().is_some_and(|many| many.takes_values()) => return true,
            Some(_) => {}
        }
    }
    true
}

/// The library offers one name of a command, which may be any of its aliases: that is for those who have begun to type it.
fn call_by_name(found: &mut [Candidate], command: &Command, current: &str) {
    for candidate in found {
        let meant = command.find_subcommand(&candidate.value);
        if let Some(name) = meant.map(Command::get_name)
            && name.starts_with(current)
        {
            candidate.value = name.to_owned();
        }
    }
}

/// Options are for those who begin one, or where there is nothing else: what came too late is something.
fn usual(all: Vec<Candidate>, current: &str, are_late: bool) -> Vec<Candidate> {
    let is_option = |candidate: &Candidate| candidate.value.starts_with('-');
    match current.is_empty() && (are_late || !all.iter().all(is_option)) {
        true => all.into_iter().filter(|one| !is_option(one)).collect(),
        false => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_what_stays_of_a_word() {
        for (word, expected) in [
            ("", None),
            ("Ins", Some("")),
            ("sub/X", Some("sub/")),
            ("wasi:keyvalue/st", Some("wasi:keyvalue/")),
            ("--output=J", Some("--output=")),
            ("--Out", Some("--")),
            ("-d", None),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }

    #[test]
    fn letters_are_added_to_flags_only() {
        let flag = |short: char| {
            let action = clap::ArgAction::SetTrue;
            Arg::new(short.to_string()).short(short).action(action)
        };
        let value = Arg::new("value").short('o').num_args(1);
        let mut command = Command::new("wash").args([flag('q'), flag('v'), value]);
        command.build();
        for (word, expected) in [
            ("-", true),
            ("-q", true),
            ("-qv", true),
            ("-ojson", true),
            ("-d", false),
            ("-qd", false),
            ("--d", true),
            ("x", true),
        ] {
            assert_eq!(are_flags(&command, word), expected, "{word}");
        }
    }
}
