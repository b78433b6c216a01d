//! A template of ours and a name in, the files of a project out.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::bundled::Template;
use super::name::Name;

/// Files with this ending are rendered, and lose it.
const RENDERED: &str = ".jinja";

/// A file by its path in the project.
pub(super) struct File {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn render(template: &Template, name: &Name) -> Vec<File> {
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    let mut jinja = Environment::new();
    jinja.set_syntax(syntax.expect("the usual syntax is valid"));
    // Names are plain words everywhere.
    jinja.set_auto_escape_callback(|_| AutoEscape::None);
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    let values = context! {
        name => name.as_str(),
        crate_name => name.crate_name(),
        wit_name => name.wit_name(),
    };
    let file = |(path, bytes): (&str, &[u8])| match path.strip_suffix(RENDERED) {
        None => File {
            path: path.to_string(),
            bytes: bytes.to_vec(),
        },
        Some(path) => {
            let text = std::str::from_utf8(bytes).expect("our own templates are text");
            let text = jinja.render_named_str(path, text, &values);
            File {
                path: path.to_string(),
                bytes: text.expect("our own templates render").into_bytes(),
            }
        }
    };
    template.files().map(file).collect()
}

/// The package that one of these manifests depends on under the project's own name, which no tool allows.
pub(super) fn clash(files: &[File], name: &Name) -> Option<&'static str> {
    let depends = |file: &File| -> Option<&'static str> {
        let text = std::str::from_utf8(&file.bytes).ok()?;
        match file.path.rsplit('/').next()? {
            "Cargo.toml" => {
                let manifest: toml::Table = text.parse().ok()?;
                let dependencies = manifest.get("dependencies")?.as_table()?;
                dependencies.contains_key(name.as_str()).then_some("crate")
            }
            "package.json" => {
                let manifest: serde_json::Value = serde_json::from_str(text).ok()?;
                let dependencies = manifest.get("devDependencies")?.as_object()?;
                let clashes = dependencies.contains_key(name.as_str());
                clashes.then_some("npm package")
            }
            _ => None,
        }
    };
    files.iter().find_map(depends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::bundled;

    #[test]
    fn every_template_renders_and_leaves_no_placeholder() {
        let name: Name = "my-app_2".parse().unwrap();
        for template in bundled::all() {
            let files = render(template, &name);
            assert_eq!(clash(&files, &name), None, "{}", template.name);
            for file in &files {
                let text = String::from_utf8_lossy(&file.bytes);
                let (path, jinja) = (&file.path, file.path.ends_with(RENDERED));
                assert!(!jinja && !text.contains("{{ "), "{}: {path}", template.name);
            }
            let readme = files.iter().find(|file| file.path == "README.md").unwrap();
            assert!(readme.bytes.starts_with(b"# my-app_2\n"));
        }
    }

    #[test]
    fn a_project_has_no_dependency_of_its_own_name() {
        for (template, name) in [("http", "wstd"), ("http-typescript", "rolldown")] {
            let name: Name = name.parse().unwrap();
            let files = render(bundled::find(template).unwrap(), &name);
            assert!(clash(&files, &name).is_some(), "{template}");
        }
    }
}
