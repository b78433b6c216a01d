//! Folders that no guest may change, whatever it was given: those of `wash`, and `.wash` and `.git` of every project; and files that
//! decide what is read there.
//!
//! What is written there decides what runs outside the sandbox: commands of a build, hooks of git, compiled code. Folders
//! are known by identity, so that no other path to one leads around this: no link, no `..`, no other case, no bind mount.

use std::collections::{HashSet, VecDeque};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

/// Folders of every project.
pub const NAMES: [&str; 2] = [".wash", ".git"];

/// Files of every project: what they name is neither watched nor built. `.gitignore` is not among them: whoever looks at the
/// changes of a repository sees it, and it is part of what programs that make projects write.
const IGNORE_FILES: [&str; 2] = [".washignore", ".ignore"];

/// Entries that are looked at before a directory is moved. One that has more stays where it is.
const MAX_ENTRIES: usize = 100_000;

/// Links that a path may lead through, at most.
const MAX_LINKS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
}

#[derive(Debug, Default)]
pub struct Protected {
    folders: HashSet<FileId>,
    /// Entries on the way to a folder: a directory, and the lowercase name of what is in it. Whoever replaced one of
    /// them would put another folder into the place of the protected one.
    pinned: HashSet<(FileId, String)>,
}

impl Protected {
    /// The folders of `wash` for this user.
    pub fn of_user() -> Self {
        let mut protected = Self::default();
        let folders = [super::config(), super::cache(), super::data()];
        for folder in folders.into_iter().flatten() {
            protected.add(&folder);
        }
        for file in files_of_user() {
            protected.pin(&file);
        }
        protected
    }

    /// Protects a folder, also one that does not exist yet.
    pub fn add(&mut self, folder: &Path) {
        let folder = self.pin(folder);
        if let Ok(metadata) = fs::metadata(folder) {
            self.folders.insert(FileId::of(&metadata));
        }
    }

    /// Keeps a file or a folder in its place, and a file as it is. In a folder others may write. Returns where it is.
    pub fn pin(&mut self, folder: &Path) -> PathBuf {
        let mut rest: VecDeque<OsString> = names(folder).collect();
        let mut current = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                current.pop();
                continue;
            }
            if let Ok(metadata) = fs::metadata(&current) {
                self.pinned.insert((FileId::of(&metadata), fold(&name)));
            }
            let next = current.join(&name);
            match fs::read_link(&next) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        current = PathBuf::from("/");
                    }
                    let target: Vec<OsString> = names(&target).collect();
                    for name in target.into_iter().rev() {
                        rest.push_front(name);
                    }
                }
                _ => current = next,
            }
        }
        current
    }

    /// Whether a directory is one of them or lies in one, also one that is not there yet.
    pub fn contains_path(&self, directory: &Path) -> io::Result<bool> {
        let mut names = directory.components().filter_map(|part| match part {
            Component::Normal(name) => Some(fold(name)),
            _ => None,
        });
        if names.any(|name| NAMES.contains(&name.as_str())) {
            return Ok(true);
        }
        let nearest = directory.ancestors().find(|path| path.is_dir());
        let nearest = nearest.unwrap_or(Path::new("/"));
        self.contains(&fs::File::open(nearest)?)
    }

    /// Whether an open directory is one of them, or lies in one.
    pub fn contains(&self, directory: &impl AsFd) -> io::Result<bool> {
        let mut current = openat(directory, ".", WALK, Mode::empty())?;
        let mut id = FileId::of_stat(&fstat(&current)?);
        loop {
            if self.folders.contains(&id) {
                return Ok(true);
            }
            let parent = match openat(&current, "..", WALK, Mode::empty()) {
                // What this process cannot search, its guests cannot either.
                Err(Errno::ACCESS) => return Ok(false),
                parent => parent?,
            };
            let parent_id = FileId::of_stat(&fstat(&parent)?);
            if parent_id == id {
                return Ok(false);
            }
            let is_this = |name: &str| {
                statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileId::of_stat(&stat) == id)
            };
            if NAMES.into_iter().any(is_this) {
                return Ok(true);
            }
            (current, id) = (parent, parent_id);
        }
    }

    /// Whether an entry of an open directory must stay what it is.
    pub fn has_entry(&self, directory: &impl AsFd, name: &OsStr) -> io::Result<bool> {
        let name = fold(name);
        if NAMES.contains(&name.as_str()) || IGNORE_FILES.contains(&name.as_str()) {
            return Ok(true);
        }
        let id = FileId::of_stat(&fstat(directory)?);
        Ok(self.pinned.contains(&(id, name)) || self.contains(directory)?)
    }

    /// Whether a project is in an entry of an open directory, or is one, however deep; or a link leads to one. Whoever moved it
    /// away could put another into its place.
    pub fn holds_project(&self, directory: &impl AsFd, name: &Path) -> io::Result<bool> {
        let is_link = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
        if is_link {
            return match openat(directory, name, READ, Mode::empty()) {
                Ok(target) => Ok(NAMES
                    .iter()
                    .any(|name| statat(&target, *name, AtFlags::SYMLINK_NOFOLLOW).is_ok())),
                // It leads to a file, or nowhere.
                Err(_) => Ok(false),
            };
        }
        let mut entries = 0;
        holds_project(directory, name, &mut entries)
    }
}

