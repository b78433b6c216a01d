//! The folders of the user that belong to `wash`: its config, its caches, and its data.

pub mod beneath;
pub mod cleanup;
pub mod contents;
pub mod protected;

use std::fs::File;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

const NAME: &str = "wash";

/// `config.yaml` of the user is here.
pub fn config() -> Option<PathBuf> {
    Some(base()?.config_dir().join(NAME))
}

/// What can be made again, or fetched again.
pub fn cache() -> Option<PathBuf> {
    Some(base()?.cache_dir().join(NAME))
}

/// What cannot.
pub fn data() -> Option<PathBuf> {
    Some(base()?.data_dir().join(NAME))
}

fn base() -> Option<impl BaseStrategy> {
    etcetera::choose_base_strategy().ok()
}

/// Says that a folder is in use for as long as the file is open, so that nobody clears it. Any number may say so at the
/// same time. `None` where the file system has no locks.
pub fn hold(directory: &Path) -> Option<File> {
    let file = File::open(directory).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}
