//! One tab: the question of a script, and the answer to it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic;
use std::process::ExitCode;

use clap::Command;
use clap_complete::engine;

use super::line::{Line, Typed};
use super::shell::{PROTOCOL, Shell, VARIABLE};
use super::{Candidate, budget, values};

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
            let hint = "wash: the completion script of this shell is of another version; to mend it: wash completion install";
            let _ = writeln!(io::stderr(), "{hint}");
            return ExitCode::FAILURE;
        };
        panic::set_hook(Box::new(|_| {}));
        let answer = budget::within(budget::WHOLE, move || {
            let words = shell.words(self.arguments)?;
            Some(shell.answer(&candidates(commands(), &words.words), &words))
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
fn candidates(mut commands: Command, words: &[String]) -> Vec<Candidate> {
    commands.build();
    let line = Line::read(&commands, words);
    let found = match &line.typed {
        Typed::Command => {
            let base = line.base();
            values::remember(line.clone());
            let words = line.words.iter().map(OsString::from).collect();
            engine::complete(&mut commands, words, line.words.len() - 1, base.as_deref())
        }
        // The engine takes words after `--` for names of commands.
        Typed::Argument(argument) => {
            let base = line.base();
            values::remember(line.clone());
            let mut only = Command::new("wash")
                .disable_help_flag(true)
                .arg((**argument).clone());
            let words = ["wash", line.current()].map(OsString::from).to_vec();
            engine::complete(&mut only, words, 1, base.as_deref())
        }
        Typed::Nothing => Ok(Vec::new()),
    };
    let found = found.unwrap_or_default();
    let mut found: Vec<Candidate> = found.iter().filter_map(Candidate::new).collect();
    if matches!(line.typed, Typed::Command) {
        call_by_name(&mut found, line.command(&commands), line.current());
    }
    usual(found, line.current())
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

/// Options are for those who begin one, or where there is nothing else.
fn usual(all: Vec<Candidate>, current: &str) -> Vec<Candidate> {
    let is_option = |candidate: &Candidate| candidate.value.starts_with('-');
    match current.is_empty() && !all.iter().all(is_option) {
        true => all.into_iter().filter(|one| !is_option(one)).collect(),
        false => all,
    }
}
