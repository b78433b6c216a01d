//! Asks a shell, started as its user starts it, what it does. Its files may do anything, such as name others: nobody else can tell.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::completion::shell::Shell;

/// A shell that takes longer to start answers nothing.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Stands before an answer, among whatever the files of the user print.
const MARK: &str = "wash-completion-answer:";

/// In the environment of a shell that is asked, so that one whose files run `wash` is not asked again.
const ASKED: &str = "WASH_COMPLETION_ASKED";

/// What the shells say after the mark, each field after a `|`.
const BASH: &str = r#"
wash_default=$(complete -p -D 2>/dev/null)
case $wash_default in *_completion_loader*|*_comp_complete_load*) wash_loads=yes ;; *) wash_loads=no ;; esac
complete -p wash >/dev/null 2>&1 || {
    _comp_load wash || _completion_loader wash || __load_completion wash
} >/dev/null 2>&1
case $(complete -p wash 2>/dev/null) in *_wash*) wash_has=yes ;; *) wash_has=no ;; esac
wash_data=${XDG_DATA_HOME:-$HOME/.local/share}/bash-completion
printf '\n%s%s|%s|%s\n' wash-completion-answer: $wash_has $wash_loads "${BASH_COMPLETION_USER_DIR:-$wash_data}"
"#;
const ZSH: &str = r#"
[[ -n ${_comps[wash]-} ]] && wash_has=yes || wash_has=no
printf '\n%s%s|%s\n' wash-completion-answer: $wash_has "${ZDOTDIR:-$HOME}"
"#;
const FISH: &str = r#"
complete --do-complete 'wash ' >/dev/null 2>&1
set -l wash_has no
complete --command wash 2>/dev/null | string match --quiet '*__wash_complete*'; and set wash_has yes
printf '\n%s%s\n' wash-completion-answer: $wash_has
"#;

/// Stands for the user's `.zshenv`, and reads it. `compinit` has no place to write what it has found: a file that is not there yet
/// is no answer, and nothing that anybody asked for.
const ZSHENV: &str = r#"
if (( ${+WASH_ZDOTDIR} )); then ZDOTDIR=$WASH_ZDOTDIR; else unset ZDOTDIR; fi
unset WASH_ZDOTDIR
compinit() {
    unfunction compinit
    autoload -Uz +X compinit
    compinit "$@" -D
}
[[ ! -r ${ZDOTDIR:-$HOME}/.zshenv ]] || source ${ZDOTDIR:-$HOME}/.zshenv
"#;

/// Whether an interactive shell completes `wash`. `None` if it cannot be asked.
pub(super) fn completes(shell: Shell, home: &Path) -> Option<bool> {
    let script = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
        Shell::Elvish | Shell::Powershell | Shell::Nushell => return None,
    };
    let answer = match shell {
        Shell::Zsh => {
            let directory = tempfile::tempdir().ok()?;
            fs::write(directory.path().join(".zshenv"), ZSHENV).ok()?;
            let mut variables = vec![
                ("ZDOTDIR", directory.path().into()),
                // Where Oh My Zsh keeps the same.
                ("ZSH_COMPDUMP", directory.path().join("zcompdump").into()),
            ];
            variables.extend(env::var_os("ZDOTDIR").map(|own| ("WASH_ZDOTDIR", own)));
            answer(shell, &["-i", "-c", script], home, &variables)?
        }
        _ => answer(shell, &["-i", "-c", script], home, &[])?,
    };
    Some(answer.first().is_some_and(|has| has == "yes"))
}

/// Where bash-completion, if an interactive bash loads it, looks for what the user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BashCompletion {
    pub(super) is_loaded: bool,
    pub(super) directory: String,
}

pub(super) fn bash_completion(home: &Path) -> Option<BashCompletion> {
    let answer = answer(Shell::Bash, &["-i", "-c", BASH], home, &[])?;
    let [_, loads, directories] = answer.as_slice() else {
        return None;
    };
    // There may be several; the first wins.
    let directory = directories.split(':').next().unwrap_or_default();
    Some(BashCompletion {
        is_loaded: loads == "yes",
        directory: directory.to_owned(),
    })
}

/// Where zsh looks for the files of its user, which `.zshenv` may have said.
pub(super) fn zsh_directory(home: &Path) -> Option<String> {
    let answer = answer(Shell::Zsh, &["-c", ZSH], home, &[])?;
    answer.into_iter().nth(1)
}

fn answer(
    shell: Shell,
    arguments: &[&str],
    home: &Path,
    variables: &[(&str, OsString)],
) -> Option<Vec<String>> {
    if env::var_os(ASKED).is_some() {
        return None;
    }
    let mut asked = Asked::start(shell, arguments, home, variables)?;
    let stdout = BufReader::new(asked.0.stdout.take()?);
    let (sender, receiver) = mpsc::sync_channel(1);
    // It ends with the shell.
    thread::spawn(move || {
        let lines = stdout.split(b'\n').map_while(Result::ok);
        let mut lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        let answer = lines.find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        let _ = sender.send(answer);
    });
    let answer = receiver.recv_timeout(TIMEOUT).ok()??;
    Some(answer.split('|').map(str::to_owned).collect())
}

/// A shell that is asked. It ends with this, and all that it started.
struct Asked(Child);

impl Asked {
    /// In a session of its own: an interactive shell would take over our terminal.
    fn start(
        shell: Shell,
        arguments: &[&str],
        home: &Path,
        variables: &[(&str, OsString)],
    ) -> Option<Self> {
        let mut command = Command::new("setsid");
        command
            .arg(shell.name())
            .args(arguments)
            .current_dir(home)
            .env(ASKED, "1")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command.spawn().ok().map(Self)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // `setsid` has become the shell, which leads its group.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
