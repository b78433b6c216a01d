//! Output on its way to stdout and stderr: a bounded queue, and the one thread that writes what is in it.
//!
//! A reader may pause for as long as it likes: a terminal after Ctrl-S, a pager, a full pipe. Whoever adds a line never
//! waits for it. Lines for which there is no room are left out and counted, and the count is shown in their place.
//! A guest whose output is passed on as it is waits for room instead, without holding up anything but itself.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use wash_runtime::events::GuestStream;

/// How many bytes wait before lines are left out.
const CAPACITY: usize = 4 << 20;

/// How many bytes wait before a guest that is passed on as it is has to wait as well.
const GUEST_CAPACITY: usize = 64 << 10;

/// How often a guest writes to a stream that it was told is closed, before it is taken for one that never looks.
const MAX_REFUSALS: u32 = 100;

/// How much is written at once: between two writes the process can be seen to make progress.
const WRITE: usize = 16 << 10;

/// How long to wait when a descriptor that does not block is full. Another process may have made it so: it is shared.
const FULL_RETRY: Duration = Duration::from_millis(5);

/// How the count of left out lines is told: who reads the stream knows no other form.
pub(super) type Notice = fn(lines: u64) -> Chunk;

/// What is written to one of the streams in one piece.
pub(super) struct Chunk {
    pub(super) stream: GuestStream,
    pub(super) bytes: Vec<u8>,
    /// For lines: how to tell of those that are left out.
    pub(super) notice: Option<Notice>,
}

pub(super) struct OutputQueue {
    state: Mutex<State>,
    /// Something was added, or written.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Chunk>,
    /// The bytes of all chunks that wait.
    bytes: usize,
    /// Lines that were left out after those that wait.
    omitted: Option<Omitted>,
    /// Lines that could not be written.
    lost: Option<Omitted>,
    /// The thread has taken something that it has not written yet.
    writing: bool,
    /// How many writes have succeeded.
    writes: u64,
    stdout: Health,
    stderr: Health,
    /// How often a guest was told that nobody reads what it writes.
    refusals: u32,
    /// Guests that wait for room, and those who wait until all is written.
    wakers: Vec<Waker>,
}

struct Omitted {
    lines: u64,
    notice: Notice,
}

/// What became of one of the streams.
#[derive(Default)]
struct Health {
    /// Nobody reads it any more: what is still said there goes nowhere.
    closed: bool,
    /// Why something was not written. The first reason stays.
    failure: Option<(io::ErrorKind, Option<i32>)>,
}

impl OutputQueue {
    /// That of this process, whose streams are the process's own.
    pub(super) fn of_process() -> Arc<Self> {
        let start = || Self::start(descriptor(io::stdout()), descriptor(io::stderr()));
        Arc::clone(OF_PROCESS.get_or_init(start))
    }

