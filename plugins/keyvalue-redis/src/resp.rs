//! The protocol of Redis (RESP2): commands as bytes, and replies out of bytes.

use crate::wire::{Broken, Wire};

/// Arguments of this size and above are sent from where they are.
const LARGE: usize = 16 * 1024;

/// Replies nest two deep at most in the commands that are used here.
const DEPTH: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Status(String),
    /// What the server says is wrong, in its own words.
    Error(String),
    Integer(i64),
    Bytes(Vec<u8>),
    Array(Vec<Reply>),
    /// Nothing there.
    Null,
}

/// Sends one command.
pub fn send(wire: &mut impl Wire, command: &[&[u8]]) -> Result<(), Broken> {
    let mut buffer = format!("*{}\r\n", command.len()).into_bytes();
    for argument in command {
        buffer.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        if argument.len() < LARGE {
            buffer.extend_from_slice(argument);
        } else {
            wire.write(&buffer)?;
            buffer.clear();
            wire.write(argument)?;
        }
        buffer.extend_from_slice(b"\r\n");
        if buffer.len() >= LARGE {
            wire.write(&buffer)?;
            buffer.clear();
        }
    }
    wire.write(&buffer)
}

/// Bytes that have come and are not read yet.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Those before it are done with.
    position: usize,
}

impl Inbox {
    pub fn is_empty(&self) -> bool {
        self.position == self.bytes.len()
    }

    /// Waits for one reply.
    pub fn reply(&mut self, wire: &mut impl Wire) -> Result<Reply, Broken> {
        let reply = self.value(wire, DEPTH)?;
        self.compact();
        Ok(reply)
    }

    fn value(&mut self, wire: &mut impl Wire, depth: usize) -> Result<Reply, Broken> {
        let line = self.line(wire)?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| nonsense(&line))?;
        let number = || rest.parse::<i64>().map_err(|_| nonsense(&line));
        Ok(match kind {
            "+" => Reply::Status(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(number()?),
            "$" => match usize::try_from(number()?) {
                Ok(length) => Reply::Bytes(self.bulk(wire, length)?),
                Err(_) => Reply::Null,
            },
            "*" => match usize::try_from(number()?) {
                Ok(_) if depth == 0 => return Err(nonsense(&line)),
                Ok(length) => {
                    // Not before they have come: a number is easily said.
                    let mut items = Vec::new();
                    for _ in 0..length {
                        items.push(self.value(wire, depth - 1)?);
                    }
                    Reply::Array(items)
                }
                Err(_) => Reply::Null,
            },
            _ => return Err(nonsense(&line)),
        })
    }

    fn line(&mut self, wire: &mut impl Wire) -> Result<String, Broken> {
        let mut searched = self.position;
        let end = loop {
            let fresh = &self.bytes[searched..];
            if let Some(found) = fresh.windows(2).position(|two| two == b"\r\n") {
                break searched + found;
            }
            if self.bytes.len() - self.position > 64 * 1024 {
                return Err(nonsense(&self.text(self.bytes.len())));
            }
            // The first half of the end may be there.
            searched = self.bytes.len().saturating_sub(1).max(self.position);
            wire.read(&mut self.bytes)?;
        };
        let line = self.text(end);
        self.position = end + 2;
        Ok(line)
    }

    fn text(&self, end: usize) -> String {
        String::from_utf8_lossy(&self.bytes[self.position..end]).into_owned()
    }

    fn bulk(&mut self, wire: &mut impl Wire, length: usize) -> Result<Vec<u8>, Broken> {
        self.compact();
        let whole = length.checked_add(2).filter(|whole| {
            let missing = whole.saturating_sub(self.bytes.len());
            self.bytes.try_reserve(missing).is_ok()
        });
        let whole = whole.ok_or_else(|| {
            Broken(format!(
                "the answer of {length} bytes does not fit in memory"
            ))
        })?;
        while self.bytes.len() < whole {
            wire.read(&mut self.bytes)?;
        }
        if self.bytes[length..whole] != *b"\r\n" {
            return Err(nonsense("a value of another length than was said"));
        }
        // What has come after it is little; the value itself is not copied.
        let rest = self.bytes.split_off(whole);
        let mut value = std::mem::replace(&mut self.bytes, rest);
        value.truncate(length);
        Ok(value)
    }

