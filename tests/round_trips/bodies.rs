//! Bodies of every type that the documents have for one: arbitrary ones, from the client to the server and from there to the client.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::Debug;

use http::{Method, StatusCode};
use iothub::device::models as device;
use iothub::device::server::http_runtime;
use iothub::hub::models as hub;
use iothub::hub::server::{device_api, device_twin_api, import_export, job_api};
use iothub::management::models as arm;
use iothub::management::server::iot_hub_resource;
use iothub::runtime::wire::Wire;
use iothub::runtime::{Body, Bytes};
use iothub::{Error, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use specsmith::Builder;

use super::Both;
use super::arbitrary::{Choices, arbitrary};
use super::both::now;
use super::table::{bytes, raw};
use crate::scratch::root;

/// The type of a body, and what holds for any of it.
struct Row {
    ty: &'static str,
    check: Box<dyn Fn(Choices)>,
}

/// A body that a client sends. `field` is where it arrives.
fn sent<T, S, C, R>(call: fn(&Both, &T) -> C, field: fn(S) -> T) -> Row
where
    T: Wire + PartialEq + Debug + 'static,
    S: 'static,
    C: IntoFuture<Output = Result<Response<R>, Error>> + 'static,
    R: 'static,
{
    let check = move |mut choices: Choices| {
        let (both, body) = (Both::new(), arbitrary::<T>(&mut choices));
        let arrived = |both: &Both| {
            let mut asked = both.recorder.asked();
            assert_eq!(asked.len(), 1);
            field(*asked.remove(0).1.downcast::<S>().unwrap_or_else(|_| panic!("another operation's request")))
        };
        // The answer is that it was reached.
        now(call(&both, &body.value).into_future()).err().unwrap();
        assert_eq!(both.last_sent(), body.json);
        assert_eq!(arrived(&both), body.value);
        now(both.again(body.disguised.to_string().into())).unwrap_err();
        assert_eq!(arrived(&both), body.value, "with nulls and unknown properties");
    };
    Row { ty: type_name::<T>(), check: Box::new(check) }
}

/// A body that a server answers with a success. `make` is the answer that has it.
fn got<T, A, C, R>(call: fn(&Both) -> C, make: fn(T) -> A, back: fn(Response<R>) -> T) -> Row
where
    T: Wire + PartialEq + Debug + 'static,
    A: Send + 'static,
    C: IntoFuture<Output = Result<Response<R>, Error>> + 'static,
    R: 'static,
{
    let check = move |choices: Choices| {
        // The same choices, the same model.
        let body = || arbitrary::<T>(&mut choices.clone());
        let both = Both::new();
        both.recorder.answer(Box::new(make(body().value)));
        let Ok(response) = now(call(&both).into_future()) else { panic!("no success") };
        assert_eq!(both.last_answered(), body().json);
        assert_eq!(back(response), body().value);
    };
    Row { ty: type_name::<T>(), check: Box::new(check) }
}

/// The same with an error.
fn failed<T, A, C, R>(call: fn(&Both) -> C, make: fn(T) -> A) -> Row
where
    T: Wire + PartialEq + Debug + DeserializeOwned + 'static,
    A: Send + 'static,
    C: IntoFuture<Output = Result<Response<R>, Error>> + 'static,
    R: 'static,
{
    let check = move |choices: Choices| {
        let body = || arbitrary::<T>(&mut choices.clone());
        let both = Both::new();
        both.recorder.answer(Box::new(make(body().value)));
        let Err(error) = now(call(&both).into_future()) else { panic!("no error") };
        assert_eq!(both.last_answered(), body().json);
        assert_eq!(error.body_json::<T>(), Some(body().value));
    };
    Row { ty: type_name::<T>(), check: Box::new(check) }
}

fn plain<T>(response: Response<T>) -> T {
    response.into_body()
}

fn json<T: DeserializeOwned>(response: Response<Bytes>) -> T {
    serde_json::from_slice(response.body()).unwrap()
}

fn posted(both: &Both, target: &str, body: &impl Serialize) -> super::both::Raw {
    both.raw(raw(Method::POST, target, &[], bytes(body)))
}

fn gotten(both: &Both, target: &str) -> super::both::Raw {
    both.raw(raw(Method::GET, target, &[], Body::Empty))
}

fn requests() -> Vec<Row> {
    use {device_api::*, http_runtime::*, iot_hub_resource as hubs};
    vec![
        sent(|both, body: &hub::Device| both.hub.devices().put("d", body), |asked: PutDeviceRequest| asked.device),
        sent(
            |both, body: &Vec<hub::ExportImportDevice>| both.hub.devices().bulk(body),
            |asked: BulkDeviceOperationRequest| asked.devices,
        ),
        sent(
            |both, body: &hub::QuerySpecification| both.hub.devices().query(&body.query),
            |asked: QueryDevicesRequest| asked.query,
        ),
        sent(
            |both, body: &hub::Twin| both.hub.twins().update("d", body),
            |asked: device_twin_api::UpdateDeviceTwinRequest| asked.changes,
        ),
        sent(
            |both, body: &hub::DirectMethod| both.hub.twins().invoke_method("d", body),
            |asked: device_twin_api::InvokeDeviceMethodRequest| asked.method,
        ),
        sent(
            |both, body: &hub::JobRequest| both.hub.jobs().create("j", body),
            |asked: job_api::CreateJobRequest| asked.job,
        ),
        sent(
            |both, body: &hub::ImportExportJob| posted(both, "/jobs/create?api-version=1", body),
            |asked: import_export::CreateJobRequest| asked.job,
        ),
        sent(
            |both, body: &device::FileUploadRequest| both.device.files().create_upload(body),
            |asked: CreateFileUploadSasUriRequest| asked.file,
        ),
        sent(
            |both, body: &device::FileUploadCompletionStatus| both.device.files().notify_upload(body),
            |asked: UpdateFileUploadStatusRequest| asked.outcome,
        ),
        sent(
            |both, body: &device::FileUploadOutcome| {
                posted(both, "/devices/d/files/notifications/c?api-version=1", body)
            },
            |asked: NotifyFileUploadRequest| asked.file_upload_completion_status,
        ),
        sent(
            |both, body: &arm::IotHubDescription| both.arm.iot_hubs().create_or_update("g", "h", body),
            |asked: hubs::CreateOrUpdateRequest| asked.description,
        ),
        sent(
            |both, body: &arm::NameAvailabilityRequest| both.arm.iot_hubs().check_name_availability(body),
            |asked: hubs::CheckNameAvailabilityRequest| asked.inputs,
        ),
        sent(
            |both, body: &arm::ExportDevicesRequest| both.arm.iot_hubs().export_devices("g", "h", body),
            |asked: hubs::ExportDevicesRequest| asked.parameters,
        ),
        sent(
            |both, body: &arm::ImportDevicesRequest| both.arm.iot_hubs().import_devices("g", "h", body),
            |asked: hubs::ImportDevicesRequest| asked.parameters,
        ),
    ]
}

fn answers_of_data_planes() -> Vec<Row> {
    use {device_api::*, device_twin_api::*, import_export as transports};
    vec![
        got(|both| both.hub.devices().get("d"), |body| GetDeviceResponse::Ok(GetDeviceOk::new(body)), plain),
        got(|both| both.hub.devices().list(), GetDevicesResponse::Ok, plain),
        got(|both| both.hub.devices().bulk(&[]), BulkDeviceOperationResponse::Ok, plain),
        failed(
            |both| both.hub.devices().bulk(&[]),
            |body| BulkDeviceOperationResponse::BadRequest(BulkDeviceOperationBadRequest::new(body)),
        ),
        got(|both| both.hub.devices().query("q"), |body| QueryDevicesResponse::Ok(QueryDevicesOk::new(body)), plain),
        got(|both| both.hub.devices().purge_commands("d"), PurgeCommandQueueResponse::Ok, plain),
        got(|both| both.hub.devices().statistics(), GetRegistryStatisticsResponse::Ok, plain),
        got(|both| both.hub.devices().service_statistics(), GetServiceStatisticsResponse::Ok, plain),
        got(|both| both.hub.twins().get("d"), GetDeviceTwinResponse::Ok, plain),
        got(
            |both| both.hub.twins().invoke_method("d", &hub::DirectMethod::new("m")),
            InvokeDeviceMethodResponse::Ok,
            plain,
        ),
        got(|both| both.hub.jobs().get("j"), job_api::GetJobResponse::Ok, plain),
        got(
            |both| both.hub.jobs().query(),
            |body| job_api::QueryJobsResponse::Ok(job_api::QueryJobsOk::new(body)),
            plain,
        ),
        got(|both| gotten(both, "/jobs/j?api-version=1"), transports::GetJobResponse::Ok, json),
        got(|both| gotten(both, "/jobs?api-version=1"), transports::ListJobsResponse::Ok, json),
        got(
            |both| both.device.files().create_upload(&device::FileUploadRequest::new("b")),
            http_runtime::CreateFileUploadSasUriResponse::Ok,
            plain,
        ),
    ]
}

fn answers_of_the_provider() -> Vec<Row> {
    use iot_hub_resource::*;
    const OPERATION: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h/operationResults/o?api-version=1";
    vec![
        got(|both| both.arm.iot_hubs().get("g", "h"), GetResponse::Ok, plain),
        failed(
            |both| both.arm.iot_hubs().get("g", "h"),
            |body: arm::ErrorDetails| GetResponse::Default(StatusCode::CONFLICT, body),
        ),
        got(|both| both.arm.iot_hubs().list_by_subscription(), ListBySubscriptionResponse::Ok, plain),
        got(
            |both| both.arm.iot_hubs().check_name_availability(&arm::NameAvailabilityRequest::new("n")),
            CheckNameAvailabilityResponse::Ok,
            plain,
        ),
        got(|both| both.arm.iot_hubs().statistics("g", "h"), GetStatsResponse::Ok, plain),
        got(|both| both.arm.iot_hubs().list_skus("g", "h"), GetValidSkusResponse::Ok, plain),
        got(|both| both.arm.iot_hubs().list_quota_metrics("g", "h"), GetQuotaMetricsResponse::Ok, plain),
        got(|both| both.arm.iot_hubs().list_keys("g", "h"), ListKeysResponse::Ok, plain),
        got(|both| both.arm.iot_hubs().get_keys("g", "h", "k"), GetKeysForKeyNameResponse::Ok, plain),
        got(
            |both| both.arm.iot_hubs().list_consumer_groups("g", "h", "e"),
            ListEventHubConsumerGroupsResponse::Ok,
            plain,
        ),
        got(
            |both| both.arm.iot_hubs().get_consumer_group("g", "h", "e", "n"),
            GetEventHubConsumerGroupResponse::Ok,
            plain,
        ),
        got(|both| both.arm.iot_hubs().list_jobs("g", "h"), ListJobsResponse::Ok, plain),
        got(|both| both.arm.iot_hubs().get_job("g", "h", "j"), GetJobResponse::Ok, plain),
        got(
            |both| gotten(both, OPERATION),
            |body| GetOperationResultResponse::Ok(GetOperationResultOk::new(body)),
            json::<Value>,
        ),
    ]
}

fn check(rows: Vec<Row>) {
    for Row { ty, check } in rows {
        // Shown where it fails.
        println!("{ty}");
        let mut runner =
            TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
        let choices = vec(any::<u32>(), 0..300);
        let result = runner.run(&choices, |choices| {
            check(Choices::new(choices));
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn arbitrary_bodies_arrive() {
    check(requests());
}

#[test]
fn arbitrary_bodies_come_back() {
    check(answers_of_data_planes());
    check(answers_of_the_provider());
}

/// What a type of a client is called in full, as [`type_name`] has it.
fn full(client: &str, ty: &str) -> String {
    match ty.strip_prefix("Vec<").and_then(|item| item.strip_suffix('>')) {
        Some(item) => format!("alloc::vec::Vec<{}>", full(client, item)),
        None if ty == "Value" => "serde_json::value::Value".to_owned(),
        None => format!("iothub::{client}::{ty}"),
    }
}

#[test]
fn no_type_of_a_body_is_left_out() {
    let inspection = Builder::new().manifest(root().join("specsmith.yaml")).quiet(true).inspect().unwrap().value;
    let mut types = [BTreeSet::new(), BTreeSet::new()];
    for operation in inspection["operations"].as_array().unwrap() {
        for (list, place) in ["parameters", "responses"].into_iter().enumerate() {
            let bodies = operation[place].as_array().unwrap().iter().filter(|body| body["body"]["kind"] == "json");
            let ty = |body: &Value| body["type"].as_str().or(body["body"]["type"].as_str()).unwrap().to_owned();
            types[list].extend(bodies.map(|body| full(operation["client"].as_str().unwrap(), &ty(body))));
        }
    }
    let rows = |rows: Vec<Row>| rows.into_iter().map(|row| row.ty.to_owned()).collect::<BTreeSet<_>>();
    let answers = answers_of_data_planes().into_iter().chain(answers_of_the_provider()).collect();
    assert_eq!(types, [rows(requests()), rows(answers)]);
}
