//! One method for each action.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wash_common::process::Command;
use wash_runtime::capability::offered;
use wash_runtime::http::Page;

use super::reminder::{LastPrinted, Reminder};
use super::work::{Ready, Running};
use super::{End, Job, Message, Session, work};
use crate::dev::assemble::{Linked, Parts};
use crate::dev::lines::Steps;
use crate::dev::scope::Scope;
use crate::dev::state::{
    Cause, ConfigChange, Event, Generation, Occasion, Revision, UnitName, Why,
};
use crate::dev::watch::{Difference, Differences};
use crate::dev::{certificate, change, events, lines};
use crate::project::ProjectError;

/// How long an immediate end waits for what builds have started to be killed.
const KILLING: Duration = Duration::from_secs(2);

/// What of a build is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Command,
    /// What is there is taken as it is.
    Nothing,
}

impl Session {
    pub(super) async fn load_config(&mut self) -> Result<ConfigChange, Cause> {
        let (store, storage) = (self.store.as_ref(), &self.storage);
        let read = || {
            let project = (self.load)()?;
            let plugins = work::plugins(store, &project, storage);
            Ok((project, plugins))
        };
        let (project, plugins) = tokio::task::block_in_place(read)
            .map_err(|error: ProjectError| work::config_cause(&error))?;
        let mut change = change::compare(&self.project, &project);
        change.compare_plugins(&self.plugins.offered, &plugins.offered);
        let mut warnings = Vec::new();
        if project.warnings != self.project.warnings && !project.warnings.is_empty() {
            warnings.push(lines::warnings(&project.warnings));
        }
        if plugins.warnings != self.plugins.warnings {
            warnings.extend(plugins.warnings.iter().cloned());
        }
        for warning in warnings {
            self.console.warn(&warning);
        }
        self.built.retain(|name, _| change.units.contains(name));
        self.entrance.allow_hosts(&project);
        self.project = project.into();
        self.plugins = plugins;
        self.rescope().await;
        self.reload_certificate();
        Ok(change)
    }

    /// The config or a file of the certificate was edited. While it cannot be used, the one before is shown.
    fn reload_certificate(&self) {
        let Some(tls) = &self.tls else { return };
        match certificate::reload(tls, &self.project, &self.storage, self.address) {
            Ok(false) => {}
            Ok(true) => self.console.info("new connections get the new certificate"),
            Err(error) => {
                let message = format!(
                    "keeping the previous certificate: {}",
                    work::cause(&error).text
                );
                self.console.warn(&lines::trouble(&message, None));
            }
        }
    }

    /// Watches what belongs to the project now.
    pub(super) async fn rescope(&mut self) {
        self.inputs
            .retain(|unit, _| work::unit(&self.project, unit).is_some());
        let scope = Scope::of(&self.project, self.store.as_ref(), &self.inputs);
        if scope != self.scope {
            self.watcher.retarget(scope.targets()).await;
            self.scope = scope;
        }
    }

    /// Watches what a build says that it has read. What of it changed before it was watched has changed during the build.
    pub(super) async fn take_inputs(
        &mut self,
        unit: &UnitName,
        ready: &Ready,
        began: SystemTime,
    ) -> Option<Event> {
        if ready.inputs.is_empty() || self.inputs.get(unit) == Some(&ready.inputs) {
            return None;
        }
        let before = self.inputs.insert(unit.clone(), ready.inputs.clone());
        let before = before.unwrap_or_default();
        self.rescope().await;
        let is_late = |path: &&PathBuf| {
            let modified = path.metadata().and_then(|file| file.modified());
            modified.is_ok_and(|modified| modified > began) && self.scope.is_elsewhere(path)
        };
        let late = ready.inputs.difference(&before).filter(is_late);
        let files: Differences = late
            .map(|path| (path.clone(), Difference::of_unknown()))
            .collect();
        (!files.is_empty()).then(|| Event::FilesChanged {
            unit: unit.clone(),
            files,
            occasion: Occasion::DuringBuild,
        })
    }

    /// A session in which changes are not noticed looks like one that works.
    pub(super) fn warn_of_ignored(&self) {
        for (root, ignored) in self.scope.ignored_sources() {
            self.console.warn(&lines::ignored(&root, &ignored));
        }
    }

