//! What a member is given as a process: variables, arguments, directories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::member_section;

/// What a member finds in `wasi:cli`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    pub environment: BTreeMap<String, String>,
    /// What comes before the arguments, if not the name of the member.
    pub program_name: Option<String>,
    /// Without the program name.
    pub arguments: Vec<String>,
    pub initial_cwd: Option<String>,
    /// It reads the stdin of this process; otherwise its own is empty.
    pub stdin: bool,
}

member_section!(Process);

/// What a member finds in `wasi:filesystem/preopens`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories(pub Vec<Directory>);

member_section!(Directories);

/// Files and folders that say what a member is and is given: no guest replaces them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfiguredBy(pub Vec<PathBuf>);

member_section!(ConfiguredBy);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub volume: Volume,
    /// The path the guest sees, such as `/data`.
    pub guest: String,
    pub access: Access,
}

/// What is behind a directory of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Volume {
    HostPath {
        /// Absolute.
        path: PathBuf,
        /// Create the directory when it is missing. It stays when the workload goes.
        create: bool,
    },
    /// An empty directory, made when the workload starts and removed when it goes. Members that name the same one
    /// share it.
    Empty { name: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}
