//! Hubs as resources: the trips of the client `management`, and of the operations that clients do not have.

use http::{Method, StatusCode};
use iothub::Nullable;
use iothub::management::models as arm;
use iothub::management::server::iot_hub_resource::*;
use iothub::runtime::Bytes;
use iothub::runtime::transport::BoxFuture;
use iothub::{Error, Poller, Response};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::both::{Both, SUBSCRIPTION};
use super::hard;
use super::hub::if_match;
use super::table::{Trip, asked, bytes, failure, raw, sample, success, trip};

const GROUP: &str = hard!("group");
const HUB: &str = hard!("hub");
const ENDPOINT: &str = hard!("endpoint");
const NAME: &str = hard!("name");

fn details() -> arm::ErrorDetails {
    serde_json::from_value(json!({ "Code": "HubBusy", "HttpStatusCode": "Conflict", "Message": "\u{fc};" })).unwrap()
}

fn description() -> arm::IotHubDescription {
    sample("IotHubResource_Get")
}

/// What the first answer of a long-running operation says.
fn first<T: Send + 'static>(
    start: BoxFuture<'static, Result<Poller<T>, Error>>,
) -> BoxFuture<'static, Result<Response<T>, Error>> {
    Box::pin(async move { start.await?.initial_response().unwrap() })
}

/// An operation that answers 200 with this body, and another time an error of the kind that the document has for all others. The call comes
/// first, then the request.
macro_rules! trips {
    ($id:literal, $call:expr, $request:ident { $($field:ident: $expected:expr),* }, $response:ident, $body:expr) => {
        [
            trip($id, $call, asked!($request { $($field: $expected),* }), $response::Ok($body), success(200, $body)),
            by_default!($id, $call, $request { $($field: $expected),* }, $response),
        ]
    };
}

macro_rules! by_default {
    ($id:literal, $call:expr, $request:ident { $($field:ident: $expected:expr),* }, $response:ident) => {
        trip(
            $id,
            $call,
            asked!($request { $($field: $expected),* }),
            $response::Default(StatusCode::CONFLICT, details()),
            failure(409, details()),
        )
    };
}

pub(super) fn trips() -> Vec<Trip> {
    let mut all = lifecycle();
    all.extend(hubs());
    all.extend(keys());
    all.extend(consumer_groups());
    all.extend(jobs());
    all.extend(for_servers_only());
    all
}

fn lifecycle() -> Vec<Trip> {
    let create =
        |both: &Both| first(both.arm.iot_hubs().create_or_update(GROUP, HUB, &description()).if_match("AAAA").start());
    let delete = |both: &Both| first(both.arm.iot_hubs().delete(GROUP, HUB).start());
    let created = CreateOrUpdateCreated::new(description())
        .with_azure_async_operation("http://localhost:81/o?a=b&c")
        .with_retry_after(0);
    let accepted = DeleteAccepted::new(Nullable::Value(description()))
        .with_azure_async_operation("http://localhost:81/o?a=b&c")
        .with_location("http://localhost:81/o?a=b")
        .with_retry_after(0);
    vec![
        trip(
            "IotHubResource_CreateOrUpdate",
            create,
            asked!(CreateOrUpdateRequest {
                subscription_id: SUBSCRIPTION,
                resource_group: GROUP,
                hub: HUB,
                preconditions: if_match(&["AAAA"]),
                description: description(),
            }),
            CreateOrUpdateResponse::Created(created),
            success(201, description())
                .with(&[("azure-asyncoperation", "http://localhost:81/o?a=b&c"), ("retry-after", "0")]),
        ),
        trip(
            "IotHubResource_CreateOrUpdate",
            create,
            |_: CreateOrUpdateRequest| {},
            CreateOrUpdateResponse::Ok(description()),
            success(200, description()),
        ),
        trip(
            "IotHubResource_CreateOrUpdate",
            create,
            |_: CreateOrUpdateRequest| {},
            CreateOrUpdateResponse::Default(StatusCode::PRECONDITION_FAILED, details()),
            failure(412, details()),
        ),
        trip(
            "IotHubResource_Delete",
            delete,
            asked!(DeleteRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB }),
            DeleteResponse::Accepted(accepted),
            success(202, Some(description())).with(&[
                ("azure-asyncoperation", "http://localhost:81/o?a=b&c"),
                ("location", "http://localhost:81/o?a=b"),
                ("retry-after", "0"),
            ]),
        ),
        trip(
            "IotHubResource_Delete",
            delete,
            |_: DeleteRequest| {},
            DeleteResponse::Ok(description()),
            success(200, Some(description())),
        ),
        trip("IotHubResource_Delete", delete, |_: DeleteRequest| {}, DeleteResponse::NoContent, success(204, None)),
        trip(
            "IotHubResource_Delete",
            delete,
            |_: DeleteRequest| {},
            DeleteResponse::NotFound(details()),
            failure(404, details()),
        ),
        trip(
            "IotHubResource_Delete",
            delete,
            |_: DeleteRequest| {},
            DeleteResponse::Default(StatusCode::INTERNAL_SERVER_ERROR, details()),
            failure(500, details()),
        ),
    ]
}

