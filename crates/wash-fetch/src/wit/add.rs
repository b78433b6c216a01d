//! Adds a package to a world of a project, or takes one away: text, `deps` and lock together.

use std::collections::BTreeSet;
use std::path::Path;

use semver::Version;
use wash_common::atomic::write_atomic;
use wit_parser::PackageName;

use super::diagnose::{list, nearest};
use super::edit::{Line, uses};
use super::error::WitError;
use super::fetch::{Fetched, find};
use super::folder::Folder;
use super::lock::Lock;
use super::name::{Target, is_same_package};
use super::outside::Outside;
use super::registry::{Packages, default_cache};
use super::resolve::{Keep, Resolution};
use super::scan::{Keyword, Outline};
use super::settings::{Override, Overrides, Wit};
use super::source::{Source, Text};
use super::{bundle, edit, store};

/// What to add.
#[derive(Debug)]
pub struct Wanted {
    pub target: Target,
    pub world: Option<String>,
    pub export: bool,
}

#[derive(Debug)]
pub struct Added {
    pub file: String,
    /// As it stands in the file.
    pub line: String,
    pub was_there: bool,
    pub fetched: Fetched,
}

pub async fn add(
    root: &Path,
    wit: &Wit,
    mut folder: Folder,
    wanted: &Wanted,
) -> Result<Added, WitError> {
    let (text, world) = edit::world(&folder.own.texts, wanted.world.as_deref())?;
    let (label, world_name) = (text.label.clone(), text.outline.blocks[world].name.clone());
    let package = with_version(root, wit, &folder, wanted).await?;
    // A first look at what is in the package, with a reference to what is wanted of it.
    let lock = Lock::read(root)?;
    let item = wanted.target.item.as_deref().unwrap_or("imports");
    let probe = Line {
        keyword: Keyword::Import,
        path: package.interface_id(item),
    };
    let before = text.text.clone();
    put(
        &mut folder.own,
        &label,
        edit::add(&before, &Outline::of(&before), world, &probe),
    );
    let Resolution { found, .. } = find(root, wit, &folder, Keep::All, &lock).await?;
    let found = found.iter().find(|found| found.package == package);
    let found = found.map(|found| &found.source);
    let defined = folder.defined();
    let source = found.or_else(|| defined.get(&package).copied());
    let items = source.map(Source::items).unwrap_or_default();
    let line = line(wanted, &package, &items)?;

    let outline = Outline::of(&before);
    let was_there = edit::has(&Text::new(&label, &before), world, &line);
    let after = match was_there {
        true => before.clone(),
        false => edit::add(&before, &outline, world, &line),
    };
    put(&mut folder.own, &label, after.clone());
    let resolution = find(root, wit, &folder, Keep::All, &lock).await?;
    validate(&folder, &resolution)?;

    let written = store::store(&folder, &resolution.found)?;
    let written = written
        .into_iter()
        .map(|found| (found.package.clone(), found.from.clone()))
        .collect();
    if !was_there {
        write_atomic(&root.join(&label), after.as_bytes())?;
    }
    Ok(Added {
        file: format!("{label} (world {world_name})"),
        line: format!("{} {};", line.keyword.as_str(), line.path),
        was_there,
        fetched: Fetched {
            written,
            removed: Vec::new(),
            lock_written: store::store_lock(root, &lock, &resolution.lock)?,
            unsure: resolution.unsure,
        },
    })
}

/// Changes a file of a package, in memory.
fn put(source: &mut Source, label: &str, text: String) {
    if let Some(place) = source.texts.iter_mut().find(|text| text.label == label) {
        *place = Text::new(label, &text);
    }
}

/// As it would be on disk.
fn validate(folder: &Folder, resolution: &Resolution) -> Result<(), WitError> {
    let mut folder = folder.clone();
    for found in &resolution.found {
        folder
            .deps
            .retain(|source| !source.packages().contains(&found.package));
        folder.deps.push(found.source.clone());
    }
    folder.resolve()?;
    Ok(())
}

fn line(wanted: &Wanted, package: &PackageName, items: &[&str]) -> Result<Line, WitError> {
    let has = list(items);
    let refuse = |message, hint| Err(WitError::Edit { message, hint });
    let keyword = if wanted.export {
        Keyword::Export
    } else {
        Keyword::Import
    };
    match wanted.target.item.as_deref() {
        Some(item) if items.contains(&item) => Ok(Line {
            keyword,
            path: package.interface_id(item),
        }),
        Some(item) => refuse(
            format!("no interface `{item}` in `{package}`"),
            Some(match nearest(item, items.iter().copied()) {
                Some(near) => format!("did you mean `{}`?", package.interface_id(near)),
                None => format!("it has {has}"),
            }),
        ),
        None if !wanted.export && items.contains(&"imports") => Ok(Line {
            keyword: Keyword::Include,
            path: package.interface_id("imports"),
        }),
        None => refuse(
            format!("`{package}` has several interfaces: {has}"),
            Some(format!(
                "name one: wash wit add {}",
                package.interface_id(items.first().copied().unwrap_or("INTERFACE"))
            )),
        ),
    }
}

