//! Lets a member's outgoing requests through, or denies them and says which setting would not.

use std::sync::Arc;

use http::Uri;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::engine::state::{Call, MemberSetup};

pub(crate) struct Gate {
    member: Arc<MemberSetup>,
    call: Call,
}

/// Reports how the connection ended, once it has.
type Connection = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl Gate {
    pub(crate) fn new(member: Arc<MemberSetup>, call: Call) -> Self {
        Self { member, call }
    }

    fn tell(&self, target: &Uri) {
        let member = &self.member.name;
        let request = self
            .call
            .request
            .map(|id| format!(" {id}"))
            .unwrap_or_default();
        let authority = target
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let host = target.host().unwrap_or_default();
        self.call.console.talk(&format!(
            "{member}{request}: request to `{authority}` denied\n\
             hint: allow it in `.wash/config.yaml`: `workload.allowedHosts: [\"{host}\"]`"
        ));
    }
}

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _received: Connection,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Connection), Error>> + Send>
    {
        if !self.member.outgoing_http.allows(request.uri()) {
            self.tell(request.uri());
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        Box::new(async move {
            use http_body_util::BodyExt as _;

            let (response, connection) = default_send_request(request, options).await?;
            Ok((
                response.map(|body| body.boxed_unsync()),
                Box::new(connection) as Connection,
            ))
        })
    }
}
