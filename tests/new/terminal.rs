//! The questions, in a real terminal: that of `script`, which every Debian has.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::created::Desk;
use crate::repository::Repository;

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const INTERRUPT: &str = "\x03";

struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<String>>,
    seen: usize,
}

impl Terminal {
    fn new(desk: &Desk, args: &str) -> Self {
        let command = format!("{} new {args}", env!("CARGO_BIN_EXE_wash"));
        let mut child = Command::new("script")
            .args([
                "--quiet",
                "--return",
                "--flush",
                "--command",
                &command,
                "/dev/null",
            ])
            .current_dir(desk.path(""))
            .env("XDG_CONFIG_HOME", desk.path(".config"))
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script runs");
        let (keys, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(String::new()));
        let written = screen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                written.lock().unwrap().push_str(&text);
            }
        });
        Self {
            child,
            keys,
            screen,
            seen: 0,
        }
    }

    /// Waits for a text after those that were waited for before.
    fn shows(&mut self, text: &str) -> &mut Self {
        let begin = Instant::now();
        loop {
            let screen = self.screen.lock().unwrap().clone();
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "no `{text}`: {screen}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn types(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// The exit code, and everything that was on the screen.
    fn end(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.screen.lock().unwrap().clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_menu_and_a_name() {
    let desk = Desk::new();
    let mut terminal = Terminal::new(&desk, "");
    terminal
        .shows("template")
        .shows("http-c")
        .types(DOWN)
        .types(ENTER);
    terminal
        .shows("name of the project")
        .types("No Name")
        .types(ENTER);
    // What is wrong is said, and can be mended.
    terminal.shows("cannot be the name of a project");
    terminal
        .types(&"\x7f".repeat(7))
        .types("hello")
        .types(ENTER);
    terminal.shows("created `hello` from the template `http-wit-bindgen`");
    assert_eq!(terminal.end().0, Some(0));
    assert!(desk.path("hello/wit/deps").is_dir());
}

#[test]
fn what_was_given_is_not_asked_for() {
    let desk = Desk::new();
    let mut terminal = Terminal::new(&desk, "hello");
    terminal
        .shows("http-c")
        .types(ENTER)
        .shows("created `hello`");
    let mut terminal = Terminal::new(&desk, "--template http-c");
    terminal
        .shows("name of the project")
        .types("other")
        .types(ENTER);
    terminal.shows("created `other` from the template `http-c`");
    assert_eq!(terminal.end().0, Some(0));
}

/// A command that would hide a part of itself is shown whole.
#[test]
fn a_command_cannot_hide() {
    let config = r#"new: { command: "echo fine\e[8m; touch mark\e[0m" }"#;
    let repository = Repository::new(&[(".wash/config.yaml", config)]);
    let desk = Desk::new();
    let mut terminal = Terminal::new(&desk, &format!("{} --name x", repository.url()));
    terminal.shows(r"wants to run `echo fine\u{1b}[8m; touch mark\u{1b}[0m` in");
    terminal.types("n").shows("created `x`");
}

#[test]
fn a_menu_that_is_left_leaves_nothing() {
    let desk = Desk::new();
    let mut terminal = Terminal::new(&desk, "");
    terminal.shows("http-c").types(INTERRUPT);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    // The cursor is shown again.
    assert!(screen.trim_end().ends_with("\x1b[?25h"), "{screen:?}");
    assert_eq!(desk.everything(), Vec::<String>::new());
}

#[test]
fn a_command_of_a_template_is_asked_about() {
    let repository = Repository::new(&[(".wash/config.yaml", "new: { command: touch mark }\n")]);
    let desk = Desk::new();
    let url = repository.url();
    for (name, keys, ran) in [
        ("yes", "y", true),
        ("no", "n", false),
        ("neither", ENTER, false),
    ] {
        let mut terminal = Terminal::new(&desk, &format!("{url} --name {name}"));
        terminal.shows("the template wants to run `touch mark` in the project; run it?");
        // Nothing is there before that is answered.
        assert!(!desk.path(name).exists());
        terminal.types(keys).shows(&format!("created `{name}`"));
        assert_eq!(terminal.end().0, Some(0));
        assert_eq!(desk.path(name).join("mark").exists(), ran, "{name}");
    }

    let mut terminal = Terminal::new(&desk, &format!("{url} --name given-up"));
    terminal.shows("run it?").types(INTERRUPT);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    let left = desk.everything();
    assert!(
        !left
            .iter()
            .any(|path| path.contains("given-up") || path.contains("/.new-")),
        "{left:?}"
    );
}
