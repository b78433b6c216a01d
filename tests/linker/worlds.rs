//! Random interfaces, and members that import and export them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wash::linker::{Member, Role};
use wash_component::Shape;

use crate::of_wit;

/// A world is made of small numbers, each taken modulo what there is to choose from: whatever they are, it makes sense.
#[derive(Debug, Clone)]
pub(crate) struct World {
    interfaces: Vec<Interface>,
    members: Vec<Part>,
    /// What the project exports besides what can be run, if that is wanted.
    api: Option<Api>,
}

/// Functions of a world, and the types that they speak of.
#[derive(Debug, Clone)]
struct Api {
    used: Vec<(usize, usize)>,
    types: Vec<Declared>,
    funcs: Vec<Func>,
}

#[derive(Debug, Clone)]
struct Interface {
    version: usize,
    /// The interface, and the type in it, of each type that comes from another interface.
    used: Vec<(usize, usize)>,
    types: Vec<Declared>,
    funcs: Vec<Func>,
}

#[derive(Debug, Clone)]
enum Declared {
    Record(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(usize),
    Flags(usize),
    Alias(Ty),
    Resource {
        constructor: Option<Vec<Ty>>,
        methods: Vec<Func>,
    },
}

#[derive(Debug, Clone)]
enum Ty {
    Primitive(usize),
    List(Box<Ty>),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Tuple(Vec<Ty>),
    Stream(Box<Ty>),
    Future(Option<Box<Ty>>),
    /// One of the types that are declared before.
    Named(usize),
}

#[derive(Debug, Clone)]
struct Func {
    is_async: bool,
    is_static: bool,
    params: Vec<Ty>,
    lent: Option<usize>,
    result: Option<Ty>,
}

#[derive(Debug, Clone)]
struct Part {
    role: usize,
    imports: Vec<usize>,
    exports: Vec<usize>,
    /// The patch version that it was built against.
    patch: u64,
    /// What is different in its idea of an interface.
    other: Option<(usize, bool)>,
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    (vec(interface(), 1..5), vec(part(), 1..6)).prop_map(|(interfaces, members)| World {
        interfaces,
        members,
        api: None,
    })
}

/// Worlds whose project exports interfaces, and functions that speak of types of all kinds.
pub(crate) fn worlds_with_an_api() -> impl Strategy<Value = World> {
    let used = vec((any::<usize>(), any::<usize>()), 0..3);
    let declared = declared().prop_filter("a world makes no resources", |declared| {
        !matches!(declared, Declared::Resource { .. })
    });
    let api = (used, vec(declared, 0..3), vec(func(), 0..3));
    let api = api.prop_map(|(used, types, funcs)| Api { used, types, funcs });
    (worlds(), api).prop_map(|(world, api)| World {
        api: Some(api),
        ..world
    })
}

fn interface() -> impl Strategy<Value = Interface> {
    let used = vec((any::<usize>(), any::<usize>()), 0..3);
    (
        any::<usize>(),
        used,
        vec(declared(), 0..4),
        vec(func(), 0..4),
    )
        .prop_map(|(version, used, types, funcs)| Interface {
            version,
            used,
            types,
            funcs,
        })
}

fn declared() -> impl Strategy<Value = Declared> {
    prop_oneof![
        vec(ty(), 1..4).prop_map(Declared::Record),
        vec(option::of(ty()), 1..4).prop_map(Declared::Variant),
        (1..5usize).prop_map(Declared::Enum),
        (1..12usize).prop_map(Declared::Flags),
        ty().prop_map(Declared::Alias),
        (option::of(vec(ty(), 0..3)), vec(func(), 0..3)).prop_map(|(constructor, methods)| {
            Declared::Resource {
                constructor,
                methods,
            }
        }),
    ]
}

fn ty() -> impl Strategy<Value = Ty> {
    let leaf = prop_oneof![
        any::<usize>().prop_map(Ty::Primitive),
        any::<usize>().prop_map(Ty::Named),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed().prop_map(Ty::List),
            boxed().prop_map(Ty::Option),
            (option::of(boxed()), option::of(boxed())).prop_map(|(ok, err)| Ty::Result(ok, err)),
            vec(inner.clone(), 1..4).prop_map(Ty::Tuple),
            boxed().prop_map(Ty::Stream),
            option::of(boxed()).prop_map(Ty::Future),
        ]
    })
}

fn func() -> impl Strategy<Value = Func> {
    (
        prop::bool::weighted(0.2),
        any::<bool>(),
        vec(ty(), 0..6),
        option::of(any::<usize>()),
        option::of(ty()),
    )
        .prop_map(|(is_async, is_static, params, lent, result)| Func {
            is_async,
            is_static,
            params,
            lent,
            result,
        })
}

fn part() -> impl Strategy<Value = Part> {
    (
        any::<usize>(),
        vec(any::<usize>(), 0..4),
        vec(any::<usize>(), 0..3),
        0..3u64,
        option::weighted(0.15, (any::<usize>(), any::<bool>())),
    )
        .prop_map(|(role, imports, exports, patch, other)| Part {
            role,
            imports,
            exports,
            patch,
            other,
        })
}

