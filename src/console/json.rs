//! The same for programs: an object a line, with `time`, `event` and the fields that `docs/dev-events.md` describes.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use wash_common::sanitize;
use wash_runtime::events::{Access, GuestStream, Level, RequestId};

/// One line, of the fields of both objects.
pub(super) fn record(event: &str, first: Value, rest: Value) -> String {
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut record = json!({ "time": time, "event": event });
    for fields in [first, rest] {
        if let (Value::Object(record), Value::Object(fields)) = (&mut record, fields) {
            record.extend(fields);
        }
    }
    format!("{}\n", sanitize::json(&record.to_string()))
}

pub(super) fn guest(
    stream: GuestStream,
    member: &str,
    request: Option<RequestId>,
    line: &str,
) -> Value {
    let stream = match stream {
        GuestStream::Stdout => "stdout",
        GuestStream::Stderr => "stderr",
    };
    json!({ "component": member, "request": number(request), "stream": stream, "text": line })
}

pub(super) fn log(
    level: Level,
    member: &str,
    request: Option<RequestId>,
    context: &str,
    message: &str,
) -> Value {
    json!({
        "component": member,
        "request": number(request),
        "level": level.name(),
        "context": context,
        "text": message,
    })
}

pub(super) fn access(access: &Access<'_>) -> Value {
    json!({
        "request": access.id.0,
        "method": access.method,
        "path": access.path,
        "status": access.status,
        "duration_ms": access.duration.as_secs_f64() * 1e3,
        "cut_off": access.cut_off,
    })
}

fn number(request: Option<RequestId>) -> Option<u64> {
    request.map(|request| request.0)
}
