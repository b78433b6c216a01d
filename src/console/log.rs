//! Where log lines go: through the console, if there is one, so that they wait for no reader either.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;
use wash_runtime::events::GuestStream;

use super::queue::OutputQueue;
use super::text_notice;

/// Stderr, for the log of the process.
#[derive(Debug, Clone, Copy)]
pub struct LogWriter;

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match OutputQueue::of_process_if_used() {
            Some(queue) => queue.add_lines(GuestStream::Stderr, line, text_notice),
            None => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
