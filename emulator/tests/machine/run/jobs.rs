//! Scheduled jobs.

use std::time::Duration;

use iothub::hub::models::{DirectMethod, JobRequest, JobStatus, JobType, Twin};
use iothub::runtime::time::DateTime;
use serde_json::{Value, json};

use super::{Machine, Outcome, twin};
use crate::machine::model::{condition, payload};
use crate::machine::step::{Search, Task};

/// How often it is looked whether jobs have come as far as they should. Each time, all that was to be written before has been written.
const ROUNDS: usize = 30;

impl Machine {
    pub(super) async fn schedule(
        &mut self,
        id: &'static str,
        task: &Task,
        search: Option<&Search>,
        is_later: bool,
        lasts: Option<u64>,
    ) {
        let later = is_later.then(|| self.model.later());
        let text = search.map_or("what is that".to_owned(), condition);
        let (tag, request) = match task {
            Task::Method(method) => {
                let call = DirectMethod::new(*method).with_payload(payload());
                (None, JobRequest::new(id, JobType::ScheduleDeviceMethod).with_cloud_to_device_method(call))
            }
            Task::Twin { condition, parts } => {
                let [_, tag] = self.model.tags("d1", *condition);
                let mut update: Twin = twin(parts);
                update.etag.clone_from(&tag);
                (tag, JobRequest::new(id, JobType::ScheduleUpdateTwin).with_update_twin(update))
            }
        };
        let mut request = request.with_query_condition(text);
        request.max_execution_time_in_seconds = lasts.map(|lasts| lasts.try_into().unwrap());
        request.start_time = later.map(|later| {
            let start = self.emulator.clock().now() + Duration::from_secs(later);
            DateTime::try_from(start).unwrap()
        });
        let outcome = Outcome::of(self.hub.jobs().create(id, &request).await);
        if outcome.status == 200 {
            let asked = serde_json::to_value(&request).unwrap();
            for name in ["updateTwin", "cloudToDeviceMethod"] {
                assert_eq!(outcome.body.get(name), asked.get(name));
            }
        }
        let expected = self.model.schedule(id, task, tag, search, later, lasts);
        self.check(expected, &outcome);
        self.settle_jobs().await;
    }

    pub(super) async fn cancel(&mut self, id: &str) {
        let outcome = Outcome::of(self.hub.jobs().cancel(id).await);
        let expected = self.model.cancel_job(id);
        self.check(expected, &outcome);
        self.settle_jobs().await;
    }

    pub(super) async fn list_jobs(&self, kind: Option<&str>, status: Option<&str>, page: i32) {
        let seen = self.jobs(kind, status, page).await;
        assert_eq!(seen, self.model.jobs(kind, status), "{kind:?} {status:?}");
    }

    async fn jobs(&self, kind: Option<&str>, status: Option<&str>, page: i32) -> Vec<Value> {
        let mut call = self.hub.jobs().query().page_size(page);
        if let Some(kind) = kind {
            call = call.job_type(&JobType::from(kind));
        }
        if let Some(status) = status {
            call = call.status(&JobStatus::from(status));
        }
        let (mut pages, mut found) = (call.into_pages(), Vec::new());
        while let Some(page) = pages.try_next().await.unwrap() {
            found.extend(page.into_items().iter().map(|job| shown(&serde_json::to_value(job).unwrap())));
        }
        found
    }

    /// Lets jobs come as far as they should without more time.
    pub(super) async fn settle_jobs(&mut self) {
        let expected = self.model.jobs(None, None);
        let mut seen = self.jobs(None, None, 1_000).await;
        for _ in 0..ROUNDS {
            if seen == expected {
                return;
            }
            self.markers += 1;
            self.emulator.container(&format!("marker-{}", self.markers)).await.unwrap();
            seen = self.jobs(None, None, 1_000).await;
        }
        assert_eq!(seen, expected);
    }

    /// What jobs do with devices, which may be others without a change of the job.
    pub(super) async fn compare_jobs(&mut self) {
        let expected = self.model.rows_of_jobs();
        if expected.is_empty() && self.model.jobs(None, None).is_empty() {
            return;
        }
        let mut pages = self.hub.devices().query("SELECT * FROM devices.jobs").page_size(1_000).into_pages();
        let mut rows = Vec::new();
        while let Some(page) = pages.try_next().await.unwrap() {
            rows.extend(page.into_items().iter().map(row));
        }
        assert_eq!(rows, expected);
    }
}

/// A job as it is compared: without times, and what else is as it was asked for.
pub(super) fn shown(job: &Value) -> Value {
    let remarks = ["failureReason", "statusMessage"];
    assert!(job["createdTime"].is_string() && job["startTime"].is_string(), "{job}");
    json!({
        "jobId": job["jobId"],
        "type": job["type"],
        "status": job["status"],
        "queryCondition": job["queryCondition"],
        "maxExecutionTimeInSeconds": job["maxExecutionTimeInSeconds"],
        "remark": remarks.into_iter().find(|name| job[name].is_string()),
        "hasEnded": job["endTime"].is_string(),
        "deviceJobStatistics": job["deviceJobStatistics"],
    })
}

fn row(row: &Value) -> Value {
    let times = ["startTimeUtc", "createdTimeUtc", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"];
    assert!(times.into_iter().all(|name| row[name].is_string()), "{row}");
    let has_ended = ["completed", "failed", "canceled"].iter().any(|status| row["status"] == *status);
    assert_eq!(row["endTimeUtc"].is_string(), has_ended, "{row}");
    json!({
        "deviceId": row["deviceId"],
        "jobId": row["jobId"],
        "jobType": row["jobType"],
        "status": row["status"],
        "outcome": row["outcome"],
        "error": row["error"]["code"],
    })
}
