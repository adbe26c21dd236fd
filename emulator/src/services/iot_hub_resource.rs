//! Hubs as Azure resources.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use iothub::Nullable;
use iothub::management::models::{
    self, IotHubDescription, IotHubDescriptionListResult, IotHubNameUnavailabilityReason, SharedAccessPolicyListResult,
};
use iothub::management::server::IotHubResource;
use iothub::management::server::iot_hub_resource::*;
use iothub::runtime::Clock;
use iothub::runtime::server::{Context, Links, OperationState, Operations, Page, Paginator, ServiceError};
use serde_json::Value;

use super::transfer::Transfers;
use super::{consumer_groups, import_export, quotas};
use crate::errors;
use crate::fault::{Fault, answer};
use crate::state::provider::{self, Deleted, Provider, Put, Scope};
use crate::state::transfers::{self, Plan};
use crate::state::{World, resource};

/// The parameter of a link to the next page that says where it begins.
const TOKEN: &str = "$skiptoken";

/// The resource provider.
pub(crate) struct ResourceProvider {
    world: Arc<World>,
    provider: Provider,
    transfers: Transfers,
}

/// The hub that a request is for.
macro_rules! scope {
    ($request:expr) => {
        Scope { subscription: &$request.subscription_id, group: &$request.resource_group, hub: &$request.hub }
    };
}

impl ResourceProvider {
    /// A provider of the hubs of this world.
    pub(crate) fn new(world: Arc<World>, transfers: Transfers) -> ResourceProvider {
        ResourceProvider { provider: Provider::new(world.clone()), world, transfers }
    }

