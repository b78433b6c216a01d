//! `wash completion`: the scripts, and where they are put.

use std::fs;

use crate::home::{Home, said};
use crate::terminal::{SHELLS, Terminal};

#[test]
fn it_is_installed_checked_and_taken_away() {
    for shell in SHELLS {
        let home = Home::new();
        let check = |state: &str| {
            let output = home.command("", &["completion", "--check", shell, "-o", "json"]);
            let output = { output }.output().unwrap();
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(answer["data"]["state"], state, "{}", said(&output));
            assert_eq!(output.status.success(), state == "fine");
        };
        let before = fs::read_to_string(home.path(".zshrc")).unwrap();
        check("missing");
        let would = home.wash("", &["completion", "install", shell, "--dry-run"]);
        assert!(would.contains("would write"), "{would}");
        check("missing");
        let did = home.wash("", &["completion", "install", shell]);
        assert!(did.contains("wrote"), "{did}");
        check("fine");
        let again = home.wash("", &["completion", "install", shell]);
        assert!(
            again.lines().all(|line| line.starts_with("unchanged ")),
            "{again}"
        );
        home.wash("", &["completion", "uninstall", shell]);
        check("missing");
        assert_eq!(fs::read_to_string(home.path(".zshrc")).unwrap(), before);
    }
}

#[test]
fn the_shell_is_the_one_that_runs_wash() {
    for shell in SHELLS {
        let home = Home::new();
        let mut terminal = Terminal::start(shell, &home, "");
        terminal.types("wash completion install --dry-run\r");
        terminal.shows("would write");
        let place = match shell {
            "bash" => "bash-completion/completions/wash",
            "zsh" => "zsh/site-functions/_wash",
            "fish" => "fish/completions/wash.fish",
            _ => "elvish/lib/wash-completion.elv",
        };
        terminal.shows(place);
    }
}

#[test]
fn the_doctor_tells_of_it() {
    let home = Home::new();
    let mut terminal = Terminal::start("fish", &home, "");
    terminal.types("wash doctor | tail -20\r");
    terminal.shows("wash completion install fish");
    home.wash("", &["completion", "install", "fish"]);
    terminal.clears().types("wash doctor | tail -20\r");
    terminal.shows("fish: installed");
}

#[test]
fn a_printed_script_can_be_loaded_by_hand() {
    for (shell, load) in [
        ("bash", "source <(wash completion bash)"),
        (
            "zsh",
            "autoload -Uz compinit; compinit -i; source <(wash completion zsh)",
        ),
        ("fish", "wash completion fish | source"),
        ("elvish", "eval (wash completion elvish | slurp)"),
    ] {
        let home = Home::new();
        let mut terminal = Terminal::start(shell, &home, "");
        terminal.types(&format!("{load}\r"));
        terminal.line("");
        terminal.clears();
        terminal.types("wash ins\t").line("wash inspect ");
    }
}

#[test]
fn bash_completion_finds_it_in_its_own_folder() {
    let home = Home::new();
    let rc = home.path(".bashrc");
    let own = fs::read_to_string(&rc).unwrap() + ". /usr/share/bash-completion/bash_completion\n";
    fs::write(&rc, &own).unwrap();
    home.wash("", &["completion", "install", "bash"]);
    assert_eq!(fs::read_to_string(&rc).unwrap(), own);
    let mut terminal = Terminal::start("bash", &home, "");
    terminal
        .types("wash docker pus\t")
        .line("wash docker push ");
}

