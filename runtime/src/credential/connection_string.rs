//! Connection strings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{ClientCertificate, Credential, SasCredential, SasKey, SasToken};
use crate::error::{Error, ParseError};
use crate::pipeline::Pipeline;
use crate::secret::Secret;
use crate::transport::Transport;
use crate::url::Endpoint;

/// What a connection string says: where the hub is, who is asking, and how that is proved.
///
/// | of | parts |
/// |---|---|
/// | a hub | `HostName`, `SharedAccessKeyName`, and `SharedAccessKey` |
/// | a device | `HostName`, `DeviceId`, and `SharedAccessKey` or `x509=true` |
///
/// Parts are separated by semicolons and come in any order, their names in any case. Instead of a key there may be a
/// signed token, `SharedAccessSignature`. A device's may have `SharedAccessKeyName`, where the key is a policy's.
/// `GatewayHostName` is the address to connect to, where that is not the hub's; tokens are for the hub all the same.
///
/// `UseDevelopmentEmulator=true` permits plain `http`, and loopback addresses only: the address may then begin with
/// `http://` (which is what it means without) or `https://`.
///
/// ```
/// use specsmith_runtime::credential::ConnectionString;
///
/// let hub: ConnectionString =
///     "HostName=my-hub.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=bWFkZSB1cA==".parse()?;
/// assert_eq!(hub.endpoint().to_string(), "https://my-hub.azure-devices.net");
///
/// let local: ConnectionString =
///     "HostName=127.0.0.1:8080;DeviceId=d1;SharedAccessKey=bWFkZSB1cA==;UseDevelopmentEmulator=true".parse()?;
/// assert_eq!((local.endpoint().scheme(), local.device_id()), ("http", Some("d1")));
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectionString {
    host_name: String,
    endpoint: Endpoint,
    device_id: Option<String>,
    policy: Option<String>,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Key(SasKey),
    Token(SasToken),
    Certificate,
}

impl ConnectionString {
    /// A hub's connection string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where the text is none, or is a device's. The error says what is
    /// missing, doubled or malformed, and repeats nothing of the text.
    pub fn of_hub(text: &str) -> Result<ConnectionString, Error> {
        let parsed: ConnectionString = text.parse()?;
        match parsed.device_id {
            None => Ok(parsed),
            Some(_) => Err(Error::build("the connection string is a device's (it has DeviceId): a hub's is needed")),
        }
    }

    /// A device's connection string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where the text is none, or is a hub's. The error says what is
    /// missing, doubled or malformed, and repeats nothing of the text.
    pub fn of_device(text: &str) -> Result<ConnectionString, Error> {
        let parsed: ConnectionString = text.parse()?;
        match parsed.device_id {
            Some(_) => Ok(parsed),
            None => Err(Error::build("the connection string is a hub's (it has no DeviceId): a device's is needed")),
        }
    }

    /// The hub's name, which tokens are for.
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// The address to connect to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The device's id; `None` in a hub's.
    pub fn device_id(&self) -> Option<&str> {
        self.device_id.as_deref()
    }

    /// The shared access policy that the key belongs to; `None` where it is a device's.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// Whether the device proves who it is with a certificate (`x509=true`): the transport must have it.
    pub fn needs_certificate(&self) -> bool {
        matches!(self.proof, Proof::Certificate)
    }

    /// What proves who is asking. Each call makes one that signs tokens of its own.
    pub fn credential(&self) -> Arc<dyn Credential> {
        let key = match &self.proof {
            Proof::Key(key) => key.clone(),
            Proof::Token(token) => return Arc::new(token.clone()),
            Proof::Certificate => return Arc::new(ClientCertificate),
        };
        let policy = self.policy.as_deref();
        Arc::new(match &self.device_id {
            None => SasCredential::for_hub(&self.host_name, policy.unwrap_or_default(), key),
            Some(id) => {
                let device = SasCredential::for_device(&self.host_name, id, key);
                policy.into_iter().fold(device, SasCredential::with_policy)
            }
        })
    }

    /// A pipeline to this hub that sends what proves who is asking. Where that [needs a
    /// certificate](Self::needs_certificate), the transport has it.
    pub fn pipeline(&self, transport: Arc<dyn Transport>) -> Pipeline {
        Pipeline::new(self.endpoint.clone(), transport).with_credential(self.credential())
    }

