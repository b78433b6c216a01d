//! `wash call`

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use super::gather::{self, Named};
use super::{Globals, stop_signal};
use crate::call::{self, Catalog, Program, Value, list};
use crate::capability::http_client::{Pattern, PatternError};
use crate::completion::values;
use crate::console::{Console, GuestStream, LostOutput};
use crate::host::local::{CallError, HostOptions, LocalHost, NoRoutes, default_cache_dir};
use crate::host::workload::{Access, Directory, MemberSettings, Volume, Workload};
use crate::host::{Host as _, StartRequest};
use crate::project::{self, Overrides, Purpose};
use crate::report::{self, OutputFormat, hinted};

/// The guest trapped, ran into a limit, or took too long.
const TRAPPED: u8 = 3;

/// Call a function that a component exports
///
/// The component is that of the project in the current directory, unless the first word names a directory, a file or a
/// reference to a registry. It is linked as `wash dev` links it, and has the settings of its project.
///
/// FUNCTION is a name as `--list` shows it (`add`, `ops.add`, `my:math/ops@1.0.0#add`), or an expression in which methods follow what makes
/// their resource: `counter(5).next()`. ARGS are WAVE values, which are checked against the types of the function before
/// anything runs: `5`, `'"text"'`, `'{name: "a", tags: [x, y]}'`, `'some(1)'`. A resource is written as the call that makes it.
///
/// The answer goes to stdout, as WAVE or with `-o json` as JSON; what the guest prints goes to stderr. When `run` of
/// `wasi:cli/run` is called, it is as if the guest were the command: its stdout is stdout, and what comes after `--` are its
/// arguments. It reads the stdin of `wash`.
///
/// Exit codes: 0 with an answer; 1 when the answer is an `err`, or there is nothing to call; 2 when the command line does not fit the
/// component; 3 when the guest trapped or took too long; the guest's own if it called `exit`; and those of every command.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "wash call [OPTIONS] [PATH] FUNCTION [ARGS]... [-- GUEST_ARGS]...\n       wash call [OPTIONS] [PATH] --list",
    after_help = "Examples:\n  wash call --list\n  wash call add 1 2\n  wash call app.wasm 'counter(5).next()'\n  wash call app.wasm my:math/ops@1.0.0#add 1 2\n  wash call -o json greet '\"world\"'\n  wash call app.wasm --dir data::/data:ro --env MODE=test run -- --verbose"
)]
pub struct CallArgs {
    /// The component, if it is not the project here; a function; its arguments
    #[arg(value_name = "WORDS", allow_negative_numbers = true, add = values::call_words())]
    words: Vec<OsString>,
    /// The arguments of the guest, which has them when it asks for them
    #[arg(last = true, value_name = "GUEST_ARGS", add = values::file())]
    arguments: Vec<String>,
    /// Show everything that can be called, as one would type it
    #[arg(long)]
    list: bool,
    /// An environment variable of the guest, beside those of the project
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, add = values::variables())]
    env: Vec<(String, String)>,
    /// A directory of the guest, which can only read it with `:ro`
    #[arg(long, value_name = "HOST::GUEST[:ro]", value_parser = mount, add = values::directory())]
    dir: Vec<Mount>,
    /// A value of `wasi:config` for the guest
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    /// A host that requests over HTTP may reach, beside those of the project: `api.example.com`, `localhost:8080`, `*`
    #[arg(long, value_name = "HOST", value_parser = host)]
    allow_host: Vec<String>,
    /// Maximum run time: `500ms`, `10s`, `2m`
    #[arg(long, value_name = "TIME", value_parser = project::duration)]
    timeout: Option<Duration>,
    /// Link imports that nobody provides to functions that trap when they are called
    #[arg(long)]
    stub_missing: bool,
    /// Use plain HTTP for the registry
    #[arg(long)]
    insecure: bool,
}

/// `HOST::GUEST[:ro]`, as it was typed.
#[derive(Debug, Clone)]
struct Mount {
    host: PathBuf,
    guest: String,
    access: Access,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn host(text: &str) -> Result<String, String> {
    match Pattern::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; {}", PatternError::HINT)),
    }
}

fn mount(text: &str) -> Result<Mount, String> {
    let (text, access) = match text.strip_suffix(":ro") {
        Some(text) => (text, Access::ReadOnly),
        None => (text, Access::ReadWrite),
    };
    match text.split_once("::") {
        Some((host, guest)) if !host.is_empty() && guest.starts_with('/') => Ok(Mount {
            host: host.into(),
            guest: guest.to_owned(),
            access,
        }),
        _ => {
            Err("expected HOST::GUEST, where GUEST is an absolute path such as `/data`".to_owned())
        }
    }
}

