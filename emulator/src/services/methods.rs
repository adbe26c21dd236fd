//! Direct methods.

use iothub::hub::models::DirectMethodResult;
use iothub::hub::server::device_twin_api::{InvokeDeviceMethodRequest, InvokeDeviceMethodResponse};
use iothub::runtime::server::{Context, ServiceError};

use super::{Services, identities};
use crate::state::methods::{self, Call};

/// Calls a method.
pub(super) async fn invoke(
    services: &Services,
    cx: &Context,
    request: InvokeDeviceMethodRequest,
) -> Result<InvokeDeviceMethodResponse, ServiceError> {
    let InvokeDeviceMethodRequest { device_id, method, .. } = request;
    identities::check_id(&device_id)?;
    let call = Call::read(&method)?;
    let answer = methods::call(&*services.hub(cx)?, &device_id, &call).await?;
    let result = DirectMethodResult::new().with_status(answer.status).with_payload(answer.payload);
    Ok(InvokeDeviceMethodResponse::Ok(result))
}
