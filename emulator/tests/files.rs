//! Files and lists of devices, over connections.

use std::time::Duration;

use iothub::device::models::{FileUploadCompletionStatus, FileUploadRequest, FileUploadResponse};
use iothub::hub::models::Device;
use iothub::management::models::{ExportDevicesRequest, IotHubDescription, IotHubSku, IotHubSkuInfo, Job, JobStatus};
use iothub::{device, hub, management};
use iothub_emulator::{Ack, Emulator, Message};

use crate::support::Folder;

fn address(target: &FileUploadResponse) -> String {
    let FileUploadResponse { host_name, container_name, blob_name, sas_token, .. } = target;
    format!("http://{host_name}/{container_name}/{blob_name}{}", sas_token.expose())
}

fn http() -> reqwest::Client {
    // Another test may have been before.
    _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn upload(client: &device::Client, name: &str, body: &'static [u8]) -> String {
    let target = client.files().create_upload(&FileUploadRequest::new(name)).await.unwrap().into_body();
    let put = http().put(address(&target)).header("x-ms-blob-type", "BlockBlob").body(body);
    assert_eq!(put.send().await.unwrap().status(), 201);
    let done = FileUploadCompletionStatus::new(&target.correlation_id).with_is_success(true);
    client.files().notify_upload(&done).await.unwrap();
    address(&target)
}

async fn get(url: &str) -> (u16, Vec<u8>) {
    let answer = http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_file_outlives_a_restart() {
    let folder = Folder::new();
    let start = || Emulator::builder().data_dir(folder.join("data")).start();
    let emulator = start().await.unwrap();
    let hub = hub::Client::from_connection_string(&emulator.connection_string()).unwrap();
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    let text = emulator.device_connection_string("d1").unwrap();
    let client = device::Client::from_connection_string(&text).unwrap();
    let url = upload(&client, "dir/a b.txt", b"the file").await;
    assert_eq!(get(&url).await, (200, b"the file".to_vec()));
    let port = |emulator: &Emulator| emulator.address().unwrap().port().to_string();
    let before = port(&emulator);
    emulator.stop().await;
    let emulator = start().await.unwrap();
    let url = url.replace(&format!(":{before}/"), &format!(":{}/", port(&emulator)));
    assert_eq!(get(&url).await, (200, b"the file".to_vec()));
    emulator.advance(Duration::from_secs(3_600));
    assert_eq!(get(&url).await.0, 403);
    emulator.reset().await.unwrap();
    assert_eq!(get(&url).await.0, 403);
    emulator.stop().await;
    start().await.unwrap().stop().await;
}

#[tokio::test]
async fn other_hubs_have_files_of_their_own() {
    let emulator = Emulator::builder().lro_delay(Duration::ZERO).start().await.unwrap();
    let arm = management::Client::with_pipeline(emulator.arm_pipeline().unwrap(), emulator.subscription());
    let description = IotHubDescription::new("westus", IotHubSkuInfo::new(IotHubSku::S1).with_capacity(1));
    arm.iot_hubs().create_or_update("group", "Other", &description).await.unwrap();
    let other = emulator.hub("other").unwrap();
    let hub = hub::Client::from_connection_string(&other.connection_string()).unwrap();
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    // The device has come to an address, and is sent back there.
    let text = other.device_connection_string("d1").unwrap();
    let url = upload(&device::Client::from_connection_string(&text).unwrap(), "x", b"of another").await;
    assert!(url.starts_with(&format!("http://{}/uploads-other/d1/x?", emulator.address().unwrap())), "{url}");
    assert_eq!(get(&url).await, (200, b"of another".to_vec()));

    let container = other.container("exports").await.unwrap();
    let request = ExportDevicesRequest::new(container.as_str(), false);
    let job = arm.iot_hubs().export_devices("group", "Other", &request).await.unwrap().into_body();
    let job = ended(&arm, job).await;
    assert_eq!(job.status, Some(JobStatus::Completed), "{job:?}");
    let (status, lines) = get(&container.replace("exports?", "exports/devices.txt?")).await;
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!((status, lines.lines().count()), (200, 1));
    assert!(lines.contains("\"id\":\"d1\"") && lines.contains("primaryKey"), "{lines}");
    assert_eq!(emulator.container("A").await.unwrap_err().status(), 400);
}

async fn ended(arm: &management::Client, job: Job) -> Job {
    let id = job.job_id.unwrap();
    for _ in 0..1_000 {
        let job = arm.iot_hubs().get_job("group", "Other", &id).await.unwrap().into_body();
        if job.status != Some(JobStatus::Running) {
            return job;
        }
        tokio::task::yield_now().await;
    }
    panic!("{id} does not end");
}

#[tokio::test]
async fn messages_go_both_ways() {
    let emulator = Emulator::builder().in_process().start().await.unwrap();
    let hub = hub::Client::with_pipeline(emulator.pipeline().unwrap());
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    let device = device::Client::with_pipeline(emulator.device_pipeline("d1").unwrap(), "d1");
    let expected = Message::new("on").id("m1").ack(Ack::Full).property("unit", "heater");
    assert_eq!(emulator.send("d1", expected.clone()).await.unwrap(), 1);
    let received = device.messages().receive().await.unwrap();
    assert_eq!(received.header("iothub-app-unit"), Some("heater"));
    // Until it is settled, it waits.
    assert_eq!(emulator.queued("d1"), [expected]);
    device.messages().complete(received.etag().unwrap().opaque()).await.unwrap();
    assert!(emulator.queued("d1").is_empty());
    device.messages().send("hot").property("level", "high").await.unwrap();
    let event = emulator.event_after(0).await.unwrap();
    assert_eq!((event.sequence, &event.body[..], event.properties["level"].as_str()), (1, &b"hot"[..], "high"));
}
