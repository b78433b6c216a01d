//! The baseline: a host that instantiates each component by itself and passes every call on as dynamic values.
//!
//! Nothing is done but what the technique itself asks for: look at the values, swap handles, call the other component.

use wasmtime::component::{
    Component, Func, Instance, Linker, Resource, ResourceAny, ResourceType, Val,
};
use wasmtime::{AsContextMut, Engine, Store};

use super::State;

const API: &str = "bench:calls/api";

/// A handle of the caller, which stands for one of the provider.
struct Proxy;

/// The provider's handles, by those of the caller.
#[derive(Default)]
pub(crate) struct Handles(Vec<Option<ResourceAny>>);

impl Handles {
    fn insert(&mut self, handle: ResourceAny) -> u32 {
        self.0.push(Some(handle));
        u32::try_from(self.0.len() - 1).expect("a few handles")
    }

    fn slot(&mut self, index: u32) -> &mut Option<ResourceAny> {
        &mut self.0[index as usize]
    }
}

/// Instantiates the provider, and then the caller with imports that forward to it.
pub(crate) fn instantiate(
    engine: &Engine,
    store: &mut Store<State>,
    caller: &[u8],
    provider: &[u8],
) -> wasmtime::Result<Instance> {
    let component = Component::new(engine, provider)?;
    let provider = Linker::new(engine).instantiate(&mut *store, &component)?;
    let api = provider
        .get_export_index(&mut *store, None, API)
        .expect("the provider exports the interface");

    let mut linker = Linker::<State>::new(engine);
    let mut imports = linker.instance(API)?;
    imports.resource(
        "counter",
        ResourceType::host::<Proxy>(),
        |mut store, index| match store.data_mut().handles.slot(index).take() {
            Some(handle) => handle.resource_drop(store),
            None => Ok(()),
        },
    )?;
    for name in [
        "add",
        "echo",
        "sum",
        "[constructor]counter",
        "[method]counter.bump",
    ] {
        let index = provider
            .get_export_index(&mut *store, Some(&api), name)
            .expect("the interface has the function");
        let function = provider
            .get_func(&mut *store, index)
            .expect("the export is a function");
        imports.func_new(name, move |store, _, params, results| {
            forward(store, &function, params, results)
        })?;
    }
    linker.instantiate(store, &Component::new(engine, caller)?)
}

fn forward(
    mut store: impl AsContextMut<Data = State>,
    function: &Func,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let params = params
        .iter()
        .map(|value| to_provider(&mut store, value))
        .collect::<wasmtime::Result<Vec<_>>>()?;
    function.call(&mut store, &params, results)?;
    for value in results {
        to_caller(&mut store, value)?;
    }
    Ok(())
}

fn to_provider(mut store: impl AsContextMut<Data = State>, value: &Val) -> wasmtime::Result<Val> {
    let Val::Resource(handle) = value else {
        return Ok(value.clone());
    };
    let proxy = Resource::<Proxy>::try_from_resource_any(*handle, &mut store)?;
    let handle = *store.as_context_mut().data_mut().handles.slot(proxy.rep());
    Ok(Val::Resource(
        handle.expect("the caller has not dropped it"),
    ))
}

fn to_caller(mut store: impl AsContextMut<Data = State>, value: &mut Val) -> wasmtime::Result<()> {
    if let Val::Resource(handle) = value {
        let index = store.as_context_mut().data_mut().handles.insert(*handle);
        *handle = ResourceAny::try_from_resource(Resource::<Proxy>::new_own(index), &mut store)?;
    }
    Ok(())
}
