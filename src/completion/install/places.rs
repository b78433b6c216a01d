//! Where each shell looks for completions.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::InstallError;
use crate::completion::shell::Shell;

/// What of the machine and the user matters.
#[derive(Debug, Clone)]
pub struct Surroundings {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    /// Where packages put what is for everybody.
    shared: Vec<PathBuf>,
    zsh: PathBuf,
    /// Where bash-completion looks for what the user has.
    bash: PathBuf,
    /// Whether bash-completion is loaded, which looks there.
    has_bash_completion: bool,
    /// Directories with programs.
    path: Vec<PathBuf>,
    /// How scripts run `wash`.
    program: String,
}

/// A file that an installation takes. The first of all is the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Whole(String),
    /// Lines in a file that is the user's.
    Block(String),
}

impl Surroundings {
    pub fn of_env() -> Result<Self, InstallError> {
        let absolute = |name: &str| {
            let path = env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let home = env::home_dir().filter(|home| home.is_absolute());
        let home = home.ok_or(InstallError::NoHome)?;
        let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        let path = env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = env::split_paths(&path).collect();
        let shared = env::var_os("XDG_DATA_DIRS").filter(|dirs| !dirs.is_empty());
        let shared = shared.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let bash = absolute("BASH_COMPLETION_USER_DIR");
        Ok(Self {
            config: absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            shared: env::split_paths(&shared).collect(),
            zsh: absolute("ZDOTDIR").unwrap_or_else(|| home.clone()),
            bash: bash.unwrap_or_else(|| data.join("bash-completion")),
            has_bash_completion: has_bash_completion(&home),
            program: program(&path),
            path,
            data,
            home,
        })
    }

    #[cfg(test)]
    pub(super) fn at(home: &Path) -> Self {
        fs::create_dir(home.join("bin")).unwrap();
        fs::write(home.join("bin/wash"), "").unwrap();
        Self {
            home: home.to_path_buf(),
            config: home.join(".config"),
            data: home.join(".local/share"),
            shared: vec![home.join("usr/share")],
            zsh: home.to_path_buf(),
            bash: home.join(".local/share/bash-completion"),
            has_bash_completion: false,
            path: vec![home.join("bin")],
            program: "wash".to_owned(),
        }
    }

    /// How a script should run `wash`: by its name, if that finds this one.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Whether there is something to run.
    pub(super) fn runs(&self, program: &str) -> bool {
        match program.contains('/') {
            true => Path::new(program).is_file(),
            false => self.path.iter().any(|dir| dir.join(program).is_file()),
        }
    }
}

/// The name, if the shell finds this very program by it; else the path.
fn program(path: &[PathBuf]) -> String {
    let own = env::current_exe().ok();
    let own = own.map(|own| own.canonicalize().unwrap_or(own));
    let found = path
        .iter()
        .map(|dir| dir.join("wash"))
        .find(|file| file.is_file());
    let found = found.and_then(|file| file.canonicalize().ok());
    match (own, found) {
        (Some(own), found) if found.as_ref() != Some(&own) => own.to_string_lossy().into_owned(),
        _ => "wash".to_owned(),
    }
}

/// Whether a file that bash reads at its start loads bash-completion. That the package is there says nothing.
fn has_bash_completion(home: &Path) -> bool {
    let loaders = [
        "/usr/share/bash-completion/bash_completion",
        "/etc/bash_completion",
        "/usr/local/etc/profile.d/bash_completion.sh",
        "/opt/homebrew/etc/profile.d/bash_completion.sh",
    ];
    let own = [".bashrc", ".bash_profile", ".profile"].map(|name| home.join(name));
    let shared = ["/etc/bash.bashrc", "/etc/bashrc"].map(PathBuf::from);
    let mut files = own.into_iter().chain(shared);
    loaders.iter().any(|path| Path::new(path).exists())
        && files.any(|file| has_line(&file, "bash_completion"))
}

/// Whether a file has a line with a text that is no comment.
fn has_line(file: &Path, text: &str) -> bool {
    let lines = fs::read_to_string(file).unwrap_or_default();
    let mut lines = lines.lines().map(str::trim_start);
    lines.any(|line| !line.starts_with('#') && line.contains(text))
}

/// What makes a shell complete `wash`.
pub(super) fn wanted(shell: Shell, around: &Surroundings) -> Vec<Piece> {
    let mut pieces = possible(shell, around);
    if shell == Shell::Bash && around.has_bash_completion {
        pieces.truncate(1);
    }
    pieces
}

/// The same, with what it would take elsewhere.
pub(super) fn possible(shell: Shell, around: &Surroundings) -> Vec<Piece> {
    let Surroundings {
        home,
        config,
        data,
        zsh,
        bash,
        ..
    } = around;
    let file = shell.file_name();
    let (script, rc) = match shell {
        // The name there is that of the command.
        Shell::Bash => (bash.join("completions/wash"), Some(home.join(".bashrc"))),
        Shell::Zsh => (
            data.join("zsh/site-functions").join(file),
            Some(zsh.join(".zshrc")),
        ),
        Shell::Fish => (config.join("fish/completions").join(file), None),
        Shell::Elvish => (
            config.join("elvish/lib/wash-completion.elv"),
            Some(config.join("elvish/rc.elv")),
        ),
        Shell::Powershell => (
            config.join("powershell").join(file),
            Some(config.join("powershell/profile.ps1")),
        ),
        Shell::Nushell => (nushell(around).join("autoload").join(file), None),
    };
    let quoted = shell.quote(&script.to_string_lossy());
    let lines = match shell {
        Shell::Bash => format!("[ -r {quoted} ] && . {quoted}"),
        Shell::Zsh => format!(
            "(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit -i }}\n[[ -r {quoted} ]] && source {quoted}"
        ),
        Shell::Elvish => "use wash-completion".to_owned(),
        _ => format!(". {quoted}"),
    };
    let script = Piece {
        path: script,
        content: Content::Whole(shell.script(&around.program)),
    };
    let rc = rc.map(|path| Piece {
        path,
        content: Content::Block(lines),
    });
    [script].into_iter().chain(rc).collect()
}

/// Where nushell has its configuration.
fn nushell(around: &Surroundings) -> PathBuf {
    let default = around.home.join(".config");
    match cfg!(target_os = "macos") && around.config == default {
        true => around.home.join("Library/Application Support/nushell"),
        false => around.config.join("nushell"),
    }
}

/// The script that a package has installed for everybody.
pub(super) fn packaged(shell: Shell, around: &Surroundings) -> Option<PathBuf> {
    let places: &[&str] = match shell {
        Shell::Bash => &["bash-completion/completions/wash"],
        Shell::Zsh => &["zsh/site-functions/_wash", "zsh/vendor-completions/_wash"],
        Shell::Fish => &["fish/vendor_completions.d/wash.fish"],
        Shell::Elvish => &["elvish/lib/wash-completion.elv"],
        Shell::Nushell => &["nushell/vendor/autoload/wash.nu"],
        Shell::Powershell => &[],
    };
    let dirs = around.shared.iter();
    let mut files = dirs.flat_map(|dir| places.iter().map(move |place| dir.join(place)));
    files.find(|file| file.is_file())
}

/// The file in which the user has a line that loads the script from `wash` itself.
pub(super) fn by_hand(shell: Shell, around: &Surroundings) -> Option<PathBuf> {
    let Surroundings {
        home, config, zsh, ..
    } = around;
    let files = match shell {
        Shell::Bash => vec![home.join(".bashrc"), home.join(".bash_profile")],
        Shell::Zsh => vec![zsh.join(".zshrc")],
        Shell::Fish => vec![config.join("fish/config.fish")],
        Shell::Elvish => vec![config.join("elvish/rc.elv")],
        Shell::Powershell => ["profile.ps1", "Microsoft.PowerShell_profile.ps1"]
            .map(|name| config.join("powershell").join(name))
            .to_vec(),
        Shell::Nushell => vec![nushell(around).join("config.nu")],
    };
    let line = format!("wash completion {}", shell.name());
    files.into_iter().find(|file| has_line(file, &line))
}
