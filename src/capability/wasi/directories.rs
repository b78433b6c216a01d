//! The directories that a member is given: checked without touching them, then created and opened.

use std::fs;
use std::path::Path;

use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{FsPerms, WasiCtx};

use crate::capability::Fault;
use crate::host::workload::{Access, Directory};

/// Looks for what would keep a directory from being opened.
pub(super) fn check(directory: &Directory) -> Option<Fault> {
    let host = directory.host.display();
    let fault = |message: String, hint: Option<&str>| {
        Some(Fault {
            message,
            hint: hint.map(str::to_owned),
        })
    };
    if !directory.host.is_absolute() {
        return fault(format!("directory `{host}` is not an absolute path"), None);
    }
    if directory.guest.is_empty() {
        return fault(
            format!("directory `{host}` has no path in the guest"),
            Some("write it as `HOST:GUEST`"),
        );
    }
    match fs::metadata(&directory.host) {
        Ok(metadata) if metadata.is_dir() => None,
        Ok(_) => fault(format!("`{host}` is not a directory"), None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && directory.create => {
            let parent = directory
                .host
                .ancestors()
                .skip(1)
                .find(|path| path.exists());
            match parent {
                Some(parent) if parent.is_dir() => None,
                _ => fault(
                    format!("directory `{host}` cannot be created: its parent is not a directory"),
                    None,
                ),
            }
        }
        Err(error) => fault(
            format!("directory `{host}` cannot be opened: {}", reason(&error)),
            None,
        ),
    }
}

/// Opens the directories of one member, for all its instances, and creates those that are missing and may be.
pub(crate) fn open(directories: &[Directory]) -> Result<WasiFilesystemCtx, Fault> {
    let mut wasi = WasiCtx::builder();
    for Directory {
        host,
        guest,
        access,
        create,
    } in directories
    {
        if *create {
            fs::create_dir_all(host).map_err(|error| unusable("created", host, &reason(&error)))?;
        }
        let access = match access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        wasi.preopened_dir(host, guest, access)
            .map_err(|error| unusable("opened", host, &error.root_cause().to_string()))?;
    }
    Ok(wasi.build().filesystem().clone())
}

fn unusable(done: &str, path: &Path, reason: &str) -> Fault {
    Fault {
        message: format!("directory `{}` cannot be {done}: {reason}", path.display()),
        hint: None,
    }
}

/// An error of the operating system, without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}
