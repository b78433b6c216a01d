//! What a request is for: its host and its path, put in order before anything looks at them. What RFC 9112 wants refused
//! is refused here; hyper leaves it to its users.

use std::net::SocketAddr;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Uri, Version};

/// Checks the target of a request and completes it. `local` is the address that the client has reached.
pub(super) fn prepare<B>(
    request: &mut http::Request<B>,
    local: Option<SocketAddr>,
) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("the request has several `host` headers");
    }
    if host.is_some_and(|host| !is_host(host.as_bytes())) {
        return Err("the `host` header is not a host");
    }
    let has_host = host.is_some();
    let (version, uri) = (request.version(), request.uri());
    let authority = uri.authority().map(Authority::as_str);
    if authority.is_some_and(|authority| !is_host(authority.as_bytes())) {
        return Err("the request's target does not name a host");
    }
    let is_http2 = version > Version::HTTP_11;
    let is_bare = uri.scheme().is_none() && authority.is_some();
    if is_bare && !is_http2 && request.method() != Method::CONNECT {
        return Err("the request's target is not a path");
    }
    if authority.is_none() && !has_host {
        if version == Version::HTTP_11 {
            return Err("the request has no `host` header");
        }
        // Older clients need none.
        let local = local.map_or_else(|| "localhost".to_owned(), |local| local.to_string());
        if let Ok(local) = HeaderValue::from_str(&local) {
            request.headers_mut().insert(HOST, local);
        }
    }
    complete_path(request);
    Ok(())
}

/// `http://host?query` has the path `/`.
fn complete_path<B>(request: &mut http::Request<B>) {
    let uri = request.uri();
    let query = uri.path_and_query().map_or("", PathAndQuery::as_str);
    if query.starts_with('?') {
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = format!("/{query}").parse().ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// A name or an address, and perhaps a port.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else {
        return false;
    };
    let (text, host) = (authority.as_str(), authority.host());
    let Some(port) = text.strip_prefix(host) else {
        // Something stands before the host: a user.
        return false;
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some("") => true,
        Some(port) => port.parse::<u16>().is_ok(),
    };
    is_port && !host.is_empty()
}

/// The host that a request is for, without port, in lower case.
pub(super) fn host<B>(request: &http::Request<B>) -> Option<String> {
    // HTTP/2 has it in the request's target.
    let authority = request.uri().authority().map(Authority::as_str);
    let header = || request.headers().get(HOST)?.to_str().ok();
    authority.or_else(header).map(without_port)
}

pub(super) fn without_port(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(
        version: Version,
        target: &str,
        hosts: &[&str],
    ) -> Result<http::Request<()>, &'static str> {
        let mut request = http::Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let mut request = request.body(()).expect("a request");
        prepare(&mut request, Some(([127, 0, 0, 1], 8000).into()))?;
        Ok(request)
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let check = |hosts: &[&str], accepted: bool| {
            let request = prepared(Version::HTTP_11, "/", hosts);
            assert_eq!(request.is_ok(), accepted, "{hosts:?}");
        };
        for host in [
            "a",
            "a:1",
            "a:",
            "a:65535",
            "[::1]",
            "[::1]:80",
            "127.0.0.1:8000",
        ] {
            check(&[host], true);
        }
        for host in [
            "", "u:p@a", "u@a", "a:99999", "a:x", "a:-1", "a b", "a/b", ":80", "[::1",
        ] {
            check(&[host], false);
        }
        check(&[], false);
        check(&["a", "a"], false);
        check(&["a", "b"], false);
    }

    #[test]
    fn only_newer_clients_must_name_a_host() {
        let request = prepared(Version::HTTP_10, "/", &[]).expect("it needs none");
        assert_eq!(host(&request).as_deref(), Some("127.0.0.1"));
        let request = prepared(Version::HTTP_10, "/", &["a"]).expect("it may");
        assert_eq!(host(&request).as_deref(), Some("a"));
        let request = prepared(Version::HTTP_2, "http://a/", &[]).expect("it is in the target");
        assert_eq!(host(&request).as_deref(), Some("a"));
    }

    #[test]
    fn targets() {
        let path = |target: &str| {
            prepared(Version::HTTP_11, target, &["a"])
                .map(|request| request.uri().path_and_query().map(ToString::to_string))
        };
        assert_eq!(path("/x?y"), Ok(Some("/x?y".to_owned())));
        assert_eq!(path("http://h?x=1"), Ok(Some("/?x=1".to_owned())));
        assert_eq!(path("*"), Ok(Some("*".to_owned())));
        assert_eq!(path("noslash"), Err("the request's target is not a path"));
        assert!(path("http://u:p@h/").is_err());
        assert!(path("http://h:99999/").is_err());
    }
}
