//! What happens when a member calls something that nobody provides.

use std::collections::BTreeMap;
use std::sync::Arc;

use wash::linker::{Exports, LinkRequest, Member, Role, Wire, compose, plan};
use wash_component::Shape;
use wasmtime::component::{Component, Linker};
use wasmtime::{Store, WasmBacktrace};

use crate::run::ENGINE;

/// Links `app` and calls its export `run`; the innermost function of the backtrace.
fn trapping(app: &str, imports: &[(&str, Wire)]) -> String {
    let bytes = wat::parse_str(app).unwrap();
    let wiring = imports
        .iter()
        .map(|(import, wire)| (import.to_string(), wire.clone()))
        .collect::<BTreeMap<_, _>>();
    let members = [Member {
        name: "app".to_string(),
        role: Role::Project,
        shape: Arc::new(Shape::parse(&bytes).unwrap()),
        wiring,
    }];
    let plan = plan(&LinkRequest {
        members: &members,
        exports: Exports::All,
        stub_missing: true,
        ..LinkRequest::default()
    })
    .unwrap();
    assert!(plan.needs_composing());
    let composed = compose(&plan, &[&bytes]).unwrap();
    let component = Component::new(&ENGINE, &composed).unwrap();
    let mut store = Store::new(&ENGINE, ());
    let error = futures::executor::block_on(async {
        let instance = Linker::<()>::new(&ENGINE)
            .instantiate_async(&mut store, &component)
            .await?;
        let run = instance.get_func(&mut store, "run").unwrap();
        run.call_async(&mut store, &[], &mut []).await
    })
    .unwrap_err();
    let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
    let frame = &trace.frames()[0];
    wash_component::stub::call(frame.module().name(), frame.func_name().unwrap())
        .expect("the innermost function is a stub")
        .to_string()
}

/// A component whose `run` calls `called` of an interface of which `interface` are the contents.
fn caller(name: &str, interface: &str, called: &str, signature: &str, arguments: &str) -> String {
    format!(
        r#"(component
            (import "{name}" (instance $i {interface}))
            (core module $libc
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
            (core instance $libc (instantiate $libc))
            (core func $f (canon lower (func $i "{called}") (memory $libc "memory") (realloc (func $libc "realloc"))))
            (core module $m
                (import "" "f" (func $f {signature}))
                (func (export "run") (drop (call $f {arguments}))))
            (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
            (func (export "run") (canon lift (core func $m "run"))))"#
    )
}

#[test]
fn the_message_names_the_caller_the_function_and_the_interface() {
    let add = r#"(export "add" (func (param "a" u32) (param "b" f64) (result u32)))"#;
    let app = caller(
        "my:math/sums@1.2.0",
        add,
        "add",
        "(param i32 f64) (result i32)",
        "(i32.const 1) (f64.const 2)",
    );
    assert_eq!(
        trapping(&app, &[]),
        "`app` called `add` of `my:math/sums@1.2.0`, which has no provider"
    );
    assert_eq!(
        trapping(&app, &[("my:math/sums", Wire::Stub)]),
        "`app` called `add` of `my:math/sums@1.2.0`, which the config wires to a stub"
    );
}

#[test]
fn what_is_passed_does_not_get_in_the_way() {
    let interface =
        r#"(export "put" (func (param "key" string) (param "value" (list u8)) (result bool)))"#;
    for length in [0, 5] {
        let arguments =
            format!("(i32.const 0) (i32.const {length}) (i32.const 0) (i32.const {length})");
        let app = caller(
            "my:kv/store",
            interface,
            "put",
            "(param i32 i32 i32 i32) (result i32)",
            &arguments,
        );
        assert_eq!(
            trapping(&app, &[]),
            "`app` called `put` of `my:kv/store`, which has no provider"
        );
    }
}

#[test]
fn resources_have_stubs_too() {
    let interface = r#"
        (export "bucket" (type $b (sub resource)))
        (export "[constructor]bucket" (func (param "name" string) (result (own $b))))
        (export "[method]bucket.get" (func (param "self" (borrow $b)) (param "key" string) (result (option u64))))
        (export "[static]bucket.open" (func (result (own $b))))"#;
    let app = caller(
        "wasi:keyvalue/store@0.2.0-draft",
        interface,
        "[static]bucket.open",
        "(result i32)",
        "",
    );
    assert_eq!(
        trapping(&app, &[]),
        "`app` called `bucket.open` of `wasi:keyvalue/store@0.2.0-draft`, which has no provider"
    );
    let app = caller(
        "wasi:keyvalue/store@0.2.0-draft",
        interface,
        "[constructor]bucket",
        "(param i32 i32) (result i32)",
        "(i32.const 0) (i32.const 3)",
    );
    assert_eq!(
        trapping(&app, &[]),
        "`app` called `bucket.constructor` of `wasi:keyvalue/store@0.2.0-draft`, which has no provider"
    );
}

#[test]
fn functions_without_an_interface_have_stubs() {
    let app = r#"(component
        (import "now" (func $now (result u64)))
        (core func $f (canon lower (func $now)))
        (core module $m
            (import "" "f" (func $f (result i64)))
            (func (export "run") (drop (call $f))))
        (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
        (func (export "run") (canon lift (core func $m "run"))))"#;
    assert_eq!(
        trapping(app, &[]),
        "`app` called `now`, which has no provider"
    );
}
