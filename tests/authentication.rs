//! Clients and a server of one hub: what the ones sign, the other verifies.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use iothub::runtime::credential::{
    AccessToken, ConnectionString, Refusal, Rights, SasKey, SasProvider, SasToken, Signer, TokenSource, verify,
};
use iothub::runtime::time::{Rfc1123, UnixTime};
use iothub::runtime::transport::{BoxFuture, Transport, TransportError};
use iothub::runtime::{Body, BoxError, Clock, Retry};
use iothub::{Error, Pipeline};

use crate::service::{KEY_1, KEY_2, SUBSCRIPTION};

const HOST: &str = "hub1.azure-devices.net";

/// Stands still until told otherwise.
struct StoppedClock(AtomicU64);

impl Clock for StoppedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn random(&self) -> f64 {
        0.0
    }
}

const NOON: u64 = 1_500_000_000;

/// A hub with one policy, `back end`, which may do what the back end does, and one device, `a%b:c`. It knows its own name only.
struct Hub {
    clock: StoppedClock,
    keys: [SasKey; 2],
    /// What came, and what became of it.
    seen: Mutex<Vec<(String, Result<(), Refusal>)>>,
}

impl Hub {
    fn new() -> Arc<Hub> {
        let keys = [KEY_1.parse().unwrap(), KEY_2.parse().unwrap()];
        Arc::new(Hub { clock: StoppedClock(NOON.into()), keys, seen: Mutex::default() })
    }

    fn judge(&self, authorization: &str, path: &str) -> Result<(), Refusal> {
        let token: SasToken = authorization.parse().map_err(|_| Refusal::Malformed)?;
        let keys = [&self.keys[0], &self.keys[1]];
        let rights = Rights::REGISTRY_WRITE.and(Rights::SERVICE_CONNECT);
        let signer = match token.policy() {
            Some("back end") => Signer::Policy { name: "back end", keys, rights },
            Some(_) => Signer::Unknown,
            None => Signer::Device { id: "a%b:c", keys },
        };
        let needed = match path.contains("/messages/") {
            true => Rights::DEVICE_CONNECT,
            false => Rights::REGISTRY_READ,
        };
        verify(&token, &signer, HOST, path, needed, &self.clock)
    }

    fn outcomes(&self) -> Vec<Result<(), Refusal>> {
        std::mem::take(&mut *self.seen.lock().unwrap()).into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn tokens(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap()).into_iter().map(|(token, _)| token).collect()
    }
}

