//! A client that keeps one connection, and makes another when that one is gone.
//!
//! What broke off is done again on a new connection, unless something could happen twice by that.

use crate::resp::{self, Inbox, Reply};
use crate::settings::Settings;
use crate::wire::{Broken, Connect, Wire};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("cannot reach Redis at `{address}`: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("Redis at `{address}` refused the login: {words}")]
    Login { address: String, words: String },
    #[error("Redis at `{address}` refused `{command}`: {words}")]
    Refused {
        address: String,
        command: String,
        words: String,
    },
    #[error("the connection to Redis at `{address}` broke during `{command}`: {reason}")]
    Broke {
        address: String,
        command: String,
        reason: String,
    },
    #[error(
        "the connection to Redis at `{address}` broke during `{command}`, which may have been carried out: {reason}"
    )]
    Unknown {
        address: String,
        command: String,
        reason: String,
    },
    #[error("Redis at `{address}` did not answer `{command}` as Redis does")]
    Unexpected { address: String, command: String },
}

pub struct Client<C: Connect> {
    connect: C,
    settings: Settings,
    connection: Option<Connection<C::Wire>>,
}

impl<C: Connect> Client<C> {
    pub fn new(connect: C, settings: Settings) -> Self {
        Self {
            connect,
            settings,
            connection: None,
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Connects and logs in, if that is still to be done.
    pub fn open(&mut self) -> Result<(), Failure> {
        self.connection = Some(self.connection()?);
        Ok(())
    }

    /// Runs one command.
    pub fn call(&mut self, command: &[&[u8]]) -> Result<Reply, Failure> {
        self.attempt(|connection| connection.ask(command))
    }

    /// Sets a key if it still has the expected value, and says whether it had.
    pub fn swap(
        &mut self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        let swapped = self.attempt(|connection| {
            connection.ask(&[b"WATCH", key])?;
            let found = match connection.ask(&[b"GET", key])? {
                Reply::Bytes(bytes) => Some(bytes),
                _ => None,
            };
            if found.as_deref() != expected {
                connection.ask(&[b"UNWATCH"])?;
                return Ok(false);
            }
            connection.ask(&[b"MULTI"])?;
            connection.ask(&[b"SET", key, value])?;
            // Nothing, if somebody has changed the key since `WATCH`.
            Ok(connection.ask(&[b"EXEC"])? != Reply::Null)
        });
        if swapped.is_err() {
            // It may be in the middle of the transaction.
            self.connection = None;
        }
        swapped
    }

    pub fn unexpected(&self, command: &str) -> Failure {
        Failure::Unexpected {
            address: self.settings.address(),
            command: command.to_owned(),
        }
    }

    fn attempt<T>(
        &mut self,
        action: impl Fn(&mut Connection<C::Wire>) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let mut again = true;
        loop {
            let mut connection = self.connection()?;
            let Trouble { command, kind } = match action(&mut connection) {
                Ok(done) => {
                    self.connection = Some(connection);
                    return Ok(done);
                }
                Err(trouble) => trouble,
            };
            let address = self.settings.address();
            return Err(match kind {
                Kind::Refused(words) => {
                    self.connection = Some(connection);
                    Failure::Refused {
                        address,
                        command,
                        words,
                    }
                }
                Kind::Broken(Broken(reason)) if counts(&command) => Failure::Unknown {
                    address,
                    command,
                    reason,
                },
                Kind::Broken(_) if again => {
                    again = false;
                    continue;
                }
                Kind::Broken(Broken(reason)) => Failure::Broke {
                    address,
                    command,
                    reason,
                },
            });
        }
    }

    fn connection(&mut self) -> Result<Connection<C::Wire>, Failure> {
        if let Some(mut old) = self.connection.take()
            && old.is_usable()
        {
            return Ok(old);
        }
        self.log_in()
    }

    fn log_in(&self) -> Result<Connection<C::Wire>, Failure> {
        let Settings {
            host,
            port,
            database,
            username,
            password,
            ..
        } = &self.settings;
        let address = self.settings.address();
        let unreachable = |Broken(reason)| Failure::Unreachable {
            address: address.clone(),
            reason,
        };
        let mut connection = Connection {
            wire: self.connect.connect(host, *port).map_err(unreachable)?,
            inbox: Inbox::default(),
        };
        let database = database.to_string();
        let select: [&[u8]; 2] = [b"SELECT", database.as_bytes()];
        let mut commands: Vec<Vec<&[u8]>> = Vec::new();
        match (username, password) {
            (Some(user), Some(word)) => {
                commands.push(vec![b"AUTH", user.as_bytes(), word.as_bytes()]);
            }
            (_, Some(word)) => commands.push(vec![b"AUTH", word.as_bytes()]),
            _ => {}
        }
        // Also where it is 0: a server that wants a password says so at once.
        commands.push(select.to_vec());
        for command in commands {
            connection.ask(&command).map_err(|trouble| {
                let address = address.clone();
                match trouble.kind {
                    Kind::Refused(words) => Failure::Login { address, words },
                    Kind::Broken(Broken(reason)) => Failure::Unreachable { address, reason },
                }
            })?;
        }
        Ok(connection)
    }
}

/// Whether it makes a difference to run it twice.
fn counts(command: &str) -> bool {
    matches!(command, "INCRBY" | "EXEC")
}

struct Connection<W> {
    wire: W,
    inbox: Inbox,
}

/// Why a command has no good reply.
struct Trouble {
    command: String,
    kind: Kind,
}

enum Kind {
    Refused(String),
    Broken(Broken),
}

impl<W: Wire> Connection<W> {
    /// Nobody has closed it, and nothing has come that was not asked for.
    fn is_usable(&mut self) -> bool {
        self.inbox.is_empty() && !self.wire.is_closed()
    }

    fn ask(&mut self, command: &[&[u8]]) -> Result<Reply, Trouble> {
        let sent = resp::send(&mut self.wire, command);
        let reply = self.inbox.reply(&mut self.wire);
        // Who refuses to read on may have said why.
        let kind = match (sent, reply) {
            (_, Ok(Reply::Error(words))) => Kind::Refused(words),
            (Ok(()), Ok(reply)) => return Ok(reply),
            (Err(broken), _) | (Ok(()), Err(broken)) => Kind::Broken(broken),
        };
        let command = String::from_utf8_lossy(command[0]).into_owned();
        Err(Trouble { command, kind })
    }
}
