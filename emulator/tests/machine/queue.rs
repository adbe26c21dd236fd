//! The messages that wait for a device, as the model keeps them.

use iothub_emulator::Ack;

use super::step::Settlement;

/// How often a message is delivered, as the hub is set up.
pub(crate) const DELIVERIES: u32 = 2;

/// When something is due: in which second, and how many such times were set before, since the one that was set first comes first.
pub(crate) type Due = (u64, usize);

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) number: u64,
    pub(crate) body: &'static str,
    /// Its id; where it has one, it has a property.
    pub(crate) id: Option<&'static str>,
    pub(crate) ack: Ack,
    pub(crate) deliveries: u32,
    pub(crate) expires: Due,
    /// By what it is locked, and until when.
    pub(crate) lock: Option<(String, Due)>,
}

impl Message {
    /// When it expires or its lock runs out.
    fn due(&self) -> Due {
        self.lock.iter().map(|(_, until)| *until).fold(self.expires, Due::min)
    }

    /// Whether the back end wants to hear that it has ended so.
    pub(crate) fn asks_for(&self, how: &str) -> bool {
        match self.ack {
            Ack::Positive => how == "Success",
            Ack::Negative => how != "Success",
            Ack::Full => true,
            _ => false,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    pub(crate) messages: Vec<Message>,
    /// All that messages were ever locked by.
    pub(crate) tokens: Vec<String>,
    last: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, body: &'static str, expires: Due, id: Option<&'static str>, ack: Ack) -> u64 {
        self.last += 1;
        self.messages.push(Message { number: self.last, body, id, ack, deliveries: 0, expires, lock: None });
        self.last
    }

    /// What is locked by a token that is still to come.
    pub(crate) fn receive(&mut self, until: Due) -> Option<&mut Message> {
        let message = self.messages.iter_mut().find(|message| message.lock.is_none())?;
        message.lock = Some((String::new(), until));
        message.deliveries += 1;
        Some(message)
    }

    /// Whether there was such a lock, and what has ended how.
    pub(crate) fn settle(&mut self, token: &str, how: Settlement) -> Option<Option<(Message, &'static str)>> {
        let is_it = |message: &Message| message.lock.as_ref().is_some_and(|(own, _)| own == token);
        let at = self.messages.iter().position(is_it)?;
        let how = match how {
            Settlement::Complete => "Success",
            Settlement::Reject => "Rejected",
            Settlement::Abandon => return Some(self.release(at)),
        };
        Some(Some((self.messages.remove(at), how)))
    }

    /// A message may be received again, unless it was often enough.
    fn release(&mut self, at: usize) -> Option<(Message, &'static str)> {
        self.messages[at].lock = None;
        (self.messages[at].deliveries >= DELIVERIES).then(|| (self.messages.remove(at), "DeliveryCountExceeded"))
    }

    /// When the next lock runs out or message expires.
    pub(crate) fn due(&self) -> Option<Due> {
        self.messages.iter().map(Message::due).min()
    }

    /// Does what is due then, and says what has ended how.
    pub(crate) fn advance(&mut self, due: Due) -> Option<(Message, &'static str)> {
        let at = self.messages.iter().position(|message| message.due() == due)?;
        match self.messages[at].expires == due {
            true => Some((self.messages.remove(at), "Expired")),
            false => self.release(at),
        }
    }

    /// Locks are lost.
    pub(crate) fn restart(&mut self) -> Vec<(Message, &'static str)> {
        let locked = (0..self.messages.len()).rev().filter(|at| self.messages[*at].lock.is_some()).collect::<Vec<_>>();
        let mut ended: Vec<_> = locked.into_iter().filter_map(|at| self.release(at)).collect();
        ended.reverse();
        ended
    }
}
