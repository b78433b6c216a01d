//! What the config says of who calls which component: routes, the service, subscriptions.

use std::num::NonZeroU32;

use wash_runtime::workload::{Restart, Route};

/// Requests of a route, and the components they go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// Where the config says so: `dev.routes./api`.
    pub key: String,
    pub route: Route,
    /// In order, at least one; the last one answers.
    pub chain: Vec<String>,
}

/// The component that runs beside the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub restart: Restart,
}

/// `[HOST][/PATH]`, such as `/api`, `admin.localhost` or `*.localhost/api`.
pub(super) fn route(text: &str) -> Result<Route, String> {
    let wrong = |why: &str| {
        Err(format!(
            "expected a route such as `/api`, `admin.localhost` or `*.localhost/api`: {why}"
        ))
    };
    if text.contains("://") {
        return wrong("it has no scheme");
    }
    let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_address = host.starts_with('[') && host.ends_with(']');
    if name.contains(':') && !is_address {
        return wrong("it has no port");
    }
    if text.is_empty() || (name.is_empty() && !host.is_empty()) || name.contains('*') {
        return wrong("`*.` must be followed by a name");
    }
    if path.contains(['*', '?', '#']) {
        return wrong("a path covers all paths below it, and has no pattern, query or fragment");
    }
    if text.contains(char::is_whitespace) {
        return wrong("it has no spaces");
    }
    Ok(Route {
        host: (!host.is_empty()).then(|| host.to_ascii_lowercase()),
        path: path.trim_end_matches('/').to_string(),
    })
}

/// A name that requests may be for: `app.test`, `*.app.test`, or `*` for any. In lower case.
pub(super) fn allowed_host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_name = name
        .parse::<http::uri::Authority>()
        .is_ok_and(|host| host.host() == name);
    match text == "*" || (is_name && !name.contains('*')) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!(
            "expected host names without scheme and port such as `app.test` or `*.app.test`, or `*` for any, found `{text}`"
        )),
    }
}

/// A list of subjects with commas between them: `tasks.*, audit.>`. Empty: none.
pub(super) fn subscriptions(text: &str) -> Result<Vec<String>, String> {
    let subjects = text.split(',').map(str::trim);
    let subjects = subjects.filter(|subject| !subject.is_empty());
    subjects
        .map(|subject| match is_subject(subject) {
            true => Ok(subject.to_string()),
            false => Err(format!(
                "expected subjects such as `tasks.created`, `tasks.*` or `tasks.>`, found `{subject}`"
            )),
        })
        .collect()
}

/// Tokens with dots between them; `*` stands for one token, `>` for all that follow.
fn is_subject(subject: &str) -> bool {
    let mut tokens = subject.split('.').peekable();
    while let Some(token) = tokens.next() {
        let plain = !token.is_empty() && !token.contains([' ', '\t', '*', '>']);
        let wild = token == "*" || (token == ">" && tokens.peek().is_none());
        if !plain && !wild {
            return false;
        }
    }
    true
}

/// `restart`.
pub(super) fn restart(text: &str) -> Result<Restart, String> {
    match text {
        "on-failure" => Ok(Restart::default()),
        "never" => Ok(Restart::Never),
        _ => Err(format!("expected `on-failure` or `never`, found `{text}`")),
    }
}

/// `max_restarts`, of a service that restarts.
pub(super) fn max_restarts(restart: Restart, most: u32) -> Restart {
    match (restart, NonZeroU32::new(most)) {
        (Restart::Never, _) | (_, None) => Restart::Never,
        (Restart::OnFailure { first, most, .. }, tries) => {
            Restart::OnFailure { first, most, tries }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_hosts() {
        for host in ["app.test", "*.app.test", "*", "My-Box", "[::1]", "10.0.0.1"] {
            assert_eq!(allowed_host(host), Ok(host.to_ascii_lowercase()));
        }
        for host in [
            "", "*.", "a.*", "*a", "http://a", "a:80", "a/b", "a b", "u@a", "**",
        ] {
            let problem = allowed_host(host).expect_err(host);
            assert!(problem.ends_with(&format!("found `{host}`")), "{problem}");
        }
    }

    #[test]
    fn routes() {
        for (text, host, path) in [
            ("/", None, ""),
            ("/api", None, "/api"),
            ("/api/", None, "/api"),
            ("Admin.localhost", Some("admin.localhost"), ""),
            ("admin.localhost/", Some("admin.localhost"), ""),
            ("*.localhost/a/b", Some("*.localhost"), "/a/b"),
            ("[::1]/x", Some("[::1]"), "/x"),
        ] {
            let expected = Route {
                host: host.map(str::to_string),
                path: path.to_string(),
            };
            assert_eq!(route(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "http://localhost/",
            "localhost:8000",
            "*",
            "*.",
            "a.*.b",
            "*x.y",
            "/api/*",
            "/a?b",
            "/a#b",
            "/a b",
        ] {
            assert!(route(text).is_err(), "{text}");
        }
    }

    #[test]
    fn subjects() {
        let check = |text, expected: &[&str]| {
            let expected = expected.iter().map(|subject| subject.to_string()).collect();
            assert_eq!(subscriptions(text), Ok(expected), "{text}");
        };
        check("", &[]);
        check("tasks.leet", &["tasks.leet"]);
        check(" tasks.* , audit.>, > ,", &["tasks.*", "audit.>", ">"]);
        for text in [".", "a..b", "a.", "a.>.b", "a*", "a b", "x,a.>>"] {
            assert!(subscriptions(text).is_err(), "{text}");
        }
    }

    #[test]
    fn restarts() {
        assert_eq!(restart("never"), Ok(Restart::Never));
        assert_eq!(restart("on-failure"), Ok(Restart::default()));
        assert!(restart("always").is_err());
        assert_eq!(max_restarts(Restart::default(), 0), Restart::Never);
        let Restart::OnFailure { tries, .. } = max_restarts(Restart::default(), 3) else {
            panic!("it restarts");
        };
        assert_eq!(tries, NonZeroU32::new(3));
    }
}
