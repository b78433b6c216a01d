//! Components with and without secrets.

use std::fs;
use std::path::Path;

use secret_scan::scan::{Allowed, lines, scan};

/// Put together here, so that no scanner takes this file for a leak.
fn token() -> String {
    ["gh", "p_", "k3Jd9QwZx7LmP2vRt8HsYb5NcGf4TqWe6Xa", "K"].concat()
}

fn component() -> Vec<u8> {
    let text = format!(
        r#"(component (core module $first) (core module $main
            (memory 1)
            (data (i32.const 0) "hello{}world")
            (@custom "notes" "see {}")))"#,
        token(),
        token()
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn secrets_are_found_where_they_are_and_not_told() {
    let bytes = component();
    let findings = scan(&bytes, &Allowed::default());
    let text = lines(&findings);
    assert!(
        text.contains("GitHub token in the data of core module `main`, at byte "),
        "{text}"
    );
    assert!(
        text.contains("in the custom section `notes` of core module `main`"),
        "{text}"
    );
    assert_eq!(findings.len(), 2);
    assert!(!text.contains("k3Jd"), "{text}");
    for finding in &findings {
        assert!(bytes[finding.position..].starts_with(token().as_bytes()));
    }
}

#[test]
fn what_was_allowed_is_no_finding() {
    let findings = scan(&component(), &Allowed::default());
    let fingerprint = &findings[0].fingerprint;
    let allowed = Allowed::parse(&format!(
        "# looked at\n\n  {fingerprint} # of the example\n"
    ));
    assert_eq!(scan(&component(), &allowed), []);
    let other = Allowed::parse("0123456789abcdef");
    assert_eq!(scan(&component(), &other), findings);
}

#[test]
fn real_components_have_none() {
    let path = "../../providers/blobstore-filesystem.wasm";
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert_eq!(scan(&bytes, &Allowed::default()), []);
}

#[test]
fn files_that_are_no_components_are_looked_at_as_well() {
    let text = format!("{}{}", "x".repeat(1000), token());
    let findings = scan(text.as_bytes(), &Allowed::default());
    assert_eq!(findings[0].place, "byte 1000 of the file");
}
