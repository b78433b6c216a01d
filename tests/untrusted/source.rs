//! Rules of the sources that the compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 100);
    found
}

fn collect(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// `json!` panics on a path that is not UTF-8, where no lint sees it.
#[test]
fn paths_in_json_are_lossy() {
    // A path by its name. Those of WIT packages are strings.
    let path = r#""\w+": &?(\w+\.)*(path|file|dir|directory|folder|root)(\(\))?(\.clone\(\))?,"#;
    let values = Regex::new(path).unwrap();
    for (file, text) in sources() {
        let is_of_wit =
            file.ends_with("commands/wit/edit.rs") || file.ends_with("commands/wit/graph.rs");
        for part in text.split("json!(").skip(1) {
            let body = part.split(';').next().unwrap_or_default();
            let found = values.find(body).map(|found| found.as_str());
            // Those of a setting and of a request are strings.
            let is_text =
                |found: &&str| found.starts_with("\"key\"") || found.contains("access.path");
            let found = found.filter(|found| !is_text(found));
            assert!(
                found.is_none() || is_of_wit,
                "{}: {found:?}: report::json_path",
                file.display()
            );
        }
    }
}

#[test]
fn paths_in_what_is_serialized_are_lossy() {
    let derive = Regex::new(r"#\[derive\([^)]*\bSerialize\b[^)]*\)\]").unwrap();
    let path = Regex::new(r"\b(PathBuf|Path)\b").unwrap();
    for (file, text) in sources() {
        for found in derive.find_iter(&text) {
            let body = &text[found.end()..];
            let body = &body[..body.find("\n}").unwrap_or(body.len())];
            let mut lossy = false;
            for line in body.lines() {
                lossy |= line.contains("serialize_path");
                let is_path = path.is_match(line) && !line.trim_start().starts_with("//");
                assert!(
                    !is_path || lossy,
                    "{}: {line}: report::serialize_path",
                    file.display()
                );
                lossy &= line.trim_start().starts_with("#[");
            }
        }
    }
}

/// Whoever owns a public address decides what is behind it.
#[test]
fn no_public_address_is_taken_for_ours() {
    let ours = env!("CARGO_PKG_REPOSITORY");
    let name = ours.rsplit_once("//").map_or(ours, |(_, rest)| rest);
    let name = name.split_once('/').map_or(name, |(_, path)| path);
    let mut places = sources();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for dir in ["docs", "man", "schema", "completions", "templates"] {
        collect_all(&root.join(dir), &mut places);
    }
    for (file, text) in places {
        assert!(!text.contains(&format!("/{name}")), "{}", file.display());
        assert!(!text.contains("CARGO_PKG_REPOSITORY"), "{}", file.display());
    }
}

fn collect_all(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect_all(&path, found),
            false => found.extend(fs::read_to_string(&path).ok().map(|text| (path, text))),
        }
    }
}
