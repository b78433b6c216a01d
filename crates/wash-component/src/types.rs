//! The types that imports and exports are made of, as plain data.
//!
//! A type is an index into the [`Types`] of its component, so that a type that is used a thousand times is held
//! once, however deep it is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use wasmparser::PrimitiveValType;

/// What an import or an export is.
#[derive(Debug, Clone)]
pub enum Item {
    Func(Arc<Func>),
    Instance(Arc<Instance>),
    /// A named type.
    Type(TypeId),
    /// Something that no host and no toolchain offers at this level today: a core module, a component, a value.
    Other(&'static str),
}

impl Item {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Func(_) => "function",
            Item::Instance(_) => "interface",
            Item::Type(_) => "type",
            Item::Other(kind) => kind,
        }
    }

    /// Whether the engine runs a component that exports it.
    pub fn runs(&self) -> bool {
        match self {
            Item::Func(_) | Item::Type(_) => true,
            Item::Instance(instance) => instance.exports.values().all(Item::runs),
            Item::Other(kind) => *kind == CORE_MODULE,
        }
    }
}

/// The kind of a core module among imports and exports.
pub(super) const CORE_MODULE: &str = "core module";

#[derive(Debug, Clone)]
pub struct Func {
    pub is_async: bool,
    pub params: Vec<(String, TypeId)>,
    pub result: Option<TypeId>,
}

/// The content of an interface: its types and functions, in their order.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    pub exports: IndexMap<String, Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(super) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub(super) u32);

#[derive(Debug, Clone)]
pub enum Type {
    Primitive(PrimitiveValType),
    Record(Vec<(String, TypeId)>),
    Variant(Vec<(String, Option<TypeId>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
    Tuple(Vec<TypeId>),
    List(TypeId),
    FixedList(TypeId, u32),
    Map(TypeId, TypeId),
    Option(TypeId),
    Result {
        ok: Option<TypeId>,
        err: Option<TypeId>,
    },
    Own(ResourceId),
    Borrow(ResourceId),
    /// The resource itself, where it is named.
    Resource(ResourceId),
    Future(Option<TypeId>),
    Stream(Option<TypeId>),
}

/// A resource type, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The name under which it first appears.
    pub name: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Whoever provides this import makes it.
    Import(String),
    /// The component itself makes it.
    Own,
}

/// All types of one component.
#[derive(Debug, Clone, Default)]
pub struct Types {
    pub(super) types: Vec<Type>,
    pub(super) resources: Vec<Resource>,
    /// Of types that an import or export has by `use`, the type in the one before.
    pub(super) used: HashMap<TypeId, TypeId>,
}

impl Types {
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The type of another interface that a named type is by `use`, which has another id.
    pub fn used_from(&self, id: TypeId) -> Option<TypeId> {
        self.used.get(&id).copied()
    }

    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.0 as usize]
    }

    pub fn resources(&self) -> impl Iterator<Item = (ResourceId, &Resource)> {
        (0u32..).map(ResourceId).zip(&self.resources)
    }

    /// The resource that a named type is, if it is one.
    pub fn named_resource(&self, item: &Item) -> Option<ResourceId> {
        match item {
            Item::Type(id) => match self.get(*id) {
                Type::Resource(resource) => Some(*resource),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an item is a named type other than a resource.
    pub fn is_value_type(&self, item: &Item) -> bool {
        matches!(item, Item::Type(_)) && self.named_resource(item).is_none()
    }

    /// Whether an import consists of types that are determined without a provider: types of values, and resources that
    /// another import makes. `import` is its name.
    pub fn only_names_types(&self, import: &str, item: &Item) -> bool {
        match item {
            Item::Type(_) => match self.named_resource(item) {
                Some(resource) => match &self.resource(resource).origin {
                    Origin::Import(maker) => maker != import,
                    Origin::Own => false,
                },
                None => true,
            },
            Item::Instance(instance) => {
                let mut items = instance.exports.values();
                items.all(|item| self.only_names_types(import, item))
            }
            Item::Func(_) | Item::Other(_) => false,
        }
    }

    /// Whether a type can only be imported or exported with a name.
    pub fn needs_name(&self, id: TypeId) -> bool {
        matches!(
            self.get(id),
            Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_)
        )
    }

    /// The resources that an import or export speaks of, in the order of their first mention.
    pub fn resources_of(&self, item: &Item) -> IndexSet<ResourceId> {
        self.walk(item).resources
    }

    /// Every type that an import or export is made of, parts before what is made of them.
    pub fn types_of(&self, item: &Item) -> Vec<TypeId> {
        self.walk(item).order
    }

    fn walk(&self, item: &Item) -> Walk<'_> {
        let mut walk = Walk {
            types: self,
            seen: HashSet::new(),
            order: Vec::new(),
            resources: IndexSet::new(),
        };
        walk.item(item);
        walk
    }

    /// Whether two types are alike in all their parts.
    pub fn same(&self, a: TypeId, b: TypeId) -> bool {
        let alike = match (self.get(a), self.get(b)) {
            _ if a == b => return true,
            (Type::Primitive(a), Type::Primitive(b)) => return a == b,
            (Type::Own(a), Type::Own(b)) | (Type::Borrow(a), Type::Borrow(b)) => return a == b,
            (Type::Record(a), Type::Record(b)) => {
                a.iter().map(|(n, _)| n).eq(b.iter().map(|(n, _)| n))
            }
            (Type::Variant(a), Type::Variant(b)) => {
                let case = |(name, ty): &(String, Option<TypeId>)| (name.clone(), ty.is_some());
                a.iter().map(case).eq(b.iter().map(case))
            }
            (Type::Enum(a), Type::Enum(b)) | (Type::Flags(a), Type::Flags(b)) => a == b,
            (Type::FixedList(_, a), Type::FixedList(_, b)) => a == b,
            (Type::Result { ok: a, err: c }, Type::Result { ok: b, err: d }) => {
                (a.is_some(), c.is_some()) == (b.is_some(), d.is_some())
            }
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        let (a, b) = (self.get(a).parts(), self.get(b).parts());
        alike && a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| self.same(*a, *b))
    }

    /// Whether any of the types is a stream or a future.
    pub fn has_streams(&self) -> bool {
        self.types
            .iter()
            .any(|t| matches!(t, Type::Future(_) | Type::Stream(_)))
    }

    pub(super) fn push(&mut self, ty: Type) -> TypeId {
        self.types.push(ty);
        TypeId(
            u32::try_from(self.types.len() - 1)
                .expect("the validator limits the number of types to a million"),
        )
    }
}

