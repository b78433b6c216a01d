;; The loops. What they call is declared before: imported from another component, or defined in this module.

(memory (export "memory") 4)
(data (i32.const 1024) "sixteen byte str")

;; Whatever is returned here is looked at and forgotten before the next call.
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  i32.const 0x30000)

(func (export "bench:calls/loops#add") (param $times i32) (result i64)
  (local $x i32)
  (loop $next
    (local.set $x (call $add (local.get $x) (local.get $times)))
    (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
  (i64.extend_i32_u (local.get $x)))

(func (export "bench:calls/loops#echo") (param $times i32) (result i64)
  (local $x i64)
  (loop $next
    (call $echo (i32.const 1024) (i32.const 16) (i32.const 2048))
    (local.set $x (i64.add (local.get $x) (i64.load32_u (i32.const 2052))))
    (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
  (local.get $x))

(func (export "bench:calls/loops#sum") (param $times i32) (result i64)
  (local $x i64)
  (memory.fill (i32.const 0x10000) (i32.const 1) (i32.const 0x10000))
  (loop $next
    (local.set $x (i64.add (local.get $x) (call $sum (i32.const 0x10000) (i32.const 0x10000))))
    (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
  (local.get $x))

(func (export "bench:calls/loops#bump") (param $times i32) (result i64)
  (local $counter i32) (local $x i32)
  (local.set $counter (call $new (i32.const 0)))
  (loop $next
    (local.set $x (call $bump (local.get $counter) (i32.const 1)))
    (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
  (call $drop (local.get $counter))
  (i64.extend_i32_u (local.get $x)))
