;; Takes messages, and does THEN with them, which leaves at 64 what it came to.
(component
  MODEL
  (import "wasmcloud:messaging/types@0.2.0" (instance $types
    (type $message' (record
      (field "subject" string) (field "body" (list u8)) (field "reply-to" (option string))))
    (export "broker-message" (type $message (eq $message')))))
  (alias export $types "broker-message" (type $message))
  (import "wasmcloud:messaging/consumer@0.2.7" (instance $consumer
    (export "broker-message" (type $m (eq $message)))
    (export "request" (func (param "subject" string) (param "body" (list u8)) (param "timeout-ms" u32)
      (result (result $m (error string)))))
    (export "publish" (func (param "msg" $m) (result (result (error string)))))))

  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "question")
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
      (local.set $at (global.get $free))
      (global.set $free
        (i32.and (i32.add (i32.add (global.get $free) (local.get $size)) (i32.const 7)) (i32.const -8)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $request (canon lower (func $consumer "request")
    (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $publish (canon lower (func $consumer "publish")
    (memory $memory "memory") (realloc (func $memory "realloc"))))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "" "request" (func $request (param i32 i32 i32 i32 i32 i32)))
    (import "" "publish" (func $publish (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (func (export "handle-message")
      (param $subject i32) (param $subject-length i32) (param $body i32) (param $body-length i32)
      (param $reply i32) (param $reply-to i32) (param $reply-to-length i32) (result i32)
      THEN
      (i32.const 64)))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "" (instance (export "request" (func $request)) (export "publish" (func $publish))))))

  (func $handle (param "msg" $message) (result (result (error string)))
    (canon lift (core func $main "handle-message")
      (memory $memory "memory") (realloc (func $memory "realloc"))))
  (instance $handler (export "handle-message" (func $handle)))
  (export "wasmcloud:messaging/handler@0.2.0" (instance $handler)))
