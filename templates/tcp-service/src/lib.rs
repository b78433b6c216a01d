//! Answers requests with what the service makes of their path.

use wstd::http::{Body, Error, Request, Response, StatusCode};
use wstd::io::{AsyncRead, AsyncWrite};
use wstd::net::TcpStream;

const SERVICE: &str = "127.0.0.1:7777";

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (status, text) = match ask(line(request.uri().path())).await {
        Ok(answer) => (StatusCode::OK, answer),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n").into_bytes()),
    };
    Ok(Response::builder().status(status).body(text.into())?)
}

fn line(path: &str) -> String {
    format!("{}\n", path.trim_matches('/'))
}

/// Sends a line, and waits for the line that comes back.
async fn ask(line: String) -> wstd::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(SERVICE).await?;
    stream.write_all(line.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut bytes = [0; 1024];
    while !answer.ends_with(b"\n") {
        match stream.read(&mut bytes).await? {
            0 => break,
            count => answer.extend(&bytes[..count]),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_path_is_a_line() {
        assert_eq!(line("/hello"), "hello\n");
    }
}
