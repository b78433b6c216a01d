//! Writes a component anew, with some of its core modules imported.
//!
//! What is taken out, and the instances that data gets, shift the indices of core modules and core instances. All other index
//! spaces stay as they are, and so do the sections that use only those.

use std::convert::Infallible;

use wasm_encoder::reencode::{Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportSection, ComponentImportSection,
    ComponentInstanceSection, ComponentOuterAliasKind, ComponentSectionId, ComponentTypeRef,
    CoreTypeSection, InstanceSection, ModuleArg, ModuleType, RawSection,
};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentAliasSectionReader, ComponentExportSectionReader,
    ComponentExternalKind, ComponentInstanceSectionReader, FromReader, Instance,
    InstanceSectionReader, SectionLimited,
};

use super::data::MEMORY_MODULE;
use crate::sections::{Section, sections};

/// Where a core module is to be found.
pub(super) enum Place {
    /// In the component, as before.
    Inside,
    /// It is an import of the outermost component, and its memory with the data in it a core module in its place.
    Imported { import: u32, data: Option<Vec<u8>> },
}

/// A component without the core modules that `places` says are imported. There is one for each, in the order in which they begin.
/// `None` if the component has something that is not known here, or is damaged.
pub(super) fn without<'a>(
    component: &[u8],
    places: &[Place],
    imports: impl Iterator<Item = (&'a str, &'a ModuleType)>,
) -> Option<Vec<u8>> {
    let mut skeleton = Component::new();
    let mut types = CoreTypeSection::new();
    let mut section = ComponentImportSection::new();
    for (name, ty) in imports {
        let index = types.len();
        types.ty().module(ty);
        section.import(name, ComponentTypeRef::Module(index));
    }
    skeleton.section(&types);
    skeleton.section(&section);
    let mut writer = Writer {
        places: places.iter(),
        scopes: Vec::new(),
        is_lost: false,
    };
    writer.component(component, section.len(), &mut skeleton)?;
    (!writer.is_lost).then(|| skeleton.finish())
}

/// A component being written, within those around it.
struct Writer<'p> {
    /// Of the core modules that are still to come.
    places: std::slice::Iter<'p, Place>,
    /// The innermost comes last.
    scopes: Vec<Scope>,
    /// Something refers to what cannot be referred to.
    is_lost: bool,
}

/// The index spaces of a component that change.
struct Scope {
    /// By their index before.
    modules: Vec<NewModule>,
    /// How many there are now.
    new_modules: u32,
    /// By their index before, the index now.
    instances: Vec<u32>,
    /// How many there are now.
    new_instances: u32,
}

/// What became of a core module.
#[derive(Clone, Copy)]
struct NewModule {
    index: u32,
    /// The module with its memory and data.
    data: Option<u32>,
}

impl Scope {
    /// The index of a core module that did not exist before, or is counted by its old index elsewhere.
    fn new_module(&mut self) -> u32 {
        self.new_modules += 1;
        self.new_modules - 1
    }

    fn new_instance(&mut self) -> u32 {
        self.new_instances += 1;
        self.new_instances - 1
    }

    /// A core module that stays what it is.
    fn module(&mut self) {
        let index = self.new_module();
        self.modules.push(NewModule { index, data: None });
    }
}

