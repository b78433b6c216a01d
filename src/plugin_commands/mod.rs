//! The commands of installed plugins: from manifests to what clap parses, shows as help and completes.
//!
//! Runs nothing but, for a completion, the plugin that has the argument.

pub mod complete;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{
    BoolValueParser, PathBufValueParser, PossibleValue, PossibleValuesParser, StringValueParser,
    TypedValueParser as _,
};
use clap::{Arg, ArgAction, Command as Clap, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::completion::values;
use crate::plugin::manifest::{Argument, Command, Count, Flag, Manifest, Runs, ValueKind};
use crate::plugin::store::Store;
use complete::Question;

/// The argument that has what a program is given.
pub const RAW: &str = "ARGS";

/// Adds the commands of installed plugins to those of `wash`, which win where both have a name.
pub fn augment(mut tree: Clap, plugins: &[Manifest], store: &Store) -> Clap {
    for plugin in plugins {
        for command in plugin.top_level() {
            let taken = |word: &str| tree.find_subcommand(word).is_some();
            if taken(&command.path[0]) {
                continue;
            }
            let aliases = command.aliases.iter().filter(|alias| !taken(alias));
            let clap = clap(plugin, command, store).visible_aliases(aliases);
            // Below those of `wash`.
            tree = tree.subcommand(clap.display_order(1000));
        }
    }
    tree
}

/// The plugin that adds a command.
pub fn owner<'p>(plugins: &'p [Manifest], word: &str) -> Option<&'p Manifest> {
    let adds = |plugin: &&Manifest| plugin.top_level().any(|command| command.path[0] == word);
    plugins.iter().find(adds)
}

/// A command with everything below it.
fn clap(plugin: &Manifest, command: &Command, store: &Store) -> Clap {
    let word = command.path.last().expect("no command has an empty path");
    let mut clap = Clap::new(word.clone()).about(command.summary.clone());
    if !command.details.is_empty() {
        clap = clap.long_about(format!("{}\n\n{}", command.summary, command.details));
    }
    clap = clap.after_help(after(plugin, command));
    if plugin.runs == Runs::Program {
        let raw = Arg::new(RAW)
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_hint(ValueHint::AnyPath)
            .value_parser(clap::value_parser!(OsString))
            .help("Arguments of the program, passed on unchanged");
        return clap.disable_help_flag(true).arg(raw);
    }
    for argument in &command.arguments {
        clap = clap.arg(positional(plugin, command, argument, store));
    }
    for flag in &command.flags {
        clap = clap.arg(option(plugin, command, flag, store));
    }
    let below = plugin.commands.iter().filter(|other| {
        other.path.len() == command.path.len() + 1 && other.path.starts_with(&command.path)
    });
    for below in below {
        let sub = self::clap(plugin, below, store).visible_aliases(&below.aliases);
        clap = clap.subcommand(sub);
    }
    match command.group {
        true => clap.subcommand_required(true).arg_required_else_help(true),
        false => clap.args_conflicts_with_subcommands(true),
    }
}

fn after(plugin: &Manifest, command: &Command) -> String {
    let mut text = String::new();
    if !command.examples.is_empty() {
        text.push_str("Examples:\n");
        for example in &command.examples {
            text.push_str(&format!("  {example}\n"));
        }
        text.push('\n');
    }
    let version = plugin.version.as_deref();
    let version = version.map_or(String::new(), |version| format!(" {version}"));
    text.push_str(&format!("From the plugin `{}`{version}.", plugin.name));
    text
}

fn positional(plugin: &Manifest, command: &Command, argument: &Argument, store: &Store) -> Arg {
    let arg = Arg::new(argument.name.clone())
        .value_name(argument.name.to_uppercase())
        .help(argument.summary.clone())
        .required(matches!(argument.count, Count::One | Count::AtLeastOne));
    let arg = match argument.count {
        Count::One | Count::AtMostOne => arg.num_args(1),
        Count::AtLeastOne => arg.num_args(1..),
        Count::Any => arg.num_args(0..),
    };
    let arg = match &argument.default {
        // A default makes it optional.
        Some(default) => arg.required(false).default_value(default.clone()),
        None => arg,
    };
    let ask = asked(plugin, command, &argument.name, store);
    of_kind(arg, &argument.kind, ask)
}

