//! How HTTP travels: the TLS of the server, and whom outgoing HTTPS trusts.

use std::path::PathBuf;

use wash_common::units::parse_duration;
use wash_runtime::capability::http_client::{HttpClient, TrustRoots};

use super::raw::{RawDev, RawHttpClient};
use super::resolve::Resolver;
use super::table::Located;
use super::{Certificate, ServerTls, units};

const SELF_SIGNED: &str = "self-signed";

const TRUST_ROOTS: [(&str, TrustRoots); 4] = [
    ("webpki", TrustRoots::Webpki),
    ("webpki-and-native", TrustRoots::WebpkiAndNative),
    ("native", TrustRoots::Native),
    ("extra-only", TrustRoots::ExtraOnly),
];

/// `wash dev --tls` wants HTTPS, whatever the certificate.
fn is_flag(tls: &Located<String>) -> bool {
    tls.at.file.as_os_str() == "--tls"
}

impl Resolver<'_> {
    /// `None` for plain HTTP, and, with a problem told, for settings that do not go together.
    pub(super) fn server_tls(&self, raw: &RawDev) -> Option<ServerTls> {
        let problem = |at: &Located<String>, message: String, hint: &str| {
            let message = format!("`{}` {message}", at.key);
            self.notes.problem(&at.at, message, Some(hint.to_owned()));
            None
        };
        let both = "name both files, in PEM: `tls_cert_path` and `tls_key_path`";
        let certificate = match (&raw.tls_cert_path, &raw.tls_key_path, &raw.tls) {
            (Some(certificate), Some(key), tls) => {
                if let Some(tls) = tls.as_ref().filter(|tls| !is_flag(tls)) {
                    let hint = "leave one of them out";
                    return problem(tls, "conflicts with `dev.tls_cert_path`".to_owned(), hint);
                }
                Certificate::Files {
                    certificate: self.root.join(&certificate.value),
                    key: self.root.join(&key.value),
                }
            }
            (Some(certificate), None, _) => {
                return problem(certificate, "needs `dev.tls_key_path`".to_owned(), both);
            }
            (None, Some(key), _) => {
                return problem(key, "needs `dev.tls_cert_path`".to_owned(), both);
            }
            (None, None, Some(tls)) if tls.value == SELF_SIGNED => Certificate::SelfSigned,
            (None, None, Some(tls)) => {
                let message = format!("must be `{SELF_SIGNED}`, found `{}`", tls.value);
                return problem(
                    tls,
                    message,
                    "for a certificate of your own, name its files in `dev.tls_cert_path` and \
                     `dev.tls_key_path`",
                );
            }
            (None, None, None) => {
                return match &raw.tls_ca_path {
                    None => None,
                    Some(authorities) => problem(
                        authorities,
                        "requires client certificates, which needs HTTPS".to_owned(),
                        "serve HTTPS: `dev.tls: self-signed`, or `dev.tls_cert_path` and `dev.tls_key_path`",
                    ),
                };
            }
        };
        Some(ServerTls {
            certificate,
            client_authorities: raw
                .tls_ca_path
                .as_ref()
                .map(|path| self.root.join(&path.value)),
        })
    }

    /// What holds for every component that says nothing else.
    pub(super) fn http_client(&self, raw: &RawDev) -> HttpClient {
        let defaults = HttpClient::default();
        // Whoever sets these wants them trusted, and no other setting looks at them.
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
        let named = named
            .iter()
            .any(|name| self.overrides.env.contains_key(*name));
        let base = HttpClient {
            roots: if named {
                TrustRoots::WebpkiAndNative
            } else {
                defaults.roots
            },
            connections: self
                .value(&raw.max_outbound_connections, |text| units::count(text))
                .unwrap_or(defaults.connections),
            wait: self
                .value(&raw.http_connection_wait, |text| parse_duration(text))
                .unwrap_or(defaults.wait),
            authorities: Vec::new(),
        };
        self.trusting(&raw.http_client, base)
    }

    /// The same with what a component says for itself.
    pub(super) fn trusting(&self, raw: &RawHttpClient, base: HttpClient) -> HttpClient {
        let roots = self.value(&raw.trust_roots, |text| {
            let known = TRUST_ROOTS.iter().find(|(name, _)| name == text);
            known.map(|(_, roots)| *roots).ok_or_else(|| {
                format!("expected `webpki`, `webpki-and-native`, `native` or `extra-only`, found `{text}`")
            })
        });
        let paths = raw.ca_paths.as_ref();
        let paths = paths.map(|paths| -> Vec<PathBuf> {
            paths
                .value
                .iter()
                .map(|path| self.root.join(path))
                .collect()
        });
        HttpClient {
            roots: roots.unwrap_or(base.roots),
            authorities: paths.unwrap_or(base.authorities),
            ..base
        }
    }
}
