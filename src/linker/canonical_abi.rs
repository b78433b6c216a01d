//! Functions of the component model in terms of core WebAssembly, as the canonical ABI has it.

use std::collections::HashMap;
use std::rc::Rc;

use wash_component::{Func, Type, TypeId, Types};
use wasm_encoder::ValType;
use wasmparser::PrimitiveValType;

/// Parameters beyond this number are passed in memory.
const MAX_PARAMS: usize = 16;
/// Results beyond this number are passed in memory.
const MAX_RESULTS: usize = 1;

/// Flattens types, each one once.
pub(super) struct Flattener<'a> {
    types: &'a Types,
    known: HashMap<TypeId, Rc<[ValType]>>,
}

impl<'a> Flattener<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self {
            types,
            known: HashMap::new(),
        }
    }

    /// The parameters and results of the core function that is lifted to `func`.
    pub(super) fn signature(&mut self, func: &Func) -> (Vec<ValType>, Vec<ValType>) {
        let params = self.all(func.params.iter().map(|(_, ty)| *ty));
        let results = self.all(func.result);
        let in_memory = |flat: Vec<ValType>, most| match flat.len() > most {
            true => vec![ValType::I32],
            false => flat,
        };
        (
            in_memory(params, MAX_PARAMS),
            in_memory(results, MAX_RESULTS),
        )
    }

    /// What comes after the first that is too many does not matter, and is left out.
    fn all(&mut self, types: impl IntoIterator<Item = TypeId>) -> Vec<ValType> {
        let mut flat = Vec::new();
        for ty in types {
            if flat.len() > MAX_PARAMS {
                break;
            }
            flat.extend_from_slice(&self.ty(ty));
        }
        flat.truncate(MAX_PARAMS + 1);
        flat
    }

    fn ty(&mut self, id: TypeId) -> Rc<[ValType]> {
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        let flat: Rc<[ValType]> = match self.types.get(id) {
            Type::Primitive(ty) => primitive(*ty).into(),
            Type::Record(fields) => self.all(fields.iter().map(|(_, ty)| *ty)).into(),
            Type::Tuple(types) => self.all(types.iter().copied()).into(),
            Type::FixedList(ty, length) => {
                self.all(std::iter::repeat_n(*ty, *length as usize)).into()
            }
            Type::Variant(cases) => self.variant(cases.iter().map(|(_, ty)| *ty)),
            Type::Option(ty) => self.variant([None, Some(*ty)]),
            Type::Result { ok, err } => self.variant([*ok, *err]),
            Type::List(_) | Type::Map(..) => [ValType::I32; 2].into(),
            Type::Flags(names) => vec![ValType::I32; names.len().div_ceil(32)].into(),
            Type::Enum(_)
            | Type::Own(_)
            | Type::Borrow(_)
            | Type::Resource(_)
            | Type::Future(_)
            | Type::Stream(_) => [ValType::I32].into(),
        };
        self.known.insert(id, flat.clone());
        flat
    }

    /// The case, and room for what any of them has.
    fn variant(&mut self, cases: impl IntoIterator<Item = Option<TypeId>>) -> Rc<[ValType]> {
        let mut flat = vec![ValType::I32];
        for case in cases.into_iter().flatten() {
            for (place, ty) in self.ty(case).iter().enumerate() {
                match flat.get_mut(place + 1) {
                    Some(known) => *known = join(*known, *ty),
                    None => flat.push(*ty),
                }
            }
        }
        flat.truncate(MAX_PARAMS + 1);
        flat.into()
    }
}

/// A type that can hold both.
fn join(a: ValType, b: ValType) -> ValType {
    match (a, b) {
        (a, b) if a == b => a,
        (ValType::I32, ValType::F32) | (ValType::F32, ValType::I32) => ValType::I32,
        _ => ValType::I64,
    }
}

fn primitive(ty: PrimitiveValType) -> &'static [ValType] {
    match ty {
        PrimitiveValType::Bool
        | PrimitiveValType::S8
        | PrimitiveValType::U8
        | PrimitiveValType::S16
        | PrimitiveValType::U16
        | PrimitiveValType::S32
        | PrimitiveValType::U32
        | PrimitiveValType::Char
        | PrimitiveValType::ErrorContext => &[ValType::I32],
        PrimitiveValType::S64 | PrimitiveValType::U64 => &[ValType::I64],
        PrimitiveValType::F32 => &[ValType::F32],
        PrimitiveValType::F64 => &[ValType::F64],
        PrimitiveValType::String => &[ValType::I32, ValType::I32],
    }
}
