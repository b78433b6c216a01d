(import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
(import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
(import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[static]response-outparam.set"
  (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[resource-drop]incoming-request" (func $drop-request (param i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
  (func $flush (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))

(memory (export "memory") 1)
(global $length i32 (i32.const LENGTH))
(data (i32.const 1024) "TEXT")

(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  i32.const 4096)

;; No result is looked at: if a call fails, the next one traps.
(func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
  (local $response i32) (local $body i32) (local $stream i32)
  (call $drop-request (local.get $request))
  (local.set $response (call $response (call $fields)))
  (call $body (local.get $response) (i32.const 0))
  (local.set $body (i32.load offset=4 (i32.const 0)))
  (call $write (local.get $body) (i32.const 0))
  (local.set $stream (i32.load offset=4 (i32.const 0)))
  (call $set (local.get $out)
    (i32.const 0) (local.get $response) (i32.const 0) (i64.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
  (call $flush (local.get $stream) (i32.const 1024) (global.get $length) (i32.const 0))
  (call $drop-stream (local.get $stream))
  (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0)))
