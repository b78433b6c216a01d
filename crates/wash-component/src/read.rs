//! Reads a component's bytes with wasmparser's validator and keeps what linking needs.
//!
//! The validator bounds depth (100) and size (a million) of all types, so what is built here is bounded too.
//! Function bodies are not validated: the engine does that when it compiles them.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use wasm_metadata::{ComponentNames, Producers};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
    ComponentFuncTypeId, ComponentInstanceTypeId, ComponentItem, ComponentValType,
    ResourceId as ParserResourceId,
};
use wasmparser::types::Types as ParserTypes;
use wasmparser::{
    BinaryReaderError, Encoding, KnownCustom, Parser, Payload, PrimitiveValType, ValidPayload,
    Validator, WasmFeatures,
};

use super::features::supported;
use super::reexports::Definitions;
use super::types::{
    CORE_MODULE, Func, Instance, Item, Origin, Resource, ResourceId, Type, TypeId, Types,
};
use super::{About, Extern, Shape, ShapeError, features, provenance};

/// Reads a component that is one: the caller has looked at the header.
pub(super) fn read(bytes: &[u8]) -> Result<Shape, ShapeError> {
    let needs_async;
    let unsupported;
    let scan = match scan(bytes, supported(false)) {
        Ok(scan) => {
            (needs_async, unsupported) = (false, None);
            scan
        }
        // Either it needs the features that were left out, or it is broken with them as well.
        Err(_) => {
            needs_async = true;
            let scan = scan(bytes, WasmFeatures::all())?;
            unsupported = features::unsupported(bytes);
            scan
        }
    };

    let mut reader = Reader::new(&scan.types);
    let imports = scan
        .imports
        .iter()
        .filter_map(|name| {
            scan.types
                .component_item_for_import(name)
                .map(|item| (name, item))
        })
        .map(|(name, item)| {
            (
                name.clone(),
                reader.external(name, item, Origin::Import(name.clone())),
            )
        })
        .collect();
    let exports: IndexMap<String, Extern> = scan
        .exports
        .iter()
        .filter_map(|name| {
            scan.types
                .component_item_for_export(name)
                .map(|item| (name, item))
        })
        .map(|(name, item)| (name.clone(), reader.external(name, item, Origin::Own)))
        .collect();
    Ok(Shape {
        reexports: scan.definitions.reexports(&exports),
        imports,
        exports,
        types: reader.types,
        about: scan.about,
        needs_async,
        unsupported,
    })
}

/// Reads the interfaces of a WIT package. Each is described by the type of a component that exports it.
pub(super) fn package(bytes: &[u8]) -> Result<Shape, ShapeError> {
    let scan = scan(bytes, WasmFeatures::all())?;
    let mut reader = Reader::new(&scan.types);
    let mut exports = IndexMap::new();
    for name in &scan.exports {
        let described = scan.types.component_item_for_export(name);
        let Some(ComponentEntityType::Type {
            created: ComponentAnyTypeId::Component(id),
            ..
        }) = described.map(|item| &item.ty)
        else {
            continue;
        };
        let described = scan.types[*id].exports.iter();
        // Those of worlds are components.
        for (name, item) in described.filter(|(_, item)| is_instance(item)) {
            exports.insert(name.clone(), reader.external(name, item, Origin::Own));
        }
    }
    Ok(Shape {
        exports,
        types: reader.types,
        ..Shape::default()
    })
}

fn is_instance(item: &ComponentItem) -> bool {
    matches!(item.ty, ComponentEntityType::Instance(_))
}

impl From<BinaryReaderError> for ShapeError {
    fn from(error: BinaryReaderError) -> Self {
        ShapeError::Invalid {
            reason: error.message().to_string(),
            offset: error.offset(),
        }
    }
}

struct Scan<'a> {
    types: ParserTypes,
    definitions: Definitions<'a>,
    imports: Vec<String>,
    exports: Vec<String>,
    about: About,
}

