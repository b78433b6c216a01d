//! A running `wash dev`: its console, its address and its end.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::project::Projects;

/// Longer than anything takes, also where every dependency of a guest must be compiled by a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(300);

/// `wash` with settings, caches and plugins of the tests' own.
pub(crate) fn wash() -> std::process::Command {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wash"));
    command
        .env("CARGO_TARGET_DIR", Dev::target_dir())
        .env("XDG_CACHE_HOME", shared.join("cache"))
        .env("XDG_CONFIG_HOME", shared.join("config"))
        .env("XDG_DATA_HOME", shared.join("data"))
        .env_remove("RUST_LOG")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null());
    command
}

/// How to run `wash dev`.
pub(crate) struct Dev {
    command: Command,
}

/// One that runs. It is killed when it is dropped.
pub(crate) struct Wash {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// How many lines there are.
    count: watch::Receiver<usize>,
    /// Lines that were waited for, and those before them.
    seen: usize,
}

impl Dev {
    /// Where guests are built. What cargo makes there is named after the package alone, so no two guests have one name.
    pub(crate) fn target_dir() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")
    }

    /// On a free port.
    pub(crate) fn on(projects: &Projects) -> Self {
        Self::without_address(projects)
            .arg("--address")
            .arg("127.0.0.1:0")
    }

    pub(crate) fn without_address(projects: &Projects) -> Self {
        let mut wash = wash();
        wash.arg("dev").current_dir(projects.root());
        let mut command = Command::from(wash);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn spawn(mut self) -> Wash {
        let mut child = self.command.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let counter = Arc::new(counter);
        collect(child.stdout.take().unwrap(), &lines, &counter);
        collect(child.stderr.take().unwrap(), &lines, &counter);
        Wash {
            child,
            lines,
            count,
            seen: 0,
        }
    }

    /// Waits until the first version runs.
    pub(crate) async fn serving(self) -> (Wash, String) {
        let mut wash = self.spawn();
        let line = wash.line("serving http://").await;
        let url = url_in(&line);
        (wash, url)
    }
}

/// The first address in a line.
pub(crate) fn url_in(line: &str) -> String {
    let start = line
        .find("http://")
        .unwrap_or_else(|| panic!("no address: {line}"));
    let url = &line[start..];
    url[..url.find([' ', ';', ',']).unwrap_or(url.len())].to_string()
}

fn collect(
    stream: impl AsyncRead + Send + Unpin + 'static,
    lines: &Arc<Mutex<Vec<String>>>,
    counter: &Arc<watch::Sender<usize>>,
) {
    let (lines, counter) = (lines.clone(), counter.clone());
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            let count = {
                let mut lines = lines.lock().unwrap();
                lines.push(line);
                lines.len()
            };
            counter.send_replace(count);
        }
    });
}

impl Wash {
    /// The next line that contains the text.
    pub(crate) async fn line(&mut self, text: &str) -> String {
        self.one_of(&[text]).await
    }

    /// The next line that contains one of the texts.
    pub(crate) async fn one_of(&mut self, texts: &[&str]) -> String {
        loop {
            let new: Vec<String> = self.lines.lock().unwrap()[self.seen..].to_vec();
            for line in new {
                self.seen += 1;
                if texts.iter().any(|text| line.contains(text)) {
                    return line;
                }
            }
            match timeout(TIMEOUT, self.count.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => panic!("wash ended without {texts:?}:\n{}", self.console()),
                Err(_) => panic!("wash never printed {texts:?}:\n{}", self.console()),
            }
        }
    }

    /// Everything that was printed, on both streams.
    pub(crate) fn console(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = timeout(TIMEOUT, self.child.wait())
            .await
            .expect("wash ends")
            .unwrap();
        let streams = async { while self.count.changed().await.is_ok() {} };
        let ended = timeout(TIMEOUT, streams).await;
        ended.expect("both streams end with the process");
        (status, self.console())
    }
}

/// The processes that the process has started, and those that these have started.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let children = |of: u32| -> Vec<u32> {
        let tasks = PathBuf::from(format!("/proc/{of}/task"));
        let tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let lists =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| {
                list.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect::<Vec<u32>>()
            })
            .collect()
    };
    let mut all = children(of);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

/// Waits until the processes have ended. They are no children of ours, so there is nothing to wait on.
pub(crate) async fn gone(processes: &[u32]) {
    let ended = async {
        while processes.iter().any(|pid| is_alive(*pid)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = timeout(Duration::from_secs(10), ended).await;
    ended.unwrap_or_else(|_| panic!("some of {processes:?} still run"));
}

/// Whether the process is still there, and not only its exit status.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}
