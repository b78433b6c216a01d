//! Which handler answers a request, by its host and path.

use std::cmp::Reverse;
use std::sync::Arc;

use async_trait::async_trait;
use http::Response;

use super::target::host;
use super::{Body, Handler, Page, Request, Wants};
use crate::events::RequestId;
use crate::workload::Route;

/// Hands each request to the handler of its most specific route. What no route fits is told which routes there are.
pub struct Router(Table<Arc<dyn Handler>>);

impl Router {
    pub fn new(routes: impl IntoIterator<Item = (Route, Arc<dyn Handler>)>) -> Self {
        Self(Table::new(routes))
    }
}

#[async_trait]
impl Handler for Router {
    async fn handle(&self, request: Request, id: RequestId) -> Response<Body> {
        let host = host(&request);
        match self.0.find(host.as_deref(), request.uri().path()) {
            Some(handler) => handler.handle(request, id).await,
            None => {
                let wanted = format!("{}{}", host.unwrap_or_default(), request.uri().path());
                let page = Page::no_route(&wanted, &self.0.routes());
                page.response(Wants::of(request.headers()))
            }
        }
    }
}

/// Routes and what they lead to, most specific first.
struct Table<T>(Vec<(Route, T)>);

impl<T> Table<T> {
    fn new(routes: impl IntoIterator<Item = (Route, T)>) -> Self {
        let mut routes: Vec<_> = routes
            .into_iter()
            .map(|(route, to)| (normal(route), to))
            .collect();
        routes.sort_by_cached_key(|(route, _)| {
            let host = route.host.as_deref().unwrap_or_default();
            let is_pattern = host.starts_with('*');
            (
                host.is_empty(),
                is_pattern,
                Reverse(host.len()),
                Reverse(route.path.len()),
            )
        });
        Self(routes)
    }

    /// `host` in lower case and without port.
    fn find(&self, host: Option<&str>, path: &str) -> Option<&T> {
        let mut routes = self.0.iter();
        routes
            .find(|(route, _)| has_host(route, host) && has_path(route, path))
            .map(|(_, to)| to)
    }

    fn routes(&self) -> Vec<String> {
        self.0.iter().map(|(route, _)| route.to_string()).collect()
    }
}

fn normal(route: Route) -> Route {
    Route {
        host: route.host.map(|host| host.to_ascii_lowercase()),
        path: route.path.trim_end_matches('/').to_string(),
    }
}

fn has_host(route: &Route, host: Option<&str>) -> bool {
    let Some(wanted) = &route.host else {
        return true;
    };
    let Some(host) = host else { return false };
    match wanted.strip_prefix('*') {
        // `*.suffix`: something stands before the dot.
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == wanted,
    }
}

/// `*` is for the server as a whole: what any of the routes leads to.
fn has_path(route: &Route, path: &str) -> bool {
    if path == "*" {
        return true;
    }
    path.strip_prefix(&route.path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::target::without_port;

    fn table(routes: &[&'static str]) -> Table<&'static str> {
        let route = |text: &'static str| {
            let at = text.find('/').unwrap_or(text.len());
            let (host, path) = text.split_at(at);
            let route = Route {
                host: (!host.is_empty()).then(|| host.to_string()),
                path: path.to_string(),
            };
            (route, text)
        };
        Table::new(routes.iter().copied().map(route))
    }

    /// Which of the routes a request takes: `HOST/PATH`.
    fn check(routes: &[&'static str], cases: &[(&str, Option<&str>)]) {
        let table = table(routes);
        for (request, expected) in cases {
            let path = request.find(['/', '*']).expect("a path");
            let (host, path) = request.split_at(path);
            let host = (!host.is_empty()).then(|| without_port(host));
            assert_eq!(
                table.find(host.as_deref(), path).copied(),
                *expected,
                "{request} among {routes:?}"
            );
        }
    }

    #[test]
    fn whole_segments_of_the_longest_path() {
        check(
            &["/", "/api", "/api/v2/"],
            &[
                ("/", Some("/")),
                ("/apix", Some("/")),
                ("/api", Some("/api")),
                ("/api/", Some("/api")),
                ("/api/v1", Some("/api")),
                ("/api/v2", Some("/api/v2/")),
                ("/api/v2/x", Some("/api/v2/")),
                ("/api/v20", Some("/api")),
                ("/API", Some("/")),
            ],
        );
    }

    #[test]
    fn a_host_before_none_and_a_name_before_a_pattern() {
        check(
            &["/api", "admin.localhost", "*.localhost/api", "*.LOCALHOST"],
            &[
                ("admin.localhost/api", Some("admin.localhost")),
                ("Admin.Localhost:8000/x", Some("admin.localhost")),
                ("shop.localhost/api/x", Some("*.localhost/api")),
                ("shop.localhost/", Some("*.LOCALHOST")),
                ("a.b.localhost/", Some("*.LOCALHOST")),
                ("localhost/api", Some("/api")),
                ("localhost/", None),
                ("/api", Some("/api")),
                ("notlocalhost/", None),
            ],
        );
    }

    #[test]
    fn an_address_is_a_host() {
        check(
            &["[::1]", "127.0.0.1"],
            &[
                ("[::1]:8000/", Some("[::1]")),
                ("[::1]/", Some("[::1]")),
                ("127.0.0.1:1/", Some("127.0.0.1")),
                ("/", None),
            ],
        );
    }

    #[test]
    fn the_whole_server_is_behind_any_path() {
        check(
            &["/", "/api", "admin.localhost/api"],
            &[
                ("*", Some("/api")),
                ("admin.localhost*", Some("admin.localhost/api")),
            ],
        );
    }

    #[test]
    fn no_routes_no_answer() {
        check(&[], &[("/", None)]);
        assert_eq!(table(&["/b", "x.y", "/"]).routes(), ["x.y", "/b", "/"]);
    }
}
