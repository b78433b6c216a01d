//! The answers that are ours and not the project's: what went wrong, as text or as a page.

use std::hash::{DefaultHasher, Hash, Hasher};

use anstyle::{AnsiColor, Style};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use wash_common::sanitize;

use super::Body;
use crate::events::RequestId;

/// Something to tell the person who sent a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Page {
    status: StatusCode,
    title: String,
    /// Lines as the terminal showed them; may be empty.
    details: String,
    /// The answer will be another one soon: clients should try again, and a browser does by itself.
    passing: bool,
}

/// What the client can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Text,
    Html,
}

impl Page {
    /// Before the first version runs: the first build is under way.
    pub fn starting() -> Self {
        Self::unavailable("starting: the first version is not ready yet", "")
    }

    /// 503: there is no version to serve yet, and the details say why. The details may hold ANSI colors.
    pub fn unavailable(title: impl Into<String>, details: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: title.into(),
            details: details.into(),
            passing: true,
        }
    }

    /// 500: this request made the component trap, or took more than its limits allow.
    pub fn failed(id: RequestId, reason: &str) -> Self {
        let title = reason.lines().next().unwrap_or_default().to_owned();
        let details = format!("request {id}: see the console of `wash dev` for details");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title,
            details,
            passing: false,
        }
    }

    /// 400: the client speaks plain HTTP where TLS is spoken.
    pub(super) fn speaks_https(url: Option<&str>) -> Self {
        let title = match url {
            Some(url) => format!("this port speaks HTTPS: use {url}"),
            None => "this port speaks HTTPS: use https://".to_owned(),
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            title,
            details: String::new(),
            passing: false,
        }
    }

    /// 404: what runs has no handler of requests. The next version may have one.
    pub fn nothing_answers() -> Self {
        let details = "a handler exports `wasi:http/incoming-handler@0.2.x` or `wasi:http/handler@0.3.x`: \
                       the project, or a component of `dev.components`";
        Self {
            status: StatusCode::NOT_FOUND,
            title: "nothing here answers HTTP requests".to_owned(),
            details: details.to_owned(),
            passing: true,
        }
    }

    /// 404: there is something to serve, but not for this request.
    pub fn no_route(wanted: &str, routes: &[String]) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: format!("no route leads to {wanted}"),
            details: format!("the routes are:\n  {}", routes.join("\n  ")),
            passing: false,
        }
    }

    /// 400: what came is not a request that can be answered.
    pub(super) fn bad_request(reason: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: reason.to_owned(),
            details: String::new(),
            passing: false,
        }
    }

    /// 403: the request is for a host that is not known to be this machine.
    pub(super) fn host_not_allowed(host: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            title: format!(
                "requests for `{}` are not allowed",
                sanitize::guest_line(host)
            ),
            details: format!(
                "A website could use a name of its own to read what is served here. If this name is yours, add to .wash/config.yaml:\n\n{}",
                allow_host(host)
            ),
            passing: false,
        }
    }

    pub fn response(&self, wants: Wants) -> Response<Body> {
        let (content_type, body) = match wants {
            Wants::Text => ("text/plain; charset=utf-8", self.text()),
            Wants::Html => ("text/html; charset=utf-8", self.html()),
        };
        let body = Full::new(Bytes::from(body))
            .map_err(|never| match never {})
            .boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.passing {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn text(&self) -> String {
        match self.details.is_empty() {
            true => format!("{}\n", sanitize::strip_ansi(&self.title)),
            false => format!(
                "{}\n\n{}\n",
                sanitize::strip_ansi(&self.title),
                sanitize::strip_ansi(self.details.trim_end())
            ),
        }
    }

    /// Tells pages apart: a page in a browser knows itself by this.
    pub(super) fn edition(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Asks once, and is answered when there is something new: polling would fill the access log.
    fn refresh(&self) -> String {
        let edition = self.edition();
        format!(
            "<script>\n\
             const ask = () => fetch(location.href, {{ headers: {{ '{WAIT}': '{edition}' }}, cache: 'no-store' }});\n\
             (async () => {{\n\
             while (!await ask().then(answer => answer.ok, () => false))\n\
             await new Promise(done => setTimeout(done, 1000));\n\
             location.reload();\n\
             }})();\n\
             </script>\n\
             <noscript><meta http-equiv=\"refresh\" content=\"1\"></noscript>\n"
        )
    }

    fn html(&self) -> String {
        let title = sanitize::markup(&sanitize::strip_ansi(&self.title));
        let details = match self.details.is_empty() {
            true => String::new(),
            false => format!(
                "<pre>{}</pre>\n",
                sanitize::markup(&sanitize::strip_ansi(self.details.trim_end()))
            ),
        };
        let refresh = if self.passing {
            self.refresh()
        } else {
            String::new()
        };
        format!(
            "<!doctype html>\n\
             <html lang=\"en\">\n\
             <meta charset=\"utf-8\">\n\
             {refresh}\
             <title>{status} {title}</title>\n\
             <style>{STYLE}</style>\n\
             <h1>{title}</h1>\n\
             {details}\
             <p>{status} from <code>wash dev</code></p>\n",
            status = self.status.as_u16(),
        )
    }
}

/// What to tell the user whose requests are refused because of their host.
pub(super) fn host_warning(host: &str) -> String {
    let shown = sanitize::guest_line(host);
    let lines: Vec<String> = allow_host(host)
        .lines()
        .map(|line| format!("    {line}"))
        .collect();
    format!(
        "{WARNING}warning{WARNING:#}: refused a request for `{shown}`: only `localhost`, addresses and the hosts of `dev.routes` are \
         allowed, so that no website can read what is served here\n  \
         {HINT}hint{HINT:#}: if `{shown}` is a name of yours, such as that of a proxy or a tunnel, add to .wash/config.yaml:\n{}",
        lines.join("\n")
    )
}

/// The setting that allows a host.
fn allow_host(host: &str) -> String {
    format!(
        "dev:\n  allowed_hosts: [\"{}\"]",
        sanitize::guest_line(host)
    )
}

const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The header of a request that only waits for a page to be out of date; its value is the page's edition.
const WAIT: &str = "x-wash-wait";

const STYLE: &str = ":root{color-scheme:light dark}\
    body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}\
    h1{font-size:1.25rem}\
    pre{font:14px/1.4 ui-monospace,monospace;padding:1rem;overflow:auto;border:1px solid #8886;border-radius:4px}\
    p{color:#888}";

/// The edition of the page that asks, if it is one of our own pages and not a client of the project.
pub(super) fn waiting(headers: &HeaderMap) -> Option<&str> {
    headers.get(WAIT)?.to_str().ok()
}

/// The answer to a page that waited: whether it is out of date, or should ask again later.
pub(super) fn waited(out_of_date: bool) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = match out_of_date {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    response
}

impl Wants {
    /// A page only for those who ask for HTML by name; `*/*` gets text.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let html = accepted.flat_map(|value| value.split(',')).any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_html = parts
                .next()
                .is_some_and(|media| media.eq_ignore_ascii_case("text/html"));
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .is_some_and(|q| q.parse() == Ok(0.0))
            });
            is_html && !refused
        });
        if html { Self::Html } else { Self::Text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_for_those_who_ask_for_it() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("a header value"));
            Wants::of(&headers)
        };
        assert_eq!(
            wants("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
            Wants::Html
        );
        assert_eq!(wants("application/json, Text/HTML;q=0.5"), Wants::Html);
        assert_eq!(wants("*/*"), Wants::Text);
        assert_eq!(wants("text/html;q=0, text/plain"), Wants::Text);
        assert_eq!(wants("text/html; charset=utf-8; q=0.0"), Wants::Text);
        assert_eq!(Wants::of(&HeaderMap::new()), Wants::Text);
    }

    #[test]
    fn a_page_is_escaped_and_without_colors() {
        let page = Page::unavailable(
            "build of `app` failed",
            "\x1b[31merror\x1b[0m: expected `Vec<\"u8\">` & 'a\n\n",
        );
        assert_eq!(
            page.text(),
            "build of `app` failed\n\nerror: expected `Vec<\"u8\">` & 'a\n"
        );
        let html = page.html();
        assert!(
            html.contains("<pre>error: expected `Vec&lt;&quot;u8&quot;&gt;` &amp; &#39;a</pre>"),
            "{html}"
        );
        assert!(html.contains("http-equiv=\"refresh\""), "{html}");
    }

    #[test]
    fn a_failed_request_is_not_tried_again() {
        let page = Page::failed(RequestId(7), "wasm trap: unreachable\n  0: main");
        let response = page.response(Wants::Text);
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get(RETRY_AFTER), None);
        assert!(
            page.text()
                .starts_with("wasm trap: unreachable\n\nrequest #7"),
            "{}",
            page.text()
        );
        assert!(!page.html().contains("refresh"));
    }
}
