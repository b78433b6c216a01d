//! A host with one workload behind a server, and a client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use wash_component::host_interface::Scope;
use wash_runtime::capability;
use wash_runtime::events::{Recorder, RequestId};
use wash_runtime::host::{Host, StartRequest, StartTimings, Started, WorkloadStatus};
use wash_runtime::http::{Handler, RequestBody};
use wash_runtime::local::{HostOptions, LocalHost, Routes};
use wash_runtime::workload::{Grant, Member, MemberSettings, StartError, Workload, WorkloadId};
use wasmparser::{Parser, Payload};

use crate::guest;

/// The probe of WASI 0.2 or 0.3: a guest that does what the path of a request says.
pub(crate) fn probe(name: &str) -> Arc<[u8]> {
    static BUILT: OnceLock<Mutex<std::collections::BTreeMap<String, Arc<[u8]>>>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap();
    Arc::clone(built.entry(name.to_owned()).or_insert_with(|| build(name)))
}

fn build(name: &str) -> Arc<[u8]> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let status = guest::cargo()
        .args(["build", "--release", "--locked", "--target", guest::TARGET])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&project)
        .status()
        .unwrap();
    assert!(status.success(), "building {} failed", project.display());
    let file = format!("{}.wasm", name.replace('-', "_"));
    std::fs::read(target.join(guest::TARGET).join("release").join(file))
        .unwrap()
        .into()
}

/// The routes of a test: one handler, which can be swapped.
#[derive(Default)]
pub(crate) struct Switch(Mutex<Option<(WorkloadId, Arc<dyn Handler>)>>);

impl Routes for Switch {
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>) {
        *self.0.lock().unwrap() = Some((id.clone(), handler));
    }

    fn clear(&self, id: &WorkloadId) {
        let mut current = self.0.lock().unwrap();
        if current.as_ref().is_some_and(|(current, _)| current == id) {
            *current = None;
        }
    }
}

impl Switch {
    pub(crate) fn handler(&self) -> Option<Arc<dyn Handler>> {
        self.0
            .lock()
            .unwrap()
            .as_ref()
            .map(|(_, handler)| Arc::clone(handler))
    }
}

pub(crate) struct Stage {
    pub(crate) host: LocalHost,
    pub(crate) output: Recorder,
    pub(crate) id: WorkloadId,
    pub(crate) timings: StartTimings,
    pub(crate) address: SocketAddr,
    pub(crate) routes: Arc<Switch>,
}

/// A workload of one component, which is given what it imports.
pub(crate) fn alone(component: Arc<[u8]>, settings: MemberSettings) -> Workload {
    let grants = imports(&component)
        .into_iter()
        .filter(|import| grants_something(import));
    let grants = grants
        .map(|import| Grant {
            interface: import.clone(),
            import,
            member: 0,
        })
        .collect();
    let members = vec![Member {
        name: "api".into(),
        settings,
    }];
    Workload::http("test", component, members, grants)
}

pub(crate) fn imports(component: &[u8]) -> Vec<String> {
    let mut imports = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(
                    section
                        .into_iter()
                        .map(|import| import.unwrap().name.name.to_owned()),
                );
            }
            _ => {}
        }
    }
    imports
}

pub(crate) fn grants_something(import: &str) -> bool {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    capability::host_interfaces().iter().any(|served| {
        let minor = served
            .version
            .as_ref()
            .map(|version| format!("{}.{}.", version.major, version.minor));
        served.scope == Scope::PerMember
            && served.interface == name
            && minor.is_none_or(|minor| version.starts_with(&minor))
    })
}

impl Stage {
    pub(crate) async fn new(workload: Workload) -> Self {
        Self::try_new(workload).await.unwrap()
    }

    pub(crate) async fn try_new(workload: Workload) -> Result<Self, StartError> {
        Self::with_cache(workload, cache_dir()).await
    }

    pub(crate) async fn with_cache(
        workload: Workload,
        cache_dir: PathBuf,
    ) -> Result<Self, StartError> {
        let routes = Arc::new(Switch::default());
        let (events, output) = Recorder::new();
        let options = HostOptions {
            cache_dir: Some(cache_dir),
            events,
            routes: routes.clone(),
        };
        let host = LocalHost::new(options);
        let Started { id, timings } = host
            .start(StartRequest {
                workload,
                replaces: None,
            })
            .await?;
        let address = listen(Arc::clone(&routes)).await;
        Ok(Self {
            host,
            output,
            id,
            timings,
            address,
            routes,
        })
    }

    /// The probe, with default settings.
    pub(crate) async fn probe(name: &str) -> Self {
        Self::new(alone(probe(name), MemberSettings::default())).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.send(request("GET", path, Bytes::new())).await
    }

    pub(crate) async fn send(&self, request: http::Request<Full<Bytes>>) -> (u16, String) {
        let what = format!("the answer to {} ends", request.uri());
        let response = self.open(request).await;
        let status = response.status().as_u16();
        let body = within(&what, response.into_body().collect()).await;
        let body = body.unwrap().to_bytes();
        (status, String::from_utf8(body.into()).unwrap())
    }

    /// Sends a request on a connection of its own, over HTTP/1.1, and waits for the head of the response.
    pub(crate) async fn open<B>(&self, request: http::Request<B>) -> http::Response<Incoming>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let what = format!("{} is answered", request.uri());
        within(&what, async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let request = request.map(|body| boxed(body));
            sender.send_request(request).await.unwrap()
        })
        .await
    }

    pub(crate) async fn status(&self) -> WorkloadStatus {
        self.host.status(&self.id).await.unwrap()
    }

    /// Waits until no request is in flight.
    pub(crate) async fn idle(&self) {
        let ended = self.until(|status| status.in_flight == 0);
        within("all requests end", ended).await;
    }

    /// Waits until a request is in flight.
    pub(crate) async fn busy(&self) {
        let began = self.until(|status| status.in_flight > 0);
        within("a request begins", began).await;
    }

    async fn until(&self, wanted: impl Fn(&WorkloadStatus) -> bool) {
        while !wanted(&self.status().await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn request(
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
) -> http::Request<Full<Bytes>> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "test.example");
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// Fails a test that would hang.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(value) => value,
        Err(_) => panic!("waited a minute, and it is not so that {what}"),
    }
}

/// Compiled code is shared by all tests of a run, and by the next run.
pub(crate) fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

async fn listen(routes: Arc<Switch>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut next = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let routes = Arc::clone(&routes);
            let first = next * 1000;
            next += 1;
            tokio::spawn(async move {
                let count = std::sync::atomic::AtomicU64::new(first);
                let service = service_fn(|request: http::Request<Incoming>| {
                    let request = request.map(RequestBody::from);
                    let id = RequestId(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                    let handler = routes.handler().expect("a workload is running");
                    async move { Ok::<_, std::convert::Infallible>(handler.handle(request, id).await) }
                });
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}
