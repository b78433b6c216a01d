//! Versions come and go under load.

use futures::{SinkExt, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_versions_are_swapped() {
    let version = |number: usize| {
        Answer(move |_| async move {
            let parts = futures::stream::iter(0..3).then(move |_| async move {
                tokio::task::yield_now().await;
                Ok(Frame::data(Bytes::from(format!("{number} "))))
            });
            Response::new(StreamBody::new(parts).boxed_unsync())
        })
    };
    let site = Site::serving(version(0)).await;
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let (mut client, done) = (site.connect().await, done.clone());
        clients.push(tokio::spawn(async move {
            let mut answered = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let (status, body) = client.get("/").await.expect("every request is answered");
                let versions: Vec<_> = body.split_whitespace().collect();
                assert_eq!((status, versions.len()), (StatusCode::OK, 3));
                assert!(
                    versions.iter().all(|version| *version == versions[0]),
                    "one version only: {body}"
                );
                answered += 1;
            }
            answered
        }));
    }
    let mut replaced = Vec::new();
    for number in 1..=200 {
        let handler = Arc::new(version(number));
        replaced.push(Arc::downgrade(&handler));
        site.front.serve(handler);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for client in clients {
        assert!(client.await.expect("no failure") > 0);
    }
    let last = replaced.pop().expect("200 versions");
    assert!(last.upgrade().is_some(), "the last version serves");
    assert!(
        replaced.iter().all(|handler| handler.upgrade().is_none()),
        "no replaced version is left"
    );
}

#[tokio::test]
async fn a_request_ends_on_the_version_it_began_with() {
    let (responses, handler) = prepared();
    let handler = Arc::new(handler);
    let old = Arc::downgrade(&handler);
    let site = Site::new().await;
    site.front.serve(handler);
    let (mut feed, response) = fed();
    responses.send(response).expect("the handler waits");
    let mut client = site.connect().await;
    let response = client
        .send(request(Method::GET, "/"))
        .await
        .expect("a head");
    site.front
        .serve(Arc::new(Answer(|_| async { full("new") })));
    assert!(old.upgrade().is_some(), "the old version is in use");
    assert_eq!(site.front.in_flight(), 1);
    assert_eq!(
        site.connect().await.get("/").await.expect("an answer").1,
        "new"
    );
    feed.send(data("old")).await.expect("the body is read");
    drop(feed);
    assert_eq!(
        response.collect().await.expect("the whole body").to_bytes(),
        "old"
    );
    site.logged("#1 GET / 200").await;
    assert!(old.upgrade().is_none(), "the old version is done");
    assert_eq!(site.front.in_flight(), 0);
}

#[tokio::test]
async fn pages_stand_in_until_a_version_runs() {
    let site = Site::new().await;
    let mut client = site.connect().await;
    let (status, text) = client.get("/").await.expect("an answer");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.starts_with("starting"), "{text}");

    site.front.unavailable(Page::unavailable(
        "the build of `app` failed",
        "\x1b[1merror\x1b[0m: <T>",
    ));
    let mut html = request(Method::GET, "/");
    html.headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
    let response = client.send(html).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        response.headers().get(CONTENT_TYPE),
        Some(&HeaderValue::from_static("text/html; charset=utf-8"))
    );
    assert_eq!(
        response.headers().get(RETRY_AFTER),
        Some(&HeaderValue::from_static("1"))
    );
    let page = response.collect().await.expect("the whole page").to_bytes();
    assert!(
        String::from_utf8_lossy(&page).contains("<pre>error: &lt;T&gt;</pre>"),
        "{page:?}"
    );

    site.front.serve(Arc::new(Answer(|_| async { full("up") })));
    assert_eq!(
        client.get("/").await.expect("an answer"),
        (StatusCode::OK, "up".to_owned())
    );
}

#[tokio::test]
async fn a_page_in_a_browser_waits_for_the_next_one() {
    let site = Site::new().await;
    let broken = Page::unavailable("the build of `app` failed", "error");
    let wait = |page: &Page| {
        let (address, mut request) = (site.address, request(Method::GET, "/"));
        request.headers_mut().insert(
            "x-wash-wait",
            page.edition().parse().expect("a header value"),
        );
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            client.send(request).await.expect("an answer").status()
        })
    };
    let ended = async |waiting: JoinHandle<StatusCode>| {
        timeout(TIMEOUT, waiting)
            .await
            .expect("in time")
            .expect("no panic")
    };

    let first = wait(&Page::starting());
    let (status, _) = site.connect().await.get("/").await.expect("an answer");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!first.is_finished(), "nothing has changed");
    site.front.unavailable(broken.clone());
    assert_eq!(ended(first).await, StatusCode::NO_CONTENT);
    assert_eq!(
        ended(wait(&Page::starting())).await,
        StatusCode::NO_CONTENT,
        "out of date already"
    );

    let second = wait(&broken);
    site.front.serve(Arc::new(Answer(|_| async { full("up") })));
    assert_eq!(ended(second).await, StatusCode::NO_CONTENT);

    // A header of the project's own is the project's.
    let mut foreign = request(Method::GET, "/");
    let value = "anything".parse().expect("a header value");
    foreign.headers_mut().insert("x-wash-wait", value);
    let mut client = site.connect().await;
    let answer = client.send(foreign).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let body = BodyExt::collect(answer.into_body()).await;
    body.expect("a whole answer");

    site.front.unavailable(broken.clone());
    let last = wait(&broken);
    site.until(|front| front.pages_waiting() > 0).await;
    site.stop.graceful.cancel();
    assert_eq!(
        ended(last).await,
        StatusCode::SERVICE_UNAVAILABLE,
        "there is nothing better to show"
    );
    assert_eq!(
        site.events.stderr().lines().count(),
        2,
        "those that wait are no requests to the project"
    );
}
