//! Steps, taken by the emulator and by the model.

mod jobs;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use iothub::device::Client as DeviceClient;
use iothub::hub::Client;
use iothub::hub::models::{
    AuthenticationMechanism, Device, DeviceStatus, DirectMethod, ExportImportDevice, ImportMode, SymmetricKey, Twin,
    TwinProperties, X509Thumbprint,
};
use iothub::management;
use iothub::management::models::{CloudToDeviceProperties, FeedbackProperties, IotHubProperties};
use iothub::runtime::Retry;
use iothub::runtime::credential::{SasCredential, SasKey};
use iothub::{Error, Response};
use iothub_emulator::{Ack, Emulator, Message, MethodAnswer, Profile};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Expected, Model, payload};
use super::step::{Condition, IDS, Identity, Item, Key, Parts, Proof, Search, Settlement, Step};
use super::{feedback, queue};
use crate::support::{Folder, send};

/// Where feedback is received.
const FEEDBACK: &str = "/messages/servicebound/feedback";
/// The version of the interface that is asked for by hand.
const VERSION: &str = "api-version=2018-06-30";

/// How a step of the emulator's ended.
#[derive(Debug)]
struct Outcome {
    status: u16,
    code: Option<String>,
    etag: Option<String>,
    body: Value,
}

impl Outcome {
    fn of<T: Serialize>(outcome: Result<Response<T>, Error>) -> Outcome {
        match outcome {
            Ok(answer) => Outcome {
                status: answer.status().as_u16(),
                code: None,
                etag: answer.header("etag").map(str::to_owned),
                body: serde_json::to_value(answer.body()).unwrap(),
            },
            Err(error) => Outcome {
                status: error.status().unwrap_or_else(|| panic!("no answer: {error:?}")).as_u16(),
                code: error.code().map(str::to_owned),
                etag: None,
                body: error.body_json().unwrap_or_default(),
            },
        }
    }
}

/// An emulator over a store, and the model.
pub(crate) struct Machine {
    folder: Folder,
    emulator: Emulator,
    hub: Client,
    model: Model,
    /// How many containers have been made, so as to wait for what is written.
    markers: usize,
}

async fn start(folder: &Folder, documented: bool) -> (Emulator, Client) {
    let profile = if documented { Profile::Documented } else { Profile::Service };
    let builder = Emulator::builder().in_process().profile(profile).page_size(3).data_dir(folder.join("data"));
    let emulator = builder.start().await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap().with_retry(Retry::none()));
    (emulator, hub)
}

/// Messages and feedback are delivered less often than usual, so that it comes to that.
async fn set_up(emulator: &Emulator) {
    let arm = management::Client::with_pipeline(emulator.arm_pipeline().unwrap(), emulator.subscription());
    let mut hub = arm.iot_hubs().get("emulator", "emulator").await.unwrap().into_body();
    let most = |count: u32| Some(i32::try_from(count).unwrap());
    let (mut messages, mut told) = (CloudToDeviceProperties::new(), FeedbackProperties::new());
    (messages.max_delivery_count, told.max_delivery_count) = (most(queue::DELIVERIES), most(feedback::DELIVERIES));
    messages.feedback = Some(told);
    hub.properties.get_or_insert_with(IotHubProperties::new).cloud_to_device = Some(messages);
    drop(arm.iot_hubs().create_or_update("emulator", "emulator", &hub).start().await.unwrap());
}

impl Machine {
    pub(crate) async fn start(documented: bool) -> Machine {
        let folder = Folder::in_memory();
        let (emulator, hub) = start(&folder, documented).await;
        set_up(&emulator).await;
        let model = Model::new(documented);
        Machine { folder, emulator, hub, model, markers: 0 }
    }

    pub(crate) async fn stop(self) {
        self.emulator.stop().await;
    }

    async fn restart(mut self) -> Machine {
        self.emulator.stop().await;
        (self.emulator, self.hub) = start(&self.folder, self.model.is_documented()).await;
        self.model.restart();
        self.settle_jobs().await;
        self
    }

