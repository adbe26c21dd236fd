//! Clients that send access tokens.

use std::fmt;
use std::sync::Arc;

use super::{Audience, BearerCredential, Cloud, TokenSource};
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::transport::Transport;
use crate::url::Endpoint;

/// Makes a client that sends access tokens of Microsoft Entra.
///
/// Clients of generated crates have a function `builder`, which makes one:
///
/// ```
/// # use specsmith_runtime::Pipeline;
/// use specsmith_runtime::credential::{ClientBuilder, Cloud, TokenSource};
/// use specsmith_runtime::Error;
/// use specsmith_runtime::transport::Transport;
///
/// # struct Client(Pipeline);
/// # impl Client {
/// #     fn builder(subscription: &str, token: impl TokenSource) -> ClientBuilder<Client> {
/// #         ClientBuilder::management(token, Client)
/// #     }
/// # }
/// # fn client(entra: impl TokenSource, transport: std::sync::Arc<dyn Transport>) -> Result<Client, Error> {
/// let client = Client::builder("00000000-0000-0000-0000-000000000000", entra)
///     .cloud(Cloud::UsGovernment)
///     # .transport(transport)
///     .build()?;
/// # assert_eq!(client.0.endpoint().to_string(), "https://management.usgovcloudapi.net");
/// # Ok(client) }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct ClientBuilder<C> {
    make: Box<dyn FnOnce(Pipeline) -> C + Send>,
    settings: Settings,
}

/// All but what is made: so that it is compiled once.
struct Settings {
    source: Box<dyn TokenSource>,
    audience: Audience,
    cloud: Option<Cloud>,
    endpoint: Option<String>,
    transport: Option<Arc<dyn Transport>>,
}

impl<C> ClientBuilder<C> {
    /// A client of a hub's data plane, at this address: a host or an `https` URL.
    pub fn hub(
        endpoint: impl Into<String>,
        token: impl TokenSource,
        make: impl FnOnce(Pipeline) -> C + Send + 'static,
    ) -> ClientBuilder<C> {
        ClientBuilder::new(Audience::Hub, token, make).endpoint(endpoint)
    }

    /// A client of Azure Resource Manager.
    pub fn management(token: impl TokenSource, make: impl FnOnce(Pipeline) -> C + Send + 'static) -> ClientBuilder<C> {
        ClientBuilder::new(Audience::Management, token, make)
    }

    fn new(
        audience: Audience,
        token: impl TokenSource,
        make: impl FnOnce(Pipeline) -> C + Send + 'static,
    ) -> ClientBuilder<C> {
        let source = Box::new(token);
        let settings = Settings { source, audience, cloud: None, endpoint: None, transport: None };
        ClientBuilder { make: Box::new(make), settings }
    }

    /// The cloud, which decides for whom tokens are and, where no address was given, where requests go. Without this it
    /// is the public one, or the one that a hub's name ends with.
    pub fn cloud(mut self, cloud: Cloud) -> ClientBuilder<C> {
        self.settings.cloud = Some(cloud);
        self
    }

    /// Where requests go: a host, or an `https` URL.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> ClientBuilder<C> {
        self.settings.endpoint = Some(endpoint.into());
        self
    }

    /// How requests travel; without this over reqwest with its defaults (feature `reqwest`).
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> ClientBuilder<C> {
        self.settings.transport = Some(transport);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where the endpoint is no such URL, TLS cannot be set up, or there
    /// is no transport.
    pub fn build(self) -> Result<C, Error> {
        Ok((self.make)(self.settings.pipeline()?))
    }
}

impl Settings {
    fn pipeline(self) -> Result<Pipeline, Error> {
        let cloud = |endpoint: &Endpoint| match self.audience {
            Audience::Hub => Cloud::of_hub(endpoint.host()),
            Audience::Management => Cloud::default(),
        };
        let endpoint = match &self.endpoint {
            Some(text) => Endpoint::new(text)?,
            None => Endpoint::new(self.cloud.unwrap_or_default().management_endpoint())?,
        };
        let scope = self.cloud.unwrap_or_else(|| cloud(&endpoint)).scope(self.audience);
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        Ok(Pipeline::new(endpoint, transport).with_credential(Arc::new(BearerCredential::new(self.source, scope))))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::transport::reqwest::ReqwestTransport::new()?))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Err(Error::build("there is no transport: give one, or turn on the feature `reqwest`"))
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ClientBuilder");
        out.field("cloud", &self.settings.cloud).field("endpoint", &self.settings.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::credential::AccessToken;
    use crate::error::BoxError;
    use crate::transport::{BoxFuture, TransportError};
    use crate::{Operation, Request};
    use std::sync::Mutex;
    use std::time::{Duration, SystemTime};

    /// A token that says what it is for.
    struct Named;

    impl TokenSource for Named {
        fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
            let end = SystemTime::now() + Duration::from_secs(3600);
            Box::pin(async move { Ok(AccessToken::new(scopes.concat(), end)) })
        }
    }

    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl Transport for Seen {
        fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
            let token = request.headers()["authorization"].to_str().unwrap();
            self.0.lock().unwrap().push(format!("{} {token}", request.uri()));
            Box::pin(async { Ok(http::Response::new(Body::Empty)) })
        }
    }

    static GET: Operation = Operation::new("Get", http::Method::GET, "/a").success(&[200]);

    #[tokio::test]
    async fn tokens_are_for_where_they_go() {
        let hub = |host: &str| ClientBuilder::hub(host, Named, |pipeline| pipeline);
        let management = || ClientBuilder::management(Named, |pipeline| pipeline);
        for (builder, seen) in [
            (management(), "https://management.azure.com/a Bearer https://management.azure.com/.default"),
            (
                management().cloud(Cloud::China),
                "https://management.chinacloudapi.cn/a Bearer https://management.chinacloudapi.cn/.default",
            ),
            (
                management().endpoint("http://127.0.0.1:8080"),
                "http://127.0.0.1:8080/a Bearer https://management.azure.com/.default",
            ),
            (hub("a.azure-devices.net"), "https://a.azure-devices.net/a Bearer https://iothubs.azure.net/.default"),
            (hub("a.azure-devices.us"), "https://a.azure-devices.us/a Bearer https://iothubs.azure.us/.default"),
            (
                hub("hub.example").cloud(Cloud::China),
                "https://hub.example/a Bearer https://iothubs.chinacloudapi.cn/.default",
            ),
        ] {
            let transport = Arc::new(Seen::default());
            let pipeline = builder.transport(transport.clone()).build().unwrap();
            pipeline.send(Request::new(&GET)).await.unwrap();
            assert_eq!(*transport.0.lock().unwrap(), [seen]);
        }
    }

    #[test]
    fn what_cannot_be_built() {
        let transport = || Arc::new(Seen::default());
        let hub = |host: &str| ClientBuilder::hub(host, Named, |_| ()).transport(transport()).build();
        assert!(hub("http://a.azure-devices.net").is_err() && hub("").is_err());
        let built = ClientBuilder::management(Named, |_| ()).build();
        assert_eq!(built.is_ok(), cfg!(feature = "reqwest"));
    }
}
