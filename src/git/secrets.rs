//! What is secret in the URL of a repository, and is not shown.

use url::Url;

/// The URL of a repository, as it may be shown.
pub fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let hidden = parsed.set_password(Some("..."));
            hidden.map_or_else(|()| url.to_string(), |()| parsed.to_string())
        }
        Ok(mut parsed) if is_token(&parsed) => {
            let hidden = parsed.set_username("...");
            hidden.map_or_else(|()| url.to_string(), |()| parsed.to_string())
        }
        _ => url.to_string(),
    }
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
    url.scheme().starts_with("http") && !url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("https://me:secret@host/a", "https://me:...@host/a"),
            ("https://secret@host/a", "https://...@host/a"),
            ("ssh://git@host/a", "ssh://git@host/a"),
            ("git@host:a", "git@host:a"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
