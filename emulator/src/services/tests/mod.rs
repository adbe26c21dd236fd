//! The services over HTTP, by the generated client and by hand, without a socket.

mod access;
mod bulk;
mod etags;
mod identities;
mod jobs;
mod messages;
mod methods;
mod queries;
mod transfers;
mod twins;
mod uploads;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode};
use iothub::hub::Client;
use iothub::runtime::credential::{Rights, SasCredential, SasKey};
use iothub::runtime::server::Router;
use iothub::runtime::time::UnixTime;
use iothub::runtime::transport::InProcess;
use iothub::runtime::{Body, Clock, Endpoint, Pipeline, Retry};
use serde_json::Value;
use tower_service::Service;

use crate::clock::HubClock;
use crate::config::Config;
use crate::profile::Profile;
use crate::state::{Hub, HubState, Policy, World};
use crate::store::Store;

const HOST: &str = "h.azure-devices.net";
const VERSION: &str = "api-version=2016-11-14";

/// An emulator with one hub, `h`.
struct Emulator {
    world: Arc<World>,
    router: Router,
}

/// A key that everybody knows: of a policy, or of nothing else.
fn key(of: &str) -> SasKey {
    SasKey::from_bytes(format!("made-up key of {of}").as_bytes()).unwrap()
}

fn policy(name: &str, rights: &str) -> Policy {
    let texts = [name.to_owned(), format!("{name}, the second")];
    let texts = texts.map(|of| STANDARD.encode(format!("made-up key of {of}")).into());
    Policy::new(name, texts, rights.parse::<Rights>().unwrap()).unwrap()
}

impl Emulator {
    fn start(profile: Profile) -> Emulator {
        Emulator::configured(Config { profile, ..Config::default() })
    }

    fn configured(config: Config) -> Emulator {
        let world = World::new(HubClock::new(), Store::none(), "h").with_config(config);
        for name in ["h", "h2"] {
            let policies = vec![
                policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
                policy("service", "ServiceConnect"),
                policy("device", "DeviceConnect"),
                policy("registryRead", "RegistryRead"),
                policy("registryReadWrite", "RegistryWrite"),
            ];
            let state = HubState { policies, ..HubState::default() };
            let host = format!("{name}.azure-devices.net");
            world.add(Arc::new(Hub::new(name, host, world.clock.clone(), world.store.clone(), state)));
        }
        let world = Arc::new(world);
        Emulator { router: super::router(&world), world }
    }

    /// A client with the key of a policy.
    fn client(&self, policy: &str) -> Client {
        self.signed(HOST, SasCredential::for_hub(HOST, policy, key(policy)))
    }

    fn owner(&self) -> Client {
        self.client("iothubowner")
    }

    fn signed(&self, endpoint: &str, credential: SasCredential) -> Client {
        let transport = Arc::new(InProcess::new(self.router.clone()));
        let pipeline = Pipeline::new(Endpoint::new(endpoint).unwrap(), transport)
            .with_retry(Retry::none())
            .with_clock(Arc::new(self.world.clock.clone()))
            .with_credential(Arc::new(credential));
        Client::with_pipeline(pipeline)
    }

    fn token(&self, resource: &str, policy: Option<&str>, key: &SasKey) -> String {
        let expiry =
            UnixTime::new(self.world.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64 + 60);
        key.token(resource, policy, expiry).unwrap().expose().to_owned()
    }

    /// A request by hand, with the token of an owner unless there is one in the headers.
    async fn send(&self, method: Method, target: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        let has = |name| headers.iter().any(|(given, _)| *given == name);
        if !has("host") {
            request = request.header("host", HOST);
        }
        if !has("authorization") {
            request = request.header("authorization", self.token(HOST, Some("iothubowner"), &key("iothubowner")));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json; charset=utf-8");
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let body = body.map_or(Body::Empty, |body| body.to_string().into());
        let (head, body) = self.router.clone().call(request.body(body).unwrap()).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect(1 << 24).await.unwrap().to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of an error, which stands in two places.
    #[track_caller]
    fn code(&self) -> String {
        let body = self.json();
        let message = body["Message"].as_str().unwrap().to_owned();
        let (code, text) = message.split_once(';').unwrap();
        assert!(!text.is_empty() && !text.contains(';'), "{message}");
        let code = code.strip_prefix("ErrorCode:").unwrap();
        assert_eq!(self.header("iothub-errorcode"), Some(code));
        assert!(body["ExceptionMessage"].as_str().unwrap().starts_with("Tracking ID:"), "{body}");
        code.to_owned()
    }
}
