//! Which shell it is that runs us.

use std::env;
use std::fs;
use std::path::Path;

use super::shell::Shell;

/// Programs between the shell and us, such as `cargo run`, at most.
const ABOVE: usize = 5;

/// The nearest shell above us; if there is none, the one that the user logs in with.
pub fn detect() -> Option<Shell> {
    above().or_else(|| {
        let login = env::var_os("SHELL")?;
        Shell::named(Path::new(&login).file_name()?.to_str()?)
    })
}

fn above() -> Option<Shell> {
    let mut process = std::os::unix::process::parent_id();
    for _ in 0..ABOVE {
        let (name, parent) = look(process)?;
        // `sh` may be bash by another name, and is no shell that completes.
        if let Some(shell) = Shell::named(&name) {
            return Some(shell);
        }
        process = parent;
    }
    None
}

/// The name of a process, and its parent.
fn look(process: u32) -> Option<(String, u32)> {
    if let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) {
        // The name stands in parentheses, and may have some itself.
        let (before, after) = stat.rsplit_once(')')?;
        let name = before.split_once('(')?.1;
        return Some((
            name.to_owned(),
            after.split_whitespace().nth(1)?.parse().ok()?,
        ));
    }
    let ps = std::process::Command::new("ps")
        .args(["-o", "ppid=,comm=", "-p", &process.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(ps.stdout).ok()?;
    let (parent, name) = text.trim().split_once(char::is_whitespace)?;
    let name = Path::new(name.trim()).file_name()?.to_str()?;
    Some((name.to_owned(), parent.parse().ok()?))
}
