//! The messages that wait for a device, as the model keeps them.

use super::step::Settlement;

/// How often a message is delivered.
const DELIVERIES: u32 = 10;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) number: u64,
    pub(crate) body: &'static str,
    /// Whether it has an id, and a property.
    pub(crate) names: bool,
    pub(crate) deliveries: u32,
    expires: u64,
    /// By what it is locked, and until when.
    pub(crate) lock: Option<(String, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    pub(crate) messages: Vec<Message>,
    /// All that messages were ever locked by.
    pub(crate) tokens: Vec<String>,
    last: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, body: &'static str, expires: u64, names: bool) -> u64 {
        self.last += 1;
        self.messages.push(Message { number: self.last, body, names, deliveries: 0, expires, lock: None });
        self.last
    }

    /// What is locked by a token that is still to come.
    pub(crate) fn receive(&mut self, until: u64) -> Option<&mut Message> {
        let message = self.messages.iter_mut().find(|message| message.lock.is_none())?;
        message.lock = Some((String::new(), until));
        message.deliveries += 1;
        Some(message)
    }

    /// Whether there was such a lock.
    pub(crate) fn settle(&mut self, token: &str, how: Settlement) -> bool {
        let is_it = |message: &Message| message.lock.as_ref().is_some_and(|(own, _)| own == token);
        let Some(at) = self.messages.iter().position(is_it) else { return false };
        self.messages[at].lock = None;
        if how != Settlement::Abandon || self.messages[at].deliveries >= DELIVERIES {
            self.messages.remove(at);
        }
        true
    }

    pub(crate) fn advance(&mut self, now: u64) {
        for message in &mut self.messages {
            message.lock.take_if(|(_, until)| *until <= now);
        }
        let is_over = |message: &Message| message.lock.is_none() && message.deliveries >= DELIVERIES;
        self.messages.retain(|message| message.expires > now && !is_over(message));
    }

    pub(crate) fn restart(&mut self) {
        self.messages.iter_mut().for_each(|message| message.lock = None);
    }
}
