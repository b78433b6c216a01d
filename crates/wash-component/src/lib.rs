//! Bytes in, a [`Shape`] out: what a component imports and exports, and what kind of file it is.
//!
//! Pure: knows nothing of files, config, wasmtime or who will provide an import.

// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]

pub mod call;
pub mod host_interface;
pub mod stub;

mod code;
mod core;
mod describe;
mod features;
mod labels;
mod memory;
mod name;
mod provenance;
mod read;
mod reexports;
mod sections;
mod types;
mod unbundle;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use wasm_metadata::Producers;

use features::CodeError;
use wash_common::contain::{LibraryPanic, contain};

pub use code::CodeSize;
pub use describe::Names;
pub use features::Unsupported;
pub use features::supported;
pub use labels::{member_of_module, with_member_labels};
pub use memory::{MemoryLimitError, with_memory_limit};
pub use name::{InterfaceName, NotAnInterface, track};
pub use reexports::{Place, Reexport};
pub use types::{Func, Instance, Item, Origin, Resource, ResourceId, Type, TypeId, Types};
pub use unbundle::{CodeModule, Unbundled, largest_code, unbundle};

/// What a file of WebAssembly turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Component,
    CoreModule,
    WitPackage,
}

/// What a component imports and exports, with all types.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// By the name in the component, in its order.
    pub imports: IndexMap<String, Extern>,
    /// By the name in the component, in its order.
    pub exports: IndexMap<String, Extern>,
    /// What the types in `imports` and `exports` are.
    pub types: Types,
    pub about: About,
    /// Whether it contains anything of the component model's async: such functions, streams, futures.
    pub needs_async: bool,
    /// What of it does not run here, if something does not.
    pub unsupported: Option<Unsupported>,
    /// The functions that it exports as it imports them.
    pub reexports: Vec<Reexport>,
}

/// An import or an export of a component.
#[derive(Debug, Clone)]
pub struct Extern {
    /// The interface it is, by its name or by its `implements`; `None` for functions and the like.
    pub interface: Option<InterfaceName>,
    pub item: Item,
}

impl Extern {
    /// Whether its name is a label of the interface, chosen by the component, and not the name of the interface.
    pub fn is_label(&self, name: &str) -> bool {
        self.interface.is_some() && !name.contains('/')
    }
}

/// What the metadata of a component tells of its making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub name: Option<String>,
    /// `Rust`, `C11`, `JavaScript`, ...
    pub languages: BTreeSet<String>,
    /// Name and version: `rustc 1.95.0`.
    pub tools: BTreeSet<String>,
    /// How many core modules it contains.
    pub core_modules: usize,
    /// Which parts of the guest brought an import in, by its name: ``its crate `wasip2` ``.
    pub brought: BTreeMap<String, BTreeSet<String>>,
}

impl About {
    fn merge(&mut self, producers: &Producers) {
        for (field, values) in producers.iter() {
            for (name, version) in values.iter() {
                match field.as_str() {
                    "language" => self.languages.insert(name.clone()),
                    _ => self
                        .tools
                        .insert(format!("{name} {version}").trim_end().to_string()),
                };
            }
        }
    }
}

/// A function in a component that does not run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}cannot run: {unsupported}", .member.as_ref().map_or("the component ".to_owned(), |member| format!("component `{member}` ")))]
pub struct UnsupportedCode {
    /// The member it belongs to, if the component is composed.
    pub member: Option<String>,
    pub unsupported: Unsupported,
}

/// What keeps a component from being compiled, if that is something in the body of a function that does not run here.
pub fn unsupported_code(component: &[u8]) -> Option<UnsupportedCode> {
    match features::check_code(component) {
        Err(CodeError::Unsupported {
            unsupported,
            offset,
        }) => Some(UnsupportedCode {
            member: labels::member_at(component, offset),
            unsupported,
        }),
        Ok(()) | Err(CodeError::Invalid { .. }) => None,
    }
}

