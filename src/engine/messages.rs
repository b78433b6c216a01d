//! Delivers messages to a component: a fresh instance for each, which ends with the answer.
//!
//! Knows nothing of subjects and subscriptions: the messaging capability decides who gets what.

use wasmtime::Result;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, TypedFunc};
use wasmtime::{Store, format_err};

use crate::capability::messaging::Message;

use super::instances::{Export, Fresh, Instances, Supplies};
use super::limits::Metered;
use super::report::Report;
use super::state::State;

/// A component that is ready to take messages.
pub(crate) struct MessageHandler {
    name: String,
    instances: Instances<HandleMessage>,
}

/// `handle-message` of `wasmcloud:messaging/handler@0.2`
struct HandleMessage(ComponentExportIndex);

type Answer = std::result::Result<(), String>;

impl MessageHandler {
    /// `name`: of the member that is called. `export`: the interface as the component spells it.
    pub(super) fn new(
        name: String,
        pre: InstancePre<State>,
        export: &str,
        supplies: Supplies,
    ) -> Result<Self> {
        let component = pre.component();
        let index = component
            .get_export_index(None, export)
            .and_then(|interface| component.get_export_index(Some(&interface), "handle-message"))
            .ok_or_else(|| format_err!("`{export}` has no function `handle-message`"))?;
        Ok(Self {
            name,
            instances: Instances::new(pre, HandleMessage(index), supplies),
        })
    }

    /// Has a message handled, which waits its turn when as many as may are being handled. Dropping this stops the guest.
    ///
    /// What goes wrong was told on the console when this returns; the error is its first line.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no capability delivers messages yet")
    )]
    pub(crate) async fn handle(&self, message: Message) -> std::result::Result<(), String> {
        let _flight = self.instances.flight();
        let _permit = self.instances.permit().await;
        let call = format!("a message on `{}`", message.subject);
        match self.call(message).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => {
                let summary = format!("`{}` answered with an error: {reason}", self.name);
                let console = &self.instances.console;
                console.talk(&format!("{call} failed: {summary}"));
                Err(summary)
            }
            Err(error) => Err(self.instances.failed(&call, &error)),
        }
    }

    /// When this returns, the instance is gone, and what it wrote to its output was printed.
    async fn call(&self, message: Message) -> Result<Answer> {
        let Fresh {
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

    pub(super) async fn try_out(&self) -> std::result::Result<(), Report> {
        self.instances.try_out().await
    }
}

impl Export for HandleMessage {
    type Found = TypedFunc<(Message,), (Answer,)>;

    fn find(&self, store: &mut Store<State>, instance: &Instance) -> Result<Self::Found> {
        instance.get_typed_func(store, self.0)
    }
}
