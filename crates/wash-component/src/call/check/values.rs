//! An argument held against the type of its parameter.

use wasmparser::PrimitiveValType;

use super::super::catalog::{Function, Kind as FunctionKind};
use super::super::rejected::{Problem, Rejected};
use super::super::syntax::{Kind, Label, Link, Node, Span};
use super::super::value::{Answer, Value, quoted};
use super::super::{find, list};
use super::{Checker, Place};
use crate::{Type, TypeId};

impl Checker<'_> {
    pub(super) fn value(
        &mut self,
        node: &Node,
        ty: TypeId,
        place: &Place<'_>,
    ) -> Result<Value, Rejected> {
        let types = &self.catalog.types;
        let wrong = |this: &Self| Err(this.mismatch(node, ty, place));
        let label = match &node.kind {
            Kind::Chain(links) => match links.as_slice() {
                [Link { name, arguments }] => Some((name.text.as_str(), arguments.as_deref())),
                _ => None,
            },
            _ => None,
        };
        match (types.get(ty), &node.kind) {
            (Type::Primitive(PrimitiveValType::Bool), _) if label == Some(("true", None)) => {
                Ok(Value::Bool(true))
            }
            (Type::Primitive(PrimitiveValType::Bool), _) if label == Some(("false", None)) => {
                Ok(Value::Bool(false))
            }
            (Type::Primitive(of), Kind::Number) => {
                let text = &place.source.text[node.span.clone()];
                match number(*of, text) {
                    Some(value) => Ok(value),
                    None => wrong(self),
                }
            }
            (Type::Primitive(of @ (PrimitiveValType::F32 | PrimitiveValType::F64)), _)
                if matches!(label, Some(("inf" | "nan", None))) =>
            {
                let text = label.map_or("", |(text, _)| text);
                Ok(number(*of, text).expect("these are numbers"))
            }
            (Type::Primitive(PrimitiveValType::Char), Kind::Char(c)) => Ok(Value::Char(*c)),
            (Type::Primitive(PrimitiveValType::String), Kind::String(text)) => {
                Ok(Value::String(text.clone()))
            }
            (Type::List(of), Kind::List(nodes)) => {
                let of = *of;
                let values = nodes.iter().map(|node| self.value(node, of, place));
                Ok(Value::List(values.collect::<Result<_, _>>()?))
            }
            (Type::FixedList(of, length), Kind::List(nodes)) => {
                if u32::try_from(nodes.len()) != Ok(*length) {
                    return wrong(self);
                }
                let of = *of;
                let values = nodes.iter().map(|node| self.value(node, of, place));
                Ok(Value::FixedList(values.collect::<Result<_, _>>()?))
            }
            (Type::Tuple(of), Kind::Tuple(nodes)) => {
                if of.len() != nodes.len() {
                    return wrong(self);
                }
                let of = of.clone();
                let values = nodes
                    .iter()
                    .zip(of)
                    .map(|(node, of)| self.value(node, of, place));
                Ok(Value::Tuple(values.collect::<Result<_, _>>()?))
            }
            (Type::Record(of), Kind::Record(given)) => {
                let of = of.clone();
                self.record(node, ty, &of, given, place)
            }
            // A record of which every field may be missing, and none is there, looks like no flags.
            (Type::Record(of), Kind::Flags(given)) if given.is_empty() => {
                let of = of.clone();
                self.record(node, ty, &of, &[], place)
            }
            (Type::Flags(known), Kind::Flags(given)) => {
                for flag in given {
                    if !known.contains(&flag.text) {
                        let near = find::near(&flag.text, known.iter().map(String::as_str));
                        return Err(self.mismatch_at(
                            &flag.span,
                            &format!("`{}`", flag.text),
                            ty,
                            near,
                            place,
                        ));
                    }
                }
                // In the order of the type.
                let set = known
                    .iter()
                    .filter(|known| given.iter().any(|flag| flag.text == **known));
                Ok(Value::Flags(set.cloned().collect()))
            }
            (Type::Enum(known), _) => match label {
                Some((name, None)) if known.iter().any(|known| known == name) => {
                    Ok(Value::Enum(name.to_owned()))
                }
                Some((name, None)) => {
                    let near = find::near(name, known.iter().map(String::as_str));
                    Err(self.mismatch_at(&node.span, &format!("`{name}`"), ty, near, place))
                }
                _ => wrong(self),
            },
            (Type::Variant(cases), _) => {
                let Some((name, payload)) = label else {
                    return wrong(self);
                };
                let Some((_, of)) = cases.iter().find(|(case, _)| case == name) else {
                    let near = find::near(name, cases.iter().map(|(case, _)| case.as_str()));
                    return Err(self.mismatch_at(
                        &node.span,
                        &format!("`{name}`"),
                        ty,
                        near,
                        place,
                    ));
                };
                let of = *of;
                let payload = self.payload(node, ty, of, payload, place)?;
                Ok(Value::Variant(name.to_owned(), payload))
            }
            (Type::Option(of), _) => {
                let of = *of;
                match label {
                    Some(("none", None)) => Ok(Value::Option(None)),
                    Some(("some", payload)) => {
                        let payload = self.payload(node, ty, Some(of), payload, place)?;
                        Ok(Value::Option(payload))
                    }
                    _ if self.flat(of) => {
                        let value = self.value(node, of, place)?;
                        Ok(Value::Option(Some(Box::new(value))))
                    }
                    _ => wrong(self),
                }
            }
            (Type::Result { ok, err }, _) => {
                let (ok, err) = (*ok, *err);
                match (label, ok) {
                    (Some(("ok", payload)), _) => Ok(Value::Result(Ok(
                        self.payload(node, ty, ok, payload, place)?
                    ))),
                    (Some(("err", payload)), _) => Ok(Value::Result(Err(
                        self.payload(node, ty, err, payload, place)?
                    ))),
                    (_, Some(ok)) if self.flat(ok) => {
                        let value = self.value(node, ok, place)?;
                        Ok(Value::Result(Ok(Some(Box::new(value)))))
                    }
                    _ => wrong(self),
                }
            }
            (_, Kind::Chain(links)) if self.names_a_function(links) => {
                self.answer(node, links, ty, place)
            }
            _ => wrong(self),
        }
    }

    /// Whether WAVE leaves out `some` or `ok` in front of it.
    fn flat(&self, ty: TypeId) -> bool {
        !matches!(
            self.catalog.types.get(ty),
            Type::Option(_) | Type::Result { .. }
        )
    }

    fn names_a_function(&self, links: &[Link]) -> bool {
        // A word alone is more likely a mistake, which reads better as one.
        let [first, ..] = links else { return false };
        let known = !matches!(
            find::function(self.catalog, &first.name.text),
            Err(Problem::Unknown { .. })
        );
        known || first.arguments.is_some()
    }

    /// What another call answers, as an argument.
    fn answer(
        &mut self,
        node: &Node,
        links: &[Link],
        ty: TypeId,
        place: &Place<'_>,
    ) -> Result<Value, Rejected> {
        let (step, index) = self.chain(links, place.source, None)?;
        let answered = self.catalog.functions[index].func.result;
        let types = &self.catalog.types;
        let wanted = match types.get(ty) {
            Type::Own(resource) => Some((*resource, true)),
            Type::Borrow(resource) => Some((*resource, false)),
            _ => None,
        };
        let answer = |within, given| {
            Value::Answer(Answer {
                step,
                within,
                given,
            })
        };
        let resource = answered.and_then(|id| self.catalog.resource(id));
        match (wanted, resource) {
            (Some((wanted, given)), Some((resource, within))) if wanted == resource => {
                Ok(answer(within, given))
            }
            (None, _) if answered.is_some_and(|answered| types.same(answered, ty)) => {
                Ok(answer(false, true))
            }
            _ => {
                let found = answered.map_or("a call that returns nothing".to_owned(), |id| {
                    format!("a call that returns `{}`", self.catalog.type_text(id))
                });
                Err(self.mismatch_at(&node.span, &found, ty, Vec::new(), place))
            }
        }
    }

    fn payload(
        &mut self,
        node: &Node,
        ty: TypeId,
        of: Option<TypeId>,
        given: Option<&[Node]>,
        place: &Place<'_>,
    ) -> Result<Option<Box<Value>>, Rejected> {
        match (of, given) {
            (None, None) => Ok(None),
            (Some(of), Some([payload])) => Ok(Some(Box::new(self.value(payload, of, place)?))),
            _ => Err(self.mismatch(node, ty, place)),
        }
    }

    fn record(
        &mut self,
        node: &Node,
        ty: TypeId,
        of: &[(String, TypeId)],
        given: &[(Label, Node)],
        place: &Place<'_>,
    ) -> Result<Value, Rejected> {
        if let Some((label, _)) = given
            .iter()
            .find(|(l, _)| !of.iter().any(|(n, _)| *n == l.text))
        {
            let near = find::near(&label.text, of.iter().map(|(name, _)| name.as_str()));
            let found = format!("a field `{}`", label.text);
            return Err(self.mismatch_at(&label.span, &found, ty, near, place));
        }
        let mut fields = Vec::new();
        for (name, of) in of {
            let value = match given.iter().find(|(label, _)| label.text == *name) {
                Some((_, node)) => self.value(node, *of, place)?,
                None if matches!(self.catalog.types.get(*of), Type::Option(_)) => {
                    Value::Option(None)
                }
                None => {
                    let found = format!("no field `{name}`");
                    return Err(self.mismatch_at(&node.span, &found, ty, Vec::new(), place));
                }
            };
            fields.push((name.clone(), value));
        }
        Ok(Value::Record(fields))
    }

    fn mismatch(&self, node: &Node, ty: TypeId, place: &Place<'_>) -> Rejected {
        let mut rejected = self.mismatch_at(
            &node.span,
            &found(node, place.source.text),
            ty,
            Vec::new(),
            place,
        );
        if let Problem::Type { hint, expected, .. } = &mut *rejected.problem {
            let text = &place.source.text[node.span.clone()];
            match (self.catalog.types.get(ty), &node.kind) {
                (Type::Primitive(PrimitiveValType::String), Kind::Chain(_) | Kind::Number) => {
                    *hint = Some(quotes(text));
                }
                (Type::Primitive(of), Kind::Number) => {
                    if let Some((least, most)) = range(*of) {
                        expected.push_str(&format!(" ({least} to {most})"));
                    }
                }
                (Type::Own(resource) | Type::Borrow(resource), _) => {
                    *hint = Some(self.makers(*resource));
                }
                _ => {}
            }
        }
        rejected
    }

    /// How to come by a resource.
    fn makers(&self, wanted: crate::ResourceId) -> String {
        let makes = |function: &&Function| {
            let result = function
                .func
                .result
                .and_then(|id| self.catalog.resource(id));
            result.is_some_and(|(resource, _)| resource == wanted)
                && !matches!(function.kind, FunctionKind::Method { .. })
        };
        let makers = self.catalog.functions.iter().filter(makes);
        let makers: Vec<_> = makers
            .map(|function| format!("`{}`", list::signature(self.catalog, function)))
            .collect();
        match makers.is_empty() {
            true => "no export returns one".to_owned(),
            false => format!("write a call that returns one: {}", makers.join(" or ")),
        }
    }

    fn mismatch_at(
        &self,
        span: &Span,
        found: &str,
        ty: TypeId,
        near: Vec<String>,
        place: &Place<'_>,
    ) -> Rejected {
        let near: Vec<_> = near.iter().map(|near| format!("`{near}`")).collect();
        let problem = Problem::Type {
            argument: place.argument.to_owned(),
            expected: self.catalog.full_text(ty),
            found: found.to_owned(),
            hint: (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or "))),
        };
        place.source.reject(span.clone(), problem)
    }
}