    /// A page of a list, and the link to the next one.
    fn page<K, T>(
        &self,
        cx: &Context,
        items: impl IntoIterator<Item = (K, T)>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError>
    where
        K: Clone + Display + FromStr + Ord,
    {
        let pages = Paginator::of(cx, TOKEN, self.world.config.page_size)?;
        let Page { items, next, .. } = pages.page(items, |(key, _)| key.clone());
        Ok((items.into_iter().map(|(_, item)| item).collect(), next))
    }

    /// A page of a list that is in the order in which it is to be.
    fn numbered<T>(
        &self,
        cx: &Context,
        items: impl IntoIterator<Item = T>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        self.page(cx, items.into_iter().enumerate())
    }

    fn hubs(&self, cx: &Context, group: Option<&str>) -> Result<IotHubDescriptionListResult, Fault> {
        let (hubs, next) = self.page(cx, self.provider.list(group))?;
        let mut list = IotHubDescriptionListResult::new();
        (list.value, list.next_link) = (Some(hubs), next);
        Ok(list)
    }

    fn keys(&self, cx: &Context, scope: Scope<'_>) -> Result<SharedAccessPolicyListResult, Fault> {
        let policies: Vec<_> = self.provider.hub(scope)?.read().policies.iter().map(provider::shown).collect();
        let mut list = SharedAccessPolicyListResult::new();
        (list.value, list.next_link) = some(self.numbered(cx, policies)?);
        Ok(list)
    }

    fn operations(&self) -> &Operations<Value> {
        self.world.operations.known()
    }

    /// Begins an operation that ends with this, and says where its client asks for it. `leaving` is the hub that it deletes.
    async fn begin(
        &self,
        cx: &Context,
        scope: Scope<'_>,
        lasts: Duration,
        end: Value,
        leaving: Option<IotHubDescription>,
    ) -> Result<Links, Fault> {
        let id = self.world.operations.begin(owner(scope), lasts, end, leaving)?.durable().await?;
        Ok(self.operations().links(cx, &results(scope), &id))
    }

    async fn put(&self, cx: &Context, request: CreateOrUpdateRequest) -> Result<CreateOrUpdateResponse, Fault> {
        let scope = scope!(request);
        let Put { status, answer, result } =
            self.provider.put(scope, &request.preconditions, request.description).await?;
        if status != StatusCode::CREATED {
            return Ok(CreateOrUpdateResponse::Ok(answer));
        }
        let links = self.begin(cx, scope, self.world.config.lro_delay, value(&result)?, None).await?;
        let created = CreateOrUpdateCreated::new(answer)
            .with_azure_async_operation(links.status)
            .with_retry_after(links.retry_after.into());
        Ok(CreateOrUpdateResponse::Created(created))
    }

    async fn remove(&self, cx: &Context, request: DeleteRequest) -> Result<DeleteResponse, Fault> {
        let scope = scope!(request);
        let preconditions = cx.preconditions().map_err(|error| Fault::invalid(error.to_string()))?;
        let Some(Deleted { description, lasts }) = self.provider.delete(scope, &preconditions).await? else {
            return Ok(DeleteResponse::NoContent);
        };
        let end = match self.world.config.profile.result_of_delete() {
            StatusCode::NO_CONTENT => Value::Null,
            _ => value(&description)?,
        };
        let links = self.begin(cx, scope, lasts, end, Some(description)).await?;
        let accepted = DeleteAccepted::new(Nullable::Null)
            .with_azure_async_operation(links.status)
            .with_location(links.result)
            .with_retry_after(links.retry_after.into());
        Ok(DeleteResponse::Accepted(accepted))
    }

    fn poll(&self, cx: &Context, request: &GetOperationResultRequest) -> Result<GetOperationResultResponse, Fault> {
        let scope = scope!(request);
        self.provider.check_group(scope.subscription, scope.group)?;
        let operation = self.operations().find(&owner(scope), &request.operation_id)?;
        let retry_after = i32::from(self.operations().retry_after());
        if request.asyncinfo {
            let mut status = GetOperationResultOk::new(operation.body());
            status.retry_after = matches!(operation, OperationState::Running).then_some(retry_after);
            return Ok(GetOperationResultResponse::Ok(status));
        }
        Ok(match operation.result()?.as_deref() {
            None => {
                let links = self.operations().links(cx, &results(scope), &request.operation_id);
                let later = GetOperationResultAccepted::new().with_location(links.result).with_retry_after(retry_after);
                GetOperationResultResponse::Accepted(later)
            }
            Some(Value::Null) => GetOperationResultResponse::NoContent,
            Some(result) => GetOperationResultResponse::Ok(GetOperationResultOk::new(result.clone())),
        })
    }

    async fn start(&self, scope: Scope<'_>, plan: Plan) -> Result<models::Job, Fault> {
        let hub = self.provider.hub(scope)?;
        let transfer = self.transfers.start(&hub, plan).await.map_err(Fault::of_provider)?;
        Ok(import_export::job(&transfer, self.world.clock.now()))
    }

    fn is_available(&self, request: &CheckNameAvailabilityRequest) -> Result<models::NameAvailability, Fault> {
        self.provider.check_subscription(&request.subscription_id)?;
        let name = &request.inputs.name;
        let (is_free, reason, message) = if !provider::is_name(name) {
            let message = format!("'{name}' is not the name of an IotHub: {}", provider::NAME);
            (false, IotHubNameUnavailabilityReason::Invalid, Nullable::Value(message))
        } else if self.provider.is_taken(name) {
            let message = format!("IotHub name '{name}' is not available.");
            (false, IotHubNameUnavailabilityReason::AlreadyExists, Nullable::Value(message))
        } else {
            // The service has a reason even so.
            (true, IotHubNameUnavailabilityReason::Invalid, Nullable::Null)
        };
        Ok(models::NameAvailability::new().with_name_available(is_free).with_reason(reason).with_message(message))
    }
}

impl IotHubResource for ResourceProvider {
    async fn get(&self, _: &Context, request: GetRequest) -> Result<GetResponse, ServiceError> {
        answer(self.provider.get(scope!(request)), GetResponse::Ok, GetResponse::Default)
    }

    async fn create_or_update(
        &self,
        cx: &Context,
        request: CreateOrUpdateRequest,
    ) -> Result<CreateOrUpdateResponse, ServiceError> {
        answer(self.put(cx, request).await, |done| done, CreateOrUpdateResponse::Default)
    }

    async fn delete(&self, cx: &Context, request: DeleteRequest) -> Result<DeleteResponse, ServiceError> {
        answer(self.remove(cx, request).await, |done| done, DeleteResponse::Default)
    }

    async fn get_operation_result(
        &self,
        cx: &Context,
        request: GetOperationResultRequest,
    ) -> Result<GetOperationResultResponse, ServiceError> {
        answer(self.poll(cx, &request), |done| done, GetOperationResultResponse::Default)
    }

    async fn list_by_subscription(
        &self,
        cx: &Context,
        request: ListBySubscriptionRequest,
    ) -> Result<ListBySubscriptionResponse, ServiceError> {
        let known = self.provider.check_subscription(&request.subscription_id);
        let hubs = known.and_then(|()| self.hubs(cx, None));
        answer(hubs, ListBySubscriptionResponse::Ok, ListBySubscriptionResponse::Default)
    }

