//! Packages from registries, as `wkg` finds them: the namespace, or the package, is mapped to a registry by
//! `wasm-pkg/config.toml` in the user's config directory, and the usual namespaces are known.
//!
//! What was fetched is kept in the cache by what it hashes to, and is looked for there first: a package of a lock file
//! needs the network once.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::TryStreamExt as _;
use semver::Version;
use sha2::{Digest as _, Sha256};
use wash_common::advice::ErrorClass;
use wash_common::atomic::{Durability, FileMode, write_atomic_with};
use wash_common::{folders, pem, units};
use wasm_pkg_client::{
    Client, Config, ContentDigest, CustomConfig, Error, PackageRef, Registry, RegistryMapping,
    Release,
};
use wit_parser::PackageName;

use super::name::unversioned;
use super::outside::MAX_SIZE;
use super::settings;
use crate::oci::Access;

/// No package takes as long; a registry that does not answer at all does.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A package as the registry has it.
#[derive(Debug)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub digest: ContentDigest,
    pub registry: String,
}

/// Why a package cannot be had: a line for each registry that was asked.
#[derive(Debug)]
pub struct NotFetched {
    pub reasons: Vec<String>,
    pub hint: Option<&'static str>,
    pub fault: ErrorClass,
}

impl NotFetched {
    fn input(reason: String) -> Self {
        Self {
            reasons: vec![reason],
            hint: None,
            fault: ErrorClass::Input,
        }
    }

    fn environment(reason: String) -> Self {
        Self {
            fault: ErrorClass::Environment,
            ..Self::input(reason)
        }
    }

    fn at(mut self, registry: &str) -> Self {
        for reason in &mut self.reasons {
            *reason = format!("registry {registry}: {reason}");
        }
        self
    }

    /// Of another registry as well.
    fn and(mut self, other: Self) -> Self {
        self.reasons.extend(other.reasons);
        Self {
            reasons: self.reasons,
            hint: self.hint.or(other.hint),
            fault: self.fault.max(other.fault),
        }
    }
}

/// A registry to ask for a package, as the only one that a config has for it.
struct Way {
    config: Config,
    /// The user's own config names it: neither the project's, nor is it one that is known to everybody.
    is_users: bool,
}

pub struct Packages {
    cache: Option<PathBuf>,
    /// Nobody clears the cache meanwhile.
    _held: Option<File>,
    offline: bool,
    /// Do not take the cache's word for what a version hashes to.
    fresh: bool,
    registries: Vec<settings::Registry>,
}

/// The folder for packages in the user's cache folder, if the user has one.
pub(super) fn default_cache() -> Option<PathBuf> {
    folders::cleanup::Cache::Wit.directory()
}

impl Packages {
    pub fn new(cache: Option<PathBuf>, wit: &settings::Wit, fresh: bool) -> Self {
        Self {
            _held: cache.as_deref().and_then(folders::hold),
            cache,
            offline: wit.offline,
            fresh,
            registries: wit.registries.clone(),
        }
    }

    pub async fn fetch(
        &self,
        package: &PackageName,
        locked: Option<&ContentDigest>,
    ) -> Result<Fetched, NotFetched> {
        let name: PackageRef = unversioned(package)
            .parse()
            .map_err(|error| NotFetched::input(format!("{error}")))?;
        let ways = self
            .ways(&name)
            .await
            .map_err(|error| NotFetched::input(format!("{error:#}")))?;
        let registries = ways.iter().map(|way| way.config.resolve_registry(&name));
        let first = registries.flatten().next();
        let known = locked.cloned().or_else(|| self.known(package));
        if let Some(digest) = &known
            && let Some(bytes) = self.cached(digest)
        {
            return Ok(Fetched {
                bytes,
                digest: digest.clone(),
                registry: first.map(ToString::to_string).unwrap_or_default(),
            });
        }
        let mut refused: Option<NotFetched> = None;
        for way in ways {
            let Some(registry) = way.config.resolve_registry(&name).cloned() else {
                continue;
            };
            let asked = self.ask(way, &registry, &name, package, locked).await;
            let registry = registry.to_string();
            let reason = match asked {
                Ok((bytes, digest)) => {
                    self.keep(package, &digest, &bytes);
                    return Ok(Fetched {
                        bytes,
                        digest,
                        registry,
                    });
                }
                Err(reason) => reason.at(&registry),
            };
            refused = Some(match refused {
                Some(before) => before.and(reason),
                None => reason,
            });
        }
        let nowhere =
            || NotFetched::input(format!("no registry is known for `{}`", package.namespace));
        Err(refused.unwrap_or_else(nowhere))
    }

