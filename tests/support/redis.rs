//! A real Redis, which `scripts/redis` makes available, and a client of the tests' own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[allow(clippy::duplicate_mod, reason = "the registry has it as well")]
#[path = "installed.rs"]
mod installed;
use installed::installed;

/// Longer than it ever takes to answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs until it is dropped. What it has is kept from one start to the next.
pub(crate) struct Redis {
    process: Child,
    dir: TempDir,
    pub(crate) port: u16,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further arguments: `--requirepass`, `open-sesame`.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        // Somebody else may take the port before Redis does.
        (0..5)
            .find_map(|_| Self::try_start(arguments))
            .expect("redis-server starts")
    }

    fn try_start(arguments: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let process = spawn(dir.path(), port, &arguments);
        let mut redis = Self {
            process,
            dir,
            port,
            arguments,
        };
        redis.wait().then_some(redis)
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// On the same port, with the same data.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.dir.path(), self.port, &self.arguments);
        assert!(self.wait(), "{}", self.log());
    }

    /// Whether it answers; `false` if it has ended.
    fn wait(&mut self) -> bool {
        let begin = Instant::now();
        while !self.is_ready() {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(begin.elapsed() < TIMEOUT, "{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Whether commands are obeyed: while it reads what it has kept, it refuses them. It asks for a password before that.
    fn is_ready(&self) -> bool {
        let answer = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.write_all(b"PING\r\n")?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line)?;
            std::io::Result::Ok(line)
        };
        answer().is_ok_and(|line| line.starts_with("+PONG") || line.starts_with("-NOAUTH"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Client(BufReader::new(stream))
    }

    /// Runs one command: its answer as a line for each value.
    pub(crate) fn ask(&self, command: &[&[u8]]) -> String {
        String::from_utf8_lossy(&self.client().ask(command)).into_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn spawn(dir: &Path, port: u16, arguments: &[String]) -> Child {
    Command::new(installed("redis/redis-server", "scripts/redis"))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args([
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(File::create(dir.join("log")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Writes commands and reads answers, and knows no more of Redis than that.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// The bytes of a value, a number, a status, an error with its `-`, `(nil)`; those of an array one line each.
    pub(crate) fn ask(&mut self, command: &[&[u8]]) -> Vec<u8> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for word in command {
            bytes.extend(format!("${}\r\n", word.len()).into_bytes());
            bytes.extend_from_slice(word);
            bytes.extend(b"\r\n");
        }
        self.0.get_mut().write_all(&bytes).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Vec<u8> {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let line = line.trim_end();
        let length = || line[1..].parse::<i64>().unwrap();
        match &line[..1] {
            "$" if length() >= 0 => {
                let mut value = vec![0; length() as usize + 2];
                self.0.read_exact(&mut value).unwrap();
                value.truncate(value.len() - 2);
                value
            }
            "*" if length() >= 0 => {
                let items: Vec<Vec<u8>> = (0..length()).map(|_| self.answer()).collect();
                items.join(&b'\n')
            }
            "$" | "*" => b"(nil)".to_vec(),
            "-" => line.as_bytes().to_vec(),
            _ => line.as_bytes()[1..].to_vec(),
        }
    }
}
