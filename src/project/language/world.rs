//! The world that a project's WIT package has, where a tool wants its name.

use std::fs;
use std::path::Path;

use wash_common::files;
use wit_parser::UnresolvedPackageGroup;

/// The only world of a package; else why there is no telling.
pub(super) fn only_world(wit: &Path) -> Result<String, String> {
    if !wit.is_dir() {
        return Err("its wit directory with a world is missing".to_string());
    }
    match worlds(wit)?.as_slice() {
        [world] => Ok(world.clone()),
        [] => Err(format!("the WIT in `{}` has no world", wit.display())),
        worlds => Err(format!(
            "the WIT in `{}` has several worlds: {}",
            wit.display(),
            worlds.join(", ")
        )),
    }
}

pub(super) fn worlds(wit: &Path) -> Result<Vec<String>, String> {
    // The library would read a pipe as well.
    for path in fs::read_dir(wit).into_iter().flatten().flatten() {
        let path = path.path();
        if path.extension().is_some_and(|it| it == "wit") && !path.is_dir() {
            let read = files::read(&path);
            read.map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        }
    }
    let package = UnresolvedPackageGroup::parse_dir(wit)
        .map_err(|error| format!("the WIT in `{}` is not valid: {error:#}", wit.display()))?;
    let worlds = package.main.worlds.iter().map(|(_, world)| &world.name);
    // A world of another package that is included has no name here.
    Ok(worlds.filter(|name| !name.is_empty()).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_of_other_packages_do_not_count() {
        let wit = tempfile::tempdir().unwrap();
        let world = |text: &str| {
            fs::write(wit.path().join("world.wit"), text).unwrap();
            only_world(wit.path())
        };
        let one = "package a:b;\nworld app { include wasi:cli/imports@0.2.0; }\n";
        assert_eq!(world(one).unwrap(), "app");
        let two = format!("{one}world other {{}}\n");
        assert!(world(&two).unwrap_err().ends_with("app, other"));
        assert!(
            world("package a:b;\n")
                .unwrap_err()
                .ends_with("has no world")
        );
    }
}
