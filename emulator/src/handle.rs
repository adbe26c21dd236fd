//! A hub from inside.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::StatusCode;
use iothub::runtime::credential::ConnectionString;
use iothub::runtime::server::ServiceError;
use iothub::runtime::transport::Transport;
use iothub::{Error, Pipeline};

use crate::app::App;
use crate::faults::{Fault, Gate};
use crate::outside::{Event, Message, MethodAnswer, MethodCall};
use crate::setup::OWNER;
use crate::state::{Credentials, Hub, World};
use crate::transport::Direct;

/// Where the emulator is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) socket: Option<SocketAddr>,
    pub(crate) is_tls: bool,
}

impl Address {
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// Host and port for a client on this machine.
    fn authority(&self) -> String {
        let Some(mut socket) = self.socket else { return "localhost".to_owned() };
        match socket.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => socket.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => socket.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        socket.to_string()
    }

    /// A connection string of a hub here, or of the one with this host name.
    fn connection_string(&self, host: Option<&str>, proof: &str) -> String {
        let authority = self.authority();
        let place = match host {
            None => format!("HostName={authority}"),
            Some(host) => format!("HostName={host};GatewayHostName={authority}"),
        };
        let emulator = if self.is_tls { "" } else { ";UseDevelopmentEmulator=true" };
        format!("{place};{proof}{emulator}")
    }
}

/// A hub from inside: what its devices sent, what waits for them, and how they answer.
#[derive(Clone)]
pub struct HubHandle {
    world: Arc<World>,
    app: App,
    name: String,
    address: Address,
    /// The policy of its connection string.
    policy: String,
    is_main: bool,
}

impl HubHandle {
    pub(crate) fn main(world: Arc<World>, app: App, address: Address, policy: String) -> HubHandle {
        let name = world.main().map(|hub| hub.name.clone()).unwrap_or_default();
        HubHandle { world, app, name, address, policy, is_main: true }
    }

