//! The hook and the command, as `wash` knows them.

use std::fs;

use serde_json::json;

use crate::bindings::exports::wash::plugin::describer::{self, Descriptor};
use crate::bindings::exports::wash::plugin::hooks::{self, Event};
use crate::bindings::exports::wash::plugin::runner::{self, Invocation};
use crate::bindings::wash::plugin::project;
use crate::bindings::wash::plugin::types::{
    Access, Argument, Command, Count, Format, HookPoint, Path, Permission, Value, ValueKind, Want,
};
use crate::scan::{ALLOWED, Allowed, Finding, advice, lines, scan};

pub(crate) struct SecretScan;

impl describer::Guest for SecretScan {
    fn describe() -> Descriptor {
        let file = Argument {
            name: "file".to_owned(),
            summary: "A file. Without it, what the project here has built".to_owned(),
            kind: ValueKind::File(vec!["wasm".to_owned()]),
            count: Count::AtMostOne,
            default: None,
        };
        let command = Command {
            path: vec!["secret-scan".to_owned()],
            summary: "Look for secrets in a component".to_owned(),
            details: format!(
                "Private keys and the tokens of well-known services, wherever in the file they are. Exits with 1 if \
                 there are any.\n\nThe same is done before each push, which a secret stops. Secrets are not shown; \
                 {}.",
                advice()
            ),
            aliases: Vec::new(),
            group: false,
            arguments: vec![file],
            flags: Vec::new(),
            examples: vec!["wash secret-scan app.wasm".to_owned()],
        };
        let project = Want {
            what: Permission::Project(Access::ReadOnly),
            reason: "to look at what is pushed".to_owned(),
        };
        Descriptor {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Keep components with secrets in them from being pushed".to_owned(),
            commands: vec![command],
            hooks: vec![HookPoint::BeforePush],
            wants: vec![project],
        }
    }
}

impl hooks::Guest for SecretScan {
    fn hook(event: Event) -> Result<(), String> {
        if event.point != HookPoint::BeforePush {
            return Ok(());
        }
        let Some(component) = event.component else {
            // Not to look is not to have found nothing.
            return Err(
                "it cannot look for secrets in what is pushed; `wash plugin allow secret-scan --project` lets it"
                    .to_owned(),
            );
        };
        let findings = scanned(&component)?;
        match findings.as_slice() {
            [] => Ok(()),
            findings => Err(format!(
                "`{}` seems to have secrets in it\n{}\n{}",
                component.shown,
                lines(findings),
                advice()
            )),
        }
    }
}

impl runner::Guest for SecretScan {
    fn run(invocation: Invocation) -> Result<u8, String> {
        let named = invocation.values.iter().find(|named| named.name == "file");
        let path = match named.and_then(|named| named.values.first()) {
            Some(Value::Path(path)) => path.clone(),
            _ => built()?,
        };
        let findings = scanned(&path)?;
        match invocation.format {
            Format::Json => {
                let list = findings.iter().map(|finding| {
                    json!({
                        "kind": finding.kind,
                        "place": finding.place,
                        "position": finding.position,
                        "fingerprint": finding.fingerprint,
                    })
                });
                let list: Vec<_> = list.collect();
                println!("{}", json!({"file": path.shown, "secrets": list}));
            }
            Format::Text if findings.is_empty() => println!("{}: no secrets", path.shown),
            Format::Text => println!("{}\n{}", lines(&findings), advice()),
        }
        Ok(u8::from(!findings.is_empty()))
    }
}

fn scanned(path: &Path) -> Result<Vec<Finding>, String> {
    let bytes =
        fs::read(&path.path).map_err(|error| format!("cannot read `{}`: {error}", path.shown))?;
    // There may be no such file, and no project.
    let allowed = fs::read_to_string(format!("/project/{ALLOWED}")).unwrap_or_default();
    Ok(scan(&bytes, &Allowed::parse(&allowed)))
}

/// What the project in the current directory has built.
fn built() -> Result<Path, String> {
    let info = project::current().map_err(|error| match error {
        project::Error::NoProject(reason) | project::Error::Denied(reason) => reason,
    })?;
    match info.component {
        Some(path) => Ok(Path {
            shown: path.strip_prefix("/project/").unwrap_or(&path).to_owned(),
            path,
        }),
        None => Err(format!(
            "there is nothing in the project `{}` that it has built: run `wash build`, or name the file",
            info.name
        )),
    }
}
