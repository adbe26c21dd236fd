//! What takes more than one request: long-running operations and lists in pages, with the runtime's helpers on one side and the client's on
//! the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use iothub::Nullable;
use iothub::hub::models as hub;
use iothub::hub::server::{DeviceApiServer, JobApiServer, device_api, job_api};
use iothub::management::models as arm;
use iothub::management::server::iot_hub_resource::{self, *};
use iothub::runtime::server::{Context, Operations, Page, Paginator, Router, ServiceError};
use iothub::runtime::transport::{BoxFuture, InProcess};
use iothub::runtime::{Clock, Endpoint, ItemStream, Retry};
use iothub::{Error, ErrorKind, Pipeline};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::both::SUBSCRIPTION;
use super::hard;
use super::table::sample;
use crate::answers::answer;

const GROUP: &str = hard!("group");

/// A clock of which time passes where somebody waits.
#[derive(Clone, Default)]
struct Passing(Arc<AtomicU64>);

impl Clock for Passing {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            clock.0.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
        })
    }

    fn random(&self) -> f64 {
        0.5
    }
}

fn pipeline(router: Router, clock: &Passing) -> Pipeline {
    let transport = Arc::new(InProcess::new(router.clock(Arc::new(clock.clone()))));
    let pipeline = Pipeline::new(Endpoint::new("http://localhost:81").unwrap(), transport);
    pipeline.with_retry(Retry::none()).with_clock(Arc::new(clock.clone()))
}

/// A resource provider that takes five seconds for everything.
struct Provider {
    operations: Operations<Option<arm::IotHubDescription>>,
    hub: Mutex<Option<arm::IotHubDescription>>,
}

impl Provider {
    fn links(&self, cx: &Context, id: &str) -> iothub::runtime::server::Links {
        self.operations.links(cx, &format!("{}/operationResults", cx.uri().path()), id)
    }
}

impl IotHubResource for Provider {
    async fn get(&self, _: &Context, _: GetRequest) -> Result<GetResponse, ServiceError> {
        let hub = self.hub.lock().unwrap().clone();
        let gone = || ServiceError::new(StatusCode::NOT_FOUND, "ResourceNotFound", "It is not there.");
        hub.map(GetResponse::Ok).ok_or_else(gone)
    }

    async fn create_or_update(
        &self,
        cx: &Context,
        request: CreateOrUpdateRequest,
    ) -> Result<CreateOrUpdateResponse, ServiceError> {
        let end = match request.hub.contains("busy") {
            true => Err(ServiceError::new(StatusCode::CONFLICT, "HubBusy", "Later; please.")),
            false => Ok(Some(request.description.clone())),
        };
        *self.hub.lock().unwrap() = end.as_ref().ok().cloned().flatten();
        let id = self.operations.begin_timed(request.subscription_id, Duration::from_secs(5), end)?;
        let created = CreateOrUpdateCreated::new(request.description);
        Ok(CreateOrUpdateResponse::Created(created.with_azure_async_operation(self.links(cx, &id).status)))
    }

    async fn delete(&self, cx: &Context, request: DeleteRequest) -> Result<DeleteResponse, ServiceError> {
        let Some(hub) = self.hub.lock().unwrap().take() else { return Ok(DeleteResponse::NoContent) };
        let id = self.operations.begin_timed(request.subscription_id, Duration::from_secs(5), Ok(None))?;
        let links = self.links(cx, &id);
        let accepted = DeleteAccepted::new(Nullable::Value(hub))
            .with_azure_async_operation(links.status)
            .with_location(links.result);
        Ok(DeleteResponse::Accepted(accepted.with_retry_after(links.retry_after.into())))
    }

    async fn get_operation_result(
        &self,
        cx: &Context,
        request: GetOperationResultRequest,
    ) -> Result<GetOperationResultResponse, ServiceError> {
        let operation = self.operations.find(&request.subscription_id, &request.operation_id)?;
        if request.asyncinfo {
            return Ok(GetOperationResultResponse::Ok(GetOperationResultOk::new(operation.body())));
        }
        Ok(match operation.result()?.as_deref() {
            None => {
                let accepted = GetOperationResultAccepted::new().with_location(format!("{}{}", cx.origin(), cx.uri()));
                GetOperationResultResponse::Accepted(accepted.with_retry_after(self.operations.retry_after().into()))
            }
            Some(None) => GetOperationResultResponse::NoContent,
            Some(Some(hub)) => GetOperationResultResponse::Ok(GetOperationResultOk::new(json!(hub))),
        })
    }
}

fn provider() -> (iothub::management::Client, Pipeline, Passing) {
    let clock = Passing::default();
    let operations = Operations::new().with_clock(Arc::new(clock.clone())).with_retry_after(2);
    let provider = Provider { operations, hub: Mutex::default() };
    let pipeline = pipeline(Router::new().add(IotHubResourceServer::new(provider)), &clock);
    (iothub::management::Client::with_pipeline(pipeline.clone(), SUBSCRIPTION), pipeline, clock)
}

