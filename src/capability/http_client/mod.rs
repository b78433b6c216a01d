//! wasi:http: the types for everybody, and outgoing requests to the hosts that a member was allowed.

mod allow;
mod gate;

use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, p2, p3};

use crate::engine::Model;
use crate::engine::state::State;
use crate::host::workload::{MemberSettings, OutgoingHttp};
use crate::linker::Tier;

use super::{Capability, Fault, Interface, Preview, Row, shared};

pub use allow::{AllowList, Pattern, PatternError};
pub(crate) use gate::Gate;

pub(crate) struct Http;

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
