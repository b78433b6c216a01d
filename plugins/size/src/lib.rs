//! `wash size`: what makes a component big.
//!
//! [`measure`] gives each byte of a file to one part of it, [`names`] makes names that people read, [`rows`] adds up, and
//! [`chart`] and [`json`] show. All of that runs natively in the tests; `plugin` joins it to `wash`.

pub mod chart;
pub mod json;
pub mod measure;
pub mod names;
pub mod rows;

#[cfg(target_family = "wasm")]
mod plugin;

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "wit", generate_all });
    export!(Size with_types_in self);
    use crate::plugin::Size;
}
