//! Which exported functions of a component are functions that it imports, passed on as they are.
//!
//! The types of a component do not tell: they say what a function takes, not where it comes from. So the definitions of
//! the component and of those nested in it are noted as they are read, and the exported functions followed back.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use indexmap::IndexMap;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Encoding, Payload,
};

use super::{Extern, Item};

/// How many definitions are looked at, all exports together. A component that a toolchain made needs about ten for each of
/// its functions.
const MAX_STEPS: usize = 1_000_000;

/// How deep components may come out of instances of other components that do the same.
const MAX_DEPTH: usize = 200;

/// A function that a component exports as it imports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reexport {
    pub export: Place,
    pub import: Place,
}

/// Where a function is among the imports or exports of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The name of the import or export.
    pub name: String,
    /// The names below it, from the outside in. Empty if it is the function itself.
    pub path: Vec<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.path.iter().try_for_each(|name| write!(f, "#{name}"))
    }
}

/// The definitions of a component, and of those nested in it, as they are read.
#[derive(Default)]
pub(super) struct Definitions<'a> {
    /// What has been read to its end.
    components: Vec<Component<'a>>,
    /// What is being read, from the outside in; `None` is a core module.
    open: Vec<Option<Component<'a>>>,
}

/// What the index spaces of a component have, as far as functions go through them.
#[derive(Default)]
struct Component<'a> {
    funcs: Vec<Definition<'a>>,
    instances: Vec<Definition<'a>>,
    components: Vec<Definition<'a>>,
    exports: Named<'a>,
}

/// Kinds and indexes by name.
type Named<'a> = HashMap<&'a str, (Kind, u32)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Func,
    Instance,
    Component,
}

enum Definition<'a> {
    Imported(&'a str),
    /// Another definition of its kind.
    Same(u32),
    /// An export of an instance.
    Export(u32, &'a str),
    /// A function of a core module.
    Lifted,
    /// An instance of a component, with what it is given.
    Instantiated(u32, Rc<Named<'a>>),
    /// An instance that consists of single definitions.
    Bundle(Named<'a>),
    /// A nested component.
    Nested(usize),
    /// A component of the component that so many levels further out contains this one.
    Outer(u32, u32),
}

impl Kind {
    fn of(kind: ComponentExternalKind) -> Option<Self> {
        match kind {
            ComponentExternalKind::Func => Some(Kind::Func),
            ComponentExternalKind::Instance => Some(Kind::Instance),
            ComponentExternalKind::Component => Some(Kind::Component),
            ComponentExternalKind::Module
            | ComponentExternalKind::Value
            | ComponentExternalKind::Type => None,
        }
    }
}

impl<'a> Component<'a> {
    fn space(&self, kind: Kind) -> &[Definition<'a>] {
        match kind {
            Kind::Func => &self.funcs,
            Kind::Instance => &self.instances,
            Kind::Component => &self.components,
        }
    }

    fn define(&mut self, kind: Kind, definition: Definition<'a>) {
        match kind {
            Kind::Func => self.funcs.push(definition),
            Kind::Instance => self.instances.push(definition),
            Kind::Component => self.components.push(definition),
        }
    }

    fn read(&mut self, payload: &Payload<'a>) {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone().into_iter().flatten() {
                    let kind = match import.ty {
                        ComponentTypeRef::Func(_) => Kind::Func,
                        ComponentTypeRef::Instance(_) => Kind::Instance,
                        ComponentTypeRef::Component(_) => Kind::Component,
                        _ => continue,
                    };
                    self.define(kind, Definition::Imported(import.name.name));
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone().into_iter().flatten() {
                    if matches!(function, CanonicalFunction::Lift { .. }) {
                        self.define(Kind::Func, Definition::Lifted);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone().into_iter().flatten() {
                    self.alias(&alias);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone().into_iter().flatten() {
                    self.instance(&instance);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone().into_iter().flatten() {
                    if let Some(kind) = Kind::of(export.kind) {
                        self.exports.insert(export.name.name, (kind, export.index));
                        self.define(kind, Definition::Same(export.index));
                    }
                }
            }
            _ => {}
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) {
        match alias {
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => {
                if let Some(kind) = Kind::of(*kind) {
                    self.define(kind, Definition::Export(*instance_index, name));
                }
            }
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::Component,
                count,
                index,
            } => self.define(Kind::Component, Definition::Outer(*count, *index)),
            ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => {}
        }
    }

    fn instance(&mut self, instance: &ComponentInstance<'a>) {
        let definition = match instance {
            ComponentInstance::Instantiate {
                component_index,
                args,
            } => {
                let args = args.iter();
                let args =
                    args.filter_map(|arg| Some((arg.name, (Kind::of(arg.kind)?, arg.index))));
                Definition::Instantiated(*component_index, Rc::new(args.collect()))
            }
            ComponentInstance::FromExports(exports) => {
                let exports = exports.iter();
                let exports = exports.filter_map(|export| {
                    Some((export.name.name, (Kind::of(export.kind)?, export.index)))
                });
                Definition::Bundle(exports.collect())
            }
        };
        self.define(Kind::Instance, definition);
    }
}

impl<'a> Definitions<'a> {
    /// Takes note of a part of a component that is valid up to there.
    pub(super) fn read(&mut self, payload: &Payload<'a>) {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_component = *encoding == Encoding::Component;
                self.open.push(is_component.then(Component::default));
            }
            Payload::End(_) => {
                let Some(Some(ended)) = self.open.pop() else {
                    return;
                };
                self.components.push(ended);
                if let Some(Some(around)) = self.open.last_mut() {
                    let nested = Definition::Nested(self.components.len() - 1);
                    around.define(Kind::Component, nested);
                }
            }
            payload => {
                if let Some(Some(component)) = self.open.last_mut() {
                    component.read(payload);
                }
            }
        }
    }

    /// The functions among `exports`, those of the outermost component, that are imported.
    pub(super) fn reexports(&self, exports: &IndexMap<String, Extern>) -> Vec<Reexport> {
        // It ends last.
        let Some(outermost) = self.components.len().checked_sub(1) else {
            return Vec::new();
        };
        let mut search = Search {
            definitions: self,
            steps: 0,
        };
        let root = Rc::new(Frame {
            component: outermost,
            around: None,
            given: None,
        });
        let mut found = Vec::new();
        for (name, external) in exports {
            let Some((kind, index)) = self.components[outermost].exports.get(name.as_str()) else {
                continue;
            };
            let mut path = Vec::new();
            functions(&external.item, &mut path, &mut |path| {
                let names = path.iter().rev().copied().collect();
                let origin = search.find(root.clone(), (*kind, *index), names, 0);
                if let Some(Found::Import(import)) = origin {
                    let path = path.iter().map(|name| (*name).to_owned()).collect();
                    let export = Place {
                        name: name.clone(),
                        path,
                    };
                    found.push(Reexport { export, import });
                }
            });
        }
        found
    }
}

/// Visits the functions of an item, each with the names that lead to it.
fn functions<'i>(item: &'i Item, path: &mut Vec<&'i str>, visit: &mut impl FnMut(&[&'i str])) {
    match item {
        Item::Func(_) => visit(path),
        Item::Instance(instance) => {
            for (name, item) in &instance.exports {
                path.push(name);
                functions(item, path, visit);
                path.pop();
            }
        }
        Item::Type(_) | Item::Other(_) => {}
    }
}

