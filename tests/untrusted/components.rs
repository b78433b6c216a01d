//! Small components and modules, with whatever names.

/// Titles, clears, moves, colors, hides, and turns the direction of writing; a C1 control as well. Forges lines, after every
/// character that may end one.
pub(crate) const HOSTILE: &str = "\x1b]0;PWN\x07\x1b[2J\x1b[31m\x1b[8m\u{9b}1A\u{202e}\u{2066}\
    \u{85}fake line\u{b}fake line\u{c}fake line\u{2028}fake line\u{2029}fake line\rfake line\r\nfake line\n\nfake line: hint: x";

/// A component that exports `f`.
pub(crate) fn plain() -> Vec<u8> {
    let wat = r#"(component
        (core module $m (func (export "f") (result i32) (i32.const 7)))
        (core instance $i (instantiate $m))
        (func (export "f") (result u32) (canon lift (core func $i "f"))))"#;
    wat::parse_str(wat).unwrap()
}

/// The same, whose producers are hostile.
pub(crate) fn producers() -> Vec<u8> {
    let mut payload = length(2);
    payload.extend(text("language"));
    payload.extend(length(1));
    payload.extend(text(&format!("Rust{HOSTILE}")));
    payload.extend(text(&format!("1{HOSTILE}")));
    payload.extend(text("processed-by"));
    payload.extend(length(1));
    payload.extend(text(&format!("tool{HOSTILE}")));
    payload.extend(text("9\nfake line"));
    let mut section = text("producers");
    section.extend(payload);
    let mut component = plain();
    component.push(0);
    component.extend(length(section.len()));
    component.extend(section);
    component
}

/// A component that imports a hostile name.
pub(crate) fn import() -> Vec<u8> {
    let wat = format!("(component (import \"{}\" (func)))", escaped());
    wat::parse_str(wat).unwrap()
}

/// A core module that imports and exports hostile names.
pub(crate) fn module() -> Vec<u8> {
    let name = escaped();
    let wat = format!("(module (import \"{name}\" \"{name}\" (func)) (func (export \"{name}\")))");
    wat::parse_str(wat).unwrap()
}

fn escaped() -> String {
    HOSTILE
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = length(text.len());
    bytes.extend(text.as_bytes());
    bytes
}

fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
