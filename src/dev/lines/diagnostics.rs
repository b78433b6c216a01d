//! Finds where the output of a failed build becomes interesting.

use wash_common::sanitize;

/// The output from the first diagnostic on; all of it if there is none to be seen.
pub(super) fn first(output: &str) -> String {
    let Some(start) = output.lines().position(is_diagnostic) else {
        return output.to_string();
    };
    let from: Vec<&str> = output.lines().skip(start).collect();
    from.join("\n")
}

/// As compilers and bundlers begin them.
fn is_diagnostic(line: &str) -> bool {
    let line = sanitize::strip_ansi(line).trim_start().to_lowercase();
    let begins = ["error", "traceback (", "fatal", "panic", "✘"];
    let has = ["error:", "error[", "error ts", "[error]", "panicked at"];
    begins.iter().any(|text| line.starts_with(text))
        || has.iter().any(|text| line.contains(text))
        || begins_with_position(&line)
}

/// `./main.go:5:2: undefined: x`
fn begins_with_position(line: &str) -> bool {
    let mut parts = line.splitn(3, ':');
    let (file, number) = (parts.next().unwrap_or_default(), parts.next());
    let is_file = file.contains('.') && !file.contains(char::is_whitespace);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_file && number.is_some_and(is_number) && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_diagnostic_of_many_tools() {
        let check = |output: &str, expected: &str| assert_eq!(first(output), expected);
        check(
            "   Compiling thiserror v2.0.0\n   Compiling app\n\x1b[1merror[E0308]\x1b[0m: mismatched\n --> src/lib.rs",
            "\x1b[1merror[E0308]\x1b[0m: mismatched\n --> src/lib.rs",
        );
        check(
            "> app@1.0.0 build\n> tsc\nsrc/a.ts(3,5): error TS2322: no",
            "src/a.ts(3,5): error TS2322: no",
        );
        check(
            "# app\n./main.go:5:2: undefined: x\nmore",
            "./main.go:5:2: undefined: x\nmore",
        );
        check(
            "one\nTraceback (most recent call last):\n  x",
            "Traceback (most recent call last):\n  x",
        );
        check("make: nothing\nto see", "make: nothing\nto see");
    }
}
