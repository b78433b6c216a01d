//! What hosts and servers tell, as lines of the session.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use wash_common::sanitize;
use wash_runtime::events::{Call, Event, Failed, GuestOutputSink, Observer, ServiceEvent, restart};

use super::Console;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

impl Observer for Console {
    fn observe(&self, event: Event<'_>) {
        match event {
            Event::Output {
                stream,
                member,
                request,
                line,
            } => self.guest(stream, member, request, line),
            Event::Log {
                level,
                member,
                request,
                context,
                message,
            } => self.guest_log(level, member, request, context, message),
            Event::Request(access) => self.access(&access),
            Event::Failed(failed) => self.failed(&failed),
            Event::Service { name, state } => self.service(name, &state),
            Event::Optimized { name, took } => {
                let took = took.as_secs_f64();
                let fields = json!({ "component": name, "elapsed_ms": took * 1e3 });
                let text = format!("{GOOD}optimized{GOOD:#} {name} in {took:.1}s");
                self.tell("optimized", fields, &text);
            }
            Event::Member {
                member,
                request: Some(request),
                text,
            } => self.info(&format!("{member} {request}: {text}")),
            Event::Member { member, text, .. } => self.info(&format!("{member}: {text}")),
            Event::Host(text) => self.info(text),
            Event::Warning(text) => self.warn(text),
            other => self.info(&other.to_string()),
        }
    }

    fn guest_output(&self) -> Option<&dyn GuestOutputSink> {
        self.bare.is_some().then_some(self as _)
    }
}

impl Console {
    fn failed(&self, failed: &Failed<'_>) {
        let Failed {
            call,
            component,
            summary,
            report,
        } = failed;
        let (request, subject) = match call {
            Call::Request(id) => (Some(id.0), None),
            Call::Message { subject, .. } => (None, Some(subject)),
        };
        let fields = json!({
            "request": request,
            "subject": subject,
            "component": component,
            "summary": summary,
            "report": sanitize::strip_ansi(report),
        });
        let text = format!("{ERROR}{call} failed{ERROR:#}: {report}");
        self.tell("error", fields, &text);
    }

    fn service(&self, name: &str, state: &ServiceEvent<'_>) {
        let (state, summary, report, again_in_ms, text) = match state {
            ServiceEvent::Ended => {
                let text = format!("service `{name}` ended");
                ("ended", Value::Null, Value::Null, Value::Null, text)
            }
            ServiceEvent::Failed {
                summary,
                report,
                starts_again_in,
            } => {
                let again_in_ms = json!(starts_again_in.map(|wait| wait.as_secs_f64() * 1e3));
                let then = restart(*starts_again_in);
                let text = format!("service `{name}` failed: {report}\n{then}");
                let report = json!(sanitize::strip_ansi(report));
                ("failed", json!(summary), report, again_in_ms, text)
            }
        };
        let fields = json!({
            "component": name,
            "state": state,
            "summary": summary,
            "report": report,
            "again_in_ms": again_in_ms,
        });
        self.tell("service", fields, &text);
    }
}
