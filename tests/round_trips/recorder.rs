//! An implementation of every trait: it answers what it is told to, and keeps what it was asked.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::Mutex;

use http::StatusCode;
use iothub::device::server as device;
use iothub::hub::server as hub;
use iothub::management::server as arm;
use iothub::runtime::server::{Context, ServiceError};

/// A request or an answer of any operation.
pub(crate) type Anything = Box<dyn Any + Send>;

/// The code of what is answered when no answer is left: that the operation was reached.
pub(crate) const REACHED: &str = "Reached";

#[derive(Default)]
pub(crate) struct Recorder {
    answers: Mutex<VecDeque<Anything>>,
    asked: Mutex<Vec<(&'static str, Anything)>>,
}

impl Recorder {
    /// What the next operation answers: its response, or a [`ServiceError`].
    pub(crate) fn answer(&self, answer: Anything) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The operations that were called since the last time, with their requests.
    pub(crate) fn asked(&self) -> Vec<(&'static str, Anything)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn take<Q: Send + 'static, R: 'static>(&self, cx: &Context, request: Q) -> Ready<Result<R, ServiceError>> {
        self.asked.lock().unwrap().push((cx.route().id(), Box::new(request)));
        let Some(answer) = self.answers.lock().unwrap().pop_front() else {
            return ready(Err(ServiceError::new(StatusCode::IM_A_TEAPOT, REACHED, cx.route().id())));
        };
        ready(match answer.downcast::<ServiceError>() {
            Ok(error) => Err(*error),
            Err(answer) => Ok(*answer.downcast().unwrap_or_else(|_| panic!("an answer of another operation"))),
        })
    }
}

macro_rules! recorder {
    ($($module:path => $service:ident { $($method:ident($request:ident) -> $response:ident;)+ })+) => {
        $(const _: () = {
            use $module::*;

            impl $service for Recorder {
                $(fn $method(
                    &self,
                    cx: &Context,
                    request: $request,
                ) -> impl Future<Output = Result<$response, ServiceError>> + Send {
                    self.take(cx, request)
                })+
            }
        };)+
    };
}

recorder! {
    hub::device_api => DeviceApi {
        get_device(GetDeviceRequest) -> GetDeviceResponse;
        put_device(PutDeviceRequest) -> PutDeviceResponse;
        delete_device(DeleteDeviceRequest) -> DeleteDeviceResponse;
        purge_command_queue(PurgeCommandQueueRequest) -> PurgeCommandQueueResponse;
        get_registry_statistics(GetRegistryStatisticsRequest) -> GetRegistryStatisticsResponse;
        get_service_statistics(GetServiceStatisticsRequest) -> GetServiceStatisticsResponse;
        get_devices(GetDevicesRequest) -> GetDevicesResponse;
        bulk_device_operation(BulkDeviceOperationRequest) -> BulkDeviceOperationResponse;
        query_devices(QueryDevicesRequest) -> QueryDevicesResponse;
    }
    hub::device_twin_api => DeviceTwinApi {
        get_device_twin(GetDeviceTwinRequest) -> GetDeviceTwinResponse;
        update_device_twin(UpdateDeviceTwinRequest) -> UpdateDeviceTwinResponse;
        replace_device_twin(ReplaceDeviceTwinRequest) -> ReplaceDeviceTwinResponse;
        invoke_device_method(InvokeDeviceMethodRequest) -> InvokeDeviceMethodResponse;
    }
    hub::job_api => JobApi {
        get_job(GetJobRequest) -> GetJobResponse;
        create_job(CreateJobRequest) -> CreateJobResponse;
        query_jobs(QueryJobsRequest) -> QueryJobsResponse;
        cancel_job(CancelJobRequest) -> CancelJobResponse;
    }
    hub::import_export => ImportExport {
        create_job(CreateJobRequest) -> CreateJobResponse;
        list_jobs(ListJobsRequest) -> ListJobsResponse;
        get_job(GetJobRequest) -> GetJobResponse;
        cancel_job(CancelJobRequest) -> CancelJobResponse;
    }
    device::http_runtime => HttpRuntime {
        send_device_event(SendDeviceEventRequest) -> SendDeviceEventResponse;
        receive_device_bound_notification(ReceiveDeviceBoundNotificationRequest)
            -> ReceiveDeviceBoundNotificationResponse;
        complete_device_bound_notification(CompleteDeviceBoundNotificationRequest)
            -> CompleteDeviceBoundNotificationResponse;
        abandon_device_bound_notification(AbandonDeviceBoundNotificationRequest)
            -> AbandonDeviceBoundNotificationResponse;
        create_file_upload_sas_uri(CreateFileUploadSasUriRequest) -> CreateFileUploadSasUriResponse;
        update_file_upload_status(UpdateFileUploadStatusRequest) -> UpdateFileUploadStatusResponse;
        notify_file_upload(NotifyFileUploadRequest) -> NotifyFileUploadResponse;
    }
    device::service_messages => ServiceMessages {
        receive_feedback(ReceiveFeedbackRequest) -> ReceiveFeedbackResponse;
        complete_feedback(CompleteFeedbackRequest) -> CompleteFeedbackResponse;
        abandon_feedback(AbandonFeedbackRequest) -> AbandonFeedbackResponse;
    }
    arm::iot_hub_resource => IotHubResource {
        get(GetRequest) -> GetResponse;
        create_or_update(CreateOrUpdateRequest) -> CreateOrUpdateResponse;
        delete(DeleteRequest) -> DeleteResponse;
        list_by_subscription(ListBySubscriptionRequest) -> ListBySubscriptionResponse;
        list_by_resource_group(ListByResourceGroupRequest) -> ListByResourceGroupResponse;
        get_stats(GetStatsRequest) -> GetStatsResponse;
        get_valid_skus(GetValidSkusRequest) -> GetValidSkusResponse;
        list_event_hub_consumer_groups(ListEventHubConsumerGroupsRequest) -> ListEventHubConsumerGroupsResponse;
        get_event_hub_consumer_group(GetEventHubConsumerGroupRequest) -> GetEventHubConsumerGroupResponse;
        create_event_hub_consumer_group(CreateEventHubConsumerGroupRequest) -> CreateEventHubConsumerGroupResponse;
        delete_event_hub_consumer_group(DeleteEventHubConsumerGroupRequest) -> DeleteEventHubConsumerGroupResponse;
        list_jobs(ListJobsRequest) -> ListJobsResponse;
        get_job(GetJobRequest) -> GetJobResponse;
        get_quota_metrics(GetQuotaMetricsRequest) -> GetQuotaMetricsResponse;
        check_name_availability(CheckNameAvailabilityRequest) -> CheckNameAvailabilityResponse;
        list_keys(ListKeysRequest) -> ListKeysResponse;
        list_keys_next(ListKeysNextRequest) -> ListKeysNextResponse;
        get_keys_for_key_name(GetKeysForKeyNameRequest) -> GetKeysForKeyNameResponse;
        export_devices(ExportDevicesRequest) -> ExportDevicesResponse;
        import_devices(ImportDevicesRequest) -> ImportDevicesResponse;
        get_operation_result(GetOperationResultRequest) -> GetOperationResultResponse;
    }
}
