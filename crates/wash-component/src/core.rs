//! Core modules: never run, but recognised well enough to say what to do with one.

use wasmparser::{Parser, Payload};

use super::Advice;

/// What a core module was built for. Reads sections until it knows; broken ones end the search.
pub(super) fn advice(bytes: &[u8]) -> Advice {
    let mut advice = Advice::Unknown;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ImportSection(section)) => {
                let mut imports = section.into_imports();
                if imports.any(|import| import.is_ok_and(|i| i.module == "wasi_snapshot_preview1"))
                {
                    return Advice::Preview1;
                }
            }
            Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type") => {
                advice = Advice::Embedded;
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    advice
}
