//! Bodies stream, both ways and with trailers.

use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;

use super::*;

#[tokio::test]
async fn http2_with_prior_knowledge_carries_trailers_both_ways() {
    let site = Site::serving(Answer(|request: Request| async move {
        assert_eq!(request.version(), http::Version::HTTP_2);
        let upload = request.collect().await.expect("the whole upload");
        let trailer = upload
            .trailers()
            .and_then(|trailers| trailers.get("sum"))
            .cloned();
        let body = Full::new(upload.to_bytes()).map_err(|never| match never {});
        let trailers = async move {
            trailer.map(|sum| {
                Ok(HeaderMap::from_iter([(
                    "sum".parse().expect("a name"),
                    sum,
                )]))
            })
        };
        Response::new(body.with_trailers(trailers).boxed_unsync())
    }))
    .await;
    let stream = TcpStream::connect(site.address)
        .await
        .expect("the server accepts");
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let trailers = HeaderMap::from_iter([(
        "sum".parse().expect("a name"),
        HeaderValue::from_static("42"),
    )]);
    let body = Full::new(Bytes::from_static(b"ping"))
        .with_trailers(std::future::ready(Some(Ok(trailers))));
    let request = http::Request::post(format!("http://{}/echo", site.address))
        .body(body)
        .expect("a valid request");
    let response = sender.send_request(request).await.expect("an answer");
    let body = response.collect().await.expect("the whole body");
    assert_eq!(
        body.trailers().and_then(|trailers| trailers.get("sum")),
        Some(&HeaderValue::from_static("42"))
    );
    assert_eq!(body.to_bytes(), "ping");
    site.logged("#1 POST /echo 200").await;

    site.stop.graceful.cancel();
    timeout(TIMEOUT, connection)
        .await
        .expect("closed at once")
        .expect("no panic")
        .expect("closed cleanly");
    site.ended().await;
}

#[tokio::test]
async fn http1_carries_trailers_to_those_who_accept_them() {
    let site = Site::serving(Answer(|_| async {
        let trailers = HeaderMap::from_iter([(
            "sum".parse().expect("a name"),
            HeaderValue::from_static("42"),
        )]);
        let body = StreamBody::new(futures::stream::iter([
            data("pong"),
            Ok(Frame::trailers(trailers)),
        ]));
        let mut response = Response::new(body.boxed_unsync());
        response
            .headers_mut()
            .insert("trailer", HeaderValue::from_static("sum"));
        response
    }))
    .await;
    let mut stream = site
        .raw("GET / HTTP/1.1\r\nhost: localhost\r\nte: trailers\r\nconnection: close\r\n\r\n")
        .await;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    assert!(
        text.ends_with("4\r\npong\r\n0\r\nsum: 42\r\n\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn an_upload_waits_for_a_slow_handler() {
    const SIZE: usize = 256 << 20;
    let (go, gone) = oneshot::channel::<()>();
    let gone = Arc::new(Mutex::new(Some(gone)));
    let site = Site::serving(Answer(move |request: Request| {
        let gone = gone.clone();
        async move {
            gone.lock()
                .await
                .take()
                .expect("one request")
                .await
                .expect("the test lets go");
            let mut body = request.into_body();
            let mut size = 0;
            while let Some(frame) = body.frame().await {
                size += frame
                    .expect("the whole upload")
                    .data_ref()
                    .map_or(0, Bytes::len);
            }
            full(size.to_string())
        }
    }))
    .await;
    let mut stream = site
        .raw(&format!(
            "PUT /big HTTP/1.1\r\nhost: localhost\r\ncontent-length: {SIZE}\r\n\r\n"
        ))
        .await;
    let chunk = vec![7; 64 << 10];
    let mut sent = 0;
    // The system's socket buffers fill up, and then nobody takes more.
    while let Ok(written) = timeout(Duration::from_millis(500), stream.write(&chunk)).await {
        sent += written.expect("the connection stays");
        assert!(
            sent < SIZE / 4,
            "the server holds an upload that nobody reads"
        );
    }
    go.send(()).expect("the handler waits");
    while sent < SIZE {
        sent += stream
            .write(&chunk[..chunk.len().min(SIZE - sent)])
            .await
            .expect("the connection stays");
    }
    let mut answer = vec![0; 4096];
    let length = timeout(TIMEOUT, stream.read(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.ends_with(&format!("\r\n\r\n{SIZE}")), "{answer}");
}

#[tokio::test]
async fn an_upload_that_is_cut_off_reaches_the_handler_as_an_error() {
    let (seen, outcome) = oneshot::channel();
    let seen = Arc::new(Mutex::new(Some(seen)));
    let site = Site::serving(Answer(move |request: Request| {
        let seen = seen.clone();
        async move {
            let failed = request.collect().await.is_err();
            let _ = seen.lock().await.take().expect("one request").send(failed);
            full("too late")
        }
    }))
    .await;
    let stream = site
        .raw("PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nonly this")
        .await;
    site.until(|front| front.in_flight() > 0).await;
    drop(stream);
    // The handler sees the error, or is dropped together with the connection; it never sees a short upload as whole.
    if let Ok(failed) = timeout(TIMEOUT, outcome).await.expect("in time") {
        assert!(failed, "a short upload is no upload");
    }
}

#[tokio::test]
async fn nonsense_on_the_wire_harms_nobody() {
    let site = Site::serving(Answer(|_| async { full("fine") })).await;
    let mut stream = site.raw("\x16\x03\x01 this is not HTTP\r\n\r\n").await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(
        site.connect().await.get("/").await.expect("an answer").1,
        "fine"
    );
}
