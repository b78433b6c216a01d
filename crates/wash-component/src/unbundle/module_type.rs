//! The type of a core module, as the component model writes it.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{EntityType, ModuleType};
use wasmparser::{
    CompositeInnerType, Export, ExternalKind, FuncType, GlobalType, Import, MemoryType, Parser,
    Payload, RecGroup, RefType, TableType, TypeRef, ValType,
};

/// What a core module imports and exports, as a type. `None` if the component model has no such type, or the module is
/// damaged.
pub(super) fn module_type(module: &[u8]) -> Option<ModuleType> {
    let mut reader = Reader::default();
    for payload in Parser::new(0).parse_all(module) {
        reader.read(payload.ok()?)?;
    }
    Some(reader.ty)
}

/// A core module being read, with its index spaces.
#[derive(Default)]
struct Reader {
    ty: ModuleType,
    /// The functions among the module's types. `None` are those that only its inside may use.
    types: Vec<Option<FuncType>>,
    /// By index, where `ty` declares a type.
    declared: BTreeMap<u32, u32>,
    functions: Vec<u32>,
    tables: Vec<TableType>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
}

impl Reader {
    fn read(&mut self, payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types(group.ok()?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.import(import.ok()?)?;
                }
            }
            Payload::FunctionSection(section) => {
                for function in section {
                    self.functions.push(function.ok()?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.tables.push(table.ok()?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory.ok()?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.globals.push(global.ok()?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.export(export.ok()?)?;
                }
            }
            _ => {}
        }
        Some(())
    }

    fn types(&mut self, group: RecGroup) {
        let is_single = !group.is_explicit_rec_group();
        for ty in group.into_types() {
            let is_plain = is_single
                && ty.is_final
                && ty.supertype_idx.is_none()
                && !ty.composite_type.shared
                && ty.composite_type.descriptor_idx.is_none()
                && ty.composite_type.describes_idx.is_none();
            self.types.push(match ty.composite_type.inner {
                CompositeInnerType::Func(function) if is_plain => Some(function),
                _ => None,
            });
        }
    }

    fn import(&mut self, import: Import<'_>) -> Option<()> {
        let ty = match import.ty {
            TypeRef::Func(ty) => {
                self.functions.push(ty);
                self.function(ty)?
            }
            TypeRef::Table(ty) => {
                self.tables.push(ty);
                table(ty)?
            }
            TypeRef::Memory(ty) => {
                self.memories.push(ty);
                memory(ty)
            }
            TypeRef::Global(ty) => {
                self.globals.push(ty);
                global(ty)?
            }
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => return None,
        };
        self.ty.import(import.module, import.name, ty);
        Some(())
    }

    fn export(&mut self, export: Export<'_>) -> Option<()> {
        let index = export.index as usize;
        let ty = match export.kind {
            ExternalKind::Func => self.function(*self.functions.get(index)?)?,
            ExternalKind::Table => table(*self.tables.get(index)?)?,
            ExternalKind::Memory => memory(*self.memories.get(index)?),
            ExternalKind::Global => global(*self.globals.get(index)?)?,
            ExternalKind::Tag | ExternalKind::FuncExact => return None,
        };
        self.ty.export(export.name, ty);
        Some(())
    }

    /// The type of a function, which is declared when it is first used.
    fn function(&mut self, index: u32) -> Option<EntityType> {
        if let Some(&declared) = self.declared.get(&index) {
            return Some(EntityType::Function(declared));
        }
        let function = self.types.get(index as usize)?.as_ref()?;
        let params: Option<Vec<_>> = function.params().iter().copied().map(value).collect();
        let results: Option<Vec<_>> = function.results().iter().copied().map(value).collect();
        let declared = self.ty.type_count();
        self.ty.ty().function(params?, results?);
        self.declared.insert(index, declared);
        Some(EntityType::Function(declared))
    }
}

/// Only the types that name no other type.
fn value(ty: ValType) -> Option<wasm_encoder::ValType> {
    match ty {
        ValType::Ref(ty) if ty != RefType::FUNCREF && ty != RefType::EXTERNREF => None,
        _ => RoundtripReencoder.val_type(ty).ok(),
    }
}

fn table(ty: TableType) -> Option<EntityType> {
    value(ValType::Ref(ty.element_type))?;
    let ty = RoundtripReencoder.table_type(ty).ok()?;
    Some(EntityType::Table(ty))
}

fn memory(ty: MemoryType) -> EntityType {
    EntityType::Memory(ty.into())
}

fn global(ty: GlobalType) -> Option<EntityType> {
    value(ty.content_type)?;
    let ty = RoundtripReencoder.global_type(ty).ok()?;
    Some(EntityType::Global(ty))
}
