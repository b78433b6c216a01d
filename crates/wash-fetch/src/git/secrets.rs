//! What is secret in the URL of a repository, and is not shown.

use url::Url;

/// A URL, as it may be shown: without a password, a token in the place of a name, and what is asked for with it.
pub fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.to_string();
    };
    let hidden = if parsed.password().is_some() {
        parsed.set_password(Some("...")).is_ok()
    } else if is_token(&parsed) {
        parsed.set_username("...").is_ok()
    } else {
        false
    };
    let query = parsed.query().map(without_values);
    match &query {
        Some(query) => parsed.set_query(Some(query)),
        None if !hidden => return url.to_string(),
        None => {}
    }
    parsed.to_string()
}

/// `token=...` of `token=secret`.
fn without_values(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) => format!("{name}=..."),
        None => "...".to_string(),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// What was said about a repository, without what is secret in its URL.
pub(super) fn without_secrets(said: &str, url: &str) -> String {
    let said = said.replace(url, &without_password(url));
    match Url::parse(url) {
        Ok(url) if is_token(&url) => said.replace(&format!("{}@", url.username()), "...@"),
        _ => said,
    }
}

/// Where there is no password, the name may be one.
fn is_token(url: &Url) -> bool {
    let scheme = url.scheme().trim_start_matches("git+");
    scheme.starts_with("http") && !url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("https://me:secret@host/a", "https://me:...@host/a"),
            ("https://secret@host/a", "https://...@host/a"),
            (
                "git+https://secret@host/a#v1:b",
                "git+https://...@host/a#v1:b",
            ),
            ("git+ssh://git@host/a", "git+ssh://git@host/a"),
            (
                "https://me:secret@host/a.wit?token=x&y",
                "https://me:...@host/a.wit?token=...&...",
            ),
            (
                "https://host/a.wit?token=x#v1",
                "https://host/a.wit?token=...#v1",
            ),
            ("ssh://git@host/a", "ssh://git@host/a"),
            ("git@host:a", "git@host:a"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
