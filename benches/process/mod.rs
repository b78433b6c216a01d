//! Servers in processes of their own, asked over real sockets.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any start takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A server that is stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a program, with the address to listen on as its last argument, and does not wait for it.
    pub(crate) fn start(mut program: Command) -> Self {
        let address = free_address();
        let child = program
            .arg(address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, address }
    }

    /// Asks until the answer's body is this, and returns how many requests failed before.
    pub(crate) fn wait_for(&mut self, body: &str) -> usize {
        let started = Instant::now();
        let mut failed = 0;
        loop {
            match get(self.address) {
                Some(answer) if answer.ends_with(&format!("\r\n\r\n{body}")) => return failed,
                Some(answer)
                    if answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200") => {
                }
                _ => failed += 1,
            }
            if let Some(status) = self.child.try_wait().expect("our child") {
                panic!("the server ended with {status}");
            }
            assert!(started.elapsed() < TIMEOUT, "no answer `{body}`");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Server {
    /// Asks the server to stop, and waits until it has.
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.child.wait();
    }
}

/// `wash dev` on a component, ready for its address. Compiled code goes to a folder beside the component, and not to
/// the user's: what one run compiles would be there for the next.
pub(crate) fn wash_dev(component: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wash"));
    command.arg("dev").arg(component).arg("--address");
    command.env("XDG_CACHE_HOME", component.with_file_name("cache"));
    command
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("a bound listener has an address")
}

/// The whole response, if there is one.
fn get(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    stream
        .write_all(b"GET / HTTP/1.0\r\nhost: localhost\r\n\r\n")
        .ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    Some(response)
}
