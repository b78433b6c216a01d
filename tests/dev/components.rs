//! Small components that are written down here, and large ones that are made.

use std::fmt::Write as _;

/// What `wasi:cli/run` of these versions is: `@0.3` is asynchronous.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    P2,
    P3,
}

impl Run {
    fn export(self) -> &'static str {
        match self {
            Run::P2 => {
                r#"(func $run (result (result)) (canon lift (core func $i "run")))
                (instance $r (export "run" (func $run)))
                (export "wasi:cli/run@0.2.0" (instance $r))"#
            }
            Run::P3 => {
                r#"(func $run async (result (result)) (canon lift (core func $i "run")))
                (instance $r (export "run" (func $run)))
                (export "wasi:cli/run@0.3.0" (instance $r))"#
            }
        }
    }
}

/// A command that ends at once, with so many functions that are never called.
pub(crate) fn large(run: Run, functions: usize) -> Vec<u8> {
    let mut text = String::from("(component (core module $m\n");
    for index in 0..functions {
        let _ = writeln!(
            text,
            "(func (param i32 i64) (result i64) (local i32)
               (loop $l
                 (local.set 2 (i32.add (local.get 2) (i32.const {index})))
                 (local.set 1 (i64.mul (local.get 1) (i64.extend_i32_u (local.get 2))))
                 (br_if $l (i32.lt_u (local.get 2) (local.get 0))))
               (if (i32.eqz (local.get 0)) (then (unreachable)))
               (i64.xor (local.get 1) (i64.const {index})))"
        );
    }
    let _ = write!(
        text,
        "(func (export \"run\") (result i32) i32.const 0))
         (core instance $i (instantiate $m))\n{})",
        run.export()
    );
    wat::parse_str(text).unwrap()
}

/// A command of a megabyte that takes minutes to compile: so many loops in one function.
pub(crate) fn hard_to_compile() -> Vec<u8> {
    const LOOPS: usize = 70_000;
    let add = "(local.tee 0 (i32.add (local.get 0) (i32.const 1)))";
    let one = format!("(loop (br_if 0 (i32.lt_s {add} (i32.const 10))))");
    let text = format!(
        r#"(component (core module $m
             (func (export "run") (result i32) (local i32) {} (i32.const 0)))
           (core instance $i (instantiate $m))
           {})"#,
        one.repeat(LOOPS),
        Run::P2.export()
    );
    wat::parse_str(text).unwrap()
}

/// The same component in other bytes.
pub(crate) fn stamped(component: &[u8], stamp: u8) -> Vec<u8> {
    let custom = [0, 3, 1, b's', stamp];
    [component, &custom].concat()
}

/// Imports of a command that waits: `block`, for so many nanoseconds.
const WAITING: &str = r#"
    (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $p (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $p))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $q))
        (export "pollable" (type $pp (eq $q)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $pp))))))
    (core func $block (canon lower (func $poll "[method]pollable.block")))
    (core func $drop (canon resource.drop $pollable))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core instance $host
        (export "subscribe" (func $subscribe))
        (export "block" (func $block))
        (export "drop" (func $drop)))"#;

/// A command that does this when it starts, and that when it runs. `(call $wait (i64.const N))` waits.
pub(crate) fn waiting(start: &str, run: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {WAITING}
            (core module $m
                (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
                (import "h" "block" (func $block (param i32)))
                (import "h" "drop" (func $drop (param i32)))
                (func $wait (param i64) (local i32)
                    (local.set 1 (call $subscribe (local.get 0)))
                    (call $block (local.get 1))
                    (call $drop (local.get 1)))
                (func $start {start})
                (start $start)
                (func (export "run") (result i32) {run} (i32.const 0)))
            (core instance $i (instantiate $m (with "h" (instance $host))))
            {})"#,
        Run::P2.export()
    );
    wat::parse_str(text).unwrap()
}
