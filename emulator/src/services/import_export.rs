//! Imports and exports of devices, as the data plane has them.

use std::time::SystemTime;

use iothub::hub::models::ImportExportJob;
use iothub::hub::server::ImportExport;
use iothub::hub::server::import_export::{
    CancelJobRequest, CancelJobResponse, CreateJobRequest, CreateJobResponse, GetJobRequest, GetJobResponse,
    ListJobsRequest, ListJobsResponse,
};
use iothub::management::models::{Job, JobStatus, JobType};
use iothub::runtime::server::{Context, ServiceError};
use iothub::runtime::{Clock, Secret};

use super::Services;
use super::transfer::Transfers;
use crate::errors;
use crate::state::transfers::{self, End, Plan, Status, Transfer};

/// Imports and exports of hubs.
#[derive(Clone, Debug)]
pub(crate) struct ImportsAndExports {
    services: Services,
    transfers: Transfers,
}

impl ImportsAndExports {
    /// Those of these services' hubs.
    pub(crate) fn new(services: Services, transfers: Transfers) -> ImportsAndExports {
        ImportsAndExports { services, transfers }
    }
}

impl ImportExport for ImportsAndExports {
    async fn create_job(&self, cx: &Context, request: CreateJobRequest) -> Result<CreateJobResponse, ServiceError> {
        let plan = plan(request.job)?;
        let hub = self.services.hub(cx)?;
        let transfer = self.transfers.start(&hub, plan).await?;
        Ok(CreateJobResponse::Ok(written(&transfer, hub.clock.now())))
    }

    async fn list_jobs(&self, cx: &Context, _: ListJobsRequest) -> Result<ListJobsResponse, ServiceError> {
        let hub = self.services.hub(cx)?;
        let now = hub.clock.now();
        let jobs = hub.read().transfers.iter().map(|transfer| written(transfer, now)).collect();
        Ok(ListJobsResponse::Ok(jobs))
    }

    async fn get_job(&self, cx: &Context, request: GetJobRequest) -> Result<GetJobResponse, ServiceError> {
        let hub = self.services.hub(cx)?;
        let state = hub.read();
        let found = transfers::find(&state, &request.job_id);
        let found = found.ok_or_else(|| errors::transfer_not_found(&request.job_id))?;
        Ok(GetJobResponse::Ok(written(found, hub.clock.now())))
    }

    async fn cancel_job(&self, cx: &Context, request: CancelJobRequest) -> Result<CancelJobResponse, ServiceError> {
        let hub = self.services.hub(cx)?;
        let now = hub.clock.now();
        let pending =
            hub.change(|state, changes| transfers::end(&hub, state, changes, &request.job_id, now, End::Cancelled))?;
        pending.durable().await?;
        Ok(CancelJobResponse::NoContent)
    }
}

/// What a job is to do.
fn plan(job: ImportExportJob) -> Result<Plan, ServiceError> {
    let address = |name: &str, address: Option<Secret>| {
        let address = address.filter(|address| !address.expose().is_empty());
        let address = address.ok_or_else(|| errors::invalid(format!("{name}: it is missing.")))?;
        Ok::<_, ServiceError>(address.expose().to_owned())
    };
    let output = address("outputBlobContainerUri", job.output_blob_container_uri)?;
    match job.r#type.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("export") => Ok(Plan::Export { output, excludes_keys: job.exclude_keys_in_export.unwrap_or_default() }),
        Some("import") => {
            Ok(Plan::Import { input: address("inputBlobContainerUri", job.input_blob_container_uri)?, output })
        }
        _ => Err(errors::invalid("type: it is neither export nor import.")),
    }
}

/// A job as the data plane writes it.
fn written(transfer: &Transfer, now: SystemTime) -> ImportExportJob {
    let mut job = ImportExportJob::new()
        .with_job_id(transfer.id.clone())
        .with_status(status(transfer, now).as_str())
        .with_progress(i32::from(transfer.progress));
    job.start_time_utc = transfer.started.try_into().ok();
    job.end_time_utc = transfer.ended(now).and_then(|at| at.try_into().ok());
    job.failure_reason = transfer.failure(now).map(str::to_owned);
    match &transfer.plan {
        Plan::Export { output, excludes_keys } => job
            .with_type("export")
            .with_output_blob_container_uri(output.as_str())
            .with_exclude_keys_in_export(*excludes_keys),
        Plan::Import { input, output } => job
            .with_type("import")
            .with_input_blob_container_uri(input.as_str())
            .with_output_blob_container_uri(output.as_str()),
    }
}

/// A job as the resource provider writes it.
pub(super) fn job(transfer: &Transfer, now: SystemTime) -> Job {
    let kind = match transfer.plan {
        Plan::Export { .. } => JobType::Export,
        Plan::Import { .. } => JobType::Import,
    };
    let mut job = Job::new().with_job_id(transfer.id.clone()).with_type(kind).with_status(status(transfer, now));
    job.start_time_utc = transfer.started.try_into().ok();
    job.end_time_utc = transfer.ended(now).and_then(|at| at.try_into().ok());
    job.failure_reason = transfer.failure(now).map(str::to_owned);
    job
}

fn status(transfer: &Transfer, now: SystemTime) -> JobStatus {
    match transfer.status(now) {
        Status::Running => JobStatus::Running,
        Status::Completed => JobStatus::Completed,
        Status::Failed => JobStatus::Failed,
        Status::Cancelled => JobStatus::Cancelled,
    }
}
