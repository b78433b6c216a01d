//! Who has locked a file, as Linux tells.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Holder;

pub(super) fn holder(path: &Path) -> Option<Holder> {
    let path = path.canonicalize().ok()?;
    let inode = fs::metadata(&path).ok()?.ino();
    let table = fs::read_to_string("/proc/locks").ok()?;
    let pid = holders(&table, inode).find(|pid| has_open(*pid, &path))?;
    Holder::with_pid(pid)
}

/// The processes that have a lock on a file with this inode, of any file system.
fn holders(table: &str, inode: u64) -> impl Iterator<Item = u32> {
    table.lines().filter_map(move |line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        // Who waits for a lock does not have it.
        let pid = columns.next().filter(|kind| *kind != "->")?;
        let pid = (pid == "FLOCK").then(|| columns.nth(2))??.parse().ok()?;
        let file = columns.next()?.rsplit(':').next()?;
        (file.parse() == Ok(inode)).then_some(pid)
    })
}

fn has_open(pid: u32, path: &Path) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_those_who_have_a_lock() {
        let table = "\
1: FLOCK  ADVISORY  WRITE 1201 08:01:41 0 EOF
1: -> FLOCK  ADVISORY  WRITE 1202 08:01:41 0 EOF
2: POSIX  ADVISORY  READ  1203 08:01:41 128 128
3: FLOCK  ADVISORY  READ  1204 00:2a:41 0 EOF
4: FLOCK  ADVISORY  WRITE 1205 08:01:42 0 EOF
nonsense
";
        assert_eq!(holders(table, 41).collect::<Vec<_>>(), [1201, 1204]);
        assert_eq!(holders(table, 43).count(), 0);
    }

    #[test]
    fn a_lock_of_ours_is_ours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(holder(file.path()), None);
        file.as_file().lock().unwrap();
        let found = holder(file.path()).map(|holder| holder.pid);
        assert_eq!(found, Some(std::process::id()));
    }
}