    async fn ask(
        &self,
        mut way: Way,
        registry: &Registry,
        name: &PackageRef,
        package: &PackageName,
        locked: Option<&ContentDigest>,
    ) -> Result<(Vec<u8>, ContentDigest), NotFetched> {
        if self.offline {
            let reason = "offline, and not in the cache".to_string();
            return Err(NotFetched::environment(reason));
        }
        add_access(&mut way, registry, name)?;
        let fetching = self.download(way.config, name, package, locked);
        match tokio::time::timeout(TIMEOUT, fetching).await {
            Err(_) => Err(NotFetched::environment(format!(
                "no answer within {}",
                units::duration(TIMEOUT)
            ))),
            Ok(fetched) => fetched.map_err(|error| said(&error)),
        }
    }

    /// The versions that registries have of a package, in order.
    pub async fn versions(&self, package: &PackageName) -> Vec<Version> {
        let Ok(name) = unversioned(package).parse::<PackageRef>() else {
            return Vec::new();
        };
        let mut versions = Vec::new();
        if self.offline {
            return versions;
        }
        for mut way in self.ways(&name).await.unwrap_or_default() {
            let Some(registry) = way.config.resolve_registry(&name).cloned() else {
                continue;
            };
            if add_access(&mut way, &registry, &name).is_err() {
                continue;
            }
            let client = Client::new(way.config);
            let listing = tokio::time::timeout(TIMEOUT, client.list_all_versions(&name)).await;
            let listed = listing.ok().and_then(Result::ok).unwrap_or_default();
            let there = listed.into_iter().filter(|version| !version.yanked);
            versions.extend(there.map(|version| version.version));
            if !versions.is_empty() {
                break;
            }
        }
        versions.sort();
        versions
    }

    async fn download(
        &self,
        config: Config,
        name: &PackageRef,
        package: &PackageName,
        locked: Option<&ContentDigest>,
    ) -> anyhow::Result<(Vec<u8>, ContentDigest)> {
        let version = package.version.clone().context("it has no version")?;
        let client = Client::new(config);
        let release = match locked {
            Some(digest) => Release {
                version,
                content_digest: digest.clone(),
            },
            None => client.get_release(name, &version).await?,
        };
        // Checks what the content hashes to.
        let mut content = client.stream_content(name, &release).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = content.try_next().await? {
            let size = bytes.len() + chunk.len();
            anyhow::ensure!(
                size <= MAX_SIZE,
                "it is larger than {}",
                units::exact_size(MAX_SIZE as u64)
            );
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, release.content_digest))
    }

    /// The user's, with what the project's config adds. One for each registry that is to be asked: the one of the namespace, or
    /// where it has none those of the project, in their order.
    async fn ways(&self, name: &PackageRef) -> anyhow::Result<Vec<Way>> {
        let mut config = Config::global_defaults().await?;
        for registry in &self.registries {
            let (host, plain) = host(&registry.url)?;
            let mut oci = toml::Table::new();
            if plain {
                oci.insert("protocol".to_string(), "http".into());
            }
            if let Some(password) = &registry.token {
                // Registries that take a token alone take any name with it.
                let username = registry.username.as_deref().unwrap_or("wash");
                oci.insert("auth".to_string(), auth(username, password));
            }
            if !oci.is_empty() {
                extend(&mut config, &host, oci)?;
            }
        }
        if let Some(registry) = config.resolve_registry(name) {
            let is_users = Config::default().resolve_registry(name) != Some(registry);
            return Ok(vec![Way { config, is_users }]);
        }
        let with = |mapping: RegistryMapping| {
            let mut config = config.clone();
            config.set_namespace_registry(name.namespace().clone(), mapping);
            Way {
                config,
                is_users: false,
            }
        };
        let registries = self.registries.iter();
        let mut ways = registries
            .map(|registry| Ok(with(mapping(&registry.url)?)))
            .collect::<anyhow::Result<Vec<Way>>>()?;
        if ways.is_empty() && name.namespace().as_ref() == "wasmcloud" {
            ways.push(with(RegistryMapping::Registry("wasmcloud.com".parse()?)));
        }
        Ok(ways)
    }

    fn release_file(&self, package: &PackageName) -> Option<PathBuf> {
        let name = package.to_string().replace(':', "+");
        Some(self.cache.as_ref()?.join("releases").join(name))
    }

    fn content_file(&self, digest: &ContentDigest) -> Option<PathBuf> {
        Some(
            self.cache
                .as_ref()?
                .join(digest.to_string().replace(':', "-")),
        )
    }

    /// What this version hashed to when it was fetched.
    fn known(&self, package: &PackageName) -> Option<ContentDigest> {
        let file = self
            .release_file(package)
            .filter(|_| !self.fresh || self.offline)?;
        fs::read_to_string(file).ok()?.trim().parse().ok()
    }

    fn cached(&self, digest: &ContentDigest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.content_file(digest)?).ok()?;
        (format!("sha256:{:x}", Sha256::digest(&bytes)) == digest.to_string()).then_some(bytes)
    }

    /// Without a cache it is fetched again the next time.
    fn keep(&self, package: &PackageName, digest: &ContentDigest, bytes: &[u8]) {
        let write = |path: Option<PathBuf>, bytes: &[u8]| {
            let path = path?;
            let dir = path.parent()?;
            fs::create_dir_all(dir).ok()?;
            write_atomic_with(&path, bytes, FileMode::PRIVATE, Durability::Cache).ok()
        };
        write(self.content_file(digest), bytes);
        write(self.release_file(package), digest.to_string().as_bytes());
    }
}

