//! What the names of files have in common that a tool makes anew each time: `rollup.config-1767225600.mjs`.
//!
//! A shape must not be that of sources, which people add while builds run. So what differs between the names has to
//! look made by a machine: it has a digit, after a beginning that says something, or is all digits and letters in turn. Of
//! directories with a file of the same name in each, short hexadecimal numbers are enough.

use std::path::{Component, Path, PathBuf};

/// Letters that a common beginning has at least, if it is to say something.
const MIN_LETTERS: usize = 3;
/// Of names without such a beginning.
const MIN_RANDOM_LEN: usize = 8;
const MIN_TURNS: usize = 3;

/// A directory, and what the names in it begin and end with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    // In this order, the greatest is the narrowest.
    depth: usize,
    dir: PathBuf,
    /// Empty if the names have none that says something.
    prefix: String,
    suffix: String,
    /// What follows below; `None` for anything.
    below: Option<PathBuf>,
}

impl Shape {
    /// The narrowest shape of two different paths. None if they have nothing in common, or may be sources.
    pub(super) fn of_both(one: &Path, other: &Path) -> Option<Self> {
        let (mut ones, mut others) = (one.components(), other.components());
        let mut dir = PathBuf::new();
        let (first, second) = loop {
            match (ones.next()?, others.next()?) {
                (a, b) if a == b => dir.push(a),
                (Component::Normal(a), Component::Normal(b)) => break (a.to_str()?, b.to_str()?),
                _ => return None,
            }
        };
        let (prefix, suffix) = in_common(first, second);
        let below = ones.as_path();
        let shape = Self {
            depth: dir.components().count(),
            dir,
            prefix,
            suffix,
            below: (below == others.as_path()).then(|| below.to_path_buf()),
        };
        (shape.has(one) && shape.has(other)).then_some(shape)
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        let Ok(rest) = path.strip_prefix(&self.dir) else {
            return false;
        };
        let mut parts = rest.components();
        let Some(Component::Normal(name)) = parts.next() else {
            return false;
        };
        let differing = name.to_str().and_then(|name| {
            name.strip_prefix(&*self.prefix)?
                .strip_suffix(&*self.suffix)
        });
        differing.is_some_and(|differing| self.is_made(differing))
            && self
                .below
                .as_deref()
                .is_none_or(|below| below == parts.as_path())
    }

    fn is_made(&self, differing: &str) -> bool {
        match self.prefix.is_empty() {
            false => differing.contains(|c: char| c.is_ascii_digit()),
            true => is_random(differing) || (self.fixed_below().is_some() && is_hex(differing)),
        }
    }

    /// What is in each of the directories.
    fn fixed_below(&self) -> Option<&Path> {
        let below = self.below.as_deref();
        below.filter(|below| !below.as_os_str().is_empty())
    }

    /// For people: `src/tmp-*.txt`. None if sources may be called so.
    pub(super) fn pattern(&self) -> Option<PathBuf> {
        if self.prefix.is_empty() && !self.fixed_below().is_some_and(is_artifact) {
            return None;
        }
        let name = self.dir.join(format!("{}*{}", self.prefix, self.suffix));
        Some(match &self.below {
            Some(below) if below.as_os_str().is_empty() => name,
            Some(below) => name.join(below),
            None => name.join("*"),
        })
    }
}

/// What two names begin and end with.
fn in_common(first: &str, second: &str) -> (String, String) {
    let prefix = common(first.chars(), second.chars());
    let (first, second) = (&first[prefix.len()..], &second[prefix.len()..]);
    let suffix = common(first.chars().rev(), second.chars().rev());
    let suffix: String = suffix.chars().rev().collect();
    // The rest of a number is no name: a time has the same first digits for hours.
    let is_digit = |c: char| c.is_ascii_digit();
    let prefix = prefix.trim_end_matches(is_digit);
    let suffix = suffix.trim_start_matches(is_digit);
    match prefix.chars().filter(|c| c.is_alphabetic()).count() {
        MIN_LETTERS.. => (prefix.to_owned(), suffix.to_owned()),
        // Random names may begin and end alike by chance: only the extension is theirs.
        _ => {
            let extension = suffix.find('.').map_or("", |dot| &suffix[dot..]);
            (String::new(), extension.to_owned())
        }
    }
}

