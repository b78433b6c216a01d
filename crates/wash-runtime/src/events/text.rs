//! Events as plain text, for logs: without styles, and with what guests and clients wrote made safe to print.

use std::fmt;
use std::time::Duration;

use wash_common::{sanitize, units};

use super::{Access, Call, Event, Failed, RequestId, ServiceEvent};

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Event::Output {
                member,
                request,
                line,
                ..
            } => write!(f, "{} | {}", caller(member, request), safe(line)),
            Event::Log {
                level,
                member,
                request,
                context,
                message,
            } => {
                let separator = if context.is_empty() { "" } else { ": " };
                let text = format!("{} {context}{separator}{message}", level.name());
                write!(f, "{} | {}", caller(member, request), safe(&text))
            }
            Event::Request(access) => access.fmt(f),
            Event::Failed(Failed { call, report, .. }) => {
                write!(f, "{call} failed: {}", safe(report))
            }
            Event::Service { name, state } => write!(f, "service `{name}` {}", Service(state)),
            Event::Optimized { name, took } => {
                write!(f, "optimized {name} in {:.1}s", took.as_secs_f64())
            }
            Event::Member {
                member,
                request,
                text,
            } => write!(f, "{}: {}", caller(member, request), safe(text)),
            Event::Host(text) => f.write_str(&safe(text)),
            Event::Warning(text) => write!(f, "warning: {}", safe(text)),
        }
    }
}

impl fmt::Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        let (id, method, path) = (self.id, self.method, sanitize::guest_line(self.path));
        let duration = units::elapsed(self.duration);
        write!(f, "{id} {method} {path} {status} {duration}")?;
        match self.cut_off {
            Some(why) => write!(f, " cut off: {}", sanitize::guest_line(why)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Request(id) => write!(f, "request {id}"),
            Call::Message { subject, to } => write!(f, "a message on `{subject}` to `{to}`"),
        }
    }
}

/// What became of a service, as a predicate.
struct Service<'a>(ServiceEvent<'a>);

impl fmt::Display for Service<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServiceEvent::Ended => f.write_str("ended"),
            ServiceEvent::Failed {
                report,
                starts_again_in,
                ..
            } => {
                let then = restart(starts_again_in);
                write!(f, "failed: {}\n{then}", safe(report))
            }
        }
    }
}

/// When a service that has failed is started again, as a sentence without its end.
pub fn restart(after: Option<Duration>) -> String {
    match after {
        Some(wait) => format!("it starts again in {}", units::duration(wait)),
        None => "it is not started again".to_owned(),
    }
}

/// A member, with the request that it works on.
fn caller(member: &str, request: Option<RequestId>) -> String {
    match request {
        Some(request) => format!("{member} {request}"),
        None => member.to_owned(),
    }
}

fn safe(text: &str) -> String {
    sanitize::text(&sanitize::strip_ansi(text)).into_owned()
}