fn scan(bytes: &[u8], features: WasmFeatures) -> Result<Scan<'_>, ShapeError> {
    let mut validator = Validator::new_with_features(features);
    let (mut imports, mut exports, mut about) = (Vec::new(), Vec::new(), About::default());
    let mut module = provenance::Imports::default();
    let mut definitions = Definitions::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        module.read(&payload, &mut about.brought);
        match &payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                about.core_modules += usize::from(*encoding == Encoding::Module);
            }
            // The parser takes the end of the file for the end of what is nested, if a section ends there too.
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } if unchecked_range.end > bytes.len() => return Err(cut_short(bytes)),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    imports.push(import?.name.name.to_string());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    exports.push(export?.name.name.to_string());
                }
            }
            Payload::CustomSection(custom) => match custom.as_known() {
                KnownCustom::Producers(_) => {
                    if let Ok(producers) =
                        Producers::from_bytes(custom.data(), custom.data_offset())
                    {
                        about.merge(&producers);
                    }
                }
                KnownCustom::ComponentName(_) if depth == 1 => {
                    if let Ok(names) =
                        ComponentNames::from_bytes(custom.data(), custom.data_offset())
                    {
                        about.name = names.get_name().cloned();
                    }
                }
                _ => {}
            },
            _ => {}
        }
        let validated = validator.payload(&payload)?;
        definitions.read(&payload);
        if let ValidPayload::End(types) = validated {
            depth -= 1;
            if depth == 0 {
                about.brought = provenance::by_import(&about.brought, &imports);
                return Ok(Scan {
                    types,
                    definitions,
                    imports,
                    exports,
                    about,
                });
            }
        }
    }
    Err(cut_short(bytes))
}

fn cut_short(bytes: &[u8]) -> ShapeError {
    ShapeError::Invalid {
        reason: "the file ends before the component does".to_string(),
        offset: bytes.len(),
    }
}

struct Reader<'a> {
    from: &'a ParserTypes,
    types: Types,
    defined: HashMap<ComponentDefinedTypeId, TypeId>,
    /// About a dozen: searched, not hashed.
    primitives: Vec<(PrimitiveValType, TypeId)>,
    resources: HashMap<ParserResourceId, ResourceId>,
    funcs: HashMap<ComponentFuncTypeId, Arc<Func>>,
    instances: HashMap<ComponentInstanceTypeId, Arc<Instance>>,
}

impl<'a> Reader<'a> {
    fn new(from: &'a ParserTypes) -> Self {
        Self {
            from,
            types: Types::default(),
            defined: HashMap::new(),
            primitives: Vec::new(),
            resources: HashMap::new(),
            funcs: HashMap::new(),
            instances: HashMap::new(),
        }
    }

    fn external(&mut self, name: &str, item: &ComponentItem, origin: Origin) -> Extern {
        let named = item.implements.as_deref().unwrap_or(name);
        // A version may be in two parts: what compatible ones have in common, and the rest of it beside the name.
        let interface = match &item.version_suffix {
            Some(rest) => format!("{named}{rest}").parse().ok(),
            None => named.parse().ok(),
        };
        Extern {
            interface,
            item: self.item(name, &item.ty, &origin),
        }
    }

    fn item(&mut self, name: &str, ty: &ComponentEntityType, origin: &Origin) -> Item {
        match ty {
            ComponentEntityType::Func(id) => Item::Func(self.func(*id, origin)),
            ComponentEntityType::Instance(id) => Item::Instance(self.instance(*id, origin)),
            ComponentEntityType::Type {
                created,
                referenced,
            } => match created {
                ComponentAnyTypeId::Resource(id) => {
                    let resource = self.resource(id.resource(), name, origin);
                    Item::Type(self.types.push(Type::Resource(resource)))
                }
                ComponentAnyTypeId::Defined(id) => Item::Type(self.named(*id, *referenced, origin)),
                ComponentAnyTypeId::Func(_) => Item::Other("function type"),
                ComponentAnyTypeId::Instance(_) => Item::Other("interface type"),
                ComponentAnyTypeId::Component(_) => Item::Other("component type"),
            },
            ComponentEntityType::Module(_) => Item::Other(CORE_MODULE),
            ComponentEntityType::Component(_) => Item::Other("component"),
            ComponentEntityType::Value(_) => Item::Other("value"),
        }
    }

    fn instance(&mut self, id: ComponentInstanceTypeId, origin: &Origin) -> Arc<Instance> {
        if let Some(known) = self.instances.get(&id) {
            return known.clone();
        }
        let mut exports = IndexMap::new();
        for (name, item) in &self.from[id].exports {
            exports.insert(name.clone(), self.item(name, &item.ty, origin));
        }
        let instance = Arc::new(Instance { exports });
        self.instances.insert(id, instance.clone());
        instance
    }

    fn func(&mut self, id: ComponentFuncTypeId, origin: &Origin) -> Arc<Func> {
        if let Some(known) = self.funcs.get(&id) {
            return known.clone();
        }
        let ty = &self.from[id];
        let params = ty
            .params
            .iter()
            .map(|(name, ty)| (name.to_string(), self.value(ty, origin)))
            .collect();
        let func = Arc::new(Func {
            is_async: ty.async_,
            params,
            result: self.optional(&ty.result, origin),
        });
        self.funcs.insert(id, func.clone());
        func
    }

