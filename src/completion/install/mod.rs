//! Puts the scripts where shells look for them, and finds out whether they are there and right.
//!
//! [`places`] says which files that takes, [`block`] edits those that are the user's own. Doing it twice changes nothing, and what
//! is taken away is what was put there.

mod block;
mod places;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::shell::Shell;
use crate::report::Advice;
pub use places::Surroundings;
use places::{Content, Piece};

/// What was done to a file, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Written,
    Updated,
    Removed,
    Unchanged,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    pub path: PathBuf,
    pub change: Change,
    /// Only some lines of the file are ours.
    pub block: bool,
}

/// Whether a shell completes `wash`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Fine,
    /// Something is there, but it is not of this `wash`.
    Stale,
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    pub shell: &'static str,
    pub state: State,
    /// What is there, or should be.
    pub path: PathBuf,
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot read `{}`: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("`{}` line {line}: the lines of wash begin here and do not end", .path.display())]
    NoEnd { path: PathBuf, line: usize },
    #[error("`{}` exists and is not from wash", .path.display())]
    NotOurs { path: PathBuf },
    #[error("cannot tell which shell this is")]
    NoShell,
    #[error("cannot tell where your home directory is")]
    NoHome,
}

impl Advice for InstallError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoEnd { .. } => {
                format!("remove that line, or add `{}` where they end", block::END)
            }
            Self::NotOurs { path } => format!("move it away: mv {0} {0}.old", path.display()),
            Self::NoShell => format!("name it: wash completion install --shell {}", names()),
            Self::NoHome => "set HOME".to_owned(),
            Self::Read { .. } | Self::Write { .. } => return Vec::new(),
        };
        vec![hint]
    }
}

fn names() -> String {
    Shell::ALL.map(Shell::name).join("|")
}

/// Puts the script of a shell where it is loaded.
pub fn install(
    shell: Shell,
    around: &Surroundings,
    dry_run: bool,
) -> Result<Vec<Changed>, InstallError> {
    let pieces = places::wanted(shell, around);
    // Everything is read before anything is written.
    let edits: Vec<Edit> = pieces
        .iter()
        .map(Edit::to_install)
        .collect::<Result<_, _>>()?;
    apply(edits, dry_run)
}

/// Takes away what [`install`] has put there, now or earlier.
pub fn uninstall(
    shell: Shell,
    around: &Surroundings,
    dry_run: bool,
) -> Result<Vec<Changed>, InstallError> {
    let pieces = places::possible(shell, around);
    let edits: Vec<Edit> = pieces
        .iter()
        .map(Edit::to_remove)
        .collect::<Result<_, _>>()?;
    apply(edits, dry_run)
}

