//! Scheduled jobs.

use std::time::SystemTime;

use iothub::hub::models::{self, DeviceJobStatistics, JobRequest, JobStatus, JobType, Twin};
use iothub::hub::server::JobApi;
use iothub::hub::server::job_api::{
    CancelJobRequest, CancelJobResponse, CreateJobRequest, CreateJobResponse, GetJobRequest, GetJobResponse,
    QueryJobsOk, QueryJobsRequest, QueryJobsResponse,
};
use iothub::runtime::Clock;
use iothub::runtime::server::{Context, Paginator, ServiceError};

use super::Services;
use crate::errors;
use crate::state::jobs::{self, End, Phase, Plan, Seen, Task, run};
use crate::state::time_or_never;

/// The longest id.
const ID: usize = 64;
/// How many seconds a job may take where nothing is said.
const USUAL_TIME: u64 = 60 * 60;

impl JobApi for Services {
    async fn get_job(&self, cx: &Context, request: GetJobRequest) -> Result<GetJobResponse, ServiceError> {
        let hub = self.hub(cx)?;
        let now = hub.clock.now();
        let job = hub.read().jobs.get(&request.job_id, now);
        let job = job.ok_or_else(|| errors::job_not_found(&request.job_id))?;
        Ok(GetJobResponse::Ok(written(&job, now)))
    }

    async fn create_job(&self, cx: &Context, request: CreateJobRequest) -> Result<CreateJobResponse, ServiceError> {
        let hub = self.hub(cx)?;
        let now = hub.clock.now();
        let plan = plan(&request.job_id, request.job, now)?;
        let job = run::schedule(&hub, &self.world.config.limits, plan)?.durable().await?;
        Ok(CreateJobResponse::Ok(written(&job, now)))
    }

    async fn query_jobs(&self, cx: &Context, request: QueryJobsRequest) -> Result<QueryJobsResponse, ServiceError> {
        let QueryJobsRequest { job_type, status, page_size, continuation, .. } = request;
        if let Some(JobType::Other(other)) = &job_type {
            return Err(errors::invalid(format!("jobType: there is no type {other}.")));
        }
        if let Some(JobStatus::Other(other)) = &status {
            return Err(errors::invalid(format!("jobStatus: there is no status {other}.")));
        }
        let hub = self.hub(cx)?;
        let wanted = [job_type.as_ref().map(JobType::as_str), status.as_ref().map(JobStatus::as_str)];
        let list = ["jobs", &hub.name, wanted[0].unwrap_or_default(), wanted[1].unwrap_or_default()];
        let pages: Paginator<u64> = Paginator::new(&list, self.page_size(page_size), continuation.as_deref())?;
        let now = hub.clock.now();
        let page = {
            let state = hub.read();
            let is_wanted = |job: &Seen| {
                wanted[0].is_none_or(|kind| kind == job.plan.task.kind())
                    && status.as_ref().is_none_or(|wanted| *wanted == self::status(job, now))
            };
            pages.page(state.jobs.after(pages.after().copied(), now).filter(is_wanted), |job| job.plan.number)
        };
        let jobs = page.items.iter().map(|job| written(job, now)).collect();
        let mut answer = QueryJobsOk::new(jobs).with_item_type("jobResponse");
        answer.continuation = page.next;
        Ok(QueryJobsResponse::Ok(answer))
    }

    async fn cancel_job(&self, cx: &Context, request: CancelJobRequest) -> Result<CancelJobResponse, ServiceError> {
        let hub = self.hub(cx)?;
        let pending = hub.change(|state, changes| jobs::cancel(&hub, state, changes, &request.job_id))?;
        let job = pending.durable().await?;
        Ok(CancelJobResponse::Ok(written(&job, hub.clock.now())))
    }
}

