//! All devices, or those with certain ids, a part at a time: others may change them in between.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::device::Device;
use super::hub::{Hub, HubState};

/// How many are looked at before others have their turn.
pub(crate) const CHUNK: usize = 1_000;

/// Goes through devices in the order of their ids. Each comes once, as it is when its turn comes.
#[derive(Debug)]
pub(crate) struct Scan {
    after: Option<Arc<str>>,
    /// The ids of those that matter, if only some do.
    ids: Option<std::vec::IntoIter<Arc<str>>>,
}

impl Scan {
    /// Goes through the devices behind this id: all, or those with these ids.
    pub(crate) fn new(after: Option<&str>, ids: Option<BTreeSet<&str>>) -> Scan {
        let is_left = |id: &&str| after.is_none_or(|after| *id > after);
        let ids = ids.map(|ids| ids.into_iter().filter(is_left).map(Arc::from).collect::<Vec<Arc<str>>>().into_iter());
        Scan { after: after.map(Arc::from), ids }
    }

    /// The next part, which may be empty; `None` behind the last one.
    pub(crate) fn next(&mut self, hub: &Hub) -> Option<Vec<Arc<Device>>> {
        self.next_in(&hub.read())
    }

    pub(super) fn next_in(&mut self, state: &HubState) -> Option<Vec<Arc<Device>>> {
        if let Some(ids) = &mut self.ids {
            let is_any_left = ids.len() > 0;
            return is_any_left
                .then(|| ids.by_ref().take(CHUNK).filter_map(|id| state.devices.get(&id).cloned()).collect());
        }
        let from = self.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let devices: Vec<Arc<Device>> =
            state.devices.range((from, Bound::Unbounded)).take(CHUNK).map(|(_, device)| device.clone()).collect();
        self.after = Some(devices.last()?.id.clone());
        Some(devices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_once_whatever_happens() {
        let hub = crate::state::testing::hub();
        let ids = |chunk: &[Arc<Device>]| chunk.iter().map(|device| device.id.to_string()).collect::<Vec<_>>();
        let all: Vec<String> = (0..2 * CHUNK).map(|number| format!("d{number:05}")).collect();
        crate::state::testing::devices(&hub, all.iter().map(String::as_str));
        let mut scan = Scan::new(None, None);
        let first = scan.next(&hub).unwrap();
        assert_eq!(ids(&first), all[..CHUNK]);
        // The last one that was seen, and the first one that was not.
        crate::state::testing::delete(&hub, &[&all[CHUNK - 1], &all[CHUNK]]);
        crate::state::testing::devices(&hub, ["a", "d00999x", "e"]);
        let mut rest = scan.next(&hub).unwrap();
        rest.extend(scan.next(&hub).unwrap());
        assert!(scan.next(&hub).is_none());
        let mut expected = vec!["d00999x".to_owned()];
        expected.extend_from_slice(&all[CHUNK + 1..]);
        expected.push("e".to_owned());
        assert_eq!(ids(&rest), expected);
    }

    #[test]
    fn some() {
        let hub = crate::state::testing::hub();
        crate::state::testing::devices(&hub, ["a", "b", "c"]);
        let found = |after, ids: &[&'static str]| {
            let mut scan = Scan::new(after, Some(ids.iter().copied().collect()));
            let mut found = Vec::new();
            while let Some(devices) = scan.next(&hub) {
                found.extend(devices.iter().map(|device| device.id.to_string()));
            }
            found.concat()
        };
        assert_eq!(found(None, &["c", "a", "x"]), "ac");
        assert_eq!(found(Some("a"), &["c", "a", "x"]), "c");
        assert_eq!(found(Some("z"), &["c"]), "");
        assert_eq!(found(None, &[]), "");
    }
}
