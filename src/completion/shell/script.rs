//! The scripts, which differ from those in `completions/` in one word: what they run.

use super::Shell;
use super::quotes::{Rules, unquoted};

impl Shell {
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
        let (before, own) = self.names_program();
        let theirs = match program {
            "wash" => own.to_owned(),
            _ => self.quote(program),
        };
        let [own, theirs] = [own, &theirs].map(|word| format!("{before}{word}\n"));
        self.packaged().replacen(&own, &theirs, 1)
    }

    /// What a script runs. `None` if it is not one of ours as they are now.
    pub(in crate::completion) fn program_of(self, script: &str) -> Option<String> {
        let (_, own) = self.names_program();
        let mut lines = script.lines().zip(self.packaged().lines());
        let program = match lines.find(|(line, packaged)| line != packaged) {
            None => "wash".to_owned(),
            Some((line, packaged)) => {
                let before = packaged.strip_suffix(own)?;
                self.unquote(line.strip_prefix(before)?)
            }
        };
        (self.script(&program) == script).then_some(program)
    }

    /// What stands before the name of the program, and how that is written.
    fn names_program(self) -> (&'static str, &'static str) {
        match self {
            Self::Bash | Self::Zsh => ("program=", "wash"),
            Self::Fish => ("program ", "wash"),
            Self::Elvish => ("program = ", "wash"),
            Self::Powershell => ("program = ", "'wash'"),
            Self::Nushell => ("program = ", "\"wash\""),
        }
    }

    /// A text as a single word of the shell.
    pub(in crate::completion) fn quote(self, text: &str) -> String {
        let (quote, within) = match self {
            Self::Bash | Self::Zsh => ('\'', text.replace('\'', r"'\''")),
            Self::Fish => ('\'', text.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Elvish | Self::Powershell => ('\'', text.replace('\'', "''")),
            Self::Nushell => ('"', text.replace('\\', r"\\").replace('"', "\\\"")),
        };
        format!("{quote}{within}{quote}")
    }

    /// The other way round of [`Self::quote`].
    fn unquote(self, word: &str) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Nushell => unquoted(word, Rules::Posix),
            Self::Fish => unquoted(word, Rules::Fish),
            Self::Elvish | Self::Powershell => {
                let within = word.strip_prefix('\'').unwrap_or(word);
                let within = within.strip_suffix('\'').unwrap_or(within);
                within.replace("''", "'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::{PROTOCOL, VARIABLE};

    #[test]
    fn each_script_names_its_protocol_and_its_program() {
        for shell in Shell::ALL {
            let speaks = format!("{}:{PROTOCOL}", shell.name());
            let packaged = shell.packaged();
            assert_eq!(packaged.matches(&speaks).count(), 1, "{shell:?}");
            assert!(packaged.contains(VARIABLE), "{shell:?}");
            let path = r#"/opt/my "wash"\bin's/wash"#;
            let own = shell.script(path);
            assert_ne!(own, packaged, "{shell:?}");
            assert_eq!(own.lines().count(), packaged.lines().count());
            let runs = |script: &str| shell.program_of(script);
            assert_eq!(runs(&own).as_deref(), Some(path), "{shell:?}");
            assert_eq!(runs(packaged).as_deref(), Some("wash"));
            assert_eq!(runs(&packaged.replace(&speaks, "other:0")), None);
        }
    }

    #[test]
    fn what_is_typed_is_not_run() {
        // PowerShell hands over what a word says; nothing evaluates the line.
        let script = Shell::Powershell.packaged();
        assert!(!script.contains("Invoke-Expression"), "{script}");
        assert!(
            script.contains("$words += '=' + $wordToComplete"),
            "{script}"
        );
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish] {
            assert!(!shell.packaged().contains("eval"), "{shell:?}");
        }
    }
}
