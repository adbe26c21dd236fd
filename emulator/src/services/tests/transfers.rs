//! Imports and exports of devices.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use iothub::hub::models::{
    AuthenticationMechanism, Device, DeviceStatus, SymmetricKey, Twin, TwinProperties, X509Thumbprint,
};
use iothub::management::models::{ExportDevicesRequest, ImportDevicesRequest, Job, JobStatus, JobType};
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Error, Next, Policy as ClientPolicy};
use iothub::{ErrorKind, management};
use serde_json::{Map, json};

use super::*;
use crate::config::Limits;
use crate::services::router_over;
use crate::services::transfer::{Container, Containers, Upload};
use crate::state::transfers;

const ARM: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator/providers/Microsoft.Devices/IotHubs/h";

/// Containers in memory, by their addresses. Those that begin with `none` are not there.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Bytes>>>);

struct Folder(Memory, String);

impl Memory {
    fn text(&self, blob: &str) -> String {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(blobs.get(blob).unwrap_or_else(|| panic!("no {blob}")).to_vec()).unwrap()
    }

    fn lines(&self, blob: &str) -> Vec<Value> {
        self.text(blob).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn put(&self, blob: &str, text: impl Into<Bytes>) {
        self.0.lock().unwrap().insert(blob.to_owned(), text.into());
    }
}

impl Containers for Memory {
    fn open(&self, address: &str, _: bool) -> Result<Arc<dyn Container>, String> {
        match address.starts_with("none") {
            true => Err("there is none".to_owned()),
            false => Ok(Arc::new(Folder(self.clone(), address.to_owned()))),
        }
    }
}

impl Container for Folder {
    fn read<'a>(&'a self, blob: &'a str) -> BoxFuture<'a, Result<Vec<Bytes>, String>> {
        let blobs = self.0.0.lock().unwrap();
        let found = blobs.get(&format!("{}/{blob}", self.1)).cloned();
        // In pieces that do not end where lines do.
        let pieces = found.map(|found| found.chunks(100).map(Bytes::copy_from_slice).collect());
        Box::pin(std::future::ready(pieces.ok_or_else(|| format!("BlobNotFound: {blob}"))))
    }

