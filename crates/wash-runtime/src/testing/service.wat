;; A service: says "beat", and then goes on as THEN says. It can rest for 5 ms and say it again.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "pollable" (type $p (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "error" (type $e (eq $error)))
    (export "output-stream" (type $out (sub resource)))
    (type $failure' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $failure (eq $failure')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $failure)))))))
  (alias export $streams "output-stream" (type $out))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (export "output-stream" (type $o (eq $out)))
    (export "get-stdout" (func (result (own $o))))))

  (core module $memory (memory (export "memory") 1) (data (i32.const 0) "beat\n"))
  (core instance $memory (instantiate $memory))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $forget (canon resource.drop $pollable))
  (core func $wait (canon lower (func $clock "subscribe-duration")))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $memory "memory")))

  (core module $main
    (import "" "block" (func $block (param i32)))
    (import "" "forget" (func $forget (param i32)))
    (import "" "wait" (func $wait (param i64) (result i32)))
    (import "" "stdout" (func $stdout (result i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (global $out (mut i32) (i32.const 0))
    (func $say (call $write (global.get $out) (i32.const 0) (i32.const 5) (i32.const 64)))
    (func $rest (local $timer i32)
      (local.set $timer (call $wait (i64.const 5000000)))
      (call $block (local.get $timer))
      (call $forget (local.get $timer)))
    (func (export "run") (result i32)
      (global.set $out (call $stdout))
      (call $say)
      THEN))
  (core instance $main (instantiate $main (with "" (instance
    (export "block" (func $block))
    (export "forget" (func $forget))
    (export "wait" (func $wait))
    (export "stdout" (func $stdout))
    (export "write" (func $write))))))

  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $export (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $export)))
