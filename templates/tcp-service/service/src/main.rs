//! Listens on a port of the workload, and sends each line back, the other way round.

use wstd::io::{AsyncRead, AsyncWrite};
use wstd::iter::AsyncIterator;
use wstd::net::{TcpListener, TcpStream};

const ADDRESS: &str = "127.0.0.1:7777";

#[wstd::main]
async fn main() -> wstd::io::Result<()> {
    let listener = TcpListener::bind(ADDRESS).await?;
    println!("listening on {ADDRESS}");
    let mut incoming = listener.incoming();
    while let Some(stream) = incoming.next().await {
        let stream = stream?;
        let answering = async move {
            if let Err(error) = answer(stream).await {
                eprintln!("{error}");
            }
        };
        wstd::runtime::spawn(answering).detach();
    }
    Ok(())
}

async fn answer(mut stream: TcpStream) -> wstd::io::Result<()> {
    let mut received = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(()),
            count => received.extend(&bytes[..count]),
        }
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            stream.write_all(&turned(&line[..end])).await?;
        }
    }
}

fn turned(line: &[u8]) -> Vec<u8> {
    let line = String::from_utf8_lossy(line);
    let turned: String = line.chars().rev().chain(['\n']).collect();
    turned.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::turned;

    #[test]
    fn a_line_comes_back_the_other_way_round() {
        assert_eq!(turned("añb".as_bytes()), "bña\n".as_bytes());
    }
}