    pub(crate) async fn take(self, step: &Step) -> Machine {
        match step {
            Step::Restart => self.restart().await,
            step => {
                let mut machine = self;
                machine.change(step).await;
                machine
            }
        }
    }

    async fn change(&mut self, step: &Step) {
        let (expected, outcome) = match step {
            Step::Put { id, condition, identity } => {
                let [tag, _] = self.model.tags(id, *condition);
                let expected = self.model.put(id, *condition, identity);
                let device = device(id, identity);
                let mut call = self.hub.devices().put(id, &device);
                if let Some(tag) = &tag {
                    call = call.if_match(&**tag);
                }
                if *condition == Condition::Absent {
                    call = call.if_none_match("*");
                }
                (expected, Outcome::of(call.await))
            }
            Step::Get { id } => (self.model.get(id), Outcome::of(self.hub.devices().get(id).await)),
            Step::Delete { id, condition } => {
                let [tag, _] = self.model.tags(id, *condition);
                let expected = self.model.delete(id, *condition);
                let mut call = self.hub.devices().delete(id);
                if let Some(tag) = &tag {
                    call = call.if_match(&**tag);
                }
                (expected, Outcome::of(call.await))
            }
            Step::List { top } => return self.list(*top).await,
            Step::Bulk(items) => {
                let devices: Vec<_> = items.iter().map(|item| self.item(item)).collect();
                (self.model.bulk(items), Outcome::of(self.hub.devices().bulk(&devices).await))
            }
            Step::GetTwin { id } => (self.model.get_twin(id), Outcome::of(self.hub.twins().get(id).await)),
            Step::Patch { id, condition, parts } => {
                let [_, tag] = self.model.tags(id, *condition);
                let expected = self.model.change_twin(id, *condition, parts, false);
                let twin = twin(parts);
                let mut call = self.hub.twins().update(id, &twin);
                if let Some(tag) = &tag {
                    call = call.if_match(&**tag);
                }
                (expected, Outcome::of(call.await))
            }
            Step::Replace { id, condition, parts } => {
                let [_, tag] = self.model.tags(id, *condition);
                let expected = self.model.change_twin(id, *condition, parts, true);
                (expected, self.replace(id, tag, &twin(parts)).await)
            }
            Step::Query { search, page } => return self.query(search, *page).await,
            Step::Listen { id, method } => {
                let hangs = *method == "hang";
                let done = self.emulator.on_method(id, method, move |call| async move {
                    if hangs {
                        std::future::pending::<()>().await;
                    }
                    MethodAnswer::new(200, call.payload)
                });
                let refused = done.err().map(|error| error.status().as_u16());
                return assert_eq!(refused, self.model.listen(id, method));
            }
            Step::Forget { id, method } => {
                let refused = self.emulator.forget_method(id, method).err().map(|error| error.status().as_u16());
                return assert_eq!(refused, self.model.forget(id, method));
            }
            Step::Call { id, method } => {
                let payload = payload();
                let call = DirectMethod::new(*method).with_payload(payload.clone());
                let outcome = Outcome::of(self.hub.twins().invoke_method(id, &call).await);
                (self.model.call(id, method, &payload), outcome)
            }
            Step::Send { id, body, lives, message, ack } => {
                return self.send(id, body, *lives, *message, *ack).await;
            }
            Step::Receive { id, lock } => match self.receive(id, *lock).await {
                Some(ended) => ended,
                None => return,
            },
            Step::Settle { id, back, how } => {
                let token = self.model.token(id, *back);
                let expected = self.model.settle(id, &token, *how);
                let device = self.device(id, Key::Hub);
                let outcome = match how {
                    Settlement::Complete => device.messages().complete(&token).await,
                    Settlement::Reject => device.messages().complete(&token).reject().await,
                    Settlement::Abandon => device.messages().abandon(&token).await,
                };
                (expected, Outcome::of(outcome))
            }
            Step::ReceiveFeedback => return self.receive_feedback().await,
            Step::SettleFeedback { back, completes } => {
                let token = self.model.feedback.token(*back);
                let (method, rest) = if *completes { ("DELETE", "") } else { ("POST", "/abandon") };
                let outcome = self.by_hand(method, &format!("{FEEDBACK}/{token}{rest}"), &[], String::new()).await;
                (self.model.settle_feedback(&token, *completes), outcome)
            }
            Step::Purge { id } => (self.model.purge(id), Outcome::of(self.hub.devices().purge_commands(id).await)),
            Step::BeginUpload { id, name, times } => {
                for _ in 0..*times {
                    self.begin_upload(id, name).await;
                }
                return;
            }
            Step::PutFile { back, body } => return self.put_file(*back, body).await,
            Step::GetFile { back } => return self.get_file(*back).await,
            Step::EndUpload { id, back, is_success } => return self.end_upload(id, *back, *is_success).await,
            Step::Tell { id, body, key } => {
                let outcome = self.device(id, *key).messages().send(*body).await;
                (self.model.tell(id, body, *key), Outcome::of(outcome))
            }
            Step::Schedule { id, task, search, later, lasts } => {
                return self.schedule(id, task, search.as_ref(), *later, *lasts).await;
            }
            Step::GetJob { id } => (self.model.get_job(id), Outcome::of(self.hub.jobs().get(id).await)),
            Step::Cancel { id } => return self.cancel(id).await,
            Step::ListJobs { kind, status, page } => return self.list_jobs(*kind, *status, *page).await,
            Step::Wait { seconds } => return self.wait(*seconds).await,
            Step::Restart => return,
        };
        self.check(expected, &outcome);
    }

