//! The two directions of a TCP connection: pipes within a workload, or halves of a real one.
//!
//! Each direction ends by itself. To drop a writer is to say that nothing more comes; to drop a reader, that nothing more
//! is wanted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime_wasi::sockets::ErrorCode;

use super::real::Stream;

/// Bytes on their way in one direction within a workload.
const PIPE: usize = 64 * 1024;
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

pub(super) struct Reader {
    source: Source,
    /// What was read and not taken yet.
    buffer: BytesMut,
    end: Option<Result<(), ErrorCode>>,
}

enum Source {
    Pipe {
        /// `None` once it is dropped.
        pipe: Option<DuplexStream>,
        _hold: Hold,
        /// Cancelled when the writer of the same end has gone.
        writer: CancellationToken,
    },
    Real(Arc<Stream>),
}

pub(super) enum Writer {
    Pipe {
        pipe: DuplexStream,
        _hold: Hold,
        _gone: DropGuard,
    },
    Real(Arc<Stream>),
}

/// What is left when nothing more comes: the error that ended it, if there was one.
pub(super) type End = Result<(), ErrorCode>;

/// The right to a connection, which all ends of it share.
pub(super) type Hold = Arc<OwnedSemaphorePermit>;

/// One end of a connection.
pub(super) type Ends = (Reader, Writer);

/// Both ends of a connection within a workload.
pub(super) fn connection(hold: &Hold) -> (Ends, Ends) {
    let (writers, other_writers) = (CancellationToken::new(), CancellationToken::new());
    let (write, other_read) = tokio::io::duplex(PIPE);
    let (other_write, read) = tokio::io::duplex(PIPE);
    let end = |read, write, token: CancellationToken| {
        let source = Source::Pipe {
            pipe: Some(read),
            _hold: Arc::clone(hold),
            writer: token.clone(),
        };
        let writer = Writer::Pipe {
            pipe: write,
            _hold: Arc::clone(hold),
            _gone: token.drop_guard(),
        };
        (Reader::new(source), writer)
    };
    let this = end(read, write, writers);
    let other = end(other_read, other_write, other_writers);
    (this, other)
}

/// Both directions of a real connection.
pub(super) fn halves(stream: &Arc<Stream>) -> (Reader, Writer) {
    let source = Source::Real(Arc::clone(stream));
    (Reader::new(source), Writer::Real(Arc::clone(stream)))
}

impl Reader {
    fn new(source: Source) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            end: None,
        }
    }

    /// Ready once there is something to take, or the end.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.buffer.is_empty() || self.end.is_some() {
            return Poll::Ready(());
        }
        self.buffer.resize(CHUNK, 0);
        let read = self.source.poll_read(cx, &mut self.buffer);
        self.buffer.truncate(match &read {
            Poll::Ready(Ok(count)) => *count,
            _ => 0,
        });
        match ready!(read) {
            Ok(0) => self.end = Some(Ok(())),
            Ok(_) => {}
            Err(error) => self.end = Some(Err(error)),
        }
        Poll::Ready(())
    }

    /// What has come, at most so many bytes; nothing if nothing has come yet.
    pub(super) fn take(&mut self, most: usize) -> Result<Bytes, End> {
        match (self.buffer.is_empty(), self.end) {
            (true, Some(end)) => Err(end),
            _ => {
                let count = most.min(self.buffer.len());
                Ok(self.buffer.split_to(count).freeze())
            }
        }
    }
}

impl Source {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, ErrorCode>> {
        match self {
            Self::Pipe { pipe, .. } => {
                let Some(pipe) = pipe else {
                    return Poll::Ready(Ok(0));
                };
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(pipe).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
            Self::Real(stream) => loop {
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        ready!(stream.poll_read_ready(cx))?;
                    }
                    result => return Poll::Ready(Ok(result?)),
                }
            },
        }
    }
}

impl Writer {
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, ErrorCode>> {
        match self {
            Self::Pipe { pipe, .. } => {
                let count = ready!(Pin::new(pipe).poll_write(cx, bytes));
                Poll::Ready(count.map_err(ErrorCode::from))
            }
            Self::Real(stream) => loop {
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        ready!(stream.poll_write_ready(cx))?;
                    }
                    result => return Poll::Ready(Ok(result?)),
                }
            },
        }
    }

    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), ErrorCode> {
        while !bytes.is_empty() {
            let count = std::future::poll_fn(|cx| self.poll_write(cx, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}

impl Drop for Source {
    /// Whoever receives nothing more does not keep the other end from sending, as long as it sends itself.
    fn drop(&mut self) {
        match self {
            Self::Real(stream) => {
                let _ = rustix::net::shutdown(&***stream, rustix::net::Shutdown::Read);
            }
            Self::Pipe { pipe, writer, .. } => {
                if let Some(pipe) = pipe.take()
                    && !writer.is_cancelled()
                    && let Ok(runtime) = tokio::runtime::Handle::try_current()
                {
                    let writer = writer.clone();
                    runtime.spawn(async move { writer.run_until_cancelled(discard(pipe)).await });
                }
            }
        }
    }
}

async fn discard(mut pipe: DuplexStream) {
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Self::Real(stream) = self {
            let _ = rustix::net::shutdown(&***stream, rustix::net::Shutdown::Write);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold() -> Hold {
        let semaphore = Arc::new(tokio::sync::Semaphore::new(1));
        Arc::new(semaphore.try_acquire_owned().unwrap())
    }

    async fn ready(reader: &mut Reader) {
        std::future::poll_fn(|cx| reader.poll_ready(cx)).await;
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_then_the_end() {
        let ((_, mut writer), (mut reader, _)) = connection(&hold());
        assert!(reader.take(10).unwrap().is_empty());
        writer.write_all(b"hello").await.unwrap();
        drop(writer);
        ready(&mut reader).await;
        assert_eq!(&reader.take(2).unwrap()[..], b"he");
        assert_eq!(&reader.take(10).unwrap()[..], b"llo");
        ready(&mut reader).await;
        assert!(matches!(reader.take(10), Err(Ok(()))));
    }

    #[tokio::test]
    async fn nobody_writes_to_who_does_not_read() {
        let ((_, mut writer), (reader, other_writer)) = connection(&hold());
        drop((other_writer, reader));
        let error = writer.write_all(b"hello").await.unwrap_err();
        assert!(matches!(error, ErrorCode::ConnectionBroken));
    }

    #[tokio::test]
    async fn who_only_sends_is_sent_to_in_vain_until_it_has_gone() {
        let ((_reader, mut writer), (reader, other_writer)) = connection(&hold());
        drop(reader);
        writer.write_all(&vec![0; 4 * PIPE]).await.unwrap();
        drop(other_writer);
        while writer.write_all(b"hello").await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
