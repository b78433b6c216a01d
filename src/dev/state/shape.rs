//! What the names of files have in common that a tool makes anew each time: `rollup.config-1767225600.mjs`.

use std::path::{Component, Path, PathBuf};

/// A directory, and what the names in it begin and end with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    // In this order, the greatest is the narrowest.
    depth: usize,
    dir: PathBuf,
    prefix: String,
    suffix: String,
    /// What follows below; `None` for anything.
    below: Option<PathBuf>,
}

impl Shape {
    /// The narrowest shape of two different paths. None if they have nothing in common.
    pub(super) fn of_both(one: &Path, other: &Path) -> Option<Self> {
        let (mut one, mut other) = (one.components(), other.components());
        let mut dir = PathBuf::new();
        let (first, second) = loop {
            match (one.next()?, other.next()?) {
                (a, b) if a == b => dir.push(a),
                (Component::Normal(a), Component::Normal(b)) => break (a.to_str()?, b.to_str()?),
                _ => return None,
            }
        };
        let prefix = common(first.chars(), second.chars());
        let (first, second) = (&first[prefix.len()..], &second[prefix.len()..]);
        let suffix = common(first.chars().rev(), second.chars().rev());
        let suffix: String = suffix.chars().rev().collect();
        // The rest of a number is no name: a time has the same first digits for hours.
        let is_digit = |c: char| c.is_ascii_digit();
        let below = one.as_path();
        Some(Self {
            depth: dir.components().count(),
            dir,
            prefix: prefix.trim_end_matches(is_digit).to_owned(),
            suffix: suffix.trim_start_matches(is_digit).to_owned(),
            below: (below == other.as_path()).then(|| below.to_path_buf()),
        })
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        let Ok(rest) = path.strip_prefix(&self.dir) else {
            return false;
        };
        let mut parts = rest.components();
        let Some(Component::Normal(name)) = parts.next() else {
            return false;
        };
        let Some(name) = name.to_str() else {
            return false;
        };
        name.len() >= self.prefix.len() + self.suffix.len()
            && name.starts_with(&self.prefix)
            && name.ends_with(&self.suffix)
            && self
                .below
                .as_deref()
                .is_none_or(|below| below == parts.as_path())
    }

    /// For people: `src/tmp-*.txt`.
    pub(super) fn name(&self) -> PathBuf {
        let name = self.dir.join(format!("{}*{}", self.prefix, self.suffix));
        match &self.below {
            Some(below) if below.as_os_str().is_empty() => name,
            Some(below) => name.join(below),
            None => name.join("*"),
        }
    }
}

fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> String {
    let pairs = one.zip(other).take_while(|(a, b)| a == b);
    pairs.map(|(a, _)| a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, name: &str, others: &[&str], not: &[&str]) {
        let shape = Shape::of_both(Path::new(one), Path::new(other)).unwrap();
        assert_eq!(shape.name(), Path::new(name));
        for path in others.iter().chain([&one, &other]) {
            assert!(shape.has(Path::new(path)), "{path}");
        }
        for path in not {
            assert!(!shape.has(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn names_that_a_tool_makes() {
        let not = ["/p/rollup.config.mjs", "/p/a/rollup.config-3.mjs", "/p"];
        check(
            "/p/rollup.config-12.mjs",
            "/p/rollup.config-34.mjs",
            "/p/rollup.config-*.mjs",
            &["/p/rollup.config-567.mjs"],
            &not,
        );
        check(
            "/p/tmp-1795904561.txt",
            "/p/tmp-1795904571.txt",
            "/p/tmp-*.txt",
            &["/p/tmp-1795905000.txt"],
            &["/p/tmp.txt"],
        );
        check(
            "/p/.tmp/ab/out.js",
            "/p/.tmp/cd/out.js",
            "/p/.tmp/*/out.js",
            &["/p/.tmp/ef/out.js"],
            &["/p/.tmp/ef/in.js"],
        );
        check(
            "/p/c/ab/1",
            "/p/c/cd/2",
            "/p/c/*/*",
            &["/p/c/x/y/z"],
            &["/p/x"],
        );
        check("/p/aa", "/p/aaa", "/p/aa*", &["/p/aab"], &["/p/a"]);
    }
}
