//! The questions of `wash new`, on a terminal; elsewhere what is missing is an error.

use dialoguer::Select;
use wash_common::advice::{Advice, ErrorClass, hinted};
use wash_common::sanitize;

use super::list;
use crate::commands::prompt;
use crate::template::bundled;
use crate::template::bundled::Template;
use crate::template::name::Name;

/// Nobody is there to be asked.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("no template given, and this is not a terminal")]
    Template {
        /// What was taken for the name of the project.
        name: Option<String>,
    },
    #[error("no project name given, and this is not a terminal")]
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

    fn fault(&self) -> ErrorClass {
        ErrorClass::Usage
    }
}

pub(super) async fn template(name: Option<&str>) -> anyhow::Result<&'static Template> {
    if !prompt::somebody_is_there() {
        let name = name.map(String::from);
        return Err(hinted(Missing::Template { name }));
    }
    let ask = || {
        let menu = Select::new().with_prompt("template").items(list::lines());
        menu.default(0).interact()
    };
    let chosen = prompt::answer(ask).await?;
    let template = bundled::all().get(chosen);
    template.ok_or_else(|| anyhow::anyhow!("no template chosen"))
}

pub(super) async fn name(template: &Template) -> anyhow::Result<String> {
    if !prompt::somebody_is_there() {
        let template = template.name.clone();
        return Err(hinted(Missing::Name { template }));
    }
    let valid = |name: &str| match name.parse::<Name>() {
        Ok(_) => Ok(name.to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let name = prompt::line("name of the project:".to_owned(), valid).await?;
    name.ok_or_else(|| anyhow::anyhow!("no project name given"))
}

/// Whether a template's own command may be run. Where nobody can be asked, nobody has agreed. What comes with wash is known to
/// do no harm.
pub(super) async fn may_run(command: &str, comes_with_wash: bool) -> anyhow::Result<bool> {
    if !prompt::somebody_is_there() {
        return Ok(false);
    }
    let command = sanitize::escape(command);
    let question = match comes_with_wash {
        true => format!("run `{command}` in the project now?"),
        false => format!("the template wants to run `{command}` in the project; run it?"),
    };
    prompt::confirm(&question, comes_with_wash).await
}
