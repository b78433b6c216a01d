//! Writes types of members into the component being composed.
//!
//! A member's types are written where they are needed, by structure: types of values are equal when they look equal.
//! A resource is looked up by its maker, so that all members mean the same one.

use std::collections::HashMap;

use wash_component::{Func, Item, ResourceId, Type, TypeId, Types};
use wasm_encoder::reencode::{ReencodeComponent, RoundtripReencoder};
use wasm_encoder::{
    Alias, ComponentOuterAliasKind, ComponentTypeEncoder, ComponentTypeRef, ComponentValType,
    InstanceType, PrimitiveValType, TypeBounds,
};

use super::identity::ResourceBuilder;
use super::writer::Writer;
use super::{LinkPlan, identity};

/// A place that types can be written to: the component itself, or the type of an interface.
pub(super) trait Target {
    /// Begins a type, and tells its index.
    fn begin(&mut self) -> (u32, ComponentTypeEncoder<'_>);
}

impl Target for Writer {
    fn begin(&mut self) -> (u32, ComponentTypeEncoder<'_>) {
        self.begin_type()
    }
}

impl Target for InstanceType {
    fn begin(&mut self) -> (u32, ComponentTypeEncoder<'_>) {
        (self.type_count(), self.ty())
    }
}

/// What has been written to a target so far.
#[derive(Default)]
pub(super) struct Written {
    /// By member and type.
    types: HashMap<(usize, TypeId), u32>,
    resources: HashMap<ResourceBuilder, u32>,
}

/// A member whose types are being written.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) plan: &'a LinkPlan,
    pub(super) member: usize,
}

impl<'a> Source<'a> {
    pub(super) fn types(&self) -> &'a Types {
        &self.plan.members[self.member].shape.types
    }

    /// The name that some interface of the member has for a type.
    pub(super) fn types_name(&self, id: TypeId) -> &'a str {
        let shape = &self.plan.members[self.member].shape;
        let interfaces = shape.imports.values().chain(shape.exports.values());
        let mut items = interfaces
            .filter_map(|external| match &external.item {
                Item::Instance(instance) => Some(&instance.exports),
                _ => None,
            })
            .flatten();
        items
            .find(|(_, item)| matches!(item, Item::Type(named) if *named == id))
            .map_or("unnamed", |(name, _)| name)
    }

    pub(super) fn maker(&self, resource: ResourceId) -> ResourceBuilder {
        identity::maker(self.plan, self.member, resource)
    }
}

impl Written {
    /// Makes a resource known under an index.
    pub(super) fn resource(&mut self, maker: ResourceBuilder, index: u32) {
        self.resources.insert(maker, index);
    }

    pub(super) fn find_resource(&self, maker: &ResourceBuilder) -> Option<u32> {
        self.resources.get(maker).copied()
    }

    /// Makes a type of a member known under an index: its name in an interface.
    pub(super) fn name(&mut self, member: usize, id: TypeId, index: u32) {
        self.types.insert((member, id), index);
    }

    pub(super) fn find(&self, member: usize, id: TypeId) -> Option<u32> {
        self.types.get(&(member, id)).copied()
    }

    pub(super) fn func(&mut self, out: &mut impl Target, from: Source<'_>, func: &Func) -> u32 {
        let params: Vec<_> = func
            .params
            .iter()
            .map(|(name, ty)| (name.as_str(), self.value(out, from, *ty)))
            .collect();
        let result = func.result.map(|ty| self.value(out, from, ty));
        let (index, encoder) = out.begin();
        encoder
            .function()
            .async_(func.is_async)
            .params(params)
            .result(result);
        index
    }

    /// A type as a part of another: primitives stand for themselves.
    pub(super) fn value(
        &mut self,
        out: &mut impl Target,
        from: Source<'_>,
        id: TypeId,
    ) -> ComponentValType {
        match from.types().get(id) {
            Type::Primitive(ty) => ComponentValType::Primitive(primitive(*ty)),
            _ => ComponentValType::Type(self.ty(out, from, id)),
        }
    }