/// What the environment says of registries, as for `wash oci`. Its password goes to a registry that the user's own
/// configuration names, or that it is limited to; a project cannot send it elsewhere.
fn add_access(way: &mut Way, registry: &Registry, name: &PackageRef) -> Result<(), NotFetched> {
    let Way { config, is_users } = way;
    let other_kind = config.registry_config(registry).is_some_and(|known| {
        let mut kinds = known.configured_backend_types();
        kinds.any(|kind| kind != "oci")
    });
    if other_kind {
        return Ok(());
    }
    let access = Access::from_env();
    let mut oci = toml::Table::new();
    let mut certificates = toml::value::Array::new();
    for path in &access.ca_paths {
        let wrong = |reason: String| {
            let path = path.display();
            NotFetched::environment(format!(
                "cannot read `{path}` of WASH_OCI_CA_PATHS: {reason}"
            ))
        };
        let found = pem::certificates(path).map_err(|error| wrong(error.to_string()))?;
        certificates.extend(found.iter().map(|der| certificate(der)));
    }
    if !certificates.is_empty() {
        oci.insert("extra_root_certificates".to_string(), certificates.into());
    }
    let may_have = match &access.login_for {
        Some(only) => oci_host(config, registry, name) == *only,
        None => *is_users,
    };
    let has_login = backend(config, registry).is_some_and(|oci| oci.contains_key("auth"));
    if let Some(login) = access.login.filter(|_| may_have && !has_login) {
        oci.insert("auth".to_string(), auth(&login.user, &login.password));
    }
    if oci.is_empty() {
        return Ok(());
    }
    extend(config, registry, oci).map_err(|error| NotFetched::input(format!("{error:#}")))
}

fn auth(username: &str, password: &str) -> toml::Value {
    let mut auth = toml::Table::new();
    auth.insert("username".to_string(), username.into());
    auth.insert("password".to_string(), password.into());
    auth.into()
}

fn backend(config: &Config, registry: &Registry) -> Option<toml::Table> {
    let config = config.registry_config(registry)?;
    config.backend_config("oci").ok().flatten()
}

/// Adds to what a config says of a registry.
fn extend(config: &mut Config, registry: &Registry, more: toml::Table) -> anyhow::Result<()> {
    let mut oci = backend(config, registry).unwrap_or_default();
    oci.extend(more);
    config
        .get_or_insert_registry_config_mut(registry)
        .set_backend_config("oci", oci)?;
    Ok(())
}

/// A certificate as the client's config has them: as text, whose lines have 64 letters.
fn certificate(der: &[u8]) -> toml::Value {
    let text = BASE64.encode(der);
    let mut data = "-----BEGIN CERTIFICATE-----\n".to_string();
    for (at, letter) in text.char_indices() {
        if at > 0 && at % 64 == 0 {
            data.push('\n');
        }
        data.push(letter);
    }
    data += "\n-----END CERTIFICATE-----\n";
    let entry = [("encoding", "pem".to_string()), ("data", data)];
    let entry = entry.map(|(key, value)| (key.to_string(), value.into()));
    toml::Value::Table(entry.into_iter().collect())
}

