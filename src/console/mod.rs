//! The terminal of a session: whole lines, never interleaved, with the guest's lines prefixed. Or, for programs, one
//! JSON object a line on stdout.
//!
//! Talk goes to stderr; what a guest wrote to its stdout goes to stdout. Whoever writes passes text with anstyle
//! escapes and forgets about colors: they are stripped here for a stream that does not want them. Text that comes
//! from a guest or from the wire passes [`sanitize`] first.
//!
//! Nobody who writes waits for a reader: see `queue`.

mod capture;
mod json;
mod lines;
mod log;
mod observer;
mod passed_on;
mod queue;
mod shield;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use lines::prefixed;
use queue::{Chunk, Notice, OutputQueue};
use shield::Shield;
use wash_common::sanitize;
use wash_runtime::events::{Access, Events, GuestStream, Level, RequestId};

pub use capture::Captured;
pub use log::LogWriter;
pub use passed_on::LostOutput;

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
const ALL_IS_WELL: [&str; 10] = [
    "listening",
    "compiling",
    "built_again",
    "wiring",
    "reloaded",
    "optimized",
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
    sink: Sink,
    color: bool,
    /// What makes the bytes of a guest harmless, if it is to be.
    shield: Option<Shield>,
}

/// Hints look alike, whoever gives them.
fn colored(text: &str) -> Cow<'_, str> {
    match text.contains("\nhint: ") {
        true => Cow::Owned(text.replace("\nhint: ", &format!("\n{HINT}hint{HINT:#}: "))),
        false => Cow::Borrowed(text),
    }
}

const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Where the bytes of a stream go.
enum Sink {
    Nowhere,
    /// For streams of this process.
    Queued(Arc<OutputQueue>, GuestStream),
    /// For what never waits: memory.
    Direct(Box<dyn Write + Send>),
}

/// How long the end of a command waits for a reader that takes nothing.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes what consoles of this process have not written yet, unless the reader takes nothing of it.
pub fn flush() {
    if let Some(queue) = OutputQueue::of_process_if_used() {
        queue.wait_written(FLUSH_TIMEOUT);
    }
}

impl Console {
    /// The streams of this process. Colors as the terminal and the user (`NO_COLOR`, `CLICOLOR_FORCE`) want them.
    pub fn stdio() -> Self {
        Self::new(
            Form::People,
            Stream::of_process(GuestStream::Stdout),
            Stream::of_process(GuestStream::Stderr),
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

    /// As [`Self::stdio`], with everything on stderr: for guests that run while a command does something else.
    pub fn on_stderr() -> Self {
        Self::new(
            Form::People,
            Stream::of_process(GuestStream::Stderr),
            Stream::of_process(GuestStream::Stderr),
        )
    }

    /// The streams of this process, for a program that reads what a session does.
    pub fn json() -> Self {
        Self::new(
            Form::Programs,
            Stream::of_process(GuestStream::Stdout),
            Stream::of_process(GuestStream::Stderr),
        )
    }

    /// A console that nobody reads.
    pub fn silent() -> Self {
        let nowhere = || Stream {
            sink: Sink::Nowhere,
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
        let shields = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            bare: Some(GuestStream::Stdout),
            ..Self::new(
                Form::People,
                Stream::of_process(GuestStream::Stdout).shielded(shields.0),
                Stream::of_process(GuestStream::Stderr).shielded(shields.1),
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

    /// What hosts and servers tell their events to, so that they appear here.
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// Says something to the user: one or more lines, with anstyle escapes where they help.
    pub fn info(&self, text: &str) {
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
                self.write(
                    |streams| &mut streams.stderr,
                    &format!("{}\n", colored(&text)),
                );
            }
            Form::Programs => self.record(
                event,
                json!({ "message": sanitize::strip_ansi(text) }),
                fields,
            ),
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
                let fields = json!({ "component": component, "text": sanitize::strip_ansi(lines) });
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
        let style = lines::level_style(level);
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
            Form::People => self.write(|streams| &mut streams.stderr, &lines::access(access)),
            Form::Hushed => {}
            Form::Programs => self.record("request", json::access(access), Value::Null),
        }
    }

    fn record(&self, event: &str, first: Value, rest: Value) {
        let line = json::record(event, first, rest);
        self.write(|streams| &mut streams.stdout, &line);
    }

    fn write(&self, pick: impl FnOnce(&mut Streams) -> &mut Stream, text: &str) {
        let notice: Notice = match self.form {
            Form::People | Form::Hushed => text_notice,
            Form::Programs => json_notice,
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        pick(&mut streams).write(text, notice);
    }
}

fn text_notice(lines: u64) -> Chunk {
    Chunk {
        stream: GuestStream::Stderr,
        bytes: format!("... {}\n", not_shown(lines)).into_bytes(),
        notice: None,
    }
}

fn json_notice(lines: u64) -> Chunk {
    let fields = json!({ "lines": lines });
    let message = json!({ "message": not_shown(lines) });
    Chunk {
        stream: GuestStream::Stdout,
        bytes: json::record("omitted", message, fields).into_bytes(),
        notice: None,
    }
}

fn not_shown(lines: u64) -> String {
    match lines {
        1 => "1 line was not shown".to_owned(),
        lines => format!("{lines} lines were not shown"),
    }
}

impl Stream {
    /// One that is written to at once.
    fn new(sink: impl Write + Send + 'static, color: bool) -> Self {
        Self {
            sink: Sink::Direct(Box::new(sink)),
            color,
            shield: None,
        }
    }

    fn of_process(stream: GuestStream) -> Self {
        let color = match stream {
            GuestStream::Stdout => AutoStream::choice(&io::stdout()),
            GuestStream::Stderr => AutoStream::choice(&io::stderr()),
        };
        Self {
            sink: Sink::Queued(OutputQueue::of_process(), stream),
            color: color != ColorChoice::Never,
            shield: None,
        }
    }

    fn shielded(mut self, on: bool) -> Self {
        self.shield = on.then(Shield::default);
        self
    }

    fn write(&mut self, text: &str, notice: Notice) {
        // Colors of a guest do not spread to what others say.
        let reset = self.shield.as_mut().and_then(Shield::reset);
        let text = match self.color {
            true => text.into(),
            false => sanitize::strip_ansi(text),
        };
        let text = match reset {
            Some(reset) => (reset.to_owned() + &text).into(),
            None => text,
        };
        match &mut self.sink {
            Sink::Nowhere => {}
            Sink::Queued(queue, stream) => queue.add_lines(*stream, text.as_bytes(), notice),
            // Memory takes everything.
            Sink::Direct(sink) => drop(sink.write_all(text.as_bytes())),
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
        console.info("\x1b[31mred\x1b[0m\n");
        console.tell("stopping", json!({ "requests": 2 }), "stopping");
        console.build("site", true, "\x1b[32mCompiling\x1b[0m b\n");
        console.guest(GuestStream::Stderr, "api", Some(RequestId(3)), "a\x1bb");
        console.guest_log(Level::Warn, "api", None, "gc", "slow");
        console.access(&Access {
            id: RequestId(3),
            method: "GET",
            path: "/a",
            status: None,
            duration: Duration::from_micros(1500),
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
