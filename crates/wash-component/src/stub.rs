//! How the functions are named that stand for imports which nobody provides.
//!
//! A trap carries no message, but every runtime shows the names of the functions on the stack: the message is the name
//! of the function that traps.

/// What the names of functions that stand for missing ones begin with.
pub const MARK: &str = "stub: ";
/// The name of the core module of a stub.
pub const MODULE: &str = "stub";

/// The message of a stub, if that is what a core function of this name in a module of this name is.
pub fn call<'f>(module: Option<&str>, function: &'f str) -> Option<&'f str> {
    function
        .strip_prefix(MARK)
        .filter(|_| module == Some(MODULE))
}
