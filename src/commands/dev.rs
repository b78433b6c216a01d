//! `wash dev`

use std::io;
use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wash_common::advice::hinted;
use wash_common::process::Command;
use wash_fetch::wit;
use wash_runtime::http::tls::Tls;
use wash_runtime::http::{HttpService, Listening, Server, Stop, listen};
use wash_runtime::local::{HostOptions, LocalHost, default_cache_dir};

use super::plugin::hooks;
use super::reset::ResetArgs;
use super::{Globals, reset, unless_stopped, warn_about};
use crate::completion::values;
use crate::console::Console;
use crate::dev::session::Setup;
use crate::dev::storage::Storage;
use crate::dev::watch::Means;
use crate::dev::{HandlerSlot, certificate, session};
use crate::plugin::Store;
use crate::plugin::manifest::HookPoint;
use crate::project::{Overrides, Project, ProjectError, Purpose, SiblingSource};
use crate::report::OutputFormat;
use crate::{console, project};

/// Start a development server for a project
///
/// Builds the project and the components in `dev.components` of `.wash/config.yaml`, links them with each other and with
/// the host's capabilities, and serves HTTP requests. When a file changes, rebuilds and relinks what depends on it and
/// switches to the new version without dropping requests. If that fails, the previous version keeps serving. Files
/// ignored by .gitignore, .ignore or .washignore in the project or its repository are not watched; `build.watch` adds
/// sources outside of the project.
///
/// Builds may write files next to their sources. After a few builds, `wash dev` detects such files, reports them, and
/// ignores their changes during builds.
///
/// Stored data, such as blobs and key-value pairs, is in `.wash/state` and persists across reloads and restarts. `wash
/// dev reset` clears it; `--ephemeral` discards it on exit. Ctrl-C waits for requests to finish; a second Ctrl-C cuts
/// them off.
///
/// With `-o json`, prints each event as one line of JSON: requests, output and logs of components, reloads.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  wash dev\n  wash -C examples/hello dev\n  wash dev --address 127.0.0.1:0\n  wash dev app.wasm\n  wash dev reset"
)]
pub struct DevArgs {
    /// Project directory, or a component file to serve as it is [default: current directory]
    #[arg(value_name = "PATH", add = values::component_file())]
    path: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free port [default: `dev.address`, or the first free port from
    /// 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT", add = values::addresses())]
    address: Option<String>,
    /// Serve HTTPS, with a self-signed certificate unless the project configures one
    #[arg(long)]
    tls: bool,
    /// Use this config file instead of the project's
    #[arg(long, value_name = "FILE", add = values::file())]
    config: Option<PathBuf>,
    /// Path of the built component, relative to the project
    #[arg(long, value_name = "FILE", add = values::wasm_file())]
    artifact_path: Option<String>,
    /// Don't fetch WIT packages
    #[arg(long)]
    skip_fetch: bool,
    /// Don't use the network
    #[arg(long, env = "WASH_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    offline: bool,
    /// Replace missing imports with stubs that trap when called
    #[arg(long)]
    stub_missing: bool,
    /// Discard stored data on exit
    #[arg(long)]
    ephemeral: bool,
    /// Poll for changes once a second, for file systems without change notifications
    #[arg(long)]
    poll: bool,
    #[command(subcommand)]
    command: Option<DevCommand>,
}

impl DevArgs {
    /// Whether it prints one JSON object a line: a session does.
    pub(crate) fn prints_lines(&self) -> bool {
        self.command.is_none()
    }
}

#[derive(Debug, clap::Subcommand)]
enum DevCommand {
    Reset(ResetArgs),
}

/// How long a session that is to end at once may take to leave nothing behind.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(5);

/// As shells have it.
const INTERRUPTED: i32 = 130;

pub async fn run(args: DevArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    if let Some(DevCommand::Reset(args)) = &args.command {
        return reset::run(args, globals).await;
    }
    raise_file_limit();
    let load = loader(&args, globals)?;
    let project = load().map_err(hinted)?;
    warn_about(&project);
    hooks::run(HookPoint::BeforeDev, hooks::event(&project.name), globals).await?;
    let name = project.name.clone();

    let wanted = &project.dev.address;
    let Listening {
        listener,
        address,
        skipped,
    } = listen(wanted.socket, wanted.requested)
        .await
        .map_err(hinted)?;
    let storage = match args.ephemeral {
        true => Storage::ephemeral().context("cannot make a temporary directory")?,
        false => Storage::of_project(&project.keeps_in())
            .with_context(|| format!("cannot use the state of `{}`", project.root.display()))?,
    };
    let console = match (globals.output, globals.quiet) {
        (OutputFormat::Text, false) => Console::stdio(),
        (OutputFormat::Text, true) => Console::hushed(),
        (OutputFormat::Json, _) => Console::json(),
    };
    if let Some(skipped) = skipped {
        let holder = skipped
            .holder
            .map_or_else(String::new, |holder| format!(" by {holder}"));
        console.info(&format!(
            "{} is in use{holder}; listening on {address}",
            skipped.address
        ));
    }

    let files = certificate::files(&project, &storage, address).map_err(hinted)?;
    let tls = files.as_ref().map(Tls::load).transpose().map_err(hinted)?;
    let url = url(address, tls.is_some());
    if let Some(advice) = files.and_then(|files| certificate::advice(&project, &files, &url)) {
        console.info(&advice);
    }

    unless_stopped(fetch_wit(&project, &console)).await?;
    let front = HttpService::new(console.events());
    let entrance = Arc::new(HandlerSlot::new(front.clone()));
    entrance.allow_hosts(&project);
    let stop = Stop::default();
    let server = || {
        Server::new(front.clone(), console.events(), stop.clone())
            .with_tls(tls.clone())
            .with_max_connections(project.dev.max_connections)
    };
    let servers = match other_loopback(wanted.localhost, address).await {
        Some(other) => {
            let (one, other) = (server().run(listener), server().run(other));
            tokio::spawn(async { _ = tokio::join!(one, other) })
        }
        None => tokio::spawn(server().run(listener)),
    };
    let host = LocalHost::new(HostOptions {
        cache_dir: default_cache_dir(),
        events: console.events(),
        routes: entrance.clone(),
    });
    let setup = Setup {
        project,
        load: Box::new(load),
        means: if args.poll {
            Means::Polling
        } else {
            Means::Notifications
        },
        host: Arc::new(host),
        entrance,
        server: servers,
        stop,
        tls,
        address,
        url,
        console,
        color: globals.output == OutputFormat::Text
            && anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never,
        stub_missing: args.stub_missing,
        storage: Arc::new(storage),
        store: Store::of_user(),
        interrupts: interrupts().context("cannot listen for signals")?,
    };
    let status = session::run(setup).await;
    hooks::run(HookPoint::AfterDev, hooks::event(&name), globals).await?;
    console::flush();
    // Code may still be compiled, which nobody waits for any more and which cannot be interrupted.
    std::process::exit(i32::from(status))
}

/// `localhost` has two addresses, and clients try one or the other first. Where IPv6 is off, or its port is in use, one
/// has to do.
async fn other_loopback(localhost: bool, address: SocketAddr) -> Option<TcpListener> {
    if !localhost {
        return None;
    }
    let other = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port());
    TcpListener::bind(other).await.ok()
}

