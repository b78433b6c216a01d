//! A plan and the bytes of its members in, one component out.
//!
//! The members are embedded as they are. Around them go the imports from the host, an instance of each member with its
//! imports connected, and the exports. Written with wasm-encoder rather than by a composition library, because these
//! must be exact: which imports become one and which stay apart decides who is granted what.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use wasm_encoder::{
    ComponentExportKind, ComponentExternName, ComponentTypeRef, InstanceType, TypeBounds, ValType,
};
use wasm_metadata::Producers;

use super::facade::{Facade, functions};
use super::identity::Maker;
use super::typing::{Source, Written, export_type, outer};
use super::writer::Writer;
use super::{Edge, HostImport, LinkPlan, Provider};
use super::{cycles, stub};
use crate::component::{Instance, Item, ResourceId};

/// A valid plan did not compose: a bug of `wash`, or bytes that are not those the plan was made from.
#[derive(Debug, thiserror::Error)]
#[error("a valid plan did not compose, which is a bug in wash: {reason}")]
pub struct ComposeError {
    pub reason: String,
}

/// Composes the members of a plan into one component. `bytes` has those of each of [`LinkPlan::members`], in order.
///
/// A plan that needs no composition gives the bytes of its single member back as they are. The result is not validated:
/// the engine does that when it compiles it.
pub fn compose(plan: &LinkPlan, bytes: &[&[u8]]) -> Result<Vec<u8>, ComposeError> {
    if bytes.len() != plan.members.len() {
        return fail(format!(
            "{} members came with {} files",
            plan.members.len(),
            bytes.len()
        ));
    }
    if let [single] = bytes
        && !plan.needs_composing()
    {
        return Ok(single.to_vec());
    }
    let mut composition = Composition {
        plan,
        out: Writer::default(),
        written: Written::default(),
        imports: vec![Import::New; plan.host.len()],
        instances: vec![None; plan.members.len()],
    };
    for import in 0..plan.host.len() {
        composition.import(import)?;
    }
    // The same bytes in two places are embedded once.
    let mut components = HashMap::new();
    for member in cycles::providers_first(plan) {
        let name = &plan.members[member].name;
        let component = *components
            .entry(bytes[member])
            .or_insert_with(|| composition.out.component(name, bytes[member]));
        composition.instantiate(member, component)?;
    }
    composition.export()?;
    Ok(composition.finish())
}

fn fail<T>(reason: String) -> Result<T, ComposeError> {
    Err(ComposeError { reason })
}

struct Composition<'a> {
    plan: &'a LinkPlan,
    out: Writer,
    written: Written,
    /// For each of the plan's host imports.
    imports: Vec<Import>,
    /// The instance of each member that has one yet.
    instances: Vec<Option<u32>>,
}

#[derive(Clone, Copy)]
enum Import {
    New,
    /// Being written: its resources are still to come.
    Open,
    /// The index of its instance.
    Done(u32),
}

impl<'a> Composition<'a> {
    fn import(&mut self, index: usize) -> Result<u32, ComposeError> {
        let host = &self.plan.host[index];
        match self.imports[index] {
            Import::Done(instance) => return Ok(instance),
            Import::Open => {
                return fail(format!(
                    "the resources of `{}` need each other in a circle",
                    host.import
                ));
            }
            Import::New => self.imports[index] = Import::Open,
        }
        let ty = self.interface(index)?;
        let (index_of_type, encoder) = self.out.begin_type();
        encoder.instance(&ty);
        let instance = self
            .out
            .import(extern_name(host), ComponentTypeRef::Instance(index_of_type));
        self.imports[index] = Import::Done(instance);
        Ok(instance)
    }

