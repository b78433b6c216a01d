//! The lines of a session: what a request did, what a member of the workload said.

use std::fmt::{self, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};

use super::text::{duration_text, harmless};
use crate::http::RequestId;

const DIM: Style = Style::new().effects(Effects::DIMMED);

/// The levels of `wasi:logging`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    #[default]
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

/// What the access log tells of a request.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    pub id: RequestId,
    pub method: &'a str,
    /// With the query.
    pub path: &'a str,
    /// `None`: the client went away before there was a response.
    pub status: Option<u16>,
    /// From the request's head to the end of the response's body.
    pub duration: Duration,
    /// Why the response is not complete.
    pub cut_off: Option<&'a str>,
}

impl Level {
    /// From the least to the most important.
    pub const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Critical,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Self::Trace | Self::Debug => DIM,
            Self::Info => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Error | Self::Critical => AnsiColor::Red.on_default().bold(),
        }
    }
}

impl fmt::Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            method,
            path,
            status,
            duration,
            cut_off,
        } = self;
        let color = match status {
            Some(500..) => AnsiColor::Red.on_default(),
            Some(400..) => AnsiColor::Yellow.on_default(),
            Some(_) => AnsiColor::Green.on_default(),
            None => Style::new(),
        };
        write!(f, "{DIM}{id}{DIM:#} {method} {} {color}", harmless(path))?;
        match status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("-")?,
        }
        write!(f, "{color:#} {DIM}{}{DIM:#}", duration_text(*duration))?;
        match cut_off {
            Some(why) => write!(
                f,
                " {}cut off: {}{:#}",
                AnsiColor::Red.on_default(),
                harmless(why),
                Style::new()
            ),
            None => Ok(()),
        }
    }
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
        let _ = writeln!(lines, " {DIM}|{DIM:#} {}", harmless(line));
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
    use super::*;
    use crate::console::plain;

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
        let line = |access: Access<'_>| plain(&access.to_string()).into_owned();
        assert_eq!(line(access), "#4 GET /a?b 200 12.3 ms");
        let gone = Access {
            status: None,
            cut_off: Some("by the client"),
            ..access
        };
        assert_eq!(line(gone), "#4 GET /a?b - 12.3 ms cut off: by the client");
    }
}
