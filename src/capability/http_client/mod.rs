//! wasi:http: the types for everybody, and outgoing requests to the hosts that a member was allowed.
//!
//! A request goes through the member's `Gate`, which asks its `AllowList`, and then by a connection of the workload's
//! `Pool`. HTTPS uses HTTP/2 where the server agrees to it. In the clear there is nothing to agree with: HTTP/2 is for
//! gRPC, which has no other, and a request is gRPC when its `content-type` says `application/grpc`.

mod allow;
mod body;
mod connect;
mod failure;
mod gate;
mod pool;
mod reach;
mod trust;
mod words;

use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, p2, p3};

use crate::engine::Model;
use crate::engine::state::State;
use crate::host::workload::{MemberSettings, OutgoingHttp};
use crate::linker::Tier;

use super::{Capability, Fault, ForWhom, Interface, Kept, Preview, Row, shared};
use gate::Outgoing;
use pool::Pools;
use reach::Reach;
use trust::Trust;
use words::Place;

pub use allow::{AllowList, Pattern, PatternError};
pub(crate) use gate::{Gate, NoGate};

#[derive(Default)]
pub(crate) struct Http {
    pools: Pools,
}

const INTERFACES: &[Row] = &[
    shared("wasi:http/types", "0.2.12"),
    shared("wasi:http/types", "0.3.0"),
    super::per_member("wasi:http/outgoing-handler", "0.2.12"),
    super::per_member("wasi:http/client", "0.3.0"),
];

impl Capability for Http {
    fn name(&self) -> &'static str {
        "http client"
    }

    fn tier(&self) -> Tier {
        Tier::Wasi
    }

    fn interfaces(&self) -> &'static [Row] {
        INTERFACES
    }

    fn validate(&self, settings: &MemberSettings) -> Vec<Fault> {
        let OutgoingHttp::Allowed(patterns) = &settings.outgoing_http else {
            return Vec::new();
        };
        patterns
            .iter()
            .filter_map(|pattern| Pattern::parse(pattern).err())
            .map(Fault::from)
            .collect()
    }

    fn set_up(&self, for_whom: &ForWhom<'_>, kept: &mut Kept) -> std::result::Result<(), Fault> {
        let MemberSettings {
            http_client,
            outgoing_http,
            ..
        } = &for_whom.member.settings;
        let pool = self.pools.of(&for_whom.workload.name, http_client);
        let place = match &for_whom.member.settings.plugin {
            Some(plugin) => Place::Plugin(plugin.name.clone()),
            None if for_whom.member.name == for_whom.workload.name => Place::Project,
            None => Place::Sibling(for_whom.member.name.clone()),
        };
        let trust = Trust::read(http_client)?;
        kept.insert(Outgoing {
            to_network: pool.transport(&trust, Reach::Network)?,
            to_anywhere: pool.transport(&trust, Reach::Anywhere)?,
            pool,
            place,
            allowed: outgoing_http.clone(),
        });
        Ok(())
    }

    fn share(&self, linker: &mut Linker<State>, model: Model) -> Result<()> {
        let options = p2::bindings::http::types::LinkOptions::default();
        p2::bindings::http::types::add_to_linker::<_, WasiHttp>(linker, &options, State::http)?;
        match model {
            Model::Sync => Ok(()),
            Model::Async => {
                p3::bindings::http::types::add_to_linker::<_, WasiHttp>(linker, State::http)
            }
        }
    }

    fn grant(
        &self,
        linker: &mut Linker<State>,
        import: &str,
        interface: &Interface<'_>,
        member: usize,
    ) -> Result<bool> {
        let view = super::per_member::http(member);
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

pub(super) fn allow_list(settings: &OutgoingHttp) -> std::result::Result<AllowList, Fault> {
    Ok(AllowList::new(settings)?)
}

impl From<PatternError> for Fault {
    fn from(error: PatternError) -> Self {
        Self {
            message: error.to_string(),
            hint: Some(PatternError::HINT.to_owned()),
        }
    }
}
