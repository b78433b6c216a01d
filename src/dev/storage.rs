//! Where a session keeps what must outlive reloads and restarts: `.wash/state` of the project.
//!
//! The directory is made when something is first kept in it. From then on the session has a lock on it, which others
//! may have as well, so that `wash dev reset` knows that somebody is there. An ephemeral session has a directory
//! elsewhere instead, which goes when it ends.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::Access;
use wash_common::locked_tempdir::Scratch;
use wash_runtime::capability::keyvalue::{KeyValue, KeyValueBackend};
use wash_runtime::capability::wasi::{Directories, Volume};
use wash_runtime::workload::{MemberSettings, Workload};

/// The directory in a project's root.
pub const STATE: &str = ".wash/state";

#[derive(Debug)]
pub struct Storage {
    directory: PathBuf,
    held: Mutex<Held>,
    ephemeral: bool,
    /// Why nothing is kept, although nobody asked for that: where it should be, and what is wrong there. Told once.
    unwritable: Mutex<Option<(PathBuf, io::Error)>>,
}

#[derive(Debug)]
enum Held {
    Nothing,
    /// The directory, locked.
    Lock {
        _file: File,
    },
    Temporary {
        _directory: Scratch,
    },
}

impl Storage {
    /// What outlives the session, or goes with it where nothing can be written. Waits while the directory is being
    /// cleared.
    pub fn of_project(root: &Path) -> io::Result<Self> {
        let storage = Self::unlocked(root);
        if let Err(error) = writable(&storage.directory) {
            return Ok(Self {
                unwritable: Mutex::new(Some((storage.directory, error))),
                ..Self::ephemeral()?
            });
        }
        if storage.directory.is_dir() {
            storage.lock()?;
        }
        Ok(storage)
    }

    /// As [`Self::of_project`], for whoever only looks at what would be kept where.
    pub fn unlocked(root: &Path) -> Self {
        Self {
            directory: root.join(STATE),
            held: Mutex::new(Held::Nothing),
            ephemeral: false,
            unwritable: Mutex::new(None),
        }
    }

    /// What goes with the session.
    pub fn ephemeral() -> io::Result<Self> {
        let directory = Scratch::new(&env::temp_dir(), "wash-state-")?;
        Ok(Self {
            directory: directory.path().to_path_buf(),
            held: Mutex::new(Held::Temporary {
                _directory: directory,
            }),
            ephemeral: true,
            unwritable: Mutex::new(None),
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a provider keeps what it calls `name`: where the project says, or with everything else.
    pub(super) fn place(&self, name: &str, said: Option<&Path>) -> PathBuf {
        match said {
            Some(path) if !self.ephemeral => path.to_path_buf(),
            _ => self.directory.join(name),
        }
    }

    /// Where a member's keys and values go: where its settings say, or into a file that all members share.
    pub(super) fn keyvalue(&self, said: Option<KeyValueBackend>) -> KeyValueBackend {
        match said {
            _ if self.ephemeral => KeyValueBackend::Memory,
            Some(backend) => backend,
            None => KeyValueBackend::Database(self.directory.join("keyvalue/keyvalue.redb")),
        }
    }

    /// Makes the directory, if a member of the workload keeps something in it.
    pub(super) fn prepare(&self, workload: &Workload) -> io::Result<()> {
        let mut members = workload.entries.iter().flat_map(|entry| &entry.members);
        match members.any(|member| self.is_used_by(&member.settings)) {
            true => self.make(),
            false => Ok(()),
        }
    }

    /// Makes the directory. It must neither be committed nor watched.
    pub(super) fn make(&self) -> io::Result<()> {
        if self.ephemeral {
            return Ok(());
        }
        fs::create_dir_all(&self.directory)?;
        // What components store is nobody else's.
        fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700))?;
        self.lock()?;
        let ignore = self.directory.join(".gitignore");
        match ignore.exists() {
            true => Ok(()),
            false => fs::write(ignore, "*\n"),
        }
    }

    /// Where the workload would keep something if it could, and why it cannot. Only told the first time.
    pub(super) fn unkept(&self, workload: &Workload) -> Option<(PathBuf, io::Error)> {
        let mut members = workload.entries.iter().flat_map(|entry| &entry.members);
        let keeps = |settings: &MemberSettings| {
            settings.get::<KeyValue>().backend == Some(KeyValueBackend::Memory)
                || self.is_used_by(settings)
        };
        members
            .any(|member| keeps(&member.settings))
            .then_some(())?;
        let mut unwritable = self
            .unwritable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwritable.take()
    }

    fn is_used_by(&self, settings: &MemberSettings) -> bool {
        let directories = settings.get::<Directories>().0.iter();
        let mut directories = directories.filter_map(|directory| match &directory.volume {
            Volume::HostPath { path, .. } => Some(path),
            Volume::Empty { .. } => None,
        });
        let keyvalue = match &settings.get::<KeyValue>().backend {
            Some(KeyValueBackend::Database(path) | KeyValueBackend::Files(path)) => Some(path),
            Some(KeyValueBackend::Memory) | None => None,
        };
        directories.any(|path| path.starts_with(&self.directory))
            || keyvalue.is_some_and(|path| path.starts_with(&self.directory))
    }

    fn lock(&self) -> io::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*held, Held::Nothing) {
            let file = File::open(&self.directory)?;
            file.lock_shared()?;
            *held = Held::Lock { _file: file };
        }
        Ok(())
    }

    /// Gives up the lock, or removes the directory of an ephemeral session.
    pub fn end(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Held::Nothing;
    }
}