#[tokio::test]
async fn a_hub_is_made_and_deleted() {
    const HUB: &str = hard!("hub");
    let (client, pipeline, clock) = provider();
    let hubs = client.iot_hubs();
    let description: arm::IotHubDescription = sample("IotHubResource_Get");

    let mut poller = hubs.create_or_update(GROUP, HUB, &description).start().await.unwrap();
    assert_eq!(poller.initial_response().unwrap().unwrap().status(), StatusCode::CREATED);
    let token = poller.resume_token();
    let mut states = Vec::new();
    while let Some(progress) = poller.next().await {
        states.push(progress.unwrap().status);
    }
    assert_eq!(states.last().map(String::as_str), Some("Succeeded"), "{states:?}");
    assert!(states.iter().any(|state| state == "Running"), "{states:?}");
    assert!(clock.now() >= SystemTime::UNIX_EPOCH + Duration::from_secs(5));
    assert_eq!(poller.await.unwrap().body(), &description);
    // Another process finds the same, and another subscription does not.
    assert_eq!(hubs.resume_create_or_update(&token).unwrap().await.unwrap().body(), &description);
    let other = iothub::management::Client::with_pipeline(pipeline, "another");
    assert_eq!(other.iot_hubs().resume_create_or_update(&token).unwrap_err().kind(), ErrorKind::Build);

    let gone = hubs.delete(GROUP, HUB).await.unwrap();
    assert_eq!((gone.status(), gone.body()), (StatusCode::NO_CONTENT, &None));
    assert_eq!(hubs.delete(GROUP, HUB).await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(hubs.get(GROUP, HUB).await.unwrap_err().is_not_found());
    // Results are kept for an hour.
    clock.sleep(Duration::from_secs(2 * 60 * 60)).await;
    let error = hubs.resume_create_or_update(&token).unwrap().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("OperationNotFound")));
}

#[tokio::test]
async fn a_hub_that_is_not_made_says_why() {
    let (client, ..) = provider();
    let description = sample("IotHubResource_Get");
    let error = client.iot_hubs().create_or_update(GROUP, hard!("busy"), &description).await.unwrap_err();
    let facts = (error.kind(), error.code(), error.message());
    assert_eq!(facts, (ErrorKind::Polling, Some("HubBusy"), Some("the operation failed: Later; please.")));
}

/// Five items are in each list, and two on a page.
const NAMES: [&str; 5] = ["0", "1", "2", "3", "4"];

struct Lists;

/// A page of copies of the first item of the recorded answer, in which a property tells them apart; of an empty one, of plain names.
fn page<T: DeserializeOwned>(cx: &Context, id: &str, property: &str) -> Result<T, ServiceError> {
    let first = answer(id).value()["value"][0].clone();
    let item = |name: &str| {
        let mut item = first.clone();
        match property {
            "" => item = name.into(),
            property => item[property] = name.into(),
        }
        item
    };
    let Page { items, next, .. } =
        Paginator::of(cx, "$skiptoken", 2)?.page(NAMES.map(str::to_owned), |name| name.clone());
    let items: Vec<Value> = items.iter().map(|name| item(name)).collect();
    Ok(serde_json::from_value(json!({ "value": items, "nextLink": next })).unwrap())
}

macro_rules! lists {
    ($($method:ident($request:ident) -> $response:ident: $id:literal, $property:literal;)+) => {
        impl IotHubResource for Lists {
            $(async fn $method(&self, cx: &Context, _: $request) -> Result<$response, ServiceError> {
                Ok($response::Ok(page(cx, $id, $property)?))
            })+
        }
    };
}

lists! {
    list_by_subscription(ListBySubscriptionRequest) -> ListBySubscriptionResponse:
        "IotHubResource_ListBySubscription", "name";
    list_by_resource_group(ListByResourceGroupRequest) -> ListByResourceGroupResponse:
        "IotHubResource_ListByResourceGroup", "name";
    get_valid_skus(GetValidSkusRequest) -> GetValidSkusResponse: "IotHubResource_GetValidSkus", "resourceType";
    get_quota_metrics(GetQuotaMetricsRequest) -> GetQuotaMetricsResponse: "IotHubResource_GetQuotaMetrics", "Name";
    list_event_hub_consumer_groups(ListEventHubConsumerGroupsRequest) -> ListEventHubConsumerGroupsResponse:
        "IotHubResource_ListEventHubConsumerGroups", "";
    list_jobs(ListJobsRequest) -> ListJobsResponse: "IotHubResource_ListJobs", "jobId";
    list_keys(ListKeysRequest) -> ListKeysResponse: "IotHubResource_ListKeys", "keyName";
    // A link is asked for with GET, also if it is of an operation by POST.
    list_keys_next(ListKeysNextRequest) -> ListKeysNextResponse: "IotHubResource_ListKeys", "keyName";
}

