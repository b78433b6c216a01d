//! Which proposals of WebAssembly and the component model run here: the one list that the linker and the engine go by.

use std::fmt;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, Parser, Payload,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// What the component model's async is made of, as far as it runs.
const ASYNC: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_ERROR_CONTEXT);

/// What runs without the component model's async.
/// Threads are missing: nobody would count what shared memories take.
const SYNC: WasmFeatures = WasmFeatures::WASM3
    .difference(WasmFeatures::THREADS)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_MAP)
    .union(WasmFeatures::CM_FIXED_LENGTH_LISTS)
    .union(WasmFeatures::CM_IMPLEMENTS);

/// The proposals that the engine runs.
pub const fn supported(with_async: bool) -> WasmFeatures {
    match with_async {
        true => SYNC.union(ASYNC),
        false => SYNC,
    }
}

/// A proposal that the engine does not run, and the place in a component that needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsupported {
    /// What the proposal is, as it stands in a sentence: `threads of the component model`.
    pub feature: String,
    /// ``its import `a:b/c` ``
    pub place: String,
}

impl Unsupported {
    /// What to do about it.
    pub const HINT: &str = "build it without that; `wash` supports what wasmtime 48 supports";
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feature, place } = self;
        write!(f, "{place} needs {feature}, which `wash` does not support")
    }
}

/// What in a component that is valid with every proposal the engine does not run. Looks at types, imports and exports,
/// not at the bodies of functions: see [`check_code`].
pub(super) fn unsupported(bytes: &[u8]) -> Option<Unsupported> {
    let mut validator = Validator::new_with_features(supported(true));
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.ok()?;
        match validator.payload(&payload) {
            Ok(ValidPayload::End(_) | ValidPayload::Ok | ValidPayload::Parser(_)) => {}
            Ok(ValidPayload::Func(..)) => {}
            Err(error) => {
                return Some(Unsupported {
                    feature: feature(&error),
                    place: place(&payload, &error),
                });
            }
        }
    }
    None
}

/// Why the body of a function does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodeError {
    Unsupported {
        unsupported: Unsupported,
        offset: usize,
    },
    Invalid {
        reason: String,
        offset: usize,
    },
}

/// Looks at the bodies of all functions of a component in which everything else runs. Takes about 15 ms of CPU for each MB
/// of code.
pub(super) fn check_code(bytes: &[u8]) -> Result<(), CodeError> {
    let invalid = |error: BinaryReaderError| CodeError::Invalid {
        reason: error.message().to_owned(),
        offset: error.offset(),
    };
    let mut validator = Validator::new_with_features(supported(true));
    let mut functions = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        let validated = validator.payload(&payload).map_err(invalid)?;
        if let ValidPayload::Func(function, body) = validated {
            functions.push((function, body));
        }
    }
    let error = functions.into_par_iter().map_init(
        FuncValidatorAllocations::default,
        |allocations, (function, body)| function_error(function, &body, allocations),
    );
    match error.find_first(Option::is_some).flatten() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn function_error(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: &mut FuncValidatorAllocations,
) -> Option<CodeError> {
    let (resources, index, ty) = (function.resources.clone(), function.index, function.ty);
    let mut validator = function.into_validator(std::mem::take(allocations));
    let error = validator.validate(body).err();
    *allocations = validator.into_allocations();
    let error = error?;
    let with_all = FuncToValidate {
        resources,
        index,
        ty,
        features: WasmFeatures::all(),
    };
    let with_all = with_all.into_validator(FuncValidatorAllocations::default());
    Some(match { with_all }.validate(body) {
        Ok(()) => CodeError::Unsupported {
            unsupported: Unsupported {
                feature: feature(&error),
                place: "one of its core modules".to_owned(),
            },
            offset: error.offset(),
        },
        Err(error) => CodeError::Invalid {
            reason: error.message().to_owned(),
            offset: error.offset(),
        },
    })
}

