//! What happens while workloads run, as typed events, for whoever shows or records it.
//!
//! An [`Observer`] must not wait for anybody: events come from the tasks that serve requests.

mod recorder;
mod text;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub use recorder::Recorder;
pub use text::restart;

/// A request in the session, counted from 1. Told to users as `#N`, and in the error page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

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
}

/// Which of its two streams a guest wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestStream {
    Stdout,
    Stderr,
}

/// Something that happened. Text of guests and clients is as they wrote it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A guest wrote a line, which comes without its end.
    Output {
        stream: GuestStream,
        member: &'a str,
        request: Option<RequestId>,
        line: &'a str,
    },
    /// A guest logged something through `wasi:logging`. The context may be empty.
    Log {
        level: Level,
        member: &'a str,
        request: Option<RequestId>,
        context: &'a str,
        message: &'a str,
    },
    /// A request has ended, with its response's body.
    Request(Access<'a>),
    /// A guest did not come to the end of what it was called for.
    Failed(Failed<'a>),
    Service {
        name: &'a str,
        state: ServiceEvent<'a>,
    },
    /// What runs quickly compiled code of a component runs optimized code from now on.
    Optimized { name: &'a str, took: Duration },
    /// Something that concerns a member, and the user may want to know: what it was denied, say. Further lines may be hints.
    Member {
        member: &'a str,
        request: Option<RequestId>,
        text: &'a str,
    },
    /// The same, of the host itself.
    Host(&'a str),
    /// Something goes less well than it should.
    Warning(&'a str),
}

/// How a request ended.
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

/// What a guest was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    Request(RequestId),
    Message { subject: &'a str, to: &'a str },
}

/// A call of a guest that trapped, ran into a limit, or broke off.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    pub call: Call<'a>,
    /// The member that failed, as far as that is known.
    pub component: Option<&'a str>,
    /// Why, as one line.
    pub summary: &'a str,
    /// All that is known, in lines with ANSI styles.
    pub report: &'a str,
}

/// What became of a service.
#[derive(Debug, Clone, Copy)]
pub enum ServiceEvent<'a> {
    /// It returned, and with success.
    Ended,
    Failed {
        /// Why, as one line.
        summary: &'a str,
        /// All that is known, in lines with ANSI styles.
        report: &'a str,
        /// `None`: not at all.
        starts_again_in: Option<Duration>,
    },
}

/// Hears of events.
pub trait Observer: Send + Sync {
    fn observe(&self, event: Event<'_>);

    /// Where what guests write goes as it is, byte for byte. `None`: it comes as [`Event::Output`], line by line.
    fn guest_output(&self) -> Option<&dyn GuestOutputSink> {
        None
    }
}

/// Takes what guests write, as it is.
pub trait GuestOutputSink: Send + Sync {
    /// Waits until there is room for more; fails when nobody reads it any more.
    fn poll_room(&self, stream: GuestStream, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Takes bytes. There must be room.
    fn write(&self, stream: GuestStream, bytes: &[u8]);
}

/// A handle on an observer, to be cloned.
#[derive(Clone)]
pub struct Events(Arc<dyn Observer>);

impl Events {
    pub fn new(observer: impl Observer + 'static) -> Self {
        Self(Arc::new(observer))
    }

    /// For those who do not want to hear of anything.
    pub fn ignored() -> Self {
        Self::new(Ignore)
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        self.0.observe(event);
    }

    /// Tells of something that the host itself does or cannot do.
    pub(crate) fn host(&self, text: &str) {
        self.tell(Event::Host(text));
    }

    pub(crate) fn warn(&self, text: &str) {
        self.tell(Event::Warning(text));
    }

    /// Tells of something that concerns a member.
    pub(crate) fn member(&self, member: &str, request: Option<RequestId>, text: &str) {
        self.tell(Event::Member {
            member,
            request,
            text,
        });
    }

    pub(crate) fn guest_output(&self) -> Option<&dyn GuestOutputSink> {
        self.0.guest_output()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

struct Ignore;

impl Observer for Ignore {
    fn observe(&self, _event: Event<'_>) {}
}
