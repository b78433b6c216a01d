//! From a parsed command line to what a plugin is called with, and the files and directories named in it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use wash_common::locked_tempdir::{Scratch, ScratchError};
use wash_component::call::Value;
use wash_runtime::capability::wasi::Directory;
use wasmparser::PrimitiveValType as Primitive;

use super::grants::mount;
use super::manifest::{Access, Command, Flag, ValueKind};

/// What `run` is called with.
#[derive(Debug)]
pub struct Invocation {
    pub value: Value,
    /// What the user named, for the plugin to read.
    pub directories: Vec<Directory>,
    /// Files that were named lie in there for as long as the plugin runs: a plugin is given directories only.
    named: Option<Scratch>,
}

/// For whom stdout is.
#[derive(Debug, Clone, Copy)]
pub struct Audience {
    pub terminal: Option<Terminal>,
    /// `-o json`
    pub json: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    pub columns: u16,
    pub colors: bool,
}

/// What was named cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write to the temporary directory `{}`", path.display())]
    Temporary { path: PathBuf, source: io::Error },
    #[error("`{}` is not a {expected}", path.display())]
    Kind {
        path: PathBuf,
        expected: &'static str,
    },
    #[error(transparent)]
    Scratch(ScratchError),
}

impl Invocation {
    /// Nothing was typed.
    pub fn empty() -> Self {
        Self {
            value: Value::Bool(false),
            directories: Vec::new(),
            named: None,
        }
    }

    /// `place` says where a path is that was typed.
    pub fn new(
        command: &Command,
        matches: &ArgMatches,
        audience: Audience,
        place: impl Fn(&Path) -> PathBuf,
    ) -> Result<Self, NamedError> {
        let mut invocation = Self::empty();
        let mut values = Vec::new();
        for argument in &command.arguments {
            let given = invocation.given(&argument.name, &argument.kind, matches, &place)?;
            values.extend(named(&argument.name, given));
        }
        for flag in &command.flags {
            let given = match &flag.kind {
                Some(kind) => invocation.given(&flag.name, kind, matches, &place)?,
                None => switched(flag, matches),
            };
            values.extend(named(&flag.name, given));
        }
        let terminal = audience.terminal.map(|terminal| {
            record([
                ("columns", integer(Primitive::U16, terminal.columns.into())),
                ("colors", Value::Bool(terminal.colors)),
            ])
        });
        let format = if audience.json { "json" } else { "text" };
        invocation.value = record([
            ("command", texts(&command.described)),
            ("values", Value::List(values)),
            ("terminal", option(terminal)),
            ("format", Value::Enum(format.to_owned())),
        ]);
        Ok(invocation)
    }

    /// The values of an argument or a flag.
    fn given(
        &mut self,
        name: &str,
        kind: &ValueKind,
        matches: &ArgMatches,
        place: &impl Fn(&Path) -> PathBuf,
    ) -> Result<Vec<Value>, NamedError> {
        Ok(match kind {
            ValueKind::Text | ValueKind::Completed | ValueKind::OneOf(_) => {
                all::<String>(matches, name, |value| case("text", text(value)))
            }
            ValueKind::Integer { .. } => all::<i64>(matches, name, |value| {
                case("integer", integer(Primitive::S64, (*value).into()))
            }),
            ValueKind::Number => {
                all::<f64>(matches, name, |value| case("number", Value::F64(*value)))
            }
            ValueKind::Boolean => {
                all::<bool>(matches, name, |value| case("boolean", Value::Bool(*value)))
            }
            ValueKind::File(_) | ValueKind::Directory => {
                let paths = matches.get_many::<PathBuf>(name).into_iter().flatten();
                let values = paths.map(|path| {
                    let real = place(path);
                    let guest = match kind {
                        ValueKind::Directory => self.directory(&real)?,
                        _ => self.file(&real)?,
                    };
                    Ok(case("path", shown(path, &guest)))
                });
                values.collect::<Result<_, NamedError>>()?
            }
        })
    }

    /// Lets the plugin read a file. Returns where it finds it.
    pub fn file(&mut self, path: &Path) -> Result<String, NamedError> {
        let failed = |source| NamedError::Read {
            path: path.to_owned(),
            source,
        };
        // What `<(command)` of a shell names is a pipe, which has no path of its own.
        let kind = fs::metadata(path).map_err(failed)?.file_type();
        if !kind.is_file() && !kind.is_fifo() {
            return Err(NamedError::Kind {
                path: path.to_owned(),
                expected: "file",
            });
        }
        let (dir, name) = self.place(path)?;
        let copy = dir.join(&name);
        // A second name is for nothing; but not every file may have one, nor one on another file system.
        let link = |real: PathBuf| fs::hard_link(real, &copy);
        if !kind.is_file() || path.canonicalize().and_then(link).is_err() {
            let copied = File::open(path)
                .and_then(|mut from| io::copy(&mut from, &mut File::create(&copy)?));
            copied.map_err(failed)?;
        }
        Ok(format!("{}/{name}", self.give(dir)))
    }

    /// Lets the plugin read what is shown as a file. Returns where it finds it.
    pub(super) fn content(&mut self, path: &Path, bytes: &[u8]) -> Result<String, NamedError> {
        let (dir, name) = self.place(path)?;
        fs::write(dir.join(&name), bytes).map_err(|source| NamedError::Temporary {
            path: dir.clone(),
            source,
        })?;
        Ok(format!("{}/{name}", self.give(dir)))
    }

