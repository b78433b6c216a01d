//! Lists a directory without what is ignored: by the ignore files in it and above it, and by names that are never
//! sources.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// The files and directories in a directory that are not ignored; true for a directory.
pub(super) fn entries(dir: &Path) -> impl Iterator<Item = (PathBuf, bool)> {
    let mut walk = WalkBuilder::new(dir);
    walk.max_depth(Some(1))
        .hidden(false)
        .follow_links(true)
        // A project that is not in a repository yet has its .gitignore for a reason.
        .require_git(false)
        .add_custom_ignore_filename(".washignore")
        .filter_entry(|entry| entry.depth() == 0 || !is_ours_or_a_tools(entry.path()));
    walk.build()
        .flatten()
        .filter(|entry| entry.depth() == 1)
        .filter_map(|entry| {
            let kind = entry.file_type()?;
            let linked = entry.path_is_symlink();
            let path = entry.into_path();
            if linked && kind.is_dir() && leads_upwards(&path) {
                return None;
            }
            (kind.is_dir() || (kind.is_file() && !is_noise(&path))).then_some((path, kind.is_dir()))
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
