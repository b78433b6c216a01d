//! Options that many commands share, in one line each at the end of `--help`. `-h` has no examples, to fit on a screen.

use clap::builder::{Resettable, StyledStr};
use clap::{Arg, Command};

const GLOBAL: &str = "Global options";
/// In this order.
const SHARED: [&str; 2] = ["Registry options", GLOBAL];
const LEFT_MARGIN: &str = "  ";
const COLUMN_GAP: &str = "  ";

/// Folds the shared options of every subcommand.
pub(super) fn fold_shared_options(wash: Command) -> Command {
    let globals: Vec<Arg> = wash
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .cloned()
        .collect();
    wash.mut_subcommands(|command| fold(command, &globals))
}

fn fold(command: Command, globals: &[Arg]) -> Command {
    let has = |global: &&Arg| {
        let mut arguments = command.get_arguments();
        arguments.any(|arg| arg.get_id() == global.get_id())
    };
    // Otherwise clap adds them later, and shows them in full.
    let missing: Vec<Arg> = globals.iter().filter(|arg| !has(arg)).cloned().collect();
    let command = command.args(missing);

    let lists: Vec<String> = SHARED
        .iter()
        .filter_map(|heading| list(&command, heading))
        .collect();
    let examples = command.get_after_help().map(|help| help.ansi().to_string());
    let sections: Vec<String> = lists.into_iter().chain(examples).collect();
    command
        .mut_args(|arg| {
            let is_shared = SHARED.iter().any(|heading| is_below(&arg, heading));
            arg.hide_long_help(is_shared)
        })
        .after_long_help(StyledStr::from(sections.join("\n\n")))
        .after_help(Resettable::Reset)
        .mut_subcommands(|command| fold(command, globals))
}

fn is_below(arg: &Arg, heading: &str) -> bool {
    arg.get_help_heading() == Some(heading) && !arg.is_hide_set()
}

/// The options below a heading, one line each.
fn list(command: &Command, heading: &str) -> Option<String> {
    let options: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| is_below(arg, heading))
        .collect();
    let width = options.iter().map(|arg| spelling(arg).len()).max()?;
    let (header, literal) = (
        command.get_styles().get_header(),
        command.get_styles().get_literal(),
    );
    let mut text = format!("{header}{heading}:{header:#}");
    for arg in options {
        let name = spelling(arg);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        text += &format!("\n{LEFT_MARGIN}{literal}{name:width$}{literal:#}{COLUMN_GAP}{help}");
    }
    Some(text)
}

/// `-o, --output <FORMAT>`
fn spelling(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names = match (short, long) {
        (Some(short), Some(long)) => format!("{short}, {long}"),
        (Some(short), None) => short,
        (None, long) => format!("    {}", long.unwrap_or_default()),
    };
    let values = arg.get_value_names().unwrap_or_default();
    match (arg.get_action().takes_values(), values) {
        (true, [value, ..]) => format!("{names} <{value}>"),
        _ => names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(line: &str) -> String {
        let wash = fold_shared_options(crate::cli::command());
        let error = wash.try_get_matches_from(line.split(' ')).unwrap_err();
        error.render().to_string()
    }

    #[test]
    fn shared_options_take_one_line_each() {
        for line in [
            "wash dev --help",
            "wash oci push --help",
            "wash plugin install --help",
        ] {
            let help = help(line);
            for heading in SHARED {
                let Some((_, shared)) = help.split_once(&format!("{heading}:\n")) else {
                    assert_ne!(heading, GLOBAL, "{help}");
                    continue;
                };
                let lines = shared.lines().take_while(|line| !line.is_empty());
                assert_eq!(lines.count(), 6, "{help}");
            }
            assert_eq!(help.matches("--user-config").count(), 1, "{help}");
        }
    }

    #[test]
    fn the_short_help_fits_on_a_screen() {
        fn check(command: &Command, path: &str) {
            let help = help(&format!("{path} -h"));
            let lines = help.lines().count();
            assert!(lines <= 44, "{path} -h has {lines} lines:\n{help}");
            for below in command.get_subcommands() {
                check(below, &format!("{path} {}", below.get_name()));
            }
        }
        let wash = crate::cli::command();
        for command in wash.get_subcommands() {
            check(command, &format!("wash {}", command.get_name()));
        }
    }

    #[test]
    fn folded_options_still_work_anywhere() {
        for line in [
            "wash -C x plugin list",
            "wash plugin -C x list",
            "wash plugin list -C x",
        ] {
            let wash = fold_shared_options(crate::cli::command());
            let matches = wash.try_get_matches_from(line.split(' ')).unwrap();
            assert!(matches.contains_id("directory"), "{line}");
            assert!(
                matches
                    .get_one::<std::path::PathBuf>("directory")
                    .is_some_and(|dir| dir.ends_with("x")),
                "{line}"
            );
        }
    }
}