/// Whether nobody would think of such a name: a long number, or digits and letters in turn.
fn is_random(name: &str) -> bool {
    let is_separator = |c: char| matches!(c, '-' | '_');
    let is_plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || is_separator(c));
    if name.len() < MIN_RANDOM_LEN || !is_plain {
        return false;
    }
    let pairs = name.chars().zip(name.chars().skip(1));
    let turns = pairs.filter(|(a, b)| {
        !is_separator(*a) && !is_separator(*b) && a.is_ascii_digit() != b.is_ascii_digit()
    });
    name.chars().all(|c| c.is_ascii_digit()) || turns.count() >= MIN_TURNS
}

/// A number such as caches have for their directories.
fn is_hex(name: &str) -> bool {
    let has = |kind: fn(&char) -> bool| name.chars().any(|c| kind(&c));
    name.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
}

/// Whether nobody writes such a file by hand.
fn is_artifact(path: &Path) -> bool {
    const EXTENSIONS: [&str; 11] = [
        "bin", "cache", "d", "lock", "log", "o", "pack", "rmeta", "temp", "tmp", "wasm",
    ];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> String {
    let pairs = one.zip(other).take_while(|(a, b)| a == b);
    pairs.map(|(a, _)| a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, name: Option<&str>, others: &[&str], not: &[&str]) {
        let shape = Shape::of_both(Path::new(one), Path::new(other)).unwrap();
        assert_eq!(shape.pattern().as_deref(), name.map(Path::new));
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
            Some("/p/rollup.config-*.mjs"),
            &["/p/rollup.config-567.mjs"],
            &not,
        );
        check(
            "/p/tmp-1795904561.txt",
            "/p/tmp-1795904571.txt",
            Some("/p/tmp-*.txt"),
            &["/p/tmp-1795905000.txt"],
            &["/p/tmp.txt"],
        );
        check(
            "/p/build-12/out.js",
            "/p/build-34/out.js",
            Some("/p/build-*/out.js"),
            &["/p/build-5/out.js"],
            &["/p/build-5/in.js", "/p/build-tools/out.js"],
        );
        check(
            "/p/cache-1/a",
            "/p/cache-2/b",
            Some("/p/cache-*/*"),
            &["/p/cache-3/y/z"],
            &["/p/x", "/p/cache-map/y"],
        );
    }

    #[test]
    fn random_names_are_those_of_no_source() {
        let sources = [
            "/p/src/main.js",
            "/p/src/button2.js",
            "/p/src/2024-01-15-a-post.js",
            "/p/src/sha256sum.js",
            "/p/src/deep/8f3a9b21c4.js",
        ];
        for (one, other, third) in [
            ("8f3a9b21c4.js", "8e77b1c0a9.js", "00ab12cd34.js"),
            (
                "550e8400-e29b-41d4-a716-446655440000.js",
                "12345678-9abc-4ef0-8234-56789abcdef0.js",
                "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9.js",
            ),
            (
                "1795904561123456789.js",
                "1795904571987654321.js",
                "1800000000000000000.js",
            ),
        ] {
            let at = |name: &str| format!("/p/src/{name}");
            check(&at(one), &at(other), None, &[&at(third)], &sources);
        }
        check(
            "/p/cache/a7/data.bin",
            "/p/cache/3f/data.bin",
            Some("/p/cache/*/data.bin"),
            &["/p/cache/e1/data.bin"],
            &["/p/cache/e1/index.js", "/p/cache/v1/data.bin"],
        );
        check(
            "/p/src/a7/index.js",
            "/p/src/3f/index.js",
            None,
            &["/p/src/e1/index.js"],
            &["/p/src/v1/index.js", "/p/src/day01/index.js"],
        );
    }

    #[test]
    fn sources_have_no_shape() {
        for (one, other) in [
            ("/p/src/main.rs", "/p/src/lib.rs"),
            ("/p/src/button.test.ts", "/p/src/input.test.ts"),
            ("/p/src/component-button.ts", "/p/src/component-input.ts"),
            ("/p/src/a1.ts", "/p/src/b2.ts"),
            ("/p/posts/2024-01-15-one.md", "/p/posts/2024-02-16-two.md"),
            ("/p/one/index.js", "/p/two/index.js"),
            ("/p/aa", "/p/aaa"),
        ] {
            assert_eq!(
                Shape::of_both(Path::new(one), Path::new(other)),
                None,
                "{one}"
            );
        }
    }
}