    /// A type with an index of its own.
    pub(super) fn ty(&mut self, out: &mut impl Target, from: Source<'_>, id: TypeId) -> u32 {
        if let Some(index) = self.find(from.member, id) {
            return index;
        }
        let index = self.define(out, from, id);
        self.name(from.member, id, index);
        index
    }

    fn define(&mut self, out: &mut impl Target, from: Source<'_>, id: TypeId) -> u32 {
        // The parts first: a type is written in one go.
        match from.types().get(id) {
            Type::Primitive(ty) => write(out, |e| e.defined_type().primitive(primitive(*ty))),
            Type::Record(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, ty)| (name.as_str(), self.value(out, from, *ty)))
                    .collect();
                write(out, |e| e.defined_type().record(fields))
            }
            Type::Variant(cases) => {
                let cases: Vec<_> = cases
                    .iter()
                    .map(|(name, ty)| (name.as_str(), self.optional(out, from, *ty)))
                    .collect();
                write(out, |e| e.defined_type().variant(cases))
            }
            Type::Enum(names) => write(out, |e| {
                e.defined_type().enum_type(names.iter().map(String::as_str));
            }),
            Type::Flags(names) => write(out, |e| {
                e.defined_type().flags(names.iter().map(String::as_str));
            }),
            Type::Tuple(types) => {
                let types: Vec<_> = types.iter().map(|ty| self.value(out, from, *ty)).collect();
                write(out, |e| e.defined_type().tuple(types))
            }
            Type::List(ty) => {
                let ty = self.value(out, from, *ty);
                write(out, |e| e.defined_type().list(ty))
            }
            Type::FixedList(ty, length) => {
                let ty = self.value(out, from, *ty);
                write(out, |e| e.defined_type().fixed_length_list(ty, *length))
            }
            Type::Map(key, value) => {
                let (key, value) = (self.value(out, from, *key), self.value(out, from, *value));
                write(out, |e| e.defined_type().map(key, value))
            }
            Type::Option(ty) => {
                let ty = self.value(out, from, *ty);
                write(out, |e| e.defined_type().option(ty))
            }
            Type::Result { ok, err } => {
                let (ok, err) = (
                    self.optional(out, from, *ok),
                    self.optional(out, from, *err),
                );
                write(out, |e| e.defined_type().result(ok, err))
            }
            Type::Future(ty) => {
                let ty = self.optional(out, from, *ty);
                write(out, |e| e.defined_type().future(ty))
            }
            Type::Stream(ty) => {
                let ty = self.optional(out, from, *ty);
                write(out, |e| e.defined_type().stream(ty))
            }
            Type::Own(resource) => {
                let resource = self.made(from, *resource);
                write(out, |e| e.defined_type().own(resource))
            }
            Type::Borrow(resource) => {
                let resource = self.made(from, *resource);
                write(out, |e| e.defined_type().borrow(resource))
            }
            Type::Resource(resource) => self.made(from, *resource),
        }
    }

    fn optional(
        &mut self,
        out: &mut impl Target,
        from: Source<'_>,
        id: Option<TypeId>,
    ) -> Option<ComponentValType> {
        id.map(|id| self.value(out, from, id))
    }

    fn made(&self, from: Source<'_>, resource: ResourceId) -> u32 {
        let maker = from.maker(resource);
        self.find_resource(&maker)
            .expect("the resources that an item speaks of are made known before it is written")
    }
}

/// Brings a resource of the component into the type of an interface within it.
pub(super) fn outer(out: &mut InstanceType, index: u32) -> u32 {
    let local = out.type_count();
    out.alias(Alias::Outer {
        kind: ComponentOuterAliasKind::Type,
        count: 1,
        index,
    });
    local
}

/// Exports a type from the type of an interface, and tells the index of the export.
pub(super) fn export_type(out: &mut InstanceType, name: &str, bounds: TypeBounds) -> u32 {
    let index = out.type_count();
    out.export(name, ComponentTypeRef::Type(bounds));
    index
}

fn write<T: Target>(out: &mut T, define: impl FnOnce(ComponentTypeEncoder<'_>)) -> u32 {
    let (index, encoder) = out.begin();
    define(encoder);
    index
}

fn primitive(ty: wasmparser::PrimitiveValType) -> PrimitiveValType {
    RoundtripReencoder.component_primitive_val_type(ty)
}