impl device_api::DeviceApi for Lists {
    async fn query_devices(
        &self,
        _: &Context,
        request: device_api::QueryDevicesRequest,
    ) -> Result<device_api::QueryDevicesResponse, ServiceError> {
        let size = request.page_size.unwrap_or(100).try_into().unwrap_or(0);
        let pages = Paginator::new(&[&request.query.query], size, request.continuation.as_deref())?;
        let Page { items, next, .. } = pages.page(NAMES.map(str::to_owned), |name| name.clone());
        let mut found = device_api::QueryDevicesOk::new(items.into_iter().map(Value::from).collect());
        found.continuation = next;
        Ok(device_api::QueryDevicesResponse::Ok(found))
    }
}

impl job_api::JobApi for Lists {
    async fn query_jobs(
        &self,
        _: &Context,
        request: job_api::QueryJobsRequest,
    ) -> Result<job_api::QueryJobsResponse, ServiceError> {
        let kind = request.job_type.as_ref().map_or("", hub::JobType::as_str);
        let pages = Paginator::new(&[kind], 2, request.continuation.as_deref())?;
        let Page { items, next, .. } = pages.page(NAMES.map(str::to_owned), |name| name.clone());
        let job = |name| hub::Job::new(hub::JobType::ScheduleUpdateTwin).with_job_id(name);
        let mut found = job_api::QueryJobsOk::new(items.into_iter().map(job).collect::<Vec<_>>());
        found.continuation = next;
        Ok(job_api::QueryJobsResponse::Ok(found))
    }
}

/// All that comes of a list, by the property that tells its items apart.
async fn names<T: Serialize + Unpin>(mut stream: ItemStream<T>, property: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(item) = stream.try_next().await.unwrap() {
        let item = serde_json::to_value(item).unwrap();
        let name = if property.is_empty() { &item } else { &item[property] };
        names.push(name.as_str().unwrap().to_owned());
    }
    names
}

#[tokio::test]
async fn lists_come_page_by_page() {
    let router = Router::new().add(iot_hub_resource::IotHubResourceServer::new(Lists));
    let router = router.add(DeviceApiServer::new(Lists)).add(JobApiServer::new(Lists));
    let pipeline = pipeline(router, &Passing::default());
    let arm = iothub::management::Client::with_pipeline(pipeline.clone(), SUBSCRIPTION);
    let (hub, hubs) = (iothub::hub::Client::with_pipeline(pipeline), arm.iot_hubs());
    const HUB: &str = hard!("hub");
    for (list, found) in [
        ("subscription", names(hubs.list_by_subscription().into_stream(), "name").await),
        ("group", names(hubs.list_by_resource_group(GROUP).into_stream(), "name").await),
        ("skus", names(hubs.list_skus(GROUP, HUB).into_stream(), "resourceType").await),
        ("quotas", names(hubs.list_quota_metrics(GROUP, HUB).into_stream(), "Name").await),
        ("consumer groups", names(hubs.list_consumer_groups(GROUP, HUB, "events").into_stream(), "").await),
        ("imports and exports", names(hubs.list_jobs(GROUP, HUB).into_stream(), "jobId").await),
        ("keys", names(hubs.list_keys(GROUP, HUB).into_stream(), "keyName").await),
        ("devices", names(hub.devices().query("SELECT *").page_size(2).into_stream(), "").await),
        ("jobs", names(hub.jobs().query().job_type(&hub::JobType::ScheduleUpdateTwin).into_stream(), "jobId").await),
    ] {
        assert_eq!(found, NAMES, "{list}");
    }

    // From the middle on, and by the token of another list.
    let mut pages = hubs.list_keys(GROUP, HUB).into_pages();
    let first = pages.try_next().await.unwrap().unwrap();
    let link = first.continuation().unwrap();
    assert_eq!(names(hubs.list_keys(GROUP, HUB).continue_from(link).into_stream(), "keyName").await, &NAMES[2..]);
    let mut pages = hub.devices().query("SELECT *").page_size(2).into_pages();
    let token = pages.try_next().await.unwrap().unwrap().continuation().unwrap().to_owned();
    let rest = hub.devices().query("SELECT *").page_size(3).continue_from(token.as_str()).into_stream();
    assert_eq!(names(rest, "").await, &NAMES[2..]);
    let refused: Result<_, Error> = hub.devices().query("SELECT 1").continue_from(token).await;
    assert_eq!(refused.unwrap_err().code(), Some("ArgumentInvalid"));
}
