//! A path with wildcards in it, as in `build.watch`: `../assets/**/*.html`.

use std::path::{Component, Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// A directory, and which of the files below it are named.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    pub(super) dir: PathBuf,
    pattern: String,
    matcher: Gitignore,
}

impl Glob {
    /// `None` if there are no wildcards in the path, which is absolute.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let is_wild = |part: &Component| part.as_os_str().to_string_lossy().contains(WILD);
        let mut parts = path.components();
        let plain = parts.clone().take_while(|part| !is_wild(part));
        let plain: PathBuf = plain.collect();
        let count = plain.components().count();
        if count == parts.clone().count() {
            return None;
        }
        let rest = parts.by_ref().skip(count).collect::<PathBuf>();
        // As the watcher has it.
        let dir = plain.canonicalize().unwrap_or(plain);
        let pattern = format!("/{}", rest.display());
        let mut matcher = GitignoreBuilder::new(&dir);
        matcher.add_line(None, &pattern).ok()?;
        Some(Self {
            matcher: matcher.build().ok()?,
            dir,
            pattern,
        })
    }

    pub(super) fn has(&self, file: &Path) -> bool {
        let below = file.starts_with(&self.dir);
        below
            && self
                .matcher
                .matched_path_or_any_parents(file, false)
                .is_ignore()
    }
}

/// What makes a name a pattern.
const WILD: [char; 4] = ['*', '?', '[', '{'];

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.dir == other.dir && self.pattern == other.pattern
    }
}

impl Eq for Glob {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_names() {
        let check = |pattern: &str, dir: &str, has: &[&str], not: &[&str]| {
            let glob = Glob::of(Path::new(pattern)).unwrap();
            assert_eq!(glob.dir, Path::new(dir));
            for file in has {
                assert!(glob.has(Path::new(file)), "{pattern} {file}");
            }
            for file in not {
                assert!(!glob.has(Path::new(file)), "{pattern} {file}");
            }
        };
        check(
            "/p/a/*.html",
            "/p/a",
            &["/p/a/x.html"],
            &["/p/a/b/x.html", "/p/a/x.css", "/p/x.html"],
        );
        check(
            "/p/a/**/*.{html,css}",
            "/p/a",
            &["/p/a/x.html", "/p/a/b/c/x.css"],
            &["/p/a/x.js"],
        );
        check(
            "/p/*/wit",
            "/p",
            &["/p/a/wit/deps/x.wit"],
            &["/p/a/b/wit/x.wit"],
        );
        assert_eq!(Glob::of(Path::new("/p/a/b.html")), None);
    }
}
