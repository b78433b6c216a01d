//! Which library of a guest brought an import in, as far as the names of its functions tell.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{ImportSectionReader, KnownCustom, Name, NameSectionReader, Payload, TypeRef};

use super::InterfaceName;

/// By the name of an import, what brought it in: ``its crate `wasip2` ``.
pub(super) type Brought = BTreeMap<String, BTreeSet<String>>;

/// The adapter that makes a component of a module built for preview 1.
const ADAPTER: &str = "wit-component:adapter:wasi_snapshot_preview1";

/// The core module being read.
#[derive(Default)]
pub(super) struct Imports<'a> {
    /// The module of each imported function: the name of an interface.
    functions: Vec<&'a str>,
}

impl<'a> Imports<'a> {
    /// Takes note of a part of a core module. What does not make sense tells nothing.
    pub(super) fn read(&mut self, payload: &Payload<'a>, brought: &mut Brought) {
        match payload {
            Payload::Version { .. } => self.functions.clear(),
            Payload::ImportSection(section) => self.imports(section),
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(names) = custom.as_known() {
                    self.names(names, brought);
                }
            }
            _ => {}
        }
    }

    fn imports(&mut self, section: &ImportSectionReader<'a>) {
        for import in section.clone().into_imports().map_while(Result::ok) {
            if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                self.functions.push(import.module);
            }
        }
    }

    fn names(&self, names: NameSectionReader<'a>, brought: &mut Brought) {
        for name in names.map_while(Result::ok) {
            match name {
                Name::Module { name: ADAPTER, .. } => {
                    for import in &self.functions {
                        note(brought, import, "the preview 1 adapter".to_string());
                    }
                }
                // Imported functions come first, and names come in order.
                Name::Function(names) => {
                    let named = names.into_iter().map_while(Result::ok);
                    for naming in named.take(self.functions.len()) {
                        let import = self.functions.get(naming.index as usize);
                        let Some(import) = import else { continue };
                        if let Some(library) = library(import, naming.name) {
                            note(brought, import, library);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn note(brought: &mut Brought, import: &str, by: String) {
    let known = match brought.get_mut(import) {
        Some(known) => known,
        None => brought.entry(import.to_string()).or_default(),
    };
    known.insert(by);
}

/// Tells what brought the imports of a component in. Its core modules may import them by a lower version, which whoever made
/// the component of them took for the same.
pub(super) fn by_import(brought: &Brought, imports: &[String]) -> Brought {
    let mut by_import = Brought::new();
    for import in imports {
        let interface: Option<InterfaceName> = import.parse().ok();
        let is_meant = |name: &str| {
            let compatible = |interface: &InterfaceName| {
                let name: Result<InterfaceName, _> = name.parse();
                name.is_ok_and(|name| name.compatible(interface))
            };
            name == import || interface.as_ref().is_some_and(compatible)
        };
        let by = brought.iter().filter(|(name, _)| is_meant(name));
        let by: BTreeSet<String> = by.flat_map(|(_, by)| by).cloned().collect();
        if !by.is_empty() {
            by_import.insert(import.clone(), by);
        }
    }
    by_import
}

/// What the names of imported functions begin with in the bindings that are made for C.
const C_BINDINGS: &str = "__wasm_import_";

/// The library that an imported function belongs to: for Rust, the crate of the bindings.
fn library(import: &str, function: &str) -> Option<String> {
    if function.starts_with(C_BINDINGS) {
        let library = match import.starts_with("wasi:") {
            true => "its C library, `wasi-libc`",
            false => "its bindings for C",
        };
        return Some(library.to_string());
    }
    let path = rustc_demangle::try_demangle(function).ok()?.to_string();
    let name: String = path
        .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    Some(format!("its crate `{name}`")).filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_the_first_part_of_a_path() {
        for (function, expected) in [
            (
                "_ZN6wasip25proxy4wasi4http5types6Fields3new11wit_import017h19ddc891973db3f5E",
                Some("its crate `wasip2`"),
            ),
            (
                "_ZN103_$LT$wasip2..imports..wasi..io..streams..OutputStream$u20$as$u20$wasip2..imports.._rt..WasmResource$GT$4drop4drop17h0123456789abcdefE",
                Some("its crate `wasip2`"),
            ),
            (
                "_RNvNvNtNtNtNtCskp7mYM8O6Yn_4wasi7imports4wasi3cli11environment13get_arguments11wit_import1",
                Some("its crate `wasi`"),
            ),
            (
                "__wasm_import_stdout_get_stdout",
                Some("its C library, `wasi-libc`"),
            ),
            ("wasi:io/streams@0.2.0", None),
            ("", None),
        ] {
            let library = library("wasi:io/streams@0.2.0", function);
            assert_eq!(library.as_deref(), expected, "{function}");
        }
        let own = library("my:app/store", "__wasm_import_my_app_store_get");
        assert_eq!(own.as_deref(), Some("its bindings for C"));
    }

    #[test]
    fn a_lower_version_of_a_track_is_the_same_import() {
        let by = |library: &str| BTreeSet::from([library.to_string()]);
        let brought = Brought::from([
            ("wasi:cli/stdout@0.2.0".to_string(), by("libc")),
            ("wasi:cli/stdout@0.2.4".to_string(), by("std")),
            ("wasi:cli/stdout@0.3.0".to_string(), by("another")),
            ("plain".to_string(), by("plain")),
        ]);
        let imports = ["wasi:cli/stdout@0.2.6", "plain", "wasi:cli/stdin@0.2.6"];
        let by_import = by_import(&brought, &imports.map(str::to_string));
        let both = BTreeSet::from(["libc".to_string(), "std".to_string()]);
        let expected = [(imports[0], both), (imports[1], by("plain"))];
        assert_eq!(
            by_import,
            expected.map(|(name, by)| (name.to_string(), by)).into()
        );
    }
}
