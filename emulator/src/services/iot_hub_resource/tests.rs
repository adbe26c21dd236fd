mod restart;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Method, Request, Response};
use iothub::management::Client;
use iothub::management::models::{
    AccessRights, EventHubProperties, IotHubProperties, IotHubSku, IotHubSkuInfo, SharedAccessPolicy,
};
use iothub::runtime::credential::SasCredential;
use iothub::runtime::transport::{BoxFuture, InProcess};
use iothub::runtime::{Body, Clock, Endpoint, Error, ItemStream, Next, Policy, Retry};
use iothub::{ErrorKind, Pipeline};
use serde_json::json;
use tower_service::Service;

use super::*;
use crate::clock::HubClock;
use crate::config::Config;
use crate::profile::Profile;
use crate::services::router;
use crate::state::{Hub, HubState};
use crate::store::Store;

const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
const HUBS: &str =
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Devices/IotHubs";

/// A clock on which time passes at once for whoever waits a little, and never for others: those are time limits.
#[derive(Clone)]
struct Passing(HubClock);

impl Clock for Passing {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration > Duration::from_secs(60) {
            return Box::pin(std::future::pending());
        }
        self.0.advance(duration);
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> f64 {
        0.5
    }
}

struct SignedBy(HeaderValue);

impl Policy for SignedBy {
    fn send<'a>(&'a self, mut request: Request<Body>, next: Next<'a>) -> BoxFuture<'a, Result<Response<Body>, Error>> {
        request.headers_mut().insert("authorization", self.0.clone());
        next.run(request)
    }
}

/// An emulator without a socket.
struct Bench {
    world: Arc<World>,
    router: iothub::runtime::server::Router,
    client: Client,
}

fn bench() -> Bench {
    started(Config { lro_delay: Duration::from_secs(30), page_size: 2, ..Config::default() }, Store::none())
}

fn started(config: Config, store: Store) -> Bench {
    let config = Config { subscription: SUBSCRIPTION.to_owned(), ..config };
    let clock = HubClock::new();
    let world = Arc::new(World::new(clock.clone(), store, "main").with_config(config));
    let router = router(&world);
    let transport = Arc::new(InProcess::new(router.clone()));
    let pipeline = Pipeline::new(Endpoint::new("http://localhost:8080").unwrap(), transport)
        .with_clock(Arc::new(Passing(clock)))
        .with_retry(Retry::none())
        .with_try_policy(Arc::new(SignedBy(HeaderValue::from_static("Bearer t"))));
    Bench { world, router, client: Client::with_pipeline(pipeline, SUBSCRIPTION) }
}

