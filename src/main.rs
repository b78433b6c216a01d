fn main() -> std::process::ExitCode {
    wash::cli::main()
}
