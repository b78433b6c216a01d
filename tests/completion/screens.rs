//! What shells show.

use std::fs;

use crate::answers::candidates;
use crate::home::{Home, component};
use crate::registry::Registry;
use crate::terminal::{SHELLS, Terminal};

/// Types each line, which ends in a tab, and waits for what it becomes.
fn becomes(terminal: &mut Terminal, cases: &[(&str, &str)]) {
    for (typed, line) in cases {
        terminal.types(typed).line(line);
        terminal.clears();
    }
}

#[test]
fn words_are_completed_as_they_are_typed() {
    for shell in SHELLS {
        let home = Home::with(shell);
        home.project();
        let mut terminal = Terminal::start(shell, &home, "project");
        becomes(
            &mut terminal,
            &[
                ("wash ins\t", "wash inspect "),
                ("wash docker pus\t", "wash docker push "),
                // A value that is the name of a command is a value.
                ("wash -C sub bui\t", "wash -C sub build "),
                ("wash -C build ins\t", "wash -C build inspect "),
                ("wash build --offl\t", "wash build --offline "),
                (
                    "wash wit add wasi:keyvalue/st\t",
                    "wash wit add wasi:keyvalue/store ",
                ),
                (
                    "wash wit add wasi:http@0.3.2\t",
                    "wash wit add wasi:http@0.3.2 ",
                ),
                (
                    "wash completion --check el\t",
                    "wash completion --check elvish ",
                ),
            ],
        );
        // Elvish shows it, as it is to be quoted there.
        if shell != "elvish" {
            becomes(
                &mut terminal,
                &[("wash --output=j\t", "wash --output=json ")],
            );
        }
        // After `--` there are neither commands nor options.
        terminal
            .types("wash -- bui\t")
            .types("x")
            .line("wash -- buix");
        terminal.clears();
        terminal.types("wash call greet -- --li\t").types("x");
        terminal.line("wash call greet -- --lix");
    }
}

#[test]
fn a_listing_says_what_there_is_and_what_it_means() {
    for shell in SHELLS {
        let home = Home::with(shell);
        let mut terminal = Terminal::start(shell, &home, "");
        terminal.types("wash oci \t");
        if shell == "bash" {
            terminal.types("\t");
        }
        terminal.shows("push\npull\nPush a component or a WIT package to a registry");
        assert!(!terminal.contents().contains("--output"), "{shell}");
    }
}

#[test]
fn files_are_those_of_the_right_kind_wherever_they_are() {
    for shell in SHELLS {
        let home = Home::with(shell);
        home.project();
        let mut terminal = Terminal::start(shell, &home, "project/sub");
        becomes(
            &mut terminal,
            &[
                ("wash inspect oth\t", "wash inspect other.wasm "),
                ("wash -C .. inspect ap\t", "wash -C .. inspect app.wasm "),
                ("wash -C ../s\t", "wash -C ../sub/"),
                // What the project names, from the folder below it.
                (
                    "wash inspect ../../lib/p\t",
                    "wash inspect ../../lib/painter.wasm ",
                ),
            ],
        );
        // No file in it is a component, but there may be one in a folder below it.
        terminal.types("wash inspect my\\ folder/no\t").types("x");
        terminal.line("wash inspect my\\ folder/nox");
    }
}

