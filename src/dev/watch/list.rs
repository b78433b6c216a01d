//! Lists a directory without what is ignored: by the ignore files that count for it, and by names that are never
//! sources.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::ignored::Rules;

/// What is in a directory and not ignored.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) is_dir: bool,
    pub(super) is_link: bool,
}

/// The files and directories in a directory that are not ignored. It is `root`, or lies below it.
pub(super) fn entries(dir: &Path, root: &Path) -> Vec<Entry> {
    let rules = Rules::of(dir, root);
    let entries = candidates(dir);
    let entries = entries.filter(|entry| !rules.leave_out(&entry.path, entry.is_dir));
    entries.collect()
}

/// Sources of a project that an ignore file leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The root of the project, where everything in it is left out; else its `src`.
    pub sources: PathBuf,
    /// The ignore file.
    pub by: PathBuf,
}

/// What a project consists of, or its `src`, if an ignore file leaves it out.
pub fn ignored_sources(root: &Path) -> Option<Ignored> {
    let everything = ignoring_everything(root).map(|by| Ignored {
        sources: root.to_owned(),
        by,
    });
    everything.or_else(|| {
        let sources = root.join("src");
        let by = Rules::of(root, root).file_leaving_out(&sources, true)?;
        sources.is_dir().then_some(Ignored { sources, by })
    })
}

/// The ignore file that leaves out all that a project consists of, if one does.
fn ignoring_everything(root: &Path) -> Option<PathBuf> {
    let rules = Rules::of(root, root);
    let is_hidden = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with('.')
    };
    let mut by = None;
    for entry in candidates(root).filter(|entry| !is_hidden(&entry.path)) {
        by = Some(rules.file_leaving_out(&entry.path, entry.is_dir)?);
    }
    by
}

/// What may be a source by its name and kind.
fn candidates(dir: &Path) -> impl Iterator<Item = Entry> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let path = entry.path();
        let is_link = entry.file_type().ok()?.is_symlink();
        let kind = fs::metadata(&path).ok()?.file_type();
        let is_dir = kind.is_dir();
        let is_left_out = match is_dir {
            true => is_ours_or_a_tools(&path) || is_link && leads_upwards(&path),
            false => !kind.is_file() || is_noise(&path),
        };
        (!is_left_out).then_some(Entry {
            path,
            is_dir,
            is_link,
        })
    })
}

/// Whether a link leads to a directory that it lies in itself.
fn leads_upwards(link: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let target = real(link);
    link.ancestors().skip(1).any(|above| real(above) == target)
}

/// Directories that are never sources: what `wash` keeps, version control, what tools say is theirs.
fn is_ours_or_a_tools(path: &Path) -> bool {
    match path.file_name().and_then(OsStr::to_str) {
        Some(".git" | ".hg" | ".svn" | ".jj" | ".wash" | "node_modules" | "__pycache__") => true,
        Some("target") => path.with_file_name("Cargo.toml").exists(),
        _ => path.join("CACHEDIR.TAG").exists() || path.join("pyvenv.cfg").exists(),
    }
}

/// Files that editors and file managers leave for a moment.
pub(super) fn is_noise(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || (name.starts_with('.')
            && [".swp", ".swo", ".swx"]
                .iter()
                .any(|suffix| name.ends_with(suffix)))
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
        || name.starts_with(".goutputstream-")
        || matches!(name, "4913" | ".DS_Store")
}

pub(super) fn is_ignore_file(name: &OsStr) -> bool {
    matches!(
        name.to_str(),
        Some(".gitignore" | ".ignore" | ".washignore")
    )
}