/// Why bytes have no shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("this is a core module, not a component")]
    CoreModule(Advice),
    #[error("this is a WIT package, not a component")]
    WitPackage,
    #[error("this is not WebAssembly: {found}")]
    NotWasm { found: &'static str },
    #[error("this component is not valid: {reason} (at byte {offset})")]
    Invalid { reason: String, offset: usize },
    #[error("this core module is not valid: {reason} (at byte {offset})")]
    BrokenModule { reason: String, offset: usize },
    /// It may be valid, and no engine with this library runs it.
    #[error(transparent)]
    Library(#[from] LibraryPanic),
}

/// What a core module was built for, and so what to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// It imports preview 1: an adapter makes it a component.
    Preview1,
    /// It has no WASI, and a component's type embedded: `wasm-tools component new` makes it a component.
    Embedded,
    /// It was built for wasm32-unknown-unknown, or for another kind of host altogether.
    Unknown,
}

impl ShapeError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            ShapeError::CoreModule(Advice::Preview1) => {
                "build for `wasm32-wasip2`, or wrap it: `wasm-tools component new --adapt wasi_snapshot_preview1=ADAPTER`"
            }
            ShapeError::CoreModule(Advice::Embedded) => {
                "wrap it: `wasm-tools component new MODULE.wasm -o COMPONENT.wasm`"
            }
            ShapeError::CoreModule(Advice::Unknown) => {
                "was it built for `wasm32-unknown-unknown`? build for `wasm32-wasip2` instead"
            }
            ShapeError::WitPackage => {
                "it only describes interfaces; build a component that implements them"
            }
            ShapeError::NotWasm { .. } => {
                "a component begins with the bytes `00 61 73 6d 0d 00 01 00`"
            }
            ShapeError::Library(_) => {
                "the library has a fault that this component meets: report it with the component"
            }
            ShapeError::Invalid { .. } | ShapeError::BrokenModule { .. } => {
                "build it again; `wasm-tools validate FILE` tells more"
            }
        }
    }
}

impl Shape {
    /// Reads the shape of a component. Bounded in time and memory by the size of `bytes`, whatever they are.
    pub fn parse(bytes: &[u8]) -> Result<Self, ShapeError> {
        match kind(bytes)? {
            Kind::Component => {}
            Kind::CoreModule => return Err(ShapeError::CoreModule(core::advice(bytes))),
            Kind::WitPackage => return Err(ShapeError::WitPackage),
        }
        let shape = contain("wasmparser", || read::read(bytes))??;
        if shape.is_wit_package() {
            Err(ShapeError::WitPackage)
        } else {
            Ok(shape)
        }
    }

    /// Looks for what does not run in the bodies of functions, too, in the same bytes. That takes ten times as long as
    /// reading the shape, so it is for what is not compiled here.
    ///
    /// # Errors
    ///
    /// When a body is not valid.
    pub fn check_code(&mut self, bytes: &[u8]) -> Result<(), ShapeError> {
        if self.unsupported.is_some() {
            return Ok(());
        }
        match features::check_code(bytes) {
            Ok(()) => Ok(()),
            Err(CodeError::Unsupported { unsupported, .. }) => {
                self.unsupported = Some(unsupported);
                Ok(())
            }
            Err(CodeError::Invalid { reason, offset }) => {
                Err(ShapeError::Invalid { reason, offset })
            }
        }
    }

    /// The interfaces of a WIT package in its binary form, as if a component exported them.
    pub fn of_package(bytes: &[u8]) -> Result<Self, ShapeError> {
        read::package(bytes)
    }

    /// The exports that answer HTTP requests: `wasi:http/incoming-handler@0.2.x` and `wasi:http/handler@0.3.x`.
    pub fn http_exports(&self) -> impl Iterator<Item = (&str, &InterfaceName)> {
        interfaces(&self.exports).filter(|(_, interface)| is_http_handler(interface))
    }

    /// The name of the exported `wasi:cli/run@0.2.x` or `@0.3.x`, the newest if there are several.
    pub fn exports_run(&self) -> Option<&str> {
        interfaces(&self.exports)
            .filter(|(_, interface)| is_run(interface))
            .max_by(|(_, a), (_, b)| a.version.cmp(&b.version))
            .map(|(name, _)| name)
    }

    /// The name of the export that answers HTTP requests, the newest if there are several.
    pub fn exports_http(&self) -> Option<&str> {
        self.http_exports()
            .max_by(|(_, a), (_, b)| a.version.cmp(&b.version))
            .map(|(name, _)| name)
    }

