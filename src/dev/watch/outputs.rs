//! The files that this process writes its own output to. What a session prints must not make it build.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, fstat};

/// How many programs a pipe is followed through: `wash dev | sed ... | tee log`.
const MAX_PIPES: usize = 4;

/// A file, whatever it is called.
type Id = (u64, u64);

#[derive(Debug, Default)]
pub(super) struct Outputs {
    files: BTreeSet<Id>,
    piped: BTreeSet<u64>,
}

impl Outputs {
    /// Of this process: its stdout and its stderr.
    pub(super) fn of_process() -> Self {
        let mut outputs = Self::default();
        outputs.add(io::stdout());
        outputs.add(io::stderr());
        outputs.follow();
        outputs
    }

    fn add(&mut self, stream: impl AsFd) {
        let Ok(stat) = fstat(stream) else { return };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                self.files.insert((stat.st_dev, stat.st_ino));
            }
            FileType::Fifo => {
                self.piped.insert(stat.st_ino);
            }
            _ => {}
        }
    }

    pub(super) fn has(&self, metadata: &Metadata) -> bool {
        self.files.contains(&(metadata.dev(), metadata.ino()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Looks again which files the readers of our pipes write to: a reader may have begun later than we have. Where the
    /// system does not tell, there are none.
    pub(super) fn follow(&mut self) {
        let mut pipes = self.piped.clone();
        for _ in 0..MAX_PIPES {
            if pipes.is_empty() {
                return;
            }
            let mut next = BTreeSet::new();
            for reader in readers(&pipes) {
                for (fd, target) in open_files(&reader) {
                    if let Some(pipe) = pipe(&target) {
                        // Its stdin is the pipe that it reads.
                        next.extend((fd != 0 && !pipes.contains(&pipe)).then_some(pipe));
                    } else if is_written(&reader, fd)
                        && let Ok(metadata) = fs::metadata(&target)
                        && metadata.is_file()
                    {
                        self.files.insert((metadata.dev(), metadata.ino()));
                    }
                }
            }
            pipes = next;
        }
    }
}

/// The folders in `/proc` of the processes whose stdin is one of the pipes.
fn readers(pipes: &BTreeSet<u64>) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.map(|process| process.path());
    let reads = |process: &PathBuf| {
        let stdin = fs::read_link(process.join("fd/0")).ok();
        let stdin = stdin.and_then(|target| pipe(&target.to_string_lossy()));
        stdin.is_some_and(|stdin| pipes.contains(&stdin))
    };
    processes.filter(reads).collect()
}

fn open_files(process: &Path) -> Vec<(i32, String)> {
    let files = fs::read_dir(process.join("fd"));
    let files = files.into_iter().flatten().flatten();
    let file = |entry: fs::DirEntry| {
        let fd = entry.file_name().to_str()?.parse().ok()?;
        let target = fs::read_link(entry.path()).ok()?;
        Some((fd, target.to_str()?.to_owned()))
    };
    files.filter_map(file).collect()
}

/// The number in `pipe:[123]`.
fn pipe(target: &str) -> Option<u64> {
    target
        .strip_prefix("pipe:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

fn is_written(process: &Path, fd: i32) -> bool {
    let info = fs::read_to_string(process.join(format!("fdinfo/{fd}"))).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & libc::O_ACCMODE != libc::O_RDONLY)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_file_is_known_whatever_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("log")).unwrap();
        fs::hard_link(dir.path().join("log"), dir.path().join("other")).unwrap();
        fs::write(dir.path().join("third"), "").unwrap();
        let mut outputs = Outputs::default();
        outputs.add(&file);
        let has = |name: &str| outputs.has(&fs::metadata(dir.path().join(name)).unwrap());
        assert_eq!(["log", "other", "third"].map(has), [true, true, false]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_file_at_the_end_of_a_pipe_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut tee = Command::new("sh")
            .args(["-c", "cat | tee log"])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut outputs = Outputs::default();
        outputs.add(tee.stdin.as_ref().unwrap());
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            outputs.follow();
            fs::metadata(&log).is_ok_and(|log| outputs.has(&log))
        });
        drop(tee.stdin.take());
        tee.wait().unwrap();
        assert!(found);
    }
}