/// The host of the OCI registry behind a registry of packages, as far as the config knows.
fn oci_host(config: &Config, registry: &Registry, name: &PackageRef) -> String {
    let mapping = config
        .package_registry_override(name)
        .or_else(|| config.namespace_registry(name.namespace()));
    let host = match mapping {
        Some(RegistryMapping::Custom(custom)) => {
            let metadata = serde_json::to_value(&custom.metadata).unwrap_or_default();
            let host = metadata["oci"]["registry"].as_str();
            host.map(str::to_string)
        }
        _ => None,
    };
    host.unwrap_or_else(|| registry.to_string())
}

/// The host of a registry's URL, and whether it is spoken to without TLS.
fn host(url: &str) -> anyhow::Result<(Registry, bool)> {
    let plain = url.starts_with("http://");
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let host = host
        .parse()
        .with_context(|| format!("`wit.registries`: `{url}` is not the URL of a registry"))?;
    Ok((host, plain))
}

/// `host/some/path`: packages are at `host/some/path/NAMESPACE/NAME`.
fn mapping(url: &str) -> anyhow::Result<RegistryMapping> {
    let (registry, _) = host(url)?;
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let prefix = rest
        .split_once('/')
        .map_or("", |(_, path)| path.trim_matches('/'));
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let metadata = serde_json::json!({
        "preferredProtocol": "oci",
        "oci": { "registry": registry.to_string(), "namespacePrefix": prefix },
    });
    Ok(RegistryMapping::Custom(CustomConfig {
        registry,
        metadata: serde_json::from_value(metadata)?,
    }))
}

/// The reason behind a client's error, without the layers that only say that there was one.
fn said(error: &anyhow::Error) -> NotFetched {
    match error.downcast_ref::<Error>() {
        Some(Error::PackageNotFound) => {
            return NotFetched::input("no such package".to_string());
        }
        Some(Error::VersionNotFound(version)) => {
            return NotFetched::input(format!("no version {version}"));
        }
        _ => {}
    }
    let all = format!("{error:#}");
    let has = |signs: &[&str]| signs.iter().any(|sign| all.contains(sign));
    if has(&["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "manifest unknown"]) {
        return NotFetched::input("no such package or version".to_string());
    }
    let cause = || last_cause(error, error.root_cause().to_string());
    if has(&["invalid peer certificate", "UnknownIssuer"]) {
        return NotFetched {
            hint: Some(
                "WASH_OCI_CA_PATHS=FILE,... names files with the certificates of further authorities",
            ),
            ..NotFetched::environment(format!("its certificate is not trusted: {}", cause()))
        };
    }
    if has(&[
        "Not authorized",
        "Authentication failure",
        "UNAUTHORIZED",
        "401 Unauthorized",
    ]) {
        return NotFetched {
            hint: Some(
                "log in with WASH_OCI_USER and WASH_OCI_PASSWORD (WASH_OCI_REGISTRY limits them to one registry, and lets a \
                 registry of `wit.registries` have them), with `docker login`, or in ~/.config/wasm-pkg/config.toml",
            ),
            ..NotFetched::environment("it requires a login, or another one".to_string())
        };
    }
    if has(&[
        "dns error",
        "error sending request",
        "Connection refused",
        "tcp connect error",
    ]) {
        return NotFetched::environment(format!("cannot be reached: {}", cause()));
    }
    NotFetched::environment(without_repetition(error))
}

/// Layers of a client's error often say the same.
fn without_repetition(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for layer in error.chain().map(ToString::to_string) {
        if !parts.iter().any(|part| part.contains(&layer)) {
            parts.push(layer);
        }
    }
    parts.join(": ")
}

/// Some layers of a client's error are in the text of one of them only.
fn last_cause(error: &anyhow::Error, cause: String) -> String {
    let mut innermost = cause;
    for layer in error.chain() {
        let mut source = layer.source();
        while let Some(inner) = source {
            innermost = inner.to_string();
            source = inner.source();
        }
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_what_they_were() {
        let der: Vec<u8> = (0..200).collect();
        let entry = certificate(&der);
        let text = entry["data"].as_str().unwrap();
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        fs::write(&path, text).unwrap();
        assert_eq!(pem::certificates(&path).unwrap(), [der.into()]);
    }
}
