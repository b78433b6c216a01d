//! What the project's scripts have put into the user's cache for tests.

use std::env;
use std::path::{Path, PathBuf};

/// A file in the folder `wash` of the cache, by the script that puts it there.
pub(crate) fn installed(path: &str, script: &str) -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache"));
    let path = cache.join("wash").join(path);
    assert!(
        path.exists(),
        "there is no `{}`: run {script}",
        path.display()
    );
    path
}
