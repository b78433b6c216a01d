//! Lets plugins look at what a command is about to do or has done. One that rejects it stops the command, and so does
//! one that cannot be asked.

use std::env;
use std::path::Path;

use anyhow::Context as _;
use wash_common::advice::{Advice, hinted};
use wash_common::{advice, units};
use wash_component::call::Value;
use wash_runtime::capability::wasi::Directories;

use super::{ask, invoke, surroundings};
use crate::commands::{Globals, unless_stopped};
use crate::console;
use crate::console::Console;
use crate::plugin::guest::{Bounds, Guest, HOOK, Terms};
use crate::plugin::hook::{Component, Event};
use crate::plugin::manifest::{Access, HookPoint, Manifest, Permission};
use crate::plugin::policy::Decisions;
use crate::plugin::store::Broken;
use crate::plugin::{Store, grants, hook};

/// How long each hook may take, if not a minute.
pub(super) const TIMEOUT: &str = "WASH_HOOK_TIMEOUT";

/// A hook that did not let a command go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum HookError {
    #[error("plugin `{plugin}` rejected the {what}")]
    Rejected {
        plugin: String,
        what: &'static str,
        source: Rejection,
    },
    #[error("cannot determine which plugins have a `{point}` hook")]
    Unreadable {
        point: &'static str,
        source: Broken,
        /// How to go on without the plugin.
        way_out: Option<String>,
    },
}

/// Why, as the plugin says it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Rejection(String);

impl Advice for HookError {
    fn has_lines(&self) -> bool {
        matches!(self, Self::Rejected { .. })
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Rejected { .. } => Vec::new(),
            Self::Unreadable {
                source, way_out, ..
            } => [source.hint()].into_iter().chain(way_out.clone()).collect(),
        }
    }
}

/// Asks every plugin that has a hook here, in the order of their names, until one rejects what happens. A plugin that
/// cannot be read may be one that has: it would be there for nothing if it could be left out.
pub async fn run(point: HookPoint, event: Event<'_>, globals: &Globals) -> anyhow::Result<()> {
    let Some(store) = Store::of_user() else {
        return Ok(());
    };
    let installed = store.installed();
    if let Some(broken) = installed.broken.into_iter().next() {
        return Err(hinted(unreadable(point, broken)));
    }
    let plugins = installed.plugins.iter();
    for plugin in plugins.filter(|plugin| plugin.hooks.contains(&point)) {
        call(&store, plugin, point, &event, globals).await?;
    }
    Ok(())
}

fn unreadable(point: HookPoint, broken: Broken) -> HookError {
    let way_out = broken.name().filter(|_| broken.is_damaged()).map(|name| {
        format!("`wash plugin uninstall {name}` removes it, with its data and its permissions")
    });
    HookError::Unreadable {
        point: point.name(),
        source: broken,
        way_out,
    }
}

fn bounds() -> anyhow::Result<Bounds> {
    let Some(set) = env::var_os(TIMEOUT).filter(|set| !set.is_empty()) else {
        return Ok(HOOK);
    };
    let time = units::parse_duration(&set.to_string_lossy());
    let time = time.map_err(|problem| advice::usage(format!("`{TIMEOUT}`: {problem}")))?;
    Ok(Bounds {
        time: Some(time),
        ..HOOK
    })
}

/// What a plugin rejects at a hook.
fn what(point: HookPoint) -> &'static str {
    match point {
        HookPoint::BeforeBuild | HookPoint::AfterBuild => "build",
        HookPoint::BeforeDev | HookPoint::AfterDev => "session",
        HookPoint::BeforePush | HookPoint::AfterPush => "push",
    }
}

/// What could not be done, before why.
fn failed(plugin: &Manifest, point: HookPoint) -> String {
    format!(
        "the `{}` hook of plugin `{}` failed",
        point.name(),
        plugin.name
    )
}

async fn call(
    store: &Store,
    plugin: &Manifest,
    point: HookPoint,
    event: &Event<'_>,
    globals: &Globals,
) -> anyhow::Result<()> {
    let decisions = ask::decided(store, plugin).await;
    let decisions = decisions.with_context(|| failed(plugin, point))?;
    call_with(store, plugin, &decisions, point, event, globals).await
}

/// Calls a hook of a plugin with what it may do.
pub(super) async fn call_with(
    store: &Store,
    plugin: &Manifest,
    decisions: &Decisions,
    point: HookPoint,
    event: &Event<'_>,
    globals: &Globals,
) -> anyhow::Result<()> {
    let could_not = || failed(plugin, point);
    let guest = Guest::installed(store, plugin).map_err(hinted);
    let guest = guest.with_context(could_not)?;
    let around = surroundings::of(decisions, globals)?;
    let data = store.data(&plugin.name);
    let settings = grants::settings(store, &plugin.name, data, decisions, &around);
    let mut settings = settings.map_err(hinted).with_context(could_not)?;
    // Who may read the project may read what is made of it, and what is pushed without one.
    let shown = decisions.allows(&Permission::Project(Access::ReadOnly));
    let seen = hook::seen(point, event, shown).map_err(hinted)?;
    settings
        .get_mut::<Directories>()
        .0
        .extend(seen.directories.iter().cloned());
    let terms = Terms {
        settings,
        bounds: bounds()?,
        console: match globals.quiet {
            false => Console::on_stderr(),
            true => Console::silent(),
        },
        compiled: store.compiled(&plugin.digest),
    };
    let interface = match plugin.async_hooks {
        true => "wash:plugin/async-hooks",
        false => "wash:plugin/hooks",
    };
    let calling = guest.call(interface, "hook", vec![seen.value.clone()], terms);
    let answer = unless_stopped(calling).await;
    // What is said of it comes after what it has said itself.
    console::flush();
    match answer? {
        Ok(Some(Value::Result(Ok(_)))) => Ok(()),
        Ok(answer) => Err(hinted(HookError::Rejected {
            plugin: plugin.name.clone(),
            what: what(point),
            source: Rejection(invoke::said(answer.as_ref())),
        })),
        Err(failure) => {
            Err(hinted(invoke::stopped(&plugin.name, &failure)).context(failed(plugin, point)))
        }
    }
}

/// Nothing is there yet.
pub fn event(project: &str) -> Event<'_> {
    Event {
        project,
        component: None,
        reference: None,
    }
}

/// A component of a project is there.
pub fn with<'e>(project: &'e str, path: &'e Path, bytes: &'e [u8]) -> Event<'e> {
    Event {
        component: Some(Component { path, bytes }),
        ..event(project)
    }
}