    /// The same, if anything was ever written to it.
    pub(super) fn of_process_if_used() -> Option<&'static Arc<Self>> {
        OF_PROCESS.get()
    }

    /// Starts the thread that writes to these streams. It lasts as long as the process.
    pub(super) fn start(
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
    ) -> Arc<Self> {
        let queue = Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = Writer {
            queue: Arc::clone(&queue),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
        };
        // Without a thread nothing could be shown, not even that.
        let thread = thread::Builder::new().name("console".to_owned());
        if thread.spawn(move || writer.run()).is_err() {
            let mut state = queue.state();
            state.stdout.closed = true;
            state.stderr.closed = true;
        }
        queue
    }

    /// Adds lines, or leaves them out if there is no room. Never waits.
    pub(super) fn add_lines(&self, stream: GuestStream, bytes: &[u8], notice: Notice) {
        let mut state = self.state();
        if state.health(stream).closed {
            return;
        }
        // After a gap, nothing before the gap was told.
        if state.omitted.is_some() || state.bytes + bytes.len() > CAPACITY {
            Omitted::add(&mut state.omitted, lines(bytes), notice);
        } else {
            state.add(stream, bytes, Some(notice));
        }
        self.changed.notify_all();
    }

    /// Adds what a guest wrote, which has waited for room.
    pub(super) fn add(&self, stream: GuestStream, bytes: &[u8]) {
        self.state().add(stream, bytes, None);
        self.changed.notify_all();
    }

    /// Waits until there is room for a guest's output. An error if what it wrote before could not be written.
    pub(super) fn poll_room(
        &self,
        stream: GuestStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if let Some(error) = state.health(stream).error() {
            if error.kind() == io::ErrorKind::BrokenPipe {
                state.refusals = state.refusals.saturating_add(1);
            }
            let wakers = match state.refusals {
                MAX_REFUSALS => std::mem::take(&mut state.wakers),
                _ => Vec::new(),
            };
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
            return Poll::Ready(Err(error));
        }
        if state.bytes < GUEST_CAPACITY {
            return Poll::Ready(Ok(()));
        }
        state.wakers.push(context.waker().clone());
        Poll::Pending
    }

    /// Waits until a guest has gone on writing for long to a stream that nobody reads.
    pub(super) fn poll_refused(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.refusals >= MAX_REFUSALS {
            return Poll::Ready(());
        }
        state.wakers.push(context.waker().clone());
        Poll::Pending
    }

    /// Waits until everything is written, or cannot be.
    pub(super) fn poll_written(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.is_idle() {
            return Poll::Ready(());
        }
        state.wakers.push(context.waker().clone());
        Poll::Pending
    }

    /// The same for those who cannot go on without it, unless nothing moves for so long.
    pub(super) fn wait_written(&self, patience: Duration) {
        let mut state = self.state();
        let (mut writes, mut since) = (state.writes, Instant::now());
        while !state.is_idle() {
            if state.writes != writes {
                (writes, since) = (state.writes, Instant::now());
            }
            let Some(left) = patience.checked_sub(since.elapsed()) else {
                return;
            };
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Why something was not written to the stream.
    pub(super) fn failure(&self, stream: GuestStream) -> Option<io::Error> {
        self.state().health(stream).error()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static OF_PROCESS: OnceLock<Arc<OutputQueue>> = OnceLock::new();

/// A stream of this process without the lock and the buffer of the standard library, which others may need meanwhile.
fn descriptor(stream: impl AsFd) -> Box<dyn Write + Send> {
    match stream.as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::sink()),
    }
}

impl State {
    fn health(&mut self, stream: GuestStream) -> &mut Health {
        match stream {
            GuestStream::Stdout => &mut self.stdout,
            GuestStream::Stderr => &mut self.stderr,
        }
    }

    fn add(&mut self, stream: GuestStream, bytes: &[u8], notice: Option<Notice>) {
        self.bytes += bytes.len();
        match self.waiting.last_mut() {
            Some(last) if last.stream == stream && last.notice.is_some() == notice.is_some() => {
                last.bytes.extend_from_slice(bytes);
            }
            _ => self.waiting.push(Chunk {
                stream,
                bytes: bytes.to_vec(),
                notice,
            }),
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.omitted.is_none() && !self.writing
    }

    /// Everything that is to be written now.
    fn take(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        chunks.extend(self.lost.take().map(Omitted::told));
        chunks.append(&mut self.waiting);
        chunks.extend(self.omitted.take().map(Omitted::told));
        self.bytes = 0;
        self.writing = true;
        chunks
    }
}

impl Omitted {
    fn add(to: &mut Option<Self>, lines: u64, notice: Notice) {
        let omitted = to.get_or_insert(Self { lines: 0, notice });
        omitted.lines += lines;
    }

    fn told(self) -> Chunk {
        (self.notice)(self.lines)
    }
}

impl Health {
    fn error(&self) -> Option<io::Error> {
        let (kind, code) = self.failure?;
        Some(match code {
            Some(code) => io::Error::from_raw_os_error(code),
            None => kind.into(),
        })
    }
}

fn lines(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(ends.max(1)).unwrap_or(u64::MAX)
}

struct Writer {
    queue: Arc<OutputQueue>,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let chunks = {
                let mut state = self.queue.state();
                while state.is_idle() {
                    let changed = self.queue.changed.wait(state);
                    state = changed.unwrap_or_else(PoisonError::into_inner);
                }
                state.take()
            };
            self.wake();
            for chunk in chunks {
                self.write(&chunk);
            }
            self.queue.state().writing = false;
            self.wake();
        }
    }

    fn write(&mut self, chunk: &Chunk) {
        for piece in chunk.bytes.chunks(WRITE) {
            if self.queue.state().health(chunk.stream).closed {
                return;
            }
            let sink = match chunk.stream {
                GuestStream::Stdout => &mut self.stdout,
                GuestStream::Stderr => &mut self.stderr,
            };
            let written = write_all(sink, piece);
            let mut state = self.queue.state();
            match written {
                Ok(()) => state.writes += 1,
                Err(error) => state.failed(chunk, piece, &error),
            }
            drop(state);
            self.queue.changed.notify_all();
        }
    }

    fn wake(&self) {
        let wakers = std::mem::take(&mut self.queue.state().wakers);
        wakers.into_iter().for_each(Waker::wake);
        self.queue.changed.notify_all();
    }
}

