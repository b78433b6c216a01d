//! What goes wrong in a guest ends its own request, says why, and harms no other.

use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::client::{get, text};
use crate::exchange::{Exchange, Version};
use crate::probe::{PROBES, project};
use crate::wash::{Dev, TIMEOUT};

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_500_and_a_backtrace() {
    for probe in PROBES {
        let projects = project(probe, "");
        let (mut wash, url) = Dev::on(&projects).serving().await;
        let mut other = Exchange::open(&url, Version::Http1, Request::post("/echo")).await;
        other.write("before");
        assert_eq!(other.read().await, "before");

        let (status, page) = get(&url, "/panic").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.starts_with("request #2 failed: "), "{page}");
        assert_eq!(page.lines().count(), 1, "the first line only: {page}");

        let message = wash.line("panicked at").await;
        let start = format!("{probe} #2 | ");
        assert!(message.starts_with(&start), "{message}");
        wash.line("told to").await;
        assert_eq!(
            wash.line("failed").await,
            page.trim_end(),
            "on the terminal as well"
        );
        // The innermost call of the guest, in Rust's words, and where it is.
        let call = wash.line(&format!("[{probe}]")).await;
        assert!(
            call.contains("handle") || call.contains("async_fn"),
            "{call}"
        );
        let place = wash.line(" at ").await;
        assert!(place.contains("src/lib.rs:"), "{place}");
        wash.line("#2 GET /panic 500").await;
        let console = wash.console();
        assert!(
            !console.contains("_ZN") && !console.contains("_R"),
            "{console}"
        );

        other.write("after");
        assert_eq!(other.read().await, "after");
        assert!(other.finish(HeaderMap::new()).await.0.is_empty());
        assert_eq!(text(&url, "/hello").await, "hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_goes_too_far_is_stopped() {
    for probe in PROBES {
        let limits = "dev: { limits: { cpu_time: 300ms, memory: 48MiB } }\n";
        let projects = project(probe, limits);
        let (mut wash, url) = Dev::on(&projects).serving().await;
        let spinning = tokio::spawn({
            let url = url.clone();
            async move { get(&url, "/spin").await }
        });
        assert_eq!(text(&url, "/hello").await, "hello");
        let (status, page) = spinning.await.unwrap();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            page.contains("300 ms") && page.contains("dev.limits.cpu_time"),
            "{page}"
        );
        wash.line("dev.limits.cpu_time").await;

        let (status, page) = get(&url, "/grow").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.contains("dev.limits.memory"), "{page}");
        wash.line("dev.limits.memory").await;

        // Too late for a 500: what the client has is marked as incomplete.
        let request = Request::get("/spin-after-head");
        let mut late = Exchange::open(&url, Version::Http1, request).await;
        assert_eq!(late.read().await, "first");
        let rest = timeout(TIMEOUT, late.response.into_body().collect()).await;
        assert!(rest.expect("it is stopped").is_err(), "{probe}");
        let line = wash.line("GET /spin-after-head 200").await;
        assert!(line.contains("cut off"), "{line}");
        assert_eq!(text(&url, "/hello").await, "hello");
    }
}
