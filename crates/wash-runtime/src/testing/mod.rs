//! The workloads of the checks: small components that do one thing each.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::capability::wasi::{Access, Directories, Directory, Volume};
use crate::workload::{
    Drive, Entry, Grant, Limits, Member, MemberSettings, Restart, Route, Workload,
};

fn entry(name: &str, text: &str, drive: Drive) -> Entry {
    let text = text.trim();
    // What the guests are given: their own output.
    let stdout = "wasi:cli/stdout@0.2.0".to_owned();
    let grants = text.contains(&stdout).then(|| Grant {
        import: stdout.clone(),
        interface: stdout,
        member: 0,
    });
    Entry {
        name: name.to_owned(),
        component: wat::parse_str(text).unwrap().into(),
        members: vec![Member {
            name: name.to_owned(),
            settings: MemberSettings::default(),
        }],
        grants: grants.into_iter().collect(),
        drive,
        limits: Limits::default(),
    }
}

pub(crate) fn workload(entries: impl IntoIterator<Item = Entry>) -> Workload {
    Workload {
        name: "test".to_owned(),
        entries: entries.into_iter().collect(),
    }
}

/// Answers requests with a status, and takes its time.
pub(crate) fn answers(status: u16, delay: Duration) -> Entry {
    let text = include_str!("http.wat")
        .replace("STATUS", &status.to_string())
        .replace("DELAY", &delay.as_nanos().to_string());
    let routes = vec![Route::default()];
    entry("http", &text, Drive::Http { routes })
}

/// Takes messages and does `then`, after a while.
pub(crate) fn takes(then: &str, delay: Duration) -> Entry {
    let text = include_str!("message.wat")
        .replace("THEN", then)
        .replace("DELAY", &delay.as_nanos().to_string());
    let subscriptions = Vec::new();
    entry("messages", &text, Drive::Messages { subscriptions })
}

pub(crate) const ACCEPT: &str = "(i32.const 0)";
pub(crate) const REFUSE: &str = "(i32.const 16)";

fn service(name: &str, then: &str, restart: Restart) -> Entry {
    let text = include_str!("service.wat").replace("THEN", then);
    entry(name, &text, Drive::Service { restart })
}

/// A service that says "beat" for as long as it runs.
pub(crate) fn beats(name: &str) -> Entry {
    let then = "(loop $again (call $rest) (call $say) (br $again)) (unreachable)";
    service(name, then, Restart::default())
}

/// A service that says "beat" once and ends with success.
pub(crate) fn ends(name: &str) -> Entry {
    service(name, "(i32.const 0)", Restart::default())
}

/// A service that says "beat" once and traps.
pub(crate) fn crashes(name: &str, restart: Restart) -> Entry {
    service(name, "(unreachable)", restart)
}

/// A service that says "beat" once and ends with a failure.
pub(crate) fn fails(name: &str) -> Entry {
    service(name, "(i32.const 1)", Restart::Never)
}

pub(crate) fn restart(first: Duration, tries: u32) -> Restart {
    Restart::OnFailure {
        first,
        most: first * 1000,
        tries: NonZeroU32::new(tries),
    }
}

/// Gives the members of an entry volumes that go with the workload.
pub(crate) fn with_volumes(mut entry: Entry, names: &[&str]) -> Entry {
    let directories = names.iter().map(|name| Directory {
        volume: Volume::Empty {
            name: (*name).to_owned(),
        },
        guest: format!("/{name}"),
        access: Access::ReadWrite,
    });
    *entry.members[0].settings.get_mut() = Directories(directories.collect());
    entry
}

/// A workload that names a member it does not have.
pub(crate) fn invalid() -> Workload {
    let mut entry = answers(500, Duration::ZERO);
    entry.grants.push(Grant {
        import: "x".into(),
        interface: "wasi:cli/environment@0.2.0".into(),
        member: 9,
    });
    workload([entry])
}

/// A workload that is not a component.
pub(crate) fn broken() -> Workload {
    let mut entry = answers(500, Duration::ZERO);
    entry.component = b"nothing".as_slice().into();
    workload([entry])
}
