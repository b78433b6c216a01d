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
use wash_common::advice::{Advice, hinted};
use wash_common::{advice, units};
use wash_component::call;
use wash_component::call::{Catalog, Program, Value, list};
use wash_runtime::capability::config::ConfigValues;
use wash_runtime::capability::http_client::{OutgoingHttp, Pattern, PatternError};
use wash_runtime::capability::wasi::{Access, Directories, Directory, Process, Volume};
use wash_runtime::events::GuestStream;
use wash_runtime::host::{Host as _, StartRequest};
use wash_runtime::local::{CallError, HostOptions, LocalHost, NoRoutes, default_cache_dir};
use wash_runtime::workload::{MemberSettings, StartError, Workload};

use super::gather::Named;
use super::{Globals, gather, stop_signal};
use crate::completion::values;
use crate::console::{Console, LostOutput};
use crate::project::{Overrides, Purpose};
use crate::report;
use crate::report::OutputFormat;

/// The guest trapped, ran into a limit, or took too long.
const TRAPPED: u8 = 3;

/// Call a function that a component exports
///
/// Calls the component of the project in the current directory, unless PATH names another directory, a file or a
/// reference to a registry. The component is linked as in `wash dev`, with the settings of its project.
///
/// FUNCTION is a name from `--list` (`add`, `ops.add`, `my:math/ops@1.0.0#add`), or an expression that calls methods of a
/// resource: `counter(5).next()`. ARGS are WAVE values: `5`, `'"text"'`, `'{name: "a", tags: [x, y]}'`, `'some(1)'`. For
/// a resource, write the call that returns it. Arguments are type-checked before anything runs.
///
/// Prints the result on stdout, as WAVE or with `-o json` as JSON, and the guest's output on stderr. If FUNCTION is `run`
/// of `wasi:cli/run`, the guest runs like a command: its stdout is the stdout of `wash`, and it receives the arguments
/// after `--`. The guest reads the stdin of `wash`.
///
/// Exit codes: 0 if the function returned; 1 if it returned an `err`, or if there is nothing to call; 2 if the command
/// line does not match the component; 3 if the guest trapped or timed out; the guest's own code if it called `exit`; and
/// the codes of every command.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "wash call [OPTIONS] [PATH] <FUNCTION> [ARGS]... [-- <GUEST_ARGS>...]\n       wash call [OPTIONS] [PATH] --list",
    after_help = "Examples:\n  wash call --list\n  wash call add 1 2\n  wash call app.wasm 'counter(5).next()'\n  wash call app.wasm my:math/ops@1.0.0#add 1 2\n  wash call -o json greet '\"world\"'\n  wash call app.wasm --dir data::/data:ro --env MODE=test run -- --verbose"
)]
pub struct CallArgs {
    /// Component to call [default: project in the current directory], function and its arguments
    #[arg(value_names = ["PATH", "FUNCTION", "ARGS"], allow_negative_numbers = true, add = values::call_words())]
    words: Vec<OsString>,
    /// Command-line arguments of the guest
    #[arg(last = true, value_name = "GUEST_ARGS", add = values::file())]
    arguments: Vec<String>,
    /// List everything that can be called, as you would type it
    #[arg(long)]
    list: bool,
    /// Set an environment variable of the guest
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, add = values::variables())]
    env: Vec<(String, String)>,
    /// Mount a directory into the guest, read-only with `:ro`
    #[arg(long, value_name = "HOST::GUEST[:ro]", value_parser = mount, add = values::directory())]
    dir: Vec<Mount>,
    /// Set a `wasi:config` value of the guest
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    /// Allow HTTP requests to this host: `api.example.com`, `localhost:8080`, `*`
    #[arg(long, value_name = "HOST", value_parser = host)]
    allow_host: Vec<String>,
    /// Maximum run time: `500ms`, `10s`, `2m`
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    timeout: Option<Duration>,
    /// Replace missing imports with stubs that trap when called
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
        anyhow::bail!("`{name}` exports no functions to call");
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
        return Err(advice::usage(
            "no function given; `--list` shows what can be called",
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
    word.to_str()
        .map(str::to_owned)
        .ok_or_else(|| advice::usage(format_args!("`{}` is not valid UTF-8", word.display())))
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
        settings
            .get_mut::<Process>()
            .environment
            .extend(self.env.iter().cloned());
        settings
            .get_mut::<ConfigValues>()
            .0
            .extend(self.config.iter().cloned());
        if !self.arguments.is_empty() {
            settings
                .get_mut::<Process>()
                .arguments
                .clone_from(&self.arguments);
        }
        settings.get_mut::<Process>().stdin = true;
        settings.get_mut::<OutgoingHttp>().allow(&self.allow_host);
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
            settings.get_mut::<Directories>().0.push(Directory {
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

/// Why nothing can be called.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.told())]
struct NotStarted(StartError);

impl Advice for NotStarted {
    fn hints(&self) -> Vec<String> {
        self.0.hints()
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
        events: console.events(),
        routes: Arc::new(NoRoutes),
    });
    let request = StartRequest {
        workload,
        replaces: None,
    };
    let started = tokio::select! {
        started = host.start(request) => started.map_err(|error| hinted(NotStarted(error)))?,
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
                let late = format!(
                    "timed out after {}; allow more with `--timeout`",
                    units::duration(timeout)
                );
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
                    true => "returned an error",
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
                let error = advice::lines(format!("`{}` failed: {report}", self.function));
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
