//! The shells: the script that each loads, how its script asks, and in which form it takes the answer.
//!
//! The scripts are the files in `completions/`. Between a script and `wash` there is a protocol, [`PROTOCOL`]: a script names
//! the one it speaks, and is told when `wash` speaks another by now.

mod bash;
mod fish;
mod list;
mod nushell;
mod powershell;
mod quotes;

use std::ffi::OsString;

use super::Candidate;
use quotes::{Rules, unquoted};

/// Grows whenever a script and `wash` could misunderstand each other. It is in each of the scripts.
pub const PROTOCOL: u32 = 1;

/// `SHELL:PROTOCOL`, set by the scripts.
pub const VARIABLE: &str = "WASH_COMPLETE";

/// The shells whose lines can be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(alias = "pwsh")]
    Powershell,
    #[value(alias = "nu")]
    Nushell,
}

/// What a script has handed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The words up to the cursor, without quotes. The last is the one being typed, and may be empty.
    pub(super) words: Vec<String>,
    /// Only of bash.
    bash: bash::Edit,
}

impl Shell {
    pub const ALL: [Self; 6] = [
        Self::Bash,
        Self::Zsh,
        Self::Fish,
        Self::Elvish,
        Self::Powershell,
        Self::Nushell,
    ];

    /// A name, or the name of a program.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim_start_matches('-');
        let name = name.strip_suffix(".exe").unwrap_or(name);
        <Self as clap::ValueEnum>::from_str(name, false).ok()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
            Self::Nushell => "nushell",
        }
    }

    /// The name of its script, in `completions/` and where it is installed.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Bash => "wash.bash",
            Self::Zsh => "_wash",
            Self::Fish => "wash.fish",
            Self::Elvish => "wash.elv",
            Self::Powershell => "wash.ps1",
            Self::Nushell => "wash.nu",
        }
    }

    /// The script, for a `wash` that is found on the path.
    pub fn packaged(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/wash.bash"),
            Self::Zsh => include_str!("../../../completions/_wash"),
            Self::Fish => include_str!("../../../completions/wash.fish"),
            Self::Elvish => include_str!("../../../completions/wash.elv"),
            Self::Powershell => include_str!("../../../completions/wash.ps1"),
            Self::Nushell => include_str!("../../../completions/wash.nu"),
        }
    }

    /// The script, for a program of any name or path.
    pub fn script(self, program: &str) -> String {
        let quoted = match program {
            // As it stands there.
            "wash" => return self.packaged().to_owned(),
            _ => self.quote(program),
        };
        let (own, theirs) = match self {
            Self::Bash | Self::Zsh => ("program=wash\n", format!("program={quoted}\n")),
            Self::Fish => ("program wash\n", format!("program {quoted}\n")),
            Self::Elvish | Self::Nushell => ("program = wash\n", format!("program = {quoted}\n")),
            Self::Powershell => ("program = 'wash'\n", format!("program = {quoted}\n")),
        };
        self.packaged().replacen(own, &theirs, 1)
    }

    /// What a script runs. `None` if it is not one of ours as they are now.
    pub(super) fn program_of(self, script: &str) -> Option<String> {
        let mut lines = script.lines().zip(self.packaged().lines());
        let differs = lines.find(|(line, own)| line != own);
        let program = match differs {
            None => "wash".to_owned(),
            Some((line, own)) => {
                let before = own
                    .strip_suffix("'wash'")
                    .or_else(|| own.strip_suffix("wash"))?;
                self.unquote(line.strip_prefix(before)?)
            }
        };
        (self.script(&program) == script).then_some(program)
    }

    /// The other way round of [`Self::quote`].
    fn unquote(self, word: &str) -> String {
        let inner = |word: &str| {
            let mut chars = word.chars();
            chars.next();
            chars.next_back();
            chars.as_str().to_owned()
        };
        match self {
            Self::Bash | Self::Zsh => unquoted(word, Rules::Posix),
            Self::Fish => unquoted(word, Rules::Fish),
            Self::Elvish | Self::Powershell => inner(word).replace("''", "'"),
            Self::Nushell => unquoted(word, Rules::Posix),
        }
    }

    /// A text as a single word of the shell.
    pub(super) fn quote(self, text: &str) -> String {
        let (quote, within) = match self {
            Self::Bash | Self::Zsh => ('\'', text.replace('\'', r"'\''")),
            Self::Fish => ('\'', text.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Elvish | Self::Powershell => ('\'', text.replace('\'', "''")),
            Self::Nushell => ('"', text.replace('\\', r"\\").replace('"', "\\\"")),
        };
        format!("{quote}{within}{quote}")
    }

    /// `None` when it is not what the shell's script hands over.
    pub(super) fn words(self, arguments: Vec<OsString>) -> Option<Words> {
        let texts = arguments.into_iter();
        let texts = texts.map(|text| text.to_string_lossy().into_owned());
        match self {
            Self::Bash => bash::words(&texts.collect::<Vec<_>>()),
            Self::Fish => fish::words(texts.collect()),
            Self::Powershell => powershell::words(texts.collect()),
            _ => {
                let words: Vec<String> = texts.collect();
                (words.len() > 1).then(|| Words {
                    words,
                    ..Words::default()
                })
            }
        }
    }

    /// What the script makes something of.
    pub(super) fn answer(self, candidates: &[Candidate], words: &Words) -> String {
        match self {
            Self::Bash => bash::answer(candidates, &words.bash),
            Self::Zsh | Self::Elvish => list::answer(candidates),
            Self::Fish => fish::answer(candidates),
            Self::Powershell => powershell::answer(candidates),
            Self::Nushell => nushell::answer(candidates),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_names_its_protocol_and_its_program() {
        for shell in Shell::ALL {
            let speaks = format!("{}:{PROTOCOL}", shell.name());
            let packaged = shell.packaged();
            assert_eq!(packaged.matches(&speaks).count(), 1, "{shell:?}");
            assert!(packaged.contains(VARIABLE), "{shell:?}");
            let own = shell.script("/opt/my wash/bin's/wash");
            assert_ne!(own, packaged, "{shell:?}");
            assert!(own.contains("/opt/my wash/bin"), "{shell:?}");
            assert_eq!(own.lines().count(), packaged.lines().count());
            let runs = |script: &str| shell.program_of(script);
            assert_eq!(runs(&own).as_deref(), Some("/opt/my wash/bin's/wash"));
            assert_eq!(runs(packaged).as_deref(), Some("wash"));
            assert_eq!(runs(&packaged.replace(&speaks, "other:0")), None);
        }
    }

    #[test]
    fn shells_are_known_by_the_names_of_their_programs() {
        for (name, shell) in [
            ("-bash", Some(Shell::Bash)),
            ("pwsh", Some(Shell::Powershell)),
            ("powershell.exe", Some(Shell::Powershell)),
            ("nu", Some(Shell::Nushell)),
            ("tmux", None),
        ] {
            assert_eq!(Shell::named(name), shell, "{name}");
        }
    }
}
