//! From an expression to a program: every name found, every argument held against the type of its parameter.

#[cfg(test)]
mod tests;

use wasmparser::PrimitiveValType;

use super::catalog::{Catalog, Function, Kind as FunctionKind};
use super::rejected::{Problem, Rejected};
use super::syntax::{self, Kind, Label, Link, Node, Span};
use super::value::{Answer, Value, quoted};
use super::{Program, Step, find, list};
use crate::component::{Type, TypeId};

/// The program of a call: a function or a whole expression, and the arguments that stand after it, each a word.
pub fn program(catalog: &Catalog, call: &str, words: &[String]) -> Result<Program, Rejected> {
    let node = syntax::parse(call)?;
    let mut checker = Checker {
        catalog,
        steps: Vec::new(),
    };
    let source = Source { text: call };
    let Kind::Chain(links) = &node.kind else {
        let found = found(&node, call);
        return Err(source.reject(node.span.clone(), Problem::NotACall { found }));
    };
    let (_, last) = checker.chain(links, source, Some(words))?;
    checker
        .printable(&catalog.functions[last])
        .map_err(|problem| source.reject(node.span.clone(), problem))?;
    Ok(Program {
        steps: checker.steps,
    })
}

/// A word of the command line.
#[derive(Clone, Copy)]
struct Source<'a> {
    text: &'a str,
}

impl Source<'_> {
    fn reject(self, span: Span, problem: Problem) -> Rejected {
        Rejected::new(self.text, span, problem)
    }
}

/// What an argument is for, in messages: ``argument 2 (`b`) of `add` ``.
struct Place<'a> {
    argument: &'a str,
    source: Source<'a>,
}

struct Checker<'a> {
    catalog: &'a Catalog,
    steps: Vec<Step>,
}

impl<'a> Checker<'a> {
    /// Puts the calls of a chain in order. Tells the step of the last, and the index of its function. `words` are the
    /// arguments of the last one, if it has no parentheses.
    fn chain(
        &mut self,
        links: &[Link],
        source: Source<'_>,
        words: Option<&[String]>,
    ) -> Result<(usize, usize), Rejected> {
        let [first, rest @ ..] = links else {
            unreachable!("a chain is not empty")
        };
        let words_of = |last: bool| words.filter(|_| last);
        let problem = |problem, label: &Label| source.reject(label.span.clone(), problem);
        let mut index =
            find::function(self.catalog, &first.name.text).map_err(|p| problem(p, &first.name))?;
        if let FunctionKind::Method { resource, .. } = &self.catalog.functions[index].kind {
            let needs = Problem::NeedsInstance {
                method: first.name.text.clone(),
                resource: format!("what makes `{resource}`"),
            };
            return Err(problem(needs, &first.name));
        }
        let mut step = self.call(index, None, first, source, words_of(rest.is_empty()))?;
        for (at, link) in rest.iter().enumerate() {
            let (method, within) = self
                .method(index, &link.name.text)
                .map_err(|p| problem(p, &link.name))?;
            let this = Value::Answer(Answer {
                step,
                within,
                given: false,
            });
            index = method;
            let words = words_of(at + 1 == rest.len());
            step = self.call(index, Some(this), link, source, words)?;
        }
        Ok((step, index))
    }

    /// The method of what a function answers, and whether that is within a `some` or an `ok`.
    fn method(&self, function: usize, name: &str) -> Result<(usize, bool), Problem> {
        let function = &self.catalog.functions[function];
        let answer = function.func.result;
        let Some((resource, within)) = answer.and_then(|id| self.catalog.resource(id)) else {
            let answer = answer.map(|id| format!("`{}`", self.catalog.type_text(id)));
            let answer =
                answer.unwrap_or_else(|| format!("what `{}` does not answer", function.short()));
            return Err(Problem::NotAResource { answer });
        };
        let methods: Vec<_> = self.catalog.methods(resource).collect();
        let named = methods.iter().filter(|(_, method)| *method == name);
        // The same resource may be exported by several interfaces.
        let mut named: Vec<_> = named.map(|(index, _)| *index).collect();
        named.sort_by_key(|index| self.catalog.functions[*index].interface != function.interface);
        match named.first() {
            Some(index) => Ok((*index, within)),
            None => Err(Problem::NoMethod {
                resource: self.catalog.types.resource(resource).name.clone(),
                name: name.to_owned(),
                near: find::near(name, methods.iter().map(|(_, method)| *method)),
                methods: methods
                    .iter()
                    .map(|(_, method)| (*method).to_owned())
                    .collect(),
            }),
        }
    }

    fn call(
        &mut self,
        index: usize,
        this: Option<Value>,
        link: &Link,
        source: Source<'_>,
        words: Option<&[String]>,
    ) -> Result<usize, Rejected> {
        let function: &'a Function = &self.catalog.functions[index];
        let mut arguments: Vec<Value> = this.into_iter().collect();
        let words = words.unwrap_or_default();
        match &link.arguments {
            Some(_) if !words.is_empty() => {
                let function = link.name.text.clone();
                return Err(source.reject(link.name.span.clone(), Problem::Twice { function }));
            }
            Some(nodes) => {
                self.count(function, link, source, nodes.len())?;
                for (at, node) in nodes.iter().enumerate() {
                    arguments.push(self.argument(function, at, node, source)?);
                }
            }
            None => {
                self.count(function, link, source, words.len())?;
                for (at, word) in words.iter().enumerate() {
                    let node = syntax::parse(word)
                        .map_err(|rejected| self.bare(function, at, rejected))?;
                    arguments.push(self.argument(function, at, &node, Source { text: word })?);
                }
            }
        }
        // What may be missing at the end is.
        let missing = function.func.params.len() - arguments.len();
        arguments.extend((0..missing).map(|_| Value::Option(None)));
        self.steps.push(Step {
            interface: function.interface.as_ref().map(|i| i.export.clone()),
            function: function.name.clone(),
            arguments,
        });
        Ok(self.steps.len() - 1)
    }

