//! Starts a component from a file, calls a function of it, and stops it: `call FILE 'add(1, 2)'`.

use std::sync::Arc;

use wash_component::Shape;
use wash_component::call::{Catalog, program};
use wash_runtime::events::Events;
use wash_runtime::host::{Host as _, StartRequest};
use wash_runtime::local::{HostOptions, LocalHost, NoRoutes};
use wash_runtime::workload::{Drive, MemberSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(call)) = (arguments.next(), arguments.next()) else {
        return Err("usage: call FILE CALL".into());
    };
    let component: Arc<[u8]> = std::fs::read(file)?.into();
    let call = program(&Catalog::of(&Shape::parse(&component)?), &call, &[])?;

    let host = LocalHost::new(HostOptions {
        cache_dir: None,
        events: Events::ignored(),
        routes: Arc::new(NoRoutes),
    });
    let workload = host.workload(
        "example",
        component,
        Drive::Calls,
        MemberSettings::default(),
    )?;
    let replaces = None;
    let started = host.start(StartRequest { workload, replaces }).await?;
    let answer = host.call(&started.id, &call).await?;
    println!("{}", answer.map(|value| value.wave()).unwrap_or_default());
    host.stop(&started.id).await?;
    Ok(())
}