/// The version that the project uses of the package already; the one that it uses of others of the namespace, if there
/// is such a one; that of a folder which an override or the config names; the newest that comes with `wash` and has the
/// interface; the newest of its registry.
async fn with_version(
    root: &Path,
    wit: &Wit,
    folder: &Folder,
    wanted: &Wanted,
) -> Result<PackageName, WitError> {
    let package = &wanted.target.package;
    if package.version.is_some() {
        return Ok(package.clone());
    }
    let with = |version: Version| PackageName {
        version: Some(version),
        ..package.clone()
    };
    let used: BTreeSet<PackageName> = folder
        .own
        .needs()
        .into_iter()
        .map(|need| need.package)
        .collect();
    if let Some(same) = used
        .iter()
        .rev()
        .find(|used| is_same_package(used, package))
    {
        return Ok(same.clone());
    }
    if let Some(there) = folder
        .defined()
        .into_keys()
        .rev()
        .find(|there| is_same_package(there, package))
    {
        return Ok(there);
    }
    if let Some(local) = local_version(root, wit, package)? {
        return Ok(local);
    }
    let has_item = |version: &Version| {
        let Some(text) = bundle::find(&with(version.clone())) else {
            return false;
        };
        wanted
            .target
            .item
            .as_deref()
            .is_none_or(|item| Outline::of(&text).items().any(|there| there == item))
    };
    let ours: Vec<Version> = bundle::versions(&package.namespace, &package.name);
    let ours: Vec<Version> = ours.into_iter().filter(has_item).collect();
    let of_namespace = used
        .iter()
        .rev()
        .filter(|used| used.namespace == package.namespace);
    let releases = of_namespace.filter_map(|used| used.version.clone());
    let mut releases = releases.filter(|version| version.pre.is_empty());
    // Of drafts, one that registries have.
    let published = |version: &&Version| {
        !version.pre.is_empty() && bundle::digest(&with((*version).clone())).is_some()
    };
    let newest = || ours.iter().rfind(published).or(ours.last()).cloned();
    let chosen = releases
        .find(|version| ours.contains(version))
        .or_else(newest);
    if let Some(version) = chosen {
        return Ok(with(version));
    }
    let packages = Packages::new(default_cache(), wit, false);
    let published = packages.versions(package).await;
    let mut newest = published.iter().rev();
    let release = newest.clone().find(|version| version.pre.is_empty());
    match release.or(newest.next()) {
        Some(version) => Ok(with(version.clone())),
        None => Err(WitError::Edit {
            message: format!("which version of `{}`?", wanted.target),
            hint: Some(format!("name it: wash wit add {}@VERSION", wanted.target)),
        }),
    }
}

/// What is in the folder that `wkg.toml`, `wit.sources` or a component of the project says the package is in.
fn local_version(
    root: &Path,
    wit: &Wit,
    package: &PackageName,
) -> Result<Option<PackageName>, WitError> {
    let overrides = Overrides::read(root)?;
    let folder = match (overrides.of(package), wit.source_of(package)) {
        (Some(Override::Path(path)), _) => Some(path.clone()),
        (None, Some(source)) if Outside::is_path(source) => Some(root.join(source)),
        _ => None,
    };
    let mut there: Vec<PackageName> = Vec::new();
    for folder in folder.iter().flat_map(|dir| [dir.clone(), dir.join("wit")]) {
        if folder.exists()
            && let Some(source) = Source::read(&folder, &folder.display().to_string())?
        {
            there.extend(source.packages());
        }
    }
    // Those of other projects that run with this one are named with their versions.
    let named = wit.sources.keys().filter_map(|name| name.parse().ok());
    there.extend(named.map(|target: Target| target.package));
    there.retain(|found| is_same_package(found, package) && found.version.is_some());
    Ok(there.into_iter().max())
}

#[derive(Debug)]
pub struct Removed {
    /// Each with the number of lines that went.
    pub files: Vec<(String, usize)>,
    /// What went from `deps`.
    pub packages: Vec<String>,
}

pub fn remove(
    root: &Path,
    wit: &Wit,
    mut folder: Folder,
    target: &Target,
) -> Result<Removed, WitError> {
    let used: Vec<String> = folder
        .own
        .texts
        .iter()
        .flat_map(|text| {
            uses(text, target).map(|statement| {
                super::diagnose::Place::of(&text.label, &text.text, statement.span.clone())
                    .to_string()
            })
        })
        .collect();
    if !used.is_empty() {
        return Err(WitError::Edit {
            message: format!("types of `{target}` are used in {}", used.join(", ")),
            hint: Some("first remove these `use`s, and what depends on them".to_string()),
        });
    }
    let edits: Vec<(String, String, usize)> = folder
        .own
        .texts
        .iter()
        .map(|text| {
            let (after, lines) = edit::remove(&text.text, &text.outline, target);
            (text.label.clone(), after, lines)
        })
        .filter(|(_, _, lines)| *lines > 0)
        .collect();
    if edits.is_empty() {
        let needs: BTreeSet<String> = folder
            .own
            .needs()
            .into_iter()
            .map(|need| need.package.to_string())
            .collect();
        let names: Vec<&str> = needs.iter().map(String::as_str).collect();
        return Err(WitError::Edit {
            message: format!("no world in `{}` refers to `{target}`", wit.dir.display()),
            hint: Some(format!("they refer to {}", list(&names))),
        });
    }
    let before = folder.reachable();
    for (label, after, _) in &edits {
        put(&mut folder.own, label, after.clone());
    }
    let after = folder.reachable();
    for (label, text, _) in &edits {
        write_atomic(&root.join(label), text.as_bytes())?;
    }
    let mut packages = Vec::new();
    for source in &folder.deps {
        let names = source.packages();
        let went = names.iter().any(|name| before.contains(name))
            && !names.iter().any(|name| after.contains(name));
        if went {
            store::remove(source)?;
            packages.push(source.file_name());
        }
    }
    let lock = Lock::read(root)?;
    let mut rest = lock.clone();
    let needed: BTreeSet<PackageName> = folder
        .own
        .needs()
        .into_iter()
        .map(|need| need.package)
        .collect();
    rest.retain(|package| needed.contains(package) || !target.covers(package, None));
    store::store_lock(root, &lock, &rest)?;
    let files = edits
        .into_iter()
        .map(|(label, _, lines)| (label, lines))
        .collect();
    Ok(Removed { files, packages })
}