/// What a job is to do.
fn plan(id: &str, job: JobRequest, now: SystemTime) -> Result<Plan, ServiceError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'\'');
    if !(1..=ID).contains(&id.len()) || !id.bytes().all(is_allowed) {
        return Err(errors::invalid(format!("An id of a job has 1 to {ID} ASCII letters, digits, - and '.")));
    }
    if job.job_id != id {
        return Err(errors::invalid(format!("jobId: it is not {id}, as in the path.")));
    }
    let missing = |name: &str| errors::invalid(format!("{name}: it is missing."));
    let task = match &job.r#type {
        JobType::ScheduleDeviceMethod => {
            Task::Method(job.cloud_to_device_method.ok_or_else(|| missing("cloudToDeviceMethod"))?)
        }
        JobType::ScheduleUpdateTwin => Task::Twin(job.update_twin.ok_or_else(|| missing("updateTwin"))?.into()),
        other => return Err(errors::invalid(format!("type: there is no type {other} of jobs."))),
    };
    let condition = job.query_condition.filter(|condition| !condition.trim().is_empty());
    let condition = condition.ok_or_else(|| missing("queryCondition"))?;
    let seconds = match job.max_execution_time_in_seconds {
        None | Some(0) => USUAL_TIME,
        Some(seconds) => u64::try_from(seconds)
            .map_err(|_| errors::invalid("maxExecutionTimeInSeconds: it is less than nothing."))?,
    };
    let start = job.start_time.and_then(|start| SystemTime::try_from(start).ok()).unwrap_or(now).max(now);
    // It gets its number when it is kept.
    Ok(Plan { id: id.into(), number: 0, task, condition, created: now, start, seconds })
}

fn status(job: &Seen, now: SystemTime) -> JobStatus {
    match &job.phase {
        Phase::Waiting if now < job.plan.start => JobStatus::Scheduled,
        Phase::Waiting => JobStatus::Queued,
        Phase::Running { .. } => JobStatus::Running,
        Phase::Ended { how: End::Completed | End::OutOfTime, .. } => JobStatus::Completed,
        Phase::Ended { how: End::Failed(_), .. } => JobStatus::Failed,
        Phase::Ended { how: End::Cancelled, .. } => JobStatus::Cancelled,
    }
}

/// A job as it is written.
fn written(job: &Seen, now: SystemTime) -> models::Job {
    let Seen { plan, phase, .. } = job;
    let mut written = models::Job::new(JobType::from(plan.task.kind()))
        .with_job_id(&*plan.id)
        .with_query_condition(plan.condition.as_str())
        .with_max_execution_time_in_seconds(i64::try_from(plan.seconds).unwrap_or(i64::MAX))
        .with_status(status(job, now))
        .with_device_job_statistics(statistics(job));
    written.created_time = time_or_never(Some(plan.created));
    written.start_time = time_or_never(Some(plan.start));
    match &plan.task {
        Task::Method(method) => written.cloud_to_device_method = Some(method.clone()),
        Task::Twin(twin) => written.update_twin = Some(Twin::clone(twin)),
    }
    if let Phase::Ended { at, how } = phase {
        written.end_time = time_or_never(Some(*at));
        match how {
            End::Failed(why) => written.failure_reason = Some(why.clone()),
            End::OutOfTime => {
                written.status_message = Some("The time was over before the job had come to all devices.".to_owned());
            }
            End::Completed | End::Cancelled => {}
        }
    }
    written
}

/// With how many devices it is how far. Those that it did not get done with in its time have failed; those that it was called off from are
/// only counted as devices.
fn statistics(job: &Seen) -> DeviceJobStatistics {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let tally = job.tally;
    let all = tally.pending + tally.running + tally.succeeded + tally.failed;
    let (pending, running, failed) = match &job.phase {
        Phase::Ended { how: End::Cancelled, .. } => (0, 0, tally.failed),
        Phase::Ended { .. } => (0, 0, all - tally.succeeded),
        _ => (tally.pending, tally.running, tally.failed),
    };
    DeviceJobStatistics::new()
        .with_device_count(count(all))
        .with_failed_count(count(failed))
        .with_succeeded_count(count(tally.succeeded))
        .with_running_count(count(running))
        .with_pending_count(count(pending))
}
