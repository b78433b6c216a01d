//! Whether a plugin has the interfaces of `wash:plugin` as this version of `wash` has them.
//!
//! What it exports and imports beside these is compared where it is linked: with whoever imports it, or serves it.

use wash_common::advice::Advice;
use wash_component::{Extern, Item, Shape};
use wash_fetch::wit::{bundle, name};

use super::guest::Guest;
use crate::linker::{Difference, difference};

/// An interface of `wash:plugin` is another one in the plugin.
#[derive(Debug, thiserror::Error)]
#[error("the plugin {way} `{interface}`, but with another type: {difference}")]
pub struct Misfit {
    /// `exports` or `imports`.
    way: &'static str,
    interface: String,
    difference: Box<Difference>,
}

impl Advice for Misfit {
    fn hints(&self) -> Vec<String> {
        vec![
            "build it against the `wash:plugin@0.1.0` of this version, which `wash wit fetch` fetches"
                .to_owned(),
        ]
    }
}

/// Compares everything that a plugin has of `wash:plugin`.
pub fn check(guest: &Guest) -> Result<(), Misfit> {
    let (ours, theirs) = (ours(), guest.shape());
    let own = |of: &Extern| -> Option<&Item> {
        let wanted = of.interface.as_ref()?;
        let mut own = ours.exports.values();
        let is_wanted = |own: &&Extern| {
            let name = own.interface.as_ref();
            name.is_some_and(|name| name.compatible(wanted))
        };
        own.find(is_wanted).map(|own| &own.item)
    };
    let misfit = |way, interface: &String, difference: Option<Difference>| match difference {
        None => Ok(()),
        Some(difference) => Err(Misfit {
            way,
            interface: interface.clone(),
            difference: difference.into(),
        }),
    };
    for (name, export) in &theirs.exports {
        if let Some(own) = own(export) {
            let found = difference((&ours.types, own), (&theirs.types, &export.item));
            misfit("exports", name, found)?;
        }
    }
    for (name, import) in &theirs.imports {
        if let Some(own) = own(import) {
            let found = difference((&theirs.types, &import.item), (&ours.types, own));
            misfit("imports", name, found)?;
        }
    }
    Ok(())
}

/// Our interfaces, as if a component exported them.
fn ours() -> Shape {
    let package = name::package("wash", "plugin", Some(semver::Version::new(0, 1, 0)));
    let (resolve, package) = bundle::resolve(&package).expect("it comes with `wash`");
    let bytes = wit_component::encode(&resolve, package).expect("our own package is valid");
    Shape::of_package(&bytes).expect("what was just encoded can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_package_has_all_that_plugins_have() {
        let ours = ours();
        let names: Vec<&str> = ours.exports.keys().map(String::as_str).collect();
        for name in [
            "describer",
            "runner",
            "async-runner",
            "hooks",
            "async-hooks",
            "completer",
            "project",
            "process",
        ] {
            let name = format!("wash:plugin/{name}@0.1.0");
            assert!(names.contains(&name.as_str()), "{name}: {names:?}");
        }
    }

    /// What is said of a component in the text format.
    fn checked(text: &str) -> Result<(), String> {
        let bytes = wat::parse_str(text).unwrap();
        let guest = Guest::new("my", bytes.into()).unwrap();
        check(&guest).map_err(|misfit| misfit.to_string())
    }

    /// Exports a function that is never called.
    fn exporting(interface: &str, function: &str, ty: &str) -> String {
        format!(
            r#"(component
                (type $ty {ty})
                (import "given" (func $given (type $ty)))
                (instance $all (export "{function}" (func $given)))
                (export "{interface}" (instance $all)))"#
        )
    }

    #[test]
    fn what_is_exported_is_what_we_call() {
        let misfit = checked(&exporting(
            "wash:plugin/completer@0.1.0",
            "complete",
            r#"(func (param "question" string) (result (list string)))"#,
        ));
        let misfit = misfit.unwrap_err();
        assert!(
            misfit.starts_with("the plugin exports `wash:plugin/completer@0.1.0`"),
            "{misfit}"
        );
        assert!(
            misfit.contains("function `complete`: parameter `question`: expected `"),
            "{misfit}"
        );
        let misfit = checked(&exporting(
            "wash:plugin/hooks@0.1.3",
            "hooked",
            "(func (result bool))",
        ));
        let misfit = misfit.unwrap_err();
        assert!(
            misfit.ends_with("expected function `hook`, found nothing of that name"),
            "{misfit}"
        );
    }

    #[test]
    fn what_is_imported_is_what_we_serve() {
        let import = |ty: &str| {
            checked(&format!(
                r#"(component (import "wash:plugin/process@0.1.0" (instance (export "run" (func {ty})))))"#
            ))
        };
        let misfit = import(r#"(param "line" string)"#).unwrap_err();
        assert!(
            misfit.starts_with("the plugin imports `wash:plugin/process@0.1.0`"),
            "{misfit}"
        );
        assert!(misfit.contains("function `run`"), "{misfit}");
    }

    #[test]
    fn other_packages_are_not_looked_at() {
        for interface in [
            "my:own/hooks@0.1.0",
            "wash:plugin/hooks@2.0.0",
            "wash:plugin/more@0.1.0",
        ] {
            let other = exporting(interface, "hook", "(func (result bool))");
            assert_eq!(checked(&other), Ok(()), "{interface}");
        }
    }
}
