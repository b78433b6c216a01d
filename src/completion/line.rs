//! What the words before the cursor say: which command they lead to, what it was given, and what the last word is.
//!
//! Completing is the library's; it walks through the words as well, but takes the value of an option for the name of a command where
//! there is one of that name, and so do words after `--`. So it is handed the words without what is done with.

use std::env;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

/// A command line that ends in the word being typed.
#[derive(Debug, Clone)]
pub struct Line {
    /// The program, the names of commands and the positional arguments; if its value is being typed, an option;
    /// and the word being typed.
    pub words: Vec<String>,
    /// The positional arguments of the innermost command, as far as they were given before.
    pub positionals: Vec<String>,
    /// The names of the commands, below the program.
    pub path: Vec<String>,
    pub typed: Typed,
    /// The options that were given before, by their ids.
    options: Vec<(String, String)>,
}

/// What the last word is.
#[derive(Debug, Clone)]
pub enum Typed {
    /// Whatever the command takes there.
    Command,
    /// This argument, even if it looks like an option or a command.
    Argument(Box<Arg>),
    /// Nothing may stand there.
    Nothing,
}

impl Line {
    /// `command` is built. The first word is the program, the last the one being typed.
    pub fn read(command: &Command, words: &[String]) -> Self {
        let (current, before) = match words.split_last() {
            Some((current, before)) => (current.clone(), before),
            None => (String::new(), words),
        };
        let mut line = Self {
            words: vec![before.first().cloned().unwrap_or_default()],
            positionals: Vec::new(),
            path: Vec::new(),
            typed: Typed::Command,
            options: Vec::new(),
        };
        let mut command = command;
        // The option whose value is next.
        let mut waiting: Option<(&Arg, &String)> = None;
        let mut escaped = false;
        for word in before.iter().skip(1) {
            if let Some((option, _)) = waiting.take() {
                line.options
                    .push((option.get_id().to_string(), word.clone()));
            } else if escaped || line.is_free(command) {
                line.positional(word);
            } else if word == "--" {
                escaped = true;
                // What follows is of its own kind where the command has such an argument.
                if command.get_positionals().any(Arg::is_last_set) {
                    line.positionals.clear();
                }
            } else if let Some(option) = option(command, word) {
                match option {
                    Given::Flag => {}
                    Given::With(option, value) => {
                        line.options.push((option.get_id().to_string(), value));
                    }
                    Given::Waiting(option) => waiting = Some((option, word)),
                }
            } else if let Some(next) = command.find_subcommand(word) {
                command = next;
                line.words.push(word.clone());
                line.path.push(next.get_name().to_owned());
                line.positionals.clear();
            } else {
                line.positional(word);
            }
        }
        match waiting {
            Some((_, word)) => line.words.push(word.clone()),
            None if escaped || line.is_free(command) => {
                line.typed = match line.positional_arg(command, escaped) {
                    Some(argument) => Typed::Argument(argument.clone().into()),
                    None => Typed::Nothing,
                }
            }
            None => {}
        }
        line.words.push(current);
        line
    }

    /// The word being typed.
    pub fn current(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// What an option was given, by its id.
    pub fn option(&self, id: &str) -> Option<&str> {
        let given = self.options.iter().rev().find(|(name, _)| name == id);
        given.map(|(_, value)| value.as_str())
    }

    /// The command that the words lead to.
    pub fn command<'c>(&self, command: &'c Command) -> &'c Command {
        let next = |command: &'c Command, name: &String| command.find_subcommand(name);
        self.path.iter().fold(command, |command, name| {
            next(command, name).unwrap_or(command)
        })
    }

    /// The directory that paths are relative to: `-C`, or the current one.
    pub fn base(&self) -> Option<PathBuf> {
        let here = env::current_dir().ok()?;
        Some(match self.option("directory") {
            Some(dir) => here.join(expand_home(dir)),
            None => here,
        })
    }

    fn positional(&mut self, word: &str) {
        self.words.push(word.to_owned());
        self.positionals.push(word.to_owned());
    }

    /// Whether an argument has begun that takes all that follows.
    fn is_free(&self, command: &Command) -> bool {
        !self.positionals.is_empty() && {
            let index = self.positionals.len();
            let argument = command
                .get_positionals()
                .find(|arg| arg.is_trailing_var_arg_set());
            argument.is_some_and(|arg| arg.get_index().is_some_and(|at| at <= index))
        }
    }

    /// Which argument the next word is.
    fn positional_arg<'c>(&self, command: &'c Command, escaped: bool) -> Option<&'c Arg> {
        let is_last = |arg: &&Arg| escaped && arg.is_last_set();
        if let Some(last) = command.get_positionals().find(is_last) {
            return Some(last);
        }
        let index = self.positionals.len() + 1;
        let takes = |arg: &&Arg| {
            let at = arg.get_index().unwrap_or(usize::MAX);
            at == index || (at < index && is_repeated(arg))
        };
        command.get_positionals().find(takes)
    }
}

