//! WASI 0.2 and 0.3, except HTTP and sockets.
//!
//! What only defines types and handles, or grants nothing worth keeping apart (clocks, random numbers), is shared. What
//! grants something is each member's own: its environment, its arguments, its output, its directories. Sockets are a
//! capability of their own.

mod directories;
mod filesystem;
mod paths;
mod settings;
mod views;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wash_common::folders::beneath::HostDirectories;
use wash_common::folders::protected::Protected;
use wash_component::host_interface::Tier;
use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::WasiCli;
use wasmtime_wasi::clocks::WasiClocks;
use wasmtime_wasi::filesystem::WasiFilesystem;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{p2, p3};

use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, Preview, SettingsError, SetupContext,
    per_member, shared,
};
use crate::capability::Model;
use crate::instance::{State, Table};
use crate::workload::{MemberSettings, Workload};

pub use settings::{Access, ConfiguredBy, Directories, Directory, Process, Volume};

pub(crate) use directories::writable;

pub(crate) struct WasiCapability {
    /// Where the volumes that live as long as their workload are made.
    pub(crate) volumes: PathBuf,
    pub(crate) directories: Arc<HostDirectories>,
}

const P2: &str = "0.2.12";
const P3: &str = "0.3.0";

const INTERFACES: &[InterfaceDeclaration] = &[
    shared("wasi:io/error", P2),
    shared("wasi:io/poll", P2),
    shared("wasi:io/streams", P2),
    shared("wasi:clocks/monotonic-clock", P2),
    shared("wasi:clocks/wall-clock", P2),
    shared("wasi:random/random", P2),
    shared("wasi:random/insecure", P2),
    shared("wasi:random/insecure-seed", P2),
    shared("wasi:cli/exit", P2),
    shared("wasi:cli/terminal-input", P2),
    shared("wasi:cli/terminal-output", P2),
    shared("wasi:cli/terminal-stdin", P2),
    shared("wasi:cli/terminal-stdout", P2),
    shared("wasi:cli/terminal-stderr", P2),
    shared("wasi:filesystem/types", P2),
    per_member("wasi:cli/environment", P2),
    per_member("wasi:cli/stdin", P2),
    per_member("wasi:cli/stdout", P2),
    per_member("wasi:cli/stderr", P2),
    per_member("wasi:filesystem/preopens", P2),
    shared("wasi:clocks/types", P3),
    shared("wasi:clocks/monotonic-clock", P3),
    shared("wasi:clocks/system-clock", P3),
    shared("wasi:random/random", P3),
    shared("wasi:random/insecure", P3),
    shared("wasi:random/insecure-seed", P3),
    shared("wasi:cli/types", P3),
    shared("wasi:cli/exit", P3),
    shared("wasi:cli/terminal-input", P3),
    shared("wasi:cli/terminal-output", P3),
    shared("wasi:cli/terminal-stdin", P3),
    shared("wasi:cli/terminal-stdout", P3),
    shared("wasi:cli/terminal-stderr", P3),
    shared("wasi:filesystem/types", P3),
    per_member("wasi:cli/environment", P3),
    per_member("wasi:cli/stdin", P3),
    per_member("wasi:cli/stdout", P3),
    per_member("wasi:cli/stderr", P3),
    per_member("wasi:filesystem/preopens", P3),
];

impl Capability for WasiCapability {
    fn name(&self) -> &'static str {
        "WASI"
    }

    fn tier(&self) -> Tier {
        Tier::Wasi
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<SettingsError> {
        directories::check(&settings.get::<Directories>().0)
    }

    fn set_up(
        &self,
        context: &SetupContext<'_>,
        kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        let settings = &context.member.settings;
        let Directories(directories) = settings.get();
        let volumes = context.shared(|| directories::Volumes::new(&self.volumes));
        let protected = context.shared(|| {
            let mut protected = Protected::of_user();
            for path in configured_by(context.workload) {
                protected.pin(path);
            }
            protected
        });
        let opener = directories::Opener {
            directories: &self.directories,
            volumes: &volumes,
            protected: &protected,
            writable: &writable(context.workload),
        };
        kept.insert(opener.open(directories)?);
        kept.insert(protected);
        kept.insert(settings.get::<Process>().clone());
        Ok(())
    }

    fn share(&self, linker: &mut Linker<State>, model: Model) -> Result<()> {
        share_p2(linker)?;
        match model {
            Model::Sync => Ok(()),
            Model::Async => share_p3(linker),
        }
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        match interface.preview() {
            Some(Preview::P2) => grant_p2(linker, import, interface.name, member),
            Some(Preview::P3) => grant_p3(linker, import, interface.name, member),
            None => Ok(false),
        }
    }
}

