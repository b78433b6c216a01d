//! The templates inside the binary: the files of `templates/`, which `build.rs` lists.

use std::sync::LazyLock;

use serde::Deserialize;

/// By path below `templates/`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

const INDEX: &str = include_str!("../../templates/index.toml");

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let index: Index = toml::from_str(INDEX).expect("our own list can be read");
    index.template
});

#[derive(Deserialize)]
struct Index {
    template: Vec<Template>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub name: String,
    /// What its components are written in.
    pub language: String,
    /// Half a sentence.
    pub description: String,
    /// The command that tries it.
    #[serde(default = "dev")]
    pub run: String,
}

fn dev() -> String {
    "wash dev".to_string()
}

/// In the order of the menu.
pub fn all() -> &'static [Template] {
    &TEMPLATES
}

pub fn find(name: &str) -> Option<&'static Template> {
    all().iter().find(|template| template.name == name)
}

impl Template {
    /// Its files, by the path in the project.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        FILES.iter().filter_map(|(path, bytes)| {
            let path = path.strip_prefix(self.name.as_str())?.strip_prefix('/')?;
            Some((path, *bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_directory_is_listed_and_has_what_a_project_needs() {
        let directories = FILES.iter().filter_map(|(path, _)| path.split_once('/'));
        let directories: BTreeSet<&str> = directories.map(|(directory, _)| directory).collect();
        let listed: BTreeSet<&str> = all().iter().map(|template| &*template.name).collect();
        assert_eq!(directories, listed);
        for template in all() {
            let files: Vec<&str> = template.files().map(|(path, _)| path).collect();
            for needed in ["README.md.jinja", ".gitignore"] {
                assert!(files.contains(&needed), "{} {needed}", template.name);
            }
            assert!(!files.iter().any(|path| path.contains("wit/deps")));
        }
    }
}
