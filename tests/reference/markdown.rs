//! Definitions of commands as Markdown: a page for each command of `wash`, with its subcommands.

use clap::{Arg, ArgAction, Command};

use super::Pages;

pub(super) fn pages(mut wash: Command) -> Pages {
    wash.build();
    let commands: Vec<_> = visible(&wash).collect();
    let page = |command: &&Command| {
        let mut text = String::new();
        section(command, 1, &mut text);
        (format!("{}.md", command.get_name()), ended(&text))
    };
    let mut pages: Pages = commands.iter().map(page).collect();
    pages.insert("README.md".to_owned(), index(&wash, &commands));
    pages
}

fn index(wash: &Command, commands: &[&Command]) -> String {
    let mut text = "# Commands\n\nWritten from the definitions: `wash help COMMAND` says the same, and so do the man pages in [`man`](../../man). \
                    [Exit codes](../exit-codes.md) are those of all commands.\n\n"
        .to_owned();
    for command in commands {
        let (name, about) = (command.get_name(), about(command));
        text += &format!("- [`wash {name}`]({name}.md): {about}\n");
    }
    options(
        "Global options",
        wash.get_arguments().filter(|arg| arg.is_global_set()),
        &mut text,
    );
    ended(&text)
}

fn section(command: &Command, level: usize, text: &mut String) {
    let heading = "#".repeat(level);
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines();
    let usage: Vec<_> = usage.map(str::trim).collect();
    *text += &format!("{heading} `{name}`\n\n");
    let aliases: Vec<_> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        *text += &format!("Also `wash {}`.\n\n", aliases.join("`, `wash "));
    }
    let long = command.get_long_about().or(command.get_about());
    *text += &format!("{}\n\n", long.map(ToString::to_string).unwrap_or_default());
    *text += &format!("```text\n{}\n```\n\n", usage.join("\n"));

    let own = || command.get_arguments().filter(|arg| !arg.is_global_set());
    options("Arguments", own().filter(|arg| arg.is_positional()), text);
    options("Options", own().filter(|arg| !arg.is_positional()), text);
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let lines = examples.lines().skip(1).map(str::trim);
        let lines: Vec<_> = lines.collect();
        *text += &format!("Examples:\n\n```sh\n{}\n```\n\n", lines.join("\n"));
    }
    for command in visible(command) {
        section(command, level + 1, text);
    }
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn about(command: &Command) -> String {
    let about = command.get_about();
    about.map(ToString::to_string).unwrap_or_default()
}

/// A list under a title, if there is anything to list.
fn options<'a>(title: &str, args: impl Iterator<Item = &'a Arg>, text: &mut String) {
    let is_shown = |arg: &&Arg| {
        let is_help = matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        );
        !arg.is_hide_set() && !is_help
    };
    let lines: Vec<_> = args.filter(is_shown).map(option).collect();
    if !lines.is_empty() {
        *text += &format!("\n{title}:\n\n{}\n", lines.join(""));
    }
}

fn option(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    // Further paragraphs belong to the item of the list.
    let help = help.replace('\n', "\n  ").replace("\n  \n", "\n\n");
    let mut line = format!("- `{}`: {help}", spelled(arg));
    let defaults = arg.get_default_values();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() && takes_value(arg) {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        line += &format!(" (default: `{}`)", defaults.join(", "));
    }
    if let Some(env) = arg.get_env() {
        line += &format!(" (environment: `{}`)", env.to_string_lossy());
    }
    line + "\n"
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// As one types it.
fn spelled(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default();
    let values: Vec<_> = values.iter().map(|name| name.to_string()).collect();
    let value = values.join(" ");
    if arg.is_positional() {
        return value;
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    match takes_value(arg) {
        true => format!("{} {value}", names.join(", ")),
        false => names.join(", "),
    }
}

/// With one line end, and no more than one empty line anywhere.
fn ended(text: &str) -> String {
    let mut text = text.trim().to_owned() + "\n";
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}
