//! Components whose core modules were taken out are what they were: the same memories, the same answers, the same traps.

use proptest::collection::vec;
use proptest::prelude::*;
use wash_component::unbundle;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, ImportSection, MemArg, MemorySection, MemoryType,
    Module, StartSection, TypeSection, ValType,
};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, Store};

use crate::stage::probe;

const PAGE: u32 = 1 << 16;

/// A core module with data.
#[derive(Debug, Clone)]
struct Sample {
    pages: u64,
    imports_memory: bool,
    exports_memory: bool,
    segments: Vec<Segment>,
    start: Start,
}

#[derive(Debug, Clone)]
struct Segment {
    /// None is passive.
    place: Option<u32>,
    bytes: Vec<u8>,
}

/// What the start function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    None,
    /// Writes over a byte where the data may be, a sum with what was there.
    Add(u32),
    /// Copies from a segment.
    Init(u32),
    Drop(u32),
}

fn sample() -> impl Strategy<Value = Sample> {
    // Near to each other, so that segments touch and overlap, and near to the ends of pages.
    let place = prop_oneof![
        8 => 0..2000_u32,
        2 => PAGE - 400..PAGE + 400,
        1 => 2 * PAGE - 300..2 * PAGE + 1,
    ];
    let place = prop_oneof![20 => place.prop_map(Some), 1 => Just(None)];
    let bytes = prop_oneof![4 => vec(any::<u8>(), 0..300), 1 => vec(Just(0), 0..300)];
    let segment = (place, bytes).prop_map(|(place, bytes)| Segment { place, bytes });
    let start = prop_oneof![
        4 => Just(Start::None),
        2 => (0..2000_u32).prop_map(Start::Add),
        1 => (0..8_u32).prop_map(Start::Init),
        1 => (0..8_u32).prop_map(Start::Drop),
    ];
    let ascending = any::<bool>();
    (
        0..4_u64,
        prop::bool::weighted(0.2),
        any::<bool>(),
        vec(segment, 0..12),
        ascending,
        start,
    )
        .prop_map(
            |(pages, imports_memory, exports_memory, mut segments, ascending, start)| {
                if ascending {
                    segments.sort_by_key(|segment| segment.place);
                }
                Sample {
                    pages,
                    imports_memory,
                    exports_memory,
                    segments,
                    start,
                }
            },
        )
}

impl Sample {
    /// The module. Exports a function that tells all that is in its memory.
    fn module(&self) -> Vec<u8> {
        let memory = MemoryType {
            minimum: self.pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I64]);
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        let mut memories = MemorySection::new();
        match self.imports_memory {
            true => {
                imports.import("env", "memory", EntityType::Memory(memory));
            }
            false => {
                memories.memory(memory);
            }
        }
        let mut functions = FunctionSection::new();
        functions.function(0).function(1);
        let mut exports = ExportSection::new();
        exports.export("digest", ExportKind::Func, 0);
        if self.exports_memory {
            exports.export("memory", ExportKind::Memory, 0);
        }
        let mut code = CodeSection::new();
        code.function(&digest()).function(&self.start());
        let mut data = DataSection::new();
        for Segment { place, bytes } in &self.segments {
            let bytes = bytes.iter().copied();
            match place {
                Some(place) => data.active(0, &ConstExpr::i32_const(*place as i32), bytes),
                None => data.passive(bytes),
            };
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module.section(&memories).section(&exports);
        if self.start != Start::None {
            module.section(&StartSection { function_index: 1 });
        }
        let count = self.segments.len() as u32;
        module.section(&DataCountSection { count });
        module.section(&code).section(&data);
        module.finish()
    }

    fn start(&self) -> Function {
        let mut function = Function::new([]);
        let mut body = function.instructions();
        let count = self.segments.len() as u32;
        let byte = MemArg {
            offset: 0,
            align: 0,
            memory_index: 0,
        };
        match self.start {
            Start::Add(place) => {
                body.i32_const(place as i32).i32_const(place as i32);
                body.i32_load8_u(byte)
                    .i32_const(7)
                    .i32_add()
                    .i32_store8(byte);
            }
            Start::Init(segment) if count > 0 => {
                body.i32_const(100).i32_const(0).i32_const(0);
                body.memory_init(0, segment % count);
            }
            Start::Drop(segment) if count > 0 => {
                body.data_drop(segment % count);
            }
            _ => {}
        }
        body.end();
        function
    }

