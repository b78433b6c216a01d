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
        said(&output).contains("it is of another version of wash"),
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