/// An instance of a component, as seen from inside.
struct Frame<'d, 'a> {
    component: usize,
    /// The instance of the component that contains this one.
    around: Option<Rc<Frame<'d, 'a>>>,
    /// Who has instantiated it, and with what. The outermost has nobody.
    given: Option<(Rc<Frame<'d, 'a>>, &'d Named<'a>)>,
}

enum Found<'d, 'a> {
    /// An import of the outermost component.
    Import(Place),
    /// A component, and the instance of the one that contains it.
    Component(usize, Rc<Frame<'d, 'a>>),
}

struct Search<'d, 'a> {
    definitions: &'d Definitions<'a>,
    steps: usize,
}

impl<'d, 'a> Search<'d, 'a> {
    /// Where something comes from: what is at an index, or in it under `names`, the innermost first. `None` if it is
    /// made here, or too far to look.
    fn find<'n>(
        &mut self,
        mut frame: Rc<Frame<'d, 'a>>,
        (mut kind, mut index): (Kind, u32),
        mut names: Vec<&'n str>,
        depth: usize,
    ) -> Option<Found<'d, 'a>>
    where
        'a: 'n,
        'd: 'n,
    {
        loop {
            self.steps += 1;
            if self.steps > MAX_STEPS || depth > MAX_DEPTH {
                return None;
            }
            let component = &self.definitions.components[frame.component];
            match component.space(kind).get(index as usize)? {
                Definition::Imported(name) => match frame.given.clone() {
                    None => {
                        let path = names.iter().rev().map(|name| (*name).to_owned()).collect();
                        let name = (*name).to_owned();
                        return Some(Found::Import(Place { name, path }));
                    }
                    Some((from, given)) => {
                        (kind, index) = *given.get(name)?;
                        frame = from;
                    }
                },
                Definition::Same(other) => index = *other,
                Definition::Export(instance, name) => {
                    names.push(name);
                    (kind, index) = (Kind::Instance, *instance);
                }
                Definition::Lifted => return None,
                Definition::Instantiated(of, given) => {
                    let of = (Kind::Component, *of);
                    let found = self.find(frame.clone(), of, Vec::new(), depth + 1)?;
                    let Found::Component(of, around) = found else {
                        return None;
                    };
                    let exports = &self.definitions.components[of].exports;
                    (kind, index) = *exports.get(names.pop()?)?;
                    frame = Rc::new(Frame {
                        component: of,
                        around: Some(around),
                        given: Some((frame, given)),
                    });
                }
                Definition::Bundle(exports) => (kind, index) = *exports.get(names.pop()?)?,
                Definition::Nested(nested) => return Some(Found::Component(*nested, frame)),
                Definition::Outer(count, outer) => {
                    for _ in 0..*count {
                        frame = frame.around.clone()?;
                    }
                    index = *outer;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;

    /// `export <- import` of each reexport.
    fn reexports(text: &str) -> Vec<String> {
        let shape = Shape::parse(&wat::parse_str(text).unwrap()).unwrap();
        let reexports = shape.reexports.iter();
        reexports
            .map(|reexport| format!("{} <- {}", reexport.export, reexport.import))
            .collect()
    }

    #[test]
    fn imports_that_are_exported_are_found_however_they_go() {
        for (text, expected) in [
            (r#"(import "f" (func $f)) (export "g" (func $f))"#, "g <- f"),
            (
                r#"(import "a:b/c" (instance $i (export "f" (func)))) (export "a:b/d" (instance $i))"#,
                "a:b/d#f <- a:b/c#f",
            ),
            (
                r#"(import "a:b/c" (instance $i (export "f" (func)))) (alias export $i "f" (func $f)) (export "g" (func $f))"#,
                "g <- a:b/c#f",
            ),
            (
                r#"(import "f" (func $f)) (instance $i (export "x" (func $f))) (export "a:b/d" (instance $i))"#,
                "a:b/d#x <- f",
            ),
            (
                r#"(import "f" (func $f)) (export $g "g" (func $f)) (export "h" (func $g))"#,
                "g <- f, h <- f",
            ),
            (
                r#"(import "f" (func $f))
                (component $c (import "in" (func $in)) (export "out" (func $in)))
                (instance $i (instantiate $c (with "in" (func $f))))
                (export "a:b/d" (instance $i))"#,
                "a:b/d#out <- f",
            ),
            (
                r#"(import "f" (func $f))
                (component $pass (import "in" (func $in)) (export "out" (func $in)))
                (component $outer (import "x" (func $x))
                    (component $inner (import "y" (func $y))
                        (alias outer 2 $pass (component $p))
                        (instance $i (instantiate $p (with "in" (func $y))))
                        (export "z" (instance $i)))
                    (instance $i (instantiate $inner (with "y" (func $x))))
                    (export "w" (instance $i)))
                (instance $i (instantiate $outer (with "x" (func $f))))
                (alias export $i "w" (instance $w)) (alias export $w "z" (instance $z)) (alias export $z "out" (func $o))
                (export "g" (func $o))"#,
                "g <- f",
            ),
            (
                r#"(import "f" (func $f))
                (component $pass (import "in" (func $in)) (export "out" (func $in)))
                (component $gives (alias outer 1 $pass (component $p)) (export "c" (component $p)))
                (instance $g (instantiate $gives)) (alias export $g "c" (component $c))
                (instance $i (instantiate $c (with "in" (func $f))))
                (alias export $i "out" (func $o)) (export "g" (func $o))"#,
                "g <- f",
            ),
        ] {
            let found = reexports(&format!("(component {text})")).join(", ");
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_calls_an_import_and_what_names_a_type_is_no_reexport() {
        for text in [
            r#"(import "f" (func $f)) (core func $l (canon lower (func $f)))
            (func $own (canon lift (core func $l))) (export "g" (func $own))"#,
            r#"(import "a:b/c" (instance $i (export "r" (type (sub resource))))) (export "a:b/d" (instance $i))"#,
            r#"(component $c (core module $m (func (export "f"))) (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f"))) (export "f" (func $f)))
            (instance $i (instantiate $c)) (alias export $i "f" (func $f)) (export "g" (func $f))"#,
        ] {
            let found = reexports(&format!("(component {text})"));
            assert!(found.is_empty(), "{found:?}: {text}");
        }
    }

    /// Each component passes two instances of the one before it on, which makes 2^40 ways through all of them.
    #[test]
    fn what_branches_without_end_ends() {
        let mut text =
            r#"(component $c0 (import "f" (func $f)) (export "f" (func $f)))"#.to_string();
        for i in 1..40 {
            let before = i - 1;
            text += &format!(
                r#"(component $c{i} (import "f" (func $f))
                (alias outer 1 $c{before} (component $c))
                (instance $a (instantiate $c (with "f" (func $f)))) (alias export $a "f" (func $af))
                (instance $b (instantiate $c (with "f" (func $af)))) (alias export $b "f" (func $bf))
                (export "f" (func $bf)))"#
            );
        }
        text += r#"(import "f" (func $f)) (instance $i (instantiate $c39 (with "f" (func $f))))
            (alias export $i "f" (func $g)) (export "g" (func $g))"#;
        assert!(reexports(&format!("(component {text})")).is_empty());
    }
}
