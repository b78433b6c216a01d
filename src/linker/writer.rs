//! Writes the sections of a component and counts the indexes that they hand out.
//!
//! Like wasm-encoder's `ComponentBuilder`, which cannot make an instance out of single exports.

use std::collections::HashMap;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection,
    ComponentExportKind, ComponentExportSection, ComponentExternName, ComponentImportSection,
    ComponentInstanceSection, ComponentNameSection, ComponentSectionId, ComponentTypeEncoder,
    ComponentTypeRef, ComponentTypeSection, ExportKind, InstanceSection, Module, ModuleSection,
    NameMap, RawCustomSection, RawSection,
};

#[derive(Default)]
pub(super) struct Writer {
    component: Component,
    /// Types are written one after the other, and become a section when something else follows.
    types: ComponentTypeSection,
    type_count: u32,
    func_count: u32,
    instance_count: u32,
    component_count: u32,
    core_func_count: u32,
    /// Aliases that are there already.
    aliases: HashMap<(u32, String), u32>,
    components: NameMap,
    instances: NameMap,
}

impl Writer {
    pub(super) fn begin_type(&mut self) -> (u32, ComponentTypeEncoder<'_>) {
        self.type_count += 1;
        (self.type_count - 1, self.types.ty())
    }

    pub(super) fn import(&mut self, name: ComponentExternName<'_>, ty: ComponentTypeRef) -> u32 {
        self.flush();
        let mut section = ComponentImportSection::new();
        section.import(name, ty);
        self.component.section(&section);
        self.next(match ty {
            ComponentTypeRef::Func(_) => ComponentExportKind::Func,
            ComponentTypeRef::Type(_) => ComponentExportKind::Type,
            _ => ComponentExportKind::Instance,
        })
    }

    /// Embeds a core module, the only one, with an instance of it.
    pub(super) fn core_instance(&mut self, module: &Module) {
        self.flush();
        self.component.section(&ModuleSection(module));
        let mut section = InstanceSection::new();
        section.instantiate::<[_; 0], &str>(0, []);
        self.component.section(&section);
    }

    /// The index of a function of the core instance; a memory is always the first.
    pub(super) fn core_alias(&mut self, name: &str, kind: ExportKind) -> u32 {
        self.flush();
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::CoreInstanceExport {
            instance: 0,
            kind,
            name,
        });
        self.component.section(&section);
        if kind != ExportKind::Func {
            return 0;
        }
        self.core_func_count += 1;
        self.core_func_count - 1
    }

    pub(super) fn lift(&mut self, func: u32, ty: u32, options: [CanonicalOption; 2]) -> u32 {
        self.flush();
        let mut section = CanonicalFunctionSection::new();
        section.lift(func, ty, options);
        self.component.section(&section);
        self.next(ComponentExportKind::Func)
    }

    /// Embeds a component.
    pub(super) fn component(&mut self, name: &str, bytes: &[u8]) -> u32 {
        self.flush();
        self.component.section(&RawSection {
            id: ComponentSectionId::Component.into(),
            data: bytes,
        });
        self.components.append(self.component_count, name);
        self.component_count += 1;
        self.component_count - 1
    }

    pub(super) fn instantiate<'n>(
        &mut self,
        name: &str,
        component: u32,
        arguments: impl IntoIterator<
            Item = (&'n str, ComponentExportKind, u32),
            IntoIter: ExactSizeIterator,
        >,
    ) -> u32 {
        self.instances.append(self.instance_count, name);
        self.instance(|section| {
            section.instantiate(component, arguments);
        })
    }

    /// An instance that consists of things that are there already.
    pub(super) fn bundle(&mut self, exports: Vec<(&str, ComponentExportKind, u32)>) -> u32 {
        self.instance(|section| {
            section.export_items(exports);
        })
    }

    fn instance(&mut self, write: impl FnOnce(&mut ComponentInstanceSection)) -> u32 {
        self.flush();
        let mut section = ComponentInstanceSection::new();
        write(&mut section);
        self.component.section(&section);
        self.instance_count += 1;
        self.instance_count - 1
    }

    /// The index of an export of an instance.
    pub(super) fn alias(&mut self, instance: u32, name: &str, kind: ComponentExportKind) -> u32 {
        let key = (instance, name.to_string());
        if let Some(known) = self.aliases.get(&key) {
            return *known;
        }
        self.flush();
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::InstanceExport {
            instance,
            kind,
            name,
        });
        self.component.section(&section);
        let index = self.next(kind);
        self.aliases.insert(key, index);
        index
    }

    pub(super) fn export(
        &mut self,
        name: ComponentExternName<'_>,
        kind: ComponentExportKind,
        index: u32,
        ty: Option<ComponentTypeRef>,
    ) -> u32 {
        self.flush();
        let mut section = ComponentExportSection::new();
        section.export(name, kind, index, ty);
        self.component.section(&section);
        self.next(kind)
    }

    /// The bytes, with the names of what is inside.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush();
        let mut names = ComponentNameSection::new();
        names.components(&self.components);
        names.instances(&self.instances);
        self.component.section(&names);
        self.component.finish()
    }

    /// Adds a custom section, as it is encoded.
    pub(super) fn custom(&mut self, section: &[u8]) {
        self.flush();
        self.component.section(&RawCustomSection(section));
    }

    fn next(&mut self, kind: ComponentExportKind) -> u32 {
        let count = match kind {
            ComponentExportKind::Type => &mut self.type_count,
            ComponentExportKind::Func => &mut self.func_count,
            ComponentExportKind::Instance => &mut self.instance_count,
            kind => unreachable!("{kind:?} is not linked"),
        };
        *count += 1;
        *count - 1
    }

    fn flush(&mut self) {
        if !self.types.is_empty() {
            self.component.section(&std::mem::take(&mut self.types));
        }
    }
}
