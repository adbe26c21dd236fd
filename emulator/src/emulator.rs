//! An emulator that runs.

use std::future::ready;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iothub::runtime::credential::{AccessToken, BearerCredential, TokenSource};
use iothub::runtime::server::ServiceError;
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{BoxError, Clock, Endpoint, Secret};
use iothub::{Error, Pipeline};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::builder::Builder;
use crate::faults::{Fault, Gate};
use crate::handle::{Address, HubHandle, InjectedFault};
use crate::listen::Listener;
use crate::state::World;

/// An emulator that runs, until it is [stopped](Self::stop) or dropped.
///
/// It is the handle of its hub, too: see [`HubHandle`].
///
/// ```
/// use iothub_emulator::Emulator;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // No socket, and a time of its own.
/// let emulator = Emulator::builder().in_process().start().await?;
/// let hub = iothub::hub::Client::with_pipeline(emulator.pipeline()?);
/// emulator.advance(std::time::Duration::from_secs(3600));
/// # let _ = hub;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Emulator {
    main: HubHandle,
    gate: Arc<Gate>,
    certificate: Option<String>,
    host_name: String,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Emulator {
    /// What it is to be like.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn run(parts: Parts) -> Emulator {
        let Parts { world, gate, app, listener, certificate, policy, host_name } = parts;
        let (stop, mut stopped) = watch::channel(false);
        let address = Address { socket: listener.as_ref().map(Listener::address), is_tls: certificate.is_some() };
        let server = listener.map(|listener| {
            let stopped = async move {
                // Where the sender is dropped, nobody can stop it any more.
                _ = stopped.wait_for(|stopped| *stopped).await;
            };
            tokio::spawn(listener.serve(app.clone(), stopped))
        });
        let main = HubHandle::main(world, app, address, policy);
        Emulator { main, gate, certificate, host_name, stop, server }
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.main.address().socket
    }

    /// What URLs begin with: `http://127.0.0.1:8080`, for instance. Nobody but a [`transport`](HubHandle::transport) knows it, where it does not
    /// listen.
    pub fn url(&self) -> String {
        self.main.address().url()
    }

    /// The host name of its hub.
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// The bearer token of the resource provider.
    pub fn arm_token(&self) -> &str {
        // There is always one.
        self.main.world().config.arm_token.as_ref().map_or("", Secret::expose)
    }

    /// The subscription that the hub is in.
    pub fn subscription(&self) -> &str {
        &self.main.world().config.subscription
    }

    /// The certificate that clients have to trust, as PEM, where it speaks TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// What a client of the resource provider in this process goes through.
    ///
    /// # Errors
    ///
    /// Where the token cannot be sent.
    pub fn arm_pipeline(&self) -> Result<Pipeline, Error> {
        let endpoint = Endpoint::new("https://management.azure.com")?;
        let token =
            BearerCredential::new(ArmToken(Secret::from(self.arm_token())), "https://management.azure.com/.default");
        Ok(Pipeline::new(endpoint, self.main.transport()).with_credential(Arc::new(token)))
    }

    /// The emulator as a service, for a server of one's own.
    pub fn service(&self) -> App {
        self.main.app().clone()
    }

    /// Its time, for clients that are to have the same.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.main.world().clock.clone())
    }

    /// Moves its time on. Whatever waits for that time happens: locks and messages expire, operations end, tokens run out.
    pub fn advance(&self, time: Duration) {
        // Where that cannot be written, nothing else can be any more, and says so.
        drop(self.main.world().advance(time));
    }

    /// Lets something go wrong.
    ///
    /// # Errors
    ///
    /// 400 where the rule is none.
    pub fn inject(&self, fault: Fault) -> Result<InjectedFault, ServiceError> {
        InjectedFault::new(self.gate.clone(), fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.gate.clear();
    }

    /// Removes all that has been put into hubs, all hubs that have been made, and all faults. Keys stay, and so does the time.
    ///
    /// # Errors
    ///
    /// 500 where it could not be written.
    pub async fn reset(&self) -> Result<(), ServiceError> {
        self.gate.clear();
        self.main.world().reset().await
    }

    /// Another hub, which has been made through the resource provider.
    pub fn hub(&self, name: &str) -> Option<HubHandle> {
        self.main.sibling(name)
    }

    /// Stops it: no more connections, answers to the requests that there are, and the data on the disk.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.main.app().stop_streams();
        if let Some(server) = self.server.take() {
            // It does not panic, and nobody aborts it.
            _ = server.await;
        }
        self.main.world().store.close().await;
    }
}

/// What an emulator is made of.
pub(crate) struct Parts {
    pub(crate) world: Arc<World>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) app: App,
    pub(crate) listener: Option<Listener>,
    pub(crate) certificate: Option<String>,
    pub(crate) policy: String,
    pub(crate) host_name: String,
}

/// The one token, which does not run out.
struct ArmToken(Secret);

impl TokenSource for ArmToken {
    fn get_token<'a>(&'a self, _: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
        let never = SystemTime::now() + Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Box::pin(ready(Ok(AccessToken::new(self.0.clone(), never))))
    }
}

impl Deref for Emulator {
    type Target = HubHandle;

    fn deref(&self) -> &HubHandle {
        &self.main
    }
}
