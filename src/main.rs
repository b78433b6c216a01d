// Not in the manifest: there it would hold for tests as well.
#![warn(clippy::unwrap_used)]
fn main() -> std::process::ExitCode {
    wash::cli::main()
}