pub(super) fn quotes(text: &str) -> String {
    let mut written = String::new();
    quoted(&mut written, text);
    format!("strings need quotes; quote them again for the shell: '{written}'")
}

/// What was written instead, for a message.
pub(super) fn found(node: &Node, text: &str) -> String {
    let text = &text[node.span.clone()];
    match &node.kind {
        Kind::Number => format!("the number `{text}`"),
        Kind::Char(_) => format!("the character {text}"),
        Kind::String(value) if value.chars().count() < 40 && !value.contains('\n') => {
            format!("the string {text}")
        }
        Kind::String(_) => "a string".to_owned(),
        Kind::Tuple(values) => format!("a tuple of {}", values.len()),
        Kind::List(values) => format!("a list of {}", values.len()),
        Kind::Record(_) => "a record".to_owned(),
        Kind::Flags(_) => "flags".to_owned(),
        Kind::Chain(links) => format!("`{}`", links[0].name.text),
    }
}

fn number(ty: PrimitiveValType, text: &str) -> Option<Value> {
    match ty {
        PrimitiveValType::F32 => text.parse().ok().map(Value::F32),
        PrimitiveValType::F64 => text.parse().ok().map(Value::F64),
        _ => {
            let (least, most) = range(ty)?;
            let value = text.parse().ok()?;
            (least..=most)
                .contains(&value)
                .then_some(Value::Integer(ty, value))
        }
    }
}

fn range(ty: PrimitiveValType) -> Option<(i128, i128)> {
    let signed = |bits: u32| (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
    let unsigned = |bits: u32| (0, (1 << bits) - 1);
    Some(match ty {
        PrimitiveValType::S8 => signed(8),
        PrimitiveValType::S16 => signed(16),
        PrimitiveValType::S32 => signed(32),
        PrimitiveValType::S64 => signed(64),
        PrimitiveValType::U8 => unsigned(8),
        PrimitiveValType::U16 => unsigned(16),
        PrimitiveValType::U32 => unsigned(32),
        PrimitiveValType::U64 => unsigned(64),
        _ => return None,
    })
}