/// A member with its bytes, and what is needed to make another that exports what it imports.
pub(crate) struct Made {
    pub(crate) member: Member,
    pub(crate) bytes: Vec<u8>,
    wit: String,
}

impl World {
    /// The same world without differences of opinion: each interface is exported once at most, imports point from members
    /// to later ones, and interfaces use only later ones.
    pub(crate) fn orderly(mut self) -> World {
        let count = self.interfaces.len();
        let mut next = 0;
        for (index, part) in self.members.iter_mut().enumerate() {
            let own = next..(next + part.exports.len()).min(count);
            next = own.end;
            part.exports = if index == 0 {
                Vec::new()
            } else {
                own.collect()
            };
            part.imports = match count - next {
                0 => Vec::new(),
                left => part.imports.iter().map(|i| next + i % left).collect(),
            };
            part.other = None;
        }
        for interface in &mut self.interfaces {
            interface.used.clear();
        }
        self
    }

    /// The members; the first is the project, and can be run.
    pub(crate) fn members(&self) -> anyhow::Result<Vec<Made>> {
        let parts = self.members.iter().enumerate();
        parts
            .map(|(index, part)| {
                let wit = self.wit(part);
                let mut world = String::new();
                let role = match (index, part.role % 4) {
                    (0, _) => {
                        world.push_str("export wasi:cli/run@0.2.0;\n");
                        Role::Project
                    }
                    (_, 0 | 1) => Role::Sibling,
                    (_, 2) => Role::Plugin,
                    _ => Role::Shipped,
                };
                for (word, which) in [("import", &part.imports), ("export", &part.exports)] {
                    let mut which: Vec<_> =
                        which.iter().map(|i| i % self.interfaces.len()).collect();
                    which.sort();
                    which.dedup();
                    for i in which {
                        writeln!(world, "{word} {};", self.name(i, part))?;
                    }
                }
                if let (0, Some(api)) = (index, &self.api) {
                    world.push_str(&self.api(api, part));
                }
                made(format!("m{index}"), role, &world, wit)
            })
            .collect()
    }

    /// Uses types of the first `count` interfaces.
    fn use_types(&self, body: &mut Body, used: &[(usize, usize)], count: usize, part: &Part) {
        for (number, (which, ty)) in used.iter().enumerate() {
            let from = which.checked_rem(count);
            let ty = from.and_then(|from| ty.checked_rem(self.interfaces[from].types.len()));
            if let Some((from, ty)) = from.zip(ty) {
                let is_resource =
                    matches!(self.interfaces[from].types[ty], Declared::Resource { .. });
                let from = self.name(from, part);
                let _ = writeln!(body.text, "use {from}.{{t{ty} as used{number}}};");
                body.declare(format!("used{number}"), is_resource);
            }
        }
    }

    /// The text of what a world exports by itself.
    fn api(&self, api: &Api, part: &Part) -> String {
        let mut body = Body::default();
        self.use_types(&mut body, &api.used, self.interfaces.len(), part);
        for declared in &api.types {
            body.declared(declared);
        }
        for (number, func) in api.funcs.iter().enumerate() {
            let signature = body.signature(func);
            let _ = writeln!(body.text, "export f{number}: {signature};");
        }
        body.text
    }

    fn version(&self, index: usize, part: &Part) -> String {
        match self.interfaces[index].version % 5 {
            0 => String::new(),
            1 => format!("@0.1.{}", part.patch),
            2 => format!("@1.{}.0", part.patch),
            3 => "@0.0.1".to_string(),
            _ => "@0.2.0-draft".to_string(),
        }
    }

    fn name(&self, index: usize, part: &Part) -> String {
        format!("w:p{index}/i{}", self.version(index, part))
    }

    fn wit(&self, part: &Part) -> String {
        let mut wit = String::new();
        for (index, interface) in self.interfaces.iter().enumerate() {
            let mut body = Body::default();
            // Only what comes before, so that there are no circles.
            self.use_types(&mut body, &interface.used, index, part);
            for declared in &interface.types {
                body.declared(declared);
            }
            let other = part
                .other
                .filter(|(which, _)| which % self.interfaces.len() == index);
            for (number, func) in interface.funcs.iter().enumerate() {
                let mut func = func.clone();
                if number == 0 && other.is_some_and(|(_, extra)| !extra) {
                    func.params.push(Ty::Primitive(3));
                }
                let signature = body.signature(&func);
                let _ = writeln!(body.text, "f{number}: {signature};");
            }
            if other.is_some_and(|(_, extra)| extra) {
                body.text.push_str("more: func();\n");
            }
            let version = self.version(index, part);
            let _ = writeln!(
                wit,
                "package w:p{index}{version} {{\ninterface i {{\n{}}}\n}}",
                body.text
            );
        }
        wit
    }
}

/// A sibling that exports exactly what `member` imports under `import`.
pub(crate) fn provider_of(made: &Made, import: &str, name: String) -> anyhow::Result<Made> {
    let world = format!("export {import};\n");
    self::made(name, Role::Sibling, &world, made.wit.clone())
}

