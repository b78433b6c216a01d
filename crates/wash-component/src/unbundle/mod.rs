//! Takes the core modules out of a component, for each to be compiled, and kept, on its own.
//!
//! An edit changes little of what is compiled: of a script that little is data, which is compiled in no time. So what takes
//! long to compile becomes an import of the component, without its data where that can be taken out.

mod data;
mod module_type;
mod skeleton;

use std::borrow::Cow;

use wasm_encoder::{ComponentSectionId, ModuleType, SectionId};
use wasmparser::{Parser, Validator, WasmFeatures};

use super::sections::{Section, sections};
use module_type::module_type;
use skeleton::Place;

/// A component without its large core modules.
pub struct Unbundled<'a> {
    /// The component. Imports `modules`.
    pub skeleton: Vec<u8>,
    pub modules: Vec<CodeModule<'a>>,
}

/// A core module that was taken out of a component.
pub struct CodeModule<'a> {
    /// The name that the skeleton imports it under.
    pub name: String,
    pub bytes: Cow<'a, [u8]>,
}

/// Takes the core modules with at least `min_code` bytes of code out of a component. `None` if there are none, or if the component
/// has something that is not known here, or is damaged.
pub fn unbundle(component: &[u8], min_code: usize) -> Option<Unbundled<'_>> {
    let mut all = Vec::new();
    core_modules(component, &mut all)?;
    // Whatever passes a core module around, or imports the memory of one under a narrower type, needs it whole.
    [Data::Apart, Data::Inside].into_iter().find_map(|data| {
        let unbundled = unbundle_all(component, &all, min_code, data)?;
        is_valid(&unbundled.skeleton).then_some(unbundled)
    })
}

/// How many bytes of code the largest core module of a component has.
pub fn largest_code(component: &[u8]) -> usize {
    let mut all = Vec::new();
    core_modules(component, &mut all);
    let sizes = all.into_iter().map(code_size);
    sizes.max().unwrap_or(0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Apart,
    Inside,
}

fn unbundle_all<'a>(
    component: &'a [u8],
    all: &[&'a [u8]],
    min_code: usize,
    data: Data,
) -> Option<Unbundled<'a>> {
    let mut imports = Imports::default();
    let places = all.iter().map(|module| match code_size(module) {
        size if size < min_code => Place::Inside,
        _ => imports.take(module, data),
    });
    let places: Vec<_> = places.collect();
    if imports.modules.is_empty() {
        return None;
    }
    let named = imports.modules.iter().map(|module| module.name.as_str());
    Some(Unbundled {
        skeleton: skeleton::without(component, &places, named.zip(&imports.types))?,
        modules: imports.modules,
    })
}

/// All core modules in a component, those of nested components among them, in the order in which they begin.
fn core_modules<'a>(component: &'a [u8], found: &mut Vec<&'a [u8]>) -> Option<()> {
    const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
    const COMPONENT: u8 = ComponentSectionId::Component as u8;
    for section in sections(component).ok()? {
        match section.id {
            CORE_MODULE => found.push(section.content),
            COMPONENT => core_modules(section.content, found)?,
            _ => {}
        }
    }
    Some(())
}

/// What was taken out.
#[derive(Default)]
struct Imports<'a> {
    modules: Vec<CodeModule<'a>>,
    types: Vec<ModuleType>,
}

impl<'a> Imports<'a> {
    /// Takes a core module, if it has a type.
    fn take(&mut self, module: &'a [u8], data: Data) -> Place {
        let (bytes, data) = match (data, data::split(module)) {
            (Data::Apart, Some(split)) => (Cow::Owned(split.code), Some(split.data)),
            _ => (Cow::Borrowed(module), None),
        };
        // Members of one kind often have modules in common.
        let known = self.modules.iter().position(|known| known.bytes == bytes);
        let import = match known {
            Some(known) => known,
            None => {
                let Some(ty) = module_type(&bytes) else {
                    return Place::Inside;
                };
                let import = self.modules.len();
                self.types.push(ty);
                self.modules.push(CodeModule {
                    name: format!("unbundled-module-{import}"),
                    bytes,
                });
                import
            }
        };
        Place::Imported {
            import: import as u32,
            data,
        }
    }
}

fn code_size(module: &[u8]) -> usize {
    let code = |section: &Section<'_>| section.id == u8::from(SectionId::Code);
    let sections = sections(module).unwrap_or_default();
    let code = sections.into_iter().find(code);
    code.map_or(0, |code| code.content.len())
}

