//! What is not shown of a configuration: values that are secret by their names, and what is secret within other values.

/// Stands for what is not shown.
pub(super) const SECRET: &str = "(secret)";

/// Whether a name says that its value is for nobody to see: `DB_PASSWORD`, `apiKey`, `PW`.
pub(super) fn says_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or_default();
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let parts = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "apikey",
        "privatekey",
        "accesskey",
        "signingkey",
        "encryptionkey",
    ];
    // Short ones are part of too many words.
    let words = ["pw", "pwd", "pass", "auth", "sig", "signature"];
    let has_word = || {
        name.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| words.contains(&word.to_ascii_lowercase().as_str()))
    };
    // The names of entries of `secrets` are no secrets, and neither are paths of routes.
    let is_ours = plain.starts_with("secretfrom") || path.starts_with("dev.routes.");
    !is_ours && (parts.iter().any(|part| plain.contains(part)) || has_word())
}

/// Whether a value is secret whatever its name: a private key, or a token that its beginning gives away.
pub(super) fn is_secret_value(text: &str) -> bool {
    const TOKENS: [&str; 11] = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "npm_",
        "AKIA",
    ];
    let text = text.trim();
    let is_key = text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----");
    let is_web_token = text.starts_with("eyJ") && text.split('.').count() == 3;
    is_key || is_web_token || TOKENS.iter().any(|token| text.starts_with(token))
}

/// The text without logins and tokens of the URLs in it: `redis://me:(secret)@host`, `https://(secret)@host/?token=(secret)`.
pub(super) fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        let scheme = before[..at]
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c)))
            .next()
            .unwrap_or_default();
        let end = after
            .find(|c: char| c.is_whitespace() || "\"'`<>".contains(c))
            .unwrap_or(after.len());
        shown.push_str(&url(scheme, &after[..end]));
        rest = &after[end..];
    }
    shown.push_str(rest);
    shown
}

/// What follows `scheme://`.
fn url(scheme: &str, rest: &str) -> String {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        None => authority.to_string(),
        Some((login, host)) => match login.split_once(':') {
            // Over HTTP, a token may stand in either place.
            _ if scheme.ends_with("http") || scheme.ends_with("https") => {
                format!("{SECRET}@{host}")
            }
            Some((user, _)) => format!("{user}:{SECRET}@{host}"),
            None => authority.to_string(),
        },
    };
    let Some((before, parameters)) = path.split_once('?') else {
        return authority + path;
    };
    let (parameters, fragment) = match parameters.split_once('#') {
        Some((parameters, fragment)) => (parameters, format!("#{fragment}")),
        None => (parameters, String::new()),
    };
    let parameters = parameters
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) if !value.is_empty() && (says_secret(name) || is_key(name)) => {
                format!("{name}={SECRET}")
            }
            _ => parameter.to_string(),
        });
    let parameters = parameters.collect::<Vec<_>>().join("&");
    format!("{authority}{before}?{parameters}{fragment}")
}

/// In a URL, where no other keys are.
fn is_key(name: &str) -> bool {
    name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_secret() {
        for name in [
            "DB_PASSWORD",
            "apiKey",
            "PW",
            "DB_PW",
            "workload.config.db-pass",
            "GITHUB_TOKEN",
            "x.AUTH",
        ] {
            assert!(says_secret(name), "{name}");
        }
        for name in [
            "secretFrom",
            "MODE",
            "compass",
            "author",
            "build.env.PATH",
            "dev.routes./auth",
        ] {
            assert!(!says_secret(name), "{name}");
        }
    }

    #[test]
    fn some_values_give_themselves_away() {
        for value in [
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----",
            "ghp_abc",
            "eyJhbGciOi.eyJzdWIi.c2ln",
        ] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in ["-----BEGIN CERTIFICATE-----", "eyJ", "hello", "a.b.c"] {
            assert!(!is_secret_value(value), "{value}");
        }
    }

    #[test]
    fn urls_lose_logins_and_tokens() {
        for (text, shown) in [
            ("redis://me:x@h:1/2?a@b", "redis://me:(secret)@h:1/2?a@b"),
            ("postgres://me@h/db", "postgres://me@h/db"),
            ("git+http://TOKEN@h/x.git", "git+http://(secret)@h/x.git"),
            ("https://TOKEN:@h", "https://(secret)@h"),
            (
                "https://h/x?token=abc&page=2#top",
                "https://h/x?token=(secret)&page=2#top",
            ),
            (
                "https://h?X-Amz-Signature=a&key=b&code=",
                "https://h?X-Amz-Signature=(secret)&key=(secret)&code=",
            ),
            ("git+ssh://git@h/x", "git+ssh://git@h/x"),
            (
                "git clone https://T@h/a && curl 'http://u:p@b'",
                "git clone https://(secret)@h/a && curl 'http://(secret)@b'",
            ),
            ("https://h/a@b", "https://h/a@b"),
            ("no url", "no url"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
