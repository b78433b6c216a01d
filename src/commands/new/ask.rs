//! The questions of `wash new`, on a terminal; elsewhere what is missing is an error.

use std::io::ErrorKind;
use std::thread;

use dialoguer::console::Term;
use dialoguer::{Input, Select};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::list;
use crate::commands::prompt;
use crate::report::{Advice, Fault, hinted};
use crate::template::bundled::{self, Template};
use crate::template::name::Name;
use crate::template::{TemplateError, visible};

/// What is asked is given up when the command is cancelled.
pub(super) struct Asking<'a> {
    cancel: &'a CancellationToken,
    terminal: bool,
}

/// Nobody is there to be asked.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("no template was chosen: this is not a terminal, so there is no menu")]
    Template {
        /// What was taken for the name of the project.
        name: Option<String>,
    },
    #[error("the project has no name: this is not a terminal, so nobody can be asked")]
    Name { template: String },
}

impl Advice for Missing {
    fn hints(&self) -> Vec<String> {
        match self {
            Missing::Name { template } => vec![format!("wash new NAME --template {template}")],
            Missing::Template { name: Some(name) } if bundled::find(name).is_some() => {
                vec![format!(
                    "`{name}` is a template: wash new NAME --template {name}"
                )]
            }
            Missing::Template { name } => {
                let name = name.as_deref().unwrap_or("NAME");
                let templates = list::lines().join("\n  ");
                vec![format!(
                    "wash new {name} --template TEMPLATE, which is one of\n\n  {templates}"
                )]
            }
        }
    }

    fn fault(&self) -> Fault {
        Fault::Usage
    }
}

impl<'a> Asking<'a> {
    pub(super) fn new(cancel: &'a CancellationToken) -> Self {
        let terminal = prompt::somebody_is_there();
        Self { cancel, terminal }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(super) async fn template(&self, name: Option<&str>) -> anyhow::Result<&'static Template> {
        if !self.terminal {
            let name = name.map(String::from);
            return Err(hinted(Missing::Template { name }));
        }
        let ask = || {
            let menu = Select::new().with_prompt("template").items(list::lines());
            menu.default(0).interact()
        };
        let chosen = self.ask(ask).await?;
        let template = bundled::all().get(chosen);
        template.ok_or_else(|| anyhow::anyhow!("no template was chosen"))
    }

    pub(super) async fn name(&self, template: &Template) -> anyhow::Result<String> {
        if !self.terminal {
            let template = template.name.clone();
            return Err(hinted(Missing::Name { template }));
        }
        let ask = || {
            let valid = |name: &String| name.parse::<Name>().map(|_| ());
            let input = Input::<String>::new().with_prompt("name of the project");
            input.validate_with(valid).interact_text()
        };
        self.ask(ask).await
    }

    /// Whether a template's own command may be run. Where nobody can be asked, nobody has agreed.
    pub(super) async fn may_run(&self, command: &str) -> anyhow::Result<bool> {
        if !self.terminal {
            return Ok(false);
        }
        let command = visible(command);
        let prompt = format!("the template wants to run `{command}` in the project; run it?");
        let ask = move || prompt::confirm(&prompt, false);
        self.ask(ask).await
    }

    /// The answer is waited for in a thread of its own, which nobody waits for when it does not come.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (sender, answer) = oneshot::channel();
        thread::spawn(move || {
            // Whoever asked may be gone.
            let _ = sender.send(ask());
        });
        let answer = tokio::select! {
            answer = answer => answer.ok(),
            () = self.cancel.cancelled() => None,
        };
        match answer {
            Some(Ok(answer)) => return Ok(answer),
            // The signal of Ctrl-C is under way to whoever cancels.
            Some(Err(dialoguer::Error::IO(error))) if error.kind() == ErrorKind::Interrupted => {
                self.cancel.cancelled().await;
            }
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
        show_cursor();
        Err(TemplateError::Cancelled.into())
    }
}

/// A menu hides it, and is not there to show it again.
fn show_cursor() {
    // A terminal that is gone has no cursor.
    let _ = Term::stderr().show_cursor();
}