/// Files of a user that decide where completions are looked for, and what `install` must do about each.
#[test]
fn the_shell_that_runs_completes_whatever_its_files_say() {
    for (shell, files) in [
        // A variable that is not exported: only zsh knows.
        (
            "zsh",
            &[
                (".zshenv", "ZDOTDIR=$HOME/zd\n"),
                ("zd/.zshrc", "PROMPT='%% '\nunset zle_bracketed_paste\n"),
            ][..],
        ),
        // A plugin manager that comes after our lines.
        (
            "zsh",
            &[
                (".zshrc", "PROMPT='%% '\nunset zle_bracketed_paste\n"),
                (".zshrc-later", "autoload -Uz compinit; compinit -i\n"),
            ],
        ),
        (
            "zsh",
            &[(
                ".zshrc",
                "PROMPT='%% '\nunset zle_bracketed_paste\nsetopt ksh_arrays\n",
            )],
        ),
        // bash-completion for login shells alone.
        (
            "bash",
            &[(
                ".bash_profile",
                ". /usr/share/bash-completion/bash_completion\n",
            )],
        ),
        // Something else that has its name.
        (
            "bash",
            &[(
                ".bashrc",
                "PS1='% '\nbind 'set enable-bracketed-paste off'\n[ -f ~/.bash_completion ] && . ~/.bash_completion\n",
            )],
        ),
    ] {
        let home = Home::new();
        for (name, text) in files {
            home.file(name, text);
        }
        let check = || {
            home.command("", &["completion", "--check", shell])
                .output()
                .unwrap()
        };
        assert_eq!(check().status.code(), Some(1), "{}", said(&check()));
        home.wash("", &["completion", "install", shell]);
        if let Ok(later) = fs::read_to_string(home.path(".zshrc-later")) {
            let rc = fs::read_to_string(home.path(".zshrc")).unwrap();
            home.file(".zshrc", rc + &later);
        }
        assert_eq!(
            check().status.code(),
            Some(0),
            "{files:?}: {}",
            said(&check())
        );
        let mut terminal = Terminal::start(shell, &home, "");
        terminal.types("wash ins\t").line("wash inspect ");
        assert!(!terminal.contents().contains("bad output format"));
        home.wash("", &["completion", "uninstall", shell]);
        assert_eq!(
            check().status.code(),
            Some(1),
            "{files:?}: {}",
            said(&check())
        );
    }
}

#[test]
fn what_a_shell_loads_from_elsewhere_is_installed() {
    let home = Home::new();
    home.file(
        ".config/fish/conf.d/tools.fish",
        "wash completion fish | source\n",
    );
    home.wash("", &["completion", "--check", "fish"]);
}

#[test]
fn what_a_shell_does_not_load_is_not_called_installed() {
    let home = Home::with("bash");
    home.wash("", &["completion", "--check", "bash"]);
    // The lines are there, and are not read.
    let rc = home.path(".bashrc");
    let lines = fs::read_to_string(&rc).unwrap();
    fs::write(&rc, format!("return\n{lines}")).unwrap();
    let output = home.command("", &["completion", "--check", "bash"]);
    let output = { output }.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let output = home.command("", &["completion", "install", "bash"]);
    let output = { output }.output().unwrap();
    let told = said(&output);
    assert!(
        told.contains("bash does not load the completions"),
        "{told}"
    );
    assert!(!told.contains("to use the completions"), "{told}");
}

#[test]
fn a_file_that_is_no_text_is_edited_all_the_same() {
    let home = Home::new();
    let own = b"# caf\xe9\nPROMPT='%% '\n";
    home.file(".zshrc", own);
    home.wash("", &["completion", "install", "zsh"]);
    home.wash("", &["completion", "uninstall", "zsh"]);
    assert_eq!(fs::read(home.path(".zshrc")).unwrap(), own);
}

#[test]
fn a_script_of_another_version_is_told_how_to_be_mended() {
    let home = Home::with("bash");
    let script = home.path(".local/share/bash-completion/completions/wash");
    let text = fs::read_to_string(&script).unwrap();
    fs::write(&script, text.replace("bash:1", "bash:0")).unwrap();
    let mut terminal = Terminal::start("bash", &home, "");
    terminal.types("wash ins\t");
    terminal.shows("wash completion install");
    let output = home
        .command("", &["completion", "--check", "bash"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("it is from another version of wash"),
        "{}",
        said(&output)
    );
}

#[test]
fn without_a_shell_it_says_what_to_name() {
    let home = Home::new();
    // As a daemon runs it: no shell is near, and nobody has logged in.
    let mut command = std::process::Command::new("setsid");
    for _ in 0..6 {
        command.args(["--fork", "--wait", "setsid"]);
    }
    let output = command
        .args(["--fork", "--wait"])
        .arg(home.path("bin/wash"))
        .args(["completion", "install", "--dry-run"])
        .env_clear()
        .envs(home.environment())
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("wash completion install bash|"), "{said}");
}

/// What a shell keeps for itself is not written because `wash` asks it.
#[test]
fn asking_leaves_nothing_behind() {
    let home = Home::with("zsh");
    home.file(".zshenv", "export SEEN=1\n");
    let rc = fs::read_to_string(home.path(".zshrc")).unwrap();
    let own = "[[ -n $SEEN ]] && autoload -Uz compinit && compinit -d ~/.dump\n";
    home.file(".zshrc", own.to_owned() + &rc);
    let files = || {
        let entries = fs::read_dir(home.path("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let output = home.command("", &["completion", "--check", "zsh", "-o", "json"]);
    let output = { output }.output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["data"]["state"], "fine", "{}", said(&output));
    assert_eq!(files(), before);
}
