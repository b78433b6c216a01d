//! What to use instead of commands and options that people try because other tools have them.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Commands of `wash` itself. Those below `wash plugin` and the like have suggestions of their own.
const COMMANDS: [(&[&str], &str); 15] = [
    (
        &[
            "run", "serve", "server", "up", "start", "watch", "app", "preview",
        ],
        "`wash dev` builds and serves a project, and reloads it; `wash call FILE.wasm run` runs a command component once",
    ),
    (
        &["deploy"],
        "`wash build --compose` writes one component for other runtimes; `wash oci push` publishes it",
    ),
    (
        &["push", "publish"],
        "`wash oci push` publishes a component in a registry",
    ),
    (
        &["pull"],
        "`wash oci pull` downloads a component from a registry",
    ),
    (
        &["login", "logout"],
        "`wash oci` uses the credentials of `docker login`, or `--user` and `--password-stdin`",
    ),
    (
        &["init", "create", "generate"],
        "`wash new` creates a project; `wash config init` adds a config file to an existing one",
    ),
    (
        &["add", "remove"],
        "`wash wit add` and `wash wit remove` change the interfaces of a world; `dev.components` in .wash/config.yaml names other components",
    ),
    (
        &["install", "uninstall"],
        "`wash plugin install` installs a plugin, `wash plugin uninstall` removes it",
    ),
    (
        &["test", "exec", "invoke"],
        "`wash call` calls a function of the component; run a project's tests with its own tools",
    ),
    (
        &["log", "logs"],
        "`wash dev` prints what components log; with `-o json`, one JSON object a line",
    ),
    (
        &["graph"],
        "`wash inspect --graph` draws how components are linked",
    ),
    (
        &["compose", "link", "plug"],
        "`wash build --compose` writes the linked components as one; `wash inspect --plan` shows how they are linked",
    ),
    (
        &["update", "upgrade"],
        "`wash wit update` updates WIT packages, `wash plugin upgrade` plugins",
    ),
    (
        &["check", "lint", "validate"],
        "`wash doctor` checks the project and this machine, `wash config validate` the configuration, `wash wit check` the WIT",
    ),
    (
        &["clean", "cleanup"],
        "`wash config cleanup` removes caches",
    ),
];

/// Subcommands, with the command that they are below.
const SUBCOMMANDS: [(&str, &[&str], &str); 22] = [
    (
        "plugin",
        &["get"],
        "`wash plugin install` installs a plugin",
    ),
    (
        "plugin",
        &["rm", "delete"],
        "`wash plugin uninstall` removes a plugin",
    ),
    (
        "plugin",
        &["update"],
        "`wash plugin upgrade` installs new versions of plugins",
    ),
    (
        "plugin",
        &["info", "inspect"],
        "`wash plugin show` shows what a plugin adds and its permissions",
    ),
    (
        "plugin",
        &["grant", "permit"],
        "`wash plugin allow` grants permissions to a plugin",
    ),
    (
        "plugin",
        &["revoke", "forbid"],
        "`wash plugin deny` revokes permissions of a plugin",
    ),
    (
        "plugin",
        &["run", "try", "exec"],
        "`wash plugin test` runs a plugin without installing it",
    ),
    (
        "oci",
        &["publish", "upload"],
        "`wash oci push` publishes a component in a registry",
    ),
    (
        "oci",
        &["fetch", "download", "get"],
        "`wash oci pull` downloads a component from a registry",
    ),
    (
        "oci",
        &["login", "logout"],
        "`wash oci` uses the credentials of `docker login`, or `--user` and `--password-stdin`",
    ),
    (
        "wit",
        &["install"],
        "`wash wit add` adds a package to a world, `wash wit fetch` fetches missing packages",
    ),
    (
        "wit",
        &["rm", "delete", "uninstall"],
        "`wash wit remove` removes a package from the worlds",
    ),
    (
        "wit",
        &["upgrade"],
        "`wash wit update` fetches packages again",
    ),
    (
        "wit",
        &["new", "create"],
        "`wash wit init` creates the WIT package of a project",
    ),
    (
        "wit",
        &["validate", "lint"],
        "`wash wit check` checks the WIT of a project",
    ),
    (
        "wit",
        &["deps", "graph", "list"],
        "`wash wit tree` shows the packages that a project needs",
    ),
    (
        "wit",
        &["publish", "push"],
        "`wash wit build` encodes a package, and `wash oci push` publishes it",
    ),
    (
        "config",
        &["check", "lint"],
        "`wash config validate` checks the configuration",
    ),
    (
        "config",
        &["get", "print", "view", "list"],
        "`wash config show` prints the configuration, or one key of it",
    ),
    (
        "config",
        &["new", "create"],
        "`wash config init` writes a config file",
    ),
    (
        "config",
        &["clean", "clear"],
        "`wash config cleanup` removes caches",
    ),
    (
        "config",
        &["path", "paths", "where"],
        "`wash config info` shows the paths of config files",
    ),
];

