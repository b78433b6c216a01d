//! Our sockets behind the handles of wasmtime's bindings.
//!
//! The bindings name wasmtime's own types of sockets, which cannot be made by anybody else. A handle is only a number in
//! the store's table, though, and the table knows what it really holds: a handle of another kind finds nothing.

use wasmtime::component::Resource;

/// The same handle, for another type.
pub(super) fn cast<From: 'static, To: 'static>(handle: Resource<From>) -> Resource<To> {
    match handle.owned() {
        true => Resource::new_own(handle.rep()),
        false => Resource::new_borrow(handle.rep()),
    }
}
