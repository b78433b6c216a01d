//! Names for the types that exports speak of.
//!
//! A record, variant, enum or flags type that an export speaks of needs a name outside the component: that of an import
//! or an export. A member has it from one of its own imports or exports. Where another member or nothing stands behind
//! that import, the composed component imports the types alone, which nobody needs to provide. Types that speak of a
//! resource of a member cannot be imported: the types of their interface are exported, under its name if that is free.

use std::collections::{HashMap, HashSet};

use wash_component::{Instance, Item, Origin as ResourceOrigin, ResourceId, Shape, TypeId};
use wasm_encoder::{ComponentExportKind, ComponentTypeRef, InstanceType, TypeBounds};

use super::{ComposeError, Composition, fail, free_name};
use crate::linker::grants::kebab;
use crate::linker::identity::ResourceBuilder;
use crate::linker::type_encoder::{Source, Written, export_type, outer};
use crate::linker::{Exported, LinkPlan, Provider};

/// Names of types in the composed component.
pub(super) struct Names<'a> {
    /// For each export of the plan, the types that it needs and that no export names, parts before what is made of them.
    needed: Vec<Vec<TypeId>>,
    /// By member and type, the index of the type that has the name.
    known: HashMap<(usize, TypeId), u32>,
    /// The names of imports and of exports that are taken.
    imports: HashSet<String>,
    exports: HashSet<String>,
    /// By member and export, the index of what is exported already.
    exported: HashMap<(usize, &'a str), u32>,
    /// The resources of members that have been exported by name, as what is written here speaks of them. An interface that
    /// names one gives it a name of its own, which is another.
    resources: HashSet<ResourceBuilder>,
    /// Everything that can only be imported is imported.
    is_exporting: bool,
}

/// A type to be exported by name.
enum Named {
    /// A resource by who makes it, and as the member knows it.
    Resource(ResourceBuilder, ResourceId),
    Type(TypeId),
}

