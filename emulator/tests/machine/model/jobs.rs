//! Scheduled jobs, as the model keeps them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Expected::{self, Job, Refused};
use super::{Device, INVALID, Model, are_allowed};
use crate::machine::step::{Condition, Search, Task};

/// How many seconds a job may take where nothing is said, and a device where it is called.
const USUAL: u64 = 3_600;
const ANSWER: u64 = 30;
/// How long it takes until a job begins that is not to begin now. No two begin at once: which of them came first would matter.
const LATER: u64 = 105;
const APART: u64 = 15;

/// A job that was made.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    pub(crate) id: &'static str,
    task: Task,
    /// The tag that a twin must have.
    tag: Option<String>,
    /// The devices that it is for; `None` where nobody can read that.
    search: Option<Search>,
    start: u64,
    lasts: u64,
    status: &'static str,
    /// Whether there is more to say about its end.
    remark: Option<&'static str>,
    devices: BTreeMap<&'static str, Part>,
}

/// What has become of a device's part.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// It is being called.
    Called,
    Done(Option<Value>),
    Failed(&'static str),
    Cancelled,
}

impl Scheduled {
    fn count(&self, is_it: impl Fn(&Part) -> bool) -> usize {
        self.devices.values().filter(|part| is_it(part)).count()
    }

    fn is_waiting(&self) -> bool {
        self.status == "scheduled"
    }

    fn is_running(&self) -> bool {
        self.status == "running"
    }

    fn kind(&self) -> &'static str {
        match self.task {
            Task::Twin { .. } => "scheduleUpdateTwin",
            Task::Method(_) => "scheduleDeviceMethod",
        }
    }

    /// When something happens to it by itself.
    fn due(&self) -> Option<u64> {
        match self.status {
            "scheduled" => Some(self.start),
            "running" => Some(self.start + ANSWER.min(self.lasts)),
            _ => None,
        }
    }

    /// Devices that it is at work with are done; and so it is.
    fn end(&mut self, status: &'static str, part: &Part) {
        self.status = status;
        self.devices.values_mut().filter(|own| **own == Part::Called).for_each(|own| *own = part.clone());
    }

    /// It has been at work for as long as it, or a device, may take.
    fn run_out(&mut self) {
        match self.lasts < ANSWER {
            true => {
                self.remark = Some("statusMessage");
                self.end("completed", &Part::Failed("GenericTimeout"));
            }
            false => self.end("completed", &Part::Failed("GatewayTimeout")),
        }
    }

    /// The job as it is answered, without times and what was asked for.
    fn shown(&self) -> Value {
        let is_done = |part: &Part| matches!(part, Part::Done(_));
        json!({
            "jobId": self.id,
            "type": self.kind(),
            "status": self.status,
            "queryCondition": self.search.as_ref().map_or("what is that".to_owned(), condition),
            "maxExecutionTimeInSeconds": self.lasts,
            "remark": self.remark,
            "hasEnded": !self.is_waiting() && !self.is_running(),
            "deviceJobStatistics": {
                "deviceCount": self.devices.len(),
                "failedCount": self.count(|part| matches!(part, Part::Failed(_))),
                "succeededCount": self.count(is_done),
                "runningCount": self.count(|part| *part == Part::Called),
                "pendingCount": 0,
            },
        })
    }

    fn row(&self, device: &str, part: Option<&Part>) -> Value {
        let (status, answer, error) = match part {
            None => ("scheduled", &None, None),
            Some(Part::Called) => ("running", &None, None),
            Some(Part::Done(answer)) => ("completed", answer, None),
            Some(Part::Failed(code)) => ("failed", &None, Some(*code)),
            Some(Part::Cancelled) => ("canceled", &None, None),
        };
        json!({
            "deviceId": device,
            "jobId": self.id,
            "jobType": self.kind(),
            "status": status,
            "outcome": { "deviceMethodResponse": answer },
            "error": error,
        })
    }
}

/// How a condition is written.
pub(crate) fn condition(search: &Search) -> String {
    search.condition().unwrap_or_else(|| "*".to_owned())
}

impl Model {
    /// In how many seconds a job may begin that is to begin later.
    pub(crate) fn later(&self) -> u64 {
        let is_free = |at: &u64| !self.jobs.iter().any(|job| job.is_waiting() && job.start == self.now + at);
        (0..).map(|number| LATER + number * APART).find(is_free).unwrap_or(LATER)
    }

    /// When something happens to a job by itself.
    pub(crate) fn next_of_jobs(&self) -> Option<u64> {
        self.jobs.iter().filter_map(Scheduled::due).min()
    }

