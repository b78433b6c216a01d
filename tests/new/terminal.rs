//! The questions, on a real terminal.

use crate::created::Desk;
use crate::repository::Repository;
use crate::screen::Terminal;

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const INTERRUPT: &str = "\x03";

fn on(desk: &Desk, args: &[&str]) -> Terminal {
    Terminal::new(&desk.new_command(args))
}

#[test]
fn a_menu_and_a_name() {
    let desk = Desk::new();
    let mut terminal = on(&desk, &[]);
    terminal
        .shows("template")
        .shows("http-c")
        .types(DOWN)
        .types(ENTER);
    terminal
        .shows("name of the project")
        .types("No Name")
        .types(ENTER);
    // What is wrong is said, and can be mended.
    terminal.shows("cannot be the name of a project");
    terminal.types("hello").types(ENTER);
    terminal.shows("created `hello` from the template `http-wit-bindgen`");
    assert_eq!(terminal.end().0, Some(0));
    assert!(desk.path("hello/wit/deps").is_dir());
}

#[test]
fn what_was_given_is_not_asked_for() {
    let desk = Desk::new();
    let mut terminal = on(&desk, &["hello"]);
    terminal
        .shows("http-c")
        .types(ENTER)
        .shows("created `hello`");
    let mut terminal = on(&desk, &["--template", "http-c"]);
    terminal
        .shows("name of the project")
        .types("other")
        .types(ENTER);
    terminal.shows("created `other` from the template `http-c`");
    assert_eq!(terminal.end().0, Some(0));
}

/// A command that would hide a part of itself is shown whole.
#[test]
fn a_command_cannot_hide() {
    let config = r#"new: { command: "echo fine\e[8m; touch mark\e[0m" }"#;
    let repository = Repository::new(&[(".wash/config.yaml", config)]);
    let desk = Desk::new();
    let mut terminal = on(&desk, &[&repository.url(), "--name", "x"]);
    terminal.shows(r"wants to run `echo fine\u{1b}[8m; touch mark\u{1b}[0m` in");
    terminal.types("n\r").shows("created `x`");
}

#[test]
fn a_menu_that_is_left_leaves_nothing() {
    let desk = Desk::new();
    let mut terminal = on(&desk, &[]);
    terminal.shows("http-c").types(INTERRUPT);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    // The cursor is shown again.
    assert!(screen.trim_end().ends_with("\x1b[?25h"), "{screen:?}");
    assert_eq!(desk.everything(), Vec::<String>::new());
}

#[test]
fn a_command_of_a_template_is_asked_about() {
    let repository = Repository::new(&[(".wash/config.yaml", "new: { command: touch mark }\n")]);
    let desk = Desk::new();
    let url = repository.url();
    for (name, keys, ran) in [
        ("yes", "y\r", true),
        ("no", "n\r", false),
        ("neither", ENTER, false),
        ("end-of-input", "\x04", false),
        ("other", "ja\rn\r", false),
    ] {
        let mut terminal = on(&desk, &[&url, "--name", name]);
        terminal.shows("the template wants to run `touch mark` in the project; run it?");
        // Nothing is there before that is answered.
        assert!(!desk.path(name).exists());
        terminal.types(keys).shows(&format!("created `{name}`"));
        assert_eq!(terminal.end().0, Some(0));
        assert_eq!(desk.path(name).join("mark").exists(), ran, "{name}");
    }

    let mut terminal = on(&desk, &[&url, "--name", "given-up"]);
    terminal.shows("run it?").types(INTERRUPT);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    let left = desk.everything();
    assert!(
        !left
            .iter()
            .any(|path| path.contains("given-up") || path.contains("/.new-")),
        "{left:?}"
    );
}
