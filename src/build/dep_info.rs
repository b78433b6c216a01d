//! What cargo says that it has read for a component: the file with the ending `.d` beside it.
//!
//! It is written as for make: the outputs, a colon, and the inputs, each with its spaces escaped. There are the sources
//! of all packages that are not from a registry, what macros include, and what build scripts ask to be rerun for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wash_common::files;

/// The inputs of a component as far as something beside it tells them. What lies where tools build is left out.
pub fn inputs(component: &Path) -> BTreeSet<PathBuf> {
    let text = files::read_to_string(component.with_extension("d")).unwrap_or_default();
    let inputs = parse(&text).into_iter();
    let is_source = |path: &PathBuf| {
        let mut above = path.ancestors().skip(1);
        path.is_absolute() && !above.any(|dir| dir.join("CACHEDIR.TAG").exists())
    };
    inputs
        // As the watcher has them.
        .filter_map(|path| path.canonicalize().ok())
        .filter(is_source)
        .collect()
}

fn parse(text: &str) -> Vec<PathBuf> {
    let rules = text.lines().filter(|line| !line.starts_with('#'));
    let inputs = rules.filter_map(|rule| Some(rule.split_once(": ")?.1));
    inputs.flat_map(paths).collect()
}

fn paths(list: &str) -> Vec<PathBuf> {
    let mut paths = vec![String::new()];
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = paths.last_mut().expect("there is one from the beginning");
        match letter {
            '\\' if letters.peek() == Some(&' ') => last.extend(letters.next()),
            ' ' => paths.push(String::new()),
            letter => last.push(letter),
        }
    }
    paths.retain(|path| !path.is_empty());
    paths.into_iter().map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn as_cargo_writes_it() {
        let text = "/t/app.wasm: /p/src/lib.rs /p/my\\ page.html /q/a\\b\n";
        let expected = ["/p/src/lib.rs", "/p/my page.html", "/q/a\\b"];
        assert_eq!(parse(text), expected.map(PathBuf::from));
        assert_eq!(parse(""), [""; 0].map(PathBuf::from));
        assert_eq!(parse("/t/app.wasm:\n"), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn what_tools_make_is_no_source() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("target/out")).unwrap();
        fs::write(dir.join("target/CACHEDIR.TAG"), "").unwrap();
        for file in ["page.html", "target/out/made.rs"] {
            fs::write(dir.join(file), "").unwrap();
        }
        let path = |file: &str| dir.join(file).display().to_string();
        let list = ["page.html", "target/out/made.rs", "gone.rs"]
            .map(path)
            .join(" ");
        fs::write(dir.join("app.d"), format!("{}: {list}\n", path("app.wasm"))).unwrap();
        assert_eq!(
            inputs(&dir.join("app.wasm")),
            [dir.join("page.html")].into()
        );
    }
}
