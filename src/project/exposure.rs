//! Warns of volumes through which components get at more than data: at the project, or at a store.

use std::path::{Path, PathBuf};

use super::raw::{RawComponent, RawConfig, RawPlace, RawVolume, RawWhich};
use super::table::{Located, Notes};

/// Warns of everything in one config. `root` is the project's.
pub(super) fn warn(raw: &RawConfig, root: &Path, notes: &Notes) {
    let project = real(root);
    let mut writable = Vec::new();
    for volume in volumes(raw).filter(|volume| !volume.read_only) {
        let RawPlace::HostPath(path) = &volume.place else {
            continue;
        };
        let directory = real(&root.join(&path.value));
        if project.starts_with(&directory) {
            let message = format!(
                "`{}` lets a component change the project: what it writes there is built and run outside the sandbox",
                path.key
            );
            let hint = "add `read_only: true`, or name a directory that holds data alone";
            notes.warn(&path.at, message, Some(hint.to_string()));
        }
        writable.push(directory);
    }
    for store in stores(raw) {
        let place = real(&root.join(&store.value));
        if let Some(volume) = writable.iter().find(|volume| place.starts_with(volume)) {
            let message = format!(
                "`{}` lies in the writable volume `{}`, so components can change it without the store",
                store.key,
                volume.display()
            );
            let hint = "keep it in a directory of its own; links in it are not followed";
            notes.warn(&store.at, message, Some(hint.to_string()));
        }
    }
}

fn components(raw: &RawConfig) -> impl Iterator<Item = &RawComponent> {
    let service = raw.dev.service.iter();
    let service = service.filter_map(|service| match &service.which {
        RawWhich::Component(component) => Some(&**component),
        _ => None,
    });
    raw.dev.components.iter().chain(service)
}

fn volumes(raw: &RawConfig) -> impl Iterator<Item = &RawVolume> {
    let own = components(raw).filter_map(|component| component.volumes.as_ref());
    raw.dev.volumes.iter().chain(own.flatten())
}

/// The directories in which the host keeps something for components.
fn stores(raw: &RawConfig) -> impl Iterator<Item = &Located<String>> {
    let settings = components(raw).map(|component| &component.settings);
    let settings = settings.chain([&raw.workload]);
    let dev = [&raw.dev.wasi_blobstore_path, &raw.dev.wasi_keyvalue_path];
    let dev = dev.into_iter().flatten();
    dev.chain(settings.filter_map(|settings| settings.keyvalue.files_path()))
}

/// Without links, as far as the path exists.
fn real(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return match rest.as_os_str().is_empty() {
                true => real,
                false => real.join(rest),
            };
        }
    }
    path.to_path_buf()
}