fn option(plugin: &Manifest, command: &Command, flag: &Flag, store: &Store) -> Arg {
    let mut arg = Arg::new(flag.name.clone())
        .long(flag.name.clone())
        .help(flag.summary.clone());
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    let Some(kind) = &flag.kind else {
        return arg.action(match flag.repeated {
            true => ArgAction::Count,
            false => ArgAction::SetTrue,
        });
    };
    arg = arg
        .value_name(value_name(kind))
        .required(flag.required && flag.default.is_none())
        .action(match flag.repeated {
            true => ArgAction::Append,
            false => ArgAction::Set,
        });
    if let Some(default) = &flag.default {
        arg = arg.default_value(default.clone());
    }
    of_kind(arg, kind, asked(plugin, command, &flag.name, store))
}

fn value_name(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Integer { .. } | ValueKind::Number => "NUMBER",
        ValueKind::Boolean => "BOOLEAN",
        ValueKind::File(_) => "FILE",
        ValueKind::Directory => "DIR",
        ValueKind::Text | ValueKind::Completed | ValueKind::OneOf(_) => "VALUE",
    }
}

/// What it accepts, and how it is completed.
fn of_kind(arg: Arg, kind: &ValueKind, ask: ArgValueCompleter) -> Arg {
    match kind {
        ValueKind::Text => arg.value_parser(StringValueParser::new()),
        ValueKind::Completed => arg.value_parser(StringValueParser::new()).add(ask),
        ValueKind::Integer { least, most } => {
            let (least, most) = (*least, *most);
            arg.allow_negative_numbers(true).value_parser(
                StringValueParser::new().try_map(move |text| integer(&text, least, most)),
            )
        }
        ValueKind::Number => arg
            .allow_negative_numbers(true)
            .value_parser(StringValueParser::new().try_map(number)),
        ValueKind::Boolean => arg.value_parser(BoolValueParser::new()),
        ValueKind::OneOf(choices) => {
            let values = choices.iter().map(|choice| {
                let value = PossibleValue::new(choice.value.clone());
                match choice.summary.is_empty() {
                    true => value,
                    false => value.help(choice.summary.clone()),
                }
            });
            arg.value_parser(PossibleValuesParser::new(values))
        }
        ValueKind::File(extensions) => {
            let (checked, offered) = (extensions.clone(), extensions.clone());
            arg.value_hint(ValueHint::FilePath)
                .value_parser(PathBufValueParser::new().try_map(move |path| file(path, &checked)))
                .add(values::file_that(move |path| fits(path, &offered)))
        }
        ValueKind::Directory => arg
            .value_hint(ValueHint::DirPath)
            .value_parser(PathBufValueParser::new().try_map(directory))
            .add(values::directory()),
    }
}

fn integer(text: &str, least: Option<i64>, most: Option<i64>) -> Result<i64, String> {
    let (from, to) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
    let integer = text.parse().ok();
    integer
        .filter(|integer| (from..=to).contains(integer))
        .ok_or_else(|| match (least, most) {
            (Some(least), Some(most)) => format!("expected {least} to {most}"),
            (Some(least), None) => format!("expected {least} or more"),
            (None, Some(most)) => format!("expected {most} or less"),
            (None, None) => "expected an integer".to_owned(),
        })
}

fn number(text: String) -> Result<f64, &'static str> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite())
        .ok_or("expected a number, such as `1.5`")
}

fn fits(path: &Path, extensions: &[String]) -> bool {
    let fits = |extension: &OsStr| extensions.iter().any(|known| **known == *extension);
    extensions.is_empty() || path.extension().is_some_and(fits)
}

fn file(path: PathBuf, extensions: &[String]) -> Result<PathBuf, String> {
    match fits(&path, extensions) {
        true => Ok(path),
        false => Err(format!(
            "expected a file named `*.{}`",
            extensions.join("`, `*.")
        )),
    }
}

fn directory(path: PathBuf) -> Result<PathBuf, &'static str> {
    match path.as_os_str().is_empty() {
        false => Ok(path),
        true => Err("expected a directory"),
    }
}

