//! Functions for imports that nobody provides: they trap, and say what was missing.
//!
//! A trap carries no message, but every runtime shows the names of the functions on the stack: the message is the name
//! of the function that traps.

use wash_component::stub::{MARK, MODULE};
use wash_component::{Extern, Func};
use wasm_encoder::{
    CanonicalOption, CodeSection, ExportKind, ExportSection, Function, FunctionSection,
    MemorySection, MemoryType, Module, NameMap, NameSection, TypeSection, ValType,
};

use super::canonical_abi::Flattener;
use super::facade::Facade;
use super::{Edge, Reason};

/// The name of a function that is imported without an interface.
pub(super) const FUNCTION: &str = "f";
const MEMORY: &str = "memory";

/// The name of the core function that stands for one of an import.
pub(super) fn message(edge: &Edge, caller: &str, external: &Extern, function: &str) -> String {
    let why = match edge.reason {
        Reason::Wired => "which the config wires to a stub",
        _ => "which has no provider",
    };
    let what = match &external.interface {
        Some(interface) if interface.to_string() == edge.import => {
            format!("`{}` of `{interface}`", plain(function))
        }
        Some(interface) => {
            let function = plain(function);
            format!("`{function}` of `{}` (`{interface}`)", edge.import)
        }
        None => format!("`{}`", plain(&edge.import)),
    };
    format!("{MARK}`{caller}` called {what}, {why}")
}

/// `bucket.get` of `[method]bucket.get`, `bucket.constructor` of `[constructor]bucket`.
fn plain(function: &str) -> String {
    match function.strip_prefix('[').and_then(|f| f.split_once(']')) {
        Some((kind, name)) if kind.ends_with("constructor") => format!("{name}.constructor"),
        Some((_, name)) => name.to_string(),
        None => function.to_string(),
    }
}

/// Writes functions that trap into a facade, and tells their indexes there.
pub(super) fn functions<'f>(
    facade: &mut Facade<'_>,
    functions: impl Iterator<Item = (String, &'f Func)>,
) -> Vec<u32> {
    let functions: Vec<_> = functions.collect();
    if functions.is_empty() {
        return Vec::new();
    }
    let mut flattener = Flattener::new(facade.source().types());
    let flat = functions
        .iter()
        .map(|(message, func)| (message.as_str(), flattener.signature(func)));
    facade.out.core_instance(&module(flat));
    let memory = facade.out.core_alias(MEMORY, ExportKind::Memory);
    let lift = |(index, (_, func)): (usize, &(String, &Func))| {
        let ty = facade.func_type(func);
        let called = facade
            .out
            .core_alias(&format!("f{index}"), ExportKind::Func);
        let given = facade
            .out
            .core_alias(&format!("r{index}"), ExportKind::Func);
        let options = [
            CanonicalOption::Memory(memory),
            CanonicalOption::Realloc(given),
        ];
        facade.out.lift(called, ty, options)
    };
    functions.iter().enumerate().map(lift).collect()
}

/// A module with three functions for each message: the one that traps and has the message as its name, one to be called,
/// and one that is asked for room for what is passed. The latter two call the first: an engine may inline calls from one
/// module to another, after which the name of what was called is not on the stack.
fn module<'m>(functions: impl Iterator<Item = (&'m str, (Vec<ValType>, Vec<ValType>))>) -> Module {
    let (mut types, mut declared, mut code) = (
        TypeSection::new(),
        FunctionSection::new(),
        CodeSection::new(),
    );
    let (mut exports, mut names) = (ExportSection::new(), NameMap::new());
    for (index, (message, (params, results))) in (0u32..).zip(functions) {
        let trap = index * 3;
        let mut add = |at: u32, params: Vec<ValType>, results: Vec<ValType>| {
            types.ty().function(params, results);
            declared.function(at);
            let mut body = Function::new([]);
            if at > trap {
                body.instructions().call(trap);
            }
            body.instructions().unreachable().end();
            code.function(&body);
        };
        add(trap, Vec::new(), Vec::new());
        add(trap + 1, params, results);
        add(trap + 2, vec![ValType::I32; 4], vec![ValType::I32]);
        names.append(trap, message);
        exports.export(&format!("f{index}"), ExportKind::Func, trap + 1);
        exports.export(&format!("r{index}"), ExportKind::Func, trap + 2);
    }
    exports.export(MEMORY, ExportKind::Memory, 0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 0,
        maximum: Some(0),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut section = NameSection::new();
    section.module(MODULE);
    section.functions(&names);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&declared)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&section);
    module
}
