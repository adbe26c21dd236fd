//! Identities, twins, jobs: the trips of the client `hub`, and of the operations that clients do not have.

use http::Method;
use iothub::hub::models as hub;
use iothub::hub::server::{device_api, device_twin_api, import_export, job_api};
use iothub::runtime::Bytes;
use iothub::runtime::server::Preconditions;
use serde_json::{Map, Value, json};

use super::hard;
use super::table::{Trip, asked, bytes, failure, raw, sample, success, trip};

const TAG: &str = "\"MA==\"";
const DEVICE: &str = hard!("another device");
const JOB: &str = hard!("job");
/// A value of a header with all that it may have.
const TOKEN: &str = "a+b/c==;, \"'\\%00\t:?#[]{}~";

fn device() -> hub::Device {
    sample("DeviceApi_GetDevice")
}

fn twin() -> hub::Twin {
    sample("DeviceTwinApi_GetDeviceTwin")
}

fn job() -> hub::Job {
    sample("JobApi_GetJob")
}

pub(super) fn if_match(tags: &[&str]) -> Preconditions {
    let mut preconditions = Preconditions::default();
    preconditions.if_match = tags.iter().map(|tag| tag.parse().unwrap()).collect();
    preconditions
}

pub(super) fn trips() -> Vec<Trip> {
    [identities(), registry(), twins(), jobs(), transports()].into_iter().flatten().collect()
}

fn identities() -> Vec<Trip> {
    use device_api::*;
    let none_match = || {
        let mut preconditions = Preconditions::default();
        preconditions.if_none_match.push("*".parse().unwrap());
        preconditions
    };
    vec![
        trip(
            "DeviceApi_GetDevice",
            |both| both.hub.devices().get(DEVICE),
            asked!(GetDeviceRequest { device_id: DEVICE }),
            GetDeviceResponse::Ok(GetDeviceOk::new(device()).with_etag(TAG.parse().unwrap())),
            success(200, device()).with(&[("etag", TAG)]),
        ),
        // A tag without quotes gets them.
        trip(
            "DeviceApi_GetDevice",
            |both| both.hub.devices().get("%2e%2e"),
            asked!(GetDeviceRequest { device_id: "%2e%2e" }),
            GetDeviceResponse::Ok(GetDeviceOk::new(device()).with_etag("MA==".parse().unwrap())),
            success(200, device()).with(&[("etag", TAG)]),
        ),
        trip(
            "DeviceApi_PutDevice",
            |both| both.hub.devices().put(DEVICE, &device()).if_match("MA=="),
            asked!(PutDeviceRequest { device_id: DEVICE, preconditions: if_match(&["MA=="]), device: device() }),
            PutDeviceResponse::Ok(PutDeviceOk::new(device()).with_etag(TAG.parse().unwrap())),
            success(200, device()).with(&[("etag", TAG)]),
        ),
        trip(
            "DeviceApi_PutDevice",
            |both| both.hub.devices().put(DEVICE, &hub::Device::new("d")).if_none_match("*"),
            asked!(PutDeviceRequest { device_id: DEVICE, preconditions: none_match(), device: hub::Device::new("d") }),
            PutDeviceResponse::Created(PutDeviceCreated::new(device()).with_etag(TAG.parse().unwrap())),
            success(201, device()).with(&[("etag", TAG)]),
        ),
        trip(
            "DeviceApi_DeleteDevice",
            |both| both.hub.devices().delete(DEVICE).if_match("*"),
            asked!(DeleteDeviceRequest { device_id: DEVICE, preconditions: if_match(&["*"]) }),
            DeleteDeviceResponse::NoContent,
            success(204, ()),
        ),
        trip(
            "DeviceApi_DeleteDevice",
            |both| both.hub.devices().delete(DEVICE),
            asked!(DeleteDeviceRequest { device_id: DEVICE, preconditions: Preconditions::default() }),
            DeleteDeviceResponse::Ok,
            success(200, ()),
        ),
        trip(
            "DeviceApi_PurgeCommandQueue",
            |both| both.hub.devices().purge_commands(DEVICE),
            asked!(PurgeCommandQueueRequest { device_id: DEVICE }),
            PurgeCommandQueueResponse::Ok(sample("DeviceApi_PurgeCommandQueue")),
            success(200, sample("DeviceApi_PurgeCommandQueue")),
        ),
    ]
}

