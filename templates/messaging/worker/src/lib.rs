//! Takes messages, and sends back what they say, in capitals.

use bindings::exports::wasmcloud::messaging::handler::Guest;
use bindings::wasmcloud::messaging::consumer;
use bindings::wasmcloud::messaging::types::BrokerMessage;

mod bindings {
    wit_bindgen::generate!({ world: "worker", path: "wit", generate_all });
    use super::Worker;
    export!(Worker);
}

struct Worker;

impl Guest for Worker {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        println!("a message on {}", message.subject);
        // Whoever publishes instead of requesting waits for no answer.
        let Some(subject) = message.reply_to else {
            return Ok(());
        };
        consumer::publish(&BrokerMessage {
            subject,
            body: shout(&message.body),
            reply_to: None,
        })
    }
}

fn shout(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_ascii_uppercase();
    text.extend(b"!\n");
    text
}

#[cfg(test)]
mod tests {
    use super::shout;

    #[test]
    fn shouts() {
        assert_eq!(shout(b"wake up"), b"WAKE UP!\n");
    }
}
