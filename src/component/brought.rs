//! Which library of a guest brought an import in, as far as the names of its functions tell.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{ImportSectionReader, KnownCustom, Name, NameSectionReader, Payload, TypeRef};

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
                        if let Some((import, library)) = import.zip(library(naming.name)) {
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

/// The library that a function belongs to: for Rust, the crate of the bindings.
fn library(function: &str) -> Option<String> {
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
            ("wasi:io/streams@0.2.0", None),
            ("", None),
        ] {
            assert_eq!(library(function).as_deref(), expected, "{function}");
        }
    }
}