#[test]
fn quotes_are_understood_and_kept() {
    for shell in SHELLS {
        let home = Home::with(shell);
        home.project();
        let mut terminal = Terminal::start(shell, &home, "project/sub");
        becomes(
            &mut terminal,
            &[
                ("wash -C 'my folder' bui\t", "wash -C 'my folder' build "),
                (
                    "wash -C \"my folder\" bui\t",
                    "wash -C \"my folder\" build ",
                ),
            ],
        );
        match shell {
            "bash" => becomes(
                &mut terminal,
                &[
                    ("wash -C my\t", "wash -C my\\ folder/"),
                    ("wash -C my\\ f\t", "wash -C my\\ folder/"),
                    // Bash closes the quote. What follows it is of the same word.
                    ("wash -C 'my f\t", "wash -C 'my folder/'"),
                    ("wash -C \"my f\t", "wash -C \"my folder/\""),
                    ("wash -C 'my folder'/\t", "wash -C my\\ folder/deep/"),
                    (
                        "wash wit add \"wasi:keyvalue/st\t",
                        "wash wit add \"wasi:keyvalue/store\" ",
                    ),
                    (
                        "wash wit add wasi\\:keyvalue/st\t",
                        "wash wit add wasi:keyvalue/store ",
                    ),
                ],
            ),
            "zsh" => becomes(
                &mut terminal,
                &[
                    ("wash -C my\t", "wash -C my\\ folder/"),
                    ("wash -C 'my f\t", "wash -C 'my folder/"),
                    (
                        "wash wit add \"wasi:keyvalue/st\t",
                        "wash wit add \"wasi:keyvalue/store\" ",
                    ),
                ],
            ),
            "fish" => becomes(
                &mut terminal,
                &[
                    ("wash -C my\t", "wash -C my\\ folder/"),
                    ("wash -C 'my f\t", "wash -C 'my folder/"),
                ],
            ),
            // It leaves the cursor where it was, and shows what it would be.
            _ => {
                terminal.types("wash -C my\t");
                terminal.shows("% wash -C 'my folder/'");
            }
        }
    }
}

#[test]
fn homes_and_variables_are_left_to_the_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let home = Home::with(shell);
        home.file("in-the-home.wasm", component());
        home.file("sub/none.txt", "");
        let mut terminal = Terminal::start(shell, &home, "sub");
        becomes(
            &mut terminal,
            &[
                ("wash inspect ~/in-\t", "wash inspect ~/in-the-home.wasm "),
                ("wash -C ~/su\t", "wash -C ~/sub/"),
                (
                    "wash inspect $HOME/in-\t",
                    "wash inspect $HOME/in-the-home.wasm ",
                ),
            ],
        );
    }
}

#[test]
fn words_match_as_the_user_has_the_shell_match_them() {
    for shell in ["bash", "zsh", "fish"] {
        let home = Home::with(shell);
        home.file("Xylophone.wasm", component());
        home.file(".inputrc", "set completion-ignore-case on\n");
        let rc = home.path(".zshrc");
        let matching = "zstyle ':completion:*' matcher-list 'm:{a-zA-Z}={A-Za-z}'\n";
        let text = fs::read_to_string(&rc).unwrap();
        fs::write(&rc, text + matching).unwrap();
        let mut terminal = Terminal::start(shell, &home, "");
        becomes(
            &mut terminal,
            &[
                ("wash INSP\t", "wash inspect "),
                ("wash inspect xy\t", "wash inspect Xylophone.wasm "),
            ],
        );
        if shell == "fish" {
            becomes(&mut terminal, &[("wash nspect\t", "wash inspect ")]);
        }
    }
    // Who has not asked for it gets what begins with the word.
    let home = Home::with("bash");
    let mut terminal = Terminal::start("bash", &home, "");
    terminal.types("wash INSP\t").types("x");
    terminal.line("wash INSPx");
}