/// What decides what a workload is, and stays in its place.
fn configured_by(workload: &Workload) -> impl Iterator<Item = &Path> {
    let members = workload.entries.iter().flat_map(|entry| &entry.members);
    members.flat_map(|member| {
        member
            .settings
            .get::<ConfiguredBy>()
            .0
            .iter()
            .map(PathBuf::as_path)
    })
}

/// Adds the interfaces of WASI that both versions have, by the bindings of one.
macro_rules! share_common {
    ($linker:ident, $version:ident) => {{
        use $version::bindings::{cli, clocks, filesystem, random};

        let linker = &mut *$linker;
        clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(linker, views::clocks)?;
        random::random::add_to_linker::<_, WasiRandom>(linker, views::random)?;
        random::insecure::add_to_linker::<_, WasiRandom>(linker, views::random)?;
        random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, views::random)?;
        cli::exit::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        cli::terminal_input::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        cli::terminal_output::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, views::cli)?;
        filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, views::filesystem)?;
    }};
}

fn share_p2(linker: &mut Linker<State>) -> Result<()> {
    use p2::bindings::{clocks, io};

    share_common!(linker, p2);
    io::error::add_to_linker::<_, Table>(linker, State::table)?;
    io::poll::add_to_linker::<_, Table>(linker, State::table)?;
    io::streams::add_to_linker::<_, Table>(linker, State::table)?;
    clocks::wall_clock::add_to_linker::<_, WasiClocks>(linker, views::clocks)?;
    filesystem::replace_p2(linker, &format!("wasi:filesystem/types@{P2}"))
}

fn share_p3(linker: &mut Linker<State>) -> Result<()> {
    use p3::bindings::clocks;

    share_common!(linker, p3);
    clocks::types::add_to_linker::<_, WasiClocks>(linker, views::clocks)?;
    clocks::system_clock::add_to_linker::<_, WasiClocks>(linker, views::clocks)?;
    filesystem::replace_p3(linker, &format!("wasi:filesystem/types@{P3}"))
}

/// Adds an interface under the name of a member's import, with that member's view of the store.
macro_rules! add {
    ($linker:ident, $import:ident, $($module:ident)::+, $data:ty, $member:ident) => {
        $($module)::+::add_to_linker_instance::<State, $data>(
            &mut $linker.instance($import)?,
            views::member_cli($member),
        )?
    };
}

fn grant_p2(
    linker: &mut Linker<State>,
    import: &str,
    interface: &str,
    member: usize,
) -> Result<bool> {
    use p2::bindings::cli;

    match interface {
        "wasi:cli/environment" => add!(linker, import, cli::environment, WasiCli, member),
        "wasi:cli/stdin" => add!(linker, import, cli::stdin, WasiCli, member),
        "wasi:cli/stdout" => add!(linker, import, cli::stdout, WasiCli, member),
        "wasi:cli/stderr" => add!(linker, import, cli::stderr, WasiCli, member),
        "wasi:filesystem/preopens" => {
            filesystem::add_preopens(&mut linker.instance(import)?, member)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn grant_p3(
    linker: &mut Linker<State>,
    import: &str,
    interface: &str,
    member: usize,
) -> Result<bool> {
    use p3::bindings::cli;

    match interface {
        "wasi:cli/environment" => add!(linker, import, cli::environment, WasiCli, member),
        "wasi:cli/stdin" => add!(linker, import, cli::stdin, WasiCli, member),
        "wasi:cli/stdout" => add!(linker, import, cli::stdout, WasiCli, member),
        "wasi:cli/stderr" => add!(linker, import, cli::stderr, WasiCli, member),
        "wasi:filesystem/preopens" => {
            filesystem::add_preopens(&mut linker.instance(import)?, member)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
