//! Instances that no member exports as they are: types alone, types by other names, and stubs.

use wash_component::{Instance, Item};
use wasm_encoder::ComponentExportKind;

use super::{ComposeError, Composition, fail};
use crate::linker::facade::{Facade, functions};
use crate::linker::{Edge, stub};

impl Composition<'_> {
    /// An instance that names the types of `expected`, which are nothing else than their structure.
    pub(super) fn types(
        &mut self,
        member: usize,
        expected: &Instance,
    ) -> Result<(ComponentExportKind, u32), ComposeError> {
        let source = self.source(member);
        let mut exports = Vec::new();
        for (name, item) in &expected.exports {
            let (kind, index) = match item {
                Item::Instance(instance) => self.types(member, instance)?,
                Item::Type(id) => {
                    for resource in source.types().resources_of(item) {
                        self.resource(&source.maker(resource))?;
                    }
                    let ty = self.written.ty(&mut self.out, source, *id);
                    (ComponentExportKind::Type, ty)
                }
                Item::Func(_) | Item::Other(_) => {
                    return fail(format!("`{name}` has no provider"));
                }
            };
            exports.push((name.as_str(), kind, index));
        }
        Ok((ComponentExportKind::Instance, self.out.bundle(exports)))
    }

    /// An instance that has what `expected` has: the types by their structure, the functions of `provided`.
    pub(super) fn rename(
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
    pub(super) fn stub(
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
}
