//! Workloads come and go, a thousand times, and leave nothing behind: no file descriptors, no tasks, no memory.
//!
//! The one test of this process, so that what it measures is its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Volume};
use wash_runtime::events::{Recorder, RequestId};
use wash_runtime::host::{Host, StartRequest};
use wash_runtime::http::{Handler, RequestBody};
use wash_runtime::local::{HostOptions, LocalHost, Routes};
use wash_runtime::workload::{
    Drive, Entry, Grant, Limits, Member, MemberSettings, Restart, Route, Workload, WorkloadId,
};

const CYCLES: usize = 1000;
/// The pool of instances and the allocator have grown to their size by then.
const WARM_UP: usize = 200;
/// What memory may grow by after that. One compiled component left behind in each cycle would be many times as much.
const TOLERANCE: u64 = 16 << 20;

#[derive(Default)]
struct Slot(Mutex<Option<(WorkloadId, Arc<dyn Handler>)>>);

impl Routes for Slot {
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>) {
        *self.0.lock().unwrap() = Some((id.clone(), handler));
    }

    fn clear(&self, id: &WorkloadId) {
        self.0.lock().unwrap().take_if(|(current, _)| current == id);
    }
}

impl Slot {
    async fn get(&self) -> u16 {
        let handler = Arc::clone(&self.0.lock().unwrap().as_ref().unwrap().1);
        let (here, there) = tokio::io::duplex(4096);
        let service = service_fn(move |request: http::Request<Incoming>| {
            let handler = Arc::clone(&handler);
            let request = request.map(RequestBody::from);
            async move { Ok::<_, Infallible>(handler.handle(request, RequestId(1)).await) }
        });
        let server = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(there), service);
        tokio::spawn(server);
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(here))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("/")
            .header("host", "test")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        status
    }
}

fn entry(name: &str, text: &str, drive: Drive) -> Entry {
    let stdout = "wasi:cli/stdout@0.2.0".to_owned();
    let grants = text.contains(&stdout).then(|| Grant {
        import: stdout.clone(),
        interface: stdout,
        member: 0,
    });
    let volume = Directory {
        volume: Volume::Empty {
            name: "scratch".into(),
        },
        guest: "/scratch".into(),
        access: Access::ReadWrite,
    };
    Entry {
        name: name.to_owned(),
        component: wat::parse_str(text).unwrap().into(),
        members: vec![Member {
            name: name.to_owned(),
            settings: MemberSettings::default().with(Directories(vec![volume])),
        }],
        grants: grants.into_iter().collect(),
        drive,
        limits: Limits::default(),
    }
}

/// A workload with every way in.
fn workload() -> Workload {
    let http = include_str!("../crates/wash-runtime/src/testing/http.wat")
        .replace("STATUS", "204")
        .replace("DELAY", "0");
    let message = include_str!("../crates/wash-runtime/src/testing/message.wat")
        .replace("THEN", "(i32.const 0)")
        .replace("DELAY", "0");
    let rests = "(loop $again (call $rest) (br $again)) (unreachable)";
    let service =
        include_str!("../crates/wash-runtime/src/testing/service.wat").replace("THEN", rests);
    let routes = vec![Route::default()];
    let subscriptions = vec!["a.>".to_owned()];
    let restart = Restart::default();
    Workload {
        name: "cycles".into(),
        entries: vec![
            entry("http", &http, Drive::Http { routes }),
            entry("message", &message, Drive::Messages { subscriptions }),
            entry("service", &service, Drive::Service { restart }),
        ],
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    descriptors: usize,
    tasks: usize,
}

impl Held {
    fn now() -> Self {
        Self {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            tasks: Handle::current().metrics().num_alive_tasks(),
        }
    }
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_workloads_leave_nothing_behind() {
    let (events, output) = Recorder::new();
    let routes = Arc::new(Slot::default());
    let host = LocalHost::new(HostOptions {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        events,
        routes: routes.clone(),
    });
    let workload = workload();
    let mut before = None;
    for cycle in 0..CYCLES {
        if cycle == WARM_UP {
            before = Some((settled().await, resident()));
        }
        let start = async |replaces| {
            let workload = workload.clone();
            let request = StartRequest { workload, replaces };
            host.start(request).await.unwrap().id
        };
        let mut id = start(None).await;
        assert_eq!(routes.get().await, 204);
        if cycle % 2 == 0 {
            id = start(Some(id)).await;
        }
        host.stop(&id).await.unwrap();
    }
    let (held, memory) = before.unwrap();
    assert_eq!(settled().await, held);
    let grown = resident().saturating_sub(memory);
    assert!(grown < TOLERANCE, "{grown} bytes of memory are left");
    let heartbeat = host.heartbeat().await;
    assert_eq!((heartbeat.workloads, heartbeat.services), (0, 0));
    // Not all: some are stopped before they say anything.
    let beats = output.text().matches("service | beat").count();
    assert!(beats > CYCLES / 2, "the services ran {beats} times");
}

/// What is held once what has ended is gone: a connection's task ends a moment after its response.
async fn settled() -> Held {
    let mut last = Held::now();
    let mut same = 0;
    while same < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = Held::now();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}
