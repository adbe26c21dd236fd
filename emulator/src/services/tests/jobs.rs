//! Scheduled jobs over HTTP, and queries of what they do. How they are done is tested where that is.

use std::time::Duration;

use iothub::hub::models::{Device, DirectMethod, Job, JobRequest, JobStatus, JobType, Twin};
use iothub::runtime::credential::ConnectionString;
use iothub::runtime::time::DateTime;
use serde_json::{Map, json};

use super::methods::says;
use super::*;
use crate::outside::{MethodAnswer, MethodHandler};
use crate::state::testing;

const STATUSES: [&str; 6] = ["scheduled", "queued", "running", "completed", "failed", "cancelled"];

impl Emulator {
    fn jobs_hub(&self, ids: &[&str]) -> Arc<Hub> {
        let hub = self.world.hub("h").unwrap();
        testing::devices(&hub, ids.iter().copied());
        hub
    }

    fn after(&self, seconds: u64) -> DateTime {
        (self.world.clock.now() + Duration::from_secs(seconds)).try_into().unwrap()
    }

    /// The job, once it has ended.
    async fn job_ended(&self, id: &str) -> Job {
        for _ in 0..1_000 {
            let job = self.owner().jobs().get(id).await.unwrap().into_body();
            if ["completed", "failed", "cancelled"].contains(&job.status.as_ref().unwrap().as_str()) {
                return job;
            }
            // Nothing else lets its task go on.
            tokio::task::yield_now().await;
        }
        panic!("it does not end")
    }

    async fn rows(&self, condition: &str) -> Vec<Value> {
        self.owner().devices().query(&format!("SELECT * FROM devices.jobs {condition}")).await.unwrap().into_body()
    }
}

fn calls(id: &str, condition: &str) -> JobRequest {
    JobRequest::new(id, JobType::ScheduleDeviceMethod)
        .with_cloud_to_device_method(DirectMethod::new("m"))
        .with_query_condition(condition)
}

fn tags(id: &str, condition: &str) -> JobRequest {
    let tags: Map<String, Value> = json!({ "x": id }).as_object().cloned().unwrap();
    JobRequest::new(id, JobType::ScheduleUpdateTwin)
        .with_update_twin(Twin::new().with_etag("*").with_tags(tags))
        .with_query_condition(condition)
}

fn status(job: &Job) -> &str {
    job.status.as_ref().unwrap().as_str()
}

/// Devices, failed, succeeded, running, pending.
fn statistics(job: &Job) -> [i32; 5] {
    let all = job.device_job_statistics.as_ref().unwrap();
    [all.device_count, all.failed_count, all.succeeded_count, all.running_count, all.pending_count].map(Option::unwrap)
}

#[tokio::test]
async fn with_the_client() {
    let emulator = Emulator::start(Profile::Service);
    emulator.jobs_hub(&["a", "b", "c"]);
    let client = emulator.client("service");
    let error = client.jobs().get("one").await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (404, Some("JobNotFound")));
    let made = client.jobs().create("one", &tags("one", "deviceId IN ['a', 'b']")).await.unwrap().into_body();
    assert_eq!((status(&made), statistics(&made)), ("queued", [0; 5]));
    let job = emulator.job_ended("one").await;
    assert_eq!((status(&job), statistics(&job)), ("completed", [2, 0, 2, 0, 0]));
    assert_eq!(client.twins().get("b").await.unwrap().tags.as_ref().unwrap()["x"], "one");
    assert_eq!(client.twins().get("c").await.unwrap().tags.as_ref().unwrap().len(), 0);
    assert!(job.created_time.unwrap() <= job.end_time.unwrap());
    let error = client.jobs().create("one", &tags("one", "*")).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (409, Some("DeviceJobAlreadyExists")));
    let error = client.jobs().cancel("two").await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (404, Some("JobNotFound")));
    let job = client.jobs().cancel("one").await.unwrap().into_body();
    assert_eq!(status(&job), "completed", "it stays");
}