    /// Text that is not quoted may be the shell's doing.
    fn bare(&self, function: &Function, at: usize, mut rejected: Rejected) -> Rejected {
        let (_, ty) = &function.params()[at];
        if self.is_string(*ty)
            && let Problem::Syntax(_) = *rejected.problem
            && !rejected.text.starts_with(['"', '\''])
        {
            *rejected.problem = Problem::Type {
                argument: self.place(function, at),
                expected: self.catalog.full_text(*ty),
                found: "text without quotes".to_owned(),
                hint: Some(quotes(&rejected.text)),
            };
            rejected.span = 0..rejected.text.len();
        }
        rejected
    }

    fn is_string(&self, ty: TypeId) -> bool {
        matches!(
            self.catalog.types.get(ty),
            Type::Primitive(PrimitiveValType::String)
        )
    }

    fn count(
        &self,
        function: &Function,
        link: &Link,
        source: Source<'_>,
        found: usize,
    ) -> Result<(), Rejected> {
        let params = function.params();
        let optional =
            |(_, ty): &&(String, TypeId)| matches!(self.catalog.types.get(*ty), Type::Option(_));
        let needed = params.len() - params.iter().rev().take_while(optional).count();
        if (needed..=params.len()).contains(&found) {
            return Ok(());
        }
        let problem = Problem::Count {
            signature: list::signature(self.catalog, function),
            function: function.short(),
            expected: params.len(),
            found,
        };
        Err(source.reject(link.name.span.clone(), problem))
    }

    fn place(&self, function: &Function, at: usize) -> String {
        let (name, _) = &function.params()[at];
        format!("argument {} (`{name}`) of `{}`", at + 1, function.short())
    }

    fn argument(
        &mut self,
        function: &Function,
        at: usize,
        node: &Node,
        source: Source<'_>,
    ) -> Result<Value, Rejected> {
        let (_, ty) = function.params()[at];
        let argument = self.place(function, at);
        if let Some(what) = self.unwritable(ty) {
            return Err(source.reject(node.span.clone(), Problem::Unwritable { argument, what }));
        }
        let place = Place {
            argument: &argument,
            source,
        };
        self.value(node, ty, &place)
    }

    /// What a type has that cannot be written.
    fn unwritable(&self, ty: TypeId) -> Option<String> {
        let types = &self.catalog.types;
        match types.get(ty) {
            Type::Stream(_) | Type::Future(_) | Type::Map(..) => {
                Some(format!("a `{}`", self.catalog.type_text(ty)))
            }
            Type::Primitive(PrimitiveValType::ErrorContext) => {
                Some("an `error-context`".to_owned())
            }
            other => other
                .parts()
                .into_iter()
                .find_map(|part| self.unwritable(part)),
        }
    }

    /// Streams and futures are read to their ends, if what is in them is simple.
    fn printable(&self, function: &Function) -> Result<(), Problem> {
        let what = function
            .func
            .result
            .and_then(|ty| self.unprintable(ty, false));
        match what {
            None => Ok(()),
            Some(ty) => Err(Problem::Unprintable {
                function: function.short(),
                what: format!("a `{}`", self.catalog.type_text(ty)),
            }),
        }
    }

    fn unprintable(&self, ty: TypeId, streamed: bool) -> Option<TypeId> {
        let types = &self.catalog.types;
        let simple = |ty: &TypeId| match types.get(*ty) {
            Type::Primitive(of) => *of != PrimitiveValType::ErrorContext,
            _ => false,
        };
        match types.get(ty) {
            Type::Stream(Some(of)) | Type::Future(Some(of)) if simple(of) && !streamed => None,
            Type::Stream(_) | Type::Future(_) => Some(ty),
            Type::Primitive(PrimitiveValType::ErrorContext) => Some(ty),
            // As many as there are elements; they would have to be read one after the other.
            Type::List(_) | Type::FixedList(..) | Type::Map(..) => {
                let parts = types.get(ty).parts().into_iter();
                parts
                    .into_iter()
                    .find_map(|part| self.unprintable(part, true))
            }
            other => other
                .parts()
                .into_iter()
                .find_map(|part| self.unprintable(part, streamed)),
        }
    }

    fn value(&mut self, node: &Node, ty: TypeId, place: &Place<'_>) -> Result<Value, Rejected> {
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
                let found = answered.map_or("a call that answers nothing".to_owned(), |id| {
                    format!("a call that answers `{}`", self.catalog.type_text(id))
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
    fn makers(&self, wanted: crate::component::ResourceId) -> String {
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
            true => "nothing that is exported makes one".to_owned(),
            false => format!("write a call that makes one: {}", makers.join(" or ")),
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

fn quotes(text: &str) -> String {
    let mut written = String::new();
    quoted(&mut written, text);
    format!("text stands in quotes, and a shell takes away its own: '{written}'")
}

/// What was written instead, for a message.
fn found(node: &Node, text: &str) -> String {
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