/// What is missing of WIT packages is there before the first look for changes. What cannot be had, the build says.
async fn fetch_wit(project: &Project, console: &Console) {
    let siblings = project
        .dev
        .components
        .iter()
        .filter_map(|sibling| match &sibling.source {
            SiblingSource::Project(project) => Some(&**project),
            _ => None,
        });
    for project in iter::once(project).chain(siblings) {
        if project.build.command != Command::None
            && let Ok(fetched) = wit::ensure(&project.root, &project.wit).await
            && let Some(news) = fetched.news(&project.wit)
        {
            console.info(&news);
        }
    }
}

/// Reads the project that the command line names, each time it is called.
fn loader(
    args: &DevArgs,
    globals: &Globals,
) -> anyhow::Result<impl Fn() -> Result<Project, ProjectError> + Send + use<>> {
    let named = globals.path_or_here(args.path.as_deref())?;
    let overrides = Overrides {
        address: args.address.clone(),
        tls: args.tls.then(|| "self-signed".to_owned()),
        config: args
            .config
            .as_deref()
            .map(|file| globals.path(file))
            .transpose()?,
        artifact: args.artifact_path.clone(),
        skip_fetch: args.skip_fetch,
        offline: args.offline,
        ..globals.overrides(Purpose::Dev)?
    };
    let prebuilt = Some(named.clone()).filter(|path| args.path.is_some() && !path.is_dir());
    // A config file from elsewhere makes a project of any directory.
    let root = match (&prebuilt, &overrides.config) {
        (None, None) => project::find_root(&named).map_err(hinted)?,
        _ => named,
    };
    Ok(move || match &prebuilt {
        Some(file) => project::prebuilt(file, &overrides),
        None => project::load(&root, &overrides),
    })
}

/// One message for each time somebody asks us to stop: Ctrl-C, a service manager, a terminal that closes.
fn interrupts() -> io::Result<mpsc::UnboundedReceiver<()>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let asked = Arc::new(AtomicUsize::new(0));
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let (mut signals, sender, asked) = (signal(kind)?, sender.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                match asked.fetch_add(1, Ordering::Relaxed) {
                    0 => {}
                    1 => drop(thread::spawn(|| end_after(ABANDON_TIMEOUT))),
                    _ => end_after(Duration::ZERO),
                }
                // The session may be over, and what comes after it may hang.
                let _ = sender.send(());
            }
        });
    }
    Ok(receiver)
}

/// Allows as many open files as the system lets us have, within reason: each connection is one. The limits of macOS and Linux
/// are low for the sake of old programs.
fn raise_file_limit() {
    const ENOUGH: u64 = 65_536;
    // macOS allows no more than this whatever it says.
    const FEW: u64 = 10_240;
    let limit = getrlimit(Resource::Nofile);
    for wanted in [ENOUGH, FEW] {
        let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let is_more = limit.current.is_some_and(|before| before < current);
        let raised = Rlimit {
            current: Some(current),
            ..limit
        };
        if !is_more || setrlimit(Resource::Nofile, raised).is_ok() {
            return;
        }
    }
}

/// Ends the process, whatever is under way.
fn end_after(time: Duration) {
    thread::sleep(time);
    std::process::exit(INTERRUPTED)
}

/// What to type into a browser: an address of all interfaces is reached on this machine's own.
fn url(address: SocketAddr, secure: bool) -> String {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let scheme = if secure { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}