fn registry() -> Vec<Trip> {
    use device_api::*;
    let items = || {
        let item = hub::ExportImportDevice::new("d").with_status(hub::DeviceStatus::Disabled);
        vec![item.clone().with_import_mode(hub::ImportMode::UpdateIfMatchEtag).with_etag("MA=="), item]
    };
    let failed = || -> hub::BulkRegistryOperationResult {
        let error = json!({ "deviceId": "d", "errorCode": "DeviceAlreadyExists", "errorStatus": "Conflict" });
        serde_json::from_value(json!({ "isSuccessful": false, "errors": [error] })).unwrap()
    };
    let query = "SELECT * FROM devices WHERE tags.a = '\u{fc}'";
    vec![
        trip(
            "DeviceApi_GetDevices",
            |both| both.hub.devices().list().top(i32::MIN),
            asked!(GetDevicesRequest { top: Some(i32::MIN) }),
            GetDevicesResponse::Ok(vec![device(), hub::Device::new("e")]),
            success(200, vec![device(), hub::Device::new("e")]),
        ),
        trip(
            "DeviceApi_GetDevices",
            |both| both.hub.devices().list(),
            asked!(GetDevicesRequest { top: None }),
            GetDevicesResponse::Ok(vec![]),
            success(200, vec![]),
        ),
        trip(
            "DeviceApi_BulkDeviceOperation",
            move |both| both.hub.devices().bulk(&items()),
            asked!(BulkDeviceOperationRequest { devices: items() }),
            BulkDeviceOperationResponse::Ok(sample("DeviceApi_BulkDeviceOperation")),
            success(200, sample("DeviceApi_BulkDeviceOperation")),
        ),
        trip(
            "DeviceApi_BulkDeviceOperation",
            |both| both.hub.devices().bulk(&[]),
            asked!(BulkDeviceOperationRequest { devices: vec![] }),
            BulkDeviceOperationResponse::BadRequest(
                BulkDeviceOperationBadRequest::new(failed()).with_iothub_errorcode("BulkRegistryOperationFailure"),
            ),
            failure(400, failed()).with(&[("iothub-errorcode", "BulkRegistryOperationFailure")]),
        ),
        trip(
            "DeviceApi_QueryDevices",
            move |both| both.hub.devices().query(query).page_size(7).continuation(TOKEN),
            asked!(QueryDevicesRequest {
                page_size: Some(7),
                continuation: Some(TOKEN.to_owned()),
                query: hub::QuerySpecification::new(query),
            }),
            QueryDevicesResponse::Ok(
                QueryDevicesOk::new(vec![Value::Null, json!({ "a": 1.5 })])
                    .with_continuation("a+/==")
                    .with_item_type("raw"),
            ),
            success(200, vec![Value::Null, json!({ "a": 1.5 })])
                .with(&[("x-ms-continuation", "a+/=="), ("x-ms-item-type", "raw")]),
        ),
        trip(
            "DeviceApi_GetRegistryStatistics",
            |both| both.hub.devices().statistics(),
            asked!(GetRegistryStatisticsRequest {}),
            GetRegistryStatisticsResponse::Ok(sample("DeviceApi_GetRegistryStatistics")),
            success(200, sample("DeviceApi_GetRegistryStatistics")),
        ),
        trip(
            "DeviceApi_GetServiceStatistics",
            |both| both.hub.devices().service_statistics(),
            asked!(GetServiceStatisticsRequest {}),
            GetServiceStatisticsResponse::Ok(hub::ServiceStatistics::new(i64::MAX)),
            success(200, hub::ServiceStatistics::new(i64::MAX)),
        ),
    ]
}

fn twins() -> Vec<Trip> {
    use device_twin_api::*;
    let method = || hub::DirectMethod::new("reboot").with_payload(Value::Null).with_response_timeout_in_seconds(30);
    let mut replace = raw(Method::PUT, "/twins/*?api-version=1", &[DEVICE], bytes(&twin()));
    replace.headers_mut().insert("if-match", "\"a\", W/\"b\"".parse().unwrap());
    vec![
        trip(
            "DeviceTwinApi_GetDeviceTwin",
            |both| both.hub.twins().get(DEVICE),
            asked!(GetDeviceTwinRequest { device_id: DEVICE }),
            GetDeviceTwinResponse::Ok(twin()),
            success(200, twin()),
        ),
        trip(
            "DeviceTwinApi_UpdateDeviceTwin",
            |both| both.hub.twins().update(DEVICE, &twin()).if_match(TAG),
            asked!(UpdateDeviceTwinRequest { device_id: DEVICE, preconditions: if_match(&[TAG]), changes: twin() }),
            UpdateDeviceTwinResponse::Ok(twin()),
            success(200, twin()),
        ),
        trip(
            "DeviceTwinApi_ReplaceDeviceTwin",
            |both| both.raw(replace),
            asked!(ReplaceDeviceTwinRequest {
                device_id: DEVICE,
                preconditions: if_match(&["\"a\"", "W/\"b\""]),
                device_twin_info: twin(),
            }),
            ReplaceDeviceTwinResponse::Ok(twin()),
            success(200, bytes(&twin())),
        ),
        trip(
            "DeviceTwinApi_InvokeDeviceMethod",
            move |both| both.hub.twins().invoke_method(DEVICE, &method()),
            asked!(InvokeDeviceMethodRequest { device_id: DEVICE, method: method() }),
            InvokeDeviceMethodResponse::Ok(sample("DeviceTwinApi_InvokeDeviceMethod")),
            success(200, sample("DeviceTwinApi_InvokeDeviceMethod")),
        ),
    ]
}

