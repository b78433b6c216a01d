//! Counts the visits to each path, in `wasi:keyvalue`.

use bindings::wasi::keyvalue::atomics::increment;
use bindings::wasi::keyvalue::store::{self, Error};
use wstd::http::{Body, Request, Response, StatusCode};

mod bindings {
    wit_bindgen::generate!({ world: "visits", path: "wit", generate_all });
}

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    let path = request.uri().path();
    let (status, text) = match visit(path) {
        Ok(count) => (StatusCode::OK, sentence(path, count)),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}\n")),
    };
    Ok(Response::builder().status(status).body(text.into())?)
}

/// Counts one more visit. The key must not be the path itself: a store may keep keys as the names of files.
fn visit(path: &str) -> Result<u64, Error> {
    let bucket = store::open("visits")?;
    increment(&bucket, &key(path), 1)
}

fn key(path: &str) -> String {
    path.replace('/', ".")
}

fn sentence(path: &str, count: u64) -> String {
    match count {
        1 => format!("1 visit to {path}\n"),
        count => format!("{count} visits to {path}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_no_slashes() {
        assert_eq!(key("/a/b"), ".a.b");
    }

    #[test]
    fn visits_are_counted_in_words() {
        assert_eq!(sentence("/", 1), "1 visit to /\n");
        assert_eq!(sentence("/a", 2), "2 visits to /a\n");
    }
}
