//! A plan and the bytes of its members in, one component out.
//!
//! The members are embedded as they are. Around them go the imports from the host, an instance of each member with its
//! imports connected, and the exports. Written with wasm-encoder rather than by a composition library, because these
//! must be exact: which imports become one and which stay apart decides who is granted what.

mod adapt;
mod host;
mod names;

use std::collections::HashSet;

use wash_component::{Instance, Item, ResourceId};
use wasm_encoder::{ComponentExportKind, ComponentExternName, ValType};
use wasm_metadata::Producers;

use self::names::Names;
use super::identity::ResourceBuilder;
use super::type_encoder::{Source, Written};
use super::writer::Writer;
use super::{Edge, LinkPlan, Provider, cycles};

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
        names: Names::of(plan),
        imports: vec![Import::New; plan.host.len()],
        instances: vec![None; plan.members.len()],
    };
    for import in 0..plan.host.len() {
        composition.import(import)?;
    }
    composition.import_names()?;
    // The same bytes in two places are embedded once. Compared, not hashed: different files differ in length or early.
    let mut components: Vec<(&[u8], u32)> = Vec::new();
    for member in cycles::providers_first(plan) {
        let known = components.iter().find(|(known, _)| *known == bytes[member]);
        let component = match known {
            Some((_, component)) => *component,
            None => {
                let name = &plan.members[member].name;
                let component = composition.out.component(name, bytes[member]);
                components.push((bytes[member], component));
                component
            }
        };
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
    names: Names<'a>,
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
            Provider::Host { import } => Ok((kind(item)?, self.import(*import)?)),
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

    /// The index of a resource in the composed component.
    fn resource(&mut self, maker: &ResourceBuilder) -> Result<u32, ComposeError> {
        if let Some(index) = self.written.find_resource(maker) {
            return Ok(index);
        }
        let (instance, name) = match maker {
            // It is only a name: nobody ever makes one.
            ResourceBuilder::Stub { .. } => {
                let (index, encoder) = self.out.begin_type();
                encoder.resource(ValType::I32, None);
                self.written.resource(maker.clone(), index);
                return Ok(index);
            }
            ResourceBuilder::Host { import, name } => {
                let from = self.import(*import)?;
                if self.is_type(*import) {
                    self.written.resource(maker.clone(), from);
                    return Ok(from);
                }
                (from, name.clone())
            }
            ResourceBuilder::Member { member, resource } => {
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

    /// Whether an import is a type by itself, and not an interface.
    fn is_type(&self, import: usize) -> bool {
        let provider = Provider::Host { import };
        let edge = self.plan.edges.iter().find(|e| e.provider == provider);
        let item = edge.map(|e| &self.plan.members[e.member].shape.imports[&e.import].item);
        matches!(item, Some(Item::Type(_)))
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
        let plan = self.plan;
        for (position, exported) in plan.exports.iter().enumerate() {
            let external = &plan.members[exported.member].shape.exports[&exported.export];
            let from = self.instance(exported.member)?;
            let kind = kind(&external.item)?;
            let index = self.out.alias(from, &exported.export, kind);
            let implements = external
                .interface
                .as_ref()
                .map(ToString::to_string)
                .filter(|_| external.is_label(&exported.export));
            let name = ComponentExternName {
                implements: implements.map(Into::into),
                ..exported.export.as_str().into()
            };
            self.export_names(position)?;
            let ty = self.ascription(position)?;
            let index = self.out.export(name, kind, index, ty);
            self.names.exported(exported, index);
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

/// The name itself, or one like it that is not taken.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_string();
    while !taken.insert(free.clone()) {
        free.push_str("-x");
    }
    free
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
