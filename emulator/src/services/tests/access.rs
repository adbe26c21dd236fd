//! Who may do what.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iothub::device::server::{HttpRuntimeServer, ServiceMessagesServer};
use iothub::hub::models::{AuthenticationMechanism, Device, DeviceStatus, SymmetricKey};
use iothub::hub::server::{ImportExport, ImportExportServer, JobApiServer};
use iothub::runtime::server::Service as _;
use serde_json::json;

use super::*;
use crate::services::access;

struct Nothing;
impl ImportExport for Nothing {}

#[tokio::test]
async fn rights_of_policies() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let (read, write, service, device) = ("registryRead", "registryReadWrite", "service", "device");
    for (method, path, allowed) in [
        (Method::GET, "/devices/d1", vec![read, write]),
        (Method::GET, "/devices", vec![read, write]),
        (Method::GET, "/statistics/devices", vec![read, write]),
        (Method::GET, "/statistics/service", vec![read, write]),
        (Method::PUT, "/devices/d1", vec![write]),
        (Method::POST, "/devices", vec![write]),
        (Method::DELETE, "/devices/d2", vec![write]),
        (Method::GET, "/twins/d1", vec![service]),
        (Method::PATCH, "/twins/d1", vec![service]),
        (Method::PUT, "/twins/d1", vec![service]),
        (Method::POST, "/twins/d1/methods", vec![service]),
        (Method::POST, "/devices/query", vec![service]),
        (Method::DELETE, "/devices/d1/commands", vec![service]),
        (Method::GET, "/jobs/v2/j1", vec![service]),
        (Method::POST, "/devices/d1/messages/events", vec![device]),
        (Method::GET, "/devices/d1/messages/deviceBound", vec![device]),
    ] {
        for policy in [read, write, service, device, "iothubowner", "IotHubOwner"] {
            let key = key(if policy == "IotHubOwner" { "iothubowner" } else { policy });
            let token = emulator.token(HOST, Some(policy), &key);
            let body = json!({});
            let body = matches!(method, Method::PUT | Method::POST | Method::PATCH).then_some(&body);
            let answer =
                emulator.send(method.clone(), &format!("{path}?{VERSION}"), &[("authorization", &token)], body).await;
            let is_allowed = allowed.contains(&policy) || policy.eq_ignore_ascii_case("iothubowner");
            assert_eq!(answer.status != 401, is_allowed, "{method} {path} {policy} {answer:?}");
            if !is_allowed {
                assert_eq!(answer.code(), "IotHubUnauthorizedAccess");
                assert!(answer.json()["Message"].as_str().unwrap().ends_with(";Unauthorized"));
                assert_eq!(answer.header("www-authenticate"), Some("SharedAccessSignature"));
            }
        }
    }
}

#[test]
fn every_operation_needs_some_right() {
    let emulator = Emulator::start(Profile::Service);
    let services = super::super::Services::new(emulator.world.clone());
    let routes = [
        iothub::hub::server::DeviceApiServer::new(services.clone()).routes(),
        iothub::hub::server::DeviceTwinApiServer::new(services.clone()).routes(),
        HttpRuntimeServer::new(services.clone()).routes(),
        ServiceMessagesServer::new(services.clone()).routes(),
        JobApiServer::new(services).routes(),
        ImportExportServer::new(Nothing).routes(),
    ];
    for route in routes.into_iter().flatten() {
        assert!(access::needed(route.id()).is_some(), "{}", route.id());
    }
    assert!(access::needed("IotHubResource_Get").is_none());
}

#[tokio::test]
async fn tokens_that_are_refused() {
    let emulator = Emulator::start(Profile::Service);
    let owner = key("iothubowner");
    let expired = owner.token(HOST, Some("iothubowner"), UnixTime::new(1_500_000_000)).unwrap().expose().to_owned();
    for token in [
        "",
        "SharedAccessSignature",
        "Bearer x",
        &expired,
        &emulator.token(HOST, Some("nobody"), &owner),
        &emulator.token(HOST, Some("iothubowner"), &key("service")),
        &emulator.token("h2.azure-devices.net", Some("iothubowner"), &owner),
        &emulator.token(&format!("{HOST}/devices/d2"), Some("iothubowner"), &owner),
        &emulator.token(HOST, None, &owner),
    ] {
        let answer =
            emulator.send(Method::GET, &format!("/devices/d1?{VERSION}"), &[("authorization", token)], None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "IotHubUnauthorizedAccess"), "{token}");
    }
    // Either key will do, and a scope that is no wider than need be.
    for token in [
        emulator.token(HOST, Some("iothubowner"), &key("iothubowner, the second")),
        emulator.token(&format!("{HOST}/devices/d1"), Some("iothubowner"), &owner),
    ] {
        let answer =
            emulator.send(Method::GET, &format!("/devices/d1?{VERSION}"), &[("authorization", &token)], None).await;
        assert_eq!(answer.status, 404);
    }
    let token = emulator.token(HOST, Some("iothubowner"), &owner);
    emulator.world.clock.advance(Duration::from_secs(61));
    let answer =
        emulator.send(Method::GET, &format!("/devices/d1?{VERSION}"), &[("authorization", &token)], None).await;
    assert_eq!(answer.status, 401, "the emulator's clock counts");
}

