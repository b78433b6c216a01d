//! A host with a capability of its own: `example:dice/roll`, whose dice have as many sides as a member's settings say.

use std::sync::Arc;

use wash_component::Shape;
use wash_component::call::{Catalog, program};
use wash_component::host_interface::Tier;
use wash_runtime::capability::{
    Capability, Interface, InterfaceDeclaration, SettingsError, SetupContext, per_member,
};
use wash_runtime::events::Recorder;
use wash_runtime::host::{Host as _, StartRequest};
use wash_runtime::instance::{Extensions, State};
use wash_runtime::local::{HostOptions, LocalHost, NoRoutes};
use wash_runtime::member_section;
use wash_runtime::workload::{Drive, MemberSettings};
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

struct Dice;

/// What a member is given. The default, no sides, grants nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sides(u32);

member_section!(Sides);

const INTERFACES: &[InterfaceDeclaration] = &[per_member("example:dice/roll", "1.0.0")];

impl Capability for Dice {
    fn name(&self) -> &'static str {
        "dice"
    }

    fn tier(&self) -> Tier {
        Tier::Capability
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<SettingsError> {
        let is_too_large = settings.get::<Sides>().0 > 100;
        let error = || SettingsError {
            message: "a die has at most 100 sides".to_owned(),
            hint: None,
        };
        is_too_large.then(error).into_iter().collect()
    }

    fn set_up(
        &self,
        context: &SetupContext<'_>,
        extensions: &mut Extensions,
    ) -> Result<(), SettingsError> {
        extensions.insert(*context.member.settings.get::<Sides>());
        Ok(())
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> wasmtime::Result<bool> {
        if interface.name != "example:dice/roll" {
            return Ok(false);
        }
        let highest = move |store: StoreContextMut<'_, State>, (): ()| {
            let sides = store.data().setup(member).extensions.get::<Sides>();
            Ok((sides.map_or(0, |sides| sides.0),))
        };
        linker.instance(import)?.func_wrap("highest", highest)?;
        Ok(true)
    }
}

/// A component that passes on what `highest` returns, in a function of its own.
const COMPONENT: &str = r#"
    (component
        (import "example:dice/roll@1.0.0" (instance $dice (export "highest" (func (result u32)))))
        (core func $highest (canon lower (func $dice "highest")))
        (core module $m
            (import "dice" "highest" (func $highest (result i32)))
            (func (export "best") (result i32) call $highest))
        (core instance $i (instantiate $m (with "dice" (instance (export "highest" (func $highest))))))
        (func (export "best") (result u32) (canon lift (core func $i "best"))))
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let component: Arc<[u8]> = wat::parse_str(COMPONENT)?.into();
    let call = program(&Catalog::of(&Shape::parse(&component)?), "best()", &[])?;
    let (events, _recorder) = Recorder::new();
    let options = HostOptions {
        cache_dir: None,
        events,
        routes: Arc::new(NoRoutes),
    };
    let host = LocalHost::with_capabilities(options, vec![Box::new(Dice)]);
    let settings = MemberSettings::default().with(Sides(20));
    let workload = host.workload("example", component, Drive::Calls, settings)?;
    let replaces = None;
    let started = host.start(StartRequest { workload, replaces }).await?;
    let answer = host.call(&started.id, &call).await?;
    println!("{}", answer.map(|value| value.wave()).unwrap_or_default());
    Ok(())
}