fn feature(error: &BinaryReaderError) -> String {
    let missing = error
        .missing_wasm_feature()
        .unwrap_or(WasmFeatures::empty());
    let known = [
        (WasmFeatures::CM_THREADING, "threads of the component model"),
        (
            WasmFeatures::THREADS,
            "the proposal `threads` (shared memories, atomic instructions)",
        ),
        (
            WasmFeatures::SHARED_EVERYTHING_THREADS,
            "the proposal `shared-everything-threads`",
        ),
        (
            WasmFeatures::CM_GC,
            "garbage collection at the component's boundary",
        ),
        (WasmFeatures::CM_VALUES, "values as imports and exports"),
        (WasmFeatures::CM_NESTED_NAMES, "nested package names"),
        (WasmFeatures::CM_CANON_NAMES, "canonical interface names"),
        (
            WasmFeatures::CM64,
            "64-bit memories at the component's boundary",
        ),
        (
            WasmFeatures::STACK_SWITCHING,
            "the proposal `stack-switching`",
        ),
        (
            WasmFeatures::LEGACY_EXCEPTIONS,
            "the old form of the proposal `exception-handling`",
        ),
        (
            WasmFeatures::MEMORY_CONTROL,
            "the proposal `memory-control`",
        ),
        (
            WasmFeatures::CUSTOM_DESCRIPTORS,
            "the proposal `custom-descriptors`",
        ),
        (
            WasmFeatures::COMPACT_IMPORTS,
            "the proposal `compact-imports`",
        ),
    ];
    let known = known.iter().find(|(flag, _)| missing.intersects(*flag));
    known.map_or_else(
        || {
            let message = error.message().lines().next().unwrap_or_default();
            format!("a proposal of WebAssembly ({message})")
        },
        |(_, name)| (*name).to_owned(),
    )
}

/// What was being read when the validator objected.
fn place(payload: &Payload<'_>, error: &BinaryReaderError) -> String {
    // Of several in one section it is the last that begins before the error.
    let named = |kind: &str, names: Vec<(usize, String)>| {
        let last = names
            .into_iter()
            .rfind(|(offset, _)| *offset <= error.offset());
        last.map_or_else(
            || format!("one of its {kind}s"),
            |(_, name)| format!("its {kind} `{name}`"),
        )
    };
    match payload {
        Payload::ComponentImportSection(section) => {
            let imports = section.clone().into_iter_with_offsets().flatten();
            let imports = imports.map(|(offset, import)| (offset, import.name.name.to_owned()));
            named("import", imports.collect())
        }
        Payload::ComponentExportSection(section) => {
            let exports = section.clone().into_iter_with_offsets().flatten();
            let exports = exports.map(|(offset, export)| (offset, export.name.name.to_owned()));
            named("export", exports.collect())
        }
        Payload::ComponentTypeSection(_) | Payload::CoreTypeSection(_) => {
            "one of its types".to_owned()
        }
        Payload::ComponentCanonicalSection(_) => "one of its functions".to_owned(),
        Payload::ComponentStartSection { .. } => "its start function".to_owned(),
        _ => "one of its core modules".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let bytes = wat::parse_str(text).unwrap();
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&bytes)
            .unwrap();
        unsupported(&bytes).map(|unsupported| unsupported.to_string())
    }

    #[test]
    fn what_runs_is_not_complained_about() {
        for text in [
            r#"(component (type (map string u32)))"#,
            r#"(component (type (list u8 4)))"#,
            r#"(component (import "f" (func async (result error-context))))"#,
            r#"(component (core module (func (param i64 i64 i64 i64) (result i64 i64)
                (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))))"#,
            r#"(component (import "x" (implements "a:b/c") (instance)))"#,
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not_run_is_named_with_its_place() {
        let of_functions = found(r#"(component (core func (canon thread.yield-then-resume)))"#);
        let expected = "one of its functions needs threads of the component model, which `wash` does not support";
        assert_eq!(of_functions.as_deref(), Some(expected));
        let found = found(r#"(component (core module (memory 1 1 shared)))"#);
        let expected = "one of its core modules needs the proposal `threads` (shared memories, atomic instructions), which `wash` does not support";
        assert_eq!(found.as_deref(), Some(expected));
    }

    fn code(module: &str) -> Result<(), CodeError> {
        let bytes = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        assert_eq!(unsupported(&bytes), None);
        check_code(&bytes)
    }

    #[test]
    fn proposals_in_the_bodies_of_functions_are_found() {
        assert_eq!(code("(func (drop (ref.null any)))"), Ok(()));
        for (body, expected) in [
            (
                "(func try catch_all end)",
                "the old form of the proposal `exception-handling`",
            ),
            (
                "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
                "the proposal `threads` (shared memories, atomic instructions)",
            ),
            (
                "(func atomic.fence)",
                "the proposal `threads` (shared memories, atomic instructions)",
            ),
        ] {
            let found = match code(body) {
                Err(CodeError::Unsupported { unsupported, .. }) => unsupported.feature,
                other => panic!("{body}: {other:?}"),
            };
            assert_eq!(found, expected, "{body}");
        }
    }

    #[test]
    fn code_that_is_not_valid_is_told_from_code_that_does_not_run() {
        let found = code("(func (result i32))");
        assert!(matches!(found, Err(CodeError::Invalid { .. })), "{found:?}");
    }
}
