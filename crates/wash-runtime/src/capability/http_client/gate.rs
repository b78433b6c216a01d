//! Lets a member's outgoing requests through, or denies them.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::failure::{Failure, Trouble};
use super::pool::{Pool, Transport};
use super::reach::Reach;
use super::words::Place;
use super::{AllowList, words};
use crate::capability::http_client::OutgoingHttp;
use crate::instance::{Call, MemberSetup};

/// What a member's requests go through.
pub(super) struct Outgoing {
    pub(super) pool: Arc<Pool>,
    /// Not to this machine and its link.
    pub(super) to_network: Arc<Transport>,
    pub(super) to_anywhere: Arc<Transport>,
    pub(super) place: Place,
    pub(super) allow_list: AllowList,
    pub(super) allowed: OutgoingHttp,
}

pub(super) struct HttpHooks {
    member: Arc<MemberSetup>,
    call: Call,
}

/// For what sends no request: requests and responses that come in.
pub(super) struct DenyAll;

impl WasiHttpHooks for DenyAll {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _received: Connection,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Connection), Error>> + Send>
    {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

/// Reports how the connection ended, once it has.
type Connection = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl HttpHooks {
    pub(crate) fn new(member: Arc<MemberSetup>, call: Call) -> Self {
        Self { member, call }
    }
}

impl WasiHttpHooks for HttpHooks {
    /// HTTP/1.1 gets it where the request is written; HTTP/2 says the authority once.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _received: Connection,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Connection), Error>> + Send>
    {
        let outgoing = self.member.extensions.get::<Outgoing>();
        let outgoing = outgoing.expect("the capability sets up every member");
        let (member, call) = (Arc::clone(&self.member), self.call.clone());
        let tell = move |text: String| {
            call.events.member(&member.name, call.request, &text);
        };
        let target = request.uri().clone();
        if target.authority().is_none() {
            return Box::new(async { Err(Error::HttpRequestUriInvalid) });
        }
        let reach = outgoing.allow_list.reach(&target);
        let Some(reach) = reach else {
            tell(words::denied(&target, &outgoing.allowed, &outgoing.place));
            // To a guest that is still writing, a body that nobody takes is a lost connection, and hides the denial.
            tokio::spawn(take(request.into_body()));
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        Box::new(async move {
            let Outgoing {
                pool,
                to_network,
                to_anywhere,
                place,
                allowed,
                ..
            } = &*outgoing;
            let transport = match reach {
                Reach::Network => to_network,
                Reach::Anywhere => to_anywhere,
            };
            let options = options.unwrap_or_default();
            match pool.send(transport, request, options).await {
                // The pool drives the connection.
                Ok(response) => Ok((response, Box::new(async { Ok(()) }) as Connection)),
                Err(Failure { code, trouble }) => {
                    match trouble {
                        Some(Trouble::Local) => tell(words::local(&target, allowed, place)),
                        Some(trouble) => tell(words::failed(&target, &trouble, pool, place)),
                        None => {}
                    }
                    Err(code)
                }
            }
        })
    }
}

/// Takes a body to its end, which comes with the end of the guest at the latest.
async fn take(mut body: WasiBody) {
    while let Some(Ok(_)) = body.frame().await {}
}