impl State {
    fn failed(&mut self, chunk: &Chunk, piece: &[u8], error: &io::Error) {
        let health = self.health(chunk.stream);
        let failure = (error.kind(), error.raw_os_error());
        health.failure.get_or_insert(failure);
        if error.kind() == io::ErrorKind::BrokenPipe {
            health.closed = true;
        } else if let Some(notice) = chunk.notice {
            // A disk may have room again.
            Omitted::add(&mut self.lost, lines(piece), notice);
        }
    }
}

/// As [`Write::write_all`], and waits where the descriptor would not.
fn write_all(sink: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_RETRY),
            Err(error) => return Err(error),
        }
    }
    sink.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A reader that takes a piece each time it is told to.
    struct Slow {
        turns: mpsc::Receiver<io::Result<()>>,
        read: mpsc::Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turns.recv().unwrap_or(Ok(()))?;
            let _ = self.read.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue for a reader of stdout, what lets the reader read, and what it has read.
    fn slow() -> (
        Arc<OutputQueue>,
        mpsc::Sender<io::Result<()>>,
        mpsc::Receiver<String>,
    ) {
        let (turn, turns) = mpsc::channel();
        let (sender, read) = mpsc::channel();
        let slow = Slow {
            turns,
            read: sender,
        };
        (OutputQueue::start(slow, io::sink()), turn, read)
    }

    fn notice(lines: u64) -> Chunk {
        Chunk {
            stream: GuestStream::Stdout,
            bytes: format!("{lines} left out\n").into_bytes(),
            notice: None,
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let (queue, turn, read) = slow();
        let add = |text: &str| queue.add_lines(GuestStream::Stdout, text.as_bytes(), notice);
        let long = format!("{}\n", "x".repeat(CAPACITY - 100));
        add("first\n");
        // The writer has the first line, and waits for the reader.
        while !queue.state().waiting.is_empty() {
            thread::yield_now();
        }
        add(&long);
        add(&long);
        add("two\nlines\n");
        drop(turn);
        let mut all = String::new();
        while !all.contains("left out") {
            all += &read.recv().unwrap();
        }
        assert_eq!(all, format!("first\n{long}3 left out\n"));
        add("after\n");
        assert_eq!(read.recv().unwrap(), "after\n");
    }

    #[test]
    fn a_full_descriptor_is_waited_for() {
        let (queue, turn, read) = slow();
        turn.send(Err(io::ErrorKind::WouldBlock.into())).unwrap();
        turn.send(Err(io::ErrorKind::Interrupted.into())).unwrap();
        drop(turn);
        queue.add_lines(GuestStream::Stdout, b"line\n", notice);
        assert_eq!(read.recv().unwrap(), "line\n");
        assert!(queue.failure(GuestStream::Stdout).is_none());
    }

    #[test]
    fn a_reader_that_has_gone_is_not_written_to_again() {
        let (queue, turn, read) = slow();
        turn.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        drop(turn);
        queue.add_lines(GuestStream::Stdout, b"line\n", notice);
        queue.wait_written(Duration::from_secs(60));
        queue.add_lines(GuestStream::Stdout, b"line\n", notice);
        queue.wait_written(Duration::from_secs(60));
        assert!(read.try_recv().is_err());
        let failure = queue.failure(GuestStream::Stdout).unwrap();
        assert_eq!(failure.kind(), io::ErrorKind::BrokenPipe);
        assert!(queue.failure(GuestStream::Stderr).is_none());
    }

    #[test]
    fn a_disk_that_was_full_is_written_to_again() {
        let (queue, turn, read) = slow();
        turn.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        drop(turn);
        queue.add_lines(GuestStream::Stdout, b"lost\n", notice);
        queue.wait_written(Duration::from_secs(60));
        queue.add_lines(GuestStream::Stdout, b"line\n", notice);
        assert_eq!(read.recv().unwrap(), "1 left out\n");
        assert_eq!(read.recv().unwrap(), "line\n");
    }

    #[test]
    fn an_end_does_not_wait_for_a_reader_that_takes_nothing() {
        let (queue, turn, _read) = slow();
        queue.add_lines(GuestStream::Stdout, b"line\n", notice);
        queue.wait_written(Duration::from_millis(10));
        assert!(!queue.state().is_idle());
        drop(turn);
    }
}