    /// The type of an import: everything that any of its members expects of it. A type that has its name in another
    /// interface gets it here as well: interfaces are written one by one, and nothing unnamed can be imported.
    fn interface(&mut self, index: usize) -> Result<InstanceType, ComposeError> {
        let mut items: IndexMap<&str, Vec<(usize, &Item)>> = IndexMap::new();
        for edge in self
            .plan
            .edges
            .iter()
            .filter(|e| e.provider == Provider::Host { import: index })
        {
            for (name, item) in &self.expected(edge)?.exports {
                items.entry(name).or_default().push((edge.member, item));
            }
        }
        let mut out = InstanceType::new();
        let mut written = Written::default();
        let mut taken: HashSet<String> = items.keys().map(|name| name.to_string()).collect();
        for (name, same) in items {
            let (member, item) = same[0];
            let source = self.source(member);
            if let Some(resource) = source.types().named_resource(item) {
                self.name_resource(index, &mut out, &mut written, name, source.maker(resource))?;
                continue;
            }
            for resource in source.types().resources_of(item) {
                let maker = source.maker(resource);
                if written.find_resource(&maker).is_none() {
                    let local = outer(&mut out, self.resource(&maker)?);
                    written.resource(maker, local);
                }
            }
            for id in source.types().types_of(item) {
                let is_named = matches!(item, Item::Type(named) if *named == id)
                    || written.find(member, id).is_some();
                if source.types().needs_name(id) && !is_named {
                    let local = written.ty(&mut out, source, id);
                    let name = free_name(source.types_name(id), &mut taken);
                    let named = export_type(&mut out, &name, TypeBounds::Eq(local));
                    written.name(member, id, named);
                }
            }
            match item {
                Item::Type(id) => {
                    let local = written.ty(&mut out, source, *id);
                    let named = export_type(&mut out, name, TypeBounds::Eq(local));
                    for (member, item) in same {
                        if let Item::Type(id) = item {
                            written.name(member, *id, named);
                        }
                    }
                }
                Item::Func(func) => {
                    let ty = written.func(&mut out, source, func);
                    out.export(name, ComponentTypeRef::Func(ty));
                }
                Item::Instance(_) | Item::Other(_) => {
                    return fail(format!("`{name}` is a {}", item.kind()));
                }
            }
        }
        Ok(out)
    }

    /// Names a resource in the type of an import. Functions speak of it by its first name there: methods must.
    fn name_resource(
        &mut self,
        import: usize,
        out: &mut InstanceType,
        written: &mut Written,
        name: &str,
        maker: Maker,
    ) -> Result<(), ComposeError> {
        if let Some(known) = written.find_resource(&maker) {
            export_type(out, name, TypeBounds::Eq(known));
            return Ok(());
        }
        let bounds = match &maker {
            Maker::Host { import: of, .. } if *of == import => TypeBounds::SubResource,
            _ => TypeBounds::Eq(outer(out, self.resource(&maker)?)),
        };
        let named = export_type(out, name, bounds);
        written.resource(maker, named);
        Ok(())
    }

    fn instantiate(&mut self, member: usize, component: u32) -> Result<(), ComposeError> {
        let plan = self.plan;
        let mut arguments = Vec::new();
        for edge in plan.edges_of(member) {
            let (kind, index) = self.argument(edge)?;
            arguments.push((edge.import.as_str(), kind, index));
        }
        let name = &plan.members[member].name;
        self.instances[member] = Some(self.out.instantiate(name, component, arguments));
        Ok(())
    }

    fn argument(&mut self, edge: &Edge) -> Result<(ComponentExportKind, u32), ComposeError> {
        let item = &self.plan.members[edge.member].shape.imports[&edge.import].item;
        match &edge.provider {
            Provider::Host { import } => Ok((ComponentExportKind::Instance, self.import(*import)?)),
            Provider::Member { member, export } => {
                let from = self.instance(*member)?;
                let kind = kind(item)?;
                let provided = self.out.alias(from, export, kind);
                match (item, &self.plan.members[*member].shape.exports[export].item) {
                    (Item::Instance(expected), Item::Instance(found))
                        if !names_same_types(expected, found) =>
                    {
                        self.rename(edge.member, expected, provided)
                    }
                    _ => Ok((kind, provided)),
                }
            }
            Provider::Stub => self.stub(edge, item),
            Provider::Nobody => match item {
                Item::Instance(instance) => self.types(edge.member, instance),
                Item::Type(id) => {
                    let source = self.source(edge.member);
                    for resource in source.types().resources_of(item) {
                        self.resource(&source.maker(resource))?;
                    }
                    Ok((
                        ComponentExportKind::Type,
                        self.written.ty(&mut self.out, source, *id),
                    ))
                }
                Item::Func(_) | Item::Other(_) => {
                    fail(format!("`{}` has no provider", edge.import))
                }
            },
        }
    }

