//! Types in the words of WIT, short enough for a line of an error message.

use std::collections::HashMap;
use std::fmt::Write;

use super::types::{Func, Item, Type, TypeId, Types};

/// What types are called.
pub type Names = HashMap<TypeId, String>;

/// Deeper parts of a type are left out of a message.
const DEPTH: usize = 4;
/// Characters after which the rest of a type is left out of a message.
const LENGTH: usize = 160;

impl Types {
    /// A type as WIT would write it, with what is deep or long left out.
    pub fn describe(&self, id: TypeId) -> String {
        let mut text = String::new();
        self.write(&mut text, id, DEPTH);
        text
    }

    /// A type as WIT would write it where the types of `names` are known: by its name if it has one.
    pub fn describe_named(&self, id: TypeId, names: &Names) -> String {
        let mut text = String::new();
        Words::short(self, names).write(&mut text, id, DEPTH);
        text
    }

    /// What stands behind the name of a type, with what is deep or long left out.
    pub fn define(&self, id: TypeId, names: &Names) -> String {
        let mut text = String::new();
        Words::short(self, names).write_definition(&mut text, id, DEPTH);
        text
    }

    /// What stands behind the name of a type, all of it.
    pub fn spell_out(&self, id: TypeId, names: &Names) -> String {
        let mut text = String::new();
        let words = Words {
            most: usize::MAX,
            ..Words::short(self, names)
        };
        words.write_definition(&mut text, id, usize::MAX);
        text
    }

    /// The kind of a type alone: `record`, `list`, `own handle`.
    pub fn kind(&self, id: TypeId) -> String {
        match self.get(id) {
            Type::Primitive(ty) => return ty.to_string(),
            Type::Record(_) => "record",
            Type::Variant(_) => "variant",
            Type::Enum(_) => "enum",
            Type::Flags(_) => "flags",
            Type::Tuple(_) => "tuple",
            Type::List(_) => "list",
            Type::FixedList(..) => "list of fixed length",
            Type::Map(..) => "map",
            Type::Option(_) => "option",
            Type::Result { .. } => "result",
            Type::Own(_) => "handle",
            Type::Borrow(_) => "borrow",
            Type::Resource(_) => "resource",
            Type::Future(_) => "future",
            Type::Stream(_) => "stream",
        }
        .to_string()
    }

    /// An import or export as WIT would declare it.
    pub fn describe_item(&self, item: &Item) -> String {
        match item {
            Item::Func(func) => self.describe_func(func),
            Item::Type(id) => self.describe(*id),
            Item::Instance(_) | Item::Other(_) => item.kind().to_string(),
        }
    }

    pub fn describe_func(&self, func: &Func) -> String {
        let mut text = String::from(if func.is_async {
            "async func("
        } else {
            "func("
        });
        for (i, (name, ty)) in func.params.iter().enumerate() {
            let _ = write!(text, "{}{name}: ", if i > 0 { ", " } else { "" });
            self.write(&mut text, *ty, DEPTH);
        }
        text.push(')');
        if let Some(result) = func.result {
            text.push_str(" -> ");
            self.write(&mut text, result, DEPTH);
        }
        text
    }

    fn write(&self, text: &mut String, id: TypeId, depth: usize) {
        let names = &Names::new();
        Words::short(self, names).write(text, id, depth);
    }
}

/// Writes types, some of which have names.
struct Words<'a> {
    types: &'a Types,
    names: &'a Names,
    /// Characters after which the rest is left out.
    most: usize,
}

impl<'a> Words<'a> {
    fn short(types: &'a Types, names: &'a Names) -> Self {
        Self {
            types,
            names,
            most: LENGTH,
        }
    }
}

impl Words<'_> {
    fn write(&self, text: &mut String, id: TypeId, depth: usize) {
        match self.names.get(&id) {
            Some(name) => text.push_str(name),
            None => self.write_definition(text, id, depth),
        }
    }

    fn write_definition(&self, text: &mut String, id: TypeId, depth: usize) {
        if depth == 0 || text.len() > self.most {
            text.push('…');
            return;
        }
        match self.types.get(id) {
            Type::Primitive(ty) => text.push_str(&ty.to_string()),
            Type::Record(fields) => self.write_cases(
                text,
                "record",
                fields.iter().map(|(n, t)| (n, Some(*t))),
                depth,
            ),
            Type::Variant(cases) => {
                self.write_cases(text, "variant", cases.iter().map(|(n, t)| (n, *t)), depth);
            }
            Type::Enum(names) => {
                self.write_cases(text, "enum", names.iter().map(|n| (n, None)), depth);
            }
            Type::Flags(names) => {
                self.write_cases(text, "flags", names.iter().map(|n| (n, None)), depth);
            }
            Type::Tuple(types) => {
                self.write_generic(text, "tuple", types.iter().map(|t| Some(*t)), depth);
            }
            Type::List(ty) => self.write_generic(text, "list", [Some(*ty)], depth),
            Type::FixedList(ty, length) => {
                text.push_str("list<");
                self.write(text, *ty, depth - 1);
                let _ = write!(text, ", {length}>");
            }
            Type::Map(key, value) => {
                self.write_generic(text, "map", [Some(*key), Some(*value)], depth);
            }
            Type::Option(ty) => self.write_generic(text, "option", [Some(*ty)], depth),
            Type::Result {
                ok: None,
                err: None,
            } => text.push_str("result"),
            Type::Result { ok, err: None } => self.write_generic(text, "result", [*ok], depth),
            Type::Result { ok, err } => self.write_generic(text, "result", [*ok, *err], depth),
            Type::Own(resource) | Type::Resource(resource) => {
                text.push_str(&self.types.resource(*resource).name);
            }
            Type::Borrow(resource) => {
                let _ = write!(text, "borrow<{}>", self.types.resource(*resource).name);
            }
            Type::Future(None) => text.push_str("future"),
            Type::Future(ty) => self.write_generic(text, "future", [*ty], depth),
            Type::Stream(None) => text.push_str("stream"),
            Type::Stream(ty) => self.write_generic(text, "stream", [*ty], depth),
        }
    }

    fn write_cases<'a>(
        &self,
        text: &mut String,
        kind: &str,
        cases: impl Iterator<Item = (&'a String, Option<TypeId>)>,
        depth: usize,
    ) {
        let _ = write!(text, "{kind} {{ ");
        for (i, (name, ty)) in cases.enumerate() {
            if text.len() > self.most {
                text.push('…');
                break;
            }
            let _ = write!(text, "{}{name}", if i > 0 { ", " } else { "" });
            if let Some(ty) = ty {
                text.push_str(": ");
                self.write(text, ty, depth - 1);
            }
        }
        text.push_str(" }");
    }

    /// `list<u8>`, `result<_, error>`: a missing type in between is written as `_`.
    fn write_generic(
        &self,
        text: &mut String,
        kind: &str,
        types: impl IntoIterator<Item = Option<TypeId>>,
        depth: usize,
    ) {
        let _ = write!(text, "{kind}<");
        for (i, ty) in types.into_iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            match ty {
                Some(ty) => self.write(text, ty, depth - 1),
                None => text.push('_'),
            }
        }
        text.push('>');
    }
}
