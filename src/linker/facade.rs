//! A small component that exports an interface: the types by their structure, the functions from elsewhere.
//!
//! An instance can be put together from single items without a component, but not if there are methods among them: those
//! have to stand beside the resource that their names speak of.

use wash_component::{Func, Instance, Item, TypeId};
use wasm_encoder::{ComponentExportKind, ComponentTypeRef, TypeBounds};

use super::identity::ResourceBuilder;
use super::type_encoder::{Source, Written};
use super::writer::Writer;

/// A facade being written.
pub(super) struct Facade<'a> {
    pub(super) out: Writer,
    source: Source<'a>,
    /// The types as they are imported.
    imported: Written,
    needs: Needs,
}

/// What a facade must be given, by the name of the import.
#[derive(Default)]
pub(super) struct Needs {
    pub(super) resources: Vec<(String, ResourceBuilder)>,
    /// Types that only have an identity with a name.
    pub(super) types: Vec<(String, TypeId)>,
    pub(super) funcs: Vec<String>,
}

/// The functions of an interface.
pub(super) fn functions(instance: &Instance) -> impl Iterator<Item = (&str, &Func)> {
    instance
        .exports
        .iter()
        .filter_map(|(name, item)| match item {
            Item::Func(func) => Some((name.as_str(), func.as_ref())),
            _ => None,
        })
}

impl<'a> Facade<'a> {
    /// Begins the facade of `expected` with the types that it needs.
    pub(super) fn new(source: Source<'a>, expected: &Instance) -> Self {
        let mut facade = Self {
            out: Writer::default(),
            source,
            imported: Written::default(),
            needs: Needs::default(),
        };
        let items = || expected.exports.values();
        for resource in items().flat_map(|item| source.types().resources_of(item)) {
            facade.resource(source.maker(resource));
        }
        for id in items().flat_map(|item| source.types().types_of(item)) {
            facade.named(id);
        }
        facade
    }

    pub(super) fn source(&self) -> Source<'a> {
        self.source
    }

    fn resource(&mut self, maker: ResourceBuilder) {
        if self.imported.find_resource(&maker).is_some() {
            return;
        }
        let name = format!("r{}", self.needs.resources.len());
        let ty = ComponentTypeRef::Type(TypeBounds::SubResource);
        let index = self.out.import(name.as_str().into(), ty);
        self.imported.resource(maker.clone(), index);
        self.needs.resources.push((name, maker));
    }

    fn named(&mut self, id: TypeId) {
        if !self.source.types().needs_name(id)
            || self.needs.types.iter().any(|(_, known)| *known == id)
        {
            return;
        }
        let name = format!("t{}", self.needs.types.len());
        let index = self.imported.ty(&mut self.out, self.source, id);
        let ty = ComponentTypeRef::Type(TypeBounds::Eq(index));
        let index = self.out.import(name.as_str().into(), ty);
        self.imported.name(self.source.member, id, index);
        self.needs.types.push((name, id));
    }

    /// The type of a function, in terms of what is imported.
    pub(super) fn func_type(&mut self, func: &Func) -> u32 {
        self.imported.func(&mut self.out, self.source, func)
    }

    /// Imports a function, and tells its index.
    pub(super) fn import(&mut self, func: &Func) -> u32 {
        let ty = self.func_type(func);
        let name = format!("f{}", self.needs.funcs.len());
        let index = self
            .out
            .import(name.as_str().into(), ComponentTypeRef::Func(ty));
        self.needs.funcs.push(name);
        index
    }

    /// Exports everything under its name; `funcs` has the index of each function, in order.
    pub(super) fn finish(mut self, expected: &Instance, funcs: &[u32]) -> (Vec<u8>, Needs) {
        // The functions that are exported speak of the types that are exported.
        let mut exported = Written::default();
        for (_, maker) in &self.needs.resources {
            let index = self.imported.find_resource(maker);
            exported.resource(maker.clone(), index.expect("it was imported"));
        }
        for (_, id) in &self.needs.types {
            let index = self.imported.find(self.source.member, *id);
            exported.name(self.source.member, *id, index.expect("it was imported"));
        }
        let mut funcs = funcs.iter();
        let mut first_names = Vec::new();
        for (name, item) in &expected.exports {
            match item {
                Item::Type(id) => {
                    let ty = exported.ty(&mut self.out, self.source, *id);
                    let ty =
                        self.out
                            .export(name.as_str().into(), ComponentExportKind::Type, ty, None);
                    match self.source.types().named_resource(item) {
                        // Methods belong to the first name.
                        Some(resource) => {
                            let maker = self.source.maker(resource);
                            if !first_names.contains(&maker) {
                                exported.resource(maker.clone(), ty);
                                first_names.push(maker);
                            }
                        }
                        None => exported.name(self.source.member, *id, ty),
                    }
                }
                Item::Func(func) => {
                    let ty = exported.func(&mut self.out, self.source, func);
                    let index = funcs.next().expect("there is one for each function");
                    self.out.export(
                        name.as_str().into(),
                        ComponentExportKind::Func,
                        *index,
                        Some(ComponentTypeRef::Func(ty)),
                    );
                }
                Item::Instance(_) | Item::Other(_) => {}
            }
        }
        (self.out.finish(), self.needs)
    }
}
