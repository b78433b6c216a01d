//! What the user is told of a request that did not get through, with the line of the config that would let it.

use http::Uri;

use super::allow::normal;
use super::failure::Trouble;
use super::pool::Pool;
use crate::capability::http_client::OutgoingHttp;
use crate::capability::plugin;

/// Where the settings of a member stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The project's own component.
    Project,
    /// The entry of this name in `dev.components`.
    Sibling(String),
    /// An installed plugin: the policy has them.
    Plugin(String),
}

/// A request to a host that the member may not reach.
pub(super) fn denied(target: &Uri, allowed: &OutgoingHttp, place: &Place) -> String {
    let hint = allow(target, allowed, place);
    format!("request to `{}` denied\nhint: {hint}", server(target))
}

/// A request that only `*` or a suffix allows, to a host that turned out to be this machine or on its link.
pub(super) fn local(target: &Uri, allowed: &OutgoingHttp, place: &Place) -> String {
    let hint = allow(target, allowed, place);
    format!(
        "request to `{}` denied: it is this machine or on its link, which `*` does not cover\nhint: {hint}",
        server(target)
    )
}

/// What would let a request to `target` through.
fn allow(target: &Uri, allowed: &OutgoingHttp, place: &Place) -> String {
    let host = normal(target.host().unwrap_or_default());
    let mut hosts: Vec<&str> = match allowed {
        OutgoingHttp::Allowed(hosts) => hosts.iter().map(String::as_str).collect(),
        OutgoingHttp::Any => vec!["*"],
        OutgoingHttp::Denied => Vec::new(),
    };
    hosts.push(&host);
    let line = format!("allowedHosts: {hosts:?}");
    match place {
        Place::Project => format!("allow it in `.wash/config.yaml`: `workload: {{ {line} }}`"),
        Place::Sibling(name) => {
            format!("allow it in `.wash/config.yaml`, {}: `{line}`", entry(name))
        }
        Place::Plugin(name) => {
            let port = target
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            plugin::allow_host(name, &format!("{host}{port}"))
        }
    }
}

/// A request that failed for a reason that a setting can change.
pub(super) fn failed(target: &Uri, trouble: &Trouble, pool: &Pool, place: &Place) -> String {
    let (reason, hint) = match trouble {
        Trouble::Tls { reason, untrusted } => {
            let line = "http_client_ca_paths: [path/to/ca.pem]";
            let hint = untrusted.then(|| match place {
                Place::Project => {
                    format!("trust that authority in `.wash/config.yaml`: `dev: {{ {line} }}`")
                }
                Place::Sibling(name) => format!(
                    "trust that authority in `.wash/config.yaml`, {}: `{line}`",
                    entry(name)
                ),
                Place::Plugin(_) => {
                    "plugins trust the same authorities as browsers, and no setting changes that"
                        .to_owned()
                }
            });
            (
                format!("the TLS handshake with the server failed: {reason}"),
                hint,
            )
        }
        Trouble::Local => ("it is this machine or on its link".to_owned(), None),
        Trouble::Crowded => {
            let reason = format!(
                "the workload has all its connections open ({}), and none became free within {:?}",
                pool.most, pool.wait
            );
            let line = format!(
                "max_outbound_http_connections_per_workload: {}",
                pool.most.saturating_mul(2)
            );
            let hint = match place {
                Place::Project | Place::Sibling(_) => Some(format!(
                    "allow more in `.wash/config.yaml`: `dev: {{ {line} }}`"
                )),
                Place::Plugin(_) => None,
            };
            (reason, hint)
        }
    };
    let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("request to `{}` failed: {reason}{hint}", server(target))
}

fn server(target: &Uri) -> &str {
    let authority = target.authority();
    authority.map_or("", |authority| authority.as_str())
}

fn entry(name: &str) -> String {
    format!("in the entry `{name}` of `dev.components`")
}

#[cfg(test)]
mod tests {
    use super::super::pool::Pools;
    use super::*;
    use crate::capability::http_client::HttpClient;

    #[track_caller]
    fn check(allowed: OutgoingHttp, place: Place, expected: &str) {
        let target = "https://api.example.com:8443/x".parse().unwrap();
        let said = denied(&target, &allowed, &place);
        assert_eq!(
            said,
            format!("request to `api.example.com:8443` denied\nhint: {expected}")
        );
    }

    #[test]
    fn the_line_keeps_what_was_allowed_before() {
        check(
            OutgoingHttp::Denied,
            Place::Project,
            "allow it in `.wash/config.yaml`: `workload: { allowedHosts: [\"api.example.com\"] }`",
        );
        check(
            OutgoingHttp::Allowed(vec!["*.example.org".to_owned()]),
            Place::Project,
            "allow it in `.wash/config.yaml`: `workload: { allowedHosts: [\"*.example.org\", \"api.example.com\"] }`",
        );
    }

    #[test]
    fn the_line_has_the_usual_spelling_of_an_address() {
        for spelling in ["2130706433", "0x7f.1", "127.1", "127.0.0.1"] {
            let target = format!("http://{spelling}:8080/").parse().unwrap();
            let said = denied(&target, &OutgoingHttp::Denied, &Place::Project);
            assert!(said.contains("allowedHosts: [\"127.0.0.1\"]"), "{said}");
            let said = denied(&target, &OutgoingHttp::Denied, &Place::Plugin("my".into()));
            assert!(said.contains("--host 127.0.0.1:8080`"), "{said}");
        }
    }

    #[test]
    fn the_line_of_a_sibling_stands_in_its_entry() {
        check(
            OutgoingHttp::Denied,
            Place::Sibling("cache".to_owned()),
            "allow it in `.wash/config.yaml`, in the entry `cache` of `dev.components`: `allowedHosts: \
             [\"api.example.com\"]`",
        );
    }

    #[test]
    fn the_line_of_a_plugin_is_for_a_shell() {
        let my = || Place::Plugin("my".to_owned());
        check(
            OutgoingHttp::Denied,
            my(),
            "allow it with `wash plugin allow my --host api.example.com:8443`",
        );
        let target = "http://$(x).example/".parse().unwrap();
        let said = denied(&target, &OutgoingHttp::Denied, &my());
        let line = "`wash plugin allow my --host '$(x).example'`";
        assert!(said.contains(line), "{said}");
    }

    #[test]
    fn a_plugin_is_not_told_of_settings_that_it_does_not_have() {
        let target = "https://api.example.com/".parse().unwrap();
        let pool = Pools::default().of("my", &HttpClient::default());
        let untrusted = Trouble::Tls {
            reason: "who is it?".to_owned(),
            untrusted: true,
        };
        for trouble in [untrusted, Trouble::Crowded] {
            let said = failed(&target, &trouble, &pool, &Place::Plugin("my".to_owned()));
            assert!(!said.contains("config.yaml"), "{said}");
            let said = failed(&target, &trouble, &pool, &Place::Project);
            assert!(said.contains("config.yaml"), "{said}");
        }
    }
}
