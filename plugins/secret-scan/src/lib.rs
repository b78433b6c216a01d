//! Keeps components that have secrets in them from being pushed.
//!
//! [`patterns`] knows what secrets look like, [`place`] where in a component something is, [`scan`] brings them together
//! and leaves out what was allowed. They run natively in the tests; `plugin` joins them to `wash`.

pub mod patterns;
pub mod place;
pub mod scan;

#[cfg(target_family = "wasm")]
mod plugin;

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "wit", generate_all });
    export!(SecretScan with_types_in self);
    use crate::plugin::SecretScan;
}