/// What the service has written of such a job, but for names and times.
#[tokio::test]
async fn as_it_is_written() {
    let emulator = Emulator::start(Profile::Service);
    emulator.jobs_hub(&["a"]);
    let target = format!("/jobs/v2/job-1?{VERSION}");
    let body = json!({
        "jobId": "job-1", "type": "scheduleUpdateTwin", "queryCondition": "deviceId in ['a','b']",
        "updateTwin": { "etag": "*", "tags": { "deviceClass": "Class1" } },
        "startTime": "2017-01-02T03:04:05.287Z", "maxExecutionTimeInSeconds": 300,
    });
    let answer = emulator.send(Method::PUT, &target, &[], Some(&body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    emulator.job_ended("job-1").await;
    let mut job = emulator.send(Method::GET, &target, &[], None).await.json();
    let times = ["createdTime", "startTime", "endTime"].map(|name| job[name].take().as_str().unwrap().to_owned());
    assert!(times.iter().all(|time| time.len() == 28 && time.ends_with('Z')), "{times:?}");
    assert_eq!(times[0], times[1], "what was to begin in the past begins now");
    let expected = json!({
        "jobId": "job-1", "queryCondition": "deviceId in ['a','b']", "createdTime": null, "startTime": null,
        "endTime": null, "maxExecutionTimeInSeconds": 300, "type": "scheduleUpdateTwin",
        "updateTwin": { "etag": "*", "tags": { "deviceClass": "Class1" } }, "status": "completed",
        "deviceJobStatistics":
            { "deviceCount": 1, "failedCount": 0, "succeededCount": 1, "runningCount": 0, "pendingCount": 0 },
    });
    assert_eq!(job, expected);

    // With what P21 has for decimals, and without time and limit.
    let later = json!({
        "jobId": "job-2", "type": "scheduleDeviceMethod", "queryCondition": "*", "updateTwin": null,
        "cloudToDeviceMethod": { "methodName": "m", "payload": [null], "responseTimeoutInSeconds": 30 },
        "startTime": "2999-01-02T03:04:44.17354Z",
    });
    let target = format!("/jobs/v2/job-2?{VERSION}");
    let job = emulator.send(Method::PUT, &target, &[], Some(&later)).await.json();
    assert_eq!((&job["startTime"], &job["status"]), (&json!("2999-01-02T03:04:44.1735400Z"), &json!("scheduled")));
    assert_eq!(
        (&job["cloudToDeviceMethod"], &job["maxExecutionTimeInSeconds"]),
        (&later["cloudToDeviceMethod"], &json!(3600))
    );
    assert_eq!(job.get("endTime"), None);
    let target = format!("/jobs/v2/job-2/cancel?{VERSION}");
    let answer = emulator.send(Method::POST, &target, &[("content-length", "0")], None).await;
    assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &json!("cancelled")));
}