    pub(super) fn start_build(&mut self, unit: UnitName, generation: Generation, run: Run) {
        let mut project =
            work::unit(&self.project, &unit).expect("the machine knows the units of the project");
        if run == Run::Nothing {
            project.build.command = Command::None;
        }
        let before = self.jobs.remove(&unit);
        let wait = before.as_ref().map(|job| job.gone.clone());
        self.cancelled.retain(|job| !job.gone.is_cancelled());
        self.cancelled.extend(before);

        let (cancel, gone) = (CancellationToken::new(), CancellationToken::new());
        let printed = LastPrinted::default();
        let several = work::units(&self.project);
        let several = several
            .values()
            .filter(|unit| unit.build.command != Command::None);
        let output = work::output(&self.console, &unit, several.count() > 1, &printed);
        let reminder = Reminder::new(&self.console, &unit, &project.build.command, printed);
        let (color, messages, watcher) = (self.color, self.messages.clone(), self.watcher.clone());
        let name = unit.clone();
        let task = tokio::spawn({
            let (cancel, gone) = (cancel.clone(), gone.clone().drop_guard());
            async move {
                let _gone = gone;
                if let Some(wait) = wait {
                    wait.cancelled().await;
                }
                let outcome = tokio::select! {
                    outcome = work::build(&project, output, color, cancel) => outcome,
                    never = reminder.run() => match never {},
                };
                let ended = End {
                    noticed: Instant::now(),
                    dated: SystemTime::now(),
                };
                // What it wrote is to be known when its end is.
                watcher.settle().await;
                // Nobody listens when the session has ended.
                let _ = messages.send(Message::Built {
                    unit: name,
                    generation,
                    outcome,
                    ended,
                });
            }
        });
        let job = Job {
            generation,
            cancel,
            abort: task.abort_handle(),
            gone,
            began: SystemTime::now(),
            ended: None,
        };
        self.jobs.insert(unit, job);
    }

    pub(super) fn cancel_build(&mut self, unit: &UnitName) {
        if let Some(job) = self.jobs.get(unit) {
            job.cancel.cancel();
        }
    }

    pub(super) fn start(&mut self, revision: Revision, why: Why) {
        let components = self.built.iter();
        let components = components.map(|(name, ready)| (name.clone(), ready.component.clone()));
        let parts = Parts {
            project: self.project.clone(),
            components: components.collect(),
            shipped: self.shipped.clone(),
            plugins: self.plugins.offered.clone(),
            host: offered(&self.project.dev.off).into(),
            storage: self.storage.clone(),
            stub_missing: self.stub_missing,
        };
        let (host, replaces) = (self.host.clone(), self.running.clone());
        let (messages, console) = (self.messages.clone(), self.console.clone());
        self.superseded = CancellationToken::new();
        let superseded = self.superseded.clone();
        let start = tokio::spawn(async move {
            let outcome = work::start(parts, &*host, replaces, superseded, &console).await;
            let outcome = Box::new(outcome);
            let id = outcome.as_ref().as_ref().ok();
            let id = id.map(|running| running.id.clone());
            let _ = messages.send(Message::Started {
                revision,
                why,
                outcome,
            });
            id
        });
        self.starting = Some(start);
    }

    /// Tells that a version runs.
    pub(super) fn started(&mut self, why: Why, running: Running) {
        let wiring = lines::wiring(&running.entries);
        if self.wiring.as_ref() != Some(&wiring) {
            self.console.tell("wiring", json!({}), &wiring);
            if !running.entries.iter().any(Linked::is_service)
                && let Some(warning) = lines::unpublished(&self.project.dev.service_ports)
            {
                self.console.warn(&warning);
            }
            self.wiring = Some(wiring);
        }
        if !running.entries.iter().any(Linked::answers_requests) {
            self.entrance.show(Page::nothing_answers());
        }
        let builds = why.units.iter().filter_map(|unit| self.built.get(unit));
        let steps = Steps {
            total: self.since.elapsed(),
            build: builds.map(|ready| ready.elapsed).max(),
            link: running.link,
            compile: running.timings.compile,
            cached: running.timings.cached,
            quick: running.timings.quick,
            swap: running.timings.link,
        };
        match self.running.replace(running.id) {
            None => {
                let text = lines::serving(&self.url, &running.entries, &steps);
                let fields = events::serving(&self.url, &steps);
                self.console.tell("serving", fields, &text);
            }
            Some(_) => {
                let text = lines::reloaded(&why, &steps, &self.project);
                let fields = events::reloaded(&why, &steps);
                self.console.tell("reloaded", fields, &text);
            }
        }
    }

    pub(super) fn drain(&mut self) {
        self.stopping = true;
        self.stop.graceful.cancel();
        let requests = self.entrance.in_flight();
        let text = lines::stopping(requests);
        self.console
            .tell("stopping", json!({ "requests": requests }), &text);
        let builds = self.jobs.values().chain(&self.cancelled);
        let builds: Vec<_> = builds.map(|job| job.gone.clone()).collect();
        let (server, host) = (self.server.take(), self.host.clone());
        let (running, messages) = (self.running.take(), self.messages.clone());
        let starting = self.starting.take();
        // Nothing begins any more. It may have just begun, though.
        if let Some(starting) = &starting {
            starting.abort();
        }
        tokio::spawn(async move {
            let started = match starting {
                Some(starting) => starting.await.ok().flatten(),
                None => None,
            };
            if let Some(server) = server {
                // It has nothing to tell, and a panic in it was told already.
                let _ = server.await;
            }
            for running in running.into_iter().chain(started) {
                // It may have stopped by itself.
                let _ = host.stop(&running).await;
            }
            for gone in builds {
                gone.cancelled().await;
            }
            let _ = messages.send(Message::Drained);
        });
    }

    /// Leaves nothing behind, whatever it costs.
    pub(super) async fn abandon(&mut self) {
        self.stop.immediate.cancel();
        let builds = self.jobs.values().chain(&self.cancelled);
        builds.clone().for_each(|job| job.abort.abort());
        for job in builds {
            let _ = timeout(KILLING, job.gone.cancelled()).await;
        }
    }
}