fn made(name: String, role: Role, world: &str, wit: String) -> anyhow::Result<Made> {
    let source = format!(
        "package test:case;\nworld member {{\n{world}}}\n{wit}\n\
         package wasi:cli@0.2.0 {{ interface run {{ run: func() -> result; }} }}\n"
    );
    let bytes = of_wit::component(&source)
        .map_err(|error| anyhow::anyhow!("{error:#}\nin the member `{name}`:\n{source}"))?;
    let member = Member {
        name,
        role,
        shape: Arc::new(Shape::parse(&bytes)?),
        wiring: BTreeMap::new(),
    };
    Ok(Made { member, bytes, wit })
}

/// The text of an interface as it grows.
#[derive(Default)]
struct Body {
    text: String,
    count: usize,
    values: Vec<String>,
    resources: Vec<String>,
}

impl Body {
    fn declare(&mut self, name: String, is_resource: bool) {
        if is_resource {
            self.resources.push(name.clone());
        }
        self.values.push(name);
    }

    fn declared(&mut self, declared: &Declared) {
        let name = format!("t{}", self.count);
        self.count += 1;
        let numbered = |count: usize| -> String { (0..count).map(|i| format!("n{i}, ")).collect() };
        let text = match declared {
            Declared::Record(fields) => {
                let fields = fields.iter().enumerate();
                let fields: String = fields
                    .map(|(i, ty)| format!("n{i}: {}, ", self.ty(ty)))
                    .collect();
                format!("record {name} {{ {fields}}}")
            }
            Declared::Variant(cases) => {
                let cases = cases.iter().enumerate();
                let cases: String = cases
                    .map(|(i, ty)| match ty {
                        Some(ty) => format!("n{i}({}), ", self.ty(ty)),
                        None => format!("n{i}, "),
                    })
                    .collect();
                format!("variant {name} {{ {cases}}}")
            }
            Declared::Enum(count) => format!("enum {name} {{ {}}}", numbered(*count)),
            Declared::Flags(count) => format!("flags {name} {{ {}}}", numbered(*count)),
            Declared::Alias(ty) => format!("type {name} = {};", self.ty(ty)),
            Declared::Resource {
                constructor,
                methods,
            } => {
                self.declare(name.clone(), true);
                let mut body = String::new();
                if let Some(params) = constructor {
                    let _ = write!(body, "constructor({}); ", self.params(params, None));
                }
                for (i, method) in methods.iter().enumerate() {
                    let word = if method.is_static { "static " } else { "" };
                    let signature = self.signature(method);
                    let _ = write!(body, "m{i}: {word}{signature}; ");
                }
                let _ = writeln!(self.text, "resource {name} {{ {body}}}");
                return;
            }
        };
        let _ = writeln!(self.text, "{text}");
        // An alias of a resource is not lent: it may be the alias of anything.
        self.declare(name, false);
    }

    fn signature(&self, func: &Func) -> String {
        let word = if func.is_async { "async " } else { "" };
        let params = self.params(&func.params, func.lent);
        match &func.result {
            Some(ty) => format!("{word}func({params}) -> {}", self.ty(ty)),
            None => format!("{word}func({params})"),
        }
    }

    fn params(&self, params: &[Ty], lent: Option<usize>) -> String {
        let mut text: Vec<_> = params
            .iter()
            .enumerate()
            .map(|(i, ty)| format!("n{i}: {}", self.ty(ty)))
            .collect();
        if let Some(lent) = lent.and_then(|lent| lent.checked_rem(self.resources.len())) {
            text.push(format!("lent: borrow<{}>", self.resources[lent]));
        }
        text.join(", ")
    }

    fn ty(&self, ty: &Ty) -> String {
        // No `char`: there are no streams of it yet.
        const PRIMITIVES: [&str; 12] = [
            "bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "string",
        ];
        let optional = |ty: &Option<Box<Ty>>| ty.as_ref().map(|ty| self.ty(ty));
        match ty {
            Ty::Primitive(which) => PRIMITIVES[which % PRIMITIVES.len()].to_string(),
            Ty::List(ty) => format!("list<{}>", self.ty(ty)),
            Ty::Option(ty) => format!("option<{}>", self.ty(ty)),
            Ty::Result(ok, err) => match (optional(ok), optional(err)) {
                (None, None) => "result".to_string(),
                (Some(ok), None) => format!("result<{ok}>"),
                (ok, Some(err)) => format!("result<{}, {err}>", ok.unwrap_or("_".to_string())),
            },
            Ty::Tuple(types) => {
                let types: Vec<_> = types.iter().map(|ty| self.ty(ty)).collect();
                format!("tuple<{}>", types.join(", "))
            }
            Ty::Stream(ty) => format!("stream<{}>", self.ty(ty)),
            Ty::Future(ty) => match optional(ty) {
                Some(ty) => format!("future<{ty}>"),
                None => "future".to_string(),
            },
            Ty::Named(which) => match which.checked_rem(self.values.len()) {
                Some(which) => self.values[which].clone(),
                None => "u32".to_string(),
            },
        }
    }
}