    pub(crate) fn sibling(&self, name: &str) -> Option<HubHandle> {
        let hub = self.world.hub(name)?;
        let main = self.world.main();
        let is_main = main.is_some_and(|main| Arc::ptr_eq(&main, &hub));
        let policy = if is_main { self.policy.clone() } else { OWNER.to_owned() };
        Some(HubHandle { name: hub.name.clone(), policy, is_main, ..self.clone() })
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    fn hub(&self) -> Result<Arc<Hub>, ServiceError> {
        self.world.hub(&self.name).ok_or_else(|| crate::errors::hub_not_found(&self.name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection string with which `iothub` and others are connected to the hub, and may do everything there. Without TLS it has
    /// `UseDevelopmentEmulator=true`, which `iothub` knows; others have no use for it.
    ///
    /// Where the hub has been deleted, or lacks the policy, there is no key in it.
    pub fn connection_string(&self) -> String {
        let (policy, hub) = (&self.policy, self.hub().ok());
        let key = hub.as_ref().and_then(|hub| {
            let state = hub.read();
            let found = state.policies.iter().find(|known| known.name.eq_ignore_ascii_case(policy));
            found.map(|found| found.texts[0].clone())
        });
        let key = key.unwrap_or_default();
        self.located(hub.as_deref(), &format!("SharedAccessKeyName={policy};SharedAccessKey={}", key.expose()))
    }

    /// A device's connection string, if there is such a device.
    pub fn device_connection_string(&self, id: &str) -> Option<String> {
        let hub = self.hub().ok()?;
        let device = hub.read().devices.get(id)?.clone();
        let proof = match &device.credentials {
            Credentials::Keys([primary, _]) => format!("SharedAccessKey={primary}"),
            Credentials::Thumbprints(_) | Credentials::Authority => "x509=true".to_owned(),
        };
        Some(self.located(Some(&hub), &format!("DeviceId={id};{proof}")))
    }

    /// What a client of the hub in this process goes through: without a socket, with the emulator's time, and with the rights of the
    /// [connection string](Self::connection_string).
    ///
    /// # Errors
    ///
    /// Where the hub has been deleted.
    pub fn pipeline(&self) -> Result<Pipeline, Error> {
        Ok(ConnectionString::of_hub(&self.connection_string())?.pipeline(self.transport()))
    }

    /// The same for a client of a device.
    ///
    /// # Errors
    ///
    /// Where there is no such device.
    pub fn device_pipeline(&self, id: &str) -> Result<Pipeline, Error> {
        let text = self.device_connection_string(id);
        let text = text.ok_or_else(|| Error::build(format!("there is no device {id} in the hub")))?;
        Ok(ConnectionString::of_device(&text)?.pipeline(self.transport()))
    }

    /// A transport for clients in this process. They have the emulator's time.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(Direct::new(self.app.clone(), self.world.clock.clone()))
    }

    fn located(&self, hub: Option<&Hub>, proof: &str) -> String {
        let host = hub.filter(|_| !self.is_main).map(|hub| hub.host.as_str());
        self.address.connection_string(host, proof)
    }

    /// The events that devices have sent, the oldest first, as far as they are kept.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.events_after(0)
    }

    /// The events behind one of this number.
    pub fn events_after(&self, number: u64) -> Vec<Arc<Event>> {
        self.hub().map(|hub| hub.events_after(number, usize::MAX)).unwrap_or_default()
    }

    /// The first event behind one of this number, which may still have to come.
    ///
    /// # Errors
    ///
    /// 404 where the hub has been deleted.
    pub async fn event_after(&self, number: u64) -> Result<Arc<Event>, ServiceError> {
        loop {
            let hub = self.hub()?;
            let mut newest = hub.newest_event();
            newest.borrow_and_update();
            if let Some(event) = hub.events_after(number, 1).pop() {
                return Ok(event);
            }
            drop(hub);
            // Where there is nobody left to tell, the hub is gone, or another one.
            _ = newest.changed().await;
        }
    }

    /// Queues a message for a device, as the back end would over AMQP, and gives its number.
    ///
    /// # Errors
    ///
    /// What the service refuses.
    pub async fn send(&self, device: &str, message: Message) -> Result<u64, ServiceError> {
        self.hub()?.enqueue(device, message)?.durable().await
    }

    /// The messages that wait for a device, those too that it has received and not settled.
    pub fn queued(&self, device: &str) -> Vec<Message> {
        self.hub().map(|hub| hub.queued(device)).unwrap_or_default()
    }

    /// The address of a container for exports and imports of devices, with which everything may be done there. It is made if it is not there.
    ///
    /// # Errors
    ///
    /// 400 where it may not be called that, 404 where the hub has been deleted.
    pub async fn container(&self, name: &str) -> Result<String, ServiceError> {
        let path = self.hub()?.open_container(name)?.durable().await?;
        Ok(format!("{}{path}", self.address.url()))
    }

    /// Lets a device answer a method, as it would over MQTT. It counts as connected from then on.
    ///
    /// ```no_run
    /// # async fn example(emulator: iothub_emulator::Emulator) -> Result<(), Box<dyn std::error::Error>> {
    /// use iothub_emulator::MethodAnswer;
    ///
    /// emulator.on_method("thermostat-7", "reboot", |call| async move { MethodAnswer::new(200, call.payload) })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// 404 where there is no such device, 403 where it answers 100 others.
    pub fn on_method<F, A>(&self, device: &str, method: &str, handler: F) -> Result<(), ServiceError>
    where
        F: Fn(MethodCall) -> A + Send + Sync + 'static,
        A: Future<Output = MethodAnswer> + Send + 'static,
    {
        self.hub()?.set_method(device, method, Some(Arc::new(move |call| Box::pin(handler(call)))))
    }

    /// Lets a device answer a method no more.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device.
    pub fn forget_method(&self, device: &str, method: &str) -> Result<(), ServiceError> {
        self.hub()?.set_method(device, method, None)
    }

    /// Lets all devices answer a method that they do not answer in a [way of their own](Self::on_method). That makes all devices connected, those
    /// too that are yet to come.
    ///
    /// ```no_run
    /// # fn example(emulator: iothub_emulator::Emulator) -> Result<(), Box<dyn std::error::Error>> {
    /// use iothub_emulator::MethodAnswer;
    ///
    /// emulator.on_method_of_all("ping", |call| async move { MethodAnswer::new(200, call.device_id.to_string()) })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// 404 where the hub has been deleted, 403 where all answer 100 others.
    pub fn on_method_of_all<F, A>(&self, method: &str, handler: F) -> Result<(), ServiceError>
    where
        F: Fn(MethodCall) -> A + Send + Sync + 'static,
        A: Future<Output = MethodAnswer> + Send + 'static,
    {
        self.hub()?.set_method_of_all(method, Some(Arc::new(move |call| Box::pin(handler(call)))))
    }

    /// Lets devices answer a method no more, unless they do so in a way of their own.
    ///
    /// # Errors
    ///
    /// 404 where the hub has been deleted.
    pub fn forget_method_of_all(&self, method: &str) -> Result<(), ServiceError> {
        self.hub()?.set_method_of_all(method, None)
    }
}

impl fmt::Debug for HubHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubHandle").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A fault that has been injected. It stays when this is dropped.
#[derive(Clone, Debug)]
pub struct InjectedFault {
    gate: Arc<Gate>,
    id: u64,
}

impl InjectedFault {
    pub(crate) fn new(gate: Arc<Gate>, fault: Fault) -> Result<InjectedFault, ServiceError> {
        let wrong = |message| ServiceError::new(StatusCode::BAD_REQUEST, "InvalidArgument", message);
        let id = gate.add(fault).map_err(wrong)?;
        Ok(InjectedFault { gate, id })
    }

    /// How many requests it was about.
    pub fn seen(&self) -> u64 {
        self.gate.rule(self.id).map_or(0, |rule| rule.seen)
    }

    /// How many requests failed by it.
    pub fn hits(&self) -> u64 {
        self.gate.rule(self.id).map_or(0, |rule| rule.hits)
    }

    /// Removes it.
    pub fn remove(self) {
        self.gate.remove(self.id);
    }
}
