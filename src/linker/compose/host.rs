//! The imports of the composed component: what the host serves, in the types of the members that use it.

use std::collections::HashSet;

use indexmap::IndexMap;
use wash_component::Item;
use wasm_encoder::{ComponentExternName, ComponentTypeRef, InstanceType, TypeBounds};

use super::{ComposeError, Composition, Import, fail, free_name};
use crate::linker::identity::ResourceBuilder;
use crate::linker::type_encoder::{Written, export_type, outer};
use crate::linker::{HostImport, Provider};

impl Composition<'_> {
    pub(super) fn import(&mut self, index: usize) -> Result<u32, ComposeError> {
        let host = &self.plan.host[index];
        match self.imports[index] {
            Import::Done(instance) => return Ok(instance),
            Import::Open => {
                return fail(format!(
                    "the resources of `{}` depend on each other in a cycle",
                    host.import
                ));
            }
            Import::New => self.imports[index] = Import::Open,
        }
        let provider = Provider::Host { import: index };
        let edge = self.plan.edges.iter().find(|e| e.provider == provider);
        let Some(edge) = edge else {
            return fail(format!("nothing imports `{}`", host.import));
        };
        let source = self.source(edge.member);
        let item = &self.plan.members[edge.member].shape.imports[&edge.import].item;
        let ty = match item {
            Item::Instance(_) => {
                let interface = self.interface(index)?;
                let (ty, encoder) = self.out.begin_type();
                encoder.instance(&interface);
                ComponentTypeRef::Instance(ty)
            }
            Item::Func(func) => {
                self.name_parts(edge.member, item)?;
                ComponentTypeRef::Func(self.written.func(&mut self.out, source, func))
            }
            Item::Type(_) if source.types().named_resource(item).is_some() => {
                ComponentTypeRef::Type(TypeBounds::SubResource)
            }
            Item::Type(_) | Item::Other(_) => {
                return fail(format!("`{}` is a {}", host.import, item.kind()));
            }
        };
        let done = self.out.import(extern_name(host), ty);
        self.imports[index] = Import::Done(done);
        Ok(done)
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
        maker: ResourceBuilder,
    ) -> Result<(), ComposeError> {
        if let Some(known) = written.find_resource(&maker) {
            export_type(out, name, TypeBounds::Eq(known));
            return Ok(());
        }
        let bounds = match &maker {
            ResourceBuilder::Host { import: of, .. } if *of == import => TypeBounds::SubResource,
            _ => TypeBounds::Eq(outer(out, self.resource(&maker)?)),
        };
        let named = export_type(out, name, bounds);
        written.resource(maker, named);
        Ok(())
    }
}

/// The name of an import: an interface's own, or a plain one that tells which interface it implements.
fn extern_name(host: &HostImport) -> ComponentExternName<'_> {
    let interface = host.interface.as_ref().map(ToString::to_string);
    let implements = interface.filter(|_| !host.import.contains('/'));
    ComponentExternName {
        implements: implements.map(Into::into),
        ..host.import.as_str().into()
    }
}
