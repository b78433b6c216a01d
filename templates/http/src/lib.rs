//! Greets whoever is named in the path of a request.

use wstd::http::{Body, Error, Request, Response};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let greeting = greeting(request.uri().path());
    Ok(Response::new(greeting.into()))
}

fn greeting(path: &str) -> String {
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
        assert_eq!(greeting("/"), "Hello, world!\n");
        assert_eq!(greeting("/ada"), "Hello, ada!\n");
    }
}
