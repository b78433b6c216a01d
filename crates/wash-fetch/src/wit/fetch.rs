//! Brings `deps` and the lock to what the project's texts refer to.

use std::path::Path;

use wit_parser::PackageName;

use super::error::WitError;
use super::folder::Folder;
use super::lock::Lock;
use super::registry::{Packages, default_cache};
use super::resolve::{From, Given, Keep, Partial, Resolution, Unsure};
use super::settings::{Overrides, Wit};
use super::{resolve, store};

/// What changed.
#[derive(Debug, Default)]
pub struct Fetched {
    pub written: Vec<(PackageName, From)>,
    /// What was removed, as it was called in `deps`.
    pub removed: Vec<String>,
    pub lock_written: bool,
    /// What may be less than there is of it, as nobody could be asked.
    pub unsure: Vec<Unsure>,
}

impl Fetched {
    /// One line for those who did not ask for it.
    pub fn news(&self, wit: &Wit) -> Option<String> {
        let names: Vec<String> = self
            .written
            .iter()
            .map(|(package, _)| package.to_string())
            .collect();
        let deps = wit.dir.join("deps");
        (!names.is_empty())
            .then(|| format!("fetched into {}: {}", deps.display(), names.join(", ")))
    }

    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty() && !self.lock_written
    }
}

/// What a build begins with: fetches what is missing, and is done at once when nothing is.
pub async fn ensure(root: &Path, wit: &Wit) -> Result<Fetched, WitError> {
    if wit.skip_fetch {
        return Ok(Fetched::default());
    }
    let Some(folder) = open(root, wit)? else {
        return Ok(Fetched::default());
    };
    if is_complete(root, wit, &folder)? {
        return Ok(Fetched::default());
    }
    fetch(root, wit, &folder, Keep::All).await
}

/// Whether the project's WIT is right, before a toolchain finds out much later: of what is not complete only its grammar.
pub fn validate(root: &Path, wit: &Wit) -> Result<(), WitError> {
    let Some(folder) = open(root, wit)? else {
        return Ok(());
    };
    match folder.missing().is_empty() {
        true => folder.resolve().map(drop)?,
        false => folder.own.parse().map(drop)?,
    }
    Ok(())
}

/// Whether there is nothing to fetch, as far as that can be told without asking anybody.
pub fn is_complete(root: &Path, wit: &Wit, folder: &Folder) -> Result<bool, WitError> {
    let (lock, overrides) = (Lock::read(root)?, Overrides::read(root)?);
    Ok(resolve::is_complete(folder, &lock, &overrides, wit))
}

/// The packages in `deps` that were brought along and have less than the project asks of them, certainly or perhaps.
pub async fn partial(
    root: &Path,
    wit: &Wit,
    folder: &Folder,
) -> Result<(Vec<Partial>, Vec<Unsure>), WitError> {
    let (lock, overrides) = (Lock::read(root)?, Overrides::read(root)?);
    let offline = Wit {
        offline: true,
        ..wit.clone()
    };
    let given = Given {
        root,
        wit: &offline,
        overrides: &overrides,
        lock: &lock,
        keep: Keep::All,
        packages: &Packages::new(default_cache(), &offline, false),
    };
    Ok(resolve::partial(folder, &given).await)
}

/// The project's WIT folder, if it has one.
pub fn open(root: &Path, wit: &Wit) -> Result<Option<Folder>, WitError> {
    Folder::read(&root.join(&wit.dir), &wit.dir.display().to_string())
}

/// Fetches what is missing, and what is not to be kept. Everything is found before anything is written.
pub async fn fetch(
    root: &Path,
    wit: &Wit,
    folder: &Folder,
    keep: Keep,
) -> Result<Fetched, WitError> {
    let before = Lock::read(root)?;
    let resolution = find(root, wit, folder, keep, &before).await?;
    let written = store::store(folder, &resolution.found)?;
    let written = written
        .into_iter()
        .map(|found| (found.package.clone(), found.from.clone()))
        .collect();
    Ok(Fetched {
        written,
        removed: Vec::new(),
        lock_written: store::store_lock(root, &before, &resolution.lock)?,
        unsure: resolution.unsure,
    })
}

/// Removes what nothing needs. The names in `deps` that went.
pub fn prune(folder: &Folder) -> Result<Vec<String>, WitError> {
    let unused = folder.unused().into_iter();
    unused
        .map(|source| store::remove(source).map(|()| source.file_name()))
        .collect()
}

pub(super) async fn find(
    root: &Path,
    wit: &Wit,
    folder: &Folder,
    keep: Keep,
    lock: &Lock,
) -> Result<Resolution, WitError> {
    let overrides = Overrides::read(root)?;
    let packages = Packages::new(default_cache(), wit, keep != Keep::All);
    let given = Given {
        root,
        wit,
        overrides: &overrides,
        lock,
        keep,
        packages: &packages,
    };
    resolve::resolve(folder, &given).await
}