    fn component(&self) -> Vec<u8> {
        let module = self.module();
        wasmparser::validate(&module).expect("it is a module");
        let mut component = wasm_encoder::ComponentBuilder::default();
        let mut env = Module::new();
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: self.pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        env.section(&memories).section(&exports);
        let env = component.core_module(None, &env);
        let env = component.core_instantiate(None, env, [] as [(&str, _); 0]);
        let module = component.core_module_raw(None, &module);
        // Twice: each has a memory of its own.
        let mut digests = Vec::new();
        for name in ["first", "second"] {
            let env = match self.imports_memory {
                true => vec![("env", wasm_encoder::ModuleArg::Instance(env))],
                false => Vec::new(),
            };
            let instance = component.core_instantiate(None, module, env);
            let digest = component.core_alias_export(None, instance, "digest", ExportKind::Func);
            digests.push((name, digest));
        }
        let (ty, mut function) = component.type_function(None);
        function
            .params([] as [(&str, wasm_encoder::ComponentValType); 0])
            .result(Some(wasm_encoder::PrimitiveValType::U64.into()));
        for (name, digest) in digests {
            let lifted = component.lift_func(None, digest, ty, []);
            component.export(name, wasm_encoder::ComponentExportKind::Func, lifted, None);
        }
        component.finish()
    }
}

/// A function that computes a hash of its memory and the size of it.
fn digest() -> Function {
    const PLACE: u32 = 0;
    const HASH: u32 = 1;
    let mut function = Function::new([(1, ValType::I32), (1, ValType::I64)]);
    let mut body = function.instructions();
    let word = MemArg {
        offset: 0,
        align: 3,
        memory_index: 0,
    };
    body.block(BlockType::Empty).loop_(BlockType::Empty);
    body.local_get(PLACE).memory_size(0).i32_const(16).i32_shl();
    body.i32_ge_u().br_if(1);
    body.local_get(HASH).local_get(PLACE).i64_load(word);
    body.i64_xor().i64_const(0x0100_0000_01b3).i64_mul();
    body.i64_const(31).i64_rotl().local_set(HASH);
    body.local_get(PLACE)
        .i32_const(8)
        .i32_add()
        .local_set(PLACE);
    body.br(0).end().end();
    body.local_get(HASH)
        .memory_size(0)
        .i64_extend_i32_u()
        .i64_add();
    body.end();
    function
}

/// A component that is ready to be instantiated, with all of its core modules on their own or none. What it imports
/// traps when it is called.
fn link(engine: &Engine, component: &[u8], is_unbundled: bool) -> InstancePre<()> {
    let unbundled = is_unbundled.then(|| unbundle(component, 0).expect("there is a module"));
    let skeleton = unbundled.as_ref().map_or(component, |it| &it.skeleton);
    let skeleton = Component::new(engine, skeleton).unwrap();
    let mut linker = Linker::new(engine);
    for module in unbundled.iter().flat_map(|unbundled| &unbundled.modules) {
        let compiled = wasmtime::Module::new(engine, &module.bytes).unwrap();
        linker.root().module(&module.name, &compiled).unwrap();
    }
    linker.define_unknown_imports_as_traps(&skeleton).unwrap();
    linker.instantiate_pre(&skeleton).unwrap()
}

/// What the component tells of its memories. `None` if it traps while it is instantiated.
fn digests(engine: &Engine, component: &[u8], is_unbundled: bool) -> Option<Vec<u64>> {
    let linked = link(engine, component, is_unbundled);
    let mut store = Store::new(engine, ());
    let instance = linked.instantiate(&mut store).ok()?;
    let digest = |name| {
        let function = instance.get_typed_func::<(), (u64,)>(&mut store, name);
        function.unwrap().call(&mut store, ()).unwrap().0
    };
    Some(["first", "second"].map(digest).to_vec())
}

#[tokio::test]
async fn components_of_a_compiler_start_unbundled() {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    for name in ["probe", "probe-p3"] {
        let linked = link(&engine, &probe(name), true);
        let mut store = Store::new(&engine, ());
        linked.instantiate_async(&mut store).await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memories_are_the_same(sample in sample()) {
        let engine = Engine::default();
        let component = sample.component();
        let whole = digests(&engine, &component, false);
        let apart = digests(&engine, &component, true);
        prop_assert_eq!(whole, apart);
    }
}
