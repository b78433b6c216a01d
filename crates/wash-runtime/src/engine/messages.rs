//! Delivers messages to a component: a fresh instance for each, which ends with the answer.
//!
//! Knows nothing of subjects and subscriptions: the messaging capability decides who gets what.

use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wash_common::sanitize;
use wasmtime::Result;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, TypedFunc};
use wasmtime::{Store, format_err};

use super::instances::{Export, Failure, InstanceConfig, Instances, NewInstance};
use crate::activity::InFlightGuard;
use crate::events::Call;
use crate::instance::State;
use crate::instance::limits::Metered;
use crate::messages::{Message, MessageHandler, Turn};

/// A component that is ready to take messages.
pub(crate) struct ComponentMessageHandler {
    name: String,
    instances: Arc<Instances<HandleMessage>>,
}

/// `handle-message` of `wasmcloud:messaging/handler@0.2`
pub(super) struct HandleMessage {
    /// As the component spells it.
    interface: String,
    function: ComponentExportIndex,
}

type Answer = std::result::Result<(), String>;

impl ComponentMessageHandler {
    /// `name`: of the member that is called. `export`: the interface as the component spells it.
    pub(super) fn new(
        name: String,
        pre: InstancePre<State>,
        export: &str,
        supplies: InstanceConfig,
    ) -> Result<Self> {
        let export = HandleMessage::new(&pre, export.to_owned())?;
        Ok(Self {
            name,
            instances: Arc::new(Instances::new(pre, export, supplies)),
        })
    }

    pub(super) fn instances(&self) -> Arc<Instances<HandleMessage>> {
        Arc::clone(&self.instances)
    }

    /// When this returns, the instance is gone, and what it wrote to its output was printed.
    async fn call(&self, message: Message) -> Result<Answer> {
        let NewInstance {
            export,
            mut store,
            meter,
        } = self.instances.fresh(None).await?;
        let called = export.call_async(&mut store, (message,));
        match Metered::new(meter, called).await {
            Ok((answer,)) => Ok(answer),
            Err(error) => Err(store.data().call.panics.explain(error)),
        }
    }

    pub(super) async fn try_out(
        &self,
        superseded: &CancellationToken,
    ) -> std::result::Result<(), Failure> {
        self.instances.try_out(superseded).await
    }
}

impl HandleMessage {
    fn new(pre: &InstancePre<State>, interface: String) -> Result<Self> {
        let component = pre.component();
        let function = component
            .get_export_index(None, &interface)
            .and_then(|interface| component.get_export_index(Some(&interface), "handle-message"))
            .ok_or_else(|| format_err!("`{interface}` has no function `handle-message`"))?;
        Ok(Self {
            interface,
            function,
        })
    }
}

#[async_trait]
impl MessageHandler for ComponentMessageHandler {
    fn name(&self) -> &str {
        &self.name
    }

    async fn turn(&self) -> Turn {
        Turn {
            _permit: self.instances.permit().await,
        }
    }

    fn flight(&self) -> InFlightGuard {
        self.instances.flight()
    }

    async fn handle(
        &self,
        message: Message,
        _turn: Turn,
        _flight: InFlightGuard,
    ) -> std::result::Result<(), String> {
        let subject = message.subject.clone();
        let call = Call::Message {
            subject: &subject,
            to: &self.name,
        };
        match self.call(message).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => {
                let reason = sanitize::guest_line(&reason);
                let summary = format!("`{}` answered with an error: {reason}", self.name);
                self.instances.tell(call, &summary, &summary);
                Err(summary)
            }
            Err(error) => Err(self.instances.failed(call, &error)),
        }
    }
}

impl Export for HandleMessage {
    type Found = TypedFunc<(Message,), (Answer,)>;

    fn again(&self, pre: &InstancePre<State>) -> Result<Self> {
        Self::new(pre, self.interface.clone())
    }

    fn find(&self, store: &mut Store<State>, instance: &Instance) -> Result<Self::Found> {
        instance.get_typed_func(store, self.function)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use crate::capability::Capabilities;
    use crate::engine::{Engines, Means, Prepared};
    use crate::events::Recorder;
    use crate::testing::{ACCEPT, REFUSE, takes, workload};
    use crate::workload::Entry;
    use crate::workload::StartError;

    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);

