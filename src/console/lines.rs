//! The lines of a session: what a request did, what a member of the workload said.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};
use wash_common::{sanitize, units};
use wash_runtime::events::{Access, Level, RequestId};

const DIM: Style = Style::new().effects(Effects::DIMMED);

pub(super) fn level_style(level: Level) -> Style {
    match level {
        Level::Trace | Level::Debug => DIM,
        Level::Info => AnsiColor::Green.on_default(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Error | Level::Critical => AnsiColor::Red.on_default().bold(),
    }
}

/// The line of a request that has ended.
pub(super) fn access(access: &Access<'_>) -> String {
    let Access {
        id,
        method,
        path,
        status,
        duration,
        cut_off,
    } = access;
    let color = match status {
        Some(500..) => AnsiColor::Red.on_default(),
        Some(400..) => AnsiColor::Yellow.on_default(),
        Some(_) => AnsiColor::Green.on_default(),
        None => Style::new(),
    };
    let status = status.map_or("-".to_owned(), |status| status.to_string());
    let (path, duration) = (sanitize::guest_line(path), units::elapsed(*duration));
    let mut line =
        format!("{DIM}{id}{DIM:#} {method} {path} {color}{status}{color:#} {DIM}{duration}{DIM:#}");
    if let Some(why) = cut_off {
        let red = AnsiColor::Red.on_default();
        let _ = write!(line, " {red}cut off: {}{red:#}", sanitize::guest_line(why));
    }
    line.push('\n');
    line
}

/// The text, made harmless, with the member's name and the request in front of each line.
pub(super) fn prefixed(member: &str, request: Option<RequestId>, text: &str) -> String {
    let color = member_style(member);
    let mut lines = String::with_capacity(text.len() + member.len() + 24);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let _ = write!(lines, "{color}{member}{color:#}");
        if let Some(request) = request {
            let _ = write!(lines, " {DIM}{request}{DIM:#}");
        }
        let _ = writeln!(lines, " {DIM}|{DIM:#} {}", sanitize::guest_line(line));
    }
    lines
}

/// A member has the same color in every session: it depends on the name alone.
fn member_style(member: &str) -> Style {
    const COLORS: [AnsiColor; 6] = [
        AnsiColor::Cyan,
        AnsiColor::Magenta,
        AnsiColor::Blue,
        AnsiColor::Yellow,
        AnsiColor::Green,
        AnsiColor::BrightCyan,
    ];
    let hash = member.bytes().fold(0usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    });
    COLORS[hash % COLORS.len()].on_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_access_line_says_how_it_ended() {
        let access = Access {
            id: RequestId(4),
            method: "GET",
            path: "/a?b",
            status: Some(200),
            duration: Duration::from_micros(12_340),
            cut_off: None,
        };
        let line = |access: Access<'_>| {
            sanitize::strip_ansi(super::access(&access).trim_end()).into_owned()
        };
        assert_eq!(line(access), "#4 GET /a?b 200 12.3 ms");
        let gone = Access {
            status: None,
            cut_off: Some("by the client"),
            ..access
        };
        assert_eq!(line(gone), "#4 GET /a?b - 12.3 ms cut off: by the client");
    }
}