    async fn list_by_resource_group(
        &self,
        cx: &Context,
        request: ListByResourceGroupRequest,
    ) -> Result<ListByResourceGroupResponse, ServiceError> {
        let group = &request.resource_group;
        let known = self.provider.check_group(&request.subscription_id, group);
        let hubs = known.and_then(|()| self.hubs(cx, Some(group)));
        answer(hubs, ListByResourceGroupResponse::Ok, ListByResourceGroupResponse::Default)
    }

    async fn check_name_availability(
        &self,
        _: &Context,
        request: CheckNameAvailabilityRequest,
    ) -> Result<CheckNameAvailabilityResponse, ServiceError> {
        let available = self.is_available(&request);
        answer(available, CheckNameAvailabilityResponse::Ok, CheckNameAvailabilityResponse::Default)
    }

    async fn list_keys(&self, cx: &Context, request: ListKeysRequest) -> Result<ListKeysResponse, ServiceError> {
        answer(self.keys(cx, scope!(request)), ListKeysResponse::Ok, ListKeysResponse::Default)
    }

    async fn list_keys_next(
        &self,
        cx: &Context,
        request: ListKeysNextRequest,
    ) -> Result<ListKeysNextResponse, ServiceError> {
        answer(self.keys(cx, scope!(request)), ListKeysNextResponse::Ok, ListKeysNextResponse::Default)
    }

    async fn get_keys_for_key_name(
        &self,
        _: &Context,
        request: GetKeysForKeyNameRequest,
    ) -> Result<GetKeysForKeyNameResponse, ServiceError> {
        let policy = self.provider.hub(scope!(request)).and_then(|hub| {
            let (state, name) = (hub.read(), &request.key_name);
            let policy = state.policies.iter().find(|policy| policy.name.eq_ignore_ascii_case(name));
            policy.map(provider::shown).ok_or_else(|| {
                Fault::missing("KeyNotFound", format!("IotHub '{}' has no policy called '{name}'.", hub.name))
            })
        });
        answer(policy, GetKeysForKeyNameResponse::Ok, GetKeysForKeyNameResponse::Default)
    }

    async fn get_stats(&self, _: &Context, request: GetStatsRequest) -> Result<GetStatsResponse, ServiceError> {
        let hub = self.provider.hub(scope!(request));
        answer(hub.map(|hub| quotas::statistics(&hub)), GetStatsResponse::Ok, GetStatsResponse::Default)
    }

    async fn get_valid_skus(
        &self,
        cx: &Context,
        request: GetValidSkusRequest,
    ) -> Result<GetValidSkusResponse, ServiceError> {
        let skus = self.provider.hub(scope!(request)).and_then(|_| {
            let mut list = models::IotHubSkuDescriptionListResult::new();
            (list.value, list.next_link) = some(self.numbered(cx, quotas::skus())?);
            Ok(list)
        });
        answer(skus, GetValidSkusResponse::Ok, GetValidSkusResponse::Default)
    }

    async fn get_quota_metrics(
        &self,
        cx: &Context,
        request: GetQuotaMetricsRequest,
    ) -> Result<GetQuotaMetricsResponse, ServiceError> {
        let metrics = self.provider.hub(scope!(request)).and_then(|hub| {
            let mut list = models::QuotaMetricListResult::new();
            (list.value, list.next_link) = some(self.numbered(cx, quotas::metrics(&hub))?);
            Ok(list)
        });
        answer(metrics, GetQuotaMetricsResponse::Ok, GetQuotaMetricsResponse::Default)
    }

    async fn list_event_hub_consumer_groups(
        &self,
        cx: &Context,
        request: ListEventHubConsumerGroupsRequest,
    ) -> Result<ListEventHubConsumerGroupsResponse, ServiceError> {
        let groups = self.provider.hub(scope!(request)).and_then(|hub| {
            let groups = consumer_groups::list(&hub, &request.endpoint)?;
            let mut list = models::ConsumerGroupListResult::new();
            (list.value, list.next_link) = some(self.page(cx, groups.into_iter().map(|name| (name.clone(), name)))?);
            Ok(list)
        });
        answer(groups, ListEventHubConsumerGroupsResponse::Ok, ListEventHubConsumerGroupsResponse::Default)
    }

