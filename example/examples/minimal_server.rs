//! A hub with two operations, in memory.
//!
//! ```sh
//! cargo run --example minimal_server
//! curl -i -X PUT 'http://127.0.0.1:8080/devices/d1?api-version=2016-11-14' -H 'content-type: application/json' -d '{"deviceId": "d1"}'
//! curl -i 'http://127.0.0.1:8080/devices/d1?api-version=2016-11-14'
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use iothub::ETag;
use iothub::hub::models::Device;
use iothub::hub::server::device_api::*;
use iothub::runtime::server::{Context, Router, ServiceError};
use iothub::runtime::{Current, Intent, StatusTable};

/// Each device, and how often it has been written.
#[derive(Default)]
struct Hub(Mutex<HashMap<String, (Device, u64)>>);

fn tag(version: u64) -> Option<ETag> {
    version.to_string().parse().ok()
}

impl DeviceApi for Hub {
    async fn get_device(&self, _: &Context, request: GetDeviceRequest) -> Result<GetDeviceResponse, ServiceError> {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (device, version) = devices.get(&request.device_id).ok_or_else(|| {
            ServiceError::new(StatusCode::NOT_FOUND, "DeviceNotFound", format!("There is no {}.", request.device_id))
        })?;
        let mut found = GetDeviceOk::new(device.clone());
        found.etag = tag(*version);
        Ok(GetDeviceResponse::Ok(found))
    }

    async fn put_device(&self, _: &Context, request: PutDeviceRequest) -> Result<PutDeviceResponse, ServiceError> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = devices.get(&request.device_id).map(|(_, version)| *version);
        let etag = version.and_then(tag);
        let current = version.map(|_| Current { etag: etag.as_ref(), modified: None });
        // 412 where `If-Match` or `If-None-Match` say so.
        request.preconditions.check(Intent::Write, current, &StatusTable::IOT_HUB)?;
        let version = version.map_or(0, |version| version + 1);
        let mut made = PutDeviceOk::new(request.device.clone());
        made.etag = tag(version);
        devices.insert(request.device_id, (request.device, version));
        Ok(PutDeviceResponse::Ok(made))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let router = Router::new().add(DeviceApiServer::new(Hub::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, axum::Router::new().fallback_service(router)).await
}