#[tokio::test]
async fn what_is_no_job() {
    let emulator = Emulator::start(Profile::Service);
    emulator.jobs_hub(&["a"]);
    let client = emulator.owner();
    let twin = |twin: Value| {
        let twin: Twin = serde_json::from_value(twin).unwrap();
        JobRequest::new("one", JobType::ScheduleUpdateTwin).with_query_condition("*").with_update_twin(twin)
    };
    let mut without_task = calls("one", "*");
    without_task.cloud_to_device_method = None;
    let mut without_condition = calls("one", "*");
    without_condition.query_condition = None;
    for (job, said) in [
        (calls("two", "*"), "jobId"),
        (calls("one", " "), "queryCondition"),
        (without_condition, "queryCondition"),
        (without_task, "cloudToDeviceMethod"),
        (JobRequest::new("one", JobType::ScheduleUpdateTwin).with_query_condition("*"), "updateTwin"),
        (JobRequest::new("one", JobType::Other("rebootDevice".to_owned())), "rebootDevice"),
        (calls("one", "*").with_max_execution_time_in_seconds(-1), "maxExecutionTimeInSeconds"),
        (calls("one", "*").with_cloud_to_device_method(DirectMethod::new("")), "methodName"),
        (twin(json!({ "tags": {} })), "etag"),
        (twin(json!({ "etag": "*", "desired": {} })), "updateTwin"),
        (twin(json!({ "etag": "*", "tags": { "a.b": 1 } })), "a.b"),
    ] {
        let error = client.jobs().create("one", &job).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.code()), (400, Some("ArgumentInvalid")), "{said}");
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    for id in ["a.b", "a b", "ä", &"x".repeat(65)] {
        let error = client.jobs().create(id, &calls(id, "*")).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.code()), (400, Some("ArgumentInvalid")), "{id}");
    }
    for id in ["it's-1", &"x".repeat(64)] {
        client.jobs().create(id, &calls(id, "*")).await.unwrap();
    }
    // Which is a query's place, not a job.
    let answer = emulator.send(Method::PUT, &format!("/jobs/v2/query?{VERSION}"), &[], Some(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// One job of each status.
async fn of_each_status(emulator: &Emulator) {
    let hub = emulator.jobs_hub(&["a", "b"]);
    let client = emulator.owner();
    let never: MethodHandler = Arc::new(|_| Box::pin(std::future::pending()));
    hub.set_method("a", "m", Some(never)).unwrap();
    hub.set_method("b", "m", says(200, json!({ "x": [1] }))).unwrap();
    for job in [tags("completed", "*"), tags("failed", "what is that"), calls("cancelled", "deviceId = 'a'")] {
        client.jobs().create(&job.job_id, &job).await.unwrap();
    }
    emulator.job_ended("completed").await;
    emulator.job_ended("failed").await;
    client.jobs().cancel("cancelled").await.unwrap();
    // As many as run at once.
    for number in 0..10 {
        let id = if number == 0 { "running".to_owned() } else { format!("running-{number}") };
        // Less than a device has to answer.
        let job = calls(&id, "*").with_max_execution_time_in_seconds(20);
        client.jobs().create(&id, &job).await.unwrap();
    }
    client.jobs().create("queued", &calls("queued", "*")).await.unwrap();
    let later = calls("scheduled", "deviceId = 'a'").with_start_time(emulator.after(3600));
    client.jobs().create("scheduled", &later).await.unwrap();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_status() {
    let emulator = Emulator::start(Profile::Service);
    of_each_status(&emulator).await;
    for wanted in STATUSES {
        let job = emulator.owner().jobs().get(wanted).await.unwrap().into_body();
        assert_eq!(status(&job), wanted);
        let expected = match wanted {
            "running" => [2, 0, 1, 1, 0],
            "completed" => [2, 0, 2, 0, 0],
            "cancelled" => [1, 0, 0, 0, 0],
            _ => [0; 5],
        };
        assert_eq!(statistics(&job), expected, "{wanted}");
        assert_eq!(job.failure_reason.is_some_and(|why| why.contains("line 1")), wanted == "failed");
        assert_eq!(job.end_time.is_some(), ["completed", "failed", "cancelled"].contains(&wanted), "{wanted}");
    }
    let statuses = async |condition: &str| {
        let rows = emulator.rows(&format!("WHERE {condition} AND NOT STARTS_WITH(jobId, 'running-')")).await;
        rows.iter()
            .map(|row| format!("{} {} {}", row["jobId"], row["deviceId"], row["status"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        statuses("deviceId = 'a'").await,
        [
            "completed a completed",
            "cancelled a canceled",
            "running a running",
            "queued a scheduled",
            "scheduled a scheduled"
        ]
    );
    assert_eq!(
        statuses("devices.jobs.deviceId = 'b'").await,
        ["completed b completed", "running b completed", "queued b scheduled"]
    );

    // When their time is over, they have not come to all devices.
    emulator.world.clock.advance(Duration::from_secs(20));
    let job = emulator.job_ended("running").await;
    assert_eq!((status(&job), statistics(&job)), ("completed", [2, 1, 1, 0, 0]));
    assert!(job.status_message.is_some());
}

#[tokio::test]
async fn lists() {
    let emulator = Emulator::start(Profile::Service);
    of_each_status(&emulator).await;
    let client = emulator.owner();
    let ids = |jobs: &[Job]| jobs.iter().map(|job| job.job_id.clone().unwrap()).collect::<Vec<_>>();
    let all = client.jobs().query().await.unwrap().into_body();
    assert_eq!(ids(&all)[..4], ["completed", "failed", "cancelled", "running"]);
    assert_eq!(all.len(), 15);
    for wanted in STATUSES {
        let found = client.jobs().query().status(&JobStatus::from(wanted)).await.unwrap().into_body();
        let expected = if wanted == "running" { 10 } else { 1 };
        assert_eq!((found.len(), ids(&found)[0].as_str()), (expected, wanted));
    }
    let found = client.jobs().query().job_type(&JobType::ScheduleUpdateTwin).await.unwrap().into_body();
    assert_eq!(ids(&found), ["completed", "failed"]);
    let both = client.jobs().query().job_type(&JobType::ScheduleUpdateTwin).status(&JobStatus::Failed);
    assert_eq!(ids(&both.await.unwrap().into_body()), ["failed"]);
    let none = client.jobs().query().job_type(&JobType::ScheduleUpdateTwin).status(&JobStatus::Unknown);
    assert_eq!(none.await.unwrap().into_body().len(), 0);

    // In pages, while jobs are forgotten and made.
    let mut pages = client.jobs().query().page_size(2).into_pages();
    let first = pages.try_next().await.unwrap().unwrap();
    let token = first.continuation().unwrap().to_owned();
    assert_eq!(ids(&first.into_items()), ["completed", "failed"]);
    emulator.world.clock.advance(Duration::from_secs(31 * 24 * 3600));
    client.jobs().create("new", &tags("new", "*")).await.unwrap();
    emulator.job_ended("new").await;
    let mut rest = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        assert!(page.len() <= 2);
        rest.extend(ids(&page.into_items()));
    }
    assert_eq!((rest.len(), &*rest[0], &*rest[12]), (13, "running", "new"), "{rest:?}");

    let target = format!("/jobs/v2/query?{VERSION}");
    let answer =
        emulator.send(Method::GET, &target, &[("x-ms-max-item-count", "1"), ("x-ms-continuation", &token)], None).await;
    assert_eq!((answer.json()[0]["jobId"].as_str(), answer.json().as_array().unwrap().len()), (Some("running"), 1));
    assert_eq!(answer.header("x-ms-item-type"), Some("jobResponse"));
    for (query, token) in [("&jobType=scheduleUpdateTwin", &*token), ("", "x"), ("&jobStatus=running", &*token)] {
        let answer =
            emulator.send(Method::GET, &format!("{target}{query}"), &[("x-ms-continuation", token)], None).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "ArgumentInvalid".to_owned()));
    }
    for query in ["&jobType=import", "&jobStatus=enqueued"] {
        let answer = emulator.send(Method::GET, &format!("{target}{query}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn rows() {
    let emulator = Emulator::start(Profile::Service);
    let hub = emulator.jobs_hub(&["a", "b", "c"]);
    hub.set_method("a", "m", says(7, json!({ "x": [1, null] }))).unwrap();
    let client = emulator.owner();
    client.jobs().create("one", &calls("one", "*")).await.unwrap();
    emulator.job_ended("one").await;
    client.jobs().create("two", &tags("two", "deviceId != 'b'")).await.unwrap();
    emulator.job_ended("two").await;

    let target = format!("/devices/query?{VERSION}");
    let query =
        json!({ "query": "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'one' AND deviceId IN ['a', 'b']" });
    let answer = emulator.send(Method::POST, &target, &[], Some(&query)).await;
    assert_eq!((answer.status, answer.header("x-ms-item-type")), (StatusCode::OK, Some("deviceJob")));
    let mut found = answer.json();
    let names = ["startTimeUtc", "endTimeUtc", "createdDateTimeUtc", "createdTimeUtc", "lastUpdatedDateTimeUtc"];
    for row in found.as_array_mut().unwrap() {
        let times = names.map(|name| row.as_object_mut().unwrap().remove(name).unwrap().as_str().unwrap().to_owned());
        assert!(times.iter().all(|time| time.len() == 28 && time.ends_with('Z')), "{times:?}");
        let [started, ended, made, also_made, updated] = times;
        assert!(made == also_made && made <= started && started <= ended && ended == updated);
    }
    let row = |id: &str, status: &str| json!({ "deviceId": id, "jobId": "one", "jobType": "scheduleDeviceMethod", "status": status });
    let mut expected = [row("a", "completed"), row("b", "failed")];
    expected[0]["outcome"] = json!({ "deviceMethodResponse": { "status": 7, "payload": { "x": [1, null] } } });
    expected[1]["outcome"] = json!({ "deviceMethodResponse": null });
    expected[1]["error"] =
        json!({ "code": "DeviceNotOnline", "description": "Timed out waiting for device to connect." });
    assert_eq!(found, json!(expected));

    let ids = async |condition: &str| {
        let rows = emulator.rows(&format!("WHERE {condition}")).await;
        rows.iter().map(|row| format!("{}{}", row["jobId"], row["deviceId"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(ids("jobType = 'scheduleUpdateTwin'").await, ["twoa", "twoc"]);
    assert_eq!(ids("deviceId = 'c'").await, ["onec", "twoc"]);
    assert_eq!(ids("deviceId = 'c' AND jobId IN ['two', 'x']").await, ["twoc"]);
    assert_eq!(ids("status = 'failed' AND createdTimeUtc > '2016-09-01'").await, ["oneb", "onec"]);
    assert_eq!(ids("error.code = 'DeviceNotOnline' AND deviceId < 'c'").await, ["oneb"]);
    assert_eq!(ids("outcome.deviceMethodResponse.status = 7").await, ["onea"]);
    assert_eq!(ids("outcome.deviceMethodResponse.payload.x[0] = 1").await, ["onea"]);
    assert_eq!(
        ids("createdDateTimeUtc = createdTimeUtc AND endTimeUtc = lastUpdatedDateTimeUtc AND jobId = 'one'")
            .await
            .len(),
        3
    );
    // Whoever is deleted has been there.
    testing::delete(&hub, &["c"]);
    assert_eq!(ids("deviceId = 'c'").await, ["onec", "twoc"]);
}

#[tokio::test]
async fn rows_in_pages() {
    let emulator = Emulator::start(Profile::Service);
    let devices: Vec<String> = (0..1_200).map(|number| format!("d{number:04}")).collect();
    let hub = emulator.jobs_hub(&devices.iter().map(String::as_str).collect::<Vec<_>>());
    let client = emulator.owner();
    for id in ["one", "two"] {
        client.jobs().create(id, &tags(id, "*")).await.unwrap();
        emulator.job_ended(id).await;
    }
    let start = emulator.after(3600);
    client.jobs().create("later", &tags("later", "deviceId > 'd0100'").with_start_time(start)).await.unwrap();
    client.jobs().create("last", &tags("last", "deviceId = 'd0007'")).await.unwrap();
    emulator.job_ended("last").await;
    let key = |row: &Value| (row["jobId"].as_str().unwrap().to_owned(), row["deviceId"].as_str().unwrap().to_owned());
    let all: Vec<_> = {
        let of = |job: &str, from: usize| {
            devices[from..].iter().map(move |id| (job.to_owned(), id.clone())).collect::<Vec<_>>()
        };
        [of("one", 0), of("two", 0), of("later", 101), vec![("last".to_owned(), "d0007".to_owned())]].concat()
    };
    let mut pages = emulator.owner().devices().query("SELECT * FROM devices.jobs").page_size(100).into_pages();
    let (mut seen, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.try_next().await.unwrap() {
        seen.extend(page.into_items().iter().map(key));
        count += 1;
        if seen.len() == 2_500 {
            // In the midst of the job that has not begun, of which all is new by now.
            emulator.world.clock.advance(Duration::from_secs(3600));
            emulator.job_ended("later").await;
            testing::delete(&hub, &["d0200", "d1100"]);
        }
    }
    assert_eq!((count, seen.len()), (35, all.len()));
    assert_eq!(seen, all, "those that were deleted have been changed before");
    // Numbers of jobs are in the order of numbers.
    let ids: Vec<String> = (0..9).map(|number| format!("more-{number}")).collect();
    for id in &ids {
        client.jobs().create(id, &tags(id, "deviceId = 'd0001'")).await.unwrap();
        emulator.job_ended(id).await;
    }
    let (found, sizes) = emulator.pages("SELECT * FROM devices.jobs WHERE STARTS_WITH(jobId, 'more')", 2).await;
    assert_eq!(found.iter().map(|row| key(row).0).collect::<Vec<_>>(), ids);
    assert_eq!(sizes, [2, 2, 2, 2, 1]);
    let top = emulator.rows("WHERE deviceId = 'd0007'").await;
    assert_eq!(top.iter().map(|row| key(row).0).collect::<Vec<_>>(), ["one", "two", "last"]);
}

#[tokio::test]
async fn whoever_may() {
    let emulator = Emulator::start(Profile::Service);
    for policy in ["device", "registryRead", "registryReadWrite"] {
        let jobs = emulator.client(policy);
        assert_eq!(jobs.jobs().query().await.unwrap_err().status().unwrap().as_u16(), 401, "{policy}");
        assert_eq!(jobs.jobs().create("x", &calls("x", "*")).await.unwrap_err().status().unwrap().as_u16(), 401);
    }
    emulator.client("service").jobs().query().await.unwrap();
    // Hubs do not see each other's.
    emulator.owner().devices().put("a", &Device::new("a")).await.unwrap();
    emulator.owner().jobs().create("x", &calls("x", "*")).await.unwrap();
    let other = SasCredential::for_hub("h2.azure-devices.net", "service", key("service"));
    let other = emulator.signed("h2.azure-devices.net", other);
    assert_eq!(other.jobs().query().await.unwrap().into_body().len(), 0);
}

/// Waits until something is the case.
async fn comes_to(what: impl AsyncFn() -> bool) {
    for _ in 0..100_000 {
        if what().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never comes to that")
}

#[tokio::test]
async fn the_emulator_goes_on_with_them() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-jobs-go-on-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let start = async || {
        let emulator = crate::Emulator::builder().in_process().data_dir(&folder).start().await.unwrap();
        let connection = ConnectionString::of_hub(&emulator.connection_string()).unwrap();
        let client = Client::with_pipeline(connection.pipeline(emulator.transport()));
        (emulator, client)
    };
    let (emulator, client) = start().await;
    client.devices().put("a", &Device::new("a")).await.unwrap();
    client.devices().put("b", &Device::new("b")).await.unwrap();
    emulator.on_method("a", "m", |_| std::future::pending()).unwrap();
    emulator.on_method_of_all("m", |call| async move { MethodAnswer::new(200, call.device_id.to_string()) }).unwrap();
    let hour: DateTime = (emulator.clock().now() + Duration::from_secs(3600)).try_into().unwrap();
    client.jobs().create("later", &tags("later", "*").with_start_time(hour)).await.unwrap();
    let patient = DirectMethod::new("m").with_response_timeout_in_seconds(300).with_connect_timeout_in_seconds(300);
    client.jobs().create("amid", &calls("amid", "*").with_cloud_to_device_method(patient)).await.unwrap();
    let state = async |client: &Client, id: &str| {
        let job = client.jobs().get(id).await.unwrap().into_body();
        (status(&job).to_owned(), statistics(&job))
    };
    comes_to(async || state(&client, "amid").await.1 == [2, 0, 1, 1, 0]).await;
    emulator.stop().await;

    let (emulator, client) = start().await;
    assert_eq!(state(&client, "later").await, ("scheduled".to_owned(), [0; 5]));
    assert_eq!(state(&client, "amid").await, ("running".to_owned(), [2, 0, 1, 0, 1]));
    // Devices have to connect again, as after any other restart.
    emulator.on_method("a", "m", |_| async { MethodAnswer::new(201, "again") }).unwrap();
    comes_to(async || state(&client, "amid").await.0 == "completed").await;
    let rows = client.devices().query("SELECT * FROM devices.jobs WHERE jobId = 'amid'").await.unwrap().into_body();
    let answers: Vec<_> = rows.iter().map(|row| &row["outcome"]["deviceMethodResponse"]["payload"]).collect();
    assert_eq!(answers, [&json!("again"), &json!("b")]);
    emulator.advance(Duration::from_secs(3600));
    comes_to(async || state(&client, "later").await.0 == "completed").await;
    assert_eq!(client.twins().get("b").await.unwrap().tags.as_ref().unwrap()["x"], "later");
    emulator.reset().await.unwrap();
    assert_eq!(client.jobs().query().await.unwrap().into_body().len(), 0);
    emulator.stop().await;
    _ = std::fs::remove_dir_all(&folder);
}
