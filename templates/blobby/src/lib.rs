//! Keeps files in `wasi:blobstore`, over HTTP.
//!
//! ```text
//! GET /            the names of all files
//! PUT /NAME        stores the body
//! GET /NAME        gives it back
//! DELETE /NAME     removes it
//! ```

mod files;

use files::Files;
use wstd::http::{Body, Error, Method, Request, Response, StatusCode};

mod bindings {
    wit_bindgen::generate!({ world: "files", path: "wit", generate_all });
}

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (head, mut body) = request.into_parts();
    let wanted = Wanted::new(&head.method, head.uri.path());
    let received = match wanted {
        Wanted::Write(_) => body.contents().await?,
        _ => &[],
    };
    let (status, answer) = match answer(&wanted, received) {
        Ok(answer) => answer,
        Err(reason) => (StatusCode::BAD_GATEWAY, format!("{reason}\n").into_bytes()),
    };
    Ok(Response::builder().status(status).body(answer.into())?)
}

/// What a request asks for.
#[derive(Debug, PartialEq)]
enum Wanted<'r> {
    List,
    Read(&'r str),
    Write(&'r str),
    Delete(&'r str),
    Nonsense,
}

impl<'r> Wanted<'r> {
    fn new(method: &Method, path: &'r str) -> Self {
        let name = path.trim_start_matches('/');
        match *method {
            Method::GET if name.is_empty() => Wanted::List,
            _ if name.is_empty() || name.contains('/') => Wanted::Nonsense,
            Method::GET => Wanted::Read(name),
            Method::PUT => Wanted::Write(name),
            Method::DELETE => Wanted::Delete(name),
            _ => Wanted::Nonsense,
        }
    }
}

fn answer(wanted: &Wanted, received: &[u8]) -> Result<(StatusCode, Vec<u8>), String> {
    let files = Files::open()?;
    let text = |status, text: &str| (status, format!("{text}\n").into_bytes());
    Ok(match wanted {
        Wanted::List => (StatusCode::OK, lines(&files.names()?)),
        Wanted::Read(name) => match files.read(name)? {
            Some(bytes) => (StatusCode::OK, bytes),
            None => text(StatusCode::NOT_FOUND, "there is no such file"),
        },
        Wanted::Write(name) => {
            files.write(name, received)?;
            text(StatusCode::CREATED, "stored")
        }
        Wanted::Delete(name) => {
            files.delete(name)?;
            text(StatusCode::OK, "deleted")
        }
        Wanted::Nonsense => text(StatusCode::BAD_REQUEST, "expected GET, PUT or DELETE /NAME"),
    })
}

fn lines(names: &[String]) -> Vec<u8> {
    let lines = names.iter().map(|name| format!("{name}\n"));
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_file_or_none() {
        let wanted = |method, path| Wanted::new(&method, path);
        assert_eq!(wanted(Method::GET, "/"), Wanted::List);
        assert_eq!(wanted(Method::GET, "/a.txt"), Wanted::Read("a.txt"));
        assert_eq!(wanted(Method::PUT, "/a.txt"), Wanted::Write("a.txt"));
        assert_eq!(wanted(Method::PUT, "/"), Wanted::Nonsense);
        assert_eq!(wanted(Method::GET, "/a/b"), Wanted::Nonsense);
    }
}
