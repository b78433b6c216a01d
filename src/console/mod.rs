//! The terminal of a session: whole lines, never interleaved, with the guest's lines prefixed. Or, for programs, one
//! JSON object a line on stdout.
//!
//! Talk goes to stderr; what a guest wrote to its stdout goes to stdout. Whoever writes passes text with anstyle
//! escapes and forgets about colors: they are stripped here for a stream that does not want them. Text that comes
//! from a guest or from the wire is made [`harmless`] first.

mod capture;
mod json;
mod lines;
mod shield;
mod text;
mod visible;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use serde_json::{Value, json};

use crate::http::RequestId;
use crate::report::sanitize;

use lines::prefixed;
use shield::Shield;

pub use capture::Captured;
pub use lines::{Access, Level};
pub use text::{harmless, pasteable, plain};
pub use visible::visible;

/// A handle on the terminal; clones write to the same one.
#[derive(Clone)]
pub struct Console {
    streams: Arc<Mutex<Streams>>,
    form: Form,
    /// Where the stdout of guests goes as it is; `None`: it goes to stdout in lines with a prefix.
    bare: Option<GuestStream>,
}

/// For whom a console writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    People,
    /// As [`Form::People`], without what only tells that all is well.
    Hushed,
    /// JSON lines, all on stdout.
    Programs,
}

/// The events that [`Form::Hushed`] leaves out.
const ALL_IS_WELL: [&str; 6] = [
    "wiring",
    "reloaded",
    "unchanged",
    "waiting",
    "config",
    "stopping",
];

/// Both streams behind one lock: they are usually the same terminal.
struct Streams {
    stdout: Stream,
    stderr: Stream,
}