    pub(crate) fn schedule(
        &mut self,
        id: &'static str,
        task: &Task,
        tag: Option<String>,
        search: Option<&Search>,
        later: Option<u64>,
        lasts: Option<u64>,
    ) -> Expected {
        let is_wrong = match task {
            Task::Method(_) => false,
            Task::Twin { parts, .. } => {
                let parts = [parts.tags.as_ref(), parts.desired.as_ref(), None];
                tag.is_none() || parts.iter().all(Option::is_none) || !are_allowed(parts)
            }
        };
        if id.contains(' ') || is_wrong {
            return INVALID;
        }
        if self.jobs.iter().any(|job| job.id == id) {
            return Refused(409, "DeviceJobAlreadyExists");
        }
        let job = Scheduled {
            id,
            task: task.clone(),
            tag,
            search: search.cloned(),
            start: self.now + later.unwrap_or(0),
            lasts: lasts.unwrap_or(USUAL),
            status: "scheduled",
            remark: None,
            devices: BTreeMap::new(),
        };
        let mut shown = job.shown();
        if later.is_none() {
            shown["status"] = "queued".into();
        }
        self.jobs.push(job);
        self.advance_jobs();
        Job(shown)
    }

    pub(crate) fn get_job(&self, id: &str) -> Expected {
        match self.jobs.iter().find(|job| job.id == id) {
            Some(job) => Job(job.shown()),
            None => Refused(404, "JobNotFound"),
        }
    }

    pub(crate) fn cancel_job(&mut self, id: &str) -> Expected {
        let found = self.jobs.iter_mut().find(|job| job.id == id);
        if let Some(job) = found.filter(|job| job.is_waiting() || job.is_running()) {
            job.end("cancelled", &Part::Cancelled);
        }
        self.get_job(id)
    }

    pub(crate) fn jobs(&self, kind: Option<&str>, status: Option<&str>) -> Vec<Value> {
        let is_it = |job: &&Scheduled| {
            kind.is_none_or(|kind| kind == job.kind()) && status.is_none_or(|status| status == job.status)
        };
        self.jobs.iter().filter(is_it).map(Scheduled::shown).collect()
    }

    /// What jobs do with devices.
    pub(crate) fn rows_of_jobs(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for job in &self.jobs {
            match (job.is_waiting(), &job.search) {
                (true, Some(search)) => rows.extend(self.found(search).into_iter().map(|id| job.row(id, None))),
                _ => rows.extend(job.devices.iter().map(|(id, part)| job.row(id, Some(part)))),
            }
        }
        rows
    }

    /// What happens to jobs by now.
    pub(super) fn advance_jobs(&mut self) {
        for at in 0..self.jobs.len() {
            let (is_waiting, is_due) =
                (self.jobs[at].is_waiting(), self.jobs[at].due().is_some_and(|due| due <= self.now));
            match (is_waiting, is_due) {
                (true, true) => self.begin_job(at),
                (false, true) => self.jobs[at].run_out(),
                _ => {}
            }
        }
    }

    fn begin_job(&mut self, at: usize) {
        let job = self.jobs[at].clone();
        let Some(search) = &job.search else {
            (self.jobs[at].status, self.jobs[at].remark) = ("failed", Some("failureReason"));
            return;
        };
        let devices = self.found(search).into_iter().map(|id| (id, self.begin_part(id, &job))).collect();
        let job = &mut self.jobs[at];
        job.devices = devices;
        job.status = if job.count(|part| *part == Part::Called) > 0 { "running" } else { "completed" };
    }

    fn begin_part(&mut self, id: &'static str, job: &Scheduled) -> Part {
        match &job.task {
            Task::Method(method) => self.call_by_job(id, method),
            Task::Twin { condition, parts } => {
                let Some(device) = self.devices.get_mut(id) else { return Part::Failed("DeviceNotFound") };
                if *condition != Condition::Any && !device.has_twin_tag(job.tag.as_deref()) {
                    return Part::Failed("PreconditionFailed");
                }
                device.merge(parts.tags.as_ref(), parts.desired.as_ref());
                Part::Done(None)
            }
        }
    }

    fn call_by_job(&self, id: &str, method: &str) -> Part {
        match self.call(id, method, &payload()) {
            Expected::Answer(answer) if method == "hang" && answer["status"] == 200 => Part::Called,
            Expected::Answer(answer) => Part::Done(Some(answer)),
            Refused(_, code) => Part::Failed(code),
            other => panic!("{other:?}"),
        }
    }

    /// Devices that were being called are called again, when none answers anything any more.
    pub(super) fn restart_jobs(&mut self) {
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in jobs.iter_mut().filter(|job| job.is_running()) {
            let Task::Method(method) = job.task else { continue };
            for (id, part) in job.devices.iter_mut().filter(|(_, part)| **part == Part::Called) {
                *part = self.call_by_job(id, method);
            }
            job.status = "completed";
        }
        self.jobs = jobs;
    }
}

impl Device {
    /// Whether its twin has a tag, which may be written as HTTP does.
    fn has_twin_tag(&self, tag: Option<&str>) -> bool {
        let own = self.twin_tag.now.as_deref();
        tag.map(|tag| tag.trim_start_matches("W/").trim_matches('"')) == own && own.is_some()
    }
}

/// With what devices are called.
pub(crate) fn payload() -> Value {
    json!({ "a": [null, 1] })
}