    /// The same, over reqwest with its defaults.
    #[cfg(feature = "reqwest")]
    fn over_reqwest(&self) -> Result<Pipeline, Error> {
        match self.needs_certificate() {
            false => Ok(self.pipeline(Arc::new(crate::transport::reqwest::ReqwestTransport::new()?))),
            true => wrong(
                "has x509=true: make a client from a pipeline (ConnectionString::pipeline) over a transport that has the \
                 certificate (ReqwestTransport::with_client_certificate)",
            ),
        }
    }
}

/// What a client of a hub goes through, from the hub's connection string.
///
/// # Errors
///
/// As [`ConnectionString::of_hub`]; and where TLS cannot be set up.
#[cfg(feature = "reqwest")]
pub fn hub_pipeline(text: &str) -> Result<Pipeline, Error> {
    ConnectionString::of_hub(text)?.over_reqwest()
}

/// What a client of a device goes through, from the device's connection string, and the device's id.
///
/// # Errors
///
/// As [`ConnectionString::of_device`]; where TLS cannot be set up; and where the device has a certificate in place of a
/// key.
#[cfg(feature = "reqwest")]
pub fn device_pipeline(text: &str) -> Result<(Pipeline, String), Error> {
    let connection = ConnectionString::of_device(text)?;
    Ok((connection.over_reqwest()?, connection.device_id.unwrap_or_default()))
}

/// The parts, in the order in which errors name them.
const NAMES: [&str; 9] = [
    "HostName",
    "GatewayHostName",
    "SharedAccessKeyName",
    "SharedAccessKey",
    "SharedAccessSignature",
    "DeviceId",
    "ModuleId",
    "x509",
    "UseDevelopmentEmulator",
];

fn wrong<T>(what: impl fmt::Display) -> Result<T, Error> {
    Err(Error::build(format!("the connection string {what}")))
}

fn malformed(name: &str, error: ParseError) -> Error {
    Error::build(format!("the connection string has a {name} that is malformed: expected {}", error.expected()))
}

/// The values of the parts, each where its name is in [`NAMES`]. Errors repeat names that we know, never the text: a
/// key may stand anywhere in a string that is wrong.
fn parts(text: &str) -> Result<[Option<&str>; NAMES.len()], Error> {
    let mut values = [None; NAMES.len()];
    for (number, part) in text.split(';').map(str::trim).enumerate().filter(|(_, part)| !part.is_empty()) {
        let number = number + 1;
        let Some((name, value)) = part.split_once('=') else {
            return wrong(format_args!("has no `=` in its part {number}"));
        };
        let (name, value) = (name.trim_end(), value.trim_start());
        let known = NAMES.iter().zip(&mut values).find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((name, place)) = known else {
            return wrong(format_args!("has a part {number} that is none of {}", NAMES.join(", ")));
        };
        if value.is_empty() {
            return wrong(format_args!("has a {name} without value"));
        }
        if place.replace(value).is_some() {
            return wrong(format_args!("has {name} twice"));
        }
    }
    Ok(values)
}

fn flag(name: &str, value: Option<&str>) -> Result<bool, Error> {
    match value {
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        None => Ok(false),
        Some(_) => wrong(format_args!("has an {name} that is neither true nor false")),
    }
}

/// Where a host name points to, and the name without scheme and port.
fn address<'a>(name: &str, text: &'a str, is_emulator: bool) -> Result<(Endpoint, &'a str), Error> {
    let (scheme, host) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if scheme.is_some() && !is_emulator {
        return wrong(format_args!("has a {name} that begins with a scheme: a host name is expected"));
    }
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.contains('/') {
        return wrong(format_args!("has a {name} with a path: a host name is expected"));
    }
    let url = format!("{}://{host}", scheme.unwrap_or(if is_emulator { "http" } else { "https" }));
    let Ok(endpoint) = Endpoint::allow_http(&url) else {
        return wrong(format_args!(
            "has a {name} that is no host name (letters, digits, `-`, `.`) with or without a port"
        ));
    };
    // Its length is the name's, in another case.
    let host = host.get(..endpoint.host().len()).unwrap_or(host);
    Ok((endpoint, host))
}

/// 1 to 128 of the characters that the service allows in an id. Of these the semicolon cannot stand in a connection
/// string.
fn is_device_id(id: &str) -> bool {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"-:.+%_#*?!(),=@$'".contains(&b);
    (1..=128).contains(&id.len()) && id.bytes().all(ok)
}

impl FromStr for ConnectionString {
    type Err = Error;