struct Stream {
    /// `None` once the reader has gone: the session goes on without it.
    sink: Option<Box<dyn Write + Send>>,
    color: bool,
    /// What makes the bytes of a guest harmless, if it is to be.
    shield: Option<Shield>,
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
        Self::new(
            Form::People,
            Stream::of_process(stdout),
            Stream::of_process(stderr),
        )
    }

    /// As [`Self::stdio`], for those who only want to hear of what goes wrong, where requests go, and what components say.
    pub fn hushed() -> Self {
        Self {
            form: Form::Hushed,
            ..Self::stdio()
        }
    }

    /// The streams of this process for one guest, whose output is passed on as it is: its stderr to stderr, its stdout to
    /// `stdout`.
    pub fn bare(stdout: GuestStream) -> Self {
        Self {
            bare: Some(stdout),
            ..Self::stdio()
        }
    }

    /// The streams of this process, for a program that reads what a session does.
    pub fn json() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self::new(
            Form::Programs,
            Stream::new(stdout, false),
            Stream::new(stderr, false),
        )
    }

    /// A console that nobody reads.
    pub fn silent() -> Self {
        let nowhere = || Stream {
            sink: None,
            color: false,
            shield: None,
        };
        Self {
            bare: Some(GuestStream::Stderr),
            ..Self::new(Form::People, nowhere(), nowhere())
        }
    }

    /// The streams of this process for one guest that is not trusted: what it writes goes to the stream it chose, as it
    /// is where that is no terminal. On a terminal, everything but lines, tabs and colors is shown as text.
    pub fn shielded() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let shields = (stdout.is_terminal(), stderr.is_terminal());
        Self {
            bare: Some(GuestStream::Stdout),
            ..Self::new(
                Form::People,
                Stream::of_process(stdout).shielded(shields.0),
                Stream::of_process(stderr).shielded(shields.1),
            )
        }
    }

    /// The same streams, with everything a guest writes on stderr: for commands whose stdout is for something else.
    pub fn aside(self) -> Self {
        Self {
            bare: Some(GuestStream::Stderr),
            ..self
        }
    }

    /// A console without colors whose text stays in memory, for tests.
    pub fn capture() -> (Self, Captured) {
        let (captured, stdout, stderr) = capture::streams();
        let (stdout, stderr) = (Stream::new(stdout, false), Stream::new(stderr, false));
        (Self::new(Form::People, stdout, stderr), captured)
    }

    fn new(form: Form, stdout: Stream, stderr: Stream) -> Self {
        Self {
            streams: Arc::new(Mutex::new(Streams { stdout, stderr })),
            form,
            bare: None,
        }
    }

    /// Says something to the user: one or more lines, with anstyle escapes where they help.
    pub fn talk(&self, text: &str) {
        self.tell("message", json!({}), text);
    }

    /// Tells of something that goes less well than it should, without an end of the session.
    pub fn warn(&self, text: &str) {
        self.tell("warning", json!({}), text);
    }

    /// Tells of an event: the text to people, its name and its fields to programs, which get the text as `message`.
    pub fn tell(&self, event: &'static str, fields: Value, text: &str) {
        let text = text.trim_end_matches('\n');
        match self.form {
            Form::Hushed if ALL_IS_WELL.contains(&event) => {}
            Form::People | Form::Hushed => {
                let text = sanitize::styled(text);
                self.write(|streams| &mut streams.stderr, &format!("{text}\n"));
            }
            Form::Programs => self.record(event, json!({ "message": plain(text) }), fields),
        }
    }

    /// Passes on what a tool prints while it builds a component. Lines of several builds at a time are told apart.
    pub fn build(&self, component: &str, several: bool, lines: &str) {
        let lines = lines.trim_end_matches('\n');
        match self.form {
            Form::People if several => {
                let lines = prefixed(component, None, lines);
                self.write(|streams| &mut streams.stderr, &lines);
            }
            Form::People => {
                let lines = sanitize::styled(lines);
                self.write(|streams| &mut streams.stderr, &format!("{lines}\n"));
            }
            Form::Hushed => {}
            Form::Programs => {
                let fields = json!({ "component": component, "text": plain(lines) });
                self.record("build", fields, Value::Null);
            }
        }
    }

    /// Shows what tools printed before they failed, if it was not shown as it came.
    pub fn withheld(&self, lines: &str) {
        if self.form == Form::Hushed && !lines.is_empty() {
            let lines = sanitize::styled(lines.trim_end_matches('\n'));
            self.write(|streams| &mut streams.stderr, &format!("{lines}\n"));
        }
    }

    /// Passes on a line that a member of the workload wrote, without its line end.
    pub fn guest(&self, stream: GuestStream, member: &str, request: Option<RequestId>, line: &str) {
        if self.form == Form::Programs {
            let fields = json::guest(stream, member, request, line);
            return self.record("output", fields, Value::Null);
        }
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
            (GuestStream::Stdout, GuestStream::Stdout) => streams.stdout.pass_on(bytes),
            _ => streams.stderr.pass_on(bytes),
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
        if self.form == Form::Programs {
            let fields = json::log(level, member, request, context, message);
            return self.record("log", fields, Value::Null);
        }
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
        match self.form {
            Form::People => self.write(|streams| &mut streams.stderr, &format!("{access}\n")),
            Form::Hushed => {}
            Form::Programs => self.record("request", json::access(access), Value::Null),
        }
    }

    fn record(&self, event: &str, first: Value, rest: Value) {
        let line = json::record(event, first, rest);
        self.write(|streams| &mut streams.stdout, &line);
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
            shield: None,
        }
    }

    fn of_process(sink: impl RawStream + Send + 'static) -> Self {
        let color = AutoStream::choice(&sink) != ColorChoice::Never;
        Self::new(sink, color)
    }

    fn shielded(mut self, on: bool) -> Self {
        self.shield = on.then(Shield::default);
        self
    }

    /// Writes what a guest wrote.
    fn pass_on(&mut self, bytes: &[u8]) {
        match &mut self.shield {
            Some(shield) => {
                let text = shield.push(bytes);
                self.write_bytes(text.as_bytes());
            }
            None => self.write_bytes(bytes),
        }
    }

    fn write(&mut self, text: &str) {
        // Colors of a guest do not spread to what others say.
        if let Some(reset) = self.shield.as_mut().and_then(Shield::reset) {
            self.write_bytes(reset.as_bytes());
        }
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

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(rest) = self.shield.as_mut().map(Shield::end) {
            self.write_bytes(rest.as_bytes());
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
    fn builds_at_the_same_time_are_told_apart() {
        let (console, captured) = Console::capture();
        console.build("site", false, "Compiling a\n");
        console.build("site", true, "\x1b[32mCompiling\x1b[0m b\n");
        assert_eq!(captured.stderr(), "Compiling a\nsite | Compiling b\n");
    }

    #[test]
    fn programs_get_a_line_for_each_event() {
        let (captured, stdout, stderr) = capture::streams();
        let (stdout, stderr) = (Stream::new(stdout, false), Stream::new(stderr, false));
        let console = Console::new(Form::Programs, stdout, stderr);
        console.talk("\x1b[31mred\x1b[0m\n");
        console.tell("stopping", json!({ "requests": 2 }), "stopping");
        console.build("site", true, "\x1b[32mCompiling\x1b[0m b\n");
        console.guest(GuestStream::Stderr, "api", Some(RequestId(3)), "a\x1bb");
        console.guest_log(Level::Warn, "api", None, "gc", "slow");
        console.access(&Access {
            id: RequestId(3),
            method: "GET",
            path: "/a",
            status: None,
            duration: std::time::Duration::from_micros(1500),
            cut_off: Some("by the client"),
        });
        assert_eq!(captured.stderr(), "");
        let lines = captured.stdout();
        let events = lines.lines().map(|line| {
            let mut event: Value = serde_json::from_str(line).expect("it is JSON");
            let time = event.as_object_mut().and_then(|e| e.shift_remove("time"));
            assert!(time.is_some_and(|time| time.as_str().is_some_and(|t| t.ends_with('Z'))));
            event.to_string()
        });
        let expected = [
            r#"{"event":"message","message":"red"}"#,
            r#"{"event":"stopping","message":"stopping","requests":2}"#,
            r#"{"event":"build","component":"site","text":"Compiling b"}"#,
            r#"{"event":"output","component":"api","request":3,"stream":"stderr","text":"a\u001bb"}"#,
            r#"{"event":"log","component":"api","request":null,"level":"warn","context":"gc","text":"slow"}"#,
            r#"{"event":"request","request":3,"method":"GET","path":"/a","status":null,"duration_ms":1.5,"cut_off":"by the client"}"#,
        ];
        assert_eq!(events.collect::<Vec<_>>(), expected);
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
            Form::People,
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
        let (stdout, stderr) = (Stream::new(stdout, false), Stream::new(stderr, true));
        let console = Console::new(Form::People, stdout, stderr);
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
