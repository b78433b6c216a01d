//! What a host offers to components, as far as linking has to know it.

/// An interface that the host can serve.
#[derive(Debug, Clone)]
pub struct HostInterface {
    /// Without version: `wasi:config/store`.
    pub interface: String,
    /// The newest version served: `0.2.12`. Older ones of the same semver track are served as well; a pre-release
    /// only as it is spelled. `None`: the interface has no version.
    pub version: Option<semver::Version>,
    pub tier: Tier,
    pub scope: Scope,
    /// What serves it, for the reason in the plan: `WASI`, `http client`, `config`, ...
    pub capability: &'static str,
    /// Where what serves it was switched off, as a phrase for people; then it is not to be had.
    pub off: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// WASI 0.2, 0.3 and wasi:http: from the host unless wired explicitly.
    Wasi,
    /// Everything else: after siblings and plugins, before the shipped providers.
    Capability,
}

/// Whether members share the interface, or each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only types, handles and things that grant nothing: imported once.
    Shared,
    /// It grants something: imported once for each member, under a name of its own.
    PerMember,
}

impl HostInterface {
    /// The interface's name with the version, as the host serves it.
    pub fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.interface),
            None => self.interface.clone(),
        }
    }
}
