//! Calls between two components, made in the three ways there are.
//!
//! - `composed`: linked into one component, as `wash` does it.
//! - `forwarded`: passed on by the host as dynamic values, the baseline.
//! - `alone`: no components at all, a call within one core module.
//!
//! `sync` and `async` are the two engines of `wash`, for workloads that do without the component model's async and for
//! those that need it. The loops run inside the caller; prints the ratios after criterion's own report.

mod forward;
mod guests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use wash::linker;
use wash::linker::{Exports, LinkRequest, Member, Role};
use wash_component::{CodeSize, Shape};
use wash_runtime::engine::{Compiler, Model, Settings, inlines};
use wasmtime::component::{Component, Instance, Linker, TypedFunc};
use wasmtime::{Engine, Store};

const CALLS: [&str; 4] = ["add", "echo", "sum", "bump"];

/// What a store holds.
#[derive(Default)]
pub(crate) struct State {
    handles: forward::Handles,
}

/// The best nanoseconds for a call, by engine, call and way.
type Best = BTreeMap<(&'static str, &'static str, &'static str), f64>;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let best = RefCell::new(Best::new());
    let (caller, provider, alone) = (guests::caller(), guests::provider(), guests::alone());
    let composed = compose(&caller, &provider);
    let inlining = inlines(CodeSize::of(&composed));
    for (name, model) in [("sync", Model::Sync), ("async", Model::Async)] {
        let settings = Settings {
            model,
            inlining,
            compiler: Compiler::Cranelift,
        };
        let engine = Engine::new(&settings.config()).expect("the settings fit");
        for call in CALLS {
            let mut group = criterion.benchmark_group(format!("{name}/{call}"));
            for way in ["alone", "composed", "forwarded"] {
                let mut store = Store::new(&engine, State::default());
                store.set_epoch_deadline(u64::MAX);
                let instance = match way {
                    "alone" => instantiate(&mut store, &alone),
                    "composed" => instantiate(&mut store, &composed),
                    _ => forward::instantiate(&engine, &mut store, &caller, &provider)
                        .expect("the components fit"),
                };
                let calls = loop_of(&mut store, &instance, call);
                group.bench_function(way, |bencher| {
                    bencher.iter_custom(|times| {
                        let took = measure(&mut store, &calls, times);
                        let each = took.as_nanos() as f64 / times as f64;
                        let mut best = best.borrow_mut();
                        let best = best.entry((name, call, way)).or_insert(each);
                        *best = best.min(each);
                        took
                    });
                });
            }
        }
    }
    criterion.final_summary();
    // `cargo test --benches` calls everything once, to see that it works; that is no measurement.
    if std::env::args().any(|argument| argument == "--bench") {
        report(&best.into_inner());
    }
}

fn instantiate(store: &mut Store<State>, component: &[u8]) -> Instance {
    let engine = store.engine().clone();
    let component = Component::new(&engine, component).expect("the component is valid");
    Linker::new(&engine)
        .instantiate(store, &component)
        .expect("the component needs nothing")
}

type Loop = TypedFunc<(u32,), (u64,)>;

fn loop_of(store: &mut Store<State>, instance: &Instance, call: &str) -> Loop {
    let loops = instance
        .get_export_index(&mut *store, None, "bench:calls/loops")
        .expect("the loops");
    let function = instance
        .get_export_index(&mut *store, Some(&loops), call)
        .expect("the loop");
    instance
        .get_typed_func(store, function)
        .expect("a loop takes and returns a number")
}

fn measure(store: &mut Store<State>, calls: &Loop, times: u64) -> Duration {
    let started = Instant::now();
    let mut left = times;
    while left > 0 {
        let some = u32::try_from(left).unwrap_or(u32::MAX);
        calls.call(&mut *store, (some,)).expect("no call fails");
        left -= u64::from(some);
    }
    started.elapsed()
}

/// Links the two as `wash` links the members of a project.
fn compose(caller: &[u8], provider: &[u8]) -> Vec<u8> {
    let member = |name: &str, role, component| Member {
        name: name.to_owned(),
        role,
        shape: Arc::new(Shape::parse(component).expect("a component has a shape")),
        wiring: BTreeMap::new(),
    };
    let members = [
        member("caller", Role::Project, caller),
        member("provider", Role::Sibling, provider),
    ];
    let request = LinkRequest {
        members: &members,
        exports: Exports::All,
        ..LinkRequest::default()
    };
    let plan = linker::plan(&request).expect("the provider has what the caller needs");
    let bytes: Vec<_> = plan
        .members
        .iter()
        .map(|member| [caller, provider][member.index])
        .collect();
    linker::compose(&plan, &bytes).expect("what was planned can be composed")
}

/// Ratios, of the best times: they are what the machine can do, whatever else it is doing.
fn report(best: &Best) {
    println!(
        "\n{:<8}{:<8}{:>12}{:>12}{:>12}{:>24}{:>20}",
        "engine",
        "call",
        "alone",
        "composed",
        "forwarded",
        "forwarded : composed",
        "composed : alone"
    );
    for engine in ["sync", "async"] {
        for call in CALLS {
            let time = |way| best.get(&(engine, call, way)).copied();
            let (Some(alone), Some(composed), Some(forwarded)) =
                (time("alone"), time("composed"), time("forwarded"))
            else {
                continue;
            };
            println!(
                "{engine:<8}{call:<8}{:>12}{:>12}{:>12}{:>24.0}{:>20.1}",
                duration(alone),
                duration(composed),
                duration(forwarded),
                forwarded / composed,
                composed / alone
            );
        }
    }
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.1} ns"),
        1e3..1e6 => format!("{:.1} us", nanoseconds / 1e3),
        _ => format!("{:.1} ms", nanoseconds / 1e6),
    }
}