fn is_repeated(arg: &Arg) -> bool {
    let several = arg.get_num_args().is_some_and(|many| many.max_values() > 1);
    several || matches!(arg.get_action(), ArgAction::Append)
}

/// An option, as a word gives it.
enum Given<'c> {
    Flag,
    With(&'c Arg, String),
    /// Its value is the next word.
    Waiting(&'c Arg),
}

/// `None` if the word is no option.
fn option<'c>(command: &'c Command, word: &str) -> Option<Given<'c>> {
    let takes_value = |arg: &Arg| arg.get_num_args().is_some_and(|many| many.takes_values());
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let is_named = |arg: &&Arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        };
        let argument = command.get_arguments().find(is_named);
        return Some(match (argument, value) {
            (Some(argument), Some(value)) => Given::With(argument, value.to_owned()),
            (Some(argument), None) if takes_value(argument) => Given::Waiting(argument),
            _ => Given::Flag,
        });
    }
    let shorts = word.strip_prefix('-').filter(|rest| !rest.is_empty())?;
    if shorts.parse::<f64>().is_ok() {
        return None;
    }
    for (at, short) in shorts.char_indices() {
        let is_named = |arg: &&Arg| arg.get_short() == Some(short);
        let Some(argument) = command.get_arguments().find(is_named) else {
            continue;
        };
        if takes_value(argument) {
            let value = &shorts[at + short.len_utf8()..];
            return Some(match value.is_empty() {
                true => Given::Waiting(argument),
                false => {
                    let value = value.strip_prefix('=').unwrap_or(value);
                    Given::With(argument, value.to_owned())
                }
            });
        }
    }
    Some(Given::Flag)
}

/// The shell has not done it yet.
pub(super) fn expand_home(path: &str) -> PathBuf {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = env::home_dir().unwrap_or_default();
            home.join(rest.trim_start_matches('/'))
        }
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let directory = Arg::new("directory").short('C').global(true).num_args(1);
        let call = Command::new("call")
            .arg(Arg::new("words").num_args(0..))
            .arg(Arg::new("loud").long("loud").action(ArgAction::SetTrue))
            .arg(Arg::new("guest").last(true).num_args(0..));
        let raw = Arg::new("raw")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true);
        let mut wash = Command::new("wash")
            .arg(directory)
            .arg(Arg::new("output").short('o').long("output").global(true))
            .subcommand(Command::new("build").arg(Arg::new("project")))
            .subcommand(call)
            .subcommand(
                Command::new("oci")
                    .alias("docker")
                    .subcommand(Command::new("push")),
            )
            .subcommand(Command::new("program").arg(raw));
        wash.build();
        wash
    }

    fn read(line: &str) -> Line {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Line::read(&command(), &words)
    }

    #[test]
    fn what_is_done_with_is_left_out() {
        for (line, words) in [
            ("wash bu", "wash bu"),
            ("wash -C build bu", "wash bu"),
            ("wash -Cbuild bu", "wash bu"),
            ("wash -C", "wash -C"),
            ("wash -C bu", "wash -C bu"),
            ("wash build -o json ", "wash build "),
            ("wash build --output=json x", "wash build x"),
            ("wash docker pu", "wash docker pu"),
            ("wash call --loud add -1 -", "wash call add -1 -"),
            ("wash build --unknown x ", "wash build x "),
            ("wash oci push build ", "wash oci push build "),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(read(line).words, words, "{line}");
        }
    }

    #[test]
    fn the_last_word_is_known_for_what_it_is() {
        for (line, typed) in [
            ("wash bu", "command"),
            ("wash -- bu", "nothing"),
            ("wash build -- x", "project"),
            ("wash build x -- y", "nothing"),
            ("wash call add ", "command"),
            ("wash call add -- ", "guest"),
            ("wash call add -- build --x", "guest"),
            // All that follows is the program's, but not the first of it.
            ("wash program ", "command"),
            ("wash program x --out", "raw"),
        ] {
            let found = match read(line).typed {
                Typed::Command => "command".to_owned(),
                Typed::Argument(argument) => argument.get_id().to_string(),
                Typed::Nothing => "nothing".to_owned(),
            };
            assert_eq!(found, typed, "{line}");
        }
    }

    #[test]
    fn options_and_arguments_that_were_given_are_known() {
        let line = read("wash -C first -o json call -C second a b c");
        assert_eq!(line.option("directory"), Some("second"));
        assert_eq!(line.option("output"), Some("json"));
        assert_eq!(line.path, ["call"]);
        assert_eq!(line.positionals, ["a", "b"]);
        assert_eq!(line.current(), "c");
        assert_eq!(read("wash docker pu").path, ["oci"]);
    }
}
