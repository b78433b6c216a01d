//! The settings of an engine, and which engine a component needs.

use wasmparser::{Parser, Validator, WasmFeatures};
use wasmtime::{
    Config, Enabled, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::Model;

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

/// The settings that compiled code depends on.
pub fn settings(model: Model) -> Config {
    let mut config = Config::new();
    config
        .compiler_inlining(Inlining::InterModule)
        .parallel_compilation(true)
        .epoch_interruption(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_component_model_implements(true);
    match model {
        Model::Async => config.wasm_component_model_async(true),
        Model::Sync => config
            .wasm_component_model_async(false)
            .concurrency_support(false),
    };
    config
}

/// Bytes of a memory, or table, that stay allocated while nobody uses it; the rest is given back to the system.
const KEPT: usize = 256 << 10;

pub(super) fn config(model: Model, allocation: Allocation) -> Config {
    let mut config = settings(model);
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

/// Tells which engine a component needs, by asking whether it is valid without the component model's async.
///
/// Looks at types and imports only, not at function bodies. What is invalid for another reason is left for the
/// compiler to explain.
pub fn model_of(component: &[u8]) -> Model {
    let mut features = WasmFeatures::all();
    features.remove(WasmFeatures::CM_ASYNC);
    let mut validator = Validator::new_with_features(features);
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else {
            return Model::Async;
        };
        if validator.payload(&payload).is_err() {
            return Model::Async;
        }
    }
    Model::Sync
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_without_async_needs_no_async() {
        let component =
            wat::parse_str(r#"(component (import "a:b/c@0.2.0" (instance (export "f" (func)))))"#)
                .unwrap();
        assert_eq!(model_of(&component), Model::Sync);
    }

    #[test]
    fn async_functions_streams_and_nested_components_are_seen() {
        for text in [
            r#"(component (import "f" (func async)))"#,
            r#"(component (type (stream u8)))"#,
            r#"(component (component (import "f" (func async))))"#,
        ] {
            let component = wat::parse_str(text).unwrap();
            assert_eq!(model_of(&component), Model::Async, "{text}");
        }
    }
}
