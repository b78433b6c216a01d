//! From an expression to a program: every name found, every argument held against the type of its parameter.

#[cfg(test)]
mod tests;
mod values;

use wasmparser::PrimitiveValType;

use super::catalog::{Catalog, Function, Kind as FunctionKind};
use super::rejected::{Problem, Rejected};
use super::syntax::{self, Kind, Label, Link, Node, Span};
use super::value::{Answer, Value};
use super::{Program, Step, find, list};
use crate::{Type, TypeId};
use values::{found, quotes};

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
                resource: format!("a call that returns `{resource}`"),
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
                answer.unwrap_or_else(|| format!("the missing result of `{}`", function.short()));
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
            list @ (Type::List(_) | Type::FixedList(..) | Type::Map(..)) => list
                .parts()
                .into_iter()
                .find_map(|part| self.unprintable(part, true)),
            other => other
                .parts()
                .into_iter()
                .find_map(|part| self.unprintable(part, streamed)),
        }
    }
}