/// Where a member has the name of a type.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// An interface that it imports, and the name in it.
    Imported(&'a str, &'a Instance, &'a str),
    /// A type that it imports by itself.
    ImportedAlone(&'a str),
    /// An interface that it exports, and the name in it.
    Exported(&'a str, &'a Instance, &'a str),
    /// A type that it exports by itself.
    ExportedAlone(&'a str),
}

impl<'a> Names<'a> {
    pub(super) fn of(plan: &'a LinkPlan) -> Self {
        Self {
            needed: needed(plan),
            known: HashMap::new(),
            imports: plan.host.iter().map(|host| host.import.clone()).collect(),
            exports: plan.exports.iter().map(|e| e.export.clone()).collect(),
            exported: HashMap::new(),
            resources: HashSet::new(),
            is_exporting: false,
        }
    }

    /// Takes note of what has been exported.
    pub(super) fn exported(&mut self, exported: &'a Exported, index: u32) {
        let export = (exported.member, exported.export.as_str());
        self.exported.insert(export, index);
    }
}

/// For each export, the types that need a name from elsewhere.
fn needed(plan: &LinkPlan) -> Vec<Vec<TypeId>> {
    let mut exported = HashSet::new();
    let needed = |Exported { member, export }: &Exported| {
        let shape = &plan.members[*member].shape;
        let item = &shape.exports[export].item;
        named_in(item, &mut |id| {
            exported.insert((*member, id));
        });
        let types = shape.types.types_of(item).into_iter();
        types
            .filter(|id| shape.types.needs_name(*id) && !exported.contains(&(*member, *id)))
            .collect()
    };
    plan.exports.iter().map(needed).collect()
}

/// Visits the types that an import or export names.
fn named_in(item: &Item, visit: &mut impl FnMut(TypeId)) {
    match item {
        Item::Type(id) => visit(*id),
        Item::Instance(instance) => {
            for item in instance.exports.values() {
                named_in(item, visit);
            }
        }
        Item::Func(_) | Item::Other(_) => {}
    }
}

/// Whether a member has the name of a type from an interface.
fn is_of_interface(shape: &Shape, id: TypeId) -> bool {
    matches!(
        origin(shape, id),
        Some(Origin::Imported(..) | Origin::Exported(..))
    )
}

/// Where a member has the name of a type: imports before exports.
fn origin(shape: &Shape, id: TypeId) -> Option<Origin<'_>> {
    let is_it = |item: &Item| matches!(item, Item::Type(named) if *named == id);
    let name_in = |instance: &'_ Instance| instance.exports.values().position(is_it);
    let imports = shape.imports.iter().map(|import| (import, true));
    let mut all = imports.chain(shape.exports.iter().map(|export| (export, false)));
    all.find_map(|((label, external), is_import)| match &external.item {
        Item::Instance(instance) => {
            let (name, _) = instance.exports.get_index(name_in(instance)?)?;
            Some(match is_import {
                true => Origin::Imported(label, instance, name),
                false => Origin::Exported(label, instance, name),
            })
        }
        item if is_it(item) => Some(match is_import {
            true => Origin::ImportedAlone(label),
            false => Origin::ExportedAlone(label),
        }),
        _ => None,
    })
}

impl<'a> Composition<'a> {
    /// Imports the names that exports need, as far as types can be imported: before anything is written with them.
    pub(super) fn import_names(&mut self) -> Result<(), ComposeError> {
        for (position, exported) in self.plan.exports.iter().enumerate() {
            for id in self.names.needed[position].clone() {
                if self.is_importable(exported.member, id) {
                    self.named(exported.member, id)?;
                }
            }
        }
        self.names.is_exporting = true;
        Ok(())
    }

    /// Whether a type is imported, and not exported: it speaks of no resource but the host's, nor does any of its
    /// interface, which would be imported and exported with different contents otherwise.
    fn is_importable(&self, member: usize, id: TypeId) -> bool {
        let source = self.source(member);
        match origin(&self.plan.members[member].shape, id) {
            Some(Origin::Imported(_, instance, _) | Origin::Exported(_, instance, _)) => {
                let types = || {
                    instance.exports.values().filter_map(|item| match item {
                        Item::Type(id) => Some(*id),
                        _ => None,
                    })
                };
                // Parts from other interfaces decide as well.
                let parts = source.types().types_of(&Item::Type(id)).into_iter();
                let mut parts = parts.filter(|part| source.types().needs_name(*part));
                types().all(|id| self.is_of_host(member, id))
                    && parts.all(|part| {
                        types().any(|id| id == part) || self.is_importable(member, part)
                    })
            }
            _ => self.is_of_host(member, id),
        }
    }

    /// Whether a type speaks of no resource but the host's.
    fn is_of_host(&self, member: usize, id: TypeId) -> bool {
        let source = self.source(member);
        let resources = source.types().resources_of(&Item::Type(id));
        resources
            .into_iter()
            .all(|resource| matches!(source.maker(resource), ResourceBuilder::Host { .. }))
    }

    /// The index under which a type of a member has its name.
    fn named(&mut self, member: usize, id: TypeId) -> Result<u32, ComposeError> {
        if let Some(known) = self.names.known.get(&(member, id)) {
            return Ok(*known);
        }
        let plan: &'a LinkPlan = self.plan;
        match origin(&plan.members[member].shape, id) {
            Some(Origin::Imported(import, instance, name)) => {
                match self.plan.edges_of(member).find(|e| e.import == import) {
                    Some(edge) if let Provider::Host { import } = edge.provider => {
                        let from = self.import(import)?;
                        let index = self.out.alias(from, name, ComponentExportKind::Type);
                        self.know(member, id, index);
                    }
                    _ if self.names.is_exporting && !self.is_importable(member, id) => {
                        self.export_interface(member, import, instance)?;
                    }
                    _ => self.import_types(member, import, instance)?,
                }
            }
            Some(Origin::Exported(export, instance, name)) => {
                match self.names.exported.get(&(member, export)) {
                    Some(from) => {
                        let index = self.out.alias(*from, name, ComponentExportKind::Type);
                        self.know(member, id, index);
                    }
                    None if self.names.is_exporting && !self.is_importable(member, id) => {
                        self.export_interface(member, export, instance)?;
                    }
                    None => self.import_types(member, export, instance)?,
                }
            }
            Some(Origin::ExportedAlone(label)) => {
                match self.names.exported.get(&(member, label)).copied() {
                    Some(index) => self.know(member, id, index),
                    None => self.import_type(member, label, id)?,
                }
            }
            Some(Origin::ImportedAlone(label)) => self.import_type(member, label, id)?,
            None => {}
        }
        match self.names.known.get(&(member, id)) {
            Some(known) => Ok(*known),
            None => fail(format!(
                "a type of `{}` has no name",
                plan.members[member].name
            )),
        }
    }

    /// The index of a type that has its name, or of the one that it is by `use`. An interface uses types of interfaces only.
    fn known(&self, member: usize, id: TypeId) -> Option<u32> {
        let shape = &self.plan.members[member].shape;
        let ids = std::iter::successors(Some(id), |id| shape.types.used_from(*id));
        let mut of_interfaces = ids.filter(|id| is_of_interface(shape, *id));
        of_interfaces.find_map(|id| self.names.known.get(&(member, id)).copied())
    }

    fn know(&mut self, member: usize, id: TypeId, index: u32) {
        self.names.known.insert((member, id), index);
        self.written.name(member, id, index);
    }

    /// Imports the types of an interface, and nothing else of it.
    fn import_types(
        &mut self,
        member: usize,
        label: &str,
        instance: &Instance,
    ) -> Result<(), ComposeError> {
        let source = self.source(member);
        let (mut out, mut local) = (InstanceType::new(), Written::default());
        let mut imported = Vec::new();
        for (name, item) in &instance.exports {
            let Item::Type(id) = item else { continue };
            if !self.is_of_host(member, *id) {
                continue;
            }
            self.bring(&mut out, &mut local, source, item)?;
            self.export_in(&mut out, &mut local, source, name, item)?;
            if source.types().named_resource(item).is_none() {
                imported.push((name, *id));
            }
        }
        let (ty, encoder) = self.out.begin_type();
        encoder.instance(&out);
        let name = self.import_name(member, label);
        let ty = ComponentTypeRef::Instance(ty);
        let from = self.out.import(name.as_str().into(), ty);
        for (name, id) in imported {
            let index = self.out.alias(from, name, ComponentExportKind::Type);
            self.know(member, id, index);
        }
        Ok(())
    }

    /// Imports a type that a member imports by itself.
    fn import_type(&mut self, member: usize, label: &str, id: TypeId) -> Result<(), ComposeError> {
        let source = self.source(member);
        self.name_parts(member, &Item::Type(id))?;
        let ty = self.written.ty(&mut self.out, source, id);
        let name = self.import_name(member, label);
        let ty = ComponentTypeRef::Type(TypeBounds::Eq(ty));
        let index = self.out.import(name.as_str().into(), ty);
        self.know(member, id, index);
        Ok(())
    }

    /// Makes what an item speaks of known by name, but not the item itself.
    pub(super) fn name_parts(&mut self, member: usize, item: &Item) -> Result<(), ComposeError> {
        let source = self.source(member);
        for resource in source.types().resources_of(item) {
            self.resource(&source.maker(resource))?;
        }
        for part in source.types().types_of(item) {
            let is_itself = matches!(item, Item::Type(id) if *id == part);
            if !is_itself && source.types().needs_name(part) {
                self.named(member, part)?;
            }
        }
        Ok(())
    }

    /// The name of an import of types: that which the member has for it, if it is free.
    fn import_name(&mut self, member: usize, label: &str) -> String {
        if self.names.imports.insert(label.to_string()) {
            return label.to_string();
        }
        let name = kebab(&format!("{}-{label}", self.plan.members[member].name));
        free_name(&name, &mut self.names.imports)
    }

    /// The resources of members that an export names before it speaks of them otherwise.
    fn named_resources(&self, position: usize) -> Vec<ResourceBuilder> {
        let exported = &self.plan.exports[position];
        let source = self.source(exported.member);
        let item = &self.plan.members[exported.member].shape.exports[&exported.export].item;
        let items: Vec<&Item> = match item {
            Item::Instance(instance) => instance.exports.values().collect(),
            item => vec![item],
        };
        let (mut named, mut early) = (Vec::new(), HashSet::new());
        for item in items {
            match source.types().named_resource(item) {
                Some(resource) => named.push(source.maker(resource)),
                None => {
                    let resources = source.types().resources_of(item).into_iter();
                    let makers = resources.map(|resource| source.maker(resource));
                    early.extend(makers.filter(|maker| !named.contains(maker)));
                }
            }
        }
        named.retain(|maker| {
            !matches!(maker, ResourceBuilder::Host { .. }) && !early.contains(maker)
        });
        named
    }

    /// Exports the types that an export needs and that cannot be imported: resources of members, and what speaks of them.
    pub(super) fn export_names(&mut self, position: usize) -> Result<(), ComposeError> {
        let exported = &self.plan.exports[position];
        let source = self.source(exported.member);
        let known = |id: &TypeId| self.names.known.contains_key(&(exported.member, *id));
        let needed = self.names.needed[position].iter();
        let needed: Vec<TypeId> = needed.filter(|id| !known(id)).copied().collect();
        let named = self.named_resources(position);
        let item = &self.plan.members[exported.member].shape.exports[&exported.export].item;
        let mut resources = source.types().resources_of(item);
        // A type that is exported before the interface needs those that the interface names, too.
        let early = needed
            .iter()
            .map(|id| source.types().resources_of(&Item::Type(*id)));
        let early: HashSet<ResourceBuilder> = early.flatten().map(|r| source.maker(r)).collect();
        resources.retain(|resource| {
            let maker = source.maker(*resource);
            early.contains(&maker) || !named.contains(&maker)
        });
        let mut alone = Vec::new();
        for resource in resources {
            if !self.export_interface_of(exported.member, resource)? {
                alone.push(Named::Resource(source.maker(resource), resource));
            }
        }
        let shape = &self.plan.members[exported.member].shape;
        let mut types = Vec::new();
        for id in needed {
            if self.export_interface_with(exported.member, id)? {
                continue;
            }
            // They become an interface, which can use no types of the world.
            let parts = source.types().types_of(&Item::Type(id)).into_iter();
            let parts = parts.filter(|part| {
                *part != id && source.types().needs_name(*part) && !is_of_interface(shape, *part)
            });
            for id in parts.chain([id]) {
                if !types.contains(&id) {
                    types.push(id);
                }
            }
        }
        alone.extend(types.into_iter().map(Named::Type));
        let mut taken = HashSet::new();
        let entries = alone.into_iter().map(|entry| {
            let name = match &entry {
                Named::Resource(_, resource) => &source.types().resource(*resource).name,
                Named::Type(id) => source.types_name(*id),
            };
            (free_name(name, &mut taken), entry)
        });
        let entries = entries.collect();
        self.export_types(exported.member, &exported.export, false, entries)
    }

    /// Exports the types of the interface that a resource is imported from. `false` if it comes from none.
    fn export_interface_of(
        &mut self,
        member: usize,
        resource: ResourceId,
    ) -> Result<bool, ComposeError> {
        let source = self.source(member);
        let maker = source.maker(resource);
        if matches!(maker, ResourceBuilder::Host { .. }) || self.names.resources.contains(&maker) {
            return Ok(true);
        }
        let plan: &'a LinkPlan = self.plan;
        let shape = &plan.members[member].shape;
        if let ResourceOrigin::Import(label) = &shape.types.resource(resource).origin
            && let Item::Instance(instance) = &shape.imports[label].item
        {
            self.export_interface(member, label, instance)?;
        }
        Ok(self.names.resources.contains(&maker))
    }

    /// Exports the types of the interface that a type has its name from. `false` if it has it from none.
    fn export_interface_with(&mut self, member: usize, id: TypeId) -> Result<bool, ComposeError> {
        let is_known = |this: &Self| this.names.known.contains_key(&(member, id));
        let plan: &'a LinkPlan = self.plan;
        if !is_known(self)
            && let Some(Origin::Imported(label, instance, _) | Origin::Exported(label, instance, _)) =
                origin(&plan.members[member].shape, id)
        {
            self.export_interface(member, label, instance)?;
        }
        Ok(is_known(self))
    }

    /// Exports those types of an interface that have no name yet, and nothing else of it.
    fn export_interface(
        &mut self,
        member: usize,
        label: &str,
        instance: &Instance,
    ) -> Result<(), ComposeError> {
        let source = self.source(member);
        let (mut entries, mut makers) = (Vec::new(), Vec::new());
        for (name, item) in &instance.exports {
            let Item::Type(id) = item else { continue };
            match source.types().named_resource(item) {
                Some(resource) => {
                    let maker = source.maker(resource);
                    let is_named = self.names.resources.contains(&maker);
                    if !matches!(maker, ResourceBuilder::Host { .. }) && !is_named {
                        makers.push(maker.clone());
                        entries.push((name.clone(), Named::Resource(maker, resource)));
                    }
                }
                None if self.names.known.contains_key(&(member, *id)) => {}
                None => entries.push((name.clone(), Named::Type(*id))),
            }
        }
        // What comes from other interfaces is exported before.
        for item in instance.exports.values() {
            let Item::Type(id) = item else { continue };
            for resource in source.types().resources_of(item) {
                if !makers.contains(&source.maker(resource)) {
                    self.export_interface_of(member, resource)?;
                }
            }
            let plan: &'a LinkPlan = self.plan;
            let shape = &plan.members[member].shape;
            let used = std::iter::successors(Some(*id), |id| source.types().used_from(*id));
            let elsewhere = used.filter(|id| match origin(shape, *id) {
                Some(Origin::Imported(other, ..) | Origin::Exported(other, ..)) => other != label,
                _ => false,
            });
            if source.types().needs_name(*id)
                && let Some(id) = elsewhere.last()
            {
                self.named(member, id)?;
            }
        }
        self.export_types(member, label, true, entries)
    }

    /// Exports types, as an interface of that name if there is none, or else under a plain name made of it.
    fn export_types(
        &mut self,
        member: usize,
        label: &str,
        is_interface: bool,
        entries: Vec<(String, Named)>,
    ) -> Result<(), ComposeError> {
        if entries.is_empty() {
            return Ok(());
        }
        let source = self.source(member);
        let (mut out, mut local) = (InstanceType::new(), Written::default());
        let mut bundle = Vec::new();
        for (name, entry) in &entries {
            let index = match entry {
                Named::Resource(maker, _) => {
                    let index = self.resource(maker)?;
                    let of = match local.find_resource(maker) {
                        Some(local) => local,
                        None => outer(&mut out, index),
                    };
                    let named = export_type(&mut out, name, TypeBounds::Eq(of));
                    local.resource(maker.clone(), named);
                    index
                }
                Named::Type(id) => {
                    let item = Item::Type(*id);
                    self.bring(&mut out, &mut local, source, &item)?;
                    self.export_in(&mut out, &mut local, source, name, &item)?;
                    for resource in source.types().resources_of(&item) {
                        self.resource(&source.maker(resource))?;
                    }
                    self.written.ty(&mut self.out, source, *id)
                }
            };
            bundle.push((name.as_str(), ComponentExportKind::Type, index));
        }
        let instance = self.out.bundle(bundle);
        let (ty, encoder) = self.out.begin_type();
        encoder.instance(&out);
        let name = self.export_name(label, is_interface);
        let exported = self.out.export(
            name.as_str().into(),
            ComponentExportKind::Instance,
            instance,
            Some(ComponentTypeRef::Instance(ty)),
        );
        // What is exported from here on speaks of them by these names.
        for (name, entry) in entries {
            let index = self.out.alias(exported, &name, ComponentExportKind::Type);
            match entry {
                Named::Resource(maker, _) => {
                    if self.names.resources.insert(maker.clone()) {
                        self.written.resource(maker, index);
                    }
                }
                Named::Type(id) => self.know(member, id, index),
            }
        }
        Ok(())
    }

    /// The name of an export of types. An interface that is imported as well has other contents there.
    fn export_name(&mut self, label: &str, is_interface: bool) -> String {
        let is_free = is_interface && label.contains('/') && !self.names.imports.contains(label);
        if is_free && self.names.exports.insert(label.to_string()) {
            return label.to_string();
        }
        free_name(&kebab(&format!("{label}-types")), &mut self.names.exports)
    }

    /// The type of an export in terms of the names of the composed component, if it has other names by itself.
    pub(super) fn ascription(
        &mut self,
        position: usize,
    ) -> Result<Option<ComponentTypeRef>, ComposeError> {
        let exported = &self.plan.exports[position];
        let source = self.source(exported.member);
        let item = &self.plan.members[exported.member].shape.exports[&exported.export].item;
        let mut needed = self.names.needed[position].iter();
        let has_names = needed.all(|id| {
            self.is_passed(exported.member, *id) && self.is_importable(exported.member, *id)
        });
        // A resource of another member has a name in each interface that speaks of it, and only the exported one counts.
        let mut resources = source.types().resources_of(item).into_iter();
        let names_resources = resources.all(|resource| match source.maker(resource) {
            ResourceBuilder::Host { .. } => true,
            maker @ ResourceBuilder::Member { member, .. } => {
                member == exported.member && !self.names.resources.contains(&maker)
            }
            ResourceBuilder::Stub { .. } => false,
        });
        if has_names && names_resources {
            return Ok(None);
        }
        Ok(Some(match item {
            Item::Instance(instance) => {
                let (mut out, mut local) = (InstanceType::new(), Written::default());
                for (name, item) in &instance.exports {
                    self.bring(&mut out, &mut local, source, item)?;
                    self.export_in(&mut out, &mut local, source, name, item)?;
                }
                let (ty, encoder) = self.out.begin_type();
                encoder.instance(&out);
                ComponentTypeRef::Instance(ty)
            }
            Item::Func(func) => {
                for resource in source.types().resources_of(item) {
                    self.resource(&source.maker(resource))?;
                }
                ComponentTypeRef::Func(self.written.func(&mut self.out, source, func))
            }
            Item::Type(id) => {
                let ty = self.written.ty(&mut self.out, source, *id);
                ComponentTypeRef::Type(TypeBounds::Eq(ty))
            }
            Item::Other(kind) => return fail(format!("a {kind} cannot be exported")),
        }))
    }

    /// Whether a member is given the name itself, so that what it exports speaks of that.
    fn is_passed(&self, member: usize, id: TypeId) -> bool {
        let import = match origin(&self.plan.members[member].shape, id) {
            Some(Origin::Imported(import, ..) | Origin::ImportedAlone(import)) => import,
            Some(Origin::Exported(..) | Origin::ExportedAlone(_)) | None => return false,
        };
        let edge = self.plan.edges_of(member).find(|e| e.import == import);
        edge.is_some_and(|edge| matches!(edge.provider, Provider::Host { .. } | Provider::Nobody))
    }

    /// Makes what an item speaks of known in the type of an interface.
    fn bring(
        &mut self,
        out: &mut InstanceType,
        local: &mut Written,
        source: Source<'_>,
        item: &Item,
    ) -> Result<(), ComposeError> {
        for resource in source.types().resources_of(item) {
            let maker = source.maker(resource);
            if local.find_resource(&maker).is_none() {
                let index = outer(out, self.resource(&maker)?);
                local.resource(maker, index);
            }
        }
        for id in source.types().types_of(item) {
            if local.find(source.member, id).is_some() || !source.types().needs_name(id) {
                continue;
            }
            let is_itself = matches!(item, Item::Type(named) if *named == id);
            let index = match is_itself {
                // What has a name elsewhere is that.
                true => self.known(source.member, id),
                false => Some(self.named(source.member, id)?),
            };
            if let Some(index) = index {
                local.name(source.member, id, outer(out, index));
            }
        }
        Ok(())
    }

    /// Exports an item from the type of an interface. What comes after it speaks of it by this name.
    fn export_in(
        &mut self,
        out: &mut InstanceType,
        local: &mut Written,
        source: Source<'_>,
        name: &str,
        item: &Item,
    ) -> Result<(), ComposeError> {
        match item {
            Item::Type(id) => {
                let ty = local.ty(out, source, *id);
                let index = export_type(out, name, TypeBounds::Eq(ty));
                match source.types().named_resource(item) {
                    Some(resource) => local.resource(source.maker(resource), index),
                    None => local.name(source.member, *id, index),
                }
            }
            Item::Func(func) => {
                let ty = local.func(out, source, func);
                out.export(name, ComponentTypeRef::Func(ty));
            }
            Item::Instance(_) | Item::Other(_) => {
                return fail(format!("`{name}` is a {}", item.kind()));
            }
        }
        Ok(())
    }
}