    /// Lets time pass. What happens to a job by itself has its time, since it matters to what comes after it.
    async fn wait(&mut self, seconds: u64) {
        let end = self.model.now() + seconds;
        while self.model.now() < end {
            let next = self.model.next_of_jobs().map_or(end, |next| next.min(end)) - self.model.now();
            self.model.wait(next);
            self.emulator.advance(Duration::from_secs(next));
            self.settle_jobs().await;
        }
    }

    fn check(&mut self, expected: Expected, outcome: &Outcome) {
        let Outcome { status, code, etag, body } = outcome;
        match expected {
            Expected::Refused(expected, error) => {
                assert_eq!((*status, code.as_deref()), (expected, Some(error)), "{body}");
            }
            Expected::Done(expected) => assert_eq!((*status, body), (expected, &Value::Null)),
            Expected::Identity(expected, id) => {
                assert_eq!(*status, expected, "{body}");
                self.model.check_identity(id, body);
                assert_eq!(*etag, body["etag"].as_str().map(|tag| format!("\"{tag}\"")));
            }
            Expected::Twin(id) => {
                assert_eq!(*status, 200, "{body}");
                self.model.check_twin(id, body);
            }
            Expected::Answer(expected) => assert_eq!((*status, body), (200, &expected)),
            Expected::Job(expected) => assert_eq!((*status, jobs::shown(body)), (200, expected)),
            Expected::Failed(failed) => {
                assert_eq!((*status, code.as_deref()), (400, Some("BulkRegistryOperationFailure")), "{body}");
                let errors = body["errors"].as_array().unwrap();
                let errors: Vec<_> = errors.iter().map(|error| [&error["deviceId"], &error["errorCode"]]).collect();
                let failed: Vec<_> = failed.iter().map(|(id, code)| [json!(id), json!(code)]).collect();
                assert_eq!((json!(errors), &body["isSuccessful"]), (json!(failed), &json!(false)));
            }
        }
    }

    fn item(&self, item: &Item) -> ExportImportDevice {
        let mut device = ExportImportDevice::new(item.id);
        let identity = device_of(&item.identity);
        (device.status, device.status_reason, device.authentication) = identity;
        device.import_mode = item.mode.map(ImportMode::from);
        [device.etag, _] = self.model.tags(item.id, item.tag);
        device.tags.clone_from(&item.parts.tags);
        device.properties = properties(&item.parts);
        device
    }

    /// There is no such method in the client.
    async fn replace(&self, id: &str, tag: Option<String>, twin: &Twin) -> Outcome {
        let id: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/twins/{id}");
        let headers: Vec<_> = tag.iter().map(|tag| ("if-match", &**tag)).collect();
        self.by_hand("PUT", &path, &headers, serde_json::to_string(twin).unwrap()).await
    }