/// A list that ends here.
fn list<T: DeserializeOwned>(id: &str) -> T {
    sample(id)
}

fn hubs() -> impl Iterator<Item = Trip> {
    let inputs = || arm::NameAvailabilityRequest::new("hub \u{fc}");
    trips!(
        "IotHubResource_Get",
        |both| both.arm.iot_hubs().get(GROUP, HUB),
        GetRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        GetResponse,
        description()
    )
    .into_iter()
    .chain(trips!(
        "IotHubResource_ListBySubscription",
        |both| both.arm.iot_hubs().list_by_subscription(),
        ListBySubscriptionRequest { subscription_id: SUBSCRIPTION },
        ListBySubscriptionResponse,
        list("IotHubResource_ListBySubscription")
    ))
    .chain(trips!(
        "IotHubResource_ListByResourceGroup",
        |both| both.arm.iot_hubs().list_by_resource_group(GROUP),
        ListByResourceGroupRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP },
        ListByResourceGroupResponse,
        list("IotHubResource_ListByResourceGroup")
    ))
    .chain(trips!(
        "IotHubResource_CheckNameAvailability",
        move |both| both.arm.iot_hubs().check_name_availability(&inputs()),
        CheckNameAvailabilityRequest { subscription_id: SUBSCRIPTION, inputs: inputs() },
        CheckNameAvailabilityResponse,
        sample("IotHubResource_CheckNameAvailability")
    ))
    .chain(trips!(
        "IotHubResource_GetStats",
        |both| both.arm.iot_hubs().statistics(GROUP, HUB),
        GetStatsRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        GetStatsResponse,
        sample("IotHubResource_GetStats")
    ))
    .chain(trips!(
        "IotHubResource_GetValidSkus",
        |both| both.arm.iot_hubs().list_skus(GROUP, HUB),
        GetValidSkusRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        GetValidSkusResponse,
        list("IotHubResource_GetValidSkus")
    ))
    .chain(trips!(
        "IotHubResource_GetQuotaMetrics",
        |both| both.arm.iot_hubs().list_quota_metrics(GROUP, HUB),
        GetQuotaMetricsRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        GetQuotaMetricsResponse,
        list("IotHubResource_GetQuotaMetrics")
    ))
}

fn keys() -> impl Iterator<Item = Trip> {
    trips!(
        "IotHubResource_ListKeys",
        |both| both.arm.iot_hubs().list_keys(GROUP, HUB),
        ListKeysRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        ListKeysResponse,
        list("IotHubResource_ListKeys")
    )
    .into_iter()
    .chain(trips!(
        "IotHubResource_GetKeysForKeyName",
        |both| both.arm.iot_hubs().get_keys(GROUP, HUB, NAME),
        GetKeysForKeyNameRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB, key_name: NAME },
        GetKeysForKeyNameResponse,
        sample("IotHubResource_GetKeysForKeyName")
    ))
}

fn consumer_groups() -> impl Iterator<Item = Trip> {
    let delete = |both: &Both| both.arm.iot_hubs().delete_consumer_group(GROUP, HUB, ENDPOINT, NAME);
    trips!(
        "IotHubResource_ListEventHubConsumerGroups",
        |both| both.arm.iot_hubs().list_consumer_groups(GROUP, HUB, ENDPOINT),
        ListEventHubConsumerGroupsRequest {
            subscription_id: SUBSCRIPTION,
            resource_group: GROUP,
            hub: HUB,
            endpoint: ENDPOINT
        },
        ListEventHubConsumerGroupsResponse,
        list("IotHubResource_ListEventHubConsumerGroups")
    )
    .into_iter()
    .chain(trips!(
        "IotHubResource_GetEventHubConsumerGroup",
        |both| both.arm.iot_hubs().get_consumer_group(GROUP, HUB, ENDPOINT, NAME),
        GetEventHubConsumerGroupRequest {
            subscription_id: SUBSCRIPTION,
            resource_group: GROUP,
            hub: HUB,
            endpoint: ENDPOINT,
            consumer_group: NAME
        },
        GetEventHubConsumerGroupResponse,
        sample("IotHubResource_GetEventHubConsumerGroup")
    ))
    .chain(trips!(
        "IotHubResource_CreateEventHubConsumerGroup",
        |both| both.arm.iot_hubs().create_consumer_group(GROUP, HUB, ENDPOINT, NAME),
        CreateEventHubConsumerGroupRequest {
            subscription_id: SUBSCRIPTION,
            resource_group: GROUP,
            hub: HUB,
            endpoint: ENDPOINT,
            consumer_group: NAME
        },
        CreateEventHubConsumerGroupResponse,
        sample("IotHubResource_CreateEventHubConsumerGroup")
    ))
    .chain([
        trip(
            "IotHubResource_DeleteEventHubConsumerGroup",
            delete,
            asked!(DeleteEventHubConsumerGroupRequest {
                subscription_id: SUBSCRIPTION,
                resource_group: GROUP,
                hub: HUB,
                endpoint: ENDPOINT,
                consumer_group: NAME,
            }),
            DeleteEventHubConsumerGroupResponse::Ok,
            success(200, ()),
        ),
        by_default!(
            "IotHubResource_DeleteEventHubConsumerGroup",
            delete,
            DeleteEventHubConsumerGroupRequest {
                subscription_id: SUBSCRIPTION,
                resource_group: GROUP,
                hub: HUB,
                endpoint: ENDPOINT,
                consumer_group: NAME
            },
            DeleteEventHubConsumerGroupResponse
        ),
    ])
}

