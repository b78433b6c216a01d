//! What the lines of a session tell, as the names and fields of events for programs. `docs/dev-events.md` describes
//! them.

use std::time::Duration;

use serde_json::{Value, json};
use wash_common::sanitize;

use super::lines::Steps;
use super::state::{News, Stage, Why};

pub(super) fn listening(url: &str) -> Value {
    json!({ "url": url })
}

pub(super) fn serving(url: &str, steps: &Steps) -> Value {
    json!({ "url": url, "steps": duration_of(steps) })
}

pub(super) fn reloaded(why: &Why, steps: &Steps) -> Value {
    json!({
        "components": why.units,
        "files": why.files,
        "config": why.config,
        "total_ms": millis(steps.total),
        "steps": duration_of(steps),
    })
}

/// The name and the fields of a piece of news.
pub(super) fn news(news: &News) -> (&'static str, Value) {
    match news {
        News::Failed {
            failure,
            again,
            serving,
        } => {
            let (stage, component) = match &failure.stage {
                Stage::Config => ("config", None),
                Stage::Build(unit) => ("build", Some(unit)),
                Stage::Start => ("start", None),
            };
            let fields = json!({
                "stage": stage,
                "component": component,
                "cause": sanitize::strip_ansi(&failure.cause.text),
                "again": again,
                "still_serving": serving,
            });
            ("failed", fields)
        }
        News::Unchanged { units } => ("unchanged", json!({ "components": units })),
        News::Waiting { unit, missing } => {
            ("waiting", json!({ "component": unit, "for": missing }))
        }
        News::ConfigApplied { applied, postponed } => {
            let fields = json!({ "applied": applied, "postponed": postponed });
            ("config", fields)
        }
        News::Delayed { unit, paths } => ("delayed", json!({ "component": unit, "files": paths })),
        News::BuiltAgain { unit, paths } => {
            ("built_again", json!({ "component": unit, "files": paths }))
        }
        News::RewrittenByBuild { unit, paths } => {
            let fields = json!({ "component": unit, "file": paths.first(), "files": paths });
            ("rewritten", fields)
        }
    }
}

fn duration_of(steps: &Steps) -> Value {
    json!({
        "build_ms": steps.build.map(millis),
        "link_ms": millis(steps.link),
        "compile_ms": millis(steps.compile),
        "cached": steps.cached,
        "quick": steps.quick,
        "swap_ms": millis(steps.swap),
    })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
