//! One method for each action.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::work::{self, Running};
use super::{Job, Message, Session};
use crate::capability::offered;
use crate::dev::assemble::{Linked, Parts};
use crate::dev::events;
use crate::dev::lines::{self, Steps};
use crate::dev::scope::Scope;
use crate::dev::state::{Cause, ConfigChange, Generation, Revision, UnitName, Why};
use crate::dev::{certificate, change};
use crate::http::Page;
use crate::project::ProjectError;

/// How long an immediate end waits for what builds have started to be killed.
const KILLING: Duration = Duration::from_secs(2);

impl Session {
    pub(super) async fn load_config(&mut self) -> Result<ConfigChange, Cause> {
        let (store, storage) = (self.store.as_ref(), &self.storage);
        let read = || {
            let project = (self.load)()?;
            let plugins = work::plugins(store, &project, storage);
            Ok((project, plugins))
        };
        let (project, plugins) =
            tokio::task::block_in_place(read).map_err(|error: ProjectError| work::cause(&error))?;
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
            Ok(true) => self.console.talk("new connections get the new certificate"),
            Err(error) => {
                let message = format!(
                    "the certificate stays as it was: {}",
                    work::cause(&error).text
                );
                self.console.warn(&lines::trouble(&message, None));
            }
        }
    }

    /// Watches what belongs to the project now.
    pub(super) async fn rescope(&mut self) {
        let scope = Scope::of(&self.project, self.store.as_ref());
        if scope != self.scope {
            self.watcher.retarget(scope.targets()).await;
            self.scope = scope;
        }
    }

    pub(super) fn start_build(&mut self, unit: UnitName, generation: Generation) {
        let project = work::units(&self.project)
            .remove(&unit)
            .expect("the machine knows the units of the project");
        let before = self.jobs.remove(&unit);
        let wait = before.as_ref().map(|job| job.gone.clone());
        self.cancelled.retain(|job| !job.gone.is_cancelled());
        self.cancelled.extend(before);

        let (cancel, gone) = (CancellationToken::new(), CancellationToken::new());
        let builds = Arc::clone(&self.builds);
        let output = work::output(&self.console, &unit, &builds);
        let (color, messages) = (self.color, self.messages.clone());
        let name = unit.clone();
        let task = tokio::spawn({
            let (cancel, gone) = (cancel.clone(), gone.clone().drop_guard());
            async move {
                let _gone = gone;
                if let Some(wait) = wait {
                    wait.cancelled().await;
                }
                builds.fetch_add(1, Ordering::Relaxed);
                let outcome = work::build(&project, output, color, cancel).await;
                builds.fetch_sub(1, Ordering::Relaxed);
                let ended = Instant::now();
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
        let messages = self.messages.clone();
        self.superseded = CancellationToken::new();
        let superseded = self.superseded.clone();
        tokio::spawn(async move {
            let outcome = Box::new(work::start(parts, &*host, replaces, superseded).await);
            let _ = messages.send(Message::Started {
                revision,
                why,
                outcome,
            });
        });
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
        self.stop.graceful.cancel();
        let requests = self.entrance.in_flight();
        let text = lines::stopping(requests);
        self.console
            .tell("stopping", json!({ "requests": requests }), &text);
        let builds = self.jobs.values().chain(&self.cancelled);
        let builds: Vec<_> = builds.map(|job| job.gone.clone()).collect();
        let (server, host) = (self.server.take(), self.host.clone());
        let (running, messages) = (self.running.take(), self.messages.clone());
        tokio::spawn(async move {
            if let Some(server) = server {
                // It has nothing to tell, and a panic in it was told already.
                let _ = server.await;
            }
            if let Some(running) = running {
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
