//! Every command as users run it: golden cases, a folder for each command. `README.md` says how to write one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/cases.rs"]
mod case_files;
#[path = "../support/transcript.rs"]
mod transcript;

/// A test for each folder, and one that says whether a folder was forgotten.
macro_rules! folders {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                case_files::all(concat!("tests/commands/", stringify!($name)), transcript::run);
            }
        )*

        #[test]
        fn every_folder_is_tested() {
            let names = [$(stringify!($name)),*];
            let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/commands");
            for entry in std::fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                assert!(!entry.path().is_dir() || names.contains(&name.as_str()), "{name}");
            }
        }
    };
}

folders!(
    build, call, completion, config, dev, doctor, everywhere, inspect, new, oci, wit
);
