//! Reads files that somebody names: configs, values, certificates, manifests.
//!
//! Under such a name there may be a pipe, which has no end as long as nobody writes to it, or a device, which may have none at all.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Reads a regular file, or one that a link leads to.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path.as_ref())?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8 text.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::new();
    open(path.as_ref())?.read_to_string(&mut text)?;
    Ok(text)
}

fn open(path: &Path) -> io::Result<File> {
    // Opening a device may do something, so it is looked at before.
    let metadata = fs::metadata(path).map_err(explain)?;
    if is_null_device(&metadata) {
        return File::open(path);
    }
    must_be_file(metadata.file_type())?;
    let mut options = OpenOptions::new();
    // A pipe that took its place meanwhile must not be waited for.
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(explain)?;
    must_be_file(file.metadata()?.file_type())?;
    Ok(file)
}

/// `/dev/null` is the usual name for a file without contents.
fn is_null_device(metadata: &Metadata) -> bool {
    let null = fs::metadata("/dev/null");
    metadata.file_type().is_char_device() && null.is_ok_and(|null| null.rdev() == metadata.rdev())
}

pub(crate) fn must_be_file(kind: FileType) -> io::Result<()> {
    let kind = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    let message = format!("it is {kind}, not a file");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Says of a link that leads in a circle that it does.
pub fn explain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a symbolic link that leads back to itself",
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        for name in ["file", "link"] {
            assert_eq!(read(at(name)).unwrap(), b"text");
            assert_eq!(read_to_string(at(name)).unwrap(), "text");
        }

        fs::create_dir(at("directory")).unwrap();
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("device")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (name, reason) in [
            ("directory", "it is a directory, not a file"),
            ("pipe", "it is a pipe, not a file"),
            ("socket", "it is a socket, not a file"),
            ("device", "it is a device, not a file"),
            ("loop", "it is a symbolic link that leads back to itself"),
        ] {
            assert_eq!(read(at(name)).unwrap_err().to_string(), reason);
        }
        assert_eq!(read("/dev/null").unwrap(), b"");
        let missing = read(at("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
