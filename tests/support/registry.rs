//! A real registry, Debian's docker-registry, which `scripts/registry` unpacks: with or without a password, with or
//! without TLS, and with something in front of it that does harm.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const USER: &str = "ali";
pub(crate) const PASSWORD: &str = "open-sesame";
/// Of [`PASSWORD`], by bcrypt.
const HASH: &str = "$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO";

#[path = "installed.rs"]
mod installed;

/// Where `scripts/registry` put a file.
pub(crate) fn installed(name: &str) -> PathBuf {
    installed::installed(&format!("registry/{name}"), "scripts/registry")
}

/// Runs until it is dropped.
pub(crate) struct Registry {
    process: Child,
    dir: TempDir,
    port: u16,
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) login: bool,
    pub(crate) tls: bool,
    /// Who is asked for tokens instead of a password.
    pub(crate) tokens: Option<Tokens>,
}

/// Where tokens come from, and the certificate of the key that signs them.
pub(crate) struct Tokens {
    pub(crate) realm: String,
    pub(crate) certificate: String,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        // Somebody else may take the port before the registry does.
        (0..5)
            .find_map(|_| Self::try_start(&options))
            .expect("docker-registry starts")
    }

    fn try_start(options: &Options) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let at = |name: &str| dir.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp:\n  addr: 127.0.0.1:{port}\n  secret: test\n",
            at("data")
        );
        if options.tls {
            certificates(dir.path());
            config += &format!(
                "  tls: {{certificate: {}, key: {}}}\n",
                at("server.pem"),
                at("server.key")
            );
        }
        if options.login {
            fs::write(at("htpasswd"), format!("{USER}:{HASH}\n")).unwrap();
            config += &format!(
                "auth:\n  htpasswd: {{realm: test, path: {}}}\n",
                at("htpasswd")
            );
        }
        if let Some(Tokens { realm, certificate }) = &options.tokens {
            fs::write(at("tokens.pem"), certificate).unwrap();
            config += &format!(
                "auth:\n  token: {{realm: '{realm}', service: test, issuer: test, rootcertbundle: {}}}\n",
                at("tokens.pem")
            );
        }
        fs::write(at("config.yaml"), config).unwrap();
        let process = Command::new(installed("docker-registry"))
            .args(["serve", &at("config.yaml")])
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        let mut registry = Self { process, dir, port };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if registry.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "{}",
                registry.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate of the authority that signed the registry's own.
    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Something in front of it, which does what it is told with each request: its first line, and how many there were.
    pub(crate) fn behind(
        &self,
        trouble: impl Fn(&str, usize) -> Trouble + Send + Sync + 'static,
    ) -> Harm {
        Harm::start(self.port, trouble)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An authority of the tests' own, and what it signs for 127.0.0.1.
fn certificates(dir: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let signed = authority.self_signed(&authority_key).unwrap();
    fs::write(dir.join("ca.pem"), signed.pem()).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let names = vec!["127.0.0.1".to_string(), "localhost".to_string()];
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(names).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    fs::write(dir.join("server.pem"), server.pem()).unwrap();
    fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
}

/// What happens to a request.
pub(crate) enum Trouble {
    None,
    /// One byte of the answer's body is another.
    Flip,
    /// The connection ends after half of the answer.
    Cut,
    /// Another answer: status line, further headers, body.
    Answer(&'static str, &'static str, &'static str),
    /// No answer at all, for so long.
    Silence(Duration),
    /// The head of the answer has another text in place of one.
    Rewrite(&'static str, String),
    /// An answer whose body does not end before the client goes.
    Endless,
}

type Decide = dyn Fn(&str, usize) -> Trouble + Send + Sync;

/// Passes requests on to a registry, one for each connection. Its threads end with the test.
pub(crate) struct Harm {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Harm {
    fn start(to: u16, trouble: impl Fn(&str, usize) -> Trouble + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let trouble: Arc<Decide> = Arc::new(trouble);
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for (count, client) in listener.incoming().enumerate() {
                let (trouble, seen) = (trouble.clone(), seen.clone());
                // Whoever goes away in between is a client that has seen enough.
                thread::spawn(move || {
                    client.and_then(|client| pass(client, to, count, &*trouble, &seen))
                });
            }
        });
        Self { port, heads }
    }

    /// The requests so far: their first lines and headers.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn pass(
    client: TcpStream,
    to: u16,
    count: usize,
    trouble: &Decide,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    // The first byte of a TLS handshake, to which the registry has an answer as well.
    if reader.fill_buf()?.first() == Some(&0x16) {
        return (&client).write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n");
    }
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut head, mut length) = (first.clone(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if !lower.starts_with("connection:") {
            head += &line;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    seen.lock().unwrap().push(head.clone());

    let mut client = client;
    let trouble = trouble(first.trim(), count);
    let answer = match &trouble {
        Trouble::Answer(status, headers, body) => format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes(),
        Trouble::Silence(time) => {
            thread::sleep(*time);
            return Ok(());
        }
        Trouble::Endless => {
            client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                client.write_all(&[b' '; 1 << 16])?;
            }
        }
        _ => {
            let mut registry = TcpStream::connect(("127.0.0.1", to))?;
            write!(registry, "{head}Connection: close\r\n\r\n")?;
            registry.write_all(&body)?;
            let mut answer = Vec::new();
            registry.read_to_end(&mut answer)?;
            answer
        }
    };
    let begin = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let begin = begin.map_or(answer.len(), |position| position + 4);
    let mut answer = answer;
    match trouble {
        Trouble::Flip if begin < answer.len() => *answer.last_mut().unwrap() ^= 1,
        Trouble::Cut => answer.truncate(begin + (answer.len() - begin) / 2),
        Trouble::Rewrite(from, to) => {
            let head = String::from_utf8_lossy(&answer[..begin]).replace(from, &to);
            answer.splice(..begin, head.into_bytes());
        }
        _ => {}
    }
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Both)
}