impl Transport for Hub {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
        let path = request.uri().path();
        let token = request.headers().get("authorization").map(|value| value.to_str().unwrap()).unwrap_or_default();
        let outcome = self.judge(token, path);
        self.seen.lock().unwrap().push((token.to_owned(), outcome));
        let status = match (outcome, path.contains("/messages/")) {
            (Err(_), _) => 401,
            (Ok(()), true) => 204,
            (Ok(()), false) => 200,
        };
        let date = Rfc1123::from_unix(self.clock.0.load(Ordering::SeqCst) as i64).unwrap();
        let answer = http::Response::builder().status(status).header("date", date.to_string());
        let answer = answer.body(Body::from(r#"{"deviceId":"a%b:c"}"#)).unwrap();
        Box::pin(async { Ok(answer) })
    }
}

/// A pipeline whose own clock differs by this from the hub's.
fn pipeline(text: &str, hub: &Arc<Hub>, skew: i64) -> Pipeline {
    let clock = StoppedClock(NOON.saturating_add_signed(skew).into());
    let pipeline = text.parse::<ConnectionString>().unwrap().pipeline(hub.clone());
    pipeline.with_clock(Arc::new(clock)).with_retry(Retry::none())
}

fn of_hub(key: &str) -> String {
    format!("HostName={HOST};SharedAccessKeyName=back end;SharedAccessKey={key}")
}

fn of_device(key: &str) -> String {
    format!("HostName={HOST};DeviceId=a%b:c;SharedAccessKey={key}")
}

#[tokio::test]
async fn a_hub_lets_its_own_in() {
    let hub = Hub::new();
    for key in [KEY_1, KEY_2] {
        let client = iothub::hub::Client::with_pipeline(pipeline(&of_hub(key), &hub, 0));
        client.devices().get("a%b:c").await.unwrap();
        let device = iothub::device::Client::with_pipeline(pipeline(&of_device(key), &hub, 0), "a%b:c");
        device.messages().send("x").await.unwrap();
        assert_eq!(hub.outcomes(), [Ok(()), Ok(())]);
    }
}

#[tokio::test]
async fn a_hub_lets_nobody_else_in() {
    let hub = Hub::new();
    let other_key = "b3RoZXI=";
    let client = iothub::hub::Client::with_pipeline(pipeline(&of_hub(other_key), &hub, 0));
    let error = client.devices().get("a%b:c").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
    assert_eq!(hub.outcomes(), [Err(Refusal::WrongSignature)]);

    let other_hub = of_hub(KEY_1).replace("hub1", "hub2");
    let client = iothub::hub::Client::with_pipeline(pipeline(&other_hub, &hub, 0));
    client.devices().get("a%b:c").await.unwrap_err();
    assert_eq!(hub.outcomes(), [Err(Refusal::OutOfScope)]);

    // Another device's messages, and the registry.
    let device = iothub::device::Client::with_pipeline(pipeline(&of_device(KEY_1), &hub, 0), "d2");
    device.messages().send("x").await.unwrap_err();
    let client = iothub::hub::Client::with_pipeline(pipeline(&of_device(KEY_1), &hub, 0));
    client.devices().get("a%b:c").await.unwrap_err();
    assert_eq!(hub.outcomes(), [Err(Refusal::OutOfScope), Err(Refusal::NotAllowed)]);

    let device = iothub::device::Client::with_pipeline(pipeline("HostName=h;DeviceId=a;x509=true", &hub, 0), "a%b:c");
    device.messages().send("x").await.unwrap_err();
    assert_eq!(hub.outcomes(), [Err(Refusal::Malformed)]);
}

#[tokio::test]
async fn the_address_is_not_the_hub_s_name() {
    let hub = Hub::new();
    let local = format!("{};GatewayHostName=127.0.0.1:8080;UseDevelopmentEmulator=true", of_hub(KEY_1));
    let pipeline = pipeline(&local, &hub, 0);
    assert_eq!(pipeline.endpoint().to_string(), "http://127.0.0.1:8080");
    iothub::hub::Client::with_pipeline(pipeline).devices().get("a%b:c").await.unwrap();
    assert_eq!(hub.outcomes(), [Ok(())]);
}

#[tokio::test]
async fn a_wrong_clock_costs_one_try() {
    let hub = Hub::new();
    // Since 1970, as on a device without a battery.
    let client = iothub::hub::Client::with_pipeline(pipeline(&of_hub(KEY_1), &hub, -(NOON as i64)));
    for outcomes in [&[Err(Refusal::Expired), Ok(())][..], &[Ok(())]] {
        client.devices().get("a%b:c").await.unwrap();
        assert_eq!(hub.outcomes(), outcomes);
    }
    // A wrong key is wrong at any time.
    let client = iothub::hub::Client::with_pipeline(pipeline(&of_hub("b3RoZXI="), &hub, -7200));
    for tries in [2, 1] {
        client.devices().get("a%b:c").await.unwrap_err();
        assert_eq!(hub.outcomes(), vec![Err(Refusal::WrongSignature); tries]);
    }
}

#[tokio::test]
async fn one_token_for_all_calls() {
    let hub = Hub::new();
    let client = iothub::hub::Client::with_pipeline(pipeline(&of_hub(KEY_1), &hub, 0));
    for _ in 0..10 {
        client.devices().get("a%b:c").await.unwrap();
    }
    let mut tokens = hub.tokens();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test]
async fn a_provider_is_asked_again_where_a_token_is_refused() {
    let hub = Hub::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let number = asked.clone();
    let provider = SasProvider::new(move || {
        // The first one is signed with a key that is not valid any more.
        let key = if number.fetch_add(1, Ordering::SeqCst) == 0 { "b2xk" } else { KEY_1 };
        let expiry = UnixTime::new(NOON as i64 + 3600);
        async move { Ok(key.parse::<SasKey>()?.token(HOST, Some("back end"), expiry)?) }
    });
    let pipeline = pipeline(&of_hub(KEY_2), &hub, 0).with_credential(Arc::new(provider));
    let client = iothub::hub::Client::with_pipeline(pipeline);
    for _ in 0..2 {
        client.devices().get("a%b:c").await.unwrap();
    }
    assert_eq!(hub.outcomes(), [Err(Refusal::WrongSignature), Ok(()), Ok(())]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A token that says what it is for.
struct Named;

impl TokenSource for Named {
    fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
        let end = SystemTime::now() + Duration::from_secs(3600);
        Box::pin(async move { Ok(AccessToken::new(scopes.concat(), end)) })
    }
}

#[tokio::test]
async fn access_tokens() {
    let service = Hub::new();
    let arm = iothub::management::Client::builder(SUBSCRIPTION, Named).transport(service.clone()).build().unwrap();
    arm.iot_hubs().get("rg", "hub1").await.unwrap_err();
    let hub = iothub::hub::Client::builder("hub1.azure-devices.us", Named).transport(service.clone()).build().unwrap();
    hub.devices().get("a").await.unwrap_err();
    let mut tokens = service.tokens();
    // Each is refused once, and replaced once.
    tokens.dedup();
    assert_eq!(tokens, ["Bearer https://management.azure.com/.default", "Bearer https://iothubs.azure.us/.default"]);
}

#[test]
fn clients_by_their_connection_strings() {
    let hub = iothub::hub::Client::from_connection_string(&of_hub(KEY_1)).unwrap();
    let device = iothub::device::Client::from_connection_string(&of_device(KEY_1)).unwrap();
    for pipeline in [hub.pipeline(), device.pipeline()] {
        assert_eq!(pipeline.endpoint().to_string(), format!("https://{HOST}"));
    }
    let wrong = |result: Result<(), Error>| result.unwrap_err().to_string();
    let hub = |text: &str| iothub::hub::Client::from_connection_string(text).map(drop);
    let device = |text: &str| iothub::device::Client::from_connection_string(text).map(drop);
    assert!(wrong(hub(&of_device(KEY_1))).contains("a hub's is needed"));
    assert!(wrong(device(&of_hub(KEY_1))).contains("a device's is needed"));
    assert!(wrong(device("HostName=h;DeviceId=a;x509=true")).contains("with_client_certificate"));
    for shown in [format!("{:?}", hub(&of_hub("c2VjcmV0!"))), wrong(hub("c2VjcmV0"))] {
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
    }
}
