//! The installed plugins: whether they can be read, and whether what they consist of is there.

use wash_common::advice::Advice as _;

use super::finding::{Area, Finding, Level};
use crate::plugin::{Store, guest};

/// What is wrong is only a warning: no project is built with a plugin.
pub(super) fn examine() -> Vec<Finding> {
    let Some(store) = Store::of_user() else {
        return Vec::new();
    };
    let installed = store.installed();
    let broken = installed.broken.iter().map(|broken| {
        Finding::new(Area::Plugins, Level::Warning, broken.to_string()).hint(broken.hint())
    });
    let plugins = installed
        .plugins
        .iter()
        .map(|plugin| match guest::bytes(&store, plugin) {
            Ok(_) => {
                let version = plugin.version.as_deref().unwrap_or_default();
                let message = format!("{} {version}", plugin.name);
                Finding::new(Area::Plugins, Level::Fine, message.trim_end())
            }
            Err(error) => {
                let message = format!("the plugin `{}` cannot run: {error}", plugin.name);
                let hints = error.hints().join(", or ");
                Finding::new(Area::Plugins, Level::Warning, message).hint(hints)
            }
        });
    broken.chain(plugins).collect()
}
