//! What back ends hear of the messages that they sent.

use http::{Method, StatusCode};
use iothub::device::server::ServiceMessages;
use iothub::device::server::service_messages::{
    AbandonFeedbackRequest, AbandonFeedbackResponse, CompleteFeedbackRequest, CompleteFeedbackResponse,
    ReceiveFeedbackOk, ReceiveFeedbackRequest, ReceiveFeedbackResponse,
};
use iothub::runtime::ETag;
use iothub::runtime::server::{Context, ServiceError};
use serde_json::Value;

use super::{Services, http_runtime};
use crate::errors;

/// The media type of feedback.
const MEDIA_TYPE: &str = "application/vnd.microsoft.iothub.feedback.json";

impl ServiceMessages for Services {
    async fn receive_feedback(
        &self,
        cx: &Context,
        _: ReceiveFeedbackRequest,
    ) -> Result<ReceiveFeedbackResponse, ServiceError> {
        if cx.method() == Method::HEAD {
            // It would lock feedback that nobody sees.
            let message = "Feedback is received with GET.";
            return Err(ServiceError::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message));
        }
        let received = self.hub(cx)?.receive_feedback()?.durable().await?;
        let Some(received) = received else { return Ok(ReceiveFeedbackResponse::NoContent) };
        let token: ETag = received.token.parse().map_err(errors::internal)?;
        let body = Value::Array(received.records).to_string();
        Ok(ReceiveFeedbackResponse::Ok(
            ReceiveFeedbackOk::new(body.into())
                .with_etag(token)
                .with_iothub_enqueuedtime(http_runtime::time(received.time))
                .with_content_type(MEDIA_TYPE),
        ))
    }

    async fn complete_feedback(
        &self,
        cx: &Context,
        request: CompleteFeedbackRequest,
    ) -> Result<CompleteFeedbackResponse, ServiceError> {
        self.hub(cx)?.complete_feedback(&request.lock_token)?.durable().await?;
        Ok(CompleteFeedbackResponse::NoContent)
    }

    async fn abandon_feedback(
        &self,
        cx: &Context,
        request: AbandonFeedbackRequest,
    ) -> Result<AbandonFeedbackResponse, ServiceError> {
        self.hub(cx)?.abandon_feedback(&request.lock_token)?.durable().await?;
        Ok(AbandonFeedbackResponse::NoContent)
    }
}
