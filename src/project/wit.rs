//! The `wit` section of the config file.

use wash_fetch::wit::{Registry, Wit};

use super::table::Table;

/// `offline` and `skip_fetch` of the command line are not the file's.
pub(super) fn read(root: &mut Table<'_>) -> Wit {
    let mut wit = Wit::default();
    let Some(mut table) = root.table("wit") else {
        return wit;
    };
    wit.skip_fetch = table.boolean("skip_fetch").unwrap_or_default();
    if let Some(dir) = table.text("wit_dir") {
        wit.dir = dir.value.into();
    }
    wit.sources = table.text_map("sources").unwrap_or_default();
    wit.registries = table
        .tables("registries")
        .into_iter()
        .filter_map(registry)
        .collect();
    table.finish();
    wit
}

fn registry(mut table: Table<'_>) -> Option<Registry> {
    let registry = Registry {
        url: table
            .required_text("url")
            .map(|url| url.value)
            .unwrap_or_default(),
        username: table.text("username").map(|name| name.value),
        token: table.text("token").map(|token| token.value),
    };
    table.finish();
    (!registry.url.is_empty()).then_some(registry)
}
