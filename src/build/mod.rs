//! A project in, a component out: runs its toolchain and checks what came of it.