fn jobs() -> Vec<Trip> {
    use job_api::*;
    let request = || hub::JobRequest::new(JOB, hub::JobType::Other("\u{fc}".to_owned()));
    // Words that no document has are words like others.
    let (kind, status) =
        (hub::JobType::Other(hard!("type").to_owned()), hub::JobStatus::Other(hard!("status").to_owned()));
    let (own_kind, own_status) = (kind.clone(), status.clone());
    vec![
        trip(
            "JobApi_GetJob",
            |both| both.hub.jobs().get(JOB),
            asked!(GetJobRequest { job_id: JOB }),
            GetJobResponse::Ok(job()),
            success(200, job()),
        ),
        trip(
            "JobApi_CreateJob",
            move |both| both.hub.jobs().create(JOB, &request()),
            asked!(CreateJobRequest { job_id: JOB, job: request() }),
            CreateJobResponse::Ok(job()),
            success(200, job()),
        ),
        trip(
            "JobApi_QueryJobs",
            move |both| {
                let query = both.hub.jobs().query().job_type(&kind).status(&status);
                query.page_size(i32::MAX).continuation(TOKEN)
            },
            asked!(QueryJobsRequest {
                job_type: Some(own_kind),
                status: Some(own_status),
                page_size: Some(i32::MAX),
                continuation: Some(TOKEN.to_owned()),
            }),
            QueryJobsResponse::Ok(
                QueryJobsOk::new(vec![job(), job()]).with_continuation("next").with_item_type("jobResponse"),
            ),
            success(200, vec![job(), job()]).with(&[("x-ms-continuation", "next"), ("x-ms-item-type", "jobResponse")]),
        ),
        trip(
            "JobApi_CancelJob",
            |both| both.hub.jobs().cancel(JOB),
            asked!(CancelJobRequest { job_id: JOB }),
            CancelJobResponse::Ok(job()),
            success(200, job()),
        ),
    ]
}

/// Imports and exports, which only servers have.
fn transports() -> Vec<Trip> {
    use import_export::*;
    let job = || -> hub::ImportExportJob {
        serde_json::from_value(json!({ "jobId": "j", "type": "export", "progress": 50, "new": [Map::new()] })).unwrap()
    };
    vec![
        trip(
            "ImportExport_CreateJob",
            move |both| both.raw(raw(Method::POST, "/jobs/create?api-version=1", &[], bytes(&job()))),
            asked!(CreateJobRequest { job: job() }),
            CreateJobResponse::Ok(job()),
            success(200, bytes(&job())),
        ),
        trip(
            "ImportExport_ListJobs",
            |both| both.raw(raw(Method::GET, "/jobs?api-version=1", &[], "")),
            asked!(ListJobsRequest {}),
            ListJobsResponse::Ok(vec![job()]),
            success(200, bytes(&[job()])),
        ),
        trip(
            "ImportExport_GetJob",
            |both| both.raw(raw(Method::GET, "/jobs/*?api-version=1", &[JOB], "")),
            asked!(GetJobRequest { job_id: JOB }),
            GetJobResponse::Ok(job()),
            success(200, bytes(&job())),
        ),
        trip(
            "ImportExport_CancelJob",
            |both| both.raw(raw(Method::DELETE, "/jobs/*?api-version=1", &[JOB], "")),
            asked!(CancelJobRequest { job_id: JOB }),
            CancelJobResponse::Ok(job()),
            success(200, bytes(&job())),
        ),
        trip(
            "ImportExport_CancelJob",
            |both| both.raw(raw(Method::DELETE, "/jobs/*?api-version=1", &[JOB], "")),
            asked!(CancelJobRequest { job_id: JOB }),
            CancelJobResponse::NoContent,
            success(204, Bytes::new()),
        ),
    ]
}
