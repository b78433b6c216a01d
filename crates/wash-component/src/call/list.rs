//! What can be called, as one would type it.

use indexmap::IndexSet;
use serde::Serialize;

use super::catalog::{Catalog, Function, Kind};
use super::find;
use crate::{Type, TypeId};

/// A function, for `--list`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The shortest name that means it and no other.
    pub name: String,
    /// With parameters, types and answer: `item(name: string).rename(name: string)`.
    pub call: String,
    /// `function`, `constructor`, `method` or `static`.
    pub kind: &'static str,
    /// The name of the export that has it, if that is an interface.
    pub interface: Option<String>,
    pub resource: Option<String>,
    #[serde(rename = "async")]
    pub is_async: bool,
    pub params: Vec<Param>,
    pub result: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
}

/// A type that has a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Named {
    pub name: String,
    pub definition: String,
}

/// Everything that can be called.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    pub functions: Vec<Entry>,
    /// What the functions speak of.
    pub types: Vec<Named>,
}

pub fn listing(catalog: &Catalog) -> Listing {
    let functions = (0..catalog.functions.len()).map(|index| entry(catalog, index));
    let mut types = IndexSet::new();
    for function in &catalog.functions {
        let used = function.params().iter().map(|(_, ty)| *ty);
        for ty in used.chain(function.func.result) {
            named(catalog, ty, &mut types);
        }
    }
    Listing {
        functions: functions.collect(),
        types: types.into_iter().collect(),
    }
}

/// Adds the names that a type is made of.
fn named(catalog: &Catalog, ty: TypeId, types: &mut IndexSet<Named>) {
    if let Some(name) = catalog.names.get(&ty) {
        let definition = catalog.types.spell_out(ty, &catalog.names);
        let named = Named {
            name: name.clone(),
            definition,
        };
        if !types.insert(named) {
            return;
        }
    }
    let parts = match catalog.types.get(ty) {
        Type::Own(_) | Type::Borrow(_) | Type::Resource(_) => Vec::new(),
        other => other.parts(),
    };
    parts
        .into_iter()
        .for_each(|part| named(catalog, part, types));
}

fn entry(catalog: &Catalog, index: usize) -> Entry {
    let function = &catalog.functions[index];
    let params = function.params().iter().map(|(name, ty)| Param {
        name: name.clone(),
        ty: catalog.type_text(*ty),
    });
    let (kind, resource) = match &function.kind {
        Kind::Free => ("function", None),
        Kind::Constructor { resource } => ("constructor", Some(resource)),
        Kind::Method { resource, .. } => ("method", Some(resource)),
        Kind::Static { resource, .. } => ("static", Some(resource)),
    };
    Entry {
        name: find::spelling(catalog, index),
        call: signature(catalog, function),
        kind,
        interface: function.interface.as_ref().map(|i| i.export.clone()),
        resource: resource.cloned(),
        is_async: function.func.is_async,
        params: params.collect(),
        result: function.func.result.map(|ty| catalog.type_text(ty)),
    }
}

/// A function as one would type it, with names and types for values: `add(a: u32, b: u32) -> u32`.
pub(super) fn signature(catalog: &Catalog, function: &Function) -> String {
    let index = catalog
        .functions
        .iter()
        .position(|other| (&other.interface, &other.name) == (&function.interface, &function.name));
    let spelling = index.map_or_else(|| function.short(), |index| find::spelling(catalog, index));
    let called = match &function.kind {
        Kind::Method { method, .. } => format!("{}.{method}", maker(catalog, function, &spelling)),
        _ => spelling,
    };
    let result = function.func.result.map(|ty| catalog.type_text(ty));
    let result = result
        .map(|result| format!(" -> {result}"))
        .unwrap_or_default();
    format!("{called}({}){result}", parameters(catalog, function))
}

/// What to call a method on: its constructor, or whatever else makes such a resource.
fn maker(catalog: &Catalog, method: &Function, spelling: &str) -> String {
    let this = method
        .func
        .params
        .first()
        .map(|(_, ty)| catalog.types.get(*ty));
    let resource = match this {
        Some(Type::Borrow(resource)) => *resource,
        _ => return spelling.to_owned(),
    };
    let makes = |function: &&Function| {
        let made = function.func.result.and_then(|ty| catalog.resource(ty));
        made.is_some_and(|(made, _)| made == resource)
            && !matches!(function.kind, Kind::Method { .. })
    };
    let mut makers: Vec<_> = catalog.functions.iter().filter(makes).collect();
    makers.sort_by_key(|function| !matches!(function.kind, Kind::Constructor { .. }));
    match makers.first() {
        Some(maker) => {
            let signature = signature(catalog, maker);
            let end = signature.find(" -> ").unwrap_or(signature.len());
            signature[..end].to_owned()
        }
        // Nothing makes one.
        None => format!("<{}>", catalog.types.resource(resource).name),
    }
}

fn parameters(catalog: &Catalog, function: &Function) -> String {
    let params = function.params().iter();
    let params = params.map(|(name, ty)| format!("{name}: {}", catalog.type_text(*ty)));
    params.collect::<Vec<_>>().join(", ")
}

/// The listing for people: by interface, then the types that have names. Ends without a line break.
pub fn text(listing: &Listing) -> String {
    let mut text = String::new();
    let mut interface: Option<&Option<String>> = None;
    for function in &listing.functions {
        if interface != Some(&function.interface) {
            if let Some(name) = &function.interface {
                text += &format!("{name}\n");
            }
            interface = Some(&function.interface);
        }
        text += &format!("  {}\n", function.call);
    }
    if !listing.types.is_empty() {
        text += "types\n";
        for named in &listing.types {
            text += &format!("  {}: {}\n", named.name, named.definition);
        }
    }
    text.truncate(text.trim_end().len());
    text
}