    /// The name of the exported `wasmcloud:messaging/handler@0.2.x`, the newest if there are several.
    pub fn exports_messages(&self) -> Option<&str> {
        interfaces(&self.exports)
            .filter(|(_, interface)| is_message_handler(interface))
            .max_by(|(_, a), (_, b)| a.version.cmp(&b.version))
            .map(|(name, _)| name)
    }

    /// Whether it can only run where WASI 0.3 and the component model's async are switched on. That is also so where it
    /// uses nothing but synchronous functions of WASI 0.3, because the host serves that as a whole.
    pub fn uses_wasi_p3(&self) -> bool {
        self.needs_async
            || interfaces(&self.imports)
                .chain(interfaces(&self.exports))
                .any(|(_, interface)| interface.is_wasi_p3())
    }

    fn is_wit_package(&self) -> bool {
        let describes =
            |e: &Extern| matches!(e.item, Item::Other("component type" | "interface type"));
        self.imports.is_empty() && !self.exports.is_empty() && self.exports.values().all(describes)
    }
}

/// Whether the interface is one through which the host hands over HTTP requests.
pub fn is_http_handler(interface: &InterfaceName) -> bool {
    interface.package == "wasi:http"
        && matches!(
            (interface.interface.as_str(), release(interface)),
            ("incoming-handler", Some((0, 2))) | ("handler", Some((0, 3)))
        )
}

/// Whether the interface is the one through which the host runs a service, or a command.
fn is_run(interface: &InterfaceName) -> bool {
    interface.path() == "wasi:cli/run" && matches!(release(interface), Some((0, 2 | 3)))
}

/// Major and minor version, of what is no pre-release.
fn release(interface: &InterfaceName) -> Option<(u64, u64)> {
    let version = interface.version.as_ref()?;
    version
        .pre
        .is_empty()
        .then_some((version.major, version.minor))
}

/// Whether the interface is the one through which the host hands over messages.
pub fn is_message_handler(interface: &InterfaceName) -> bool {
    interface.path() == "wasmcloud:messaging/handler" && release(interface) == Some((0, 2))
}

fn interfaces(externs: &IndexMap<String, Extern>) -> impl Iterator<Item = (&str, &InterfaceName)> {
    externs
        .iter()
        .filter_map(|(name, e)| Some((name.as_str(), e.interface.as_ref()?)))
}

