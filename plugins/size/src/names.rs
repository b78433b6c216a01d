//! Names for people: of functions, and of the crate, package or namespace that a function is from. Pure.

use rustc_demangle::try_demangle;

/// What functions without a crate or namespace are counted for: those of C, and those without a name.
pub const NOWHERE: &str = "(without a crate or namespace)";

/// A function's name, with the mangling of Rust undone.
pub fn readable(name: &str) -> String {
    match try_demangle(name) {
        // The alternate form leaves the hash out.
        Ok(demangled) => format!("{demangled:#}"),
        Err(_) => name.to_owned(),
    }
}

/// The crate of a Rust function, the package of one of Go or of an export by its name in WIT, or the namespace of another.
pub fn origin(readable: &str) -> &str {
    if let Some(package) = package(readable) {
        return package;
    }
    // `<&mut [alloc::vec::Vec<u8>] as core::fmt::Debug>::fmt` is where the type is.
    let begin = readable.find(|c: char| c.is_alphanumeric() || c == '_');
    let Some(begin) = begin else { return NOWHERE };
    let mut rest = &readable[begin..];
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '/' | '-')));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        if after.starts_with("::") {
            return word;
        }
        // `mut`, `dyn` and `as` may stand in front of a path, and types that every crate has: `<u8 as core::..>`.
        let skips = after.starts_with([' ', ',', ';', ']', ')', '>']) && readable.contains("::");
        match after.find(|c: char| c.is_alphanumeric() || c == '_') {
            Some(next) if skips => rest = &after[next..],
            _ if after.starts_with('.') && !word.is_empty() => return word,
            _ => return NOWHERE,
        }
    }
}

/// `wasi:http` of `wasi:http/incoming-handler@0.2.0#handle`, which is how compilers call what a component exports.
fn package(name: &str) -> Option<&str> {
    let name = name.strip_prefix("cabi_post_").unwrap_or(name);
    let (interface, _) = name.split_once('#')?;
    let (package, _) = interface.split_once('/')?;
    let (namespace, rest) = package.split_once(':')?;
    let is_word = |text: &str| !text.is_empty() && !text.contains([':', ' ', '<']);
    (is_word(namespace) && is_word(rest)).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_readable() {
        for (mangled, expected) in [
            (
                "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                "core::fmt::Formatter::pad",
            ),
            (
                "_RNvCskwGfYPst2Cb_3foo16example_function",
                "foo::example_function",
            ),
            ("memcpy", "memcpy"),
            ("_ZN", "_ZN"),
        ] {
            assert_eq!(readable(mangled), expected);
        }
    }

    #[test]
    fn functions_are_from_somewhere() {
        for (name, expected) in [
            ("core::fmt::Formatter::pad", "core"),
            ("<alloc::vec::Vec<T> as core::fmt::Debug>::fmt", "alloc"),
            (
                "<&mut alloc::string::String as core::fmt::Write>::write",
                "alloc",
            ),
            ("<u8 as core::fmt::Display>::fmt", "core"),
            ("<[u8] as alloc::borrow::ToOwned>::to_owned", "alloc"),
            ("<dyn core::any::Any>::is", "core"),
            ("wasi_http::bindings::call#1", "wasi_http"),
            ("runtime.alloc", "runtime"),
            ("internal/poll.(*FD).Read", "internal/poll"),
            ("js::gc::collect(int)", "js"),
            ("memcpy", NOWHERE),
            ("__wasm_call_ctors", NOWHERE),
            ("function 12", NOWHERE),
            ("wasi:http/incoming-handler@0.2.0#handle", "wasi:http"),
            ("cabi_post_a:b/c#d", "a:b"),
            ("<a::b as c/d>::e#1", "a"),
            ("", NOWHERE),
            ("<<", NOWHERE),
        ] {
            assert_eq!(origin(name), expected, "{name}");
        }
    }
}