/// Whether everything fits together. The functions of modules that are still inside are as valid as they were.
fn is_valid(skeleton: &[u8]) -> bool {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    Parser::new(0).parse_all(skeleton).all(|payload| {
        let valid = payload.and_then(|payload| validator.payload(&payload).map(drop));
        valid.is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN_CODE: usize = 1000;

    /// Fields of a core module that make its code large.
    fn large() -> String {
        format!("(func {})", "nop ".repeat(MIN_CODE))
    }

    /// What the placeholders in a text stand for.
    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text.replace("LARGE", &large())).unwrap()
    }

    /// The types of the sections of a core module.
    fn has_section(module: &[u8], id: SectionId) -> bool {
        let sections = sections(module).unwrap();
        sections.iter().any(|section| section.id == id as u8)
    }

    /// How many modules are taken out of a component, and how many of them have data inside.
    fn taken(text: &str) -> (usize, usize) {
        let component = component(text);
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&component)
            .unwrap();
        let Some(unbundled) = unbundle(&component, MIN_CODE) else {
            return (0, 0);
        };
        for module in &unbundled.modules {
            wasmparser::validate(&module.bytes).unwrap();
        }
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&unbundled.skeleton)
            .unwrap();
        let data = unbundled.modules.iter();
        let data = data.filter(|module| has_section(&module.bytes, SectionId::Data));
        (unbundled.modules.len(), data.count())
    }

    #[test]
    fn small_modules_stay() {
        let text = r#"(component (core module (func) (memory 1) (data (i32.const 0) "a")))"#;
        assert_eq!(taken(text), (0, 0));
        assert!(unbundle(b"hello", 0).is_none());
        assert_eq!(largest_code(b"hello"), 0);
        let nested = component("(component (core module (func)) (component (core module LARGE)))");
        assert!((MIN_CODE..MIN_CODE + 100).contains(&largest_code(&nested)));
    }

    #[test]
    fn code_stays_the_same_where_data_and_the_size_of_memory_change() {
        let [one, two] =
            [("1", "hello"), ("(export \"a\") 2 9", "hello, world")].map(|(memory, text)| {
                let memory = memory.trim_start_matches("(export \"a\") ");
                component(&format!(
                    r#"(component
                    (core module $m
                        (import "a" "b" (func))
                        LARGE
                        (memory (export "memory") {memory})
                        (data (i32.const 64) "{text}")
                        (func (export "run") (result i32) (i32.load (i32.const 64)))
                        (@custom "kept" "content"))
                    (core module $imports (func (export "b")))
                    (core instance $imports (instantiate $imports))
                    (core instance $m (instantiate $m (with "a" (instance $imports))))
                    (alias core export $m "memory" (core memory $memory))
                    (func (export "run") (result u32) (canon lift (core func $m "run"))))"#
                ))
            });
        let [one, two] = [&one, &two].map(|component| unbundle(component, MIN_CODE).unwrap());
        assert_eq!(one.modules[0].bytes, two.modules[0].bytes);
        assert_ne!(one.skeleton, two.skeleton);
    }

    #[test]
    fn equal_modules_are_imported_once_wherever_they_are() {
        let module = r#"(core module $m LARGE (memory (export "memory") 1) (data (i32.const 1) "a"))
            (core instance $i (instantiate $m))
            (core instance $again (instantiate $m))
            (alias core export $again "memory" (core memory $memory))"#;
        let text = format!(
            "(component {module} (component $a {module}) (component {module} (component {module}))
                (core module LARGE LARGE)
                (instance (instantiate $a)))"
        );
        assert_eq!(taken(&text), (2, 0));
    }

    #[test]
    fn modules_that_are_passed_around_are_whole() {
        let module =
            r#"(core module $m LARGE (memory (export "memory") 1) (data (i32.const 1) "a"))"#;
        for uses in [
            r#"(export "m" (core module $m))"#,
            r#"(component (alias outer 1 $m (core module $n)) (core instance (instantiate $n)))"#,
            r#"(instance (export "m" (core module $m)))"#,
        ] {
            let text = format!("(component {module} {uses} (core instance (instantiate $m)))");
            assert_eq!(taken(&text), (1, 1), "{uses}");
        }
    }

    #[test]
    fn a_memory_that_others_import_by_its_size_stays_with_its_data() {
        let text = r#"(component
            (core module $m LARGE (memory (export "memory") 2) (data (i32.const 1) "a"))
            (core module $n (import "m" "memory" (memory 2)))
            (core instance $m (instantiate $m))
            (core instance (instantiate $n (with "m" (instance $m)))))"#;
        assert_eq!(taken(text), (1, 1));
    }

    #[test]
    fn data_whose_place_or_use_is_not_certain_stays() {
        for (fields, why) in [
            (r#"(memory 1) (data "a")"#, "passive"),
            (
                r#"(memory 1) (data (i32.const 0) "a") (func (data.drop 0))"#,
                "named by an instruction",
            ),
            (
                r#"(import "a" "g" (global i32)) (memory 1) (data (global.get 0) "a")"#,
                "the place is known when it runs",
            ),
            (r#"(memory 1) (data (i32.const 65536) "a")"#, "traps"),
            (
                r#"(memory 1) (data (i32.const 65537) "")"#,
                "traps, though empty",
            ),
            (
                r#"(memory 1) (data (i32.const -1) "a")"#,
                "traps, as it has no sign",
            ),
            (
                r#"(import "a" "m" (memory 1)) (data (i32.const 0) "a")"#,
                "imported memory",
            ),
            (
                r#"(memory 1) (memory 1) (data (i32.const 0) "a")"#,
                "two memories",
            ),
            (
                r#"(import "unbundled-data" "a" (func)) (memory 1) (data (i32.const 0) "a")"#,
                "the name is in use",
            ),
        ] {
            let text = format!("(component (core module {fields} LARGE))");
            assert_eq!(taken(&text), (1, 1), "{why}");
        }
        for fields in [
            r#"(memory 1) (data (i32.const 65535) "a")"#,
            r#"(memory 1 1) (data (i32.const 0) "a") (func $s) (start $s)"#,
            r#"(memory i64 1) (data (i64.const 0) "a") (func (drop (i32.const -1000)))"#,
        ] {
            let text = format!("(component (core module {fields} LARGE))");
            assert_eq!(taken(&text), (1, 0), "{fields}");
        }
    }

    #[test]
    fn modules_without_a_type_in_the_component_model_stay() {
        for fields in [
            r#"(tag (export "t"))"#,
            r#"(type $s (struct)) (func (export "f") (param (ref $s)))"#,
            r#"(rec (type $f (func)) (type (func))) (func (export "f") (type $f))"#,
        ] {
            let text = format!("(component (core module {fields} LARGE))");
            assert_eq!(taken(&text), (0, 0), "{fields}");
        }
    }

    #[test]
    fn what_is_not_known_here_stays_as_it_is() {
        let text = "(component (core type (module)) (core module LARGE))";
        assert_eq!(taken(text), (0, 0));
    }

    #[test]
    fn indices_of_instances_and_modules_are_followed() {
        let text = r#"(component
            (core module $small (func (export "f") (result i32) (i32.const 1)))
            (core module $m
                (import "x" "f" (func (result i32)))
                LARGE
                (memory (export "memory") 1) (data (i32.const 1) "a")
                (table (export "table") 1 funcref)
                (global (export "global") (mut i32) (i32.const 0))
                (func (export "f") (result i32) (call 0)))
            (core instance $a (instantiate $small))
            (core instance $b (instantiate $m (with "x" (instance $a))))
            (core instance $c (export "f" (func $b "f")))
            (core instance $d (instantiate $m (with "x" (instance $c))))
            (core module $last (func (export "f") (result i32) (i32.const 2)))
            (core instance $e (instantiate $last))
            (component $inner
                (core module $own (func (export "f") (result i32) (i32.const 3)))
                (alias outer 1 $small (core module $small))
                (core module $large LARGE (func (export "f") (result i32) (i32.const 4)))
                (core instance (instantiate $small))
                (core instance $i (instantiate $large))
                (core instance (instantiate $own))
                (func (export "f") (result u32) (canon lift (core func $i "f"))))
            (instance $inner (instantiate $inner))
            (func (export "f") (result u32) (canon lift (core func $d "f")))
            (func (export "g") (result u32) (canon lift (core func $e "f")))
            (export "inner" (instance $inner)))"#;
        assert_eq!(taken(text), (2, 0));
    }
}
