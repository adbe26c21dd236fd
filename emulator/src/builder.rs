//! What an emulator is to be like.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iothub::runtime::Secret;

use crate::app::App;
use crate::config::Config;
use crate::emulator::{Emulator, Parts};
use crate::faults::{Gate, Throttle};
use crate::listen::{Limits, Listener};
use crate::profile::Profile;
use crate::random;
use crate::setup::{self, GivenKey, Key, Main, OWNER};
use crate::tls::Tls;

/// What an emulator is to be like, before it is started.
///
/// Unless it is told otherwise, it listens to a free port of 127.0.0.1, has new keys, and keeps everything in memory.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is started"]
pub struct Builder {
    listen: Option<String>,
    tls: Option<Tls>,
    host_name: String,
    keys: Vec<GivenKey>,
    admin_token: Option<Secret>,
    data_dir: Option<PathBuf>,
    throttle: Option<f64>,
    latency: Duration,
    config: Config,
    limits: Limits,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            listen: Some("127.0.0.1:0".to_owned()),
            tls: None,
            host_name: "emulator.localhost".to_owned(),
            keys: Vec::new(),
            admin_token: None,
            data_dir: None,
            throttle: None,
            latency: Duration::ZERO,
            config: Config::default(),
            limits: Limits::default(),
        }
    }

    /// Listens to this address and port, such as `127.0.0.1:8080`; port 0 is any that is free.
    pub fn listen(mut self, address: impl Into<String>) -> Builder {
        self.listen = Some(address.into());
        self
    }

    /// Listens to nothing: clients come through [`HubHandle::transport`](crate::HubHandle::transport), or [`Emulator::service`].
    pub fn in_process(mut self) -> Builder {
        self.listen = None;
        self
    }

    /// Speaks TLS, with a certificate that is made for the occasion: [`Emulator::certificate`] is what clients have to trust. It is for localhost,
    /// 127.0.0.1, \[::1\] and the host name.
    pub fn tls_self_signed(mut self) -> Builder {
        self.tls = Some(Tls::SelfSigned);
        self
    }

    /// Speaks TLS with the certificate and the key of these files, which are PEM.
    pub fn tls_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Builder {
        self.tls = Some(Tls::Files { certificate: certificate.into(), key: key.into() });
        self
    }

    /// The hub's host name, `emulator.localhost` unless it is said. What stands before its first dot is the hub's name.
    pub fn host_name(mut self, name: impl Into<String>) -> Builder {
        self.host_name = name.into();
        self
    }

    /// A key, in Base64, of a shared access policy. The first of a name is its primary key, the second its secondary one. A policy whose name the
    /// service does not know may do everything. The first one that is given is that of [`HubHandle::connection_string`](crate::HubHandle::connection_string).
    pub fn key(mut self, policy: impl Into<String>, key: impl Into<Secret>) -> Builder {
        self.keys.push(GivenKey { policy: policy.into(), key: key.into() });
        self
    }

    /// The subscription that the hub is in; all zeros unless it is said.
    pub fn subscription(mut self, id: impl Into<String>) -> Builder {
        self.config.subscription = id.into();
        self
    }

    /// The bearer token of the resource provider, made unless it is said.
    pub fn arm_token(mut self, token: impl Into<Secret>) -> Builder {
        self.config.arm_token = Some(token.into());
        self
    }

    /// The bearer token with which the admin API may be used from elsewhere; without one, only this machine may use it.
    pub fn admin_token(mut self, token: impl Into<Secret>) -> Builder {
        self.admin_token = Some(token.into());
        self
    }

    /// Keeps everything in a file of this folder, and begins with what it has.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.data_dir = Some(folder.into());
        self
    }

    /// Whose status codes are answered.
    pub fn profile(mut self, profile: Profile) -> Builder {
        self.config.profile = profile;
        self
    }

    /// How long operations of the resource provider take.
    pub fn lro_delay(mut self, time: Duration) -> Builder {
        self.config.lro_delay = time;
        self
    }

    /// The items of a page where a request does not say how many, at least 1.
    pub fn page_size(mut self, items: usize) -> Builder {
        self.config.page_size = items.max(1);
        self
    }

    /// The most requests in a second. More are answered 429, with the time after which there is room.
    pub fn throttle(mut self, requests: f64) -> Builder {
        self.throttle = Some(requests);
        self
    }

    /// Waits before each answer.
    pub fn latency(mut self, time: Duration) -> Builder {
        self.latency = time;
        self
    }

    /// How long the head of a request, or the next one, may take to come before the connection is cut: 30 s unless it is said.
    pub fn idle_timeout(mut self, time: Duration) -> Builder {
        self.limits.head = time;
        self
    }

    /// How many connections there may be at a time; others wait. 1,024 unless it is said.
    pub fn max_connections(mut self, connections: usize) -> Builder {
        self.limits.connections = connections.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// Looks at what can be seen to be wrong before anything is done, and gives the keys.
    fn check(&self) -> Result<Vec<Key>, StartError> {
        let wrong = |message: String| Err(StartError { message, is_setting: true });
        if !is_host_name(&self.host_name) {
            let name = &self.host_name;
            return wrong(format!(
                "{name:?} is no host name: those have letters, digits and hyphens, with dots between"
            ));
        }
        let keys = setup::keys(&self.keys).or_else(wrong)?;
        for (name, token) in [("resource provider", &self.config.arm_token), ("admin API", &self.admin_token)] {
            if token.as_ref().is_some_and(|token| !is_token(token)) {
                return wrong(format!("the token of the {name} is empty, or has characters that no header can have"));
            }
        }
        let subscription = &self.config.subscription;
        if subscription.is_empty() || !subscription.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return wrong(format!("{subscription:?} is no subscription: its id has letters, digits and hyphens"));
        }
        Ok(keys)
    }

    /// Starts it, on the executor of the caller.
    ///
    /// # Errors
    ///
    /// Where the data cannot be read, a key or a certificate cannot be used, or the port is taken.
    pub async fn start(mut self) -> Result<Emulator, StartError> {
        let keys = self.check()?;
        let identity = match &self.tls {
            Some(tls) => Some(tls.identity(&self.host_name).map_err(StartError::new)?),
            None => None,
        };
        let (acceptor, trust) = identity.map(|identity| (identity.acceptor, identity.trust)).unzip();
        let listener = match &self.listen {
            None => None,
            Some(address) => {
                let bound = Listener::bind(address, acceptor, self.limits).await;
                Some(bound.map_err(|error| StartError::new(format!("cannot listen to {address}: {error}")))?)
            }
        };
        if self.config.arm_token.is_none() {
            let token = random::token().map_err(|error| StartError::new(format!("no token could be made: {error}")))?;
            self.config.arm_token = Some(token);
        }
        let policy = self.keys.first().map_or(OWNER, |key| key.policy.as_str()).to_owned();
        let main = Main { host: &self.host_name, keys: &keys };
        let world = Arc::new(setup::world(self.data_dir.as_deref(), self.config, main).await?);
        let gate = Gate::new(world.clock.clone(), self.latency, self.throttle.map(Throttle::new));
        let gate = Arc::new(gate);
        let app = App::new(world.clone(), gate.clone(), self.admin_token);
        let (certificate, host_name) = (trust, self.host_name);
        Ok(Emulator::run(Parts { world, gate, app, listener, certificate, policy, host_name }))
    }
}

/// It goes into certificates, URLs and connection strings.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let ok = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..64).contains(&label.len()) && label.bytes().all(ok)
    };
    name.len() < 254 && name.split('.').all(is_label)
}

/// What stands behind `Bearer` (RFC 6750 §2.1), or nearly: people make up their own.
fn is_token(token: &Secret) -> bool {
    !token.expose().is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic())
}

/// Why an emulator could not start.
#[derive(Debug)]
pub struct StartError {
    message: String,
    is_setting: bool,
}

impl StartError {
    pub(crate) fn new(message: impl Into<String>) -> StartError {
        StartError { message: message.into(), is_setting: false }
    }

    /// Whether it is what the [`Builder`] was told, such as a key that is none: to try again is in vain.
    pub fn is_wrong_setting(&self) -> bool {
        self.is_setting
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {}