pub async fn run(args: CallArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let (target, words) = match args.words.split_first() {
        Some((first, rest)) if is_target(first, globals) => (vec![PathBuf::from(first)], rest),
        _ => (Vec::new(), args.words.as_slice()),
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| text(word))
        .collect::<Result<_, _>>()?;
    let mut named = gather::named(&target, globals)?;
    if let Named::Image(image) = &mut named {
        image.insecure = args.insecure;
    }
    let overrides: Overrides = globals.overrides(Purpose::Dev)?;
    let mut project = gather::project(named, &overrides)?;
    args.add_to(&mut project.settings, globals)?;
    let components = gather::build(project, args.stub_missing, globals).await?;
    let (shape, _) = components.own();
    let catalog = Catalog::of(shape);
    if catalog.functions.is_empty() {
        let name = &components.project().name;
        anyhow::bail!("`{name}` exports no functions: there is nothing to call");
    }
    if args.list {
        let listing = list::listing(&catalog);
        report::success(
            globals.output,
            &list::text(&listing),
            "listed",
            json!(listing),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some((function, words)) = words.split_first() else {
        return Err(report::usage(
            "there is no FUNCTION to call: `--list` shows what there is",
        ));
    };
    let program = call::program(&catalog, function, words).map_err(hinted)?;
    let workload = components.calls().map_err(hinted)?;
    let (outcome, output) = answer(workload, &program, &args, globals).await?;
    let told = Told {
        function,
        program: &program,
        format: globals.output,
    };
    match (output, outcome) {
        (Ok(()), outcome) => told.tell(outcome),
        // It may have failed because of it, as programs do whose reader has gone.
        (Err(lost), Outcome::Failed(CallError::Trap { .. })) if lost.is_closed() => {
            Ok(ExitCode::SUCCESS)
        }
        (Err(lost), outcome) if lost.is_closed() => told.tell(outcome),
        (Err(lost), Outcome::Failed(CallError::Trap { .. })) => Err(hinted(lost)),
        (Err(lost), outcome) => {
            told.tell(outcome)?;
            Err(hinted(lost))
        }
    }
}

/// A word that is no path. Names of functions and values are Unicode.
fn text(word: &OsStr) -> anyhow::Result<String> {
    word.to_str().map(str::to_owned).ok_or_else(|| {
        report::usage(format_args!(
            "`{}` is not valid UTF-8, so it is neither a function nor a value",
            word.display()
        ))
    })
}

/// Whether a word names a component, and not a function.
fn is_target(word: &OsStr, globals: &Globals) -> bool {
    let is_expression = |word: &str| word.contains(['#', '(']);
    if word.to_str().is_some_and(is_expression) {
        return false;
    }
    let path = Path::new(word);
    path.extension()
        .is_some_and(|extension| extension == "wasm")
        || globals.path(path).is_ok_and(|path| path.exists())
        || gather::reference(path, globals).is_some()
}

impl CallArgs {
    /// Gives the guest what the options say.
    fn add_to(&self, settings: &mut MemberSettings, globals: &Globals) -> anyhow::Result<()> {
        settings.environment.extend(self.env.iter().cloned());
        settings.config.extend(self.config.iter().cloned());
        if !self.arguments.is_empty() {
            settings.arguments.clone_from(&self.arguments);
        }
        settings.stdin = true;
        settings.outgoing_http.allow(&self.allow_host);
        for Mount {
            host,
            guest,
            access,
        } in &self.dir
        {
            let path = globals.path(host)?;
            let path = path.canonicalize();
            let path =
                path.with_context(|| format!("cannot use `{}` for --dir", host.display()))?;
            settings.directories.push(Directory {
                volume: Volume::HostPath {
                    path,
                    create: false,
                },
                guest: guest.clone(),
                access: *access,
            });
        }
        Ok(())
    }
}

/// What a call came to.
enum Outcome {
    Answered(Option<Value>),
    Failed(CallError),
    TooLate(Duration),
    /// The reader of its output has gone, and it did not stop writing.
    Refused,
}

/// Calls the program. Besides what that came to: whether everything that the guest wrote could be written.
async fn answer(
    workload: Workload,
    program: &Program,
    args: &CallArgs,
    globals: &Globals,
) -> anyhow::Result<(Outcome, Result<(), LostOutput>)> {
    // Stdout is the answer's alone.
    let stdout = match program.is_command() && globals.output == OutputFormat::Text {
        true => GuestStream::Stdout,
        false => GuestStream::Stderr,
    };
    let mut stopped = pin!(stop_signal()?);
    let console = Console::bare(stdout);
    let host = LocalHost::new(HostOptions {
        cache_dir: default_cache_dir(),
        console: console.clone(),
        routes: Arc::new(NoRoutes),
    });
    let request = StartRequest {
        workload,
        replaces: None,
    };
    let started = tokio::select! {
        started = host.start(request) => started.map_err(|error| anyhow::anyhow!(error.told()))?,
        signal = &mut stopped => return Err(signal.into()),
    };
    let called = async {
        let calling = host.call(&started.id, program);
        let called = match args.timeout {
            None => calling.await,
            Some(timeout) => match tokio::time::timeout(timeout, calling).await {
                Ok(called) => called,
                Err(_) => return Outcome::TooLate(timeout),
            },
        };
        called.map_or_else(Outcome::Failed, Outcome::Answered)
    };
    let outcome: anyhow::Result<Outcome> = tokio::select! {
        outcome = called => Ok(outcome),
        () = console.refused() => Ok(Outcome::Refused),
        signal = &mut stopped => Err(signal.into()),
    };
    // What it had for itself goes with it.
    let _ = host.stop(&started.id).await;
    let outcome = outcome?;
    tokio::select! {
        output = console.written() => Ok((outcome, output)),
        signal = stopped => Err(signal.into()),
    }
}

/// What was called, to be told of.
struct Told<'a> {
    function: &'a str,
    program: &'a Program,
    format: OutputFormat,
}

impl Told<'_> {
    fn tell(&self, outcome: Outcome) -> anyhow::Result<ExitCode> {
        match outcome {
            Outcome::Answered(value) => self.answered(value),
            Outcome::Failed(CallError::Exit(status)) => {
                let data = self.data(Json::Null, Json::Null, json!({ "exit": status }));
                let message = format!("the guest called `exit` with status {status}");
                self.json(status == 0, &message, data)?;
                Ok(u8::try_from(status).unwrap_or(1).into())
            }
            Outcome::Failed(CallError::Trap { summary, report }) => {
                let data = json!({ "trap": summary, "report": report });
                self.failed(
                    &format!("`{}` failed: {summary}", self.function),
                    &report,
                    data,
                )
            }
            Outcome::Failed(other) => Err(other.into()),
            Outcome::Refused => Ok(ExitCode::SUCCESS),
            Outcome::TooLate(timeout) => {
                let late = format!("no answer within {timeout:?}: `--timeout` allows more");
                self.failed(
                    &format!("`{}`: {late}", self.function),
                    &late,
                    json!({ "trap": late, "report": late }),
                )
            }
        }
    }

    fn answered(&self, value: Option<Value>) -> anyhow::Result<ExitCode> {
        let failed = value.as_ref().is_some_and(Value::is_err);
        match self.format {
            OutputFormat::Json => {
                let wave = value.as_ref().map(Value::wave);
                let answer = value.as_ref().map_or(Json::Null, Value::json);
                let data = self.data(answer, json!(wave), json!({}));
                let message = match failed {
                    true => "answered with an error",
                    false => "called",
                };
                self.json(!failed, message, data)?;
            }
            OutputFormat::Text => self.print(value.as_ref())?,
        }
        Ok(match failed {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }

    fn print(&self, value: Option<&Value>) -> io::Result<()> {
        match value {
            // It has said what it had to say.
            _ if self.program.is_command() => Ok(()),
            None => Ok(()),
            Some(Value::Bytes(bytes)) => report::write_stdout(bytes),
            Some(value) => report::write_stdout(format!("{}\n", value.wave()).as_bytes()),
        }
    }

    fn failed(&self, message: &str, report: &str, more: Json) -> anyhow::Result<ExitCode> {
        match self.format {
            OutputFormat::Text => {
                let error = report::lines(format!("`{}` failed: {report}", self.function));
                report::failure(self.format, &error)?;
            }
            OutputFormat::Json => {
                self.json(false, message, self.data(Json::Null, Json::Null, more))?
            }
        }
        Ok(TRAPPED.into())
    }

    fn data(&self, result: Json, wave: Json, more: Json) -> Json {
        let mut data = json!({
            "function": self.function,
            "result": result,
            "wave": wave,
            "trap": null,
            "report": null,
            "exit": null,
        });
        if let (Some(data), Json::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        data
    }

    fn json(&self, success: bool, message: &str, data: Json) -> io::Result<()> {
        match (self.format, success) {
            (OutputFormat::Text, _) => Ok(()),
            (_, true) => report::success(self.format, "", message, data),
            (_, false) => report::incomplete(self.format, "", message, data),
        }
    }
}
