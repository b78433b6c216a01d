//! Greets whoever is named in the path of a request.

use bindings::exports::wasi::http::incoming_handler::{Guest, IncomingRequest, ResponseOutparam};
use bindings::wasi::http::types::{Fields, OutgoingBody, OutgoingResponse};

mod bindings {
    wit_bindgen::generate!({ world: "http", path: "wit", generate_all });
    use super::Component;
    export!(Component);
}

struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        answer(&greeting(&path), out);
    }
}

fn answer(text: &str, out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a response gives its body once");
    ResponseOutparam::set(out, Ok(response));

    let stream = body.write().expect("a body gives its stream once");
    // A stream takes 4096 bytes at a time.
    let mut pieces = text.as_bytes().chunks(4096);
    let sent = pieces.try_for_each(|piece| stream.blocking_write_and_flush(piece));
    drop(stream);
    if sent.is_ok() {
        // An error means that the client is gone.
        let _ = OutgoingBody::finish(body, None);
    }
}

fn greeting(path_with_query: &str) -> String {
    let path = path_with_query.split('?').next().unwrap_or_default();
    match path.trim_matches('/') {
        "" => "Hello, world!\n".to_string(),
        name => format!("Hello, {name}!\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::greeting;

    #[test]
    fn greets_whoever_is_named() {
        assert_eq!(greeting("/?a=b"), "Hello, world!\n");
        assert_eq!(greeting("/ada"), "Hello, ada!\n");
    }
}