fn jobs() -> impl Iterator<Item = Trip> {
    let export = || arm::ExportDevicesRequest::new("https://s/c?sig=\u{fc}", true);
    let import = || arm::ImportDevicesRequest::new("https://s/i", "https://s/o");
    trips!(
        "IotHubResource_ListJobs",
        |both| both.arm.iot_hubs().list_jobs(GROUP, HUB),
        ListJobsRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB },
        ListJobsResponse,
        list("IotHubResource_ListJobs")
    )
    .into_iter()
    .chain(trips!(
        "IotHubResource_GetJob",
        |both| both.arm.iot_hubs().get_job(GROUP, HUB, NAME),
        GetJobRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB, job_id: NAME },
        GetJobResponse,
        sample("IotHubResource_GetJob")
    ))
    .chain(trips!(
        "IotHubResource_ExportDevices",
        move |both| both.arm.iot_hubs().export_devices(GROUP, HUB, &export()),
        ExportDevicesRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB, parameters: export() },
        ExportDevicesResponse,
        sample("IotHubResource_ExportDevices")
    ))
    .chain(trips!(
        "IotHubResource_ImportDevices",
        move |both| both.arm.iot_hubs().import_devices(GROUP, HUB, &import()),
        ImportDevicesRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB, parameters: import() },
        ImportDevicesResponse,
        sample("IotHubResource_ImportDevices")
    ))
}

/// The routes of polling and of next pages.
fn for_servers_only() -> Vec<Trip> {
    const OPERATION: &str =
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.Devices/IotHubs/*/operationResults/*?api-version=1";
    const KEYS: &str =
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.Devices/IotHubs/*/listkeys?api-version=1&$skiptoken=a";
    let get =
        |target: String| move |both: &Both| both.raw(raw(Method::GET, &target, &[SUBSCRIPTION, GROUP, HUB, NAME], ""));
    let result = || get(OPERATION.to_owned());
    let state = || get(format!("{OPERATION}&asyncinfo"));
    let next = || get(KEYS.to_owned());
    let body = json!({ "status": "Running", "percentComplete": 50 });
    let accepted = GetOperationResultAccepted::new().with_location("http://localhost:81/o").with_retry_after(15);
    let policies = || sample::<arm::SharedAccessPolicyListResult>("IotHubResource_ListKeys");
    vec![
        trip(
            "IotHubResource_GetOperationResult",
            state(),
            asked!(GetOperationResultRequest {
                subscription_id: SUBSCRIPTION,
                resource_group: GROUP,
                hub: HUB,
                operation_id: NAME,
                asyncinfo: true,
            }),
            GetOperationResultResponse::Ok(GetOperationResultOk::new(body.clone()).with_retry_after(3)),
            success(200, bytes(&body)).with(&[("retry-after", "3")]),
        ),
        trip(
            "IotHubResource_GetOperationResult",
            result(),
            |request: GetOperationResultRequest| assert!(!request.asyncinfo),
            GetOperationResultResponse::Accepted(accepted),
            success(202, Bytes::new()).with(&[("location", "http://localhost:81/o"), ("retry-after", "15")]),
        ),
        trip(
            "IotHubResource_GetOperationResult",
            result(),
            |_: GetOperationResultRequest| {},
            GetOperationResultResponse::NoContent,
            success(204, Bytes::new()),
        ),
        trip(
            "IotHubResource_GetOperationResult",
            result(),
            |_: GetOperationResultRequest| {},
            GetOperationResultResponse::Default(StatusCode::GONE, details()),
            failure(410, details()),
        ),
        trip(
            "IotHubResource_ListKeysNext",
            next(),
            asked!(ListKeysNextRequest { subscription_id: SUBSCRIPTION, resource_group: GROUP, hub: HUB }),
            ListKeysNextResponse::Ok(policies()),
            success(200, bytes(&policies())),
        ),
        trip(
            "IotHubResource_ListKeysNext",
            next(),
            |_: ListKeysNextRequest| {},
            ListKeysNextResponse::Default(StatusCode::GONE, details()),
            failure(410, details()),
        ),
    ]
}
