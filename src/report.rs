//! How failures reach the user: `error:`, what caused it, and after a blank line what to do about it.
//!
//! With `--output json`, results and failures are `{"message", "success", "data"}` on stdout instead.
//!
//! Whatever is printed may have text of others in it, so all of it is [sanitized](sanitize) here: on stdout and stderr, on
//! terminals and into pipes. Only what is itself the result, such as WIT text, goes [as it is](product) to a reader that is no terminal.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use wash_common::advice::{fault, hints, messages};
use wash_common::sanitize;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    #[value(alias = "plain")]
    Text,
    /// For programs: `{"message", "success", "data"}`
    Json,
}

/// Prints what a command came to: a line for people, or `message` and `data` for programs.
pub fn success(format: OutputFormat, text: &str, message: &str, data: Value) -> io::Result<()> {
    match format {
        OutputFormat::Text => stdout(&sanitize::text(text)),
        OutputFormat::Json => stdout(&pretty(
            &json!({ "message": message, "success": true, "data": data }),
        )),
    }
}

/// [`success`] for text that is itself what was asked for and that a program may read, such as WIT or a picture: only a terminal
/// gets it sanitized.
pub fn product(format: OutputFormat, text: &str, message: &str, data: Value) -> io::Result<()> {
    match format {
        OutputFormat::Text if !io::stdout().is_terminal() => stdout(text),
        _ => success(format, text, message, data),
    }
}

/// Prints what a command found out although it did not come to what it should: `message` says in what it failed.
pub fn incomplete(format: OutputFormat, text: &str, message: &str, data: Value) -> io::Result<()> {
    match format {
        OutputFormat::Text => {
            stdout(&sanitize::text(text))?;
            failure(format, &anyhow::anyhow!("{message}"))
        }
        OutputFormat::Json => stdout(&pretty(
            &json!({ "message": message, "success": false, "data": data }),
        )),
    }
}

/// Prints why a command failed: on stderr for people, on stdout for programs.
pub fn failure(format: OutputFormat, error: &anyhow::Error) -> io::Result<()> {
    match format {
        OutputFormat::Text => anstream::stderr()
            .lock()
            .write_all(render(error).as_bytes()),
        OutputFormat::Json => stdout(&pretty(&failure_record(error))),
    }
}

/// The same for a command that prints one object a line.
pub fn failure_in_lines(format: OutputFormat, error: &anyhow::Error) -> io::Result<()> {
    match format {
        OutputFormat::Text => failure(format, error),
        OutputFormat::Json => stdout(&sanitize::json(&failure_record(error).to_string())),
    }
}

fn failure_record(error: &anyhow::Error) -> Value {
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    let hints: Vec<&str> = hints(error).collect();
    let data = json!({ "causes": causes, "hints": hints, "fault": fault(error).name() });
    json!({ "message": error.to_string(), "success": false, "data": data })
}

/// Something that does not stop anything, on stderr in both formats.
pub fn warn(message: &dyn fmt::Display, hint: Option<&str>) {
    let message = message.to_string();
    stderr(&format!(
        "{WARNING}warning{WARNING:#}: {}",
        sanitize::line(&message)
    ));
    if let Some(hint) = hint {
        stderr(&format!("  {HINT}hint{HINT:#}: {}", sanitize::hint(hint)));
    }
}

/// Says something on stderr. If nobody can hear it, that is no failure.
pub fn info(text: &str) {
    stderr(&sanitize::text(text));
}

/// Shows what a tool printed, with its colors.
pub fn tool_output(text: &str) {
    stderr(&sanitize::styled(text));
}

/// A path in the JSON of a result: what is not UTF-8 in it is replaced, because JSON cannot have it.
pub fn json_path(path: impl AsRef<Path>) -> Value {
    path.as_ref().to_string_lossy().into_owned().into()
}

/// The same for a path that may not be there.
pub fn json_path_or_null(path: Option<impl AsRef<Path>>) -> Value {
    path.map_or(Value::Null, json_path)
}

/// The same for a field of a `Serialize`: `#[serde(serialize_with = "report::serialize_path")]`.
pub fn serialize_path<S: serde::Serializer>(
    path: impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}

/// Whether nobody reads our stdout any more, which is no failure.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(closed)
}

/// The text of an error: its chain of causes, then its hints. Ends in a line break; has colours of ours alone.
fn render(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for (index, message) in messages(error).enumerate() {
        text.push_str(&match index {
            0 => format!("{ERROR}error{ERROR:#}: {message}\n"),
            _ => format!("  caused by: {message}\n"),
        });
    }
    let hints: Vec<_> = hints(error).collect();
    if !hints.is_empty() {
        text.push('\n');
    }
    for hint in hints {
        text.push_str(&format!("{HINT}hint{HINT:#}: {}\n", sanitize::hint(hint)));
    }
    text
}

fn stdout(text: &str) -> io::Result<()> {
    // In one piece: a reader that has enough after the first lines is no reason to fail at the last.
    write_stdout(format!("{text}\n").as_bytes())
}

/// Writes to stdout. The error says that it is about stdout, and is of the same kind as its cause.
pub fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(stdout_error)
}

/// An error of stdout, which says so and is of the same kind.
pub fn stdout_error(error: io::Error) -> io::Error {
    let message = format!("cannot write to standard output: {error}");
    io::Error::new(error.kind(), message)
}

fn stderr(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn pretty(value: &Value) -> String {
    sanitize::json(&format!("{value:#}")).into_owned()
}

#[cfg(test)]
mod tests {
    use wash_common::advice::{Advice, ErrorClass, hinted, usage};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer failed")]
    struct Outer(#[source] io::Error);

    impl Advice for Outer {
        fn hints(&self) -> Vec<String> {
            vec!["try again".to_string()]
        }
    }

    #[test]
    fn causes_and_hints_survive_the_way_up() {
        let error = hinted(Outer(io::Error::other("disk on fire"))).context("reading the project");
        let text = anstream::adapter::strip_str(&render(&error)).to_string();
        assert_eq!(
            text,
            "error: reading the project\n  caused by: outer failed\n  caused by: disk on fire\n\nhint: try again\n"
        );
    }

    #[test]
    fn others_do_not_write_lines_of_ours() {
        let strange = "x\nhint: run this\r\u{2028}error: y\n\nhint: z";
        let hostile = Outer(io::Error::other(strange));
        let text = render(&hinted(hostile).context(strange));
        let text = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let line = "x␊hint: run this␍\u{fffd}error: y␊␊hint: z";
        let cause = format!("  caused by: {line}");
        let first = format!("error: {line}");
        let expected = [
            &first,
            "  caused by: outer failed",
            &cause,
            "",
            "hint: try again",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_gravest_cause_says_whose_fault_it_is() {
        let denied = hinted(Outer(io::ErrorKind::PermissionDenied.into())).context("reading");
        assert_eq!(fault(&denied), ErrorClass::Environment);
        let missing = hinted(Outer(io::ErrorKind::NotFound.into()));
        assert_eq!(fault(&missing), ErrorClass::Input);
        assert_eq!(fault(&usage("no").context("both")), ErrorClass::Usage);
    }

    #[test]
    fn a_closed_pipe_is_recognised_below_other_errors() {
        let closed = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe))
            .context("writing the result");
        assert!(is_closed_pipe(&closed));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
