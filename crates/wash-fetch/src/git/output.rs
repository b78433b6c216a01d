//! What `git` prints when it fails, and what it means.

/// What git says first is what went wrong; `fatal:` is its word for that.
pub(super) fn reason(said: &str) -> &str {
    let lines = || said.lines().map(str::trim);
    let fatal = lines().find_map(|line| line.strip_prefix("fatal: "));
    fatal
        .or_else(|| lines().next())
        .unwrap_or("no reason given")
}

/// What stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A name and a password are wanted, or others than there are.
    Login,
    /// Ssh does not know the host, or the host not the key.
    Key,
    /// The host cannot be reached, or fails.
    Network,
    /// There is no commit in the repository.
    NoCommit,
    NoReference,
}

impl Cause {
    /// Whether it is the machine or the network that is in the way, or who may do what there.
    pub fn is_of_the_network(self) -> bool {
        matches!(self, Cause::Login | Cause::Key | Cause::Network)
    }
}

/// The signs of each, in the order in which they are looked for.
const SIGNS: [(Cause, &[&str]); 5] = [
    (
        Cause::Login,
        &[
            "terminal prompts disabled",
            "Authentication failed",
            "could not read Username",
        ],
    ),
    (
        Cause::Key,
        &[
            "Permission denied (publickey",
            "Host key verification failed",
        ],
    ),
    (
        Cause::Network,
        &[
            "Could not resolve host",
            "Failed to connect",
            "Connection refused",
            "timed out",
            "unable to connect",
            "The requested URL returned error",
        ],
    ),
    (Cause::NoCommit, &["couldn't find remote ref HEAD"]),
    (
        Cause::NoReference,
        &[
            "couldn't find remote ref",
            "unknown revision",
            "did not match any",
        ],
    ),
];

pub(super) fn cause(said: &str) -> Option<Cause> {
    let has = |signs: &[&str]| signs.iter().any(|sign| said.contains(sign));
    let found = SIGNS.into_iter().find(|(_, signs)| has(signs));
    found.map(|(cause, _)| cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_before_the_rest() {
        let said = "warning: x\nfatal: '/a' does not appear to be a git repository\nfatal: Could not read.";
        assert_eq!(reason(said), "'/a' does not appear to be a git repository");
        assert_eq!(cause(said), None);
        assert_eq!(reason(""), "no reason given");
    }

    #[test]
    fn causes_are_told_by_their_signs() {
        for (said, expected) in [
            (
                "fatal: could not read Username for 'x': terminal prompts disabled",
                Cause::Login,
            ),
            ("git@x: Permission denied (publickey).", Cause::Key),
            ("fatal: couldn't find remote ref v9", Cause::NoReference),
            ("fatal: couldn't find remote ref HEAD", Cause::NoCommit),
        ] {
            assert_eq!(cause(said), Some(expected));
        }
    }
}