struct Told {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Bench {
    /// What is answered to a request to this URL or path; `api-version` is added to the latter.
    async fn ask(&self, method: Method, target: &str, headers: &[(&'static str, &str)], body: Value) -> Told {
        let target = match target.strip_prefix("http://localhost:8080") {
            Some(path) => path.to_owned(),
            None => format!("{target}?api-version=2017-01-19"),
        };
        let mut request = Request::builder().method(method).uri(target).header("host", "localhost:8080");
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", "Bearer t");
        }
        request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let body = match body {
            Value::Null => Body::Empty,
            body => {
                request = request.header("content-type", "application/json; charset=utf-8");
                Body::from(body.to_string())
            }
        };
        let answer = self.router.clone().call(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(body.collect(1 << 24).await.unwrap().to_vec()).unwrap();
        Told { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    async fn get(&self, target: &str) -> Told {
        self.ask(Method::GET, target, &[], Value::Null).await
    }

    /// A hub that is there.
    async fn with_hub(self, group: &str, name: &str) -> Bench {
        let path = HUBS.replace("/rg/", &format!("/{group}/"));
        let made = self.ask(Method::PUT, &format!("{path}/{name}"), &[], described(1)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        self.world.clock.advance(Duration::from_secs(30));
        self
    }
}

fn described(units: u32) -> Value {
    json!({ "location": "westus", "sku": { "name": "S1", "capacity": units } })
}

fn description() -> IotHubDescription {
    IotHubDescription::new("West US", IotHubSkuInfo::new(IotHubSku::S1).with_capacity(2))
}

fn provider_error(told: &Told) -> (u16, String, String) {
    let body = told.json();
    (told.status, body["Code"].as_str().unwrap().to_owned(), body["HttpStatusCode"].as_str().unwrap().to_owned())
}

fn manager_error(told: &Told) -> (u16, String) {
    (told.status, told.json()["error"]["code"].as_str().unwrap().to_owned())
}

/// All items of a list, over its pages.
async fn items<T: Unpin + 'static>(mut stream: ItemStream<T>) -> Vec<T> {
    let mut items = Vec::new();
    while let Some(item) = stream.try_next().await.unwrap() {
        items.push(item);
    }
    items
}

fn names(hubs: &[IotHubDescription]) -> Vec<&str> {
    hubs.iter().map(|hub| hub.name.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn a_hub_is_made_changed_and_deleted() {
    let bench = bench();
    let hubs = bench.client.iot_hubs();
    let mut poller = hubs.create_or_update("rg", "hub-1", &description()).start().await.unwrap();
    let first = poller.initial_response().unwrap().unwrap();
    let properties = first.properties.as_ref().unwrap();
    assert_eq!(properties.provisioning_state.as_deref(), Some("Accepted"));
    assert_eq!(properties.additional_properties["state"], "Activating");
    assert_eq!(properties.host_name, None);
    let policies = properties.authorization_policies.as_ref().unwrap();
    assert!(policies.iter().all(|policy| policy.primary_key.is_some() && policy.secondary_key.is_some()));
    let mut states = Vec::new();
    while let Some(progress) = poller.next().await {
        states.push(progress.unwrap().status);
    }
    assert!(states.len() > 20 && states[1..states.len() - 1].iter().all(|state| state == "Running"), "{states:?}");
    assert_eq!(states.last().map(String::as_str), Some("Succeeded"));
    let made = poller.await.unwrap();
    assert_eq!(made.name.as_deref(), Some("hub-1"));
    assert_eq!(made.id.as_deref(), Some(&*format!("{HUBS}/hub-1")));
    assert_eq!(made.r#type.as_deref(), Some("Microsoft.Devices/IotHubs"));
    assert_eq!((made.subscription_id.as_deref(), made.resource_group.as_deref()), (Some(SUBSCRIPTION), Some("rg")));
    assert_eq!(json!(made.sku), json!({ "name": "S1", "tier": "Standard", "capacity": 2 }));
    let properties = made.properties.clone().unwrap();
    assert_eq!(properties.provisioning_state.as_deref(), Some("Succeeded"));
    assert_eq!(properties.additional_properties["state"], "Active");
    assert_eq!(properties.host_name.as_deref(), Some("hub-1.azure-devices.net"));
    assert_eq!(properties.authorization_policies, None);
    let events = &properties.event_hub_endpoints.as_ref().unwrap()["events"];
    assert_eq!(json!(events.partition_ids), json!(["0", "1"]));
    assert_eq!(events.path.as_deref(), Some("hub-1"));
    assert!(properties.event_hub_endpoints.as_ref().unwrap().contains_key("operationsMonitoringEvents"));

    // What was read is sent back, changed.
    let mut wanted = IotHubDescription::clone(&made).with_tags([("a".to_owned(), "b".to_owned())].into());
    wanted.sku.capacity = Some(3);
    let keys = hubs.get_keys("rg", "hub-1", "service").await.unwrap();
    let changed = hubs.create_or_update("rg", "hub-1", &wanted).if_match(made.etag().unwrap()).await.unwrap();
    assert_eq!((changed.sku.capacity, &changed.tags.as_ref().unwrap()["a"]), (Some(3), &"b".to_owned()));
    assert_ne!(changed.etag, made.etag);
    let properties = changed.properties.as_ref().unwrap();
    assert_eq!(properties.additional_properties["state"], "Active");
    // Its keys stay, since no policies were given.
    let same = hubs.get_keys("rg", "hub-1", "SERVICE").await.unwrap();
    assert_eq!(same.primary_key, keys.primary_key);
    let stale = hubs.create_or_update("rg", "hub-1", &wanted).if_match(made.etag().unwrap()).await.unwrap_err();
    assert_eq!(stale.status().unwrap(), 412);

    assert!(hubs.delete("rg", "hub-1").await.unwrap().is_none());
    assert_eq!(hubs.get("rg", "hub-1").await.unwrap_err().status().unwrap(), 404);
    // What is not there is deleted, too.
    assert!(hubs.delete("rg", "hub-1").await.unwrap().is_none());
}

#[tokio::test]
async fn making_on_the_wire() {
    let bench = bench();
    let told = bench.ask(Method::PUT, &format!("{HUBS}/Hub1"), &[], described(1)).await;
    assert_eq!(told.status, 201);
    let polled = told.header("azure-asyncoperation").to_owned();
    assert!(polled.starts_with(&format!("http://localhost:8080{HUBS}/Hub1/operationResults/")), "{polled}");
    assert!(polled.ends_with("?api-version=2017-01-19&asyncinfo"), "{polled}");
    assert_eq!((told.header("retry-after"), told.headers.get("location")), ("1", None));
    let body = told.json();
    assert_eq!(body["properties"]["state"], "Activating");
    assert_eq!(
        body["properties"]["authorizationPolicies"][0]["rights"],
        "RegistryWrite, ServiceConnect, DeviceConnect"
    );
    assert_eq!(body["properties"]["routing"]["endpoints"]["storageContainers"], json!([]));
    // Old clients repeat the precondition with every request.
    let running = bench.ask(Method::GET, &polled, &[("if-match", "stale")], Value::Null).await;
    assert_eq!((running.status, running.text.as_str()), (200, r#"{"status":"Running"}"#));
    assert_eq!(running.header("retry-after"), "1");
    let result = polled.replace("&asyncinfo", "");
    let later = bench.get(&result).await;
    assert_eq!((later.status, later.text.as_str()), (202, ""));
    assert_eq!((later.header("location"), later.header("retry-after")), (result.as_str(), "1"));
    bench.world.clock.advance(Duration::from_secs(29));
    assert_eq!(bench.get(&polled).await.text, r#"{"status":"Running"}"#);
    bench.world.clock.advance(Duration::from_secs(1));
    let done = bench.get(&polled).await;
    assert_eq!((done.status, done.text.as_str()), (200, r#"{"status":"Succeeded"}"#));
    assert_eq!(done.headers.get("retry-after"), None);
    // Paths are in any case.
    let hub = bench.ask(Method::GET, &format!("{}/HUB1", HUBS.to_uppercase()), &[("if-match", "x")], Value::Null).await;
    assert_eq!((hub.status, bench.get(&result).await.json()), (200, hub.json()));
    assert_eq!(hub.json()["name"], "Hub1");
    assert_eq!(hub.json()["properties"].get("authorizationPolicies"), None);
    assert_eq!(
        manager_error(&bench.get(&polled.replace("Hub1/", "Hub2/")).await),
        (404, "OperationNotFound".to_owned())
    );

    // An update says that it takes its time, too, and the hub stays what it was.
    let etag = hub.json()["etag"].as_str().unwrap().to_owned();
    let told = bench.ask(Method::PUT, &format!("{HUBS}/Hub1"), &[("if-match", &etag)], described(5)).await;
    assert_eq!((told.status, &told.json()["properties"]["state"]), (201, &json!("Active")));
    assert_eq!(told.json()["properties"]["provisioningState"], "Accepted");
    assert!(told.header("azure-asyncoperation").ends_with("&asyncinfo"));
}

#[tokio::test]
async fn deleting_on_the_wire() {
    let bench = bench().with_hub("rg", "hub1").await;
    let hub = format!("{HUBS}/hub1");
    let stale = bench.ask(Method::DELETE, &hub, &[("if-match", "AAAA")], Value::Null).await;
    assert_eq!(stale.status, 412);
    let told = bench.ask(Method::DELETE, &hub, &[], Value::Null).await;
    assert_eq!((told.status, told.text.as_str()), (202, "null"));
    assert_eq!(told.header("content-type"), "application/json; charset=utf-8");
    let (polled, result) = (told.header("azure-asyncoperation"), told.header("location"));
    assert_eq!((polled, told.header("retry-after")), (&*format!("{result}&asyncinfo"), "1"));
    assert_eq!(bench.get(&hub).await.json()["properties"]["provisioningState"], "Deleting");
    assert_eq!(bench.get(polled).await.text, r#"{"status":"Running"}"#);
    assert_eq!(bench.get(result).await.status, 202);
    assert_eq!(bench.ask(Method::DELETE, &hub, &[], Value::Null).await.status, 202);
    let made = bench.ask(Method::PUT, &hub, &[], described(1)).await;
    assert_eq!(provider_error(&made), (409, "IotHubIsBeingDeleted".to_owned(), "Conflict".to_owned()));
    // Nobody else finds it any more.
    assert!(bench.world.hub("hub1").is_none());
    bench.world.clock.advance(Duration::from_secs(30));
    assert_eq!(bench.get(polled).await.text, r#"{"status":"Succeeded"}"#);
    let gone = bench.get(result).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(manager_error(&bench.get(&hub).await), (404, "ResourceNotFound".to_owned()));
    assert_eq!(bench.ask(Method::DELETE, &hub, &[], Value::Null).await.status, 204);
    assert_eq!(bench.ask(Method::PUT, &hub, &[], described(1)).await.status, 201);
}

#[tokio::test]
async fn as_documented() {
    let config = Config { profile: Profile::Documented, lro_delay: Duration::from_secs(30), ..Config::default() };
    let bench = started(config, Store::none()).with_hub("rg", "hub1").await;
    let hub = format!("{HUBS}/hub1");
    let told = bench.ask(Method::PUT, &hub, &[], described(7)).await;
    assert_eq!((told.status, told.headers.get("azure-asyncoperation")), (200, None));
    assert_eq!(told.json()["properties"]["provisioningState"], "Succeeded");
    assert_eq!(bench.get(&hub).await.json()["sku"]["capacity"], 7);
    let told = bench.ask(Method::DELETE, &hub, &[], Value::Null).await;
    bench.world.clock.advance(Duration::from_secs(30));
    let result = bench.get(told.header("location")).await;
    assert_eq!((result.status, &result.json()["name"]), (200, &json!("hub1")));
    // The client takes both.
    let bench = bench.with_hub("rg", "hub2").await;
    let hubs = bench.client.iot_hubs();
    let description = hubs.get("rg", "hub2").await.unwrap();
    assert!(hubs.create_or_update("rg", "hub2", &description).await.is_ok());
    assert!(hubs.delete("rg", "hub2").await.is_ok());
}

#[tokio::test]
async fn preconditions() {
    let bench = bench();
    let put = async |name: &str, headers: &[(&'static str, &str)]| {
        bench.ask(Method::PUT, &format!("{HUBS}/{name}"), headers, described(1)).await
    };
    let refused = put("hub1", &[("if-match", "*")]).await;
    assert_eq!(provider_error(&refused), (412, "PreconditionFailed".to_owned(), "PreconditionFailed".to_owned()));
    assert_eq!(put("hub1", &[("if-match", "AAAA")]).await.status, 412);
    assert_eq!(put("hub1", &[("if-none-match", "*")]).await.status, 201);
    let etag = bench.get(&format!("{HUBS}/hub1")).await.json()["etag"].as_str().unwrap().to_owned();
    for (headers, status) in [
        ([("if-match", "*")], 201),
        ([("if-match", etag.as_str())], 412),
        ([("if-none-match", "*")], 412),
        ([("if-match", "\"AAAA\"")], 412),
    ] {
        assert_eq!(put("hub1", &headers).await.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn policies_and_their_keys() {
    let bench = bench().with_hub("rg", "hub1").await;
    let hubs = bench.client.iot_hubs();
    let first = hubs.list_keys("rg", "hub1").await.unwrap();
    assert_eq!(first.value.as_ref().unwrap().len(), 2);
    // A later client follows the link with GET, an earlier one with POST.
    let next = first.next_link.as_deref().unwrap();
    let got = bench.get(next).await.json();
    assert_eq!(bench.ask(Method::POST, next, &[("content-length", "0")], Value::Null).await.json(), got);
    assert_eq!(got["value"][0]["keyName"], "device");
    let all = async || items(hubs.list_keys("rg", "hub1").into_stream()).await;
    let policies = all().await;
    let shown: Vec<_> = policies.iter().map(|policy| (policy.key_name.as_str(), policy.rights.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
            ("service", "ServiceConnect"),
            ("device", "DeviceConnect"),
            ("registryRead", "RegistryRead"),
            ("registryReadWrite", "RegistryWrite"),
        ]
    );
    let unknown = bench.ask(Method::POST, &format!("{HUBS}/hub1/IotHubKeys/none/listkeys"), &[], Value::Null).await;
    assert_eq!(provider_error(&unknown), (404, "KeyNotFound".to_owned(), "NotFound".to_owned()));

    // As the command line adds one: with all that there are, and their keys.
    let mut wanted = policies.clone();
    wanted.push(SharedAccessPolicy::new("own", AccessRights::RegistryReadDeviceConnect));
    let mut description = hubs.get("rg", "hub1").await.unwrap().into_body();
    let properties = description.properties.get_or_insert_default();
    properties.authorization_policies = Some(wanted);
    hubs.create_or_update("rg", "hub1", &description).await.unwrap();
    let more = all().await;
    assert_eq!(json!(more[..5]), json!(policies));
    assert_eq!((more[5].key_name.as_str(), more[5].rights.as_str()), ("own", "RegistryRead, DeviceConnect"));
    assert_ne!(more[5].primary_key, more[5].secondary_key);
    // They work: the hub knows them.
    let hub = bench.world.hub("hub1").unwrap();
    assert!(hub.read().policies.iter().any(|policy| policy.name == "own"));

    let put = async |policies: Value| {
        let mut body = described(1);
        body["properties"] = json!({ "authorizationPolicies": policies });
        bench.ask(Method::PUT, &format!("{HUBS}/hub1"), &[], body).await.status
    };
    assert_eq!(put(json!([{ "keyName": "a", "rights": "Everything" }])).await, 400);
    assert_eq!(put(json!([{ "keyName": "a", "primaryKey": "?", "rights": "ServiceConnect" }])).await, 400);
    let twice = json!([{ "keyName": "a", "rights": "ServiceConnect" }, { "keyName": "A", "rights": "ServiceConnect" }]);
    assert_eq!(put(twice).await, 400);
    assert_eq!(all().await.len(), 6);
    assert_eq!(put(json!([{ "keyName": "a", "rights": "ServiceConnect" }])).await, 201);
    assert_eq!(all().await.len(), 1);
}

#[tokio::test]
async fn lists_over_pages() {
    let bench = bench();
    let mut bench = bench;
    for (group, name) in [("rg", "hub-c"), ("RG", "hub-a"), ("other", "hub-b"), ("rg", "Hub-D")] {
        bench = bench.with_hub(group, name).await;
    }
    let hubs = bench.client.iot_hubs();
    let all = items(hubs.list_by_subscription().into_stream()).await;
    assert_eq!(names(&all), ["hub-a", "hub-b", "hub-c", "Hub-D"]);
    assert!(all.iter().all(|hub| hub.properties.as_ref().unwrap().authorization_policies.is_none()));
    let some = items(hubs.list_by_resource_group("rG").into_stream()).await;
    assert_eq!(names(&some), ["hub-a", "hub-c", "Hub-D"]);
    let page = hubs.list_by_resource_group("other").await.unwrap();
    assert_eq!((page.value.as_ref().unwrap().len(), page.next_link.as_deref()), (1, None));
    let none = bench.get(&HUBS.replace("/rg/", "/none/")).await;
    assert_eq!((none.status, none.text.as_str()), (200, r#"{"value":[]}"#));
}

#[tokio::test]
async fn free_and_taken_names() {
    let bench = bench().with_hub("rg", "Hub1").await;
    let check = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/checkNameAvailability");
    let ask = async |body: Value| bench.ask(Method::POST, &check, &[], body).await.json();
    assert_eq!(
        ask(json!({ "Name": "hub2" })).await,
        json!({ "nameAvailable": true, "reason": "Invalid", "message": null })
    );
    let taken = ask(json!({ "name": "HUB1" })).await;
    assert_eq!((&taken["nameAvailable"], &taken["reason"]), (&json!(false), &json!("AlreadyExists")));
    let fifty = "a".repeat(51);
    for name in ["ab", "-ab", "ab-", "123", "a_b", "h\u{fc}b", "", &fifty] {
        let invalid = ask(json!({ "Name": name })).await;
        assert_eq!((&invalid["nameAvailable"], &invalid["reason"]), (&json!(false), &json!("Invalid")), "{name}");
        assert!(invalid["message"].is_string());
        if !name.is_empty() {
            let escaped = name.replace('\u{fc}', "%C3%BC");
            let made = bench.ask(Method::PUT, &format!("{HUBS}/{escaped}"), &[], described(1)).await;
            assert_eq!(provider_error(&made).0, 400, "{name}");
        }
    }
    let other = HUBS.replace("/rg/", "/other/");
    let made = bench.ask(Method::PUT, &format!("{other}/hub1"), &[], described(1)).await;
    assert_eq!(provider_error(&made), (409, "IotHubNameNotAvailable".to_owned(), "Conflict".to_owned()));
    let moved = json!({ "location": "eastus", "sku": { "name": "S1", "capacity": 1 } });
    let moved = bench.ask(Method::PUT, &format!("{HUBS}/hub1"), &[], moved).await;
    assert_eq!(manager_error(&moved), (409, "InvalidResourceLocation".to_owned()));
}

#[tokio::test]
async fn what_the_manager_refuses() {
    let bench = bench().with_hub("rg", "hub1").await;
    for path in ["", "/hub1", "/hub1/IotHubStats", "/hub1/operationResults/x"] {
        let wrong = HUBS.replace("1111-2222", "1111-0000");
        let told = bench.get(&format!("{wrong}{path}")).await;
        assert_eq!(manager_error(&told), (404, "SubscriptionNotFound".to_owned()), "{path}");
    }
    let told = bench.get(&format!("{}/hub1", HUBS.replace("/rg/", "/r%20g/"))).await;
    assert_eq!(manager_error(&told), (404, "ResourceGroupNotFound".to_owned()));
    for path in ["hub2", "hub2/skus", "hub2/jobs", "hub2/eventHubEndpoints/events/ConsumerGroups"] {
        let told = bench.get(&format!("{HUBS}/{path}")).await;
        assert_eq!(manager_error(&told), (404, "ResourceNotFound".to_owned()), "{path}");
    }
    // It is in another group.
    let told = bench.get(&format!("{}/hub1", HUBS.replace("/rg/", "/other/"))).await;
    assert_eq!(manager_error(&told).0, 404);
    assert_eq!(manager_error(&bench.get(&format!("{HUBS}/hub1/nothing")).await), (404, "NotFound".to_owned()));
    let nobody = bench.ask(Method::GET, HUBS, &[("authorization", "Basic x")], Value::Null).await;
    assert_eq!(manager_error(&nobody), (401, "AuthenticationFailed".to_owned()));
    let broken = bench.ask(Method::PUT, &format!("{HUBS}/hub1"), &[], json!({ "location": 1 })).await;
    assert_eq!(manager_error(&broken), (400, "BadRequest".to_owned()));
}

#[tokio::test]
async fn consumer_groups() {
    let bench = bench().with_hub("rg", "hub1").await;
    let hubs = bench.client.iot_hubs();
    for name in ["zeta", "Alpha", "mid"] {
        let made = hubs.create_consumer_group("rg", "hub1", "events", name).await.unwrap();
        assert_eq!(made.name.as_deref(), Some(name));
        assert!(made.id.as_deref().unwrap().ends_with(&format!("/eventHubEndpoints/events/ConsumerGroups/{name}")));
    }
    let again = hubs.create_consumer_group("rg", "hub1", "Events", "ALPHA").await.unwrap();
    assert_eq!(again.name.as_deref(), Some("Alpha"));
    let all = async |endpoint: &str| items(hubs.list_consumer_groups("rg", "hub1", endpoint).into_stream()).await;
    assert_eq!(all("EVENTS").await, ["$Default", "Alpha", "mid", "zeta"]);
    assert_eq!(all("operationsMonitoringEvents").await, ["$Default"]);
    assert_eq!(
        hubs.get_consumer_group("rg", "hub1", "events", "$default").await.unwrap().name.as_deref(),
        Some("$Default")
    );
    hubs.delete_consumer_group("rg", "hub1", "events", "MID").await.unwrap();
    assert_eq!(all("events").await, ["$Default", "Alpha", "zeta"]);
    let path = |name: &str| format!("{HUBS}/hub1/eventHubEndpoints/events/ConsumerGroups/{name}");
    assert_eq!(provider_error(&bench.get(&path("mid")).await).0, 404);
    assert_eq!(bench.ask(Method::DELETE, &path("mid"), &[], Value::Null).await.status, 404);
    assert_eq!(bench.ask(Method::DELETE, &path("$Default"), &[], Value::Null).await.status, 400);
    assert_eq!(bench.ask(Method::PUT, &path("a%20b"), &[], Value::Null).await.status, 400);
    let told = bench.ask(Method::DELETE, &path("zeta"), &[], Value::Null).await;
    assert_eq!((told.status, told.text.as_str()), (200, ""));
    assert_eq!(bench.get(&format!("{HUBS}/hub1/eventHubEndpoints/others/ConsumerGroups")).await.status, 404);
    for number in 0..19 {
        assert_eq!(bench.ask(Method::PUT, &path(&format!("g{number}")), &[], Value::Null).await.status, 200);
    }
    assert_eq!(bench.ask(Method::PUT, &path("more"), &[], Value::Null).await.status, 403);
}

#[tokio::test]
async fn sizes_and_quotas() {
    let bench = bench().with_hub("rg", "hub1").await;
    let hubs = bench.client.iot_hubs();
    let skus = items(hubs.list_skus("rg", "hub1").into_stream()).await;
    assert_eq!(skus[0].resource_type.as_deref(), Some("Microsoft.Devices/IotHubs"));
    assert_eq!(json!(skus[0].capacity)["scaleType"], "Manual");
    let skus: Vec<_> = skus.iter().map(|sku| (sku.sku.name.to_string(), sku.capacity.maximum.unwrap())).collect();
    assert_eq!(skus, [("S1".to_owned(), 200), ("S2".to_owned(), 200), ("S3".to_owned(), 10)]);
    let told = bench.get(&format!("{HUBS}/hub1/quotaMetrics")).await;
    let metrics = json!({ "value": [
        { "Name": "TotalMessages", "CurrentValue": 0, "MaxValue": 400_000 },
        { "Name": "TotalDeviceCount", "CurrentValue": 0, "MaxValue": 500_000 },
    ] });
    assert_eq!(told.json(), metrics);
    let told = bench.get(&format!("{HUBS}/hub1/IotHubStats")).await;
    let statistics = json!({ "totalDeviceCount": 0, "enabledDeviceCount": 0, "disabledDeviceCount": 0 });
    assert_eq!(told.json(), statistics);
    for (name, units, status) in [("S3", 10, 201), ("S3", 11, 400), ("F1", 2, 400), ("S1", 0, 400), ("B1", 1, 400)] {
        let body = json!({ "location": "westus", "sku": { "name": name, "capacity": units } });
        let told = bench.ask(Method::PUT, &format!("{HUBS}/hub1"), &[], body).await;
        assert_eq!(told.status, status, "{name} {units}");
    }
}

#[tokio::test]
async fn properties_pass_through() {
    let bench = bench();
    let endpoint =
        |partitions| EventHubProperties::new().with_partition_count(partitions).with_retention_time_in_days(3);
    let properties = IotHubProperties::new()
        .with_comments("mine")
        .with_event_hub_endpoints([("events".to_owned(), endpoint(4))].into());
    let hubs = bench.client.iot_hubs();
    let mut made =
        hubs.create_or_update("rg", "hub1", &description().with_properties(properties)).await.unwrap().into_body();
    let properties = made.properties.as_mut().unwrap();
    assert_eq!(properties.comments.as_deref(), Some("mine"));
    let events = &properties.event_hub_endpoints.as_ref().unwrap()["events"];
    assert_eq!((events.retention_time_in_days, events.partition_ids.as_ref().unwrap().len()), (Some(3), 4));
    let queue = properties.cloud_to_device.as_ref().unwrap();
    assert_eq!(
        (queue.max_delivery_count, queue.default_ttl.as_ref().unwrap().to_string()),
        (Some(10), "PT1H".to_owned())
    );
    // What nobody knows stays.
    properties.additional_properties.insert("minTlsVersion".to_owned(), "1.2".into());
    made.additional_properties.insert("identity".to_owned(), json!({ "type": "None" }));
    let mut kept = hubs.create_or_update("rg", "hub1", &made).await.unwrap().into_body();
    assert_eq!(kept.properties.as_ref().unwrap().additional_properties["minTlsVersion"], "1.2");
    assert_eq!(kept.additional_properties["identity"]["type"], "None");
    // Without properties they stay as they are; with some, the partitions do.
    kept.properties = None;
    let kept = hubs.create_or_update("rg", "hub1", &kept).await.unwrap();
    assert_eq!(kept.properties.as_ref().unwrap().comments.as_deref(), Some("mine"));
    let fewer = description().with_properties(IotHubProperties::new().with_comments("less"));
    let fewer = hubs.create_or_update("rg", "hub1", &fewer).await.unwrap();
    assert_eq!(
        fewer.properties.as_ref().unwrap().event_hub_endpoints.as_ref().unwrap()["events"].partition_count,
        Some(4)
    );
    for endpoints in [[("events".to_owned(), endpoint(8))], [("other".to_owned(), endpoint(2))]] {
        let wanted = description().with_properties(IotHubProperties::new().with_event_hub_endpoints(endpoints.into()));
        let error = hubs.create_or_update("rg", "hub1", &wanted).await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    }
}

#[tokio::test]
async fn a_second_hub_by_its_own_host_name() {
    let bench = bench();
    bench.world.add(Arc::new(Hub::new(
        "main",
        "main.example",
        bench.world.clock.clone(),
        bench.world.store.clone(),
        HubState::default(),
    )));
    let bench = bench.with_hub("rg", "Hub2").await;
    let host = |host: &str| bench.world.hub_at(host).map(|hub| hub.name.clone());
    assert_eq!(host("hub2.azure-devices.net").as_deref(), Some("Hub2"));
    assert_eq!(host("HUB2.localhost:8080").as_deref(), Some("Hub2"));
    for other in ["127.0.0.1:8080", "localhost", "iothub:443", ""] {
        assert_eq!(host(other).as_deref(), Some("main"), "{other}");
    }
    // The first one is a resource as well.
    let path = format!("{}/main", HUBS.replace("/rg/", "/emulator/"));
    assert_eq!(bench.get(&path).await.json()["properties"]["hostName"], "main.example");
    // Whoever still has the hub changes nothing that lasts.
    let old = bench.world.hub("hub2").unwrap();
    bench.client.iot_hubs().delete("rg", "hub2").await.unwrap();
    // Another hub is not what somebody means who asks for one that is gone.
    assert_eq!([host("hub2.azure-devices.net"), host("hub2.localhost:8080")], [None, None]);
    assert!(old.read().is_gone);
}

#[tokio::test]
async fn what_is_kept() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-resource-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let load = |records: Vec<(String, Vec<u8>)>| {
        let mut loaded = Vec::new();
        for (key, bytes) in records.into_iter().filter(|(key, _)| key.starts_with("hub/")) {
            let mut state = HubState::default();
            let (name, host) = resource::load(&mut state, &bytes).unwrap();
            loaded.push((key, name, host, state));
        }
        loaded
    };
    let (store, records) = Store::open(&folder).unwrap();
    assert!(records.is_empty());
    let bench = started(Config::default(), store).with_hub("rg", "Hub1").await.with_hub("rg", "hub10").await;
    bench.client.iot_hubs().create_consumer_group("rg", "hub1", "events", "readers").await.unwrap();
    let own = bench.world.hub("hub1").unwrap();
    let (resource, policies) = {
        let state = own.read();
        (state.resource.clone(), state.policies.clone())
    };
    drop((bench, own));

    let (store, records) = reopened(&folder);
    let mut loaded = load(records);
    assert_eq!(loaded.len(), 2);
    let (key, name, host, state) = loaded.remove(0);
    assert_eq!((key.as_str(), name.as_str(), host.as_str()), ("hub/hub1/resource/", "Hub1", "hub1.azure-devices.net"));
    assert_eq!(state.resource.etag(), resource.etag());
    assert_eq!(state.resource.consumer_groups, resource.consumer_groups);
    assert_eq!(json!(state.policies), json!(policies));
    assert_eq!(state.policies[0].texts, policies[0].texts);

    // Deleting it removes its records, and nobody else's.
    let bench = started(Config::default(), store);
    let hub = Arc::new(Hub::new(name, host, bench.world.clock.clone(), bench.world.store.clone(), state));
    bench.world.add(hub.clone());
    bench.client.iot_hubs().delete("rg", "hub1").await.unwrap();
    consumer_groups::create(&hub, "events", "late".to_owned()).await.unwrap();
    drop((bench, hub));
    let (_, records) = reopened(&folder);
    let keys: Vec<_> = records.into_iter().map(|(key, _)| key).filter(|key| key.starts_with("hub/")).collect();
    assert_eq!(keys, ["hub/hub10/resource/"]);
    _ = std::fs::remove_dir_all(&folder);
}

/// The store, as soon as its thread has let go of the file.
fn reopened(folder: &std::path::Path) -> (Store, Vec<(String, Vec<u8>)>) {
    for _ in 0..1_000 {
        if let Ok(opened) = Store::open(folder) {
            return opened;
        }
        // To close it may take some time of the disk.
        std::thread::sleep(Duration::from_millis(2));
    }
    Store::open(folder).unwrap()
}
