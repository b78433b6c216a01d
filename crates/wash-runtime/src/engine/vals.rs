//! Values as the engine has them, and as everybody else has them.

use std::collections::VecDeque;

use wash_component::call::Value;
use wash_component::call::value::Answer;
use wasmparser::PrimitiveValType as Primitive;
use wasmtime::component::{ResourceAny, Val};
use wasmtime::{Result, bail};

/// A value for the engine. It was checked, so that its numbers fit. `answer` has what earlier calls answered.
pub(super) fn val(value: &Value, answer: &mut dyn FnMut(&Answer) -> Val) -> Val {
    let mut all = |values: &[Value]| values.iter().map(|value| val(value, answer)).collect();
    match value {
        Value::Bool(value) => Val::Bool(*value),
        Value::Integer(ty, value) => integer(*ty, *value),
        Value::F32(value) => Val::Float32(*value),
        Value::F64(value) => Val::Float64(*value),
        Value::Char(value) => Val::Char(*value),
        Value::String(value) => Val::String(value.clone()),
        Value::List(values) => Val::List(all(values)),
        Value::FixedList(values) => Val::FixedLengthList(all(values)),
        Value::Tuple(values) => Val::Tuple(all(values)),
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(k, v)| (val(k, answer), val(v, answer)));
            Val::Map(entries.collect())
        }
        Value::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), val(value, answer)));
            Val::Record(fields.collect())
        }
        Value::Variant(name, value) => Val::Variant(name.clone(), boxed(value, answer)),
        Value::Enum(name) => Val::Enum(name.clone()),
        Value::Flags(names) => Val::Flags(names.clone()),
        Value::Option(value) => Val::Option(boxed(value, answer)),
        Value::Result(Ok(value)) => Val::Result(Ok(boxed(value, answer))),
        Value::Result(Err(value)) => Val::Result(Err(boxed(value, answer))),
        Value::Answer(earlier) => answer(earlier),
        Value::Resource | Value::Bytes(_) => unreachable!("these are in answers only"),
    }
}

fn boxed(value: &Option<Box<Value>>, answer: &mut dyn FnMut(&Answer) -> Val) -> Option<Box<Val>> {
    value.as_ref().map(|value| Box::new(val(value, answer)))
}

fn integer(ty: Primitive, value: i128) -> Val {
    match ty {
        Primitive::S8 => Val::S8(value as i8),
        Primitive::S16 => Val::S16(value as i16),
        Primitive::S32 => Val::S32(value as i32),
        Primitive::S64 => Val::S64(value as i64),
        Primitive::U8 => Val::U8(value as u8),
        Primitive::U16 => Val::U16(value as u16),
        Primitive::U32 => Val::U32(value as u32),
        _ => Val::U64(value as u64),
    }
}

/// An answer for everybody. `read` has what was in its streams and futures, in their order.
pub(super) fn value(val: &Val, read: &mut VecDeque<Value>) -> Result<Value> {
    let mut all = |vals: &[Val]| {
        vals.iter()
            .map(|val| value(val, read))
            .collect::<Result<_>>()
    };
    Ok(match val {
        Val::Bool(value) => Value::Bool(*value),
        Val::S8(value) => Value::Integer(Primitive::S8, (*value).into()),
        Val::U8(value) => Value::Integer(Primitive::U8, (*value).into()),
        Val::S16(value) => Value::Integer(Primitive::S16, (*value).into()),
        Val::U16(value) => Value::Integer(Primitive::U16, (*value).into()),
        Val::S32(value) => Value::Integer(Primitive::S32, (*value).into()),
        Val::U32(value) => Value::Integer(Primitive::U32, (*value).into()),
        Val::S64(value) => Value::Integer(Primitive::S64, (*value).into()),
        Val::U64(value) => Value::Integer(Primitive::U64, (*value).into()),
        Val::Float32(value) => Value::F32(*value),
        Val::Float64(value) => Value::F64(*value),
        Val::Char(value) => Value::Char(*value),
        Val::String(value) => Value::String(value.clone()),
        Val::List(vals) => Value::List(all(vals)?),
        Val::FixedLengthList(vals) => Value::FixedList(all(vals)?),
        Val::Tuple(vals) => Value::Tuple(all(vals)?),
        Val::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(k, v)| Ok((value(k, read)?, value(v, read)?)));
            Value::Map(entries.collect::<Result<_>>()?)
        }
        Val::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, val)| Ok((name.clone(), value(val, read)?)));
            Value::Record(fields.collect::<Result<_>>()?)
        }
        Val::Variant(name, val) => Value::Variant(name.clone(), inner(val, read)?),
        Val::Enum(name) => Value::Enum(name.clone()),
        Val::Option(val) => Value::Option(inner(val, read)?),
        Val::Result(Ok(val)) => Value::Result(Ok(inner(val, read)?)),
        Val::Result(Err(val)) => Value::Result(Err(inner(val, read)?)),
        Val::Flags(names) => Value::Flags(names.clone()),
        Val::Resource(_) => Value::Resource,
        Val::Stream(_) | Val::Future(_) => match read.pop_front() {
            Some(value) => value,
            None => bail!("a stream or a future was not read"),
        },
        Val::ErrorContext(_) => bail!("an error context cannot be read"),
    })
}

fn inner(val: &Option<Box<Val>>, read: &mut VecDeque<Value>) -> Result<Option<Box<Value>>> {
    let inner = val.as_ref().map(|val| value(val, read).map(Box::new));
    inner.transpose()
}

/// The values that a value is directly made of, in order.
pub(super) fn parts(val: &Val) -> Vec<&Val> {
    match val {
        Val::List(vals) | Val::FixedLengthList(vals) | Val::Tuple(vals) => vals.iter().collect(),
        Val::Map(entries) => entries.iter().flat_map(|(k, v)| [k, v]).collect(),
        Val::Record(fields) => fields.iter().map(|(_, val)| val).collect(),
        Val::Variant(_, val) | Val::Option(val) => val.iter().map(|val| &**val).collect(),
        Val::Result(Ok(val) | Err(val)) => val.iter().map(|val| &**val).collect(),
        _ => Vec::new(),
    }
}

/// The resources in a value, which are its own.
pub(super) fn resources(val: &Val, found: &mut Vec<ResourceAny>) {
    match val {
        Val::Resource(resource) if resource.owned() => found.push(*resource),
        other => parts(other)
            .into_iter()
            .for_each(|part| resources(part, found)),
    }
}