    fn write(&self, blob: &str) -> Result<Box<dyn Upload>, String> {
        let place = format!("{}/{blob}", self.1);
        Ok(Box::new(Uploading { memory: self.0.clone(), place, parts: Vec::new() }))
    }
}

struct Uploading {
    memory: Memory,
    place: String,
    parts: Vec<Bytes>,
}

impl Upload for Uploading {
    fn add(&mut self, part: Bytes) -> BoxFuture<'_, Result<(), String>> {
        self.parts.push(part);
        Box::pin(std::future::ready(Ok(())))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), String>> {
        self.memory.put(&self.place, self.parts.concat());
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Signed;

impl ClientPolicy for Signed {
    fn send<'a>(&'a self, mut request: Request<Body>, next: Next<'a>) -> BoxFuture<'a, Result<Response<Body>, Error>> {
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer t"));
        next.run(request)
    }
}

/// An emulator with containers, whose transfers last no longer than they need, or as long as is said.
fn start(lasts: Duration) -> (Emulator, Memory) {
    let mut emulator = Emulator::configured(Config { lro_delay: lasts, page_size: 2, ..Config::default() });
    let memory = Memory::default();
    emulator.router = router_over(&emulator.world, Arc::new(memory.clone()));
    (emulator, memory)
}

impl Emulator {
    fn manager(&self) -> management::Client {
        let transport = Arc::new(InProcess::new(self.router.clone()));
        let pipeline = Pipeline::new(Endpoint::new("http://localhost").unwrap(), transport)
            .with_retry(Retry::none())
            .with_try_policy(Arc::new(Signed));
        management::Client::with_pipeline(pipeline, "00000000-0000-0000-0000-000000000000")
    }

    /// A transfer, once it has ended: as the resource provider tells of it.
    async fn ended(&self, id: &str) -> Job {
        let client = self.manager();
        for _ in 0..10_000 {
            let job = client.iot_hubs().get_job("emulator", "h", id).await.unwrap().into_body();
            if job.status != Some(JobStatus::Running) {
                return job;
            }
            tokio::task::yield_now().await;
        }
        panic!("{id} does not end");
    }

    async fn data_plane(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.send(method, &format!("{path}?{VERSION}"), &[], body).await
    }

    async fn imported(&self, memory: &Memory, lines: &[Value]) -> Vec<Value> {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        memory.put("in/devices.txt", text);
        let body = json!({ "type": "import", "inputBlobContainerUri": "in", "outputBlobContainerUri": "out" });
        let job = self.data_plane(Method::POST, "/jobs/create", Some(&body)).await.json();
        let ended = self.ended(job["jobId"].as_str().unwrap()).await;
        assert_eq!((ended.status, ended.r#type), (Some(JobStatus::Completed), Some(JobType::Import)));
        memory.lines("out/importErrors.log")
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn what_was_exported_is_imported_as_it_was() {
    let (emulator, memory) = start(Duration::ZERO);
    let client = emulator.owner();
    let devices = client.devices();
    let own =
        SymmetricKey::new().with_primary_key(STANDARD.encode([1; 32])).with_secondary_key(STANDARD.encode([2; 32]));
    let thumbprint = X509Thumbprint::new().with_primary_thumbprint("A".repeat(40));
    let kinds = [
        Device::new("a+b").with_authentication(AuthenticationMechanism::new().with_symmetric_key(own)),
        Device::new("c'd").with_authentication(AuthenticationMechanism::new().with_x509_thumbprint(thumbprint)),
        Device::new("off").with_status(DeviceStatus::Disabled).with_status_reason("bro\"ken\nreally"),
    ];
    for device in &kinds {
        devices.put(&device.device_id, device).await.unwrap();
    }
    for number in 0..1_200 {
        let id = format!("many{number}");
        devices.put(&id, &Device::new(&*id)).await.unwrap();
    }
    let twin = Twin::new()
        .with_tags(object(json!({ "at": { "floor": 2 } })))
        .with_properties(TwinProperties::new().with_desired(object(json!({ "speed": 1.5 }))));
    client.twins().update("off", &twin).await.unwrap();
    let before = devices.list().await.unwrap().into_body();
    let twin = client.twins().get("off").await.unwrap().into_body();

    let manager = emulator.manager();
    let hubs = manager.iot_hubs();
    let export = hubs.export_devices("emulator", "h", &ExportDevicesRequest::new("out", false)).await.unwrap();
    assert_eq!((&export.status, &export.r#type), (&Some(JobStatus::Running), &Some(JobType::Export)));
    let ended = emulator.ended(export.job_id.as_deref().unwrap()).await;
    assert_eq!((&ended.status, &ended.failure_reason), (&Some(JobStatus::Completed), &None));
    let lines = memory.lines("out/devices.txt");
    assert_eq!(lines.len(), 1_203);
    let off = &lines[1_202];
    assert_eq!((&off["id"], &off["status"], &off["eTag"]), (&json!("off"), &json!("disabled"), &json!("MA==")));
    assert_eq!(off["tags"], json!({ "at": { "floor": 2 } }));
    assert_eq!(off["properties"]["desired"]["speed"], 1.5);
    assert_eq!(off["twinETag"], json!(twin.etag));

    for device in &before {
        devices.delete(&device.device_id).await.unwrap();
    }
    for number in 1_000 - 3..1_200 {
        _ = devices.delete(&format!("many{number}")).await;
    }
    let blob = memory.text("out/devices.txt");
    memory.put("in/devices.txt", format!("\u{feff}\n{}\n  \n", blob.replace('\n', "\r\n")));
    let request = ImportDevicesRequest::new("in", "out");
    let import = hubs.import_devices("emulator", "h", &request).await.unwrap();
    assert_eq!(emulator.ended(import.job_id.as_deref().unwrap()).await.status, Some(JobStatus::Completed));
    assert_eq!(memory.text("out/importErrors.log"), "");
    let statistics = devices.statistics().await.unwrap();
    assert_eq!((statistics.total_device_count, statistics.disabled_device_count), (1_203, 1));
    for old in &before {
        let new = devices.get(&old.device_id).await.unwrap();
        assert_eq!((&new.status, &new.status_reason), (&old.status, &old.status_reason));
        assert_eq!(json!(new.authentication), json!(old.authentication), "{}", old.device_id);
        assert_ne!(new.generation_id, old.generation_id);
    }
    let again = client.twins().get("off").await.unwrap();
    assert_eq!(again.tags, twin.tags);
    let desired = |twin: &Twin| twin.properties.as_ref().unwrap().desired.as_ref().unwrap()["speed"].clone();
    assert_eq!(desired(&again), desired(&twin));
}

#[tokio::test]
async fn a_list_of_many_parts() {
    let limits = Limits { part_bytes: 1_000, ..Limits::default() };
    let emulator = Emulator::configured(Config { lro_delay: Duration::ZERO, limits, ..Config::default() });
    let hub = emulator.world.hub("h").unwrap();
    let ids: Vec<String> = (0..1_200).map(|number| format!("d{number:04}")).collect();
    crate::state::testing::devices(&hub, ids.iter().map(String::as_str));
    let container = format!("http://localhost{}", hub.open_container("lists").unwrap().durable().await.unwrap());
    let manager = emulator.manager();
    let hubs = manager.iot_hubs();
    let run = async |job: Job| {
        let ended = emulator.ended(job.job_id.as_deref().unwrap()).await;
        assert_eq!(ended.status, Some(JobStatus::Completed), "{:?}", ended.failure_reason);
    };
    // The second one replaces the first.
    for _ in 0..2 {
        let request = ExportDevicesRequest::new(container.as_str(), false);
        run(hubs.export_devices("emulator", "h", &request).await.unwrap().into_body()).await;
    }
    let content = |name| {
        let state = hub.read();
        let blob = state.blobs.blob("lists", name).unwrap();
        state.blobs.content(&blob)
    };
    let parts = content("devices.txt");
    assert!(parts.len() > 300 && parts.iter().all(|part| part.len() < 2_000), "{}", parts.len());
    assert_eq!(parts.concat().split(|byte| *byte == b'\n').count(), ids.len() + 1);

    crate::state::testing::delete(&hub, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let request = ImportDevicesRequest::new(container.as_str(), container.as_str());
    run(hubs.import_devices("emulator", "h", &request).await.unwrap().into_body()).await;
    assert_eq!((hub.read().devices.len(), content("importErrors.log").len()), (ids.len(), 0));
}

#[tokio::test]
async fn without_keys() {
    let (emulator, memory) = start(Duration::ZERO);
    let client = emulator.owner();
    let made = client.devices().put("d1", &Device::new("d1")).await.unwrap();
    let body = json!({ "type": "Export", "outputBlobContainerUri": "out", "excludeKeysInExport": true });
    let told = emulator.data_plane(Method::POST, "/jobs/create", Some(&body)).await;
    assert_eq!(told.status, 200);
    let job = told.json();
    assert_eq!((&job["type"], &job["excludeKeysInExport"]), (&json!("export"), &json!(true)));
    emulator.ended(job["jobId"].as_str().unwrap()).await;
    let line = memory.lines("out/devices.txt").remove(0);
    let keys = json!({ "primaryKey": null, "secondaryKey": null });
    assert_eq!(line["authentication"]["symmetricKey"], keys);
    // Imported, the device keeps those that it has.
    assert_eq!(emulator.imported(&memory, &[line]).await, [json!(null); 0]);
    let kept = client.devices().get("d1").await.unwrap();
    assert_eq!(json!(kept.authentication), json!(made.authentication));
}

#[tokio::test]
async fn each_line_says_what_to_do() {
    let (emulator, memory) = start(Duration::ZERO);
    let client = emulator.owner();
    for id in ["here", "old", "older"] {
        client.devices().put(id, &Device::new(id)).await.unwrap();
    }
    let line = |id: &str, mode: &str, etag: &str, status: &str| json!({ "id": id, "importMode": mode, "eTag": etag, "status": status });
    let mut lines = vec![
        line("new1", "create", "", "disabled"),
        line("here", "create", "", "disabled"),
        line("new2", "createOrUpdate", "", "enabled"),
        line("here", "Update", "", "disabled"),
        line("none", "update", "", "enabled"),
        line("here", "updateIfMatchETag", "MA==", "enabled"),
        line("here", "updateIfMatchETag", "MQ==", "enabled"),
        line("new3", "createOrUpdateIfMatchETag", "MA==", "enabled"),
        line("old", "deleteIfMatchETag", "MQ==", "enabled"),
        line("old", "Delete", "", "enabled"),
        line("older", "DeleteIfMatchETag", "MA==", "enabled"),
        line("none", "delete", "", "enabled"),
        line("a b", "create", "", "enabled"),
        line("what", "destroy", "", "enabled"),
        json!({ "id": 5 }),
    ];
    lines.push(json!({ "id": "twin", "tags": { "a": 1 }, "properties": { "desired": { "b": 2 } } }));
    let errors = emulator.imported(&memory, &lines).await;
    let codes: Vec<_> = errors
        .iter()
        .map(|error| (error["deviceId"].as_str().unwrap(), error["errorCode"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [
            ("here", 409_001),
            ("none", 404_001),
            ("here", 412_001),
            ("old", 412_001),
            ("none", 404_001),
            ("a b", 400_004),
            ("what", 400_004),
            ("", 400_004),
        ]
    );
    assert!(errors[7]["errorStatus"].as_str().unwrap().starts_with("Line 15: "), "{}", errors[7]);
    let all = client.devices().list().await.unwrap().into_body();
    let all: Vec<_> = all.iter().map(|device| (device.device_id.as_str(), device.etag.as_deref().unwrap())).collect();
    assert_eq!(all, [("here", "Mg=="), ("new1", "MA=="), ("new2", "MA=="), ("new3", "MA=="), ("twin", "MA==")]);
    let twin = client.twins().get("twin").await.unwrap();
    assert_eq!(twin.tags, Some(object(json!({ "a": 1 }))));
}

#[tokio::test]
async fn jobs_on_the_wire() {
    let (emulator, _) = start(Duration::from_secs(30));
    let body = json!({ "type": "export", "outputBlobContainerUri": "out" });
    let create = async |body: &Value| emulator.data_plane(Method::POST, "/jobs/create", Some(body)).await;
    let job = create(&body).await.json();
    let id = job["jobId"].as_str().unwrap();
    assert_eq!((&job["status"], &job["outputBlobContainerUri"]), (&json!("running"), &json!("out")));
    assert_eq!(job.get("endTimeUtc"), None);
    // One at a time, also where the first is done, but nobody has seen it.
    let refused = create(&body).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "JobQuotaExceeded".to_owned()));
    let export = json!({ "ExportBlobContainerUri": "out", "ExcludeKeys": false });
    let bearer = [("authorization", "Bearer t")];
    let arm = async |method: Method, path: &str, body: Option<&Value>| {
        emulator.send(method, &format!("{ARM}{path}?api-version=2017-01-19"), &bearer, body).await
    };
    let refused = arm(Method::POST, "/exportDevices", Some(&export)).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["Code"]), (403, &json!("JobQuotaExceeded")));
    emulator.world.clock.advance(Duration::from_secs(30));
    emulator.ended(id).await;

    let seen = arm(Method::GET, &format!("/jobs/{id}"), None).await.json();
    assert_eq!((&seen["type"], &seen["status"]), (&json!("export"), &json!("completed")));
    for name in ["startTimeUtc", "endTimeUtc"] {
        let time = seen[name].as_str().unwrap();
        assert!(time.len() == 29 && time.ends_with(" GMT"), "{time}");
    }
    let seen = emulator.data_plane(Method::GET, &format!("/jobs/{id}"), None).await.json();
    assert_eq!((&seen["status"], &seen["progress"]), (&json!("completed"), &json!(100)));
    assert!(seen["endTimeUtc"].as_str().unwrap().ends_with('Z'), "{seen}");

    let mut ids = vec![id.to_owned()];
    for _ in 0..2 {
        ids.push(create(&body).await.json()["jobId"].as_str().unwrap().to_owned());
        emulator.world.clock.advance(Duration::from_secs(30));
        emulator.ended(ids.last().unwrap()).await;
    }
    let listed = emulator.data_plane(Method::GET, "/jobs", None).await.json();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|job| job["jobId"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
    let manager = emulator.manager();
    let mut stream = manager.iot_hubs().list_jobs("emulator", "h").into_stream();
    let mut listed = Vec::new();
    while let Some(job) = stream.try_next().await.unwrap() {
        listed.push(job.job_id.unwrap());
    }
    assert_eq!(listed, ids, "over two pages");
    let none = arm(Method::GET, "/jobs/none", None).await;
    let error = none.json();
    assert_eq!(
        (none.status.as_u16(), &error["Code"], &error["HttpStatusCode"]),
        (404, &json!("JobNotFound"), &json!("NotFound"))
    );
    let none = emulator.data_plane(Method::GET, "/jobs/none", None).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "JobNotFound".to_owned()));
    let others = emulator.send(Method::GET, &format!("{}2/jobs?api-version=2017-01-19", ARM), &bearer, None).await;
    assert_eq!(others.text, r#"{"value":[]}"#, "of another hub");
}

#[tokio::test]
async fn what_cannot_be_done() {
    let (emulator, memory) = start(Duration::ZERO);
    for body in [
        json!({}),
        json!({ "type": "backup", "outputBlobContainerUri": "out" }),
        json!({ "type": "export" }),
        json!({ "type": "import", "outputBlobContainerUri": "out" }),
        json!({ "type": "import", "inputBlobContainerUri": "", "outputBlobContainerUri": "out" }),
    ] {
        let told = emulator.data_plane(Method::POST, "/jobs/create", Some(&body)).await;
        assert_eq!((told.status.as_u16(), told.code()), (400, "ArgumentInvalid".to_owned()), "{body}");
    }
    let nowhere = json!({ "type": "export", "outputBlobContainerUri": "none" });
    let told = emulator.data_plane(Method::POST, "/jobs/create", Some(&nowhere)).await;
    assert_eq!((told.status.as_u16(), told.code()), (400, "BlobContainerValidationError".to_owned()));
    let manager = emulator.manager();
    let hubs = manager.iot_hubs();
    let error = hubs.export_devices("emulator", "h", &ExportDevicesRequest::new("none", false)).await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    // There is nothing to import.
    let import = hubs.import_devices("emulator", "h", &ImportDevicesRequest::new("in", "out")).await.unwrap();
    let ended = emulator.ended(import.job_id.as_deref().unwrap()).await;
    assert_eq!(
        (ended.status, ended.failure_reason.as_deref()),
        (Some(JobStatus::Failed), Some("BlobNotFound: devices.txt"))
    );
    assert!(memory.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn called_off() {
    let (emulator, _) = start(Duration::from_secs(30));
    let body = json!({ "type": "export", "outputBlobContainerUri": "out" });
    let job = emulator.data_plane(Method::POST, "/jobs/create", Some(&body)).await.json();
    let path = format!("/jobs/{}", job["jobId"].as_str().unwrap());
    assert_eq!(emulator.data_plane(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(emulator.data_plane(Method::GET, &path, None).await.json()["status"], "cancelled");
    // It makes room for another, and stays what it is.
    assert_eq!(emulator.data_plane(Method::POST, "/jobs/create", Some(&body)).await.status, 200);
    emulator.world.clock.advance(Duration::from_secs(30));
    assert_eq!(emulator.data_plane(Method::GET, &path, None).await.json()["status"], "cancelled");
    assert_eq!(emulator.data_plane(Method::DELETE, "/jobs/none", None).await.status, 404);
}

#[tokio::test]
async fn what_is_kept() {
    let (emulator, _) = start(Duration::ZERO);
    let hub = emulator.world.hub("h").unwrap();
    let body = json!({ "type": "export", "outputBlobContainerUri": "out" });
    let begin = async || {
        let job = emulator.data_plane(Method::POST, "/jobs/create", Some(&body)).await.json();
        job["jobId"].as_str().unwrap().to_owned()
    };
    for _ in 0..101 {
        let id = begin().await;
        emulator.ended(&id).await;
    }
    let jobs = hub.read().transfers.clone();
    assert_eq!((jobs.len(), jobs[0].number, jobs[99].number), (100, 1, 100), "the oldest is gone");
    // What ran when the emulator was stopped has failed.
    let mut running = jobs[99].clone();
    running.end = None;
    let mut state = HubState::default();
    for job in [&running, &jobs[3]] {
        state.load(transfers::KIND, "", &serde_json::to_vec(job).unwrap()).unwrap();
    }
    let now = hub.clock.now();
    let seen: Vec<_> = state.transfers.iter().map(|job| (job.number, job.failure(now).is_some())).collect();
    assert_eq!(seen, [(4, false), (100, true)]);
    assert!(state.load(transfers::KIND, "", b"{}").is_err());
}
