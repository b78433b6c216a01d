//! What a component has to call, and the names by which people may know it.

use std::sync::Arc;

use super::find::Index;
use crate::{Func, InterfaceName, Item, Names, ResourceId, Shape, Type, TypeId, Types};

/// Everything that can be called.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// In the order of the component.
    pub functions: Vec<Function>,
    pub types: Types,
    /// What the component calls its types.
    pub names: Names,
    pub(super) index: Index,
}

#[derive(Debug, Clone)]
pub struct Function {
    /// The export that has it; `None` if it is an export itself.
    pub interface: Option<Interface>,
    /// As the component spells it: `[method]counter.next`.
    pub name: String,
    pub kind: Kind,
    pub func: Arc<Func>,
}

/// An export that is an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The name of the export.
    pub export: String,
    pub name: Option<InterfaceName>,
}

/// What a function belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Free,
    Constructor { resource: String },
    Method { resource: String, method: String },
    Static { resource: String, function: String },
}

impl Catalog {
    pub fn of(shape: &Shape) -> Self {
        let mut catalog = Self {
            functions: Vec::new(),
            types: shape.types.clone(),
            names: Names::default(),
            index: Index::default(),
        };
        for (export, external) in &shape.exports {
            match &external.item {
                Item::Instance(instance) => {
                    let interface = Interface {
                        export: export.clone(),
                        name: external.interface.clone(),
                    };
                    for (name, item) in &instance.exports {
                        catalog.add(Some(&interface), name, item);
                    }
                }
                item => catalog.add(None, export, item),
            }
        }
        catalog.index = Index::of(&catalog.functions);
        catalog
    }

    fn add(&mut self, interface: Option<&Interface>, name: &str, item: &Item) {
        match item {
            Item::Func(func) => self.functions.push(Function {
                interface: interface.cloned(),
                name: name.to_owned(),
                kind: Kind::of(name),
                func: Arc::clone(func),
            }),
            Item::Type(id) if self.types.is_value_type(item) => {
                self.names.entry(*id).or_insert_with(|| name.to_owned());
            }
            _ => {}
        }
    }

    /// A type as people know it: by its name, if it has one.
    pub fn type_text(&self, id: TypeId) -> String {
        self.types.describe_named(id, &self.names)
    }

    /// A type by its name, and what that stands for.
    pub(super) fn full_text(&self, id: TypeId) -> String {
        let name = self.type_text(id);
        let definition = self.types.define(id, &self.names);
        match name == definition {
            true => format!("`{name}`"),
            false => format!("`{name}` ({definition})"),
        }
    }

    /// The resource that a value of a type is, and whether it is within a `some` or an `ok`.
    pub(super) fn resource(&self, id: TypeId) -> Option<(ResourceId, bool)> {
        let own = |id: TypeId| match self.types.get(id) {
            Type::Own(resource) => Some(*resource),
            _ => None,
        };
        match self.types.get(id) {
            Type::Option(id) | Type::Result { ok: Some(id), .. } => own(*id).map(|r| (r, true)),
            _ => own(id).map(|resource| (resource, false)),
        }
    }

    /// The methods of a resource.
    pub(super) fn methods(&self, resource: ResourceId) -> impl Iterator<Item = (usize, &str)> {
        let functions = self.functions.iter().enumerate();
        functions.filter_map(move |(index, function)| match &function.kind {
            Kind::Method { method, .. } if self.belongs(function, resource) => {
                Some((index, method.as_str()))
            }
            _ => None,
        })
    }

    fn belongs(&self, method: &Function, resource: ResourceId) -> bool {
        let this = method.func.params.first();
        this.is_some_and(
            |(_, ty)| matches!(self.types.get(*ty), Type::Borrow(of) if *of == resource),
        )
    }
}

impl Kind {
    fn of(name: &str) -> Self {
        let Some((kind, rest)) = name.strip_prefix('[').and_then(|n| n.split_once(']')) else {
            return Self::Free;
        };
        let (resource, last) = rest.split_once('.').unwrap_or((rest, ""));
        let (resource, last) = (resource.to_owned(), last.to_owned());
        match kind {
            "constructor" => Self::Constructor { resource },
            "method" => Self::Method {
                resource,
                method: last,
            },
            "static" => Self::Static {
                resource,
                function: last,
            },
            _ => Self::Free,
        }
    }
}

impl Function {
    /// The name without the interface: `add`, `counter`, `counter.next`.
    pub fn short(&self) -> String {
        match &self.kind {
            Kind::Free => self.name.clone(),
            Kind::Constructor { resource } => resource.clone(),
            Kind::Method { resource, method } => format!("{resource}.{method}"),
            Kind::Static { resource, function } => format!("{resource}.{function}"),
        }
    }

    /// The parameters that are typed: without the one that a method is called on.
    pub fn params(&self) -> &[(String, TypeId)] {
        match self.kind {
            Kind::Method { .. } => self.func.params.get(1..).unwrap_or_default(),
            _ => &self.func.params,
        }
    }
}

impl Interface {
    /// What people may call it, the shortest first.
    pub(super) fn spellings(&self) -> Vec<String> {
        let mut spellings = Vec::new();
        if let Some(name) = &self.name {
            spellings.push(name.interface.clone());
            if let Some(version) = &name.version {
                spellings.push(format!("{}@{version}", name.interface));
            }
            spellings.push(name.path());
        }
        if !spellings.contains(&self.export) {
            spellings.push(self.export.clone());
        }
        spellings
    }
}