    async fn by_hand(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Outcome {
        let answer = send(&self.emulator, (method, &format!("{path}?{VERSION}")), headers, body).await;
        let etag = answer.header("etag").map(str::to_owned);
        let body = if answer.text.is_empty() { Value::Null } else { answer.json() };
        Outcome { status: answer.status, code: answer.code(), etag, body }
    }

    /// A client of a device.
    fn device(&self, id: &str, key: Key) -> DeviceClient {
        let pipeline = self.hub.pipeline().clone();
        if key == Key::Hub {
            return DeviceClient::with_pipeline(pipeline, id);
        }
        let signs = SasKey::from_base64(&self.model.key(id, key)).unwrap();
        let credential = SasCredential::for_device(self.emulator.host_name(), id, signs);
        DeviceClient::with_pipeline(pipeline.with_credential(Arc::new(credential)), id)
    }

    async fn send(&mut self, id: &str, body: &'static str, lives: Option<u64>, name: Option<&'static str>, ack: Ack) {
        let mut message = Message::new(body).ack(ack);
        if let Some(lives) = lives {
            message = message.expiry(self.emulator.clock().now() + Duration::from_secs(lives));
        }
        if let Some(name) = name {
            message = message.id(name).property("p", "v");
        }
        match (self.emulator.send(id, message).await, self.model.send(id, body, lives, name, ack)) {
            (Ok(number), expected) => assert_eq!(Some(number), expected),
            (Err(error), expected) => assert_eq!((error.status().as_u16(), expected), (404, None)),
        }
    }

    /// How a receipt ended without a message.
    async fn receive(&mut self, id: &str, lock: Option<i32>) -> Option<(Expected, Outcome)> {
        let device = self.device(id, Key::Hub);
        let mut call = device.messages().receive();
        if let Some(lock) = lock {
            call = call.lock_timeout_seconds(lock);
        }
        let answer = call.await;
        let message = match self.model.receive(id, lock) {
            Ok(Some(message)) => message,
            Ok(None) => {
                let answer = answer.unwrap();
                assert_eq!((answer.status().as_u16(), answer.body()), (204, &None));
                return None;
            }
            Err(refused) => return Some((refused, Outcome::of(answer.map(|answer| answer.map(|_| ()))))),
        };
        let answer = answer.unwrap();
        let header = |name| answer.header(name).unwrap_or_else(|| panic!("{name}: {answer:?}"));
        let seen = ["iothub-sequencenumber", "iothub-deliverycount", "iothub-messageid", "iothub-ack"].map(header);
        let (number, before) = (message.number.to_string(), (message.deliveries - 1).to_string());
        let expected = [&*number, &*before, message.id.unwrap_or_default(), message.ack.as_str()];
        assert_eq!((answer.status().as_u16(), seen), (200, expected));
        assert_eq!(answer.header("iothub-app-p"), message.id.map(|_| "v"));
        assert_eq!(answer.body().as_deref(), Some(message.body.as_bytes()));
        let token = header("etag").trim_matches('"').to_owned();
        if let Some((own, _)) = &mut message.lock {
            own.clone_from(&token);
        }
        self.model.received(id, token);
        None
    }

    async fn receive_feedback(&mut self) {
        let Outcome { status, etag, mut body, .. } = self.by_hand("GET", FEEDBACK, &[], String::new()).await;
        let expected = self.model.receive_feedback();
        if expected.is_empty() {
            return assert_eq!((status, body), (204, Value::Null));
        }
        for told in body.as_array_mut().into_iter().flatten() {
            let time = told.as_object_mut().unwrap().remove("enqueuedTimeUtc");
            assert!(time.is_some_and(|time| time.as_str().is_some_and(|time| time.ends_with('Z'))));
        }
        assert_eq!((status, body), (200, Value::Array(expected)));
        self.model.feedback.received(etag.unwrap().trim_matches('"').to_owned());
    }

    async fn list(&mut self, top: i32) {
        let listed = self.hub.devices().list().top(top).await.unwrap().into_body();
        let mut ids: Vec<_> = listed.iter().map(|device| device.device_id.clone()).collect();
        let most = if (1..=1_000).contains(&top) { top as usize } else { 1_000 };
        assert_eq!(ids.len(), self.model.ids().len().min(most));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), listed.len());
        for device in listed {
            self.model.check_identity(&device.device_id, &serde_json::to_value(&device).unwrap());
        }
    }

    async fn query(&mut self, search: &Search, page: i32) {
        let condition = search.condition().map(|condition| format!(" WHERE {condition}"));
        let text = format!("SELECT * FROM devices{}", condition.unwrap_or_default());
        let mut found = Vec::new();
        let mut pages = self.hub.devices().query(&text).page_size(page).into_pages();
        while let Some(page) = pages.try_next().await.unwrap() {
            found.extend(page.into_items());
        }
        let mut ids: Vec<_> = found.iter().map(|twin| twin["deviceId"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, self.model.found(search), "{text}");
        for twin in &found {
            self.model.check_twin(twin["deviceId"].as_str().unwrap(), twin);
        }
    }

    /// All that can be seen without a change.
    pub(crate) async fn compare(&mut self) {
        self.list(1_000).await;
        self.query(&Search::All, 1_000).await;
        let [all, enabled, connected] = self.model.counts().map(|count| i64::try_from(count).unwrap());
        let counts = self.hub.devices().statistics().await.unwrap().into_body();
        let seen = [counts.total_device_count, counts.enabled_device_count, counts.disabled_device_count];
        assert_eq!(seen, [all, enabled, all - enabled]);
        let counts = self.hub.devices().service_statistics().await.unwrap().into_body();
        assert_eq!(counts.connected_device_count, connected);
        for id in IDS {
            let queued: Vec<_> = self.emulator.queued(id).into_iter().map(|message| message.body).collect();
            assert_eq!(queued, self.model.queued(id), "what waits for {id}");
        }
        let events = self.emulator.events();
        let events: Vec<_> = events.iter().map(|event| (&*event.device_id, &event.body[..])).collect();
        let expected = self.model.events().iter().map(|(id, body)| (*id, body.as_bytes()));
        assert_eq!(events, expected.collect::<Vec<_>>());
        self.compare_jobs().await;
    }
}

