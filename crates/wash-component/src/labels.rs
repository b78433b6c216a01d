//! Names the core modules of a composition after the members they belong to, so that a backtrace can tell members apart.

use std::borrow::Cow;
use std::collections::HashMap;

use wasm_encoder::{ComponentSectionId, CustomSection, Encode, Section, SectionId};
use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentName, ComponentNameSectionReader, KnownCustom,
    Parser, Payload,
};

use super::sections::{map_sections, section};

/// Stands between the name of a member and a module's own name. Names of members have no such character.
const SEPARATOR: char = '\u{1f}';

/// A composition in which each core module of a member has the member's name in front of its own. `None` if nothing is
/// composed, or the bytes are damaged.
pub fn with_member_labels(composition: &[u8]) -> Option<Vec<u8>> {
    const COMPONENT: u8 = ComponentSectionId::Component as u8;
    let members = members(composition);
    if members.is_empty() {
        return None;
    }
    let mut index = 0;
    let labelled: Result<_, BinaryReaderError> = map_sections(composition, |id, content| {
        if id != COMPONENT {
            return Ok(Cow::Borrowed(content));
        }
        let member = members.get(&index);
        index += 1;
        match member {
            Some(member) => Ok(Cow::Owned(label_component(content, member)?)),
            None => Ok(Cow::Borrowed(content)),
        }
    });
    labelled.ok().filter(|_| index > 0)
}

/// The member that a module belongs to, if its name says so, and the module's own name.
pub fn member_of_module(name: &str) -> (Option<&str>, &str) {
    match name.split_once(SEPARATOR) {
        Some((member, own)) => (Some(member), own),
        None => (None, name),
    }
}

/// The member that a place in a composition belongs to.
pub(super) fn member_at(composition: &[u8], offset: usize) -> Option<String> {
    let (mut depth, mut index) = (0, 0);
    for payload in Parser::new(0).parse_all(composition).map_while(Result::ok) {
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentSection {
                unchecked_range, ..
            } if depth == 1 => {
                if unchecked_range.contains(&offset) {
                    return members(composition).remove(&index);
                }
                index += 1;
            }
            _ => {}
        }
    }
    None
}

/// The names of the components that are nested in a component, by their index.
fn members(composition: &[u8]) -> HashMap<u32, String> {
    let mut members = HashMap::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(composition).map_while(Result::ok) {
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(custom) if depth == 1 => {
                if let KnownCustom::ComponentName(names) = custom.as_known() {
                    members.extend(component_names(names));
                }
            }
            _ => {}
        }
    }
    members
}

fn component_names(names: ComponentNameSectionReader<'_>) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for name in names.into_iter().map_while(Result::ok) {
        if let ComponentName::Components(map) = name {
            let named = map.into_iter().map_while(Result::ok);
            found.extend(named.map(|naming| (naming.index, naming.name.to_owned())));
        }
    }
    found
}

fn label_component(component: &[u8], member: &str) -> Result<Vec<u8>, BinaryReaderError> {
    const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
    const COMPONENT: u8 = ComponentSectionId::Component as u8;
    map_sections(component, |id, content| match id {
        CORE_MODULE => Ok(Cow::Owned(label_module(content, member)?)),
        COMPONENT => Ok(Cow::Owned(label_component(content, member)?)),
        _ => Ok(Cow::Borrowed(content)),
    })
}

fn label_module(module: &[u8], member: &str) -> Result<Vec<u8>, BinaryReaderError> {
    const CUSTOM: u8 = SectionId::Custom as u8;
    let mut named = false;
    let mut labelled = map_sections(module, |id, content| match (id, names_of(content)) {
        (CUSTOM, Some(names)) if !named => {
            named = true;
            let mut content = Vec::new();
            NAME.encode(&mut content);
            content.extend(label_names(names, member)?);
            Ok(Cow::Owned(content))
        }
        _ => Ok::<_, BinaryReaderError>(Cow::Borrowed(content)),
    })?;
    if !named {
        let names = CustomSection {
            name: NAME.into(),
            data: label_names(&[], member)?.into(),
        };
        names.append_to(&mut labelled);
    }
    Ok(labelled)
}

/// The custom section that has the names of a module.
const NAME: &str = "name";

/// What is in a custom section, if it is the one with the names.
fn names_of(custom: &[u8]) -> Option<&[u8]> {
    let mut reader = BinaryReader::new(custom, 0);
    let name = reader.read_string().ok()?;
    (name == NAME).then(|| &custom[reader.original_position()..])
}

/// The names of a module, of which its own has the member's in front.
fn label_names(names: &[u8], member: &str) -> Result<Vec<u8>, BinaryReaderError> {
    const MODULE: u8 = 0;
    let mut reader = BinaryReader::new(names, 0);
    let (mut own, mut others) = ("", Vec::new());
    while !reader.eof() {
        let (id, content) = section(&mut reader)?;
        if id == MODULE {
            own = BinaryReader::new(content, 0).read_string()?;
        } else {
            others.push(id);
            content.encode(&mut others);
        }
    }
    let mut name = Vec::new();
    format!("{member}{SEPARATOR}{own}")
        .as_str()
        .encode(&mut name);
    let mut labelled = vec![MODULE];
    name.as_slice().encode(&mut labelled);
    labelled.extend(others);
    Ok(labelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all modules, with those of their functions.
    fn names(component: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let Payload::CustomSection(custom) = payload.unwrap() else {
                continue;
            };
            let KnownCustom::Name(names) = custom.as_known() else {
                continue;
            };
            for name in names {
                match name.unwrap() {
                    wasmparser::Name::Module { name, .. } => found.push(name.to_owned()),
                    wasmparser::Name::Function(map) => {
                        found.extend(map.into_iter().map(|name| name.unwrap().name.to_owned()));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    #[test]
    fn modules_of_members_are_named_after_them() {
        let composition = wat::parse_str(
            r#"(component
                (core module $own (func $f))
                (component $web (core module $web.wasm (func $handle)) (core module))
                (component $lib (component (core module $lib.wasm))))"#,
        )
        .unwrap();
        let labelled = with_member_labels(&composition).unwrap();
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&labelled)
            .unwrap();
        let names = names(&labelled);
        let names: Vec<_> = names.iter().map(|name| member_of_module(name)).collect();
        let expected = [
            (None, "own"),
            (None, "f"),
            (Some("web"), "web.wasm"),
            (None, "handle"),
            (Some("web"), ""),
            (Some("lib"), "lib.wasm"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn what_is_not_composed_stays_as_it_is() {
        let single = wat::parse_str("(component (core module $m (func)))").unwrap();
        assert_eq!(with_member_labels(&single), None);
        assert_eq!(with_member_labels(b"hello"), None);
    }
}
