//! How a registry asks for credentials: the `WWW-Authenticate` header (RFC 9110, 11.6.1).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// What a registry wants to see before it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token, which another server gives (the distribution specification's token authentication).
    Bearer {
        realm: String,
        service: Option<String>,
        /// What the request needs, such as `repository:team/app:pull`.
        scope: Option<String>,
    },
}

impl Challenge {
    /// The best that we understand of those in an answer: a token before a password.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let headers = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges: Vec<Self> = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(parse)
            .collect();
        let is_bearer = |challenge: &&Self| matches!(challenge, Self::Bearer { .. });
        let best = challenges.iter().find(is_bearer).or(challenges.first());
        best.cloned()
    }
}

/// All challenges of one header that we understand.
fn parse(header: &str) -> Vec<Challenge> {
    let mut schemes: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for item in items(header) {
        // A scheme stands in front of its first parameter, with nothing but a space between them.
        let (scheme, parameter) = match item.split_once(char::is_whitespace) {
            Some((scheme, rest)) if !scheme.contains('=') => (Some(scheme), rest.trim()),
            None if !item.contains('=') => (Some(item), ""),
            _ => (None, item),
        };
        if let Some(scheme) = scheme {
            schemes.push((scheme.to_ascii_lowercase(), Vec::new()));
        }
        if let Some((_, parameters)) = schemes.last_mut()
            && let Some((name, value)) = parameter.split_once('=')
        {
            parameters.push((name.trim().to_ascii_lowercase(), unquote(value.trim())));
        }
    }
    let challenges = schemes.into_iter().filter_map(|(scheme, parameters)| {
        let parameter = |wanted: &str| {
            let mut parameters = parameters.iter();
            let found = parameters.find(|(name, value)| name == wanted && !value.is_empty());
            found.map(|(_, value)| value.clone())
        };
        match scheme.as_str() {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer {
                realm: parameter("realm")?,
                service: parameter("service"),
                scope: parameter("scope"),
            }),
            _ => None,
        }
    });
    challenges.collect()
}

/// What stands between commas that are not quoted.
fn items(header: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    let items = header.split(|c: char| {
        let separates = c == ',' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        separates
    });
    let items = items.map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}

fn unquote(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        text.extend(match c {
            '\\' => characters.next(),
            c => Some(c),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, header.parse().unwrap());
        Challenge::of(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        })
    }

    #[test]
    fn challenges_are_read_however_they_are_written() {
        assert_eq!(of(r#"Basic realm="Registry""#), Some(Challenge::Basic));
        assert_eq!(of("basic"), Some(Challenge::Basic));
        assert_eq!(
            of(
                r#"Bearer realm="https://a.io/token",service="a.io",scope="repository:x:pull,push""#
            ),
            bearer(
                "https://a.io/token",
                Some("a.io"),
                Some("repository:x:pull,push")
            )
        );
        assert_eq!(
            of(r#"bearer  service="a \"b\"" , realm=https://a.io/token"#),
            bearer("https://a.io/token", Some("a \"b\""), None)
        );
        assert_eq!(
            of(r#"Basic realm="a, Bearer x", Bearer realm="https://a.io/token""#),
            bearer("https://a.io/token", None, None)
        );
        assert_eq!(of(r#"Negotiate, Basic realm="a""#), Some(Challenge::Basic));
    }

    #[test]
    fn what_we_do_not_understand_is_none() {
        for header in [
            "",
            "Negotiate",
            "Bearer",
            r#"Bearer service="a""#,
            "=,=,\"",
            "Digest realm=\"x\"",
        ] {
            assert_eq!(of(header), None, "{header}");
        }
    }
}
