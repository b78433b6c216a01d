//! What a plugin answers to `describe`, read and checked. Pure.
//!
//! The answer is a stranger's: nothing of it reaches a terminal, a file name or a command line unless it has passed here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wash_component::call::Value;

use super::manifest::{Argument, Command, Count, Flag, HookPoint, Permission, ValueKind, Want};
use super::store::is_name;

const MOST_COMMANDS: usize = 200;
const MOST_OF_A_COMMAND: usize = 64;
const MOST_CHOICES: usize = 256;
const MOST_WANTS: usize = 64;
const DEEPEST: usize = 4;
/// Characters of a text of one line.
const LINE: usize = 200;
/// Characters of a text of several.
const PARAGRAPHS: usize = 8 * 1024;
/// Bytes of everything together.
const LARGEST: usize = 512 * 1024;

/// A description that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub summary: String,
    /// Each after the group that holds it.
    pub commands: Vec<Command>,
    pub hooks: Vec<HookPoint>,
    pub wants: Vec<Want>,
}

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescribeError {
    #[error("`describe` answers something else than `wash:plugin@0.1.0` has: {0}")]
    Form(String),
    #[error("{place}: {problem}")]
    Content { place: String, problem: String },
}

/// As the plugin has it.
#[derive(Debug, Serialize, Deserialize)]
struct Descriptor {
    name: String,
    version: String,
    summary: String,
    commands: Vec<Described>,
    hooks: Vec<HookPoint>,
    wants: Vec<Want>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Described {
    path: Vec<String>,
    summary: String,
    details: String,
    aliases: Vec<String>,
    group: bool,
    arguments: Vec<Argument>,
    flags: Vec<Flag>,
    examples: Vec<String>,
}

/// Names that commands and flags of `wash` have.
#[derive(Debug, Clone, Default)]
pub struct Reserved {
    pub commands: BTreeSet<String>,
    flags: BTreeSet<String>,
    shorts: BTreeSet<char>,
}

impl Reserved {
    /// Everything that the command line of `wash` has taken.
    pub fn of(wash: &clap::Command) -> Self {
        let mut reserved = Self {
            commands: ["help".to_owned()].into(),
            flags: ["help", "version"].map(str::to_owned).into(),
            shorts: ['h', 'V'].into(),
        };
        for command in wash.get_subcommands() {
            let names = command.get_all_aliases().chain([command.get_name()]);
            reserved.commands.extend(names.map(str::to_owned));
        }
        for arg in wash.get_arguments().filter(|arg| arg.is_global_set()) {
            reserved.flags.extend(arg.get_long().map(str::to_owned));
            reserved.shorts.extend(arg.get_short());
        }
        reserved
    }
}

/// Reads and checks what `describe` returned.
pub fn read(answer: &Value, reserved: &Reserved) -> Result<Description, DescribeError> {
    let descriptor: Descriptor = serde_json::from_value(answer.json())
        .map_err(|error| DescribeError::Form(printable(&error.to_string(), LINE)))?;
    let size = serde_json::to_string(&descriptor).map_or(usize::MAX, |text| text.len());
    if size > LARGEST {
        let problem = format!("it has {size} bytes: at most {LARGEST} are allowed");
        return Err(wrong("the description", problem));
    }
    let Descriptor {
        name,
        version,
        summary,
        commands,
        mut hooks,
        wants,
    } = descriptor;
    word(&name).map_err(|problem| wrong("the name of the plugin", problem))?;
    if version.len() > 64 || semver::Version::parse(&version).is_err() {
        let problem = format!(
            "`{}` is not a version such as `0.1.0`",
            printable(&version, 20)
        );
        return Err(wrong("the version", problem));
    }
    line(&summary).map_err(|problem| wrong("the summary", problem))?;
    let commands = read_commands(commands, reserved)?;
    most(wants.len(), MOST_WANTS).map_err(|problem| wrong("`wants`", problem))?;
    for (index, want) in wants.iter().enumerate() {
        let checked = line(&want.reason).and_then(|()| permission(&want.what));
        checked.map_err(|problem| wrong(&format!("`wants[{index}]`"), problem))?;
    }
    hooks.sort();
    hooks.dedup();
    Ok(Description {
        name,
        version,
        summary,
        commands,
        hooks,
        wants,
    })
}

fn wrong(place: &str, problem: impl Into<String>) -> DescribeError {
    DescribeError::Content {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

fn read_commands(
    described: Vec<Described>,
    reserved: &Reserved,
) -> Result<Vec<Command>, DescribeError> {
    most(described.len(), MOST_COMMANDS).map_err(|problem| wrong("`commands`", problem))?;
    let mut commands: Vec<Command> = Vec::new();
    for (index, described) in described.into_iter().enumerate() {
        let words: Result<Vec<()>, String> = described.path.iter().map(|w| word(w)).collect();
        let depth = match described.path.len() {
            0 => Err("it is empty".to_owned()),
            depth => most(depth, DEEPEST),
        };
        words
            .and(depth)
            .map_err(|problem| wrong(&format!("the path of `commands[{index}]`"), problem))?;
        let place = format!("the command `{}`", described.path.join(" "));
        let command = Command {
            described: described.path.clone(),
            path: described.path,
            summary: described.summary,
            details: described.details,
            aliases: described.aliases,
            group: described.group,
            arguments: described.arguments,
            flags: described.flags,
            examples: described.examples,
        };
        check(&command, reserved).map_err(|problem| wrong(&place, problem))?;
        commands.push(command);
    }
    hold(&mut commands);
    commands.sort_by(|a, b| a.path.cmp(&b.path));
    distinct(&commands)?;
    Ok(commands)
}

/// Adds the groups that are not described.
fn hold(commands: &mut Vec<Command>) {
    let known: BTreeSet<_> = commands
        .iter()
        .map(|command| command.path.clone())
        .collect();
    let prefixes = known
        .iter()
        .flat_map(|path| (1..path.len()).map(|end| path[..end].to_vec()));
    let missing: BTreeSet<_> = prefixes.filter(|prefix| !known.contains(prefix)).collect();
    let groups: Vec<Command> = missing
        .into_iter()
        .map(|path| Command {
            summary: contents(&path, &known),
            described: path.clone(),
            path,
            group: true,
            ..Command::default()
        })
        .collect();
    commands.extend(groups);
}

/// A summary for a group that has none: `Commands: add, list`.
fn contents(group: &[String], known: &BTreeSet<Vec<String>>) -> String {
    let below = known.iter().filter(|path| path.starts_with(group));
    let names: BTreeSet<&str> = below
        .filter_map(|path| path.get(group.len()))
        .map(String::as_str)
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let text = format!("Commands: {}", names.join(", "));
    match text.chars().count() > LINE {
        true => format!("{} commands", names.len()),
        false => text,
    }
}

/// No two commands of a group have a name in common.
fn distinct(commands: &[Command]) -> Result<(), DescribeError> {
    let mut taken = BTreeSet::new();
    for command in commands {
        let (last, group) = command.path.split_last().expect("no path is empty");
        for name in command.aliases.iter().chain([last]) {
            if !taken.insert((group, name)) {
                let place = format!("the command `{}`", command.path.join(" "));
                return Err(wrong(
                    &place,
                    format!("`{name}` is the name of two commands"),
                ));
            }
        }
        let above = commands.iter().find(|other| other.path == group);
        if above.is_some_and(|above| !above.arguments.is_empty() && !above.group) {
            let place = format!("the command `{}`", group.join(" "));
            let problem = "it has both arguments and subcommands, which would be ambiguous";
            return Err(wrong(&place, problem));
        }
    }
    Ok(())
}

fn check(command: &Command, reserved: &Reserved) -> Result<(), String> {
    line(&command.summary)?;
    text(&command.details, PARAGRAPHS, true)?;
    most(command.aliases.len(), 8)?;
    most(command.examples.len(), 16)?;
    most(command.arguments.len(), MOST_OF_A_COMMAND)?;
    most(command.flags.len(), MOST_OF_A_COMMAND)?;
    command.aliases.iter().try_for_each(|alias| word(alias))?;
    command
        .examples
        .iter()
        .try_for_each(|example| line(example))?;
    if command.group && !(command.arguments.is_empty() && command.flags.is_empty()) {
        return Err("it is a group, and groups cannot have arguments and flags".to_owned());
    }
    let mut names = BTreeSet::new();
    let mut optional = false;
    for (index, argument) in command.arguments.iter().enumerate() {
        let of_argument = |problem| format!("argument {}: {problem}", index + 1);
        check_argument(argument, &mut optional).map_err(of_argument)?;
        if !names.insert(&argument.name) {
            return Err(of_argument("another one has its name".to_owned()));
        }
        let several = matches!(argument.count, Count::AtLeastOne | Count::Any);
        if several && index + 1 < command.arguments.len() {
            return Err(of_argument(
                "only the last argument may have several values".to_owned(),
            ));
        }
    }
    let mut shorts = BTreeSet::new();
    for (index, flag) in command.flags.iter().enumerate() {
        let of_flag = |problem| format!("flag {}: {problem}", index + 1);
        check_flag(flag, reserved).map_err(of_flag)?;
        if !names.insert(&flag.name) || flag.short.is_some_and(|short| !shorts.insert(short)) {
            return Err(of_flag("another one has its name or letter".to_owned()));
        }
    }
    Ok(())
}

fn check_argument(argument: &Argument, optional: &mut bool) -> Result<(), String> {
    word(&argument.name)?;
    line(&argument.summary)?;
    kind(&argument.kind, argument.default.as_deref())?;
    let required =
        argument.default.is_none() && matches!(argument.count, Count::One | Count::AtLeastOne);
    if required && *optional {
        return Err("it is required, after one that can be left out".to_owned());
    }
    *optional |= !required;
    Ok(())
}

fn check_flag(flag: &Flag, reserved: &Reserved) -> Result<(), String> {
    word(&flag.name)?;
    line(&flag.summary)?;
    if reserved.flags.contains(&flag.name) {
        return Err(format!(
            "`--{}` is the name of a global option of `wash`",
            flag.name
        ));
    }
    if let Some(short) = flag.short {
        if !short.is_ascii_alphanumeric() {
            return Err("its letter is neither a letter nor a digit".to_owned());
        }
        if reserved.shorts.contains(&short) {
            return Err(format!(
                "`-{short}` is the letter of a global option of `wash`"
            ));
        }
    }
    match &flag.kind {
        Some(of) => kind(of, flag.default.as_deref()),
        None if flag.required || flag.default.is_some() => {
            Err("it is a switch, which cannot be required or have a default".to_owned())
        }
        None => Ok(()),
    }
}

/// Checks a kind of values, and that the default is one of them.
fn kind(kind: &ValueKind, default: Option<&str>) -> Result<(), String> {
    let misfit = || Err("its default is not a valid value".to_owned());
    if let Some(default) = default {
        line(default)?;
    }
    match kind {
        ValueKind::Text | ValueKind::Completed => Ok(()),
        ValueKind::Integer { least, most } => {
            let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
            let fits = |text: &str| text.parse().is_ok_and(|n: i64| (least..=most).contains(&n));
            match default {
                _ if least > most => Err("no integer is in its range".to_owned()),
                Some(default) if !fits(default) => misfit(),
                _ => Ok(()),
            }
        }
        ValueKind::Number => match default.map(str::parse::<f64>) {
            Some(number) if !number.as_ref().is_ok_and(|number| number.is_finite()) => misfit(),
            _ => Ok(()),
        },
        ValueKind::Boolean => match default {
            Some(default) if !matches!(default, "true" | "false") => misfit(),
            _ => Ok(()),
        },
        ValueKind::OneOf(choices) => {
            most(choices.len(), MOST_CHOICES)?;
            let mut values = BTreeSet::new();
            for choice in choices {
                line(&choice.value).and_then(|()| line(&choice.summary))?;
                if choice.value.is_empty() || !values.insert(choice.value.as_str()) {
                    return Err("it has duplicate values".to_owned());
                }
            }
            match default {
                _ if values.is_empty() => Err("it has no value that can be chosen".to_owned()),
                Some(default) if !values.contains(default) => misfit(),
                _ => Ok(()),
            }
        }
        ValueKind::File(_) | ValueKind::Directory if default.is_some() => Err(
            "its default is a path, but plugins can only access paths that the user names"
                .to_owned(),
        ),
        ValueKind::File(extensions) => {
            most(extensions.len(), 16)?;
            let plain = |text: &String| {
                let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                (1..=16).contains(&text.len()) && text.chars().all(fits)
            };
            match extensions.iter().all(plain) {
                true => Ok(()),
                false => {
                    Err("one of its extensions is not valid: expected one like `wasm`".to_owned())
                }
            }
        }
        ValueKind::Directory => Ok(()),
    }
}

fn permission(permission: &Permission) -> Result<(), String> {
    let texts: Vec<&String> = match permission {
        Permission::Directory { path: text, .. }
        | Permission::Host(text)
        | Permission::Environment(text) => vec![text],
        Permission::Program(words) => words.iter().collect(),
        Permission::Project(_) => Vec::new(),
    };
    texts.into_iter().try_for_each(|text| line(text))?;
    permission.check().map_err(|error| error.to_string())
}

fn word(name: &str) -> Result<(), String> {
    match is_name(name) {
        true => Ok(()),
        false => Err(format!(
            "`{}` is not a name: expected lower-case letters, digits and `-`, such as `my-plugin`",
            printable(name, 40)
        )),
    }
}

fn most(found: usize, allowed: usize) -> Result<(), String> {
    match found > allowed {
        true => Err(format!("there are {found}: at most {allowed} are allowed")),
        false => Ok(()),
    }
}

fn line(text: &str) -> Result<(), String> {
    self::text(text, LINE, false)
}

fn text(text: &str, longest: usize, lines: bool) -> Result<(), String> {
    let length = text.chars().count();
    if length > longest {
        let begin = printable(text, 30);
        return Err(format!(
            "`{begin}…` has {length} characters: at most {longest} are allowed"
        ));
    }
    match text
        .chars()
        .find(|c| is_unseen(*c) && !(lines && *c == '\n'))
    {
        Some(c) => Err(format!(
            "`{}` has the character U+{:04X}, which is invisible",
            printable(text, 40),
            u32::from(c)
        )),
        None => Ok(()),
    }
}

/// Whether a character does something else than being seen: it controls a terminal, or changes the order or the look of
/// others.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning of a text that may have anything in it.
pub fn printable(text: &str, longest: usize) -> String {
    let seen = |c| if is_unseen(c) { '\u{fffd}' } else { c };
    text.chars().take(longest).map(seen).collect()
}

#[cfg(test)]
mod tests;
