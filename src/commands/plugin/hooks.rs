//! Lets plugins look at what a command is about to do or has done. One that objects stops the command.

use std::env;
use std::path::Path;

use anyhow::Context as _;

use super::{ask, invoke, surroundings};
use crate::commands::{Globals, unless_stopped};
use crate::console::{self, Console};
use crate::plugin::guest::{Bounds, Guest, HOOK, Terms};
use crate::plugin::hook::{self, Component, Event};
use crate::plugin::manifest::{Access, HookPoint, Manifest, Permission};
use crate::plugin::{Store, grants};
use crate::project;
use crate::report::{self, hinted};

/// How long each hook may take, if not a minute.
pub(super) const TIMEOUT: &str = "WASH_HOOK_TIMEOUT";

/// Asks every plugin that has a hook here, in the order of their names, until one objects.
pub async fn run(point: HookPoint, event: Event<'_>, globals: &Globals) -> anyhow::Result<()> {
    let Some(store) = Store::of_user() else {
        return Ok(());
    };
    let plugins = store.installed().plugins;
    for plugin in plugins
        .iter()
        .filter(|plugin| plugin.hooks.contains(&point))
    {
        let called = call(&store, plugin, point, &event, globals).await;
        called.with_context(|| objection(point, &plugin.name))?;
    }
    Ok(())
}

fn bounds() -> anyhow::Result<Bounds> {
    let Some(set) = env::var_os(TIMEOUT).filter(|set| !set.is_empty()) else {
        return Ok(HOOK);
    };
    let time = project::duration(&set.to_string_lossy());
    let time = time.map_err(|problem| report::usage(format!("`{TIMEOUT}`: {problem}")))?;
    Ok(Bounds {
        time: Some(time),
        ..HOOK
    })
}

fn objection(point: HookPoint, plugin: &str) -> String {
    let (when, what) = point.name().split_once('-').unwrap_or_default();
    let what = match what {
        "dev" => "session",
        what => what,
    };
    match when {
        "before" => format!("stopped before the {what} by the plugin `{plugin}`"),
        _ => format!("the plugin `{plugin}` objects after the {what}"),
    }
}

async fn call(
    store: &Store,
    plugin: &Manifest,
    point: HookPoint,
    event: &Event<'_>,
    globals: &Globals,
) -> anyhow::Result<()> {
    let decisions = ask::decided(store, plugin).await?;
    let guest = Guest::installed(store, plugin).map_err(hinted)?;
    let around = surroundings::of(&decisions, globals)?;
    let data = store.data(&plugin.name);
    let settings = grants::settings(store, &plugin.name, data, &decisions, &around);
    let mut settings = settings.map_err(hinted)?;
    // Who may read the project may read what is made of it, and what is pushed without one.
    let shown = decisions.allows(&Permission::Project(Access::ReadOnly));
    let seen = hook::seen(point, event, shown).map_err(hinted)?;
    settings
        .directories
        .extend(seen.directories.iter().cloned());
    let terms = Terms {
        settings,
        bounds: bounds()?,
        console: Console::shielded().aside(),
        compiled: store.compiled(),
    };
    let interface = match plugin.async_hooks {
        true => "wash:plugin/async-hooks",
        false => "wash:plugin/hooks",
    };
    let calling = guest.call(interface, "hook", vec![seen.value.clone()], terms);
    let answer = unless_stopped(calling).await?;
    // What is said of it comes after what it has said itself.
    console::flush();
    match answer {
        Ok(Some(crate::call::Value::Result(Ok(_)))) => Ok(()),
        Ok(answer) => Err(anyhow::anyhow!(invoke::said(answer.as_ref()))),
        Err(failure) => Err(hinted(invoke::stopped(&plugin.name, &failure))),
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
