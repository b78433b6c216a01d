//! Imports go down: in each crate, a module uses what stands in its own block of `lib.rs` or in a block below it, and no
//! two modules use each other, however many others are between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of a crate, by the block of `lib.rs` that declares them: the first block is on top.
fn layers(lib: &str) -> BTreeMap<String, usize> {
    let mut layers = BTreeMap::new();
    let mut block = 0;
    for line in lib.lines() {
        let declaration = line.trim_start_matches("pub ").strip_prefix("mod ");
        match declaration.and_then(|rest| rest.strip_suffix(';')) {
            Some(module) => {
                layers.insert(module.to_owned(), block);
            }
            None if line.is_empty() => block += 1,
            None => {}
        }
    }
    layers
}

/// What is compiled into the crate itself: tests may use what they like.
fn without_tests(source: &str) -> &str {
    let end = source.find("#[cfg(test)]\nmod ").unwrap_or(source.len());
    &source[..end]
}

/// The modules of its own crate that a source names, as far as they are in `layers`.
fn used(source: &str, layers: &BTreeMap<String, usize>) -> BTreeSet<String> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => top_level(group),
            None => vec![rest],
        };
        let name = |text: &str| {
            let text = text.trim_start();
            let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
            text[..end.unwrap_or(text.len())].to_owned()
        };
        used.extend(names.into_iter().map(name));
    }
    used.retain(|name| layers.contains_key(name));
    used
}

/// The items of a group of imports, up to the brace that ends it.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "tests" || name == "tests.rs" || name == "testing" || name == "contract" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// What is wrong with the imports of the crate whose `lib.rs` is in `dir`.
fn problems(dir: &Path) -> Vec<String> {
    let lib = fs::read_to_string(dir.join("lib.rs")).expect("a crate has a lib.rs");
    let layers = layers(&lib);
    let mut files = Vec::new();
    sources(dir, &mut files);
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    for file in files {
        let path = file.strip_prefix(dir).expect("it was found there");
        let Some(first) = path.iter().next() else {
            continue;
        };
        let module = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(own) = layers.get(&module) else {
            continue;
        };
        let source = fs::read_to_string(&file).expect("the file can be read");
        for other in used(without_tests(&source), &layers) {
            if other == module {
                continue;
            }
            if layers[&other] < *own {
                problems.push(format!(
                    "{} uses `{other}`, which is above it",
                    file.display()
                ));
            }
            graph.entry(module.clone()).or_default().insert(other);
        }
    }
    problems
        .extend(cycle(&graph).map(|cycle| format!("{}: {}", dir.display(), cycle.join(" -> "))));
    problems
}

/// Modules that use each other in a circle, if some do.
fn cycle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit<'g>(
        module: &'g str,
        graph: &'g BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<&'g str>,
        done: &mut BTreeSet<&'g str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|other| *other == module) {
            let cycle = path[start..].iter().chain([&module]);
            return Some(cycle.map(ToString::to_string).collect());
        }
        if done.contains(module) {
            return None;
        }
        path.push(module);
        let used = graph.get(module).into_iter().flatten();
        let found = used
            .map(|other| visit(other, graph, path, done))
            .find(Option::is_some)
            .flatten();
        path.pop();
        done.insert(module);
        found
    }
    let mut done = BTreeSet::new();
    graph
        .keys()
        .find_map(|module| visit(module, graph, &mut Vec::new(), &mut done))
}

#[test]
fn modules_use_what_is_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut crates = vec![root.join("src")];
    for entry in fs::read_dir(root.join("crates")).expect("the folder can be read") {
        crates.push(entry.expect("the entry can be read").path().join("src"));
    }
    assert!(crates.len() > 3, "{crates:?}");
    let problems: Vec<String> = crates.iter().flat_map(|dir| problems(dir)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_cycle_and_an_import_upwards_are_found() {
    let lib = "pub mod top;\n\npub mod left;\nmod right;\n\npub mod bottom;\n";
    let layers = layers(lib);
    assert!(layers["top"] < layers["left"]);
    assert_eq!(layers["left"], layers["right"]);
    let names = |source| used(source, &layers).into_iter().collect::<Vec<_>>();
    assert_eq!(
        names("use crate::{left::{a, b}, bottom};"),
        ["bottom", "left"]
    );
    assert_eq!(names("// crate::left\nother_crate::right::x"), [""; 0]);
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            let entry = graph.entry((*from).to_owned()).or_default();
            entry.insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(cycle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = cycle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")]));
    assert_eq!(found.unwrap_or_default(), ["b", "c", "b"]);
}
