//! What secrets look like. Pure.
//!
//! Only kinds that are known by their beginning, so that hardly anything else is taken for one. Nothing is said of what
//! stands before and after: compilers put the strings of a program one after the other, with nothing in between.

use regex::bytes::Regex;

/// A kind of secret: its name, and what it looks like, for as long as every one of its kind is: what stands beside a secret
/// would be taken for more of it.
const KINDS: &[(&str, &str)] = &[
    (
        // The first words alone are in every program that reads such keys.
        "private key",
        r"-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----(?:\s|\\[nr])*[A-Za-z0-9+/]{40}",
    ),
    ("AWS access key", r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36}"),
    (
        "GitHub token",
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    ),
    ("GitLab token", r"glpat-[A-Za-z0-9_-]{20}"),
    ("Slack token", r"xox[abprs]-[0-9]{10,13}-[A-Za-z0-9-]{20}"),
    ("Stripe key", r"[rs]k_live_[A-Za-z0-9]{24}"),
    ("Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    (
        "Anthropic API key",
        r"sk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{60}",
    ),
];

/// Fewer different characters are a placeholder, such as `ghp_xxxx..`.
const DIFFERENT: usize = 10;

pub struct Patterns(Vec<(&'static str, Regex)>);

/// Something that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<'b> {
    pub kind: &'static str,
    pub position: usize,
    pub bytes: &'b [u8],
}

impl Default for Patterns {
    fn default() -> Self {
        let compile = |pattern: &str| {
            Regex::new(&format!("(?-u){pattern}")).expect("the patterns above are correct")
        };
        let kinds = KINDS.iter();
        Self(kinds.map(|(kind, text)| (*kind, compile(text))).collect())
    }
}

impl Patterns {
    /// In the order of their positions.
    pub fn find<'b>(&self, bytes: &'b [u8]) -> Vec<Match<'b>> {
        let found = self.0.iter().flat_map(|(kind, pattern)| {
            pattern.find_iter(bytes).map(|found| Match {
                kind,
                position: found.start(),
                bytes: found.as_bytes(),
            })
        });
        let mut found: Vec<Match<'b>> = found.filter(|found| !is_example(found.bytes)).collect();
        found.sort_by_key(|found| found.position);
        found
    }
}

/// What stands in documentation instead of a secret.
fn is_example(bytes: &[u8]) -> bool {
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < DIFFERENT || bytes.ends_with(b"EXAMPLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        let found = Patterns::default();
        found.find(text.as_bytes()).iter().map(|f| f.kind).collect()
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn secret(begin: &str, length: usize) -> String {
        let letters = "k3Jd9QwZx7LmP2vRt8HsYb5NcGf4TqWe6XaKu1ErDjMzBpVhSnCyFgT";
        let rest: String = letters.chars().cycle().take(length).collect();
        format!("{begin}{rest}")
    }

    #[test]
    fn each_kind_is_known() {
        let upper = secret("", 60).to_ascii_uppercase();
        let upper: String = upper
            .chars()
            .filter(|c| matches!(c, 'A'..='Z' | '2'..='7'))
            .take(16)
            .collect();
        for (text, kind) in [
            (format!("AKIA{upper}"), "AWS access key"),
            (secret("ghp_", 36), "GitHub token"),
            (secret("github_pat_", 22) + &secret("_", 59), "GitHub token"),
            (secret("glpat-", 20), "GitLab token"),
            (secret("xoxb-1234567890-", 24), "Slack token"),
            (secret("sk_live_", 24), "Stripe key"),
            (secret("AIza", 35), "Google API key"),
            (secret("npm_", 36), "npm token"),
            (secret("sk-ant-api03-", 90), "Anthropic API key"),
            (secret("-----BEGIN PRIVATE KEY-----\n", 50), "private key"),
            (
                secret("-----BEGIN RSA PRIVATE KEY-----\\r\\n", 50),
                "private key",
            ),
        ] {
            // As in the data of a program: other strings are right beside it.
            assert_eq!(
                kinds(&format!("error{text}!no such file")),
                [kind],
                "{text}"
            );
        }
    }

    #[test]
    fn what_stands_beside_a_secret_is_no_part_of_it() {
        let (slack, anthropic) = (secret("xoxb-1234567890-", 24), secret("sk-ant-api03-", 90));
        for secret in [slack, anthropic] {
            let find = |text: &str| {
                let found = Patterns::default();
                let found = found.find(text.as_bytes());
                found[0].bytes.to_vec()
            };
            let after = format!("{secret}nextstring");
            assert_eq!(find(&secret), find(&after), "{secret}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        for text in [
            "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ3J5cHRvZ3JhcGh5IGlzIGhhcmQ",
            "-----BEGIN PUBLIC KEY-----\nMIIBszCCAVmgAwIBAgIUQ3J5cHRvZ3JhcGh5IGlzIGhhcmQ",
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_short",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }
}