#[test]
fn a_line_that_goes_on_is_one() {
    let home = Home::with("bash");
    let answer = |line: &str| {
        let words = ["wash", line, " \t\n\"'@><=;|&(:", "9", "80", ""];
        let mut command = home.command("", &words[1..]);
        let output = command.env("WASH_COMPLETE", "bash:1").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(answer("wash oci \\\npus"), "push\n");
    assert_eq!(answer("wash oci pus"), "push\n");
}

#[test]
fn files_without_a_description_stand_beside_each_other() {
    let home = Home::with("zsh");
    home.file("a.wasm", component());
    home.file("b.wasm", component());
    let mut terminal = Terminal::start("zsh", &home, "");
    terminal.types("wash inspect \t");
    terminal.shows("a.wasm\nb.wasm\nbin/");
    let contents = terminal.contents();
    assert!(
        contents.lines().all(|line| line.trim() != "--"),
        "{contents}"
    );
}

#[test]
fn functions_and_their_arguments_are_those_of_the_component() {
    for shell in SHELLS {
        let home = Home::with(shell);
        home.project();
        let mut terminal = Terminal::start(shell, &home, "project/sub");
        becomes(
            &mut terminal,
            &[
                ("wash call gre\t", "wash call greet "),
                ("wash call paint re\t", "wash call paint red "),
                ("wash call paint red tr\t", "wash call paint red true "),
                ("wash call other.wasm gre\t", "wash call other.wasm greet "),
                (
                    "wash inspect --why test:paint/\t",
                    "wash inspect --why test:paint/canvas ",
                ),
            ],
        );
        terminal.types("wash call \t");
        if shell == "bash" {
            terminal.types("\t");
        }
        terminal.shows("greet\ngreet(name: string) -> string");
    }
}

#[test]
fn references_that_were_used_are_completed_with_all_their_colons() {
    let registry = Registry::start();
    let reference = format!("{}/team/app:1.0", registry.address());
    for shell in SHELLS {
        let home = Home::with(shell);
        home.file("app.wasm", component());
        let push = [
            "oci",
            "push",
            "--insecure",
            &reference,
            "app.wasm",
            "-o",
            "json",
        ];
        let pushed: serde_json::Value = serde_json::from_str(&home.wash("", &push)).unwrap();
        let pinned = pushed["data"]["pinned"].as_str().unwrap();
        home.wash("", &["oci", "pull", "--insecure", pinned, "again.wasm"]);
        let mut terminal = Terminal::start(shell, &home, "");
        let (path, tag) = reference.rsplit_once(':').unwrap();
        let (host, _) = reference.split_once(':').unwrap();
        let (_, digest) = pinned.split_once('@').unwrap();
        let tagged = format!("wash oci push {reference} ");
        let pinned = format!("wash oci pull {reference}@{digest} ");
        becomes(
            &mut terminal,
            &[
                (&format!("wash oci push {}\t", &host[..6]), &tagged),
                (&format!("wash oci push {host}:\t"), &tagged),
                (&format!("wash oci push {path}:\t"), &tagged),
                (&format!("wash oci push {path}:{}\t", &tag[..1]), &tagged),
                (&format!("wash oci pull {reference}@\t"), &pinned),
                (&format!("wash oci pull {reference}@sha256:\t"), &pinned),
                (
                    &format!("wash oci pull \"{path}:{tag}@sh\t"),
                    &pinned
                        .replace("pull ", "pull \"")
                        .replace(digest, &format!("{digest}\"")),
                ),
            ],
        );
    }
}

#[test]
fn functions_of_an_image_are_those_that_it_had_when_it_was_last_used() {
    let home = Home::new();
    home.file("app.wasm", component());
    let registry = Registry::start();
    let reference = format!("{}/team/app:1.0", registry.address());
    home.wash("", &["oci", "push", "--insecure", &reference, "app.wasm"]);
    // Nobody could be asked.
    drop(registry);
    let call = |words: &[&str]| candidates(&home, "", words);
    assert_eq!(call(&["call", &reference, "gr"]), ["greet"]);
    assert_eq!(call(&["call", &reference, "paint", "red", "t"]), ["true"]);
    assert_eq!(
        call(&["inspect", &reference, "--why", "test:paint/"]),
        ["test:paint/canvas"]
    );
    let other = reference.replace("1.0", "2.0");
    assert_eq!(call(&["call", &other, "gr"]), [""; 0]);
}

#[test]
fn whatever_is_broken_the_line_stays_as_it_is() {
    for shell in SHELLS {
        let home = Home::with(shell);
        home.project();
        home.file("project/.wash/config.yaml", "build: [");
        home.file("project/app.wasm", "no component");
        home.file(".cache/wash/oci/history.json", "{");
        let store = home.path(".local/share/wash/plugins");
        home.file(".local/share/wash/plugins/installed/bad.json", "{");
        fs::create_dir_all(store.join("installed/folder.json")).unwrap();
        let mut terminal = Terminal::start(shell, &home, "project");
        for typed in ["wash call gr", "wash oci pull loc", "wash call app.wasm gr"] {
            terminal.types(&format!("{typed}\t")).types("x");
            terminal.line(&format!("{typed}x"));
            terminal.clears();
        }
        becomes(&mut terminal, &[("wash ins\t", "wash inspect ")]);
    }
}
