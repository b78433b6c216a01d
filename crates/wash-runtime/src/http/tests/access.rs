//! The access log says how each request ended.

use futures::SinkExt;
use http::header::CONTENT_LENGTH;

use super::*;

#[tokio::test]
async fn a_client_that_leaves_ends_its_request() {
    struct Dropped(Option<oneshot::Sender<()>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.take().expect("dropped once").send(());
        }
    }
    let (sender, dropped) = oneshot::channel();
    let guard = Arc::new(Mutex::new(Some(Dropped(Some(sender)))));
    let site = Site::serving(Answer(move |_| {
        let guard = guard.clone();
        async move {
            let _guard = guard.lock().await.take();
            std::future::pending::<Response<Body>>().await
        }
    }))
    .await;
    let stream = site
        .raw("GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    site.until(|front| front.in_flight() > 0).await;
    drop(stream);
    timeout(TIMEOUT, dropped)
        .await
        .expect("the handler's future is dropped")
        .expect("by its guard");
    let line = site.logged("GET /wait").await;
    assert!(
        line.contains(" - ") && line.ends_with("cut off: by the client"),
        "{line}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_mid_body_is_told_in_the_log() {
    let (responses, handler) = prepared();
    let site = Site::serving(handler).await;
    let (mut feed, response) = fed();
    responses.send(response).expect("the handler waits");
    let mut stream = site
        .raw("GET /download HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    feed.send(data("some")).await.expect("the body is read");
    assert!(stream.read(&mut [0; 512]).await.expect("a part") > 0);
    drop(stream);
    while feed.send(data("more")).await.is_ok() {}
    let line = site.logged("GET /download 200").await;
    assert!(line.ends_with("cut off: by the client"), "{line}");
}

#[tokio::test]
async fn a_body_that_fails_cuts_the_response_and_nothing_else() {
    let (responses, handler) = prepared();
    let site = Site::serving(handler).await;
    let (mut feed, response) = fed();
    responses.send(response).expect("the handler waits");
    let mut client = site.connect().await;
    let response = client
        .send(request(Method::GET, "/trap"))
        .await
        .expect("a head");
    feed.send(data("half")).await.expect("the body is read");
    feed.send(Err("wasm trap: unreachable\n  0: main".into()))
        .await
        .expect("the body is read");
    assert!(
        response.collect().await.is_err(),
        "the client must not take half a body for a whole one"
    );
    let line = site.logged("GET /trap 200").await;
    assert!(line.ends_with("cut off: wasm trap: unreachable"), "{line}");

    responses.send(full("fine")).expect("the handler waits");
    assert_eq!(
        site.connect().await.get("/").await.expect("an answer").1,
        "fine"
    );
}

#[tokio::test]
async fn whole_responses_are_logged_as_whole() {
    let site = Site::serving(Answer(|request: Request| async move {
        match request.uri().path() {
            "/fixed" => full("fixed"),
            "/announced" => {
                let frames = futures::stream::iter([data("announ"), data("ced")]);
                let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
                response
                    .headers_mut()
                    .insert(CONTENT_LENGTH, HeaderValue::from_static("9"));
                response
            }
            "/streamed" => {
                Response::new(StreamBody::new(futures::stream::iter([data("x")])).boxed_unsync())
            }
            "/empty" => full(""),
            _ => {
                let mut response = full("");
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
        }
    }))
    .await;
    let mut client = site.connect().await;
    for (path, body) in [
        ("/fixed", "fixed"),
        ("/announced", "announced"),
        ("/streamed", "x"),
        ("/empty", ""),
        ("/none?q=1", ""),
    ] {
        assert_eq!(client.get(path).await.expect("an answer").1, body);
        let line = site.logged(&format!("GET {path} 20")).await;
        assert!(line.ends_with(" ms"), "{line}");
    }
    client
        .send(request(Method::HEAD, "/announced"))
        .await
        .expect("an answer");
    let line = site.logged("#6 HEAD /announced 200").await;
    assert!(line.ends_with(" ms"), "{line}");
}