impl Writer<'_> {
    /// Writes the sections of a component that has `imported` core modules from the beginning.
    fn component(&mut self, old: &[u8], imported: u32, new: &mut Component) -> Option<()> {
        self.scopes.push(Scope {
            modules: Vec::new(),
            new_modules: imported,
            instances: Vec::new(),
            new_instances: 0,
        });
        for section in sections(old).ok()? {
            self.section(section, new)?;
        }
        self.scopes.pop();
        Some(())
    }

    fn section(&mut self, Section { id, content }: Section<'_>, new: &mut Component) -> Option<()> {
        const CORE_CUSTOM: u8 = ComponentSectionId::CoreCustom as u8;
        const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
        const CORE_INSTANCE: u8 = ComponentSectionId::CoreInstance as u8;
        const COMPONENT: u8 = ComponentSectionId::Component as u8;
        const INSTANCE: u8 = ComponentSectionId::Instance as u8;
        const ALIAS: u8 = ComponentSectionId::Alias as u8;
        const TYPE: u8 = ComponentSectionId::Type as u8;
        const CANONICAL_FUNCTION: u8 = ComponentSectionId::CanonicalFunction as u8;
        const START: u8 = ComponentSectionId::Start as u8;
        const IMPORT: u8 = ComponentSectionId::Import as u8;
        const EXPORT: u8 = ComponentSectionId::Export as u8;
        let raw = RawSection { id, data: content };
        match id {
            // Names are by index, and of no use to a compiler.
            CORE_CUSTOM => {}
            // A section of core types would make core modules importable, and their indices another thing to follow.
            TYPE | CANONICAL_FUNCTION | START | IMPORT => {
                new.section(&raw);
            }
            CORE_MODULE => self.core_module(raw, new)?,
            COMPONENT => {
                let mut nested = Component::new();
                self.component(content, 0, &mut nested)?;
                new.section(&wasm_encoder::NestedComponentSection(&nested));
            }
            CORE_INSTANCE => {
                let mut section = InstanceSection::new();
                for instance in items(InstanceSectionReader::new, content)? {
                    self.core_instance(instance.ok()?, &mut section)?;
                }
                new.section(&section);
            }
            INSTANCE => {
                let mut section = ComponentInstanceSection::new();
                for instance in items(ComponentInstanceSectionReader::new, content)? {
                    self.parse_component_instance(&mut section, instance.ok()?)
                        .ok()?;
                }
                new.section(&section);
            }
            ALIAS => {
                let mut section = ComponentAliasSection::new();
                for alias in items(ComponentAliasSectionReader::new, content)? {
                    self.alias(alias.ok()?, &mut section)?;
                }
                new.section(&section);
            }
            EXPORT => {
                let mut section = ComponentExportSection::new();
                for export in items(ComponentExportSectionReader::new, content)? {
                    let export = export.ok()?;
                    let is_module = export.kind == ComponentExternalKind::Module;
                    self.parse_component_export(&mut section, export).ok()?;
                    if is_module {
                        self.scope()?.module();
                    }
                }
                new.section(&section);
            }
            _ => return None,
        }
        Some(())
    }

    fn scope(&mut self) -> Option<&mut Scope> {
        self.scopes.last_mut()
    }

    fn core_module(&mut self, raw: RawSection<'_>, new: &mut Component) -> Option<()> {
        let depth = self.scopes.len() as u32 - 1;
        let place = self.places.next()?;
        let scope = self.scope()?;
        let Place::Imported { import, data } = place else {
            new.section(&raw);
            scope.module();
            return Some(());
        };
        let index = match depth {
            0 => *import,
            _ => {
                let mut alias = ComponentAliasSection::new();
                alias.alias(Alias::Outer {
                    kind: ComponentOuterAliasKind::CoreModule,
                    count: depth,
                    index: *import,
                });
                new.section(&alias);
                scope.new_module()
            }
        };
        let data = data.as_ref().map(|data| {
            new.section(&RawSection { data, ..raw });
            scope.new_module()
        });
        scope.modules.push(NewModule { index, data });
        Some(())
    }

    fn core_instance(&mut self, old: Instance<'_>, new: &mut InstanceSection) -> Option<()> {
        match old {
            Instance::Instantiate { module_index, args } => {
                let scope = self.scope()?;
                let module = *scope.modules.get(module_index as usize)?;
                let mut arguments = Vec::new();
                for argument in &args {
                    let instance = *scope.instances.get(argument.index as usize)?;
                    arguments.push((argument.name, ModuleArg::Instance(instance)));
                }
                if let Some(data) = module.data {
                    new.instantiate(data, [("", ModuleArg::Instance(0)); 0]);
                    arguments.push((MEMORY_MODULE, ModuleArg::Instance(scope.new_instance())));
                }
                new.instantiate(module.index, arguments);
            }
            exports @ Instance::FromExports(_) => {
                component_utils::parse_instance(self, new, exports).ok()?;
            }
        }
        let scope = self.scope()?;
        let index = scope.new_instance();
        scope.instances.push(index);
        Some(())
    }

    fn alias(&mut self, old: ComponentAlias<'_>, new: &mut ComponentAliasSection) -> Option<()> {
        use wasmparser::ComponentOuterAliasKind;
        let is_module = match old {
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::CoreType,
                ..
            } => return None,
            ComponentAlias::Outer { kind, .. } => kind == ComponentOuterAliasKind::CoreModule,
            ComponentAlias::InstanceExport { kind, .. } => kind == ComponentExternalKind::Module,
            ComponentAlias::CoreInstanceExport { .. } => false,
        };
        new.alias(self.component_alias(old).ok()?);
        if is_module {
            self.scope()?.module();
        }
        Some(())
    }
}

fn items<'a, T: FromReader<'a>>(
    reader: fn(BinaryReader<'a>) -> wasmparser::Result<SectionLimited<'a, T>>,
    content: &'a [u8],
) -> Option<SectionLimited<'a, T>> {
    reader(BinaryReader::new(content, 0)).ok()
}

impl Reencode for Writer<'_> {
    type Error = Infallible;
}

/// Indices of core modules that are passed around, and of core instances.
impl ReencodeComponent for Writer<'_> {
    fn module_index(&mut self, index: u32) -> u32 {
        self.outer_module_index(0, index)
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        let scope = self.scopes.iter().rev().nth(count as usize);
        match scope.and_then(|scope| scope.modules.get(index as usize)) {
            Some(&NewModule { index, data: None }) => index,
            // Only who instantiates it here knows that it wants its data.
            _ => {
                self.is_lost = true;
                index
            }
        }
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        let scope = self.scopes.last();
        match scope.and_then(|scope| scope.instances.get(index as usize)) {
            Some(&index) => index,
            None => {
                self.is_lost = true;
                index
            }
        }
    }
}
