//! Where each shell looks for completions.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::ask::BashCompletion;
use super::{InstallError, ask, block};
use crate::completion::shell::Shell;

/// What of the machine and the user matters.
#[derive(Debug, Clone)]
pub struct Surroundings {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    /// Where packages put what is for everybody.
    shared: Vec<PathBuf>,
    /// Where zsh looks for the files of its user, unless it says otherwise itself.
    zsh: PathBuf,
    /// Where bash-completion looks for what the user has, unless it says otherwise itself.
    bash: PathBuf,
    /// Whether shells may be started and asked.
    asks_shells: bool,
    answered: Answered,
    /// Directories with programs.
    path: Vec<PathBuf>,
    /// How scripts run `wash`.
    program: String,
}

/// What shells have answered, which are asked once each, and only if it matters.
#[derive(Debug, Clone, Default)]
struct Answered {
    bash: OnceLock<Option<BashCompletion>>,
    zsh: OnceLock<Option<String>>,
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
            asks_shells: true,
            answered: Answered::default(),
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
            asks_shells: false,
            answered: Answered::default(),
            path: vec![home.join("bin")],
            program: "wash".to_owned(),
        }
    }

    /// How a script should run `wash`: by its name, if that finds this one.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Where `.zshrc` is.
    fn zsh(&self) -> PathBuf {
        let ask = || ask::zsh_directory(&self.home);
        let answer = match self.asks_shells {
            true => self.answered.zsh.get_or_init(ask).as_ref(),
            false => None,
        };
        let answer = answer.map(PathBuf::from).filter(|dir| dir.is_absolute());
        answer.unwrap_or_else(|| self.zsh.clone())
    }

    fn bash_answer(&self) -> Option<&BashCompletion> {
        let ask = || ask::bash_completion(&self.home);
        match self.asks_shells {
            true => self.answered.bash.get_or_init(ask).as_ref(),
            false => None,
        }
    }

    /// Where bash-completion looks for what the user has.
    fn bash(&self) -> PathBuf {
        let answer = self.bash_answer().filter(|answer| answer.is_loaded);
        let dir = answer.map(|answer| PathBuf::from(&answer.directory));
        let dir = dir.filter(|dir| dir.is_absolute());
        dir.unwrap_or_else(|| self.bash.clone())
    }

    /// Whether an interactive bash loads bash-completion.
    fn has_bash_completion(&self) -> bool {
        match self.bash_answer() {
            Some(answer) => answer.is_loaded,
            None => reads_bash_completion(&self.home),
        }
    }

    /// Whether a shell that is started now completes `wash`. `None` if it cannot be asked.
    pub(super) fn completes(&self, shell: Shell) -> Option<bool> {
        match self.asks_shells {
            true => ask::completes(shell, &self.home),
            false => None,
        }
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

/// Files that load bash-completion.
const LOADERS: [&str; 4] = [
    "/usr/share/bash-completion/bash_completion",
    "/etc/bash_completion",
    "/usr/local/etc/profile.d/bash_completion.sh",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
];

/// Whether a file that an interactive bash reads has a line with bash-completion: the best guess where bash cannot be asked.
fn reads_bash_completion(home: &Path) -> bool {
    let files = [
        home.join(".bashrc"),
        "/etc/bash.bashrc".into(),
        "/etc/bashrc".into(),
    ];
    let there = LOADERS.iter().filter(|path| Path::new(path).exists());
    let mut there = there.flat_map(|loader| files.iter().map(move |file| (file, loader)));
    there.any(|(file, loader)| has_line(file, loader))
}

/// Whether a file has a line with a text that is no comment.
fn has_line(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap_or_default();
    let lines = String::from_utf8_lossy(&bytes);
    let mut lines = lines.lines().map(str::trim_start);
    lines.any(|line| !line.starts_with('#') && line.contains(text))
}

/// What makes a shell complete `wash`.
pub(super) fn wanted(shell: Shell, around: &Surroundings) -> Vec<Piece> {
    let mut pieces = possible(shell, around);
    if shell == Shell::Bash && around.has_bash_completion() {
        pieces.truncate(1);
    }
    pieces
}

/// The same, with what it would take elsewhere.
pub(super) fn possible(shell: Shell, around: &Surroundings) -> Vec<Piece> {
    let Surroundings {
        home, config, data, ..
    } = around;
    let file = shell.file_name();
    let (script, rc) = match shell {
        // The name there is that of the command.
        Shell::Bash => (
            around.bash().join("completions/wash"),
            Some(home.join(".bashrc")),
        ),
        Shell::Zsh => (
            data.join("zsh/site-functions").join(file),
            Some(around.zsh().join(".zshrc")),
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
        // A `compinit` that comes later finds it in `fpath`. `$FPATH` is the same, whatever `ksh_arrays` says.
        Shell::Zsh => {
            let dir = script.parent().unwrap_or(Path::new("/"));
            let dir = shell.quote(&dir.to_string_lossy());
            format!(
                "case :$FPATH: in (*:{dir}:*) ;; (*) FPATH={dir}:$FPATH ;; esac\n(( ${{+functions[compdef]}} )) || {{ autoload -Uz compinit && compinit -i }}\n[[ -r {quoted} ]] && source {quoted}"
            )
        }
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

/// Where earlier versions have put lines, or this one when another place was in force.
pub(super) fn former(shell: Shell, around: &Surroundings) -> Vec<Piece> {
    let files = match shell {
        Shell::Zsh => [&around.home, &around.zsh].map(|dir| dir.join(".zshrc")),
        _ => return Vec::new(),
    };
    let now = around.zsh().join(".zshrc");
    let mut files: Vec<PathBuf> = files.into();
    files.dedup();
    files.retain(|file| *file != now && fs::read(file).is_ok_and(|text| block::is_in(&text)));
    let piece = |path| Piece {
        path,
        content: Content::Block(String::new()),
    };
    files.into_iter().map(piece).collect()
}

/// Where nushell has its configuration.
fn nushell(around: &Surroundings) -> PathBuf {
    let default = around.home.join(".config");
    match cfg!(target_os = "macos") && around.config == default {
        true => around.home.join("Library/Application Support/nushell"),
        false => around.config.join("nushell"),
    }
}

/// The script that a package has installed for all users.
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
    let Surroundings { home, config, .. } = around;
    let files = match shell {
        Shell::Bash => vec![home.join(".bashrc"), home.join(".bash_profile")],
        Shell::Zsh => vec![around.zsh().join(".zshrc")],
        Shell::Fish => {
            let snippets = fs::read_dir(config.join("fish/conf.d"));
            let snippets = snippets.into_iter().flatten().flatten();
            let snippets = snippets.map(|entry| entry.path());
            let snippets = snippets.filter(|path| path.extension().is_some_and(|it| it == "fish"));
            let mut files: Vec<PathBuf> = snippets.collect();
            files.sort();
            files.push(config.join("fish/config.fish"));
            files
        }
        Shell::Elvish => vec![config.join("elvish/rc.elv")],
        Shell::Powershell => ["profile.ps1", "Microsoft.PowerShell_profile.ps1"]
            .map(|name| config.join("powershell").join(name))
            .to_vec(),
        Shell::Nushell => vec![nushell(around).join("config.nu")],
    };
    let line = format!("wash completion {}", shell.name());
    files.into_iter().find(|file| has_line(file, &line))
}
