//! Runs one command in a process group of its own, and leaves none of that group behind.
//!
//! The group is the unit: a build is a shell, cargo and many compilers, and ending only the first would leave the
//! others writing files. Cancelled, a group is asked to end (SIGTERM) and after two seconds made to (SIGKILL);
//! dropped, it is killed at once. What a command leaves running in its group when it ends is ended as well.

use std::fmt;
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long a cancelled build may take to clean up.
const GRACE: Duration = Duration::from_secs(2);
/// How long a pipe may stay open when the command has ended: a daemon it started may hold it for ever.
const DRAIN: Duration = Duration::from_millis(500);
/// How much of the output is kept for an error, in bytes.
const TAIL: usize = 64 * 1024;
/// In bytes. Cargo's messages are the longest that must stay whole.
const LONGEST_LINE: u64 = 1024 * 1024;

/// What is to be run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Run by the shell: `sh -c`.
    Shell(String),
    /// Program and arguments.
    Argv(Vec<String>),
    /// Nothing to run.
    None,
}

/// Where the output of the tools goes. Never to our stdout, which is for the result.
#[derive(Clone)]
pub enum Output {
    /// To our stderr, untouched. Errors do not have its text.
    Inherit,
    /// To our stderr, the end of it, when the command has failed.
    IfFailed,
    /// Handed on as it comes, in whole lines; its end is kept for an error.
    Tee(Sink),
}

/// Takes what the tools print.
pub type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Output::Inherit => "Inherit",
            Output::IfFailed => "IfFailed",
            Output::Tee(_) => "Tee",
        })
    }
}

/// A command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("the command was cancelled")]
    Cancelled,
    #[error("cannot run `{command}`")]
    Spawn { command: String, source: io::Error },
}

/// A command, with where and how it runs.
pub struct Job<'j> {
    pub command: &'j Command,
    pub dir: &'j Path,
    pub set: &'j [(String, String)],
    pub unset: &'j [&'static str],
    /// The command writes JSON lines for programs to its stdout; they are kept and not shown.
    pub wants_lines: bool,
    pub output: &'j Output,
    pub color: bool,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub lines: Vec<String>,
    pub tail: Vec<u8>,
}

/// Runs a command to its end.
pub async fn run(job: Job<'_>, cancel: &CancellationToken) -> Result<Finished, ProcessError> {
    if cancel.is_cancelled() {
        return Err(ProcessError::Cancelled);
    }
    let failed = |source| ProcessError::Spawn {
        command: text(job.command),
        source,
    };
    let (mut group, pipes) = spawn(&job).map_err(failed)?;

    let mut lines = Vec::new();
    let mut tail = Tail::default();
    let status = {
        let show = |line: &[u8], tail: &mut Tail| {
            tail.push(line);
            match job.output {
                Output::Tee(sink) => sink(line),
                Output::Inherit | Output::IfFailed => {}
            }
        };
        let reading = async {
            let programs = each_line(pipes.lines, |line| {
                lines.push(String::from_utf8_lossy(line).into_owned());
            });
            let people = each_line(pipes.shown, |line| show(line, &mut tail));
            tokio::join!(programs, people);
        };
        tokio::pin!(reading);
        let mut drained = false;
        let status = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    group.stop().await;
                    return Err(ProcessError::Cancelled);
                }
                () = &mut reading, if !drained => drained = true,
                status = group.end() => break status.map_err(failed)?,
            }
        };
        if !drained {
            // Whoever still holds the pipes has left the group; what they write is not waited for.
            let _ = tokio::time::timeout(DRAIN, reading).await;
        }
        status
    };
    Ok(Finished {
        status,
        lines,
        tail: tail.0,
    })
}

/// The command as a user would type it.
pub fn text(command: &Command) -> String {
    match command {
        Command::Shell(line) => line.clone(),
        Command::Argv(argv) => argv.join(" "),
        Command::None => String::new(),
    }
}

