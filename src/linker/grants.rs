//! What the composed component imports from the host, and under which names.
//!
//! Shared interfaces keep their own name, and versions of one track become one import, so that a handle is of one type
//! in all members. An interface that grants something is imported once for each member, under a plain name, which
//! nothing merges. A single member is not composed, and all its imports keep their names.

use std::collections::BTreeMap;

use wash_component::host_interface::Scope;
use wash_component::{Extern, InterfaceName, Item, Origin, Shape};

use super::resolve::{Chosen, Resolution};
use super::{HostImport, Planned};

pub(super) struct Names<'a> {
    pub(super) imports: Vec<HostImport>,
    /// Member (as in the resolution) and import, to the index into `imports`.
    pub(super) of: BTreeMap<(usize, &'a str), usize>,
}

/// Names the imports that the host provides. `planned` has the members of `resolution` that take part, in order.
pub(super) fn name<'a>(planned: &[Planned], resolution: &Resolution<'a>) -> Names<'a> {
    let mut names = Names {
        imports: Vec::new(),
        of: BTreeMap::new(),
    };
    let mut shared: BTreeMap<String, usize> = BTreeMap::new();
    let mut first: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (place, (member, choices)) in resolution.choices.iter().enumerate() {
        let shape = &planned[place].shape;
        let own = own_grants(shape, |import| {
            choices.iter().any(|c| {
                c.import == import
                    && matches!(c.provider, Chosen::Host(h) if h.scope == Scope::PerMember)
            })
        });
        for choice in choices {
            let capability = match choice.provider {
                Chosen::Host(served) => Some(served.capability),
                Chosen::Runtime => None,
                _ => continue,
            };
            let interface = shape.imports[choice.import].interface.clone();
            let family = interface
                .as_ref()
                .map_or_else(|| choice.import.to_string(), InterfaceName::family);
            let per_member = own.contains(&choice.import);
            let alone = planned.len() == 1;
            let labelled = shape.imports[choice.import].is_label(choice.import);
            let index = if !alone && !per_member && !labelled {
                let index = *shared.entry(family.clone()).or_insert(names.imports.len());
                if let Some(known) = names.imports.get_mut(index) {
                    if known.version() < interface.as_ref().and_then(|i| i.version.as_ref()) {
                        known.import = choice.import.to_string();
                        known.interface = interface;
                    }
                    names.of.insert((*member, choice.import), index);
                    continue;
                }
                index
            } else {
                names.imports.len()
            };
            let import = match alone || (!per_member && !labelled) {
                true => choice.import.to_string(),
                false => plain_name(
                    &planned[place].name,
                    choice.import,
                    interface.as_ref(),
                    &names.imports,
                ),
            };
            let mut same = BTreeMap::new();
            for resource in made(shape, choice.import) {
                let known = *first
                    .entry((family.clone(), resource.to_string()))
                    .or_insert(index);
                if known != index {
                    same.insert(resource.to_string(), known);
                }
            }
            names.imports.push(HostImport {
                import,
                interface,
                scope: if per_member {
                    Scope::PerMember
                } else {
                    Scope::Shared
                },
                member: (per_member || labelled).then_some(place),
                capability,
                same,
            });
            names.of.insert((*member, choice.import), index);
        }
    }
    names
}

/// The resources that an import makes, and does not have from another.
fn made<'s>(shape: &'s Shape, import: &'s str) -> impl Iterator<Item = &'s str> {
    let exports = match &shape.imports[import].item {
        Item::Instance(instance) => Some(&instance.exports),
        _ => None,
    };
    let made = move |item| {
        let resource = shape.types.named_resource(item)?;
        let origin = &shape.types.resource(resource).origin;
        matches!(origin, Origin::Import(of) if of == import).then_some(())
    };
    exports
        .into_iter()
        .flatten()
        .filter_map(move |(name, item)| made(item).map(|()| name.as_str()))
}

/// The imports of a member that are its own: those that grant something, and those that speak of a resource which one
/// of these makes.
fn own_grants(shape: &Shape, grants: impl Fn(&str) -> bool) -> Vec<&str> {
    let speaks_of_granted = |external: &Extern| match &external.item {
        Item::Instance(instance) => instance.exports.values().any(|item| {
            shape.types.named_resource(item).is_some_and(|resource| {
                match &shape.types.resource(resource).origin {
                    Origin::Import(import) => grants(import),
                    Origin::Own => false,
                }
            })
        }),
        _ => false,
    };
    let own = shape
        .imports
        .iter()
        .filter(|(name, external)| grants(name) || speaks_of_granted(external));
    own.map(|(name, _)| name.as_str()).collect()
}

/// `blob-wasi-filesystem-preopens`; with the version when the member imports several.
fn plain_name(
    member: &str,
    import: &str,
    interface: Option<&InterfaceName>,
    taken: &[HostImport],
) -> String {
    let label = match interface {
        Some(interface) if import == interface.to_string() => interface.path(),
        _ => import.to_string(),
    };
    let name = kebab(&format!("{member}-{label}"));
    if !taken.iter().any(|known| known.import == name) {
        return name;
    }
    let version = interface
        .and_then(|interface| interface.version.as_ref())
        .map(|v| format!("v{}x{}x{}{}", v.major, v.minor, v.patch, v.pre));
    let mut name = kebab(&format!("{name}-{}", version.unwrap_or_default()));
    while taken.iter().any(|known| known.import == name) {
        name.push_str("-x");
    }
    name
}

/// A label of the component model: words of letters and digits that begin with a letter, joined by dashes.
pub(super) fn kebab(text: &str) -> String {
    let mut label = String::new();
    for word in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !label.is_empty() {
            label.push('-');
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            label.push('n');
        }
        label.push_str(&word.to_ascii_lowercase());
    }
    label
}
