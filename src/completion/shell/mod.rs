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
mod script;

use std::ffi::OsString;

use super::Candidate;

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

/// Which candidates fit a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matching {
    /// Those that begin with it.
    Prefix,
    /// The same, whatever the case of letters.
    IgnoreCase,
    /// Those that have it anywhere, whatever the case of letters.
    Within,
    /// The shell chooses itself, as its user has it configured.
    Own,
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

    /// How this shell completes a word that no candidate begins with.
    pub(super) fn matching(self, words: &Words) -> Matching {
        match self {
            Self::Zsh | Self::Elvish => Matching::Own,
            // It would also match what candidates mean.
            Self::Fish => Matching::Within,
            Self::Bash if words.bash.ignore_case() => Matching::IgnoreCase,
            Self::Powershell => Matching::IgnoreCase,
            Self::Bash | Self::Nushell => Matching::Prefix,
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
