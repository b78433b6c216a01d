//! Puts the scripts where shells look for them, and finds out whether they are there and right.
//!
//! `places` says which files that takes, `edit` what is to be done to each, `block` how to edit those that are the user's own,
//! and `health` whether all of it is there. What a shell does with its own files only the shell knows, so `ask` starts one and asks
//! it. Doing it twice changes nothing, and what is taken away is what was put there.

mod ask;
mod block;
mod edit;
mod health;
mod places;

use std::io;
use std::path::PathBuf;

use super::shell::Shell;
use edit::Edit;
pub use health::{Health, State, check, check_here};
pub use places::Surroundings;
use wash_common::advice::{Advice, ErrorClass};
use wash_common::atomic::WriteError;
use wash_common::shell::shell_quote;

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
    #[serde(serialize_with = "crate::report::serialize_path")]
    pub path: PathBuf,
    pub change: Change,
    /// Only some lines of the file are ours.
    pub block: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("`{}` line {line}: the wash lines begin here and do not end", .path.display())]
    NoEnd { path: PathBuf, line: usize },
    #[error("`{}` exists and was not written by wash", .path.display())]
    NotOurs { path: PathBuf },
    #[error("`{}` is read-only", .path.display())]
    ReadOnly { path: PathBuf },
    #[error("cannot determine which shell this is")]
    NoShell,
    #[error("cannot determine where your home directory is")]
    NoHome,
}

impl Advice for InstallError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoEnd { .. } => {
                format!("remove that line, or add `{}` where they end", block::END)
            }
            Self::NotOurs { path } => {
                let path = path.display().to_string();
                let line = shell_quote(&["mv", &path, &format!("{path}.old")]);
                format!("move it away: {line}")
            }
            Self::ReadOnly { path } => {
                let path = shell_quote(&[path.to_string_lossy()]);
                format!(
                    "change its source, or make it writable: chmod u+w {path}; `wash completion SHELL` prints what to load"
                )
            }
            Self::NoShell => format!("name it: wash completion install {}", names()),
            Self::NoHome => "set HOME".to_owned(),
            Self::Read { .. } | Self::Write(_) => return Vec::new(),
        };
        vec![hint]
    }

    fn fault(&self) -> ErrorClass {
        match self {
            Self::NoShell => ErrorClass::Usage,
            Self::NoHome => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
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
    edit::apply(edits, dry_run)
}

/// Takes away what [`install`] has put there, now or earlier.
pub fn uninstall(
    shell: Shell,
    around: &Surroundings,
    dry_run: bool,
) -> Result<Vec<Changed>, InstallError> {
    let mut pieces = places::possible(shell, around);
    pieces.extend(places::former(shell, around));
    let edits: Vec<Edit> = pieces
        .iter()
        .map(Edit::to_remove)
        .collect::<Result<_, _>>()?;
    edit::apply(edits, dry_run)
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn a_file_with_two_names_is_written_where_it_is() {
        use std::os::unix::fs::MetadataExt as _;
        let (home, around) = around();
        let rc = home.path().join(".zshrc");
        fs::write(&rc, "one\n").unwrap();
        fs::hard_link(&rc, home.path().join("other-name")).unwrap();
        let before = fs::metadata(&rc).unwrap();
        install(Shell::Zsh, &around, false).unwrap();
        let after = fs::metadata(&rc).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
        let count = fs::read_dir(home.path()).unwrap().count();
        // bin, .zshrc, its other name and .local: nothing else was left.
        assert_eq!(count, 4);
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        use std::io::Read as _;
        use std::os::unix::fs::PermissionsExt as _;
        let (home, around) = around();
        let rc = home.path().join(".zshrc");
        fs::write(&rc, "one\n").unwrap();
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o640)).unwrap();
        let mut reader = fs::File::open(&rc).unwrap();
        install(Shell::Zsh, &around, false).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\n");
        assert!(
            fs::read_to_string(&rc)
                .unwrap()
                .starts_with("one\n# >>> wash")
        );
        assert_eq!(
            fs::metadata(&rc).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_stays_one() {
        let (home, around) = around();
        let rc = home.path().join(".zshrc");
        std::os::unix::fs::symlink("dotfiles/zshrc", &rc).unwrap();
        install(Shell::Zsh, &around, false).unwrap();
        assert!(rc.is_symlink());
        assert!(home.path().join("dotfiles/zshrc").is_file());
    }

    #[test]
    fn what_is_not_to_be_written_is_left() {
        use std::os::unix::fs::PermissionsExt as _;
        let (home, around) = around();
        let rc = home.path().join(".zshrc");
        fs::write(&rc, "one\n").unwrap();
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o444)).unwrap();
        let error = install(Shell::Zsh, &around, false).unwrap_err();
        assert!(matches!(error, InstallError::ReadOnly { .. }), "{error}");
        assert_eq!(fs::read_to_string(&rc).unwrap(), "one\n");
        assert!(!home.path().join(".local").exists(), "nothing was begun");
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
            "it runs `/no/where/wash`, which does not exist"
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
    fn the_line_that_moves_a_file_away_can_be_pasted() {
        let path = "/my home/wash.fish".into();
        assert_eq!(
            InstallError::NotOurs { path }.hints(),
            ["move it away: mv '/my home/wash.fish' '/my home/wash.fish.old'"]
        );
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