/// Whether a directory can be written to, or made.
fn writable(directory: &Path) -> io::Result<()> {
    let mut above = directory.ancestors();
    let nearest = above.find(|dir| dir.exists()).unwrap_or(directory);
    rustix::fs::access(nearest, Access::WRITE_OK | Access::EXEC_OK)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wash_runtime::capability::keyvalue::KeyValue;
    use wash_runtime::workload::{Drive, Entry, Limits, Member};

    fn kept_in(path: PathBuf) -> Workload {
        let settings = MemberSettings::default().with(KeyValue {
            backend: Some(KeyValueBackend::Files(path)),
            ..KeyValue::default()
        });
        let name = "app".to_string();
        let entry = Entry {
            name: name.clone(),
            component: [].into(),
            members: vec![Member { name, settings }],
            grants: Vec::new(),
            drive: Drive::Calls,
            limits: Limits::default(),
        };
        Workload {
            name: "app".to_string(),
            entries: vec![entry],
        }
    }

    #[test]
    fn the_directory_is_made_when_it_is_needed_and_locked() {
        let project = tempfile::tempdir().unwrap();
        let state = project.path().join(STATE);
        let storage = Storage::of_project(project.path()).unwrap();
        let elsewhere = kept_in(project.path().join("data"));
        storage.prepare(&elsewhere).unwrap();
        assert!(!state.exists());

        storage.prepare(&kept_in(state.join("x"))).unwrap();
        assert_eq!(fs::read_to_string(state.join(".gitignore")).unwrap(), "*\n");
        let directory = File::open(&state).unwrap();
        assert!(directory.try_lock().is_err());
        Storage::of_project(project.path()).unwrap().end();
        storage.end();
        directory.try_lock().unwrap();
    }

    #[test]
    fn a_provider_keeps_its_state_where_the_project_says() {
        let storage = Storage::unlocked(Path::new("/p"));
        let elsewhere = Path::new("/p/tmp/blobs");
        assert_eq!(storage.place("blobs", Some(elsewhere)), elsewhere);
        assert_eq!(
            storage.place("blobs", None),
            Path::new("/p/.wash/state/blobs")
        );
    }

    #[test]
    fn nothing_of_an_ephemeral_session_stays() {
        let storage = Storage::ephemeral().unwrap();
        let directory = storage.directory().to_path_buf();
        assert!(directory.is_dir());
        let said = Some(KeyValueBackend::Files("/data".into()));
        assert_eq!(storage.keyvalue(said), KeyValueBackend::Memory);
        assert!(
            storage
                .place("blobs", Some(Path::new("/data")))
                .starts_with(&directory)
        );
        storage.end();
        assert!(!directory.exists());
    }
}
