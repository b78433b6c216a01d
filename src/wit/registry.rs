//! Packages from registries, as `wkg` finds them: the namespace, or the package, is mapped to a registry by
//! `wasm-pkg/config.toml` in the user's config directory, and the usual namespaces are known.
//!
//! What was fetched is kept in the cache by what it hashes to, and is looked for there first: a package of a lock file
//! needs the network once.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use wasm_pkg_client::{
    Client, Config, ContentDigest, CustomConfig, Error, PackageRef, Registry, RegistryMapping,
    Release,
};
use wit_parser::PackageName;

use super::name::unversioned;
use super::settings;
use crate::folders;
use crate::report::Fault;

/// No package takes as long; a registry that does not answer at all does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A package as the registry has it.
#[derive(Debug)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub digest: ContentDigest,
    pub registry: String,
}

/// Why a package cannot be had, in one line.
#[derive(Debug)]
pub struct NotFetched {
    pub reason: String,
    pub fault: Fault,
}

impl NotFetched {
    fn input(reason: String) -> Self {
        let fault = Fault::Input;
        Self { reason, fault }
    }

    fn environment(reason: String) -> Self {
        let fault = Fault::Environment;
        Self { reason, fault }
    }
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
        let config = self
            .config(&name)
            .await
            .map_err(|error| NotFetched::input(format!("{error:#}")))?;
        let registry = config.resolve_registry(&name).map(ToString::to_string);
        let known = locked.cloned().or_else(|| self.known(package));
        if let Some(digest) = &known
            && let Some(bytes) = self.cached(digest)
        {
            let registry = registry.unwrap_or_default();
            return Ok(Fetched {
                bytes,
                digest: digest.clone(),
                registry,
            });
        }
        let Some(registry) = registry else {
            let reason = format!("no registry is known for `{}`", package.namespace);
            return Err(NotFetched::input(reason));
        };
        if self.offline {
            let reason = format!("registry {registry}: not asked: offline, and not in the cache");
            return Err(NotFetched::environment(reason));
        }
        let fetching = self.download(config, &name, package, locked);
        let (bytes, digest) = match tokio::time::timeout(PATIENCE, fetching).await {
            Err(_) => {
                return Err(NotFetched::environment(format!(
                    "registry {registry}: no answer within {} s",
                    PATIENCE.as_secs()
                )));
            }
            Ok(Err(error)) => {
                let NotFetched { reason, fault } = said(&error);
                let reason = format!("registry {registry}: {reason}");
                return Err(NotFetched { reason, fault });
            }
            Ok(Ok(fetched)) => fetched,
        };
        self.keep(package, &digest, &bytes);
        Ok(Fetched {
            bytes,
            digest,
            registry,
        })
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
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, release.content_digest))
    }

    /// The user's, with what the project's config adds.
    async fn config(&self, name: &PackageRef) -> anyhow::Result<Config> {
        let mut config = Config::global_defaults().await?;
        for registry in &self.registries {
            let (host, plain) = host(&registry.url)?;
            let mut oci = toml::Table::new();
            if plain {
                oci.insert("protocol".to_string(), "http".into());
            }
            if let Some(password) = &registry.token {
                let mut auth = toml::Table::new();
                // Registries that take a token alone take any name with it.
                let username = registry
                    .username
                    .clone()
                    .unwrap_or_else(|| "wash".to_string());
                auth.insert("username".to_string(), username.into());
                auth.insert("password".to_string(), password.clone().into());
                oci.insert("auth".to_string(), auth.into());
            }
            if !oci.is_empty() {
                config
                    .get_or_insert_registry_config_mut(&host)
                    .set_backend_config("oci", oci)?;
            }
        }
        if config.resolve_registry(name).is_none() {
            if let Some(registry) = self.registries.first() {
                config.set_namespace_registry(name.namespace().clone(), mapping(&registry.url)?);
            } else if name.namespace().as_ref() == "wasmcloud" {
                let registry = "wasmcloud.com".parse()?;
                config.set_namespace_registry(
                    name.namespace().clone(),
                    RegistryMapping::Registry(registry),
                );
            }
        }
        Ok(config)
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
            let mut file = tempfile::NamedTempFile::new_in(dir).ok()?;
            file.write_all(bytes).ok()?;
            file.persist(path).ok()
        };
        write(self.content_file(digest), bytes);
        write(self.release_file(package), digest.to_string().as_bytes());
    }
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
            return NotFetched::input("there is no such package".to_string());
        }
        Some(Error::VersionNotFound(version)) => {
            return NotFetched::input(format!("there is no version {version} of it"));
        }
        _ => {}
    }
    let all = format!("{error:#}");
    if all.contains("MANIFEST_UNKNOWN")
        || all.contains("NAME_UNKNOWN")
        || all.contains("manifest unknown")
    {
        return NotFetched::input("there is no such package or version".to_string());
    }
    let cause = error.root_cause().to_string();
    let unreachable = [
        "dns error",
        "error sending request",
        "Connection refused",
        "tcp connect error",
    ];
    NotFetched::environment(match unreachable.iter().any(|sign| all.contains(sign)) {
        true => format!("cannot be reached: {}", last_cause(error, cause)),
        false => all,
    })
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