/// The hub's own name, or the one by which the request calls it.
#[tokio::test]
async fn audiences() {
    let emulator = Emulator::start(Profile::Service);
    let owner = key("iothubowner");
    for (host, audience, status) in [
        ("h.azure-devices.net", "h.azure-devices.net", 200),
        ("H.Azure-Devices.net:8443", "h.azure-devices.net", 200),
        ("127.0.0.1:8080", "127.0.0.1", 200),
        ("127.0.0.1:8080", "127.0.0.1:8080", 200),
        ("localhost:8080", "localhost", 200),
        ("[::1]:8080", "[::1]", 200),
        ("127.0.0.1:8080", "h.azure-devices.net", 200),
        ("h.localhost:8080", "h.localhost", 200),
        ("h.localhost:8080", "h.azure-devices.net", 200),
        ("h2.localhost:8080", "h2.azure-devices.net", 200),
        ("h2.localhost:8080", "h.azure-devices.net", 401),
        ("127.0.0.1:8080", "h2.azure-devices.net", 401),
        ("h.azure-devices.net", "127.0.0.1", 401),
    ] {
        let token = emulator.token(audience, Some("iothubowner"), &owner);
        let headers = [("host", host), ("authorization", &*token)];
        let answer = emulator.send(Method::GET, &format!("/devices?{VERSION}"), &headers, None).await;
        assert_eq!(answer.status.as_u16(), status, "{host} {audience}");
    }
}

#[tokio::test]
async fn devices_with_keys_of_their_own() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let secrets = ["0123456789abcdef".as_bytes(), "fedcba9876543210".as_bytes()];
    let [one, two] = secrets.map(|secret| STANDARD.encode(secret));
    let keys = AuthenticationMechanism::new()
        .with_symmetric_key(SymmetricKey::new().with_primary_key(&*one).with_secondary_key(&*two));
    for id in ["d%1", "d2"] {
        client.devices().put(id, &Device::new(id).with_authentication(keys.clone())).await.unwrap();
    }
    let send = async |path: &str, resource: &str, policy: Option<&str>, key: &SasKey| {
        let token = emulator.token(resource, policy, key);
        let target = format!("{path}?{VERSION}");
        let method = if path.ends_with("events") { Method::POST } else { Method::GET };
        emulator.send(method, &target, &[("authorization", &token)], None).await.status.as_u16()
    };
    let [first, second] = [one, two].map(|key| key.parse::<SasKey>().unwrap());
    let own = "h.azure-devices.net/devices/d%1";
    let events = "/devices/d%251/messages/events";
    assert_eq!(send(events, own, None, &first).await, 204);
    assert_eq!(send(events, own, None, &second).await, 204);
    assert_eq!(send(events, HOST, None, &second).await, 204);
    assert_eq!(send(events, own, None, &key("other")).await, 401);
    assert_eq!(send("/devices/d2/messages/events", own, None, &first).await, 401, "another device's");
    assert_eq!(send("/devices/d3/messages/events", "h.azure-devices.net/devices/d3", None, &first).await, 401);
    for path in ["/devices/d%251", "/devices", "/twins/d%251"] {
        assert_eq!(send(path, own, None, &first).await, 401, "{path} is none of a device's business");
        assert_eq!(send(path, HOST, None, &first).await, 401, "{path} is none of a device's business");
    }
    // A policy that may connect devices acts for any of them.
    assert_eq!(send(events, own, Some("device"), &key("device")).await, 204);
    // Encoded twice, and in small letters.
    let twice = "h.azure-devices.net%2fdevices%2fd%251";
    assert_eq!(send(events, twice, Some("iothubowner"), &key("iothubowner")).await, 204);

    let disabled = Device::new("d%1").with_status(DeviceStatus::Disabled);
    client.devices().put("d%1", &disabled).if_match(iothub::ETag::ANY).await.unwrap();
    assert_eq!(send(events, own, None, &first).await, 401);
    assert_eq!(send(events, own, Some("device"), &key("device")).await, 401, "nor may anybody else for it");
    assert_eq!(send("/devices/d2/messages/events", HOST, Some("device"), &key("device")).await, 204);
    assert_eq!(send("/devices/d%251", HOST, Some("registryRead"), &key("registryRead")).await, 200);
    let enabled = Device::new("d%1").with_status(DeviceStatus::Enabled);
    client.devices().put("d%1", &enabled).if_match(iothub::ETag::ANY).await.unwrap();
    assert_eq!(send(events, own, None, &first).await, 204, "its keys are what they were");
    let rotated = SymmetricKey::new().with_primary_key("").with_secondary_key("");
    let rotated = enabled.with_authentication(AuthenticationMechanism::new().with_symmetric_key(rotated));
    client.devices().put("d%1", &rotated).if_match(iothub::ETag::ANY).await.unwrap();
    assert_eq!(send(events, own, None, &first).await, 401);
}

#[tokio::test]
async fn bearer_tokens() {
    for (arm_token, given, status) in [
        (None, "Bearer whatever", 404),
        (None, "", 401),
        (None, "Basic x", 401),
        (Some("t0ken"), "Bearer t0ken", 404),
        (Some("t0ken"), "Bearer t0ke", 401),
        (Some("t0ken"), "SharedAccessSignature sr=h&sig=x&se=1", 401),
    ] {
        let config = Config { arm_token: arm_token.map(Into::into), ..Config::default() };
        let emulator = Emulator::configured(config);
        // There is no such subscription.
        let target = "/subscriptions/s/providers/Microsoft.Devices/IotHubs?api-version=2017-01-19";
        let answer = emulator.send(Method::GET, target, &[("authorization", given)], None).await;
        assert_eq!(answer.status.as_u16(), status, "{arm_token:?} {given}");
        if status == 401 {
            assert_eq!(answer.json()["error"]["code"], "AuthenticationFailed");
        }
    }
}