fn holds_project(parent: &impl AsFd, name: &Path, entries: &mut usize) -> io::Result<bool> {
    let directory = match openat(parent, name, READ.union(OFlags::NOFOLLOW), Mode::empty()) {
        Ok(directory) => directory,
        // Not a directory, or one that this process cannot look into, which its guests cannot either.
        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT | Errno::ACCESS) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut below = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        *entries += 1;
        if NAMES.contains(&fold(name).as_str()) || *entries > MAX_ENTRIES {
            return Ok(true);
        }
        if matches!(entry.file_type(), FileType::Directory | FileType::Unknown) {
            below.push(PathBuf::from(name));
        }
    }
    for name in below {
        if holds_project(&directory, &name, entries)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What others keep for this user that decides which programs `wash` runs, and whom it asks: docker's credential helpers, and
/// registries of WIT packages.
fn files_of_user() -> impl Iterator<Item = PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = || variable("HOME").map(PathBuf::from);
    let docker = variable("DOCKER_CONFIG").map(PathBuf::from);
    let docker = docker.or_else(|| Some(home()?.join(".docker")));
    let config = super::config().and_then(|config| Some(config.parent()?.to_path_buf()));
    [
        docker.map(|folder| folder.join("config.json")),
        config.map(|folder| folder.join("wasm-pkg/config.toml")),
        home().map(|home| home.join(".gitconfig")),
    ]
    .into_iter()
    .flatten()
}

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

#[cfg(target_os = "linux")]
const WALK: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const WALK: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

impl FileId {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// The types of the fields differ between systems.
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    fn of_stat(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        }
    }
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// Without what some file systems do not tell apart: case, and characters that are not seen.
fn fold(name: &OsStr) -> String {
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name = name.to_string_lossy();
    name.chars()
        .filter(|c| !ignored(c))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_known_however_one_gets_there() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("dotfiles/wash/compiled")).unwrap();
        fs::create_dir_all(at("home/other")).unwrap();
        symlink("../dotfiles", at("home/.config")).unwrap();
        let mut protected = Protected::default();
        protected.add(&at("home/.config/wash"));
        protected.add(&at("home/.cache/wash"));

        let contains = |path| protected.contains(&File::open(at(path)).unwrap()).unwrap();
        assert!(contains("dotfiles/wash"));
        assert!(contains("home/.config/wash/compiled"));
        assert!(!contains("dotfiles"));
        assert!(!contains("home/other"));

        let pins = |path, name: &str| {
            let directory = File::open(at(path)).unwrap();
            protected.has_entry(&directory, name.as_ref()).unwrap()
        };
        assert!(pins("home", ".config"), "the link on the way");
        assert!(pins("", "dotfiles"), "where it leads to");
        assert!(pins("dotfiles", "WASH"));
        assert!(pins("home", ".cache"), "not there yet");
        assert!(pins("dotfiles/wash", "config.yaml"));
        assert!(!pins("home", "other"));
        assert!(!pins("home/other", ".config"));
    }

    #[test]
    fn what_is_pinned_stays_in_its_place() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("code/app/src")).unwrap();
        let mut protected = Protected::default();
        protected.pin(&at("code/app"));
        protected.pin(&at("code/ci.yaml"));
        let has = |path, name: &str| {
            let directory = File::open(at(path)).unwrap();
            protected.has_entry(&directory, name.as_ref()).unwrap()
        };
        assert!(has("", "code") && has("code", "app") && has("code", "ci.yaml"));
        assert!(!has("code", "other") && !has("code/app", "src") && !has("code/app/src", "x"));
    }

    #[test]
    fn a_project_is_found_in_what_is_moved() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for path in ["a/deep/app/.git", "b/.wash", "c/src"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("file"), "").unwrap();
        symlink("a/deep/app", at("to-project")).unwrap();
        symlink("c", at("to-other")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        let protected = Protected::default();
        let directory = File::open(root.path()).unwrap();
        let holds = |name: &str| {
            let name = Path::new(name);
            protected.holds_project(&directory, name).unwrap()
        };
        assert!(holds("a") && holds("b") && holds("to-project"));
        for name in ["c", "file", "to-other", "dangling", "nowhere"] {
            assert!(!holds(name), "{name}");
        }
    }

    #[test]
    fn folders_of_projects_are_known_everywhere() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("a/.git/hooks")).unwrap();
        let protected = Protected::default();
        let has = |path, name: &str| {
            let directory = File::open(at(path)).unwrap();
            protected.has_entry(&directory, name.as_ref()).unwrap()
        };
        assert!(has("a", ".git") && has("a", ".Wash") && has("a", ".g\u{200c}it"));
        assert!(has("a/.git", "config") && has("a/.git/hooks", "pre-commit"));
        assert!(has("a", ".washignore") && has("a", ".Ignore"));
        assert!(!has("a", ".gitignore") && !has("a", "src"));

        symlink(".git", at("a/link")).unwrap();
        let contains = |path| protected.contains_path(&at(path)).unwrap();
        assert!(contains("a/.git") && contains("a/.git/new/folder") && contains("a/.wash"));
        assert!(contains("a/link/hooks"), "by a link");
        assert!(!contains("a") && !contains("a/new/folder"));
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_known() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("cache/wash")).unwrap();
        let mut protected = Protected::default();
        protected.add(&at("cache/wash"));
        assert!(protected.contains_path(&at("cache/wash/new")).unwrap());
        assert!(!protected.contains_path(&at("cache/new")).unwrap());
    }
}
