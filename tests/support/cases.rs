//! Case files: what goes in, then `-- expected --`, then what must come out. `BLESS=1` writes the last; `CASE=NAME` runs
//! those with NAME in their path only.

use std::fs;
use std::path::{Path, PathBuf};

/// Runs every case of a folder in the project, and fails with all that differ.
pub(crate) fn all(folder: &str, run: fn(&str) -> String) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", dir.display());
    let only = std::env::var("CASE").unwrap_or_default();
    cases.retain(|case| case.to_string_lossy().contains(&only));
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case, run)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What differs, if anything.
fn check(case: &Path, run: fn(&str) -> String) -> Option<String> {
    const EXPECTED: &str = "-- expected --\n";
    let text = fs::read_to_string(case).unwrap();
    let (input, expected) = text.split_once(EXPECTED).unwrap_or((&text, ""));
    let found = run(input);
    if std::env::var_os("BLESS").is_some() {
        fs::write(case, format!("{input}{EXPECTED}{found}")).unwrap();
        return None;
    }
    (found != expected).then(|| format!("{}: expected\n{expected}\nfound\n{found}", case.display()))
}