/// Visits every type that an item is made of, once.
struct Walk<'a> {
    types: &'a Types,
    seen: HashSet<TypeId>,
    order: Vec<TypeId>,
    resources: IndexSet<ResourceId>,
}

impl Walk<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Func(func) => {
                func.params.iter().for_each(|(_, ty)| self.ty(*ty));
                func.result.iter().for_each(|ty| self.ty(*ty));
            }
            Item::Instance(instance) => instance.exports.values().for_each(|item| self.item(item)),
            Item::Type(ty) => self.ty(*ty),
            Item::Other(_) => {}
        }
    }

    fn ty(&mut self, id: TypeId) {
        if !self.seen.insert(id) {
            return;
        }
        match self.types.get(id) {
            Type::Own(resource) | Type::Borrow(resource) | Type::Resource(resource) => {
                self.resources.insert(*resource);
            }
            other => other.parts().into_iter().for_each(|part| self.ty(part)),
        }
        self.order.push(id);
    }
}

impl Type {
    /// The types that this one is directly made of.
    pub fn parts(&self) -> Vec<TypeId> {
        match self {
            Type::Record(fields) => fields.iter().map(|(_, ty)| *ty).collect(),
            Type::Variant(cases) => cases.iter().filter_map(|(_, ty)| *ty).collect(),
            Type::Tuple(types) => types.clone(),
            Type::List(ty) | Type::FixedList(ty, _) | Type::Option(ty) => vec![*ty],
            Type::Map(key, value) => vec![*key, *value],
            Type::Result { ok, err } => ok.iter().chain(err).copied().collect(),
            Type::Future(ty) | Type::Stream(ty) => ty.iter().copied().collect(),
            Type::Primitive(_) | Type::Enum(_) | Type::Flags(_) => Vec::new(),
            Type::Own(_) | Type::Borrow(_) | Type::Resource(_) => Vec::new(),
        }
    }
}
