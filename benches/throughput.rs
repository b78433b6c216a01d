//! Requests per second of a "hello, world", over 16 keep-alive connections.
//!
//! - `hyper`: a hyper server with a native handler and nothing else, the baseline.
//! - `front`: the same handler behind the HTTP server of `wash`, with its access log.
//! - `wash dev`: a component, with a fresh instance for each request.
//!
//! The servers are processes of their own and share the machine with the load generator, so the ratios say more than
//! the numbers. With `-- --quick`, a second each.

mod hello;
mod process;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use process::{Server, wash_dev};
use wash::console::Console;
use wash_runtime::events::RequestId;
use wash_runtime::http;
use wash_runtime::http::{Body, Handler, HttpService, Stop};

const CONNECTIONS: usize = 16;
const HELLO: &str = "hello world";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag| arguments.iter().any(|argument| argument == flag);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match &arguments[..] {
        [server, address] if server == "--hyper" => runtime.block_on(hyper_alone(address)),
        [server, address] if server == "--front" => runtime.block_on(front(address)),
        _ if given("--bench") => {
            let seconds = if given("--quick") { 1 } else { 5 };
            compare(&runtime, Duration::from_secs(seconds));
        }
        // `cargo test --benches` runs it as well, without a flag, to see that it starts.
        _ => {}
    }
}

fn compare(runtime: &tokio::runtime::Runtime, duration: Duration) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("app.wasm");
    std::fs::write(&file, hello::component(HELLO, 0)).expect("the directory takes a file");
    let this = |server| {
        let mut command = Command::new(std::env::current_exe().expect("this bench has a file"));
        command.arg(server);
        command
    };
    let mut baseline = None;
    println!(
        "{:<12}{:>14}{:>18}",
        "server", "requests/s", "of hyper alone"
    );
    for (name, program) in [
        ("hyper", this("--hyper")),
        ("front", this("--front")),
        ("wash dev", wash_dev(&file)),
    ] {
        let mut server = Server::start(program);
        server.wait_for(HELLO);
        let rate = runtime.block_on(load(server.address, duration));
        let baseline = *baseline.get_or_insert(rate);
        println!("{name:<12}{rate:>14.0}{:>16.0} %", 100.0 * rate / baseline);
    }
}

/// Asks as fast as it is answered; returns requests per second.
async fn load(address: SocketAddr, duration: Duration) -> f64 {
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(async move {
            let stream = TcpStream::connect(address)
                .await
                .expect("the server accepts");
            stream.set_nodelay(true).expect("a connected socket");
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
                .await
                .expect("HTTP/1.1");
            tokio::spawn(connection);
            let mut answered = 0_u64;
            while started.elapsed() < duration {
                let request = hyper::Request::get("/").header("host", "localhost");
                let request = request
                    .body(Empty::<Bytes>::new())
                    .expect("a valid request");
                let response = sender.send_request(request).await.expect("an answer");
                assert_eq!(response.status(), 200);
                assert_eq!(
                    response.collect().await.expect("the whole body").to_bytes(),
                    HELLO
                );
                answered += 1;
            }
            answered
        });
    }
    let answered: u64 = clients.join_all().await.into_iter().sum();
    answered as f64 / started.elapsed().as_secs_f64()
}

async fn hyper_alone(address: &str) {
    let listener = TcpListener::bind(address).await.expect("a free address");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a connected socket");
        tokio::spawn(async move {
            let service = service_fn(|_| async {
                Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(HELLO))))
            });
            // Clients come and go.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn front(address: &str) {
    struct Hello;

    #[async_trait::async_trait]
    impl Handler for Hello {
        async fn handle(&self, _: http::Request, _: RequestId) -> hyper::Response<Body> {
            hyper::Response::new(
                Full::from(HELLO)
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            )
        }
    }

    let console = Console::stdio();
    let front = HttpService::new(console.events());
    front.serve(Arc::new(Hello));
    let listener = TcpListener::bind(address).await.expect("a free address");
    http::Server::new(front, console.events(), Stop::default())
        .run(listener)
        .await;
}
