//! Why members do not link: data, every problem at once. `render` puts it into words.

use wash_component::Unsupported;

use super::{LinkPlan, Role};

/// Everything that stands in the way of a plan, and as much of one as there is.
#[derive(Debug, Clone)]
pub struct LinkFailure {
    /// Most important first. Never empty.
    pub problems: Vec<Problem>,
    /// The plan without what the problems are about: their imports have no edge. It is for looking at, and cannot be
    /// composed. `None` if members cannot be told apart, or for several plans at once.
    pub draft: Option<Box<LinkPlan>>,
}

impl std::error::Error for LinkFailure {}

/// One reason why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// Two members have the same name.
    DuplicateName { name: String },
    /// More members than the host can tell apart.
    TooManyMembers { count: usize, max: usize },
    /// A member needs something of WebAssembly that the host does not run.
    Unsupported {
        member: String,
        unsupported: Unsupported,
    },
    /// The config wires an import to somebody who is not there.
    NoSuchProvider {
        member: String,
        role: Role,
        import: String,
        wanted: String,
        nearest: Option<String>,
    },
    /// The config wires something that the member does not import.
    NoSuchImport {
        member: String,
        role: Role,
        import: String,
        nearest: Option<String>,
    },
    /// The wired provider is there, but has nothing that fits.
    WiredMisfit {
        member: String,
        import: String,
        provider: String,
        near: Vec<NearMiss>,
        /// What the provider has, if it is a member.
        exports: Vec<String>,
    },
    /// A member offers the interface, but its types differ.
    TypeClash {
        member: String,
        role: Role,
        import: String,
        provider: String,
        export: String,
        difference: Difference,
        host: bool,
    },
    /// Nobody provides it.
    Unmet {
        member: String,
        role: Role,
        import: String,
        kind: &'static str,
        /// What in the member brought the import in, as far as its metadata tells.
        through: Vec<String>,
        near: Vec<NearMiss>,
        fixes: Vec<Fix>,
    },
    /// The config leaves it to the runtime, and this one does not have it.
    LeftToRuntime {
        member: String,
        import: String,
        kind: &'static str,
    },
    /// It is of a kind that is not linked: a core module, a component, a value, or the type of one.
    Unlinkable {
        member: String,
        /// `imports` or `exports`.
        verb: &'static str,
        name: String,
        /// What it is, or what in it is.
        kind: &'static str,
    },
    /// It is exported as it is imported from the host, which the engine does not run.
    Reexport {
        member: String,
        export: String,
        /// The member that imports it: the same, or one that provides it.
        importer: String,
        import: String,
    },
    /// Several members of the same rank provide it.
    Tie {
        member: String,
        role: Role,
        import: String,
        candidates: Vec<String>,
    },
    /// Members depend on each other in a cycle: each imports from the next, and the last from the first.
    Cycle { path: Vec<(String, String)> },
    /// An import and its provider speak of a resource of the same name, but it is not the same resource.
    ResourceClash {
        member: String,
        role: Role,
        import: String,
        /// The provider of that import.
        provider: String,
        resource: String,
        /// Who makes the resource that the member means, and who makes the one that the provider means.
        here: String,
        there: String,
        /// The imports of the member that would have to be wired for both to be the same, and to what. Empty if no wiring
        /// helps.
        wires: Vec<(String, String)>,
    },
    /// Two members expect different things of an interface that the host serves to both as one.
    SharedClash {
        import: String,
        members: (String, String),
        difference: Difference,
    },
    /// An export refers to a resource that nobody outside could name.
    HiddenResource {
        member: String,
        export: String,
        resource: String,
        /// Who makes it.
        maker: String,
    },
    /// The chain of HTTP handlers names somebody who is not there.
    NoSuchHandler {
        /// Where the config says so: `dev.http`.
        key: String,
        name: String,
        nearest: Option<String>,
    },
    /// A member of the chain of HTTP handlers does not export the handler, or does not import it and is not the last.
    NotAHandler {
        key: String,
        member: String,
        lacks: Lack,
    },
    /// A member of the chain of HTTP handlers does not export the handler that the one before it imports.
    BrokenChain {
        key: String,
        member: String,
        import: String,
        next: String,
        near: Vec<NearMiss>,
    },
    /// Several members answer HTTP requests, and the project itself does not.
    SeveralHandlers { candidates: Vec<String> },
    /// A member is to be driven in a way that it has no export for.
    NotDriven {
        member: String,
        way: Way,
        exports: Vec<String>,
        /// An export that would do if it were of another version.
        nearly: Option<String>,
    },
    /// Nobody of that name is there to be driven.
    NoSuchDriven {
        name: String,
        way: Way,
        nearest: Option<String>,
    },
    /// Nothing that a host could drive is exported.
    NothingToDrive {
        member: String,
        exports: Vec<String>,
        /// An export that would be driven if it were of another version.
        nearly: Option<String>,
        /// Members that could run as the service, if the config said so.
        runnable: Vec<String>,
    },
}

impl Problem {
    /// Whether what was to be driven cannot be, so that nothing is known of what it would need.
    pub fn is_about_driving(&self) -> bool {
        matches!(
            self,
            Problem::NoSuchHandler { .. }
                | Problem::NotAHandler { .. }
                | Problem::BrokenChain { .. }
                | Problem::NotDriven { .. }
                | Problem::NoSuchDriven { .. }
        )
    }

    /// Whether it stands in the way of nothing but an export.
    pub fn is_about_exports(&self) -> bool {
        matches!(
            self,
            Problem::HiddenResource { .. }
                | Problem::Reexport { .. }
                | Problem::Unlinkable {
                    verb: "exports",
                    ..
                }
        )
    }
}

/// A way to drive a member, besides requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Service,
    Messages,
}

/// What a member lacks to stand where it does in a chain of HTTP handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    Export,
    Import,
}

/// The first difference between two types that ought to be the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// From the outside in: ``function `get` ``, ``parameter `key` ``.
    pub path: Vec<String>,
    pub expected: String,
    pub found: String,
}

/// Something that comes close to an import that nobody provides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NearMiss {
    /// The host would serve it, but what serves it is switched off.
    SwitchedOff { capability: String, at: String },
    /// Under another name, exactly what is imported.
    OtherName { provider: String, export: String },
    /// The same interface with types that differ.
    OtherType {
        provider: String,
        export: String,
        difference: Difference,
    },
    /// Another draft, or another name, of the same interface, whose types differ.
    OtherDraft {
        provider: String,
        export: String,
        difference: Option<Difference>,
    },
    /// The same interface in a version that is not compatible.
    OtherVersion { provider: String, export: String },
    /// A name that is spelled almost the same.
    SimilarName { provider: String, export: String },
    /// The package is known, this interface of it is not.
    OtherInterface {
        provider: String,
        exports: Vec<String>,
    },
}

/// What to do about a problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fix {
    /// Build a member against another version of an interface, or give it another name.
    BuildAgainst {
        member: String,
        interface: String,
        /// The other way round: the provider, and the interface that is imported.
        or: Option<(String, String)>,
    },
    /// Wire the import to a provider, in the project's config.
    Wire {
        member: String,
        role: Role,
        import: String,
        to: String,
    },
    /// Add a component that exports the interface.
    AddComponent {
        interface: String,
        /// The path of a project that does, as far as somebody has looked for one.
        project: Option<String>,
    },
}
