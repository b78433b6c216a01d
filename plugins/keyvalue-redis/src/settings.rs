//! Which Redis, and how to log in. Pure: whoever calls this reads the settings.
//!
//! A URL says everything, `redis://USER:PASSWORD@HOST:PORT/DATABASE`; a setting of its own wins over what stands there.

use std::fmt;

use percent_encoding::percent_decode_str;

/// The port of Redis where nothing else is said.
const PORT: u16 = 6379;

/// What a name is looked up in: the config of the component.
pub type Lookup<'l> = dyn Fn(&str) -> Option<String> + 'l;

#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub database: u32,
    pub username: Option<String>,
    pub password: Option<String>,
    /// Stands in front of every key in Redis.
    pub prefix: String,
}

/// A setting makes no sense. What it is stays out where it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{name}` of keyvalue-redis {problem}")]
pub struct SettingError {
    name: &'static str,
    problem: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: PORT,
            database: 0,
            username: None,
            password: None,
            prefix: String::new(),
        }
    }
}

impl Settings {
    /// From the config, and from the variable `REDIS_URL` where the config names neither a URL nor a host.
    pub fn read(config: &Lookup<'_>, redis_url: Option<String>) -> Result<Self, SettingError> {
        let config = |name: &str| config(name).filter(|value| !value.is_empty());
        let (host, redis_url) = (config("host"), redis_url.filter(|url| !url.is_empty()));
        let mut settings = match (config("url"), &host, redis_url) {
            (Some(url), ..) => Self::from_url("url", &url)?,
            (None, None, Some(url)) => Self::from_url("REDIS_URL", &url)?,
            _ => Self::default(),
        };
        if let Some(host) = host {
            settings.host = host;
        }
        if let Some(port) = config("port") {
            settings.port = number("port", &port, "a port from 1 to 65535", |port| *port != 0)?;
        }
        if let Some(database) = config("database") {
            settings.database = number("database", &database, "a number such as 0", |_| true)?;
        }
        settings.username = config("username").or(settings.username);
        settings.password = config("password").or(settings.password);
        settings.prefix = config("prefix").unwrap_or_default();
        Ok(settings)
    }

    fn from_url(name: &'static str, url: &str) -> Result<Self, SettingError> {
        let wrong = |problem: &str| SettingError {
            name,
            problem: format!(
                "{problem}: expected `redis://HOST`, or `redis://USER:PASSWORD@HOST:PORT/DATABASE`"
            ),
        };
        let rest = match url.split_once("://") {
            Some(("redis", rest)) => rest,
            Some(("rediss", _)) => {
                return Err(wrong("asks for TLS (`rediss:`), which is not supported"));
            }
            _ => return Err(wrong("is no URL of a Redis")),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A password may have an `@` that nobody has encoded.
        let (login, address) = match authority.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, authority),
        };
        let mut settings = Self::default();
        let port = match address.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']').ok_or(wrong("has a `[` without a `]`"))?;
                settings.host = host.to_owned();
                port.strip_prefix(':')
            }
            None => {
                let (host, port) = match address.rsplit_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (address, None),
                };
                if !host.is_empty() {
                    settings.host = host.to_owned();
                }
                port
            }
        };
        if let Some(port) = port {
            let port = port.parse().ok().filter(|port| *port != 0);
            settings.port = port.ok_or(wrong("has no port from 1 to 65535 after the host"))?;
        }
        if !path.is_empty() {
            let database = path.trim_end_matches('/').parse();
            settings.database = database.map_err(|_| wrong("has no number as its database"))?;
        }
        if let Some(login) = login {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            settings.username = Some(decoded(user)).filter(|user| !user.is_empty());
            settings.password = password.map(decoded).filter(|text| !text.is_empty());
        }
        Ok(settings)
    }

    /// Where it is: `localhost:6379`.
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Without the password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.database)
    }
}

fn number<T: std::str::FromStr>(
    name: &'static str,
    text: &str,
    expected: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<T, SettingError> {
    text.trim()
        .parse()
        .ok()
        .filter(fits)
        .ok_or_else(|| SettingError {
            name,
            problem: format!("is `{text}`: expected {expected}"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &[(&str, &str)], variable: Option<&str>) -> Result<Settings, String> {
        let lookup = |name: &str| {
            let found = config.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&lookup, variable.map(str::to_owned)).map_err(|error| error.to_string())
    }

    fn url(url: &str) -> Settings {
        read(&[("url", url)], None).unwrap()
    }

    #[test]
    fn nothing_said_is_the_redis_of_this_machine() {
        let settings = read(&[], None).unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.address(), "localhost:6379");
        assert_eq!(read(&[("url", "")], Some("")).unwrap(), settings);
    }

    #[test]
    fn a_url_says_everything() {
        let settings = url("redis://ali:open%20sesame@redis.example.com:7000/3");
        let expected = Settings {
            host: "redis.example.com".to_owned(),
            port: 7000,
            database: 3,
            username: Some("ali".to_owned()),
            password: Some("open sesame".to_owned()),
            prefix: String::new(),
        };
        assert_eq!(settings, expected);
        assert_eq!(url("redis://[::1]:7000").address(), "[::1]:7000");
        assert_eq!(url("redis://[::1]").address(), "[::1]:6379");
        assert_eq!(url("redis://").address(), "localhost:6379");
        assert_eq!(url("redis://:p@ss@h").password.as_deref(), Some("p@ss"));
        assert_eq!(url("redis://:p@h").username, None);
        assert_eq!(url("redis://h/").database, 0);
        assert_eq!(url("redis://h/2?timeout=1s").database, 2);
    }

    #[test]
    fn the_config_wins_over_the_url_and_the_variable() {
        let variable = Some("redis://variable:1/1");
        assert_eq!(read(&[], variable).unwrap().address(), "variable:1");
        let config = [("url", "redis://config:2/2"), ("database", "5")];
        let settings = read(&config, variable).unwrap();
        assert_eq!(
            (settings.address(), settings.database),
            ("config:2".into(), 5)
        );
        // The password of another Redis is nobody's business.
        let settings = read(&[("host", "own")], Some("redis://:secret@variable")).unwrap();
        assert_eq!(
            (settings.address(), settings.password),
            ("own:6379".into(), None)
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (config, words) in [
            (("port", "0"), "`port` of keyvalue-redis is `0`"),
            (("port", "many"), "a port from 1 to 65535"),
            (("database", "-1"), "`database`"),
            (("url", "http://h"), "no URL of a Redis"),
            (("url", "localhost"), "no URL of a Redis"),
            (("url", "rediss://h"), "TLS"),
            (("url", "redis://h:x"), "port"),
            (("url", "redis://h/x"), "database"),
            (("url", "redis://[::1"), "`[`"),
        ] {
            let error = read(&[config], None).unwrap_err();
            assert!(error.contains(words), "{config:?}: {error}");
        }
    }

    #[test]
    fn passwords_are_told_to_nobody() {
        let error = read(&[], Some("redis://:secret@h:x")).unwrap_err();
        assert!(
            error.contains("`REDIS_URL`") && !error.contains("secret"),
            "{error}"
        );
        let settings = url("redis://ali:secret@h");
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
