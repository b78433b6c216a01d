;; Logs the value of `greeting` in its configuration, as a warning.
(component
  (import CONFIG (instance $config
    (type $error' (variant (case "upstream" string) (case "io" string)))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "key" string) (result (result (option string) (error $error)))))))
  (import LOGGING (instance $logging
    (type $level' (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))

  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.add (local.get 3) (i32.const 8)))))
    (data (i32.const 0) "greetingnothing"))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $config "get")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core func $log (canon lower (func $logging "log") (memory $libc "memory")))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "" "get" (func $get (param i32 i32 i32)))
    (import "" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run")
      ;; the result: is it an error, is there a value, and where
      (call $get (i32.const 0) (i32.const 8) (i32.const 512))
      (if (i32.load8_u (i32.const 512)) (then unreachable))
      (if (i32.load8_u (i32.const 516))
        (then (call $log (i32.const 3) (i32.const 0) (i32.const 8)
          (i32.load (i32.const 520)) (i32.load (i32.const 524))))
        (else (call $log (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 7))))))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "" (instance (export "get" (func $get)) (export "log" (func $log))))))
  (func (export "run") (canon lift (core func $main "run"))))