/// Options, with the command that they are about, where that matters.
const OPTIONS: [(&[&str], Option<&str>, &str); 12] = [
    (
        &["--port", "-p", "--host", "--listen", "--bind"],
        None,
        "use `wash dev --address 127.0.0.1:9000`; to listen on all interfaces, `--address 0.0.0.0:9000`",
    ),
    (
        &["--open"],
        None,
        "`wash dev` prints its URL when it serves; it does not open a browser",
    ),
    (
        &["--release", "-r"],
        Some("dev"),
        "`build: {rust: {release: true}}` in .wash/config.yaml makes release builds in `wash dev`, too",
    ),
    (
        &["--release", "-r"],
        Some("build"),
        "`wash build` makes a release build anyway",
    ),
    (
        &["--release", "-r", "--profile"],
        None,
        "`build: {rust: {release: true}}` in .wash/config.yaml makes release builds",
    ),
    (
        &["--watch", "-w"],
        None,
        "`wash dev` watches the project and reloads it",
    ),
    (
        &["--debug"],
        Some("build"),
        "`build: {rust: {release: false}}` in .wash/config.yaml makes debug builds; `--log-level debug` logs more",
    ),
    (&["--debug", "-d"], None, "`--log-level debug` logs more"),
    (
        &["--lang", "--language"],
        None,
        "the template sets the language: `wash new --list` lists them; for example `--template http-typescript`",
    ),
    (&["--json"], None, "`-o json` prints JSON"),
    (
        &["--version", "-V"],
        None,
        "`wash --version` prints the version of wash, `wash plugin list` those of plugins",
    ),
    (
        &["--cwd", "--dir", "--project", "--path"],
        None,
        "`-C DIR` works on the project in another directory",
    ),
];

/// Replaces the suggestions of an error by ours, if there is one for what was typed.
pub(super) fn with_tip(mut error: Error) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let command = command(&error);
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand);
            word.and_then(|word| match &command {
                None => of_command(&word),
                Some(parent) => of_subcommand(parent, &word),
            })
        }
        ErrorKind::UnknownArgument => {
            text(ContextKind::InvalidArg).and_then(|option| of_option(&option, command.as_deref()))
        }
        _ => None,
    };
    if let Some(tip) = tip {
        for kind in [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::Suggested,
        ] {
            error.remove(kind);
        }
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

fn of_command(word: &str) -> Option<&'static str> {
    let found = COMMANDS.iter().find(|(words, _)| words.contains(&word));
    found.map(|(_, tip)| *tip)
}

fn of_subcommand(parent: &str, word: &str) -> Option<&'static str> {
    let found = SUBCOMMANDS
        .iter()
        .find(|(command, words, _)| *command == parent && words.contains(&word));
    found.map(|(.., tip)| *tip)
}

fn of_option(option: &str, command: Option<&str>) -> Option<&'static str> {
    let option = option.split('=').next().unwrap_or(option);
    let found = OPTIONS.iter().find(|(options, of, _)| {
        options.contains(&option) && (of.is_none() || of.as_deref() == command)
    });
    found.map(|(.., tip)| *tip)
}

/// The command that an error is about, which only its usage line tells: `Usage: wash dev [OPTIONS]`. `None` for `wash` itself.
fn command(error: &Error) -> Option<String> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return None;
    };
    let usage = usage.to_string();
    let word = usage.split_whitespace().nth(2)?;
    word.starts_with(|c: char| c.is_ascii_lowercase())
        .then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command as wash;

    fn told(line: &str) -> String {
        let error = wash().try_get_matches_from(line.split(' ')).unwrap_err();
        with_tip(error).render().to_string()
    }

    #[test]
    fn what_other_tools_have_leads_to_what_we_have() {
        for (line, tip) in [
            ("wash run", "wash dev"),
            ("wash serve --port 80", "wash dev"),
            ("wash init", "wash new"),
            ("wash login", "docker login"),
            ("wash compose", "build --compose"),
            ("wash push x", "oci push"),
            ("wash plugin get x", "plugin install"),
            ("wash plugin rm x", "plugin uninstall"),
            ("wash oci publish", "oci push"),
            ("wash wit upgrade", "wit update"),
            ("wash config get x", "config show"),
            ("wash dev --version", "wash --version"),
            ("wash dev --port 80", "--address"),
            ("wash dev --port=80", "--address"),
            ("wash dev -p 80", "--address"),
            ("wash dev --host 0.0.0.0", "--address"),
            ("wash dev --open", "URL"),
            ("wash dev --release", "rust: {release: true}"),
            ("wash build --release", "anyway"),
            ("wash build --watch", "wash dev"),
            ("wash dev --debug", "--log-level"),
            ("wash new x --lang go", "--template"),
        ] {
            let told = told(line);
            let tips: Vec<&str> = told.lines().filter(|line| line.contains("tip:")).collect();
            assert!(
                matches!(tips.as_slice(), [only] if only.contains(tip)),
                "{line}: {told}"
            );
        }
    }

    #[test]
    fn other_mistakes_keep_their_suggestions() {
        for (line, suggestion) in [
            ("wash biuld", "'build'"),
            ("wash dev --adress x", "'--address'"),
            ("wash plugin remove", ""),
        ] {
            let told = told(line);
            assert!(
                told.contains(suggestion) && !told.contains("wash wit"),
                "{told}"
            );
        }
    }

    /// None of them is a command or an option that we have.
    #[test]
    fn tips_are_for_what_is_not_there() {
        let wash = wash();
        for word in COMMANDS.iter().flat_map(|(words, _)| *words) {
            assert!(wash.find_subcommand(word).is_none(), "{word}");
        }
        for (parent, words, _) in SUBCOMMANDS {
            let parent = wash.find_subcommand(parent).unwrap();
            for word in words {
                assert!(parent.find_subcommand(word).is_none(), "{word}");
            }
        }
    }
}
