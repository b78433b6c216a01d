//! Compiles in a process of its own, which is `wash` as well.
//!
//! A small component may take minutes and gigabytes to compile, and a compiler cannot be interrupted. A process can be,
//! and what it took goes with it: the memory of a session stays what running takes. The component goes in through stdin,
//! the code comes out of stdout, and stderr says what went wrong.

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use wash_common::units;
use wasmtime::Module;
use wasmtime::component::Component;

use super::cache::Compiled;
use super::compile::{Priority, with_own_engine};
use super::report::chain;
use super::{Compiler, Model, Settings};

/// The first argument of such a process. No command and no plugin can be called so.
const COMPILE: &str = "__compile";

/// How much one compilation may take.
#[derive(Debug, Clone, Copy)]
pub struct CompileLimits {
    pub time: Duration,
    /// In bytes. Only Linux holds a process to it.
    pub memory: u64,
}

impl Default for CompileLimits {
    /// Some ten times what a component with a whole interpreter in it takes.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(300),
            memory: 4 << 30,
        }
    }
}

/// Variables that set other limits.
pub const TIME_VARIABLE: &str = "WASH_COMPILE_TIMEOUT";
pub const MEMORY_VARIABLE: &str = "WASH_COMPILE_MEMORY";

/// Why there is no code, beside what the compiler says of the component.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompileError {
    #[error(
        "compiling it took longer than {}: a function or a table in it is unusually large; \
         `{TIME_VARIABLE}=30m` gives it more time", units::duration(*.0)
    )]
    Time(Duration),
    #[error(
        "compiling it took more than {} of memory: a function or a table in it is unusually large; \
         `{MEMORY_VARIABLE}=16GiB` gives it more", units::exact_size(*.0)
    )]
    Memory(u64),
    #[error("something newer is to be compiled")]
    GivenUp,
    #[error("{0}")]
    Rejected(String),
    #[error("the compiler failed ({status}){}{said}", if .said.is_empty() { "" } else { ": " })]
    Failed { status: ExitStatus, said: String },
    #[error("the compiler's process cannot be used: {0}")]
    Io(#[from] io::Error),
}

static LIMITS: OnceLock<CompileLimits> = OnceLock::new();

/// From now on what this process compiles is compiled by others. Only for `wash` itself, which answers to [`answer`].
pub fn compile_in_processes(limits: CompileLimits) {
    // Whoever says so again says the same.
    let _ = LIMITS.set(limits);
}

/// The limits of compilations, if they have processes.
pub(super) fn limits() -> Option<CompileLimits> {
    LIMITS.get().copied()
}

/// Starts a process that compiles. An error means that there can be none.
pub(super) fn start<C: Compiled>(
    settings: Settings,
    priority: &Priority,
    limits: CompileLimits,
) -> io::Result<Child> {
    let model = match settings.model {
        Model::Sync => "sync",
        Model::Async => "async",
    };
    let inlining = if settings.inlining { "inline" } else { "plain" };
    let compiler = match settings.compiler {
        Compiler::Cranelift => "cranelift",
        Compiler::Winch => "winch",
    };
    let priority = if priority.is_low() { "low" } else { "normal" };
    Command::new(executable()?)
        .args([COMPILE, C::KIND, model, inlining, compiler, priority])
        .arg(limits.memory.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for whoever waits for it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// This program, also when its file was replaced by a newer one.
fn executable() -> io::Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe(),
    }
}

/// Lets a process compile. It is killed when it has had its time, and when `given_up` is ready.
pub(super) async fn finish(
    mut child: Child,
    component: &[u8],
    limits: CompileLimits,
    given_up: impl Future<Output = ()>,
) -> Result<Vec<u8>, CompileError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let send = async {
        if let Some(mut stdin) = stdin {
            // A process that does not want to read has a reason, which it tells.
            let _ = stdin.write_all(component).await;
        }
    };
    let (mut code, mut said) = (Vec::new(), Vec::new());
    let receive = async {
        match stdout {
            Some(mut stdout) => stdout.read_to_end(&mut code).await,
            None => Ok(0),
        }
    };
    let hear = async {
        match stderr {
            Some(stderr) => stderr.take(1 << 20).read_to_end(&mut said).await,
            None => Ok(0),
        }
    };
    let exchange = async {
        let ((), received, heard) = tokio::join!(send, receive, hear);
        received?;
        heard?;
        child.wait().await
    };
    let status = tokio::select! {
        status = exchange => status?,
        () = given_up => return Err(CompileError::GivenUp),
        () = tokio::time::sleep(limits.time) => return Err(CompileError::Time(limits.time)),
    };
    match status.code() {
        Some(0) => Ok(code),
        code => Err(failure(status, code, &said, limits)),
    }
}

fn failure(
    status: ExitStatus,
    code: Option<i32>,
    said: &[u8],
    limits: CompileLimits,
) -> CompileError {
    let said = String::from_utf8_lossy(said).trim_end().to_owned();
    match code {
        Some(REJECTED) => CompileError::Rejected(said),
        _ if is_out_of_memory(&said) => CompileError::Memory(limits.memory),
        _ => CompileError::Failed { status, said },
    }
}

/// Rust's and the system's words, before a process without memory ends.
fn is_out_of_memory(said: &str) -> bool {
    said.contains("memory allocation of") || said.contains("Cannot allocate memory")
}

const REJECTED: i32 = 1;

/// Compiles, if this process was started for that.
pub fn answer(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let is_asked = arguments.next().is_some_and(|first| first == COMPILE);
    is_asked.then(|| {
        let arguments: Vec<_> = arguments.map(|it| it.into_string()).collect();
        let texts: Vec<_> = arguments.iter().flatten().map(String::as_str).collect();
        let done = compile_for_parent(&texts);
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                let _ = io::stderr().write_all(reason.as_bytes());
                ExitCode::from(REJECTED as u8)
            }
        }
    })
}

fn compile_for_parent(arguments: &[&str]) -> Result<(), String> {
    let [kind, model, inlining, compiler, priority, memory] = arguments else {
        return Err(format!("`{COMPILE}` is for `wash` itself"));
    };
    let settings = Settings {
        model: match *model {
            "async" => Model::Async,
            _ => Model::Sync,
        },
        inlining: *inlining == "inline",
        compiler: match *compiler {
            "winch" => Compiler::Winch,
            _ => Compiler::Cranelift,
        },
    };
    let is_low = *priority == "low";
    end_with_parent();
    if let Ok(memory) = memory.parse() {
        limit_memory(memory);
    }
    let mut component = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut component);
    read.map_err(|error| error.to_string())?;
    let code = match *kind {
        Module::KIND => with_own_engine::<Module>(settings, &component, is_low),
        _ => with_own_engine::<Component>(settings, &component, is_low),
    };
    let code = code.map_err(|error| chain(&error))?;
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&code).and_then(|()| stdout.flush());
    written.map_err(|error| error.to_string())
}

/// Nobody else would end a compilation that nobody waits for.
#[cfg(target_os = "linux")]
fn end_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

/// It ends when it writes what nobody reads.
#[cfg(not(target_os = "linux"))]
fn end_with_parent() {}

fn limit_memory(bytes: u64) {
    let mut limit = getrlimit(Resource::Data);
    let within = |before: Option<u64>| before.map_or(bytes, |before| before.min(bytes));
    limit.current = Some(within(limit.current));
    // A system that cannot limit memory compiles without a limit.
    let _ = setrlimit(Resource::Data, limit);
}