    /// A directory for one file, and what the file is called there.
    fn place(&mut self, path: &Path) -> Result<(PathBuf, String), NamedError> {
        let root = match &self.named {
            Some(named) => named,
            None => {
                let named =
                    Scratch::temporary("wash-plugin-arguments-").map_err(NamedError::Scratch)?;
                self.named.insert(named)
            }
        };
        let dir = root.path().join(self.directories.len().to_string());
        fs::create_dir(&dir).map_err(|source| NamedError::Temporary {
            path: dir.clone(),
            source,
        })?;
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or("file");
        Ok((dir, name.to_owned()))
    }

    fn directory(&mut self, path: &Path) -> Result<String, NamedError> {
        let real = path.canonicalize().map_err(|source| NamedError::Read {
            path: path.to_owned(),
            source,
        })?;
        match real.is_dir() {
            true => Ok(self.give(real)),
            false => Err(NamedError::Kind {
                path: path.to_owned(),
                expected: "directory",
            }),
        }
    }

    fn give(&mut self, dir: PathBuf) -> String {
        let guest = format!("/arguments/{}", self.directories.len());
        self.directories
            .push(mount(dir, guest.clone(), Access::ReadOnly, false));
        guest
    }
}

fn switched(flag: &Flag, matches: &ArgMatches) -> Vec<Value> {
    let times = match flag.repeated {
        true => usize::from(matches.get_count(&flag.name)),
        false => usize::from(matches.get_flag(&flag.name)),
    };
    vec![case("boolean", Value::Bool(true)); times]
}

fn all<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    name: &str,
    value: impl Fn(&T) -> Value,
) -> Vec<Value> {
    let values = matches.get_many::<T>(name).into_iter().flatten();
    values.map(value).collect()
}

fn named(name: &str, values: Vec<Value>) -> Option<Value> {
    let filled = !values.is_empty();
    filled.then(|| record([("name", text(name)), ("values", Value::List(values))]))
}

/// A path of WIT: as it was written, and where the plugin finds it.
pub fn shown(path: &Path, guest: &str) -> Value {
    record([
        ("shown", text(&path.to_string_lossy())),
        ("path", text(guest)),
    ])
}

pub fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

pub fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub fn texts(all: &[String]) -> Value {
    Value::List(all.iter().map(|one| text(one)).collect())
}

pub(super) fn option(value: Option<Value>) -> Value {
    Value::Option(value.map(Box::new))
}

fn integer(ty: Primitive, value: i128) -> Value {
    Value::Integer(ty, value)
}

fn case(name: &str, value: Value) -> Value {
    Value::Variant(name.to_owned(), Some(value.into()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use super::*;
    use crate::plugin::manifest::{Argument, Count};
    use crate::plugin::testing::{command, manifest};

    #[test]
    fn a_named_file_can_be_read_and_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.txt"), "a").unwrap();
        fs::write(root.path().join("secret"), "s").unwrap();
        let mut list = command(&["my"]);
        list.arguments = vec![Argument {
            name: "file".into(),
            summary: String::new(),
            kind: ValueKind::File(Vec::new()),
            count: Count::One,
            default: None,
        }];
        let mut my = manifest("my");
        my.commands = vec![list.clone()];
        let parse = |words: &[&str]| {
            let tree = crate::plugin_commands::augment(
                clap::Command::new("wash"),
                std::slice::from_ref(&my),
                &crate::plugin::Store::at("/nowhere".into()),
            );
            let matches = tree.try_get_matches_from(words).unwrap();
            matches.subcommand().unwrap().1.clone()
        };
        let audience = Audience {
            terminal: None,
            json: false,
        };
        let make = |words: &[&str]| {
            Invocation::new(&list, &parse(words), audience, |path| {
                root.path().join(path)
            })
        };
        let invocation = make(&["wash", "my", "a.txt"]).unwrap();
        let wave = invocation.value.wave();
        assert!(
            wave.contains(r#"path({shown: "a.txt", path: "/arguments/0/a.txt"})"#),
            "{wave}"
        );
        assert_eq!(given(&invocation, 0), b"a");
        let error = make(&["wash", "my", "none"]).unwrap_err();
        assert!(error.to_string().contains("`"), "{error}");
        assert!(matches!(
            make(&["wash", "my", "."]),
            Err(NamedError::Kind { .. })
        ));
    }

    #[test]
    fn the_output_of_another_program_can_be_named() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"from a pipe").unwrap();
        drop(writer);
        let mut invocation = Invocation::empty();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let guest = invocation.file(Path::new(&path)).unwrap();
        assert!(guest.starts_with("/arguments/0/"), "{guest}");
        assert_eq!(given(&invocation, 0), b"from a pipe");
    }

    /// What lies in a directory that the plugin is given.
    fn given(invocation: &Invocation, index: usize) -> Vec<u8> {
        let wash_runtime::capability::wasi::Volume::HostPath { path, .. } =
            &invocation.directories[index].volume
        else {
            panic!("a directory of the host")
        };
        let entries: Vec<_> = fs::read_dir(path).unwrap().collect();
        assert_eq!(entries.len(), 1, "{entries:?}");
        fs::read(entries[0].as_ref().unwrap().path()).unwrap()
    }
}
