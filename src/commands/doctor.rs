//! `wash doctor`

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use serde_json::{Value as Json, json};
use wash_common::advice::hinted;
use wash_common::sanitize;

use super::{Globals, prompt, root_above, unless_stopped};
use crate::completion::values;
use crate::doctor::{Area, Finding, Fix, Level, Patient};
use crate::project::Purpose;
use crate::{doctor, report};

/// Check the project and this machine for problems
///
/// Checks the project, its configuration and build tools, ports, caches and registry credentials, and shows how to fix
/// each problem. Exits with 1 if there are errors, and with 0 if there are only warnings. Never runs code of the project,
/// and never uses the network without `--online`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash doctor\n  wash doctor --fix\n  wash doctor -o json | jq '.data.findings[] | select(.level == \"error\")'"
)]
pub struct DoctorArgs {
    /// Project directory [default: current directory]
    #[arg(value_name = "DIR", add = values::directory())]
    project: Option<PathBuf>,
    /// Apply safe fixes, asking before each
    #[arg(long)]
    fix: bool,
    /// Don't ask for confirmation
    #[arg(short, long, requires = "fix")]
    yes: bool,
    /// Also check the project's images in their registries
    #[arg(long)]
    online: bool,
}

/// A command that was run to mend something.
struct Done {
    line: String,
    ok: bool,
}

pub async fn run(args: DoctorArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let start = globals.path_or_here(args.project.as_deref())?;
    let patient = Patient {
        root: root_above(&start)?,
        overrides: globals.overrides(Purpose::Dev)?,
        online: args.online,
    };
    let mut findings = unless_stopped(doctor::examine(&patient)).await?;
    let mut done = Vec::new();
    if args.fix {
        let fixes = fixes(&findings);
        if !args.yes {
            ask_somebody(&fixes)?;
        }
        for (finding, fix) in fixes {
            if args.yes || asked(finding, &fix).await? {
                done.push(unless_stopped(mend(&fix)).await?);
            }
        }
        if !done.is_empty() {
            findings = unless_stopped(doctor::examine(&patient)).await?;
        }
    }
    tell(&patient, &findings, &done, globals)
}

/// What may be run, each once.
fn fixes(findings: &[Finding]) -> Vec<(&Finding, Fix)> {
    let mut fixes: Vec<(&Finding, Fix)> = Vec::new();
    for finding in findings {
        if let Some(fix) = &finding.fix
            && !fixes.iter().any(|(_, known)| known == fix)
        {
            fixes.push((finding, fix.clone()));
        }
    }
    fixes
}

fn ask_somebody(fixes: &[(&Finding, Fix)]) -> anyhow::Result<()> {
    if fixes.is_empty() || prompt::somebody_is_there() {
        return Ok(());
    }
    let lines: Vec<String> = fixes
        .iter()
        .map(|(_, fix)| format!("`{}`", fix.line()))
        .collect();
    Err(hinted(prompt::NobodyToAsk {
        question: format!("run {}", lines.join(", ")),
        hint: "to run it without a prompt: wash doctor --fix --yes",
    }))
}

async fn asked(finding: &Finding, fix: &Fix) -> anyhow::Result<bool> {
    report::info(&sanitize::hint(&finding.message));
    let question = format!("run `{}`?", fix.line());
    prompt::confirm(&question, true).await
}

/// Runs a command. What it prints is talk.
async fn mend(fix: &Fix) -> Done {
    let line = fix.line();
    report::info(&format!("running `{line}`"));
    let (program, arguments) = fix.argv.split_first().expect("a fix is a command");
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .stdout(Stdio::from(io::stderr()));
    if let Some(dir) = &fix.dir {
        command.current_dir(dir);
    }
    let ok = match command.status().await {
        Ok(status) => status.success(),
        Err(error) => {
            report::info(&format!("`{program}` cannot be run: {error}"));
            false
        }
    };
    Done { line, ok }
}

fn tell(
    patient: &Patient,
    findings: &[Finding],
    done: &[Done],
    globals: &Globals,
) -> anyhow::Result<ExitCode> {
    let count = |level| findings.iter().filter(|found| found.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let failed: Vec<&Done> = done.iter().filter(|done| !done.ok).collect();
    let data = json!({
        "root": report::json_path_or_null(patient.root.as_ref()),
        "errors": errors,
        "warnings": warnings,
        "findings": findings.iter().map(of_finding).collect::<Vec<_>>(),
        "fixed": done.iter().map(|done| json!({
            "command": done.line,
            "ok": done.ok,
        })).collect::<Vec<_>>(),
    });
    let mut text = lines(findings);
    let fixable = fixes(findings).len();
    if fixable > 0 {
        let _ = writeln!(
            text,
            "\n`wash doctor --fix` runs {} of these commands",
            fixable
        );
    }
    for done in failed {
        let _ = writeln!(text, "\n`{}` failed", done.line);
    }
    let text = text.trim_end();
    let number = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    };
    if errors > 0 {
        let message = match warnings {
            0 => number(errors, "error"),
            _ => format!(
                "{}, {}",
                number(errors, "error"),
                number(warnings, "warning")
            ),
        };
        report::incomplete(globals.output, text, &message, data)?;
        return Ok(ExitCode::FAILURE);
    }
    let message = match warnings {
        0 => "no errors".to_string(),
        _ => format!("no errors, {}", number(warnings, "warning")),
    };
    let text = format!("{text}\n\n{message}");
    report::success(globals.output, &text, &message, data)?;
    Ok(ExitCode::SUCCESS)
}

fn of_finding(finding: &Finding) -> Json {
    json!({
        "area": finding.area.name(),
        "level": finding.level.name(),
        "message": finding.message,
        "hint": finding.hint,
        "fix": finding.fix.as_ref().map(|fix| json!({
            "command": fix.line(),
            "argv": fix.argv,
            "directory": report::json_path_or_null(fix.dir.as_ref()),
        })),
    })
}

/// By area. Below what is wrong stands what mends it.
fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut area: Option<Area> = None;
    for finding in findings {
        if area != Some(finding.area) {
            area = Some(finding.area);
            let _ = writeln!(text, "{}", finding.area.name());
        }
        let level = match finding.level {
            Level::Fine => "ok",
            level => level.name(),
        };
        let indented = |text: &str| sanitize::hint(text.trim_end()).replace('\n', "\n           ");
        let _ = writeln!(text, "  {level:7}  {}", indented(&finding.message));
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "           -> {}", indented(hint));
        }
    }
    text
}
