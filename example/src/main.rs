//! Uses a client that the build script generated, against a greenhouse in this process.

include!(concat!(env!("OUT_DIR"), "/specsmith.rs"));

use std::sync::Arc;

use greenhouse::Client;
use greenhouse::models::{MeasurementKind, VentSetting};
use specsmith_runtime::transport::{BoxFuture, Transport, TransportError};
use specsmith_runtime::{Body, Endpoint, Error, Pipeline};

/// A greenhouse with one sensor, in which it is always 30 °C.
struct Greenhouse;

impl Transport for Greenhouse {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
        println!("{} {}", request.method(), request.uri().path());
        let (status, body) = match request.uri().path() {
            "/sensors/north" => {
                (200, Body::from(r#"{"kind":"temperature","value":30.0,"takenAt":"2026-01-01T12:00:00Z"}"#))
            }
            "/vents/roof" => (204, Body::Empty),
            _ => (404, Body::Empty),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        Box::pin(async { Ok(response) })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let pipeline = Pipeline::new(Endpoint::new(Client::ENDPOINT)?, Arc::new(Greenhouse));
    let client = Client::with_pipeline(pipeline);

    let measured = client.sensors().get("north").await?;
    println!("{:?}", measured.body());
    if measured.kind == MeasurementKind::Temperature && measured.value > 25.0 {
        client.vents().set("roof", &VentSetting::new(50).with_seconds(600)).await?;
    }

    let missing = client.sensors().get("south").await;
    println!("south: {}", missing.is_err_and(|error| error.is_not_found()));
    Ok(())
}
