//! The options of every command that talks to a registry.

use std::io::{self, BufRead as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use wash_common::advice;
use wash_fetch::oci::{Access, Login, Scheme, Source};

use crate::commands::{Globals, prompt};
use crate::completion::values;

// No doc comment: it would become the help of the commands.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Registry options")]
pub struct AccessArgs {
    /// Use plain HTTP
    #[arg(long)]
    insecure: bool,
    /// User name; prompts for the password unless an option sets it
    ///
    /// Without it, credentials come from WASH_OCI_USER and WASH_OCI_PASSWORD (only for WASH_OCI_REGISTRY, if set), or
    /// from docker's config file and its credential helpers.
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// Password or token; visible to others, prefer `--password-stdin`
    #[arg(
        short,
        long,
        value_name = "PASSWORD",
        requires = "user",
        hide_env_values = true
    )]
    password: Option<String>,
    /// Read the password from stdin
    #[arg(long, requires = "user", conflicts_with = "password")]
    password_stdin: bool,
    /// Also trust these certificate authorities [env: WASH_OCI_CA_PATHS]
    #[arg(long, value_name = "FILE", value_delimiter = ',', add = values::file())]
    ca_path: Vec<PathBuf>,
    /// Timeout for registry requests, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
}

impl AccessArgs {
    /// With what the environment says where no option does.
    pub fn access(&self, globals: &Globals) -> anyhow::Result<Access> {
        let mut access = Access::from_env();
        if self.insecure {
            access.scheme = Scheme::Http;
        }
        if let Some(seconds) = self.timeout {
            access.timeout = Duration::from_secs(seconds);
        }
        if !self.ca_path.is_empty() {
            let paths = self.ca_path.iter().map(|path| globals.path(path));
            access.ca_paths = paths.collect::<anyhow::Result<_>>()?;
        }
        if let Some(user) = &self.user {
            access.login_for = None;
            access.login = Some(Login {
                user: user.clone(),
                password: self.password()?,
                source: Source::CommandLine,
            });
        }
        Ok(access)
    }

    fn password(&self) -> anyhow::Result<String> {
        if let Some(password) = &self.password {
            return Ok(password.clone());
        }
        if self.password_stdin {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line);
            read.context("cannot read the password from stdin")?;
            let password = line.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                return Err(advice::usage("stdin has no password"));
            }
            return Ok(password.to_string());
        }
        if !prompt::somebody_is_there() {
            return Err(advice::usage(
                "`--user` needs a password: use `--password-stdin`",
            ));
        }
        prompt::drop_typed();
        let prompt = dialoguer::Password::new().with_prompt("Password");
        prompt.interact().context("cannot ask for the password")
    }
}