/// Tells a component, a core module and everything else apart by the first bytes. A WIT package in binary form looks
/// like a component here; [`Shape::parse`] knows better.
pub fn kind(bytes: &[u8]) -> Result<Kind, ShapeError> {
    if wasmparser::Parser::is_component(bytes) {
        return Ok(Kind::Component);
    }
    if wasmparser::Parser::is_core_wasm(bytes) {
        return Ok(Kind::CoreModule);
    }
    let text = bytes
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .map_or(&[][..], |start| &bytes[start..]);
    let found = match text {
        [] => "the file is empty",
        [0, b'a', b's', b'm', ..] => "it has the header of a version that does not exist",
        [0x1f, 0x8b, ..] => "it is compressed with gzip",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive",
        [0x7f, b'E', b'L', b'F', ..] => "it is an ELF program",
        _ if text.starts_with(b"(component") || text.starts_with(b"(module") => {
            "it is the text format, WAT"
        }
        _ if text.starts_with(b"package ") => "it is the text of a WIT package",
        _ => "it does not begin with `\\0asm`",
    };
    Err(ShapeError::NotWasm { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(wat: &str) -> Result<Shape, ShapeError> {
        Shape::parse(&wat::parse_str(wat).unwrap())
    }

    #[test]
    fn a_component_has_a_shape() {
        let shape = parse(
            r#"(component $tool
                (import "wasi:cli/environment@0.2.3" (instance (export "get" (func (result string)))))
                (import "plain" (func (param "n" u32)))
                (import "hot" (implements "wasi:keyvalue/store@0.2.0-draft") (instance))
                (export "again" (func 0))
            )"#,
        )
        .unwrap();
        assert_eq!(shape.about.name.as_deref(), Some("tool"));
        let interfaces: Vec<_> = shape
            .imports
            .values()
            .map(|e| e.interface.as_ref().map(ToString::to_string))
            .collect();
        let expected = [
            Some("wasi:cli/environment@0.2.3"),
            None,
            Some("wasi:keyvalue/store@0.2.0-draft"),
        ];
        assert_eq!(interfaces, expected.map(|name| name.map(str::to_string)));
        assert_eq!(shape.exports.keys().collect::<Vec<_>>(), ["again"]);
        assert!(!shape.uses_wasi_p3());
    }

    #[test]
    fn who_brought_an_import_in_is_seen() {
        let shape = parse(
            r#"(component
                (import "my:app/a" (instance $a (export "f" (func))))
                (core func $f (canon lower (func $a "f")))
                (core instance $f (export "f" (func $f)))
                (core module $m
                    (import "my:app/a" "f" (func $_ZN5mykit1a1f11wit_import017h19ddc891973db3f5E))
                    (import "elsewhere" "g" (func $_ZN5other1gE)))
                (core module $n (@name "wit-component:adapter:wasi_snapshot_preview1")
                    (import "my:app/a" "f" (func)))
            )"#,
        )
        .unwrap();
        let brought: Vec<_> = shape.about.brought["my:app/a"].iter().collect();
        assert_eq!(brought, ["its crate `mykit`", "the preview 1 adapter"]);
        assert_eq!(shape.about.brought.len(), 1);
    }

    #[test]
    fn what_needs_async_is_seen() {
        for (wat, expected) in [
            (r#"(component (import "f" (func async)))"#, true),
            (r#"(component (type (stream u8)))"#, true),
            (r#"(component (component (type (future))))"#, true),
            (
                r#"(component (import "wasi:random/random@0.3.0" (instance (export "get" (func (result u64))))))"#,
                true,
            ),
            (
                r#"(component (import "wasi:random/random@0.2.3" (instance (export "get" (func (result u64))))))"#,
                false,
            ),
            (
                r#"(component (import "my:random/random@0.3.0" (instance (export "get" (func (result u64))))))"#,
                false,
            ),
        ] {
            assert_eq!(parse(wat).unwrap().uses_wasi_p3(), expected, "{wat}");
        }
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        let embedded = r#"(module (@custom "component-type:app" "") (import "a:b/c" "d" (func)))"#;
        for (wat, expected) in [
            ("(module)", ShapeError::CoreModule(Advice::Unknown)),
            (
                r#"(module (import "env" "f" (func)))"#,
                ShapeError::CoreModule(Advice::Unknown),
            ),
            (embedded, ShapeError::CoreModule(Advice::Embedded)),
            (
                r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#,
                ShapeError::CoreModule(Advice::Preview1),
            ),
            (
                r#"(component (type (component)) (export "a:b/world" (type 0)))"#,
                ShapeError::WitPackage,
            ),
        ] {
            assert_eq!(parse(wat).err(), Some(expected), "{wat}");
        }
        for (bytes, expected) in [
            (&b""[..], "the file is empty"),
            (b"\n(component)", "it is the text format, WAT"),
            (b"\x7fELF\x02", "it is an ELF program"),
            (
                b"\0asm\x05\0\0\0",
                "it has the header of a version that does not exist",
            ),
        ] {
            assert_eq!(
                Shape::parse(bytes).err(),
                Some(ShapeError::NotWasm { found: expected })
            );
        }
    }

    #[test]
    fn a_version_in_two_parts_is_read_as_one() {
        let shape = Shape::parse(
            &wat::parse_str(
                r#"(component (import "my:app/a@1" (versionsuffix ".2.0") (instance)))"#,
            )
            .unwrap(),
        )
        .unwrap();
        let import = &shape.imports["my:app/a@1"];
        assert_eq!(import.interface, "my:app/a@1.2.0".parse().ok());
        assert!(!import.is_label("my:app/a@1"));
    }

    #[test]
    fn a_component_cut_short_is_an_error_wherever_it_ends() {
        let whole = wat::parse_str(
            r#"(component
                (import "a:b/c@1.0.0" (instance (export "r" (type (sub resource))) (export "f" (func (param "x" (list string))))))
                (component (type (record (field "x" u8))))
                (core module (func))
            )"#,
        )
        .unwrap();
        assert!(Shape::parse(&whole).is_ok());
        // A cut between two sections leaves a component that is whole.
        let broken = (1..whole.len())
            .filter(|end| Shape::parse(&whole[..*end]).is_err())
            .count();
        assert!(broken > whole.len() / 2, "{broken} of {}", whole.len());
    }
}
