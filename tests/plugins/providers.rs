//! Plugins that provide what components import.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Running, Stream, User, built, text};

/// Exports a function that answers a number.
const FIVE: &str = r#"
(component
  (core module $m (func (export "five") (result i32) i32.const 5))
  (core instance $i (instantiate $m))
  (func $five (result u32) (canon lift (core func $i "five")))
  (component $shim
    (import "five" (func $five (result u32)))
    (export "five" (func $five)))
  (instance $numbers (instantiate $shim (with "five" (func $five))))
  (export "my:numbers/source@0.1.0" (instance $numbers)))
"#;

/// Imports that function, and exports it again for `wash call`.
const USER: &str = r#"
(component
  (import "my:numbers/source@0.1.0" (instance $numbers (export "five" (func (result u32)))))
  (alias export $numbers "five" (func $five))
  (core func $lowered (canon lower (func $five)))
  (core module $m
    (import "n" "five" (func $five (result i32)))
    (func (export "ten") (result i32) call $five call $five i32.add))
  (core instance $i (instantiate $m (with "n" (instance (export "five" (func $lowered))))))
  (func (export "ten") (result u32) (canon lift (core func $i "ten"))))
"#;

fn user() -> User {
    let user = User::new();
    for (name, text) in [("numbers.wasm", FIVE), ("work/app.wasm", USER)] {
        std::fs::write(user.path(name), wat::parse_str(text).unwrap()).unwrap();
    }
    user
}

#[test]
fn an_installed_plugin_satisfies_an_import_with_no_configuration() {
    let user = user();
    user.wash(&["call", "app.wasm", "ten"])
        .failed("my:numbers/source@0.1.0");
    user.ok(&["plugin", "install", text(&user.path("numbers.wasm"))]);
    assert_eq!(user.ok(&["call", "app.wasm", "ten"]), "10\n");
    let plan = user.data(&["inspect", "--plan", "app.wasm"]);
    let edges = plan["edges"].as_array().unwrap();
    let edge = edges
        .iter()
        .find(|edge| edge["import"] == "my:numbers/source@0.1.0")
        .unwrap();
    assert_eq!(edge["reason"], "plugin", "{plan}");
    user.ok(&["plugin", "uninstall", "numbers"]);
    user.wash(&["call", "app.wasm", "ten"])
        .failed("my:numbers/source@0.1.0");
}

#[test]
fn what_was_changed_does_not_take_part() {
    let user = user();
    user.ok(&["plugin", "install", text(&user.path("numbers.wasm"))]);
    let component = std::fs::read_dir(user.store().join("components"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let six = wat::parse_str(FIVE.replace("i32.const 5", "i32.const 6")).unwrap();
    std::fs::write(component, six).unwrap();
    let done = user.wash(&["call", "app.wasm", "ten"]);
    done.failed("was changed after it was installed");
}

#[test]
fn wash_dev_uses_an_installed_provider() {
    let user = User::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = root.join("providers/blobstore-filesystem.wasm");
    user.ok(&["plugin", "install", text(&shipped), "--name", "my-blobs"]);
    let app = built("blobby");
    let mut command = user.command();
    command.args(["dev", text(&app), "--address", "127.0.0.1:0"]);
    let mut session = Running::start(command, Stream::Stderr);
    let line = session.line("serving http://");
    let (_, address) = line.split_once("http://").unwrap();
    let address = address.split_whitespace().next().unwrap();
    let address = address.trim_end_matches('/');
    let mut answer = String::new();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /files/note HTTP/1.1\r\nHost: {address}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwords"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    let (_, said) = session.interrupt();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}\n{said:#?}");
    // In the project that the file lies in, or beside the file.
    let mut folders = app.ancestors();
    assert!(
        folders.any(|folder| folder.join(".wash/state/plugin-my-blobs").exists()),
        "{said:#?}"
    );
}