    fn from_str(text: &str) -> Result<ConnectionString, Error> {
        if text.trim().is_empty() {
            return wrong("is empty");
        }
        let [host, gateway, policy, key, token, device, module, x509, emulator] = parts(text)?;
        if module.is_some() {
            return wrong("is a module's (it has ModuleId): modules have no HTTP interface");
        }
        let is_emulator = flag("UseDevelopmentEmulator", emulator)?;
        let Some(host) = host else { return wrong("has no HostName") };
        let (mut endpoint, host_name) = match gateway {
            // Nothing is sent there: the name need not be an address.
            Some(_) => address("HostName", host, false),
            None => address("HostName", host, is_emulator),
        }?;
        if let Some(gateway) = gateway {
            (endpoint, _) = address("GatewayHostName", gateway, is_emulator)?;
        }
        if is_emulator && !endpoint.is_loopback() {
            return wrong("has UseDevelopmentEmulator=true, which is for localhost, 127.0.0.0/8 and [::1] only");
        }
        if device.is_some_and(|id| !is_device_id(id)) {
            return wrong("has a DeviceId that is not 1 to 128 of the letters, digits and -:.+%_#*?!(),=@$'");
        }
        let proof = match (key, token, flag("x509", x509)?) {
            (Some(key), None, false) => {
                Proof::Key(SasKey::from_base64(key).map_err(|error| malformed("SharedAccessKey", error))?)
            }
            (None, Some(token), false) => Proof::Token(
                SasToken::parse(Secret::from(token)).map_err(|error| malformed("SharedAccessSignature", error))?,
            ),
            (None, None, true) if device.is_none() => return wrong("has x509=true, but no DeviceId"),
            (None, None, true) => Proof::Certificate,
            (None, None, false) => return wrong("has neither SharedAccessKey nor SharedAccessSignature nor x509=true"),
            _ => return wrong("has more than one of SharedAccessKey, SharedAccessSignature and x509=true"),
        };
        if matches!(proof, Proof::Key(_)) && device.is_none() && policy.is_none() {
            return wrong("has neither SharedAccessKeyName, as a hub's has, nor DeviceId, as a device's");
        }
        Ok(ConnectionString {
            host_name: host_name.to_owned(),
            endpoint,
            device_id: device.map(str::to_owned),
            policy: policy.map(str::to_owned),
            proof,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{StoppedClock, request};
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "c2VjcmV0LXNlY3JldA==";

    fn parse(text: &str) -> Result<ConnectionString, Error> {
        text.replace("{key}", KEY).parse()
    }

    async fn sent(text: &str) -> Option<String> {
        let value = parse(text).unwrap().credential();
        let value = value.authorization(&request(), &StoppedClock::at(0)).await.unwrap();
        value.map(|value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn what_each_form_sends() {
        for (text, endpoint, device, start, end) in [
            (
                "HostName=Hub.example;SharedAccessKeyName=service;SharedAccessKey={key}",
                "https://hub.example",
                None,
                "SharedAccessSignature sr=Hub.example&sig=",
                "&se=3600&skn=service",
            ),
            (
                " sharedaccesskey={key} ; DEVICEID=a=b#1;hostname=hub.example:8443;\n",
                "https://hub.example:8443",
                Some("a=b#1"),
                "SharedAccessSignature sr=hub.example%2Fdevices%2Fa%3Db%231&sig=",
                "&se=3600",
            ),
            (
                "HostName=hub.example;DeviceId=d1;SharedAccessKeyName=device;SharedAccessKey={key};x509=false",
                "https://hub.example",
                Some("d1"),
                "SharedAccessSignature sr=hub.example%2Fdevices%2Fd1&sig=",
                "&se=3600&skn=device",
            ),
            (
                "HostName=hub.example;DeviceId=d1;SharedAccessKey={key};GatewayHostName=edge.local",
                "https://edge.local",
                Some("d1"),
                "SharedAccessSignature sr=hub.example%2Fdevices%2Fd1&sig=",
                "&se=3600",
            ),
            (
                "HostName=127.0.0.1:8080;SharedAccessKeyName=iothubowner;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "http://127.0.0.1:8080",
                None,
                "SharedAccessSignature sr=127.0.0.1&sig=",
                "&skn=iothubowner",
            ),
            (
                "HostName=hub.example;GatewayHostName=http://[::1]:8080/;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=True",
                "http://[::1]:8080",
                None,
                "SharedAccessSignature sr=hub.example&sig=",
                "&skn=p",
            ),
            (
                "HostName=https://localhost:8443;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "https://localhost:8443",
                None,
                "SharedAccessSignature sr=localhost&sig=",
                "&skn=p",
            ),
            (
                "HostName=hub.example;SharedAccessSignature=SharedAccessSignature sr=hub.example&sig=AA%3D%3D&se=12&skn=p",
                "https://hub.example",
                None,
                "SharedAccessSignature sr=hub.example&sig=AA%3D%3D&se=12&skn=p",
                "",
            ),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!((parsed.endpoint().to_string().as_str(), parsed.device_id()), (endpoint, device), "{text}");
            assert_eq!(ConnectionString::of_hub(&text.replace("{key}", KEY)).is_ok(), device.is_none());
            assert_eq!(ConnectionString::of_device(&text.replace("{key}", KEY)).is_ok(), device.is_some());
            let sent = sent(text).await.unwrap();
            assert!(sent.starts_with(start) && sent.ends_with(end), "{text}: {sent}");
        }
        let certificate = "HostName=hub.example;DeviceId=d1;x509=TRUE";
        assert!(parse(certificate).unwrap().needs_certificate());
        assert_eq!(sent(certificate).await, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("", "the connection string is empty"),
            (" ", "is empty"),
            (";;", "has no HostName"),
            ("hub.example", "has no `=` in its part 1"),
            ("HostName=h;DeviceId=a;b;SharedAccessKey={key}", "has no `=` in its part 3"),
            ("SharedAccessKeyName=p;SharedAccessKey={key}", "has no HostName"),
            ("HostName=h;SharedAccesKey={key}", "has a part 2 that is none of HostName, GatewayHostName, "),
            ("Endpoint=sb://h/;SharedAccessKeyName=p;SharedAccessKey={key}", "has a part 1 that is none of HostName"),
            ("HostName=;SharedAccessKeyName=p;SharedAccessKey={key}", "has a HostName without value"),
            ("HostName=h;hostname=h;SharedAccessKeyName=p;SharedAccessKey={key}", "has HostName twice"),
            (
                "HostName=h;SharedAccessKey={key};SharedAccessKeyName=p;SharedAccessKey={key}",
                "has SharedAccessKey twice",
            ),
            ("HostName=h i;SharedAccessKeyName=p;SharedAccessKey={key}", "has a HostName that is no host name"),
            ("HostName=u@h;SharedAccessKeyName=p;SharedAccessKey={key}", "has a HostName that is no host name"),
            ("HostName=h:x;SharedAccessKeyName=p;SharedAccessKey={key}", "has a HostName that is no host name"),
            ("HostName=h/x;SharedAccessKeyName=p;SharedAccessKey={key}", "has a HostName with a path"),
            (
                "HostName=https://h;SharedAccessKeyName=p;SharedAccessKey={key}",
                "has a HostName that begins with a scheme",
            ),
            (
                "HostName=http://localhost;SharedAccessKeyName=p;SharedAccessKey={key}",
                "has a HostName that begins with a scheme",
            ),
            (
                "HostName=h;GatewayHostName=http://g;SharedAccessKeyName=p;SharedAccessKey={key}",
                "has a GatewayHostName that begins with a scheme",
            ),
            (
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey=c2Vj!",
                "has a SharedAccessKey that is malformed: expected a key in base64",
            ),
            ("HostName=h;SharedAccessKeyName=p;SharedAccessKey=c2VjcmV0LQ", "has a SharedAccessKey that is malformed"),
            ("HostName=h;SharedAccessSignature=sr=h&sig=AA==&se=1", "has a SharedAccessSignature that is malformed"),
            ("HostName=h;SharedAccessKey={key}", "has neither SharedAccessKeyName, as a hub's has, nor DeviceId"),
            ("HostName=h;SharedAccessKeyName=p", "has neither SharedAccessKey nor SharedAccessSignature nor x509=true"),
            ("HostName=h;DeviceId=d", "has neither SharedAccessKey nor"),
            ("HostName=h;DeviceId=d;SharedAccessKey={key};x509=true", "has more than one of"),
            ("HostName=h;DeviceId=d;SharedAccessKey={key};SharedAccessSignature=x", "has more than one of"),
            ("HostName=h;x509=true", "has x509=true, but no DeviceId"),
            ("HostName=h;DeviceId=d;x509=yes", "has an x509 that is neither true nor false"),
            ("HostName=h;DeviceId=a/b;SharedAccessKey={key}", "has a DeviceId that is not"),
            ("HostName=h;DeviceId=ü;SharedAccessKey={key}", "has a DeviceId that is not"),
            ("HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey={key}", "is a module's"),
            (
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=1",
                "has an UseDevelopmentEmulator that is neither",
            ),
            (
                "HostName=h;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "which is for localhost",
            ),
            (
                "HostName=https://h;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "which is for localhost",
            ),
            (
                "HostName=127.0.0.1.evil.example;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "which is for localhost",
            ),
            (
                "HostName=localhost;GatewayHostName=h;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "which is for localhost",
            ),
            (
                "HostName=ftp://localhost;SharedAccessKeyName=p;SharedAccessKey={key};UseDevelopmentEmulator=true",
                "has a HostName that is no host name",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Build);
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        let long = format!("HostName=h;DeviceId={};SharedAccessKey={KEY}", "d".repeat(129));
        assert!(parse(&long).is_err() && parse(&long.replace("ddd", "dd")).is_ok());
    }

    #[cfg(feature = "reqwest")]
    #[test]
    fn pipelines() {
        let hub = format!("HostName=hub.example;SharedAccessKeyName=p;SharedAccessKey={KEY}");
        let device = format!("HostName=hub.example;DeviceId=d1;SharedAccessKey={KEY}");
        assert_eq!(hub_pipeline(&hub).unwrap().endpoint().to_string(), "https://hub.example");
        assert_eq!(device_pipeline(&device).unwrap().1, "d1");
        assert!(hub_pipeline(&device).is_err() && device_pipeline(&hub).is_err());
        let error = device_pipeline("HostName=hub.example;DeviceId=d1;x509=true").unwrap_err();
        assert!(error.to_string().contains("ReqwestTransport::with_client_certificate"), "{error}");
    }

    #[test]
    fn plain_http_is_for_the_emulator() {
        let text = "HostName=127.0.0.1:8080;SharedAccessKeyName=p;SharedAccessKey={key}";
        assert_eq!(parse(text).unwrap().endpoint().scheme(), "https");
        let text = format!("{text};UseDevelopmentEmulator=false");
        assert_eq!(parse(&text).unwrap().endpoint().scheme(), "https");
    }

    const PARTS: &str = "(HostName|hostname|GatewayHostName|SharedAccessKeyName|SharedAccessKey|SharedAccessSignature|DeviceId|ModuleId|x509|UseDevelopmentEmulator|Other)=?(h|localhost:1|http://|true|c2VjcmV0|sr=h&sig=c2VjcmV0&se=1|SharedAccessSignature )?;";

    proptest! {
        #[test]
        fn never_panics_and_never_tells(text in prop_oneof![
            Just(String::new()),
            "\\PC*",
            proptest::collection::vec(PARTS, 0..7).prop_map(|parts| parts.concat()),
        ], at in any::<prop::sample::Index>()) {
            // A key anywhere in the text.
            let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).nth(at.index(text.chars().count() + 1));
            let text = format!("{}{KEY}{}", &text[..at.unwrap_or(0)], &text[at.unwrap_or(0)..]);
            match text.parse::<ConnectionString>() {
                // In a host, a device's id or a policy's name it is no secret.
                Ok(parsed) => {
                    let named = [Some(parsed.host_name()), parsed.device_id(), parsed.policy(), Some(parsed.endpoint().host())];
                    let named = named.into_iter().flatten().any(|name| name.to_lowercase().contains(&KEY[..9].to_lowercase()));
                    let shown = format!("{parsed:?}");
                    prop_assert!(named || !shown.contains(&KEY[..9]));
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains(&KEY[..9]), "{}", shown);
                }
            }
        }

        #[test]
        fn a_key_is_kept_whole(bytes in proptest::collection::vec(any::<u8>(), 1..70), order in Just(vec![0, 1, 2]).prop_shuffle()) {
            use ::base64::Engine;
            let key = ::base64::engine::general_purpose::STANDARD.encode(&bytes);
            let parts = ["HostName=h".to_owned(), "SharedAccessKeyName=p".to_owned(), format!("SharedAccessKey={key}")];
            let text = order.iter().map(|at: &usize| parts[*at].as_str()).collect::<Vec<_>>().join(";");
            let Proof::Key(read) = text.parse::<ConnectionString>().unwrap().proof else { panic!() };
            prop_assert_eq!(read.sign("a", "b"), SasKey::from_bytes(&bytes).unwrap().sign("a", "b"));
        }
    }
}
