//! Which hosts a request may be for.
//!
//! A website may let a name of its own lead to this machine, and then read what is served here: to the browser, both are
//! one site. So names must be known. Addresses need not be: they cannot be made to lead elsewhere.

use std::net::IpAddr;

/// The names that requests may use, beside `localhost`, all below it, and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Each a name, `*.suffix` for all names below one, or `*` for every name.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.to_ascii_lowercase());
        Self(names.collect())
    }

    /// `host` in lower case and without port.
    pub(super) fn allows(&self, host: &str) -> bool {
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        host == "localhost"
            || host.ends_with(".localhost")
            || address.unwrap_or(host).parse::<IpAddr>().is_ok()
            || self.0.iter().any(|name| match name.strip_prefix('*') {
                Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                None => host == name,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_must_be_known() {
        let names = ["App.test", "*.dev.test"].map(str::to_owned);
        let hosts = AllowedHosts::new(names);
        for host in [
            "localhost",
            "api.localhost",
            "127.0.0.1",
            "192.168.1.7",
            "[::1]",
            "app.test",
            "a.dev.test",
            "a.b.dev.test",
        ] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in [
            "evil.com",
            "127.0.0.1.nip.io",
            "localhost.evil.com",
            "notlocalhost",
            ".localhost.evil.com",
            "x.app.test",
            "dev.test",
            "notdev.test",
            "[::1",
            "127.0.0.1.",
            "",
        ] {
            assert!(!hosts.allows(host), "{host}");
        }
        assert!(AllowedHosts::new(["*".to_owned()]).allows("evil.com"));
    }
}
