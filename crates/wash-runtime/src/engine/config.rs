//! The settings of an engine, and which engine a component needs.

use wash_component::{CodeSize, Shape, supported};
use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Enabled, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails,
};

use super::{Compiler, Model, Settings};

/// What Winch does not compile.
const NOT_OF_WINCH: WasmFeatures = WasmFeatures::GC
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING);

/// Where instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Allocation {
    /// From slots reserved once: instantiating takes half the time or less.
    Pooling,
    OnDemand,
}

/// Linear memories that live at the same time, all workloads together. A request takes one for each member; the next
/// one waits when they run out. It is address space, not memory: 4 GiB and guards each, 8 TiB of the 128 that a process
/// has.
const MEMORIES: u32 = 2048;

impl Settings {
    /// What a component needs, by its shape and its code.
    pub fn of(shape: &Shape, component: &[u8]) -> Self {
        Self {
            model: model_of(shape),
            inlining: inlines(CodeSize::of(component)),
            compiler: Compiler::Cranelift,
        }
    }

    /// The same, for code that is compiled quickly.
    pub(super) fn quick(self) -> Self {
        Self {
            inlining: false,
            compiler: Compiler::Winch,
            ..self
        }
    }

    /// The settings that compiled code depends on.
    pub fn config(self) -> Config {
        let mut config = Config::new();
        let mut features = supported(self.model == Model::Async);
        if self.compiler == Compiler::Winch {
            features.remove(NOT_OF_WINCH);
            config.strategy(Strategy::Winch);
        }
        config
            .compiler_inlining(match self.inlining {
                true => Inlining::InterModule,
                false => Inlining::No,
            })
            .parallel_compilation(true)
            .epoch_interruption(true)
            .wasm_backtrace_details(WasmBacktraceDetails::Enable)
            .wasm_features(WasmFeatures::all(), false)
            .wasm_features(features, true)
            .concurrency_support(self.model == Model::Async);
        config
    }
}

/// Which engine a component needs.
pub fn model_of(shape: &Shape) -> Model {
    match shape.uses_wasi_p3() {
        true => Model::Async,
        false => Model::Sync,
    }
}

/// Most components with code among which calls are inlined.
const MAX_INLINED_COMPONENTS: usize = 8;
/// Most functions of a composition in which calls are inlined.
const MAX_INLINED_FUNCTIONS: usize = 1_000;
/// Most bytes of code of a composition in which calls are inlined.
const MAX_INLINED_BYTES: usize = 256 << 10;

/// Whether calls from one member of a composition to another are worth inlining.
///
/// A compiler that inlines holds the intermediate code of all functions at once, a quarter of a megabyte for each, and
/// there is nothing to gain where nothing is composed, or where an interpreter is called. A backtrace lacks the calls that
/// were inlined, which whoever debugs wants to see.
pub fn inlines(code: CodeSize) -> bool {
    !code.debug_info
        && (2..=MAX_INLINED_COMPONENTS).contains(&code.components)
        && code.functions <= MAX_INLINED_FUNCTIONS
        && code.bytes <= MAX_INLINED_BYTES
}

/// Bytes of a memory, or table, that stay allocated while nobody uses it; the rest is given back to the system.
const KEPT: usize = 256 << 10;

pub(super) fn config(settings: Settings, allocation: Allocation) -> Config {
    let mut config = settings.config();
    if allocation == Allocation::Pooling {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(MEMORIES)
            .total_core_instances(MEMORIES * 8)
            .total_memories(MEMORIES)
            .total_tables(MEMORIES * 2)
            .total_stacks(MEMORIES)
            .total_gc_heaps(MEMORIES / 8)
            .max_memories_per_module(4)
            .max_tables_per_module(16)
            .table_elements(50_000)
            .max_component_instance_size(16 << 20)
            .max_core_instance_size(16 << 20)
            // What an instance has written to is set back in place, for the next one to find without a page fault.
            // That halves the CPU time of a small request where the kernel tells which pages those are (Linux 6.7).
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(KEPT)
            .table_keep_resident(KEPT);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> Model {
        model_of(&Shape::parse(&wat::parse_str(text).unwrap()).unwrap())
    }

    #[test]
    fn a_component_without_async_needs_no_async() {
        let text = r#"(component (import "a:b/c@0.3.0" (instance (export "f" (func)))))"#;
        assert_eq!(model(text), Model::Sync);
    }

    #[test]
    fn async_functions_streams_and_nested_components_are_seen() {
        for text in [
            r#"(component (import "f" (func async)))"#,
            r#"(component (type (stream u8)))"#,
            r#"(component (component (import "f" (func async))))"#,
        ] {
            assert_eq!(model(text), Model::Async, "{text}");
        }
    }

    #[test]
    fn synchronous_functions_of_wasi_p3_are_seen_under_every_name() {
        let random = r#"(instance (export "get-random-u64" (func (result u64))))"#;
        for name in [
            r#""wasi:random/random@0.3.0""#,
            r#""wasi:random/random@0.3.7""#,
            r#""app-random" (implements "wasi:random/random@0.3.0")"#,
        ] {
            let text = format!("(component (import {name} {random}))");
            assert_eq!(model(&text), Model::Async, "{text}");
        }
    }

    #[test]
    fn calls_are_inlined_between_a_few_small_components() {
        let small = CodeSize {
            components: 2,
            modules: 4,
            functions: 300,
            bytes: 70_000,
            debug_info: false,
        };
        assert!(inlines(small));
        for (large, why) in [
            (
                CodeSize {
                    components: 1,
                    ..small
                },
                "nothing is composed",
            ),
            (
                CodeSize {
                    components: 100,
                    ..small
                },
                "each is compiled with all behind it",
            ),
            (
                CodeSize {
                    functions: 12_700,
                    ..small
                },
                "an interpreter takes part",
            ),
            (
                CodeSize {
                    bytes: 2 << 20,
                    ..small
                },
                "much code in few functions",
            ),
            (
                CodeSize {
                    debug_info: true,
                    ..small
                },
                "it is debugged",
            ),
        ] {
            assert!(!inlines(large), "{why}");
        }
    }

    #[test]
    fn every_combination_of_settings_makes_an_engine() {
        for model in [Model::Sync, Model::Async] {
            for inlining in [false, true] {
                let settings = Settings {
                    model,
                    inlining,
                    compiler: Compiler::Cranelift,
                };
                for settings in [settings, settings.quick()] {
                    for allocation in [Allocation::Pooling, Allocation::OnDemand] {
                        wasmtime::Engine::new(&config(settings, allocation)).unwrap();
                    }
                }
            }
        }
    }
}