    fn compact(&mut self) {
        self.bytes.drain(..self.position);
        self.position = 0;
    }
}

fn nonsense(found: &str) -> Broken {
    let found: String = found.chars().take(60).collect();
    Broken(format!("what answers is no Redis: it says `{found}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what comes in pieces of some size, and keeps what was written.
    struct Fake {
        incoming: Vec<u8>,
        piece: usize,
        written: Vec<u8>,
    }

    impl Wire for Fake {
        fn is_closed(&mut self) -> bool {
            self.incoming.is_empty()
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
            self.written.extend_from_slice(bytes);
            Ok(())
        }

        fn read(&mut self, into: &mut Vec<u8>) -> Result<(), Broken> {
            if self.incoming.is_empty() {
                return Err(Broken("the end".to_owned()));
            }
            let piece = self.piece.min(self.incoming.len());
            into.extend(self.incoming.drain(..piece));
            Ok(())
        }
    }

    fn fake(incoming: &[u8], piece: usize) -> Fake {
        Fake {
            incoming: incoming.to_vec(),
            piece,
            written: Vec::new(),
        }
    }

    /// The replies in these bytes, whichever way they are cut into pieces.
    fn replies(bytes: &[u8]) -> Result<Vec<Reply>, String> {
        let all = |piece| {
            let (mut wire, mut inbox, mut replies) =
                (fake(bytes, piece), Inbox::default(), Vec::new());
            while !(inbox.is_empty() && wire.incoming.is_empty()) {
                replies.push(inbox.reply(&mut wire).map_err(|broken| broken.0)?);
            }
            Ok(replies)
        };
        let whole = all(usize::MAX);
        for piece in 1..bytes.len().min(8) {
            assert_eq!(all(piece), whole, "in pieces of {piece}");
        }
        whole
    }

    #[test]
    fn replies_of_every_kind() {
        let bytes = b"+OK\r\n-ERR no\r\n:-7\r\n$4\r\n\r\n\0\xff\r\n$-1\r\n*-1\r\n*2\r\n$1\r\na\r\n*1\r\n$0\r\n\r\n$0\r\n\r\n";
        let expected = vec![
            Reply::Status("OK".into()),
            Reply::Error("ERR no".into()),
            Reply::Integer(-7),
            Reply::Bytes(b"\r\n\0\xff".to_vec()),
            Reply::Null,
            Reply::Null,
            Reply::Array(vec![
                Reply::Bytes(b"a".to_vec()),
                Reply::Array(vec![Reply::Bytes(Vec::new())]),
            ]),
            Reply::Bytes(Vec::new()),
        ];
        assert_eq!(replies(bytes), Ok(expected));
    }

    #[test]
    fn what_is_no_redis_is_told() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"$x\r\n",
            b"\r\n",
            b"$1\r\nab\r\n",
        ] {
            let error = replies(bytes).unwrap_err();
            assert!(error.contains("no Redis"), "{error}");
        }
        let deep = b"*1\r\n".repeat(100);
        assert!(replies(&deep).unwrap_err().contains("no Redis"));
        let error = replies(b"$99999999999999999\r\n").unwrap_err();
        assert!(error.contains("memory"), "{error}");
        assert_eq!(replies(b"$5\r\nab"), Err("the end".to_owned()));
    }

    #[test]
    fn commands_are_safe_for_any_bytes() {
        let large = vec![b'\n'; LARGE];
        for argument in [&b""[..], b"\r\n$1\r\n", b"\xff\0", &large] {
            let mut wire = fake(b"", 1);
            send(&mut wire, &[b"SET", b"k", argument]).unwrap();
            let expected = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", argument.len());
            let expected = [expected.as_bytes(), argument, b"\r\n"].concat();
            assert_eq!(wire.written, expected);
        }
    }
}