/// Completes a value by asking the plugin.
fn asked(plugin: &Manifest, command: &Command, name: &str, store: &Store) -> ArgValueCompleter {
    let (store, asks) = (store.clone(), plugin.completes);
    let question = Question {
        plugin: plugin.name.clone(),
        command: command.described.clone(),
        name: name.to_owned(),
        typed: String::new(),
    };
    ArgValueCompleter::new(move |typed: &OsStr| {
        let Some(typed) = typed.to_str().filter(|_| asks) else {
            return Vec::new();
        };
        let question = Question {
            typed: typed.to_owned(),
            ..question.clone()
        };
        let candidates = complete::candidates(&store, &question);
        let candidates = candidates.into_iter().map(|candidate| {
            CompletionCandidate::new(candidate.value).help(candidate.summary.map(Into::into))
        });
        candidates.collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::manifest::Choice;
    use crate::plugin::testing::{command, manifest};

    fn argument(name: &str, kind: ValueKind, count: Count) -> Argument {
        Argument {
            name: name.to_owned(),
            summary: String::new(),
            kind,
            count,
            default: None,
        }
    }

    fn flag(name: &str, kind: Option<ValueKind>) -> Flag {
        Flag {
            name: name.to_owned(),
            short: None,
            summary: String::new(),
            kind,
            required: false,
            repeated: false,
            default: None,
        }
    }

    fn tree(plugins: &[Manifest]) -> Clap {
        let wash = Clap::new("wash").subcommand(Clap::new("build").visible_alias("b"));
        let tree = augment(wash, plugins, &Store::at("/nowhere".into()));
        tree.clone().debug_assert();
        tree
    }

    fn plugin() -> Manifest {
        let mut my = manifest("my");
        my.commands[0].group = true;
        let mut list = command(&["my", "list"]);
        list.arguments = vec![
            argument("what", ValueKind::Text, Count::One),
            argument("files", ValueKind::File(vec!["wasm".into()]), Count::Any),
        ];
        let color = Choice {
            value: "red".into(),
            summary: "as blood".into(),
        };
        let small = ValueKind::Integer {
            least: Some(-3),
            most: Some(3),
        };
        list.flags = vec![
            flag("loud", None),
            flag("color", Some(ValueKind::OneOf(vec![color]))),
            flag("level", Some(small)),
            flag("factor", Some(ValueKind::Number)),
        ];
        list.examples = vec!["wash my list x".into()];
        my.commands.push(list);
        my
    }

    fn parse(line: &str) -> Result<clap::ArgMatches, String> {
        let matches = tree(&[plugin()]).try_get_matches_from(line.split(' '));
        matches.map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_what_the_plugin_says_they_are() {
        let line = "wash my list x a.wasm b.wasm --loud --color red --level -2 --factor 1.5";
        let matches = parse(line).unwrap();
        let list = matches.subcommand().unwrap().1.subcommand().unwrap().1;
        assert_eq!(list.get_one::<String>("what").unwrap(), "x");
        assert_eq!(list.get_many::<PathBuf>("files").unwrap().len(), 2);
        assert_eq!(list.get_one::<i64>("level"), Some(&-2));
        assert_eq!(list.get_one::<f64>("factor"), Some(&1.5));
        assert!(list.get_flag("loud"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (line, expected) in [
            ("wash my", "Usage: wash my"),
            ("wash my list", "<WHAT>"),
            ("wash my list x a.txt", "*.wasm"),
            ("wash my list x --color blue", "red"),
            ("wash my list x --level 4", "expected -3 to 3"),
            ("wash my list x --level four", "expected -3 to 3"),
            ("wash my list x --factor nan", "a number"),
            ("wash my list x --what", "unexpected argument"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn help_names_the_plugin() {
        let help = parse("wash my list --help").unwrap_err();
        for part in [
            "Do it",
            "as blood",
            "wash my list x",
            "From the plugin `my` 0.1.0.",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
    }

    #[test]
    fn what_wash_has_itself_wins() {
        let mut other = manifest("other");
        other.commands[0].aliases = vec!["b".into(), "o".into()];
        let tree = tree(&[manifest("build"), other, plugin()]);
        let names: Vec<_> = tree.get_subcommands().map(Clap::get_name).collect();
        assert_eq!(names, ["build", "other", "my"]);
        assert_eq!(tree.find_subcommand("b").unwrap().get_name(), "build");
        assert_eq!(tree.find_subcommand("o").unwrap().get_name(), "other");
    }

    #[test]
    fn a_program_gets_its_words_as_they_are() {
        let program = Manifest {
            runs: Runs::Program,
            ..manifest("prog")
        };
        let matches = tree(&[program]).get_matches_from(["wash", "prog", "--help", "-x", "y"]);
        let (_, prog) = matches.subcommand().unwrap();
        let words: Vec<_> = prog.get_many::<OsString>(RAW).unwrap().collect();
        assert_eq!(words, ["--help", "-x", "y"]);
    }
}
