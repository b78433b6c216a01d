//! What happens on one connection: how many requests are in flight, and when something last moved.
//!
//! The server ends connections by this. Hyper has a time limit of its own for the head of a request over HTTP/1.1 only.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};

/// How long a server waits for its clients.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For the head of a request: the first one counts from the beginning of the connection.
    pub head: Duration,
    /// For another request over HTTP/2.
    pub idle: Duration,
    /// For the next bytes of a request's body.
    pub body: Duration,
    /// For an answer to a client that has closed its side. It may have gone altogether, which cannot be told.
    pub half_closed: Duration,
    /// For the rest of a request that was answered before it was read: at most, and for its next bytes.
    pub rest: Duration,
    pub rest_silence: Duration,
    /// For a client to take what was written, before a connection without requests is cut off.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            idle: Duration::from_secs(120),
            body: Duration::from_secs(60),
            half_closed: Duration::from_secs(10),
            rest: Duration::from_secs(30),
            rest_silence: Duration::from_secs(2),
            close: Duration::from_secs(1),
        }
    }
}

/// What one connection does. Its tasks share it.
pub(super) struct Activity {
    pub(super) timeouts: Timeouts,
    requests: watch::Sender<Requests>,
    /// Bodies of requests that were neither read to their end nor given up.
    open_bodies: AtomicUsize,
    /// A body was given up before its end.
    has_rest: AtomicBool,
    /// HTTP/2 has streams, which a client ends one by one.
    is_http2: AtomicBool,
    written: Mutex<Instant>,
    /// The first byte of the client; 0 before it.
    first_byte: AtomicU8,
}

#[derive(Clone, Copy)]
struct Requests {
    in_flight: usize,
    /// Of all times.
    count: u64,
    /// When the last of them ended, or the connection began.
    idle_since: Instant,
}

impl Activity {
    pub(super) fn new(timeouts: Timeouts) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            timeouts,
            requests: watch::Sender::new(Requests {
                in_flight: 0,
                count: 0,
                idle_since: now,
            }),
            open_bodies: AtomicUsize::new(0),
            has_rest: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            written: Mutex::new(now),
            first_byte: AtomicU8::new(0),
        })
    }

    /// Counts a request until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>, version: http::Version) -> InFlight {
        self.is_http2
            .store(version == http::Version::HTTP_2, Ordering::Relaxed);
        self.requests.send_modify(|requests| {
            requests.in_flight += 1;
            requests.count += 1;
        });
        InFlight(Arc::clone(self))
    }

    /// Waits until the client has been without a request for too long.
    pub(super) async fn idle_too_long(&self) {
        let mut requests = self.requests.subscribe();
        loop {
            let now = *requests.borrow_and_update();
            let limit = match now.count {
                0 => self.timeouts.head,
                _ => self.timeouts.idle,
            };
            let over = async {
                match now.in_flight {
                    0 => sleep_until(now.idle_since + limit).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is here.
                _ = requests.changed() => {}
                () = over => return,
            }
        }
    }

    /// Whether there ever was a request.
    pub(super) fn is_silent(&self) -> bool {
        self.requests.borrow().count == 0
    }

    /// Waits until no request is in flight and the client has taken nothing for a while.
    pub(super) async fn settled(&self) {
        let mut requests = self.requests.subscribe();
        loop {
            // The sender is here.
            let _ = requests.wait_for(|requests| requests.in_flight == 0).await;
            let since = self.last_write().max(requests.borrow().idle_since);
            let until = since.max(Instant::now() - self.timeouts.close) + self.timeouts.close;
            tokio::select! {
                _ = requests.changed() => {}
                () = sleep_until(until) => {
                    if self.last_write() <= since && requests.borrow().in_flight == 0 {
                        return;
                    }
                }
            }
        }
    }

    pub(super) fn body_begins(&self) {
        self.open_bodies.fetch_add(1, Ordering::Relaxed);
    }

    /// `read`: to its end.
    pub(super) fn body_ends(&self, read: bool) {
        self.open_bodies.fetch_sub(1, Ordering::Relaxed);
        if !read {
            self.has_rest.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the client may be sending what nobody reads any more.
    pub(super) fn has_rest(&self) -> bool {
        !self.is_http2() && self.has_rest.load(Ordering::Relaxed)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Whether the client spoke first, and spoke TLS.
    pub(super) fn begins_with_tls(&self) -> bool {
        self.first_byte.load(Ordering::Relaxed) == super::tls::HANDSHAKE
    }

    /// Whether somebody waits for an answer who has said everything that is to be said before.
    fn owes_an_answer(&self) -> bool {
        !self.is_http2()
            && self.requests.borrow().in_flight > 0
            && self.open_bodies.load(Ordering::Relaxed) == 0
    }

    fn last_write(&self) -> Instant {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrote(&self) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        *written = Instant::now();
    }
}

/// A request, while there is anything left of it.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.requests.send_modify(|requests| {
            requests.in_flight -= 1;
            requests.idle_since = Instant::now();
        });
    }
}

/// A connection's stream on loan: it is given back when hyper is done with it.
pub(super) struct Lent<S> {
    /// Here until it is given back.
    stream: Option<S>,
    back: Option<oneshot::Sender<S>>,
    activity: Arc<Activity>,
    /// The client has closed its side.
    ended: bool,
    /// Runs while that is kept from hyper, which would drop the request.
    grace: Option<Pin<Box<Sleep>>>,
}

impl<S> Lent<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> (Self, oneshot::Receiver<S>) {
        let (back, returned) = oneshot::channel();
        let lent = Self {
            stream: Some(stream),
            back: Some(back),
            activity,
            ended: false,
            grace: None,
        };
        (lent, returned)
    }
}

impl<S: Unpin> Lent<S> {
    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        self.stream.as_mut().map(Pin::new).ok_or_else(gone)
    }

    /// The end of what the client sends, which waits for an answer that is on its way.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.activity.owes_an_answer() {
            return Poll::Ready(Ok(()));
        }
        let limit = self.activity.timeouts.half_closed;
        let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(limit)));
        grace.as_mut().poll(context).map(Ok)
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // It ends here if nobody wants it.
            let _ = back.send(stream);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended {
            return self.poll_end(context);
        }
        let before = buffer.filled().len();
        ready!(self.stream()?.poll_read(context, buffer))?;
        match buffer.filled().get(before) {
            Some(first) => {
                let _ = self.activity.first_byte.compare_exchange(
                    0,
                    *first,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                Poll::Ready(Ok(()))
            }
            None if buffer.remaining() == 0 => Poll::Ready(Ok(())),
            None => {
                self.ended = true;
                self.poll_end(context)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream()?.poll_write(context, bytes));
        self.activity.wrote();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream()?.poll_write_vectored(context, bytes));
        self.activity.wrote();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}

/// Reads what the client still sends after its answer, for a while. A connection that is closed with bytes unread is reset,
/// and the client may lose the answer.
pub(super) async fn read_rest<S>(mut stream: S, timeouts: &Timeouts)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = Instant::now() + timeouts.rest;
    let reading = async {
        // The client learns that nothing more comes.
        let _ = stream.shutdown().await;
        let mut bytes = vec![0; 16 << 10];
        while let Ok(Ok(1..)) = timeout(timeouts.rest_silence, stream.read(&mut bytes)).await {}
    };
    let _ = timeout_at(end, reading).await;
}
