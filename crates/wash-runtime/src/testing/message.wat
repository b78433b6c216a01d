;; Takes messages: waits for DELAY nanoseconds, and answers as THEN says. At 0 is a success, at 16 an error.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "pollable" (type $p (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasmcloud:messaging/types@0.2.0" (instance $types
    (type $message' (record
      (field "subject" string) (field "body" (list u8)) (field "reply-to" (option string))))
    (export "broker-message" (type $message (eq $message')))))
  (alias export $types "broker-message" (type $message))

  (core module $memory
    (memory (export "memory") 4)
    (data (i32.const 16) "\01\00\00\00\20\00\00\00\07\00\00\00")
    (data (i32.const 32) "refused")
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
      (local.set $at (global.get $free))
      (global.set $free
        (i32.and (i32.add (i32.add (global.get $free) (local.get $size)) (i32.const 7)) (i32.const -8)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $wait (canon lower (func $clock "subscribe-duration")))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "" "block" (func $block (param i32)))
    (import "" "wait" (func $wait (param i64) (result i32)))
    (func (export "handle-message")
      (param $subject i32) (param $subject-length i32) (param $body i32) (param $body-length i32)
      (param $reply i32) (param $reply-to i32) (param $reply-to-length i32) (result i32)
      (call $block (call $wait (i64.const DELAY)))
      THEN))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "" (instance (export "block" (func $block)) (export "wait" (func $wait))))))

  (func $handle (param "msg" $message) (result (result (error string)))
    (canon lift (core func $main "handle-message")
      (memory $memory "memory") (realloc (func $memory "realloc"))))
  (instance $handler (export "handle-message" (func $handle)))
  (export "wasmcloud:messaging/handler@0.2.0" (instance $handler)))