    async fn prepare(entry: Entry) -> (std::result::Result<Prepared, StartError>, Recorder) {
        let (events, output) = Recorder::new();
        let means = Means {
            engines: &Arc::new(Engines::new(None, events.clone())),
            capabilities: &Capabilities::default(),
            events: &events,
        };
        (
            means
                .prepare(&workload([entry]), &CancellationToken::new())
                .await,
            output,
        )
    }

    fn message() -> Message {
        Message {
            subject: "a.b".to_owned(),
            body: vec![7; 100_000],
            reply_to: None,
        }
    }

    /// Delivers a message to a component that does `then` with little room. Returns how that failed, and the output.
    async fn fail(then: &str) -> (String, String) {
        let mut entry = takes(then, Duration::ZERO);
        entry.limits.cpu_time = Duration::from_millis(200);
        entry.limits.memory = NonZeroU64::new(4 << 20).expect("not zero");
        let (prepared, output) = prepare(entry).await;
        let prepared = prepared.expect("it starts");
        let handler = &prepared.receiving[0].handler;
        let failure = handler
            .handle_in_turn(message())
            .await
            .expect_err("it fails");
        assert_eq!(prepared.activity.traps(), 1);
        (failure, output.text())
    }

    #[tokio::test]
    async fn a_trap_is_told_with_its_backtrace() {
        let (failure, output) = fail("(unreachable)").await;
        assert!(failure.contains("unreachable"), "{failure}");
        let told = format!("a message on `a.b` to `messages` failed: {failure}");
        assert!(output.contains(&told), "{output}");
        assert!(output.contains("[messages]"), "{output}");
    }

    #[tokio::test]
    async fn memory_and_cpu_time_are_limited() {
        let (failure, _) = fail("(loop $again (br $again)) (unreachable)").await;
        assert!(failure.contains("dev.limits.cpu_time"), "{failure}");
        let hoard = "(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (unreachable)";
        let (failure, _) = fail(hoard).await;
        assert!(failure.contains("dev.limits.memory"), "{failure}");
    }

    #[tokio::test]
    async fn what_a_guest_answers_does_nothing_to_the_terminal() {
        let bell = format!("(i32.store8 (i32.const 32) (i32.const 7)) {REFUSE}");
        let (prepared, output) = prepare(takes(&bell, Duration::ZERO)).await;
        let prepared = prepared.expect("it starts");
        let handler = &prepared.receiving[0].handler;
        let failure = handler.handle_in_turn(message()).await.unwrap_err();
        assert!(failure.ends_with("error: ␇efused"), "{failure}");
        assert!(output.text().contains(&failure), "{}", output.text());
    }

    #[tokio::test]
    async fn more_messages_than_the_limit_wait() {
        let mut entry = takes(ACCEPT, Duration::from_millis(50));
        entry.limits.concurrent_requests = 2;
        let prepared = prepare(entry).await.0.expect("it starts");
        let handler = &prepared.receiving[0].handler;
        let began = Instant::now();
        let all = (0..6).map(|_| handler.handle_in_turn(message()));
        for answer in futures::future::join_all(all).await {
            assert_eq!(answer, Ok(()));
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(150), "three turns: {took:?}");
    }

    #[tokio::test]
    async fn a_message_that_nobody_waits_for_is_dropped() {
        let mut entry = takes(ACCEPT, NEVER);
        entry.limits.concurrent_requests = 1;
        let prepared = prepare(entry).await.0.expect("it starts");
        let handler = &prepared.receiving[0].handler;
        for _ in 0..2 {
            let moment = Duration::from_millis(50);
            let waited = tokio::time::timeout(moment, handler.handle_in_turn(message())).await;
            assert!(waited.is_err());
            assert_eq!(prepared.activity.in_flight(), 0);
        }
    }

    #[tokio::test]
    async fn a_handler_of_another_type_is_refused() {
        let mut entry = takes(ACCEPT, Duration::ZERO);
        let text = r#"(component
            (core module $m (func (export "f")))
            (core instance $m (instantiate $m))
            (func $f (canon lift (core func $m "f")))
            (instance $handler (export "handle-message" (func $f)))
            (export "wasmcloud:messaging/handler@0.2.0" (instance $handler)))"#;
        entry.component = wat::parse_str(text).expect("it is a component").into();
        let Err(StartError::Load { reason, .. }) = prepare(entry).await.0 else {
            panic!("it must be refused");
        };
        assert!(reason.contains("with the wrong type"), "{reason}");
    }
}
