//! Why a component imports an interface: what in it brought it in, and which of its other interfaces speak of it.

use serde::Serialize;
use wash_common::advice::Advice;
use wash_component::{Extern, InterfaceName, Origin, Shape};

use super::names::table;
use super::text::provided_by;
use super::view::{Edge, Provider};

/// What is known of an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    pub import: String,
    /// The parts of the guest that call it: ``its crate `std` ``. Empty where the binary does not tell.
    pub brought_by: Vec<String>,
    /// Imports and exports whose functions take or give its resources.
    pub named_by: Vec<String>,
    /// Who provides it here.
    pub provider: Provider,
    pub reason: &'static str,
}

/// What was asked for is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{component}` does not import `{wanted}`")]
pub struct NotImported {
    component: String,
    wanted: String,
    near: Vec<String>,
    exported: bool,
}

impl Advice for NotImported {
    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.exported {
            hints.push("it is an export".to_owned());
        }
        if !self.near.is_empty() {
            let near: Vec<_> = self.near.iter().map(|near| format!("`{near}`")).collect();
            hints.push(format!("it imports {}", near.join(", ")));
        }
        if hints.is_empty() {
            hints.push("leave out `--why` to show all imports".to_owned());
        }
        hints
    }
}

/// How much two names must resemble each other to be taken for one that was mistyped (0 to 1, Jaro-Winkler).
const RESEMBLANCE: f64 = 0.85;

/// The imports that are meant, by a name, an interface without its version, or a whole package.
pub fn why(
    component: &str,
    shape: &Shape,
    edges: &[Edge],
    wanted: &str,
) -> Result<Vec<Why>, NotImported> {
    let asked = |(name, external): (&String, &Extern)| is_meant(wanted, name, external);
    let imports = shape.imports.iter().filter(|import| asked(*import));
    let whys = imports.filter_map(|(name, _)| {
        let edge = edges
            .iter()
            .find(|edge| edge.member == component && edge.import == *name)?;
        let brought = shape.about.brought.get(name);
        Some(Why {
            import: name.clone(),
            brought_by: brought.into_iter().flatten().cloned().collect(),
            named_by: named_by(shape, name),
            provider: edge.provider.clone(),
            reason: edge.reason,
        })
    });
    let whys: Vec<Why> = whys.collect();
    if !whys.is_empty() {
        return Ok(whys);
    }
    let resembles = |name: &&String| {
        let path = name.split('@').next().unwrap_or(name);
        strsim::jaro_winkler(path, wanted.split('@').next().unwrap_or(wanted)) >= RESEMBLANCE
    };
    Err(NotImported {
        component: component.to_owned(),
        wanted: wanted.to_owned(),
        near: shape
            .imports
            .keys()
            .filter(resembles)
            .take(3)
            .cloned()
            .collect(),
        exported: shape.exports.iter().any(asked),
    })
}

fn is_meant(wanted: &str, name: &str, external: &Extern) -> bool {
    let of_interface = |interface: &InterfaceName| {
        let version = interface.version.as_ref();
        let package = version.map(|version| format!("{}@{version}", interface.package));
        [
            interface.path(),
            interface.to_string(),
            interface.package.clone(),
        ]
        .into_iter()
        .chain(package)
        .any(|spelling| spelling == wanted)
    };
    name == wanted || external.interface.as_ref().is_some_and(of_interface)
}

/// The imports and exports that speak of resources which an import makes.
fn named_by(shape: &Shape, import: &str) -> Vec<String> {
    let made_there = |external: &Extern| {
        let resources = shape.types.resources_of(&external.item);
        resources.into_iter().any(|resource| {
            matches!(&shape.types.resource(resource).origin, Origin::Import(from) if from == import)
        })
    };
    let others = shape.imports.iter().filter(|(name, _)| *name != import);
    let speaking = others
        .chain(&shape.exports)
        .filter(|(_, external)| made_there(external));
    speaking.map(|(name, _)| name.clone()).collect()
}

/// In words; ends without a line break.
pub fn text(whys: &[Why]) -> String {
    let mut text = String::new();
    for why in whys {
        text += &format!("{}\n", why.import);
        let (by, reason) = match &why.provider {
            Provider::Missing => ("?".to_string(), "nothing provides it here".to_string()),
            by => provided_by(&why.import, by, why.reason),
        };
        let mut rows = Vec::new();
        let unknown = "unknown: the functions that use it have no names in the binary";
        match (why.brought_by.as_slice(), why.named_by.is_empty()) {
            ([], true) => rows.push(["called by".to_owned(), unknown.to_owned()]),
            ([], false) => {}
            (brought, _) => rows.push(["called by".to_owned(), brought.join(", ")]),
        }
        for name in &why.named_by {
            rows.push(["named by".to_owned(), name.clone()]);
        }
        rows.push([
            "provided by".to_owned(),
            format!("{by} {reason}").trim_end().to_owned(),
        ]);
        text += &table(&rows);
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(import: &str) -> Edge {
        Edge {
            entry: 0,
            member: "app".to_owned(),
            import: import.to_owned(),
            kind: "interface",
            provider: Provider::Missing,
            reason: "missing",
        }
    }

    /// An import, who brings it in, and which imports name it.
    type Told = (String, Vec<String>, Vec<String>);

    fn asked(wanted: &str) -> Result<Vec<Told>, NotImported> {
        let wat = r#"(component
            (import "my:app/things@1.0.0" (instance $things (export "thing" (type $t (sub resource))) (export "f" (func))))
            (alias export $things "thing" (type $thing))
            (import "my:app/users@1.0.0" (instance (alias outer 1 $thing (type $t)) (export "u" (func (param "t" (borrow $t))))))
            (core func $f (canon lower (func $things "f")))
            (core module $m (import "my:app/things@1.0.0" "f" (func $_ZN5mykit1a1f11wit_import017h19ddc891973db3f5E)))
            (instance $i)
            (export "my:out/out" (instance $i)))"#;
        let shape = Shape::parse(&wat::parse_str(wat).unwrap()).unwrap();
        let edges = ["my:app/things@1.0.0", "my:app/users@1.0.0"].map(edge);
        let whys = why("app", &shape, &edges, wanted)?;
        Ok(whys
            .into_iter()
            .map(|why| (why.import, why.brought_by, why.named_by))
            .collect())
    }

    #[test]
    fn who_calls_it_and_who_speaks_of_it() {
        let things = (
            "my:app/things@1.0.0".to_owned(),
            vec!["its crate `mykit`".to_owned()],
            vec!["my:app/users@1.0.0".to_owned()],
        );
        for wanted in ["my:app/things@1.0.0", "my:app/things"] {
            assert_eq!(asked(wanted).unwrap(), std::slice::from_ref(&things));
        }
        for package in ["my:app", "my:app@1.0.0"] {
            assert_eq!(asked(package).unwrap().len(), 2, "{package}");
        }
    }

    #[test]
    fn what_is_not_imported_has_an_answer() {
        let hints = |wanted: &str| asked(wanted).unwrap_err().hints();
        assert_eq!(hints("my:app/thing"), ["it imports `my:app/things@1.0.0`"]);
        assert_eq!(hints("my:out/out"), ["it is an export"]);
        let all = "leave out `--why` to show all imports";
        assert_eq!(hints("wasi:io/poll"), [all]);
    }
}
