//! The ignore files that count for a directory, and what they leave out.
//!
//! As git has it, no ignore file above the top of the repository counts. Without a repository, none above the
//! directory that is watched does: a `.gitignore` in somebody's home says nothing of their projects.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Ours and those of other tools. Unlike git's, they also count inside a repository within the one they lie in.
const OF_TOOLS: [&str; 2] = [".washignore", ".ignore"];

const OF_GIT: &str = ".gitignore";

/// Rules in the order in which they are asked. The first that says something about a path decides.
pub(super) struct Rules {
    rules: Vec<Gitignore>,
}

impl Rules {
    /// For what lies directly in `dir`, which is `root` or below it.
    pub(super) fn of(dir: &Path, root: &Path) -> Self {
        let repository = dir.ancestors().find(|above| is_repository(above));
        let top = repository.unwrap_or(root);
        let outermost = if root.starts_with(top) { top } else { root };
        let read = |name: &'static str, last: &Path| -> Vec<Gitignore> {
            let levels = dir.ancestors().take_while(|above| above.starts_with(last));
            let files = levels.map(|level| level.join(name));
            let files = files.filter(|file| file.is_file());
            // What is wrong in such a file leaves out a line of it.
            files.map(|file| Gitignore::new(file).0).collect()
        };
        let mut rules = Vec::new();
        for name in OF_TOOLS {
            rules.extend(read(name, outermost));
        }
        rules.extend(read(OF_GIT, top));
        let mut excluded = GitignoreBuilder::new(top);
        let file = top.join(".git/info/exclude");
        if file.is_file() && excluded.add(file).is_none() {
            rules.extend(excluded.build());
        }
        rules.push(GitignoreBuilder::new(top).build_global().0);
        Self { rules }
    }

    pub(super) fn leave_out(&self, path: &Path, is_dir: bool) -> bool {
        self.decide(path, is_dir).is_ignore()
    }

    /// The file that leaves out a path.
    pub(super) fn file_leaving_out(&self, path: &Path, is_dir: bool) -> Option<PathBuf> {
        match self.decide(path, is_dir) {
            Match::Ignore(glob) => glob.from().map(Path::to_path_buf),
            Match::None | Match::Whitelist(_) => None,
        }
    }

    fn decide(&self, path: &Path, is_dir: bool) -> Match<&ignore::gitignore::Glob> {
        let decisions = self.rules.iter().map(|rules| rules.matched(path, is_dir));
        let mut decisions = decisions.filter(|decision| !decision.is_none());
        decisions.next().unwrap_or(Match::None)
    }
}

fn is_repository(dir: &Path) -> bool {
    dir.join(".git").exists() || dir.join(".jj").is_dir()
}