/// Whether a shell would load what this `wash` answers to.
pub fn check(shell: Shell, around: &Surroundings) -> Health {
    let health = |state, path: &Path, reason: &str| Health {
        shell: shell.name(),
        state,
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let pieces = places::wanted(shell, around);
    let script = &pieces[0].path;
    if let Some(rc) = places::by_hand(shell, around) {
        return health(State::Fine, &rc, "loaded anew by each shell");
    }
    if !script.exists() {
        return match places::packaged(shell, around) {
            Some(path) => match stale(shell, around, &path) {
                None => health(State::Fine, &path, "installed for everybody"),
                Some(reason) => health(State::Stale, &path, &reason),
            },
            None => health(State::Missing, script, "it is not installed"),
        };
    }
    if let Some(reason) = stale(shell, around, script) {
        return health(State::Stale, script, &reason);
    }
    for piece in &pieces[1..] {
        match Edit::to_install(piece) {
            Err(error) => return health(State::Stale, &piece.path, &error.to_string()),
            Ok(edit) if edit.change == Change::Unchanged => {}
            Ok(_) => return health(State::Missing, &piece.path, "nothing here loads the script"),
        }
    }
    health(State::Fine, script, "installed")
}

/// What is wrong with a script that is there.
fn stale(shell: Shell, around: &Surroundings, path: &Path) -> Option<String> {
    let Ok(text) = fs::read_to_string(path) else {
        return Some("it cannot be read".to_owned());
    };
    match shell.program_of(&text) {
        None => Some("it is of another version of wash".to_owned()),
        Some(program) if !around.runs(&program) => {
            Some(format!("it runs `{program}`, which is not there"))
        }
        Some(_) => None,
    }
}

/// A file as it is to be. `None` for one that is to go.
struct Edit {
    path: PathBuf,
    text: Option<String>,
    change: Change,
    block: bool,
}

impl Edit {
    fn to_install(piece: &Piece) -> Result<Self, InstallError> {
        let old = read(&piece.path)?;
        let new = match &piece.content {
            Content::Whole(text) => match &old {
                Some(old) if !is_ours(old) => {
                    let path = piece.path.clone();
                    return Err(InstallError::NotOurs { path });
                }
                _ => text.clone(),
            },
            Content::Block(lines) => {
                let old = old.as_deref().unwrap_or_default();
                block::with(old, lines).map_err(|line| piece.no_end(line))?
            }
        };
        let change = match &old {
            None => Change::Written,
            Some(old) if *old == new => Change::Unchanged,
            Some(_) => Change::Updated,
        };
        Ok(piece.edit(Some(new), change))
    }

    fn to_remove(piece: &Piece) -> Result<Self, InstallError> {
        let Some(old) = read(&piece.path)? else {
            return Ok(piece.edit(None, Change::Unchanged));
        };
        Ok(match &piece.content {
            Content::Whole(_) if is_ours(&old) => piece.edit(None, Change::Removed),
            Content::Whole(_) => piece.edit(Some(old), Change::Unchanged),
            Content::Block(_) => {
                let new = block::without(&old).map_err(|line| piece.no_end(line))?;
                match new == old {
                    true => piece.edit(Some(new), Change::Unchanged),
                    // There was nothing else in it.
                    false => piece.edit((!new.is_empty()).then_some(new), Change::Removed),
                }
            }
        })
    }
}

impl Piece {
    fn edit(&self, text: Option<String>, change: Change) -> Edit {
        Edit {
            path: self.path.clone(),
            text,
            change,
            block: matches!(self.content, Content::Block(_)),
        }
    }

    fn no_end(&self, line: usize) -> InstallError {
        let path = self.path.clone();
        InstallError::NoEnd { path, line }
    }
}

/// Every script of ours says so.
fn is_ours(script: &str) -> bool {
    script.is_empty() || script.contains(super::shell::VARIABLE)
}

fn read(path: &Path) -> Result<Option<String>, InstallError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InstallError::Read {
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn apply(edits: Vec<Edit>, dry_run: bool) -> Result<Vec<Changed>, InstallError> {
    let mut changed = Vec::new();
    for edit in edits {
        if !dry_run && edit.change != Change::Unchanged {
            let wrote = match &edit.text {
                Some(text) => write(&edit.path, text),
                None => fs::remove_file(&edit.path),
            };
            wrote.map_err(|source| InstallError::Write {
                path: edit.path.clone(),
                source,
            })?;
        }
        changed.push(Changed {
            path: edit.path,
            change: edit.change,
            block: edit.block,
        });
    }
    Ok(changed)
}

/// Whole or not at all; a symlink, as keepers of dotfiles have them, stays one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let old = fs::metadata(&path).map(|file| file.permissions());
    let permissions = old.unwrap_or_else(|_| fs::Permissions::from_mode(0o644));
    let mut file = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home directory, with a `wash` on the path.
    fn around() -> (tempfile::TempDir, Surroundings) {
        let home = tempfile::tempdir().unwrap();
        let around = Surroundings::at(home.path());
        (home, around)
    }

    fn changes(changed: &[Changed]) -> Vec<Change> {
        changed.iter().map(|changed| changed.change).collect()
    }

    #[test]
    fn installing_twice_changes_nothing_and_uninstalling_leaves_nothing() {
        for shell in Shell::ALL {
            let (home, around) = around();
            assert_eq!(check(shell, &around).state, State::Missing, "{shell:?}");
            let would = install(shell, &around, true).unwrap();
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "{shell:?}");
            let done = install(shell, &around, false).unwrap();
            assert_eq!(would, done, "{shell:?}");
            assert!(
                changes(&done).iter().all(|it| *it == Change::Written),
                "{shell:?}"
            );
            assert_eq!(check(shell, &around).state, State::Fine, "{shell:?}");
            let again = install(shell, &around, false).unwrap();
            assert!(
                changes(&again).iter().all(|it| *it == Change::Unchanged),
                "{shell:?}"
            );
            uninstall(shell, &around, false).unwrap();
            assert_eq!(check(shell, &around).state, State::Missing, "{shell:?}");
            assert!(
                done.iter().all(|changed| !changed.path.exists()),
                "{shell:?}"
            );
        }
    }

    #[test]
    fn what_else_is_in_a_file_stays() {
        let (home, around) = around();
        let rc = home.path().join(".zshrc");
        fs::write(home.path().join("real"), "alias ll='ls -l'").unwrap();
        std::os::unix::fs::symlink("real", &rc).unwrap();
        install(Shell::Zsh, &around, false).unwrap();
        let text = fs::read_to_string(&rc).unwrap();
        assert!(text.starts_with("alias ll='ls -l'\n# >>> wash"), "{text}");
        assert!(rc.is_symlink());
        uninstall(Shell::Zsh, &around, false).unwrap();
        assert_eq!(fs::read_to_string(&rc).unwrap(), "alias ll='ls -l'\n");
    }

    #[test]
    fn a_script_of_another_time_or_place_is_stale() {
        let (_home, around) = around();
        let done = install(Shell::Fish, &around, false).unwrap();
        let script = &done[0].path;
        let text = fs::read_to_string(script).unwrap();
        fs::write(script, text.replace("fish:1", "fish:0")).unwrap();
        assert_eq!(check(Shell::Fish, &around).state, State::Stale);
        fs::write(script, Shell::Fish.script("/no/where/wash")).unwrap();
        let health = check(Shell::Fish, &around);
        assert_eq!(health.state, State::Stale);
        assert_eq!(
            health.reason,
            "it runs `/no/where/wash`, which is not there"
        );
        let again = install(Shell::Fish, &around, false).unwrap();
        assert_eq!(changes(&again), [Change::Updated]);
        assert_eq!(check(Shell::Fish, &around).state, State::Fine);
    }

    #[test]
    fn files_of_others_are_not_touched() {
        let (_home, around) = around();
        let done = install(Shell::Fish, &around, true).unwrap();
        fs::create_dir_all(done[0].path.parent().unwrap()).unwrap();
        fs::write(&done[0].path, "complete -c wash -a mine\n").unwrap();
        let error = install(Shell::Fish, &around, false).unwrap_err();
        assert!(matches!(error, InstallError::NotOurs { .. }), "{error}");
        uninstall(Shell::Fish, &around, false).unwrap();
        assert!(done[0].path.exists());
    }

    #[test]
    fn lines_written_by_hand_do_as_well() {
        let (home, around) = around();
        fs::write(
            home.path().join(".zshrc"),
            "# source <(wash completion zsh)\n",
        )
        .unwrap();
        assert_eq!(check(Shell::Zsh, &around).state, State::Missing);
        fs::write(
            home.path().join(".zshrc"),
            "source <(wash completion zsh)\n",
        )
        .unwrap();
        assert_eq!(check(Shell::Zsh, &around).state, State::Fine);
    }
}
