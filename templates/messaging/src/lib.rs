//! Hands each request to the worker, as a message, and answers with what comes back.

use bindings::wasmcloud::messaging::consumer;
use wstd::http::{Body, Error, Request, Response, StatusCode};

mod bindings {
    wit_bindgen::generate!({ world: "api", path: "wit", generate_all });
}

const SUBJECT: &str = "tasks.shout";
const TIMEOUT_MS: u32 = 5_000;

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let task = task(request.uri().path());
    let (status, answer) = match consumer::request(SUBJECT, task.as_bytes(), TIMEOUT_MS) {
        Ok(message) => (StatusCode::OK, message.body),
        Err(reason) => (StatusCode::BAD_GATEWAY, reason.into_bytes()),
    };
    Ok(Response::builder().status(status).body(answer.into())?)
}

fn task(path: &str) -> &str {
    match path.trim_matches('/') {
        "" => "hello",
        task => task,
    }
}

#[cfg(test)]
mod tests {
    use super::task;

    #[test]
    fn the_path_is_the_task() {
        assert_eq!(task("/"), "hello");
        assert_eq!(task("/wake up"), "wake up");
    }
}
