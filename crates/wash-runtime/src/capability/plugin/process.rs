//! `process`: programs of the machine, run by their argument vectors.
//!
//! What is allowed is a prefix: the program and the arguments that must come first, each compared as a whole. A program
//! without a slash is looked for in `PATH`, as everywhere. A child that still runs when the plugin ends is killed.

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use wash_common::sanitize;
use wash_common::shell::shell_quote;
use wasmtime::component::{ComponentType, LinkerInstance, Lower};
use wasmtime::{Result, StoreContextMut};

use super::{denied, permissions};
use crate::capability::plugin::Plugin;
use crate::instance::State;

/// The most that a program may write to each of its streams.
const MAX: u64 = 16 << 20;

/// How long the pipes of a program may stay open when it has ended.
const DRAIN: Duration = Duration::from_millis(500);

#[derive(ComponentType, Lower)]
#[component(record)]
struct Output {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "failed")]
    Failed(String),
}

pub(super) fn add(instance: &mut LinkerInstance<'_, State>, member: usize) -> Result<()> {
    instance.func_wrap_async(
        "run",
        move |store: StoreContextMut<'_, State>, (arguments, stdin): (Vec<String>, Vec<u8>)| {
            let state = store.data();
            let permissions = permissions(state, member);
            let allowed = permissions
                .as_deref()
                .is_some_and(|permissions| allows(&permissions.0.programs, &arguments));
            let checked = match (allowed, permissions) {
                (true, Some(permissions)) => Ok(permissions),
                (_, permissions) => {
                    let line = sanitize::guest_line(&shell_quote(&arguments)).into_owned();
                    let what = format!("running `{line}` is not allowed");
                    let option = format!("--program {}", shell_quote(&[&line]));
                    let text = denied(state, permissions.as_deref(), &what, &option);
                    Err(Error::Denied(text))
                }
            };
            Box::new(async move {
                Ok((match checked {
                    Ok(permissions) => run(&permissions.0, &arguments, &stdin)
                        .await
                        .map_err(Error::Failed),
                    Err(error) => Err(error),
                },))
            })
        },
    )
}

fn allows(programs: &[Vec<String>], arguments: &[String]) -> bool {
    let begins = |prefix: &Vec<String>| !prefix.is_empty() && arguments.starts_with(prefix);
    programs.iter().any(begins)
}

async fn run(
    plugin: &Plugin,
    arguments: &[String],
    stdin: &[u8],
) -> std::result::Result<Output, String> {
    let (program, rest) = arguments.split_first().ok_or("no program given")?;
    let failed = |error: std::io::Error| format!("`{program}`: {error}");
    let mut child = Command::new(program)
        .args(rest)
        .current_dir(&plugin.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (input, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A program need not read what it is given.
            let _ = input.write_all(stdin).await;
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = {
        let reading = async { tokio::try_join!(all(stdout, &mut out), all(stderr, &mut err)) };
        let mut reading = pin!(reading);
        let mut feeding = pin!(write);
        let (mut read, mut fed) = (false, false);
        let status = loop {
            tokio::select! {
                result = &mut reading, if !read => {
                    result.map_err(failed)?;
                    read = true;
                }
                () = &mut feeding, if !fed => fed = true,
                status = child.wait() => break status.map_err(failed)?,
            }
        };
        // What it left running in the background may hold the pipes for ever.
        if !read && let Ok(result) = tokio::time::timeout(DRAIN, reading).await {
            result.map_err(failed)?;
        }
        status
    };
    Ok(Output {
        status: status.code(),
        stdout: out,
        stderr: err,
    })
}

/// Reads until the end, into a buffer that has what came so far at any time.
async fn all(stream: Option<impl AsyncRead + Unpin>, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    if let Some(stream) = stream {
        stream.take(MAX + 1).read_to_end(bytes).await?;
    }
    match bytes.len() as u64 > MAX {
        true => Err(std::io::Error::other("it wrote more than 16 MiB")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_allowed_is_a_beginning_of_whole_words() {
        let allowed = [words("git log"), words("uname")];
        for (line, fits) in [
            ("git log", true),
            ("git log -1", true),
            ("uname", true),
            ("git", false),
            ("git push", false),
            ("git logs", false),
            ("unames", false),
            ("/bin/uname", false),
            ("sh -c uname", false),
            ("", false),
        ] {
            assert_eq!(allows(&allowed, &words(line)), fits, "{line}");
        }
        assert!(
            !allows(&[Vec::new()], &words("git")),
            "an empty prefix fits nothing"
        );
    }

    #[tokio::test]
    async fn a_program_is_given_its_input_and_no_shell() {
        let plugin = Plugin {
            directory: "/".into(),
            ..Plugin::default()
        };
        let run = async |arguments: &[&str], stdin: &[u8]| {
            let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
            run(&plugin, &arguments, stdin).await
        };
        let output = run(&["cat"], b"text").await.unwrap();
        assert_eq!((output.status, &*output.stdout), (Some(0), &b"text"[..]));
        let output = run(&["echo", "$HOME;ls"], b"").await.unwrap();
        assert_eq!(output.stdout, b"$HOME;ls\n");
        let output = run(&["pwd"], &[0; 1 << 20]).await.unwrap();
        assert_eq!(output.stdout, b"/\n");
        assert!(run(&["no-such-program-here"], b"").await.is_err());
        // A process in the background is not waited for, and what was written before counts.
        let output = run(&["sh", "-c", "echo done; sleep 300 &"], b"").await;
        assert_eq!(output.unwrap().stdout, b"done\n");
        let endless = run(&["yes"], b"").await;
        assert!(endless.is_err_and(|error| error.contains("16 MiB")));
    }
}
