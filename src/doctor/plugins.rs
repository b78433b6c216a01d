//! The installed plugins: whether they can be read, and whether what they consist of is there.

use super::finding::{Area, Finding, Level};
use crate::plugin::Store;

/// What is wrong is only a warning: no project is built with a plugin.
pub(super) fn examine() -> Vec<Finding> {
    let Some(store) = Store::of_user() else {
        return Vec::new();
    };
    let installed = store.installed();
    let broken = installed.broken.iter().map(|broken| {
        Finding::new(Area::Plugins, Level::Warning, broken.to_string()).hint(broken.hint())
    });
    let plugins = installed.plugins.iter().map(|plugin| {
        let component = store.component_path(&plugin.digest);
        match component.is_file() {
            true => {
                let version = plugin.version.as_deref().unwrap_or_default();
                let message = format!("{} {version}", plugin.name);
                Finding::new(Area::Plugins, Level::Fine, message.trim_end())
            }
            false => {
                let message = format!(
                    "the plugin `{}` cannot run: there is no `{}`",
                    plugin.name,
                    component.display()
                );
                Finding::new(Area::Plugins, Level::Warning, message).hint(format!(
                    "install it again: `wash plugin uninstall {}` first",
                    plugin.name
                ))
            }
        }
    });
    broken.chain(plugins).collect()
}
