//! What `git` prints when it fails, and what it means.

/// What git says first is what went wrong; `fatal:` is its word for that.
pub(super) fn reason(said: &str) -> &str {
    let lines = || said.lines().map(str::trim);
    let fatal = lines().find_map(|line| line.strip_prefix("fatal: "));
    fatal
        .or_else(|| lines().next())
        .unwrap_or("it does not say why")
}

/// Whether it is the machine or the network that is in the way, or who may do what there.
pub(super) fn is_of_the_network(said: &str) -> bool {
    let signs = [
        "Could not resolve host",
        "Failed to connect",
        "Connection refused",
        "timed out",
        "unable to connect",
        "Permission denied (publickey",
        "Host key verification failed",
        "terminal prompts disabled",
        "Authentication failed",
        "could not read Username",
        "The requested URL returned error",
    ];
    signs.iter().any(|sign| said.contains(sign))
}

/// What to do about it.
pub(super) fn hint(said: &str) -> Option<&'static str> {
    let has = |text| said.contains(text);
    if has("terminal prompts disabled")
        || has("Authentication failed")
        || has("could not read Username")
    {
        Some(
            "git asks nobody here: log in with a credential helper, or use the ssh URL of the repository",
        )
    } else if has("Permission denied (publickey") || has("Host key verification failed") {
        Some(
            "ssh asks nobody here: connect once by hand (`ssh -T git@HOST`), and add the key to the agent (`ssh-add`)",
        )
    } else if has("couldn't find remote ref HEAD") {
        Some("the repository has no commit yet; name a branch with --git-ref")
    } else if has("couldn't find remote ref") || has("unknown revision") || has("did not match any")
    {
        Some(
            "--git-ref names a branch, a tag or a commit of the repository; `git ls-remote URL` lists them",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_before_the_rest() {
        let said = "warning: x\nfatal: '/a' does not appear to be a git repository\nfatal: Could not read.";
        assert_eq!(reason(said), "'/a' does not appear to be a git repository");
        assert!(!is_of_the_network(said) && hint(said).is_none());
        assert_eq!(reason(""), "it does not say why");
    }

    #[test]
    fn who_is_not_let_in_learns_how() {
        for (said, told) in [
            (
                "fatal: could not read Username for 'x': terminal prompts disabled",
                "credential helper",
            ),
            ("git@x: Permission denied (publickey).", "ssh-add"),
        ] {
            assert!(is_of_the_network(said) && hint(said).unwrap().contains(told));
        }
        let missing = hint("fatal: couldn't find remote ref v9");
        assert!(missing.unwrap().contains("--git-ref"));
    }
}
