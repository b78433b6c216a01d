//! Makes a new Rust project a member of the cargo workspace that it was created in, as `cargo new` does: cargo refuses to build
//! it otherwise.

use std::path::{Path, PathBuf};

use ignore::overrides::OverrideBuilder;
use toml_edit::{Array, DocumentMut, Item, value};
use wash_common::atomic::{WriteError, write_atomic};

/// The manifest of the workspace that now has the project as a member; `None` where there is nothing to do.
pub fn join(project: &Path) -> Result<Option<PathBuf>, WriteError> {
    let read = |path: &Path| {
        wash_common::files::read_to_string(path)
            .ok()?
            .parse::<DocumentMut>()
            .ok()
    };
    let own = read(&project.join("Cargo.toml"));
    if own.is_none_or(|own| own.contains_key("workspace")) {
        return Ok(None);
    }
    let manifests = project.ancestors().skip(1);
    let manifests = manifests.map(|dir| dir.join("Cargo.toml"));
    let mut workspaces = manifests.filter_map(|path| {
        let document = read(&path)?;
        document
            .contains_key("workspace")
            .then_some((path, document))
    });
    let Some((path, mut document)) = workspaces.next() else {
        return Ok(None);
    };
    let root = path.parent().unwrap_or(Path::new("/"));
    let Ok(member) = project.strip_prefix(root) else {
        return Ok(None);
    };
    let workspace = &document["workspace"];
    let excluded = paths(workspace.get("exclude"));
    if excluded.iter().any(|path| member.starts_with(path))
        || is_member(root, project, &paths(workspace.get("members")))
    {
        return Ok(None);
    }
    let members = &mut document["workspace"]["members"];
    if members.as_array().is_none() {
        *members = value(Array::new());
    }
    let Some(members) = members.as_array_mut() else {
        return Ok(None);
    };
    push(members, &member.to_string_lossy());
    write_atomic(&path, document.to_string().as_bytes())?;
    Ok(Some(path))
}

fn paths(list: Option<&Item>) -> Vec<String> {
    let list = list.and_then(Item::as_array).into_iter().flatten();
    list.filter_map(|item| Some(item.as_str()?.to_string()))
        .collect()
}

fn is_member(root: &Path, project: &Path, globs: &[String]) -> bool {
    let mut overrides = OverrideBuilder::new(root);
    for glob in globs {
        let glob = glob.trim_start_matches("./").trim_end_matches('/');
        if overrides.add(&format!("/{glob}")).is_err() {
            return false;
        }
    }
    let globs = overrides.build();
    !globs.as_ref().map_or(true, |globs| globs.is_empty())
        && globs.is_ok_and(|globs| globs.matched(project, true).is_whitelist())
}

/// In the way in which the others are written.
fn push(members: &mut Array, member: &str) {
    let like = members.iter().last().map(|last| last.decor().clone());
    members.push(member);
    if let (Some(like), Some(last)) = (like, members.get_mut(members.len() - 1)) {
        let prefix = like.prefix().and_then(|prefix| prefix.as_str());
        let prefix = prefix.filter(|prefix| prefix.contains('\n')).unwrap_or(" ");
        last.decor_mut().set_prefix(prefix);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn joined(workspace: &str, project: &str) -> (String, Option<PathBuf>) {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let dir = root.join(project);
        fs::create_dir_all(&dir).unwrap();
        fs::write(root.join("Cargo.toml"), workspace).unwrap();
        fs::write(dir.join("Cargo.toml"), "[package]\nname = \"new\"\n").unwrap();
        let joined = join(&dir).unwrap();
        (fs::read_to_string(root.join("Cargo.toml")).unwrap(), joined)
    }

    #[test]
    fn members_are_added_as_the_others_are_written() {
        for (before, after) in [
            (
                "[workspace]\nmembers = [\"a\"] # all\n",
                "[workspace]\nmembers = [\"a\", \"apps/new\"] # all\n",
            ),
            (
                "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n]\n",
                "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n    \"apps/new\",\n]\n",
            ),
            (
                "[workspace]\nresolver = \"3\"\n",
                "[workspace]\nresolver = \"3\"\nmembers = [\"apps/new\"]\n",
            ),
        ] {
            let (text, joined) = joined(before, "apps/new");
            assert_eq!(text, after);
            assert!(joined.is_some());
        }
    }

    #[test]
    fn what_is_right_stays() {
        for text in [
            "[package]\nname = \"above\"\n",
            "[workspace]\nmembers = [\"apps/*\"]\n",
            "[workspace]\nmembers = [\"./apps/new/\"]\n",
            "[workspace]\nmembers = []\nexclude = [\"apps\"]\n",
            "not toml",
        ] {
            assert_eq!(joined(text, "apps/new"), (text.to_string(), None));
        }
    }
}