    async fn get_event_hub_consumer_group(
        &self,
        _: &Context,
        request: GetEventHubConsumerGroupRequest,
    ) -> Result<GetEventHubConsumerGroupResponse, ServiceError> {
        let scope = scope!(request);
        let group = self.provider.hub(scope).and_then(|hub| {
            let name = consumer_groups::get(&hub, &request.endpoint, &request.consumer_group)?;
            consumer_groups::shown(scope, &request.endpoint, name)
        });
        answer(group, GetEventHubConsumerGroupResponse::Ok, GetEventHubConsumerGroupResponse::Default)
    }

    async fn create_event_hub_consumer_group(
        &self,
        _: &Context,
        request: CreateEventHubConsumerGroupRequest,
    ) -> Result<CreateEventHubConsumerGroupResponse, ServiceError> {
        let scope = scope!(request);
        let made = async {
            let hub = self.provider.hub(scope)?;
            let name = consumer_groups::create(&hub, &request.endpoint, request.consumer_group).await?;
            consumer_groups::shown(scope, &request.endpoint, name)
        };
        answer(made.await, CreateEventHubConsumerGroupResponse::Ok, CreateEventHubConsumerGroupResponse::Default)
    }

    async fn delete_event_hub_consumer_group(
        &self,
        _: &Context,
        request: DeleteEventHubConsumerGroupRequest,
    ) -> Result<DeleteEventHubConsumerGroupResponse, ServiceError> {
        let deleted = async {
            let hub = self.provider.hub(scope!(request))?;
            consumer_groups::delete(&hub, &request.endpoint, &request.consumer_group).await
        };
        let done = |()| DeleteEventHubConsumerGroupResponse::Ok;
        answer(deleted.await, done, DeleteEventHubConsumerGroupResponse::Default)
    }

    async fn export_devices(
        &self,
        _: &Context,
        request: ExportDevicesRequest,
    ) -> Result<ExportDevicesResponse, ServiceError> {
        let models::ExportDevicesRequest { export_blob_container_uri: output, exclude_keys, .. } = &request.parameters;
        let plan = Plan::Export { output: output.expose().to_owned(), excludes_keys: *exclude_keys };
        let started = self.start(scope!(request), plan).await;
        answer(started, ExportDevicesResponse::Ok, ExportDevicesResponse::Default)
    }

    async fn import_devices(
        &self,
        _: &Context,
        request: ImportDevicesRequest,
    ) -> Result<ImportDevicesResponse, ServiceError> {
        let [input, output] =
            [&request.parameters.input_blob_container_uri, &request.parameters.output_blob_container_uri];
        let plan = Plan::Import { input: input.expose().to_owned(), output: output.expose().to_owned() };
        let started = self.start(scope!(request), plan).await;
        answer(started, ImportDevicesResponse::Ok, ImportDevicesResponse::Default)
    }

    async fn list_jobs(&self, cx: &Context, request: ListJobsRequest) -> Result<ListJobsResponse, ServiceError> {
        let now = self.world.clock.now();
        let jobs = self.provider.hub(scope!(request)).and_then(|hub| {
            let state = hub.read();
            let jobs = state.transfers.iter().map(|job| (job.number, import_export::job(job, now)));
            let mut list = models::JobListResult::new();
            (list.value, list.next_link) = some(self.page(cx, jobs)?);
            Ok(list)
        });
        answer(jobs, ListJobsResponse::Ok, ListJobsResponse::Default)
    }

    async fn get_job(&self, _: &Context, request: GetJobRequest) -> Result<GetJobResponse, ServiceError> {
        let job = self.provider.hub(scope!(request)).and_then(|hub| {
            let state = hub.read();
            let found = transfers::find(&state, &request.job_id);
            let found = found.ok_or_else(|| Fault::of_provider(errors::transfer_not_found(&request.job_id)))?;
            Ok(import_export::job(found, self.world.clock.now()))
        });
        answer(job, GetJobResponse::Ok, GetJobResponse::Default)
    }
}

fn some<T>((items, next): (Vec<T>, Option<String>)) -> (Option<Vec<T>>, Option<String>) {
    (Some(items), next)
}

/// By whom alone an operation is found.
fn owner(scope: Scope<'_>) -> String {
    results(scope).to_ascii_lowercase()
}

/// The path below which the operations of a hub are.
fn results(scope: Scope<'_>) -> String {
    format!("{}/operationResults", resource::id(scope.subscription, scope.group, scope.hub))
}

fn value(description: &IotHubDescription) -> Result<Value, ServiceError> {
    serde_json::to_value(description).map_err(errors::internal)
}

#[cfg(test)]
mod tests;