    /// An instance that names the types of `expected`, which are nothing else than their structure.
    fn types(
        &mut self,
        member: usize,
        expected: &Instance,
    ) -> Result<(ComponentExportKind, u32), ComposeError> {
        let source = self.source(member);
        let mut exports = Vec::new();
        for (name, item) in &expected.exports {
            let Item::Type(id) = item else {
                return fail(format!("`{name}` has no provider"));
            };
            for resource in source.types().resources_of(item) {
                self.resource(&source.maker(resource))?;
            }
            let ty = self.written.ty(&mut self.out, source, *id);
            exports.push((name.as_str(), ComponentExportKind::Type, ty));
        }
        Ok((ComponentExportKind::Instance, self.out.bundle(exports)))
    }

    /// An instance that has what `expected` has: the types by their structure, the functions of `provided`.
    fn rename(
        &mut self,
        member: usize,
        expected: &Instance,
        provided: u32,
    ) -> Result<(ComponentExportKind, u32), ComposeError> {
        let mut facade = Facade::new(self.source(member), expected);
        let (mut funcs, mut given) = (Vec::new(), Vec::new());
        for (name, func) in functions(expected) {
            given.push(self.out.alias(provided, name, ComponentExportKind::Func));
            funcs.push(facade.import(func));
        }
        let instance = self.facade("renamed", facade, expected, &funcs, &given)?;
        Ok((ComponentExportKind::Instance, instance))
    }

    /// What stands for an import that nobody provides.
    fn stub(
        &mut self,
        edge: &Edge,
        item: &Item,
    ) -> Result<(ComponentExportKind, u32), ComposeError> {
        let source = self.source(edge.member);
        let alone;
        let expected = match item {
            Item::Instance(instance) => instance.as_ref(),
            Item::Func(_) => {
                let exports = [(stub::FUNCTION.to_string(), item.clone())];
                alone = Instance {
                    exports: exports.into_iter().collect(),
                };
                &alone
            }
            Item::Type(id) => {
                for resource in source.types().resources_of(item) {
                    self.resource(&source.maker(resource))?;
                }
                let ty = self.written.ty(&mut self.out, source, *id);
                return Ok((ComponentExportKind::Type, ty));
            }
            Item::Other(kind) => return fail(format!("a {kind} cannot be a stub")),
        };
        let mut facade = Facade::new(source, expected);
        let caller = &self.plan.members[edge.member];
        let external = &caller.shape.imports[&edge.import];
        let messages = functions(expected)
            .map(|(name, func)| (stub::message(edge, &caller.name, external, name), func));
        let funcs = stub::functions(&mut facade, messages);
        let instance = self.facade("stub", facade, expected, &funcs, &[])?;
        Ok(match item {
            Item::Func(_) => (
                ComponentExportKind::Func,
                self.out
                    .alias(instance, stub::FUNCTION, ComponentExportKind::Func),
            ),
            _ => (ComponentExportKind::Instance, instance),
        })
    }

    /// Embeds a facade that exports `expected` with the functions `funcs`, and instantiates it with `given` ones.
    fn facade(
        &mut self,
        name: &str,
        facade: Facade<'_>,
        expected: &Instance,
        funcs: &[u32],
        given: &[u32],
    ) -> Result<u32, ComposeError> {
        let source = facade.source();
        let (bytes, needs) = facade.finish(expected, funcs);
        let mut arguments = Vec::new();
        for (name, maker) in &needs.resources {
            let resource = self.resource(maker)?;
            arguments.push((name.as_str(), ComponentExportKind::Type, resource));
        }
        for (name, id) in &needs.types {
            let ty = self.written.ty(&mut self.out, source, *id);
            arguments.push((name.as_str(), ComponentExportKind::Type, ty));
        }
        for (name, func) in needs.funcs.iter().zip(given) {
            arguments.push((name.as_str(), ComponentExportKind::Func, *func));
        }
        let component = self.out.component(name, &bytes);
        Ok(self.out.instantiate(name, component, arguments))
    }

