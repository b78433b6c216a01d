//! A shell in a terminal, which is tmux: keys go in, and what the screen shows comes out.

use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use crate::home::{Home, said};

/// Longer than any shell needs, on a machine with much else to do.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at the screen.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "elvish"];

pub(crate) struct Terminal {
    shell: &'static str,
    /// Each has a server of its own, which ends with its shell.
    socket: String,
}

impl Terminal {
    /// Starts a shell as a user does, who has the completion installed, and waits until it asks for a command.
    pub(crate) fn start(shell: &'static str, home: &Home, dir: &str) -> Self {
        let terminal = Self {
            shell,
            socket: home.path("tmux").display().to_string(),
        };
        let mut command = terminal.tmux();
        command.args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
        ]);
        command.arg("-c").arg(home.path(dir));
        command.args(["env", "-i", "TERM=screen"]);
        let environment = home.environment().into_iter();
        command.args(environment.map(|(name, value)| format!("{name}={value}")));
        done(command.arg(shell));
        terminal.line("");
        terminal
    }

    pub(crate) fn types(&mut self, keys: &str) -> &mut Self {
        // A `;` at the end of an argument is tmux's own.
        let hex = keys.bytes().map(|byte| format!("{byte:x}"));
        done(self.tmux().args(["send-keys", "-H"]).args(hex));
        self
    }

    /// Waits until the line that is typed is this one, with the cursor behind it.
    pub(crate) fn line(&self, expected: &str) {
        self.wait(expected, || self.typed().as_deref() == Some(expected));
    }

    /// Waits until the screen shows all of these texts.
    pub(crate) fn shows(&self, expected: &str) {
        self.wait(expected, || {
            let contents = self.contents();
            expected.lines().all(|line| contents.contains(line))
        });
    }

    pub(crate) fn contents(&self) -> String {
        let output = done(self.tmux().args(["capture-pane", "-p"]));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins anew with an empty line and an empty screen.
    pub(crate) fn clears(&mut self) -> &mut Self {
        let listing = "COMPLETING";
        if self.shell == "elvish" && self.contents().contains(listing) {
            self.types("\u{1b}");
            self.wait("no listing", || !self.contents().contains(listing));
        }
        // To the end of the line, and back.
        let keys = match self.shell {
            "elvish" => "\u{1b}[F\u{15}",
            _ => "\u{5}\u{15}\u{c}",
        };
        self.types(keys);
        self.line("");
        self
    }

    /// What stands between the prompt and the cursor.
    fn typed(&self) -> Option<String> {
        let place = done(
            self.tmux()
                .args(["display", "-p", "#{cursor_y} #{cursor_x}"]),
        );
        let place = String::from_utf8(place.stdout).unwrap();
        let (row, column) = place.trim().split_once(' ')?;
        let contents = self.contents();
        let line = contents.lines().nth(row.parse().ok()?).unwrap_or_default();
        let column: usize = column.parse().ok()?;
        // Spaces at its end were not captured.
        let line = format!("{line:<column$}");
        let typed: String = line.chars().take(column).collect();
        typed.strip_prefix("% ").map(str::to_owned)
    }

    fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_there() {
            assert!(
                begin.elapsed() < TIMEOUT,
                "{}: expected\n{what}\nthe screen shows\n{}",
                self.shell,
                self.contents()
            );
            thread::sleep(PAUSE);
        }
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-u", "-S", &self.socket]);
        command.env_remove("TMUX");
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}: run scripts/shells"));
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    output
}
