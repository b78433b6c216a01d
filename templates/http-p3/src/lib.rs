//! Greets whoever is named in the path of a request.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{spawn_local, wit_future, wit_stream};

struct Component;

wasip3::http::service::export!(Component);

impl wasip3::exports::http::handler::Guest for Component {
    /// Returns before the body is written: it is sent while the response is on its way.
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let greeting = greeting(&request.get_path_with_query().unwrap_or_default());

        let (mut body, body_to_come) = wit_stream::new();
        let (trailers, trailers_to_come) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body_to_come), trailers_to_come);
        spawn_local(async move {
            // What could not be written is of no use: the client is gone.
            body.write_all(greeting.into_bytes()).await;
            drop(body);
            let _ = trailers.write(Ok(None)).await;
        });
        Ok(response)
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