type Fields = (Option<DeviceStatus>, Option<String>, Option<AuthenticationMechanism>);

fn device_of(identity: &Identity) -> Fields {
    let status = identity.enabled.map(|enabled| if enabled { DeviceStatus::Enabled } else { DeviceStatus::Disabled });
    let keys = |keys: SymmetricKey| Some(AuthenticationMechanism::new().with_symmetric_key(keys));
    let authentication = match identity.proof {
        Proof::Unsaid => None,
        Proof::NewKeys => keys(SymmetricKey::new().with_primary_key("").with_secondary_key("")),
        Proof::Keys(one, two) => keys(SymmetricKey::new().with_primary_key(one).with_secondary_key(two)),
        Proof::OneKey => keys(SymmetricKey::new().with_primary_key("bWFkZSB1cCwgYWxvbmUuLi4=")),
        Proof::Thumbprint(text) => {
            let thumbprint = X509Thumbprint::new().with_primary_thumbprint(text);
            Some(AuthenticationMechanism::new().with_x509_thumbprint(thumbprint))
        }
    };
    (status, identity.reason.map(str::to_owned), authentication)
}

fn device(id: &str, identity: &Identity) -> Device {
    let mut device = Device::new(id);
    (device.status, device.status_reason, device.authentication) = device_of(identity);
    device
}

fn twin(parts: &Parts) -> Twin {
    let mut twin = Twin::new();
    twin.tags.clone_from(&parts.tags);
    twin.properties = properties(parts);
    twin
}

fn properties(Parts { desired, reported, .. }: &Parts) -> Option<TwinProperties> {
    let mut properties = TwinProperties::new();
    properties.desired.clone_from(desired);
    properties.reported.clone_from(reported);
    (desired.is_some() || reported.is_some()).then_some(properties)
}