    fn value(&mut self, ty: &ComponentValType, origin: &Origin) -> TypeId {
        match ty {
            ComponentValType::Primitive(ty) => self.primitive(*ty),
            ComponentValType::Type(id) => self.defined(*id, origin),
        }
    }

    fn optional(&mut self, ty: &Option<ComponentValType>, origin: &Origin) -> Option<TypeId> {
        ty.as_ref().map(|ty| self.value(ty, origin))
    }

    fn primitive(&mut self, ty: PrimitiveValType) -> TypeId {
        if let Some((_, known)) = self.primitives.iter().find(|(known, _)| *known == ty) {
            return *known;
        }
        let id = self.types.push(Type::Primitive(ty));
        self.primitives.push((ty, id));
        id
    }

    /// A resource belongs to whatever it appears in first: imports are read before exports, in their order, and
    /// nothing can refer to a resource before it is declared.
    fn resource(&mut self, id: ParserResourceId, name: &str, origin: &Origin) -> ResourceId {
        *self.resources.entry(id).or_insert_with(|| {
            self.types.resources.push(Resource {
                name: name.to_string(),
                origin: origin.clone(),
            });
            ResourceId(
                u32::try_from(self.types.resources.len() - 1)
                    .expect("the validator limits the number of types"),
            )
        })
    }

    /// A type that an import or export names.
    fn named(
        &mut self,
        id: ComponentDefinedTypeId,
        referenced: ComponentAnyTypeId,
        origin: &Origin,
    ) -> TypeId {
        let named = self.defined(id, origin);
        let used = std::iter::successors(Some(referenced), |id| self.from.peel_alias(*id));
        let mut known = used.filter_map(|id| match id {
            ComponentAnyTypeId::Defined(id) => self.defined.get(&id),
            _ => None,
        });
        if let Some(of) = known.find(|of| **of != named) {
            self.types.used.entry(named).or_insert(*of);
        }
        named
    }

    fn defined(&mut self, id: ComponentDefinedTypeId, origin: &Origin) -> TypeId {
        if let Some(known) = self.defined.get(&id) {
            return *known;
        }
        let ty = match &self.from[id] {
            ComponentDefinedType::Primitive(ty) => Type::Primitive(*ty),
            ComponentDefinedType::Record(record) => Type::Record(
                record
                    .fields
                    .iter()
                    .map(|(name, ty)| (name.to_string(), self.value(ty, origin)))
                    .collect(),
            ),
            ComponentDefinedType::Variant(variant) => Type::Variant(
                variant
                    .cases
                    .iter()
                    .map(|(name, case)| (name.to_string(), self.optional(&case.ty, origin)))
                    .collect(),
            ),
            ComponentDefinedType::List { element, .. } => Type::List(self.value(element, origin)),
            ComponentDefinedType::Map { key, value, .. } => {
                Type::Map(self.value(key, origin), self.value(value, origin))
            }
            ComponentDefinedType::FixedLengthList {
                element, length, ..
            } => Type::FixedList(self.value(element, origin), *length),
            ComponentDefinedType::Tuple(tuple) => Type::Tuple(
                tuple
                    .types
                    .iter()
                    .map(|ty| self.value(ty, origin))
                    .collect(),
            ),
            ComponentDefinedType::Flags(names) => {
                Type::Flags(names.iter().map(|n| n.to_string()).collect())
            }
            ComponentDefinedType::Enum(names) => {
                Type::Enum(names.iter().map(|n| n.to_string()).collect())
            }
            ComponentDefinedType::Option { ty, .. } => Type::Option(self.value(ty, origin)),
            ComponentDefinedType::Result { ok, err, .. } => Type::Result {
                ok: self.optional(ok, origin),
                err: self.optional(err, origin),
            },
            ComponentDefinedType::Own(id) => {
                Type::Own(self.resource(id.resource(), "resource", origin))
            }
            ComponentDefinedType::Borrow(id) => {
                Type::Borrow(self.resource(id.resource(), "resource", origin))
            }
            ComponentDefinedType::Future { ty, .. } => Type::Future(self.optional(ty, origin)),
            ComponentDefinedType::Stream { ty, .. } => Type::Stream(self.optional(ty, origin)),
        };
        let known = self.types.push(ty);
        self.defined.insert(id, known);
        known
    }
}
