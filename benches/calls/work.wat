;; What is called: as little work as its signature allows.

(func $add (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1)))

;; Writes pointer and length of the string it was given to the third parameter.
(func $echo (param i32 i32 i32)
  (i32.store (local.get 2) (local.get 0))
  (i32.store offset=4 (local.get 2) (local.get 1)))

;; Eight bytes at a time; each byte must be below 32, so that no sum of eight runs over into its neighbour.
(func $sum (param $at i32) (param $length i32) (result i64)
  (local $end i32) (local $word i64) (local $x i64)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (loop $next
    (local.set $word (i64.load (local.get $at)))
    (local.set $x (i64.add (local.get $x)
      (i64.shr_u (i64.mul (local.get $word) (i64.const 0x0101010101010101)) (i64.const 56))))
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
  (local.get $x))

(func $bump (param $counter i32) (param $by i32) (result i32)
  (i32.store (local.get $counter) (i32.add (i32.load (local.get $counter)) (local.get $by)))
  (i32.load (local.get $counter)))
