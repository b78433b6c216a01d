//! Rows as JSON, for programs. Pure.

use serde_json::{Map, Value, json};

use crate::measure::Measured;
use crate::rows::{By, changes, rows};

/// `{"file", "bytes", "by": {"section": [{"name", "bytes", "parts"}]}}`
pub fn show(name: &str, measured: &Measured, by: &[By], top: Option<usize>) -> String {
    let lists = by.iter().map(|by| {
        let rows = rows(measured, *by).into_iter();
        let rows = rows.take(top.unwrap_or(usize::MAX));
        let rows =
            rows.map(|row| json!({"name": row.name, "bytes": row.bytes, "parts": row.count}));
        (by.name().to_owned(), rows.collect())
    });
    let lists: Map<String, Value> = lists.collect();
    json!({"file": name, "bytes": measured.bytes, "by": lists}).to_string()
}

/// `{"old": {"file", "bytes"}, "new": .., "by": {"section": [{"name", "old", "new"}]}}`
pub fn show_changes(
    names: (&str, &str),
    old: &Measured,
    new: &Measured,
    by: &[By],
    top: Option<usize>,
) -> String {
    let lists = by.iter().map(|by| {
        let changes = changes(old, new, *by).into_iter();
        let changes = changes.take(top.unwrap_or(usize::MAX));
        let changes = changes.map(|row| json!({"name": row.name, "old": row.old, "new": row.new}));
        (by.name().to_owned(), changes.collect())
    });
    let lists: Map<String, Value> = lists.collect();
    let file = |name: &str, file: &Measured| json!({"file": name, "bytes": file.bytes});
    json!({"old": file(names.0, old), "new": file(names.1, new), "by": lists}).to_string()
}
