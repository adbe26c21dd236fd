//! Jobs out of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Done, HubState, Job, Plan, Progress, Record, Tally, WEIGHT};
use crate::state::load::parse;

/// Reads a record of a job, or of a device of a job whose own record has been read.
///
/// # Errors
///
/// What is wrong with it.
pub(in crate::state) fn load(state: &mut HubState, id: &str, bytes: &[u8]) -> Result<(), String> {
    let (number, rest) = id.split_once('/').map_or((id, None), |(number, rest)| (number, Some(rest)));
    let number: u64 = number.parse().map_err(|_| "it is of no job".to_owned())?;
    let jobs = &mut state.jobs;
    let Some(rest) = rest else {
        let Record { plan, phase } = parse::<Record<Plan>>(bytes)?;
        if plan.number != number {
            return Err(format!("it is of the job {}", plan.number));
        }
        let plan = Arc::new(plan);
        jobs.next = jobs.next.max(number.saturating_add(1));
        jobs.numbers.insert(plan.id.clone(), number);
        let (devices, tally) = (BTreeMap::new(), Tally::default());
        jobs.all.insert(number, Job { plan, phase, devices, tally, task: None });
        return Ok(());
    };
    let job = jobs.all.get_mut(&number).ok_or("there is no record of the job")?;
    if let Some(device) = rest.strip_prefix("device/") {
        let done: Done = parse(bytes)?;
        jobs.weight += done.outcome.weight() + if job.devices.contains_key(device) { 0 } else { WEIGHT };
        job.set(device.into(), Progress::Done(Arc::new(done)));
        return Ok(());
    }
    if rest != "devices" {
        return Err("there is no such kind of record".to_owned());
    }
    for device in parse::<Vec<Arc<str>>>(bytes)? {
        // What has become of it may have been read before.
        if !job.devices.contains_key(&device) {
            jobs.weight += WEIGHT;
            job.set(device, Progress::Pending);
        }
    }
    Ok(())
}
