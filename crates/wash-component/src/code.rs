//! How much code a component has, and among how many components within it that is divided.

use wasmparser::{Encoding, Parser, Payload};

/// The code of a component, everything that is nested in it included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeSize {
    /// Components that have core modules with code of their own: the members of a composition, one where nothing is
    /// composed.
    pub components: usize,
    /// Core modules with code.
    pub modules: usize,
    pub functions: usize,
    /// Bytes of all function bodies.
    pub bytes: usize,
    /// It was built to be debugged.
    pub debug_info: bool,
}

impl CodeSize {
    /// Counts what can be read; what is damaged is left for others to complain about.
    pub fn of(component: &[u8]) -> Self {
        let mut size = Self::default();
        // One for each component or module that is open: whether it is a component that has code.
        let mut open: Vec<Option<bool>> = Vec::new();
        for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
            match payload {
                Payload::Version { encoding, .. } => {
                    open.push((encoding == Encoding::Component).then_some(false));
                }
                Payload::CodeSectionStart {
                    count, size: bytes, ..
                } if count > 0 => {
                    size.modules += 1;
                    size.functions = size.functions.saturating_add(count as usize);
                    size.bytes = size.bytes.saturating_add(bytes as usize);
                    if let Some(has_code) = open.iter_mut().rev().find_map(Option::as_mut) {
                        *has_code = true;
                    }
                }
                Payload::CustomSection(custom) if custom.name() == ".debug_info" => {
                    size.debug_info = true;
                }
                Payload::End(_) => {
                    size.components += usize::from(open.pop().flatten().unwrap_or_default());
                }
                _ => {}
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_with_code_are_counted_wherever_they_are_nested() {
        let text = r#"(component
            (core module (func))
            (core module (memory 1))
            (component (core module (func) (func)) (core module (func)))
            (component (component (core module (func)))))"#;
        let size = CodeSize::of(&wat::parse_str(text).unwrap());
        let CodeSize {
            components,
            modules,
            functions,
            bytes,
            debug_info,
        } = size;
        assert_eq!((components, modules, functions), (3, 4, 5));
        assert!(bytes > 0 && !debug_info);
    }

    #[test]
    fn debug_information_is_seen() {
        let text = r#"(component (core module (func) (@custom ".debug_info" "")))"#;
        assert!(CodeSize::of(&wat::parse_str(text).unwrap()).debug_info);
    }

    #[test]
    fn what_is_no_component_has_none() {
        assert_eq!(CodeSize::of(b"hello"), CodeSize::default());
    }
}
