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
    Pipe { pipe: DuplexStream, _hold: Hold },
    Real(Arc<Stream>),
}

pub(super) enum Writer {
    Pipe { pipe: DuplexStream, _hold: Hold },
    Real(Arc<Stream>),
}

/// What is left when nothing more comes: the error that ended it, if there was one.
pub(super) type End = Result<(), ErrorCode>;

/// The right to a connection, which all ends of it share.
pub(super) type Hold = Arc<OwnedSemaphorePermit>;

/// One direction within a workload.
pub(super) fn pipe(hold: &Hold) -> (Writer, Reader) {
    let (write, read) = tokio::io::duplex(PIPE);
    let writer = Writer::Pipe {
        pipe: write,
        _hold: Arc::clone(hold),
    };
    let source = Source::Pipe {
        pipe: read,
        _hold: Arc::clone(hold),
    };
    (writer, Reader::new(source))
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
    fn drop(&mut self) {
        if let Self::Real(stream) = self {
            let _ = rustix::net::shutdown(&***stream, rustix::net::Shutdown::Read);
        }
    }
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
        let (mut writer, mut reader) = pipe(&hold());
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
        let (mut writer, reader) = pipe(&hold());
        drop(reader);
        let error = writer.write_all(b"hello").await.unwrap_err();
        assert!(matches!(error, ErrorCode::ConnectionBroken));
    }
}
