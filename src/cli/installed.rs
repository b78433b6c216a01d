//! Command lines that may name a command of an installed plugin.

use std::ffi::OsString;

use clap::error::{Error, ErrorKind};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Subcommand as _};

use super::help::fold_shared_options;
use super::{Cli, Command, GlobalArgs, command_tree};
use crate::commands::plugin::invoke::Given;
use crate::commands::plugin::report_broken;
use crate::plugin::manifest::{Manifest, Runs};
use crate::plugin::{Installed, Store};
use crate::plugin_commands::{augment, owner};

/// A command line, understood.
pub(super) struct Line {
    pub(super) globals: GlobalArgs,
    pub(super) typed: Typed,
}

pub(super) enum Typed {
    Command(Box<Command>),
    /// A command that an installed plugin adds.
    Plugin(Box<Manifest>, Given),
}

impl Typed {
    /// Whether it prints one JSON object a line.
    pub(super) fn prints_lines(&self) -> bool {
        matches!(self, Self::Command(command) if command.prints_lines())
    }

    /// Whether `-o` may name a file.
    pub(super) fn writes_file(&self) -> bool {
        matches!(self, Self::Command(command) if command.writes_file())
    }
}

/// What is installed.
pub(super) struct Plugins {
    pub(super) store: Store,
    installed: Installed,
}

impl Plugins {
    pub(super) fn of_user() -> Self {
        // Without a home, nothing is installed there.
        let store = Store::of_user().unwrap_or_else(|| Store::at("/nonexistent".into()));
        let installed = store.installed();
        Self { store, installed }
    }

    /// Every command that can be typed.
    pub(super) fn tree(&self) -> clap::Command {
        fold_shared_options(command_tree(&self.store, &self.installed))
    }

    pub(super) fn parse(&self, line: &[OsString]) -> Result<Line, Error> {
        if let Some(line) = self.program(line) {
            return Ok(line);
        }
        let tree = self.tree();
        let matches = tree.try_get_matches_from(line).inspect_err(|error| {
            // What was meant may be among what cannot be read.
            if error.kind() == ErrorKind::InvalidSubcommand {
                report_broken(&self.installed);
            }
        })?;
        match matches.subcommand() {
            Some((word, below)) if !Command::has_subcommand(word) => {
                let given = Given::Parsed {
                    first: word.to_owned(),
                    matches: below.clone(),
                };
                let line = self.line(word, &matches, given)?;
                Ok(line.expect("only plugins add commands"))
            }
            _ => {
                let Cli { globals, command } = Cli::from_arg_matches(&matches)?;
                Ok(Line {
                    globals,
                    typed: Typed::Command(command.into()),
                })
            }
        }
    }

    /// The command of a plugin that is a program: whatever comes after its name is for it, options of `wash` too.
    fn program(&self, line: &[OsString]) -> Option<Line> {
        let is_program = |plugin: &&Manifest| plugin.runs == Runs::Program;
        let (programs, others): (Vec<&Manifest>, Vec<_>) =
            self.installed.plugins.iter().partition(is_program);
        let mut commands = programs.iter().flat_map(|plugin| plugin.top_level());
        if !commands.any(|command| line.iter().any(|word| *word == *command.path[0])) {
            return None;
        }
        let others: Vec<Manifest> = others.into_iter().cloned().collect();
        let tree = augment(Cli::command(), &others, &self.store)
            .allow_external_subcommands(true)
            .external_subcommand_value_parser(clap::value_parser!(OsString));
        let matches = tree.try_get_matches_from(line).ok()?;
        let (word, below) = matches.subcommand()?;
        let owner = owner(&self.installed.plugins, word)?;
        if owner.runs != Runs::Program || Command::has_subcommand(word) {
            return None;
        }
        let words = below.get_many::<OsString>("").into_iter().flatten();
        let given = Given::Words(words.cloned().collect());
        self.line(word, &matches, given).ok()?
    }

    fn line(&self, word: &str, matches: &ArgMatches, given: Given) -> Result<Option<Line>, Error> {
        let Some(manifest) = owner(&self.installed.plugins, word) else {
            return Ok(None);
        };
        Ok(Some(Line {
            globals: GlobalArgs::from_arg_matches(matches)?,
            typed: Typed::Plugin(Box::new(manifest.clone()), given),
        }))
    }
}
