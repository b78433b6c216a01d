//! wasi:http: the types for everybody, and outgoing requests to the hosts that a member was allowed.
//!
//! A request goes through the member's `HttpHooks`, which asks its `AllowList`, and then by a connection of the workload's
//! `Pool`. HTTPS uses HTTP/2 where the server agrees to it. In the clear there is nothing to agree with: HTTP/2 is for
//! gRPC, which has no other, and a request is gRPC when its `content-type` says `application/grpc`.

mod allow;
mod body;
mod connect;
mod failure;
mod gate;
mod pool;
mod reach;
mod settings;
mod trust;
mod words;

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, p2, p3};

use super::per_member::member_view;
use super::plugin::PluginAccess;
use super::{
    Capability, Extensions, Interface, InterfaceDeclaration, Preview, SettingsError, SetupContext,
    shared,
};
use crate::capability::Model;
use crate::instance::limits::FIELDS_SIZE;
use crate::instance::{MemberParts, Parts, State};
use crate::workload::MemberSettings;

use gate::Outgoing;
use pool::Pools;
use reach::Reach;
use trust::Trust;
use words::Place;

pub use allow::{AllowList, Pattern, PatternError};
use gate::{DenyAll, HttpHooks};
use wash_component::host_interface::Tier;

pub use settings::{HttpClient, OutgoingHttp, TrustRoots};

#[derive(Default)]
pub(crate) struct HttpClientCapability {
    pools: Pools,
}

const INTERFACES: &[InterfaceDeclaration] = &[
    shared("wasi:http/types", "0.2.12"),
    shared("wasi:http/types", "0.3.0"),
    super::per_member("wasi:http/outgoing-handler", "0.2.12"),
    super::per_member("wasi:http/client", "0.3.0"),
];

impl Capability for HttpClientCapability {
    fn name(&self) -> &'static str {
        "http client"
    }

    fn tier(&self) -> Tier {
        Tier::Wasi
    }

    fn interfaces(&self) -> &'static [InterfaceDeclaration] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<SettingsError> {
        let OutgoingHttp::Allowed(patterns) = settings.get::<OutgoingHttp>() else {
            return Vec::new();
        };
        patterns
            .iter()
            .filter_map(|pattern| Pattern::parse(pattern).err())
            .map(SettingsError::from)
            .collect()
    }

    fn set_up(
        &self,
        context: &SetupContext<'_>,
        kept: &mut Extensions,
    ) -> std::result::Result<(), SettingsError> {
        let settings = &context.member.settings;
        let (http_client, outgoing_http) = (settings.get::<HttpClient>(), settings.get());
        let pool = self.pools.of(&context.workload.name, http_client);
        let place = match &context.member.settings.get::<PluginAccess>().0 {
            Some(plugin) => Place::Plugin(plugin.name.clone()),
            None if context.member.name == context.workload.name => Place::Project,
            None => Place::Sibling(context.member.name.clone()),
        };
        let trust = Trust::read(http_client)?;
        kept.insert(Outgoing {
            to_network: pool.transport(&trust, Reach::Network)?,
            to_anywhere: pool.transport(&trust, Reach::Anywhere)?,
            pool,
            place,
            allow_list: AllowList::new(outgoing_http)?,
            allowed: outgoing_http.clone(),
        });
        Ok(())
    }

    fn share(&self, linker: &mut Linker<State>, model: Model) -> Result<()> {
        let options = p2::bindings::http::types::LinkOptions::default();
        p2::bindings::http::types::add_to_linker::<_, WasiHttp>(linker, &options, http)?;
        match model {
            Model::Sync => Ok(()),
            Model::Async => p3::bindings::http::types::add_to_linker::<_, WasiHttp>(linker, http),
        }
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        let view = member_http(member);
        match (interface.name, interface.preview()) {
            ("wasi:http/outgoing-handler", Some(Preview::P2)) => {
                let mut instance = linker.instance(import)?;
                p2::bindings::http::outgoing_handler::add_to_linker_instance::<_, WasiHttp>(
                    &mut instance,
                    view,
                )?;
            }
            ("wasi:http/client", Some(Preview::P3)) => {
                let mut instance = linker.instance(import)?;
                p3::bindings::http::client::add_to_linker_instance::<_, WasiHttp>(
                    &mut instance,
                    view,
                )?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What an instance has of wasi:http, whoever uses it.
struct Http {
    context: WasiHttpCtx,
    deny: DenyAll,
}

impl Default for Http {
    fn default() -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(FIELDS_SIZE);
        Self {
            context,
            deny: DenyAll,
        }
    }
}

/// wasi:http for what sends no request: requests and responses that come in.
pub(crate) fn http(state: &mut State) -> WasiHttpCtxView<'_> {
    let Parts { table, locals, .. } = state.parts();
    let Http { context, deny } = locals.get_or_insert_with(Http::default);
    WasiHttpCtxView {
        hooks: deny,
        table,
        ctx: context,
    }
}

member_view!(fn member_http, http_of, WasiHttpCtxView);

fn http_of(state: &mut State, member: usize) -> WasiHttpCtxView<'_> {
    let MemberParts {
        table,
        shared,
        locals,
        setup,
        call,
    } = state.member_parts(member);
    WasiHttpCtxView {
        hooks: locals.get_or_insert_with(|| HttpHooks::new(Arc::clone(setup), call.clone())),
        table,
        ctx: &mut shared.get_or_insert_with(Http::default).context,
    }
}

impl From<PatternError> for SettingsError {
    fn from(error: PatternError) -> Self {
        Self {
            message: error.to_string(),
            hint: Some(PatternError::HINT.to_owned()),
        }
    }
}
