//! The terminal of a session: whole lines, never interleaved, with the guest's lines prefixed.
//!
//! Talk goes to stderr; what a guest wrote to its stdout goes to stdout. Whoever writes passes text with anstyle
//! escapes and forgets about colors: they are stripped here for a stream that does not want them. Text that comes
//! from a guest or from the wire is made [`harmless`] first.

mod capture;
mod lines;
mod text;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};

use crate::http::RequestId;

use lines::prefixed;

pub use capture::Captured;
pub use lines::{Access, Level};
pub use text::{harmless, plain};

/// A handle on the terminal; clones write to the same one.
#[derive(Clone)]
pub struct Console {
    streams: Arc<Mutex<Streams>>,
    /// Where the stdout of guests goes as it is; `None`: it goes to stdout in lines with a prefix.
    bare: Option<GuestStream>,
}

/// Both streams behind one lock: they are usually the same terminal.
struct Streams {
    stdout: Stream,
    stderr: Stream,
}

struct Stream {
    /// `None` once the reader has gone: the session goes on without it.
    sink: Option<Box<dyn Write + Send>>,
    color: bool,
}

/// Which of its two streams a guest wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestStream {
    Stdout,
    Stderr,
}

impl Console {
    /// The streams of this process. Colors as the terminal and the user (`NO_COLOR`, `CLICOLOR_FORCE`) want them.
    pub fn stdio() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let stdout_color = AutoStream::choice(&stdout) != ColorChoice::Never;
        let stderr_color = AutoStream::choice(&stderr) != ColorChoice::Never;
        Self::new(
            Stream::new(stdout, stdout_color),
            Stream::new(stderr, stderr_color),
        )
    }

    /// The streams of this process for one guest, whose output is passed on as it is: its stderr to stderr, its stdout to
    /// `stdout`.
    pub fn bare(stdout: GuestStream) -> Self {
        Self {
            bare: Some(stdout),
            ..Self::stdio()
        }
    }

    /// A console without colors whose text stays in memory, for tests.
    pub fn capture() -> (Self, Captured) {
        let (captured, stdout, stderr) = capture::streams();
        (
            Self::new(Stream::new(stdout, false), Stream::new(stderr, false)),
            captured,
        )
    }

    fn new(stdout: Stream, stderr: Stream) -> Self {
        Self {
            streams: Arc::new(Mutex::new(Streams { stdout, stderr })),
            bare: None,
        }
    }

    /// Says something to the user: one or more lines, with anstyle escapes where they help.
    pub fn talk(&self, text: &str) {
        self.write(
            |streams| &mut streams.stderr,
            &format!("{}\n", text.trim_end_matches('\n')),
        );
    }

    /// Passes on a line that a member of the workload wrote, without its line end.
    pub fn guest(&self, stream: GuestStream, member: &str, request: Option<RequestId>, line: &str) {
        let lines = prefixed(member, request, line);
        match stream {
            GuestStream::Stdout => self.write(|streams| &mut streams.stdout, &lines),
            GuestStream::Stderr => self.write(|streams| &mut streams.stderr, &lines),
        }
    }

    /// Passes on what a guest wrote as it is, if this console does that. Tells whether it does.
    pub(crate) fn pass_on(&self, stream: GuestStream, bytes: &[u8]) -> bool {
        let Some(stdout) = self.bare else {
            return false;
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match (stream, stdout) {
            (GuestStream::Stdout, GuestStream::Stdout) => streams.stdout.write_bytes(bytes),
            _ => streams.stderr.write_bytes(bytes),
        }
        true
    }

    /// Passes on what a member of the workload logged. The context may be empty.
    pub fn guest_log(
        &self,
        level: Level,
        member: &str,
        request: Option<RequestId>,
        context: &str,
        message: &str,
    ) {
        let style = level.style();
        let separator = if context.is_empty() { "" } else { ": " };
        let text = format!(
            "{style}{}{style:#} {context}{separator}{message}",
            level.name()
        );
        self.write(
            |streams| &mut streams.stderr,
            &prefixed(member, request, &text),
        );
    }

    /// Writes the access line of a request that has ended.
    pub fn access(&self, access: &Access<'_>) {
        self.write(|streams| &mut streams.stderr, &format!("{access}\n"));
    }

    fn write(&self, pick: impl FnOnce(&mut Streams) -> &mut Stream, text: &str) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        pick(&mut streams).write(text);
    }
}

impl Stream {
    fn new(sink: impl Write + Send + 'static, color: bool) -> Self {
        Self {
            sink: Some(Box::new(sink)),
            color,
        }
    }

    fn write(&mut self, text: &str) {
        match self.color {
            true => self.write_bytes(text.as_bytes()),
            false => self.write_bytes(plain(text).as_bytes()),
        }
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        let Some(sink) = &mut self.sink else { return };
        let written = sink.write_all(bytes);
        if written.and_then(|()| sink.flush()).is_err() {
            self.sink = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_line_has_member_and_request() {
        let (console, captured) = Console::capture();
        console.guest(GuestStream::Stdout, "api", Some(RequestId(17)), "hello\r");
        console.guest(GuestStream::Stderr, "api", None, "two\nlines");
        assert_eq!(captured.stdout(), "api #17 | hello\n");
        assert_eq!(captured.stderr(), "api | two\napi | lines\n");
    }

    #[test]
    fn a_log_line_has_level_and_context() {
        let (console, captured) = Console::capture();
        console.guest_log(Level::Warn, "blob", Some(RequestId(3)), "gc", "slow");
        console.guest_log(Level::Info, "blob", None, "", "\x1b[2Jready");
        assert_eq!(
            captured.stderr(),
            "blob #3 | warn gc: slow\nblob | info ␛[2Jready\n"
        );
    }

    #[test]
    fn lines_of_many_threads_stay_whole() {
        let (console, captured) = Console::capture();
        std::thread::scope(|scope| {
            for member in ["a", "b", "c", "d"] {
                let console = console.clone();
                scope.spawn(move || {
                    for _ in 0..200 {
                        console.guest(GuestStream::Stdout, member, None, &member.repeat(40));
                    }
                });
            }
        });
        let text = captured.stdout();
        assert_eq!(text.lines().count(), 800);
        for line in text.lines() {
            let (member, text) = line.split_once(" | ").expect("a prefix");
            assert_eq!(text, member.repeat(40));
        }
    }

    #[test]
    fn a_closed_pipe_is_left_alone() {
        struct Closed(Arc<std::sync::atomic::AtomicUsize>);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (captured, stdout, _) = capture::streams();
        let console = Console::new(
            Stream::new(stdout, false),
            Stream::new(Closed(writes.clone()), false),
        );
        console.talk("one");
        console.talk("two");
        console.guest(GuestStream::Stdout, "api", None, "still here");
        assert_eq!(writes.load(std::sync::atomic::Ordering::Relaxed), 1);
        assert_eq!(captured.stdout(), "api | still here\n");
    }

    #[test]
    fn colors_go_only_where_they_are_wanted() {
        let (captured, stdout, stderr) = capture::streams();
        let console = Console::new(Stream::new(stdout, false), Stream::new(stderr, true));
        console.guest(GuestStream::Stdout, "api", None, "\x1b[31mred\x1b[0m");
        console.guest(GuestStream::Stderr, "api", None, "\x1b[31mred");
        assert_eq!(captured.stdout(), "api | red\n");
        assert!(
            captured.stderr().ends_with(" \x1b[31mred\x1b[0m\n"),
            "{:?}",
            captured.stderr()
        );
    }
}
