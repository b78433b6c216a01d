//! What the config wires explicitly, and whether it makes sense.

use wash_component::Extern;

use super::candidates::Import;
use super::{Member, Problem, Wire, suggestions};

/// The explicit choice for an import: the most specific of those that speak of it.
pub(super) fn wire_of<'a>(member: &'a Member, import: Import<'_>) -> Option<&'a Wire> {
    let speaking = member.wiring.iter().filter_map(|(key, wire)| {
        specificity(key, import.name, import.external).map(|specificity| (specificity, wire))
    });
    speaking
        .max_by_key(|(specificity, _)| *specificity)
        .map(|(_, wire)| wire)
}

/// How exactly a key of the wiring names an import: a package, an interface of any version, the interface, the import
/// itself, which may be one of several labels of that interface.
fn specificity(key: &str, name: &str, external: &Extern) -> Option<u8> {
    if key == name {
        return Some(4);
    }
    let interface = external.interface.as_ref()?;
    if key == interface.to_string() {
        Some(3)
    } else if key == interface.path() {
        Some(2)
    } else if key == interface.package {
        Some(1)
    } else {
        None
    }
}

/// Wiring of something that the member does not import is a mistake, and most likely a typing error.
pub(super) fn mistakes(member: &Member) -> Vec<Problem> {
    let imports = &member.shape.imports;
    let speaks_of_none = |key: &&String| {
        imports
            .iter()
            .all(|(name, external)| specificity(key, name, external).is_none())
    };
    let mistaken = member.wiring.keys().filter(speaks_of_none);
    mistaken
        .map(|key| Problem::NoSuchImport {
            member: member.name.clone(),
            role: member.role,
            import: key.clone(),
            nearest: suggestions::name(key, imports.keys().map(String::as_str)).map(str::to_string),
        })
        .collect()
}