/// Our ends of the command's pipes.
struct Pipes {
    lines: Option<pipe::Receiver>,
    shown: Option<pipe::Receiver>,
}

fn spawn(job: &Job<'_>) -> io::Result<(Group, Pipes)> {
    let mut command = match job.command {
        Command::Argv(argv) => {
            let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
            let mut command = tokio::process::Command::new(program);
            command.args(arguments);
            command
        }
        Command::Shell(line) => {
            let mut command = tokio::process::Command::new("sh");
            command.args(["-c", line]);
            command
        }
        Command::None => return Err(io::ErrorKind::InvalidInput.into()),
    };
    for name in job.unset {
        command.env_remove(name);
    }
    if job.color {
        command.envs([
            ("CARGO_TERM_COLOR", "always"),
            ("CLICOLOR_FORCE", "1"),
            ("FORCE_COLOR", "1"),
        ]);
    }
    command.envs(job.set.iter().map(|(name, value)| (name, value)));
    command
        .current_dir(job.dir)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);

    let mut pipes = Pipes {
        lines: None,
        shown: None,
    };
    match job.output {
        Output::Inherit => {
            command.stdout(stderr()?).stderr(Stdio::inherit());
        }
        Output::Tee(_) | Output::IfFailed => {
            // One pipe for both, so that their lines keep their order.
            let (reader, writer) = io::pipe()?;
            command.stdout(writer.try_clone()?).stderr(writer);
            pipes.shown = Some(receiver(reader)?);
        }
    }
    if job.wants_lines {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer);
        pipes.lines = Some(receiver(reader)?);
    }
    let child = command.spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    Ok((Group { child, pid }, pipes))
}

/// Another handle on our stderr.
fn stderr() -> io::Result<Stdio> {
    use std::os::fd::AsFd;
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}

fn receiver(reader: PipeReader) -> io::Result<pipe::Receiver> {
    pipe::Receiver::from_owned_fd(OwnedFd::from(reader))
}

/// Hands on each line with its line break, and what comes after the last one. A longer line comes in pieces.
async fn each_line(source: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&[u8])) {
    let Some(source) = source else { return };
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut source)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .await
    {
        take(&line);
        line.clear();
    }
}

/// The end of an output.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, line: &[u8]) {
        self.0.extend_from_slice(line);
        if self.0.len() > 2 * TAIL {
            self.0.drain(..self.0.len() - TAIL);
            let whole = self
                .0
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1);
            self.0.drain(..whole);
        }
    }
}

/// A process group, killed when dropped.
struct Group {
    child: Child,
    /// `None` once there is nothing left to kill.
    pid: Option<Pid>,
}

impl Group {
    /// Asks the group to end; kills what is left when its first process has ended or has had its time.
    async fn stop(&mut self) {
        if let Some(pid) = self.pid {
            // An error means that the group is gone already.
            let _ = kill_process_group(pid, Signal::TERM);
        }
        let _ = tokio::time::timeout(GRACE, self.ended()).await;
        self.kill();
        let _ = self.child.wait().await;
    }

    /// Waits until the first process has ended. What it left in the background ends with it.
    async fn end(&mut self) -> io::Result<ExitStatus> {
        self.ended().await;
        self.kill();
        self.child.wait().await
    }

    /// Waits for the end of the first process, and leaves it to be waited for: until then its number, which is that of the
    /// group, is given to no other, which would be killed in its place.
    async fn ended(&mut self) {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if let (Some(pid), Ok(mut children)) = (self.pid, signal(SignalKind::child())) {
            loop {
                match waitid(WaitId::Pid(pid), look) {
                    Ok(Some(_)) => return,
                    Ok(None) => children.recv().await,
                    Err(_) => break,
                };
            }
        }
        let _ = self.child.wait().await;
    }

    fn kill(&mut self) {
        if let Some(pid) = self.pid.take() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