    /// The index of a resource in the composed component.
    fn resource(&mut self, maker: &Maker) -> Result<u32, ComposeError> {
        if let Some(index) = self.written.find_resource(maker) {
            return Ok(index);
        }
        let (instance, name) = match maker {
            // It is only a name: nobody ever makes one.
            Maker::Stub { .. } => {
                let (index, encoder) = self.out.begin_type();
                encoder.resource(ValType::I32, None);
                self.written.resource(maker.clone(), index);
                return Ok(index);
            }
            Maker::Host { import, name } => (self.import(*import)?, name.clone()),
            Maker::Member { member, resource } => {
                let from = self.instance(*member)?;
                match self.exported_as(*member, *resource)? {
                    (export, Some(name)) => (
                        self.out.alias(from, export, ComponentExportKind::Instance),
                        name.to_string(),
                    ),
                    (export, None) => (from, export.to_string()),
                }
            }
        };
        let index = self.out.alias(instance, &name, ComponentExportKind::Type);
        self.written.resource(maker.clone(), index);
        Ok(index)
    }

    /// Where a member exports a resource that it makes: an interface and the name in it, or the name alone.
    fn exported_as(
        &self,
        member: usize,
        resource: ResourceId,
    ) -> Result<(&'a str, Option<&'a str>), ComposeError> {
        let shape = &self.plan.members[member].shape;
        let is_it = |item: &Item| shape.types.named_resource(item) == Some(resource);
        for (export, external) in &shape.exports {
            match &external.item {
                Item::Instance(instance) => {
                    let found = instance.exports.iter().find(|(_, item)| is_it(item));
                    if let Some((name, _)) = found {
                        return Ok((export, Some(name)));
                    }
                }
                item if is_it(item) => return Ok((export, None)),
                _ => {}
            }
        }
        fail(format!(
            "`{}` does not export its resource `{}`",
            self.plan.members[member].name,
            shape.types.resource(resource).name
        ))
    }

    fn export(&mut self) -> Result<(), ComposeError> {
        for exported in &self.plan.exports {
            let external = &self.plan.members[exported.member].shape.exports[&exported.export];
            let from = self.instance(exported.member)?;
            let kind = kind(&external.item)?;
            let index = self.out.alias(from, &exported.export, kind);
            let implements = external
                .interface
                .as_ref()
                .map(ToString::to_string)
                .filter(|name| *name != exported.export);
            let name = ComponentExternName {
                implements: implements.map(Into::into),
                ..exported.export.as_str().into()
            };
            self.out.export(name, kind, index, None);
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        let mut producers = Producers::empty();
        producers.add("processed-by", "wash", env!("CARGO_PKG_VERSION"));
        self.out.custom(&producers.raw_custom_section());
        self.out.finish()
    }

    fn expected(&self, edge: &Edge) -> Result<&'a Instance, ComposeError> {
        match &self.plan.members[edge.member].shape.imports[&edge.import].item {
            Item::Instance(instance) => Ok(instance),
            item => fail(format!(
                "`{}` is a {}, which the host does not serve",
                edge.import,
                item.kind()
            )),
        }
    }

    fn instance(&self, member: usize) -> Result<u32, ComposeError> {
        match self.instances[member] {
            Some(instance) => Ok(instance),
            None => fail(format!(
                "`{}` is needed before it is there",
                self.plan.members[member].name
            )),
        }
    }

    fn source(&self, member: usize) -> Source<'a> {
        Source {
            member,
            plan: self.plan,
        }
    }
}

/// Whether every type that is expected by name is found by that name.
fn names_same_types(expected: &Instance, found: &Instance) -> bool {
    expected
        .exports
        .keys()
        .all(|name| found.exports.contains_key(name))
}

fn kind(item: &Item) -> Result<ComponentExportKind, ComposeError> {
    match item {
        Item::Func(_) => Ok(ComponentExportKind::Func),
        Item::Instance(_) => Ok(ComponentExportKind::Instance),
        Item::Type(_) => Ok(ComponentExportKind::Type),
        Item::Other(kind) => fail(format!("a {kind} cannot be linked")),
    }
}

/// The name itself, or one like it that is not taken.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_string();
    while !taken.insert(free.clone()) {
        free.push_str("-x");
    }
    free
}

/// The name of an import: an interface's own, or a plain one that tells which interface it implements.
fn extern_name(host: &HostImport) -> ComponentExternName<'_> {
    let interface = host.interface.to_string();
    let implements = (interface != host.import).then(|| interface.into());
    ComponentExternName {
        implements,
        ..host.import.as_str().into()
    }
}
