//! Where a service is.

use std::fmt::{self, Display};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;

use super::encode_raw_path;
use crate::error::{BoxError, Error};

/// Where a service is: scheme, host, port and the path below which its routes are.
///
/// Plain `http` is for loopback addresses; [`Endpoint::allow_http`] lifts that.
///
/// ```
/// use specsmith_runtime::Endpoint;
///
/// let hub: Endpoint = "my-hub.azure-devices.net".parse()?;
/// assert_eq!(hub.to_string(), "https://my-hub.azure-devices.net");
/// let local: Endpoint = "http://127.0.0.1:8080/hub/".parse()?;
/// assert_eq!((local.port(), local.base_path()), (8080, "/hub"));
/// assert!("http://my-hub.azure-devices.net".parse::<Endpoint>().is_err());
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    secure: bool,
    host: Box<str>,
    port: u16,
    /// As it is written: the origin, and then the base path.
    text: Box<str>,
    /// How long the origin is.
    origin: usize,
}

impl Endpoint {
    /// The endpoint of a URL, or of a bare host name, which means `https`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where the text is no such URL; where its scheme is neither
    /// `https` nor `http`; where it has user information, a query or a fragment; where the scheme is `http` and the
    /// host neither `localhost` nor in 127.0.0.0/8 nor `[::1]`.
    pub fn new(text: &str) -> Result<Endpoint, Error> {
        let endpoint = Endpoint::read(text)?;
        match endpoint.secure || endpoint.is_loopback() {
            true => Ok(endpoint),
            false => Err(Error::build(
                "the endpoint is plain http, which would show credentials to everybody on the way: use https",
            )),
        }
    }

    /// As [`Endpoint::new`], with plain `http` to any host: credentials then travel unencrypted.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::new`], but for the scheme.
    pub fn allow_http(text: &str) -> Result<Endpoint, Error> {
        Endpoint::read(text)
    }

    fn read(text: &str) -> Result<Endpoint, Error> {
        let wrong = |what: &str| Err(Error::build(format!("the endpoint {what}")));
        if text.contains(['?', '#']) {
            return wrong("has a query or a fragment");
        }
        let (secure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return wrong("has a scheme that is neither https nor http"),
            None => (true, text),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return wrong("has a user's name before its host");
        }
        let end = match authority.starts_with('[') {
            true => authority.find(']').map_or(authority.len(), |at| at + 1),
            false => authority.find(':').unwrap_or(authority.len()),
        };
        let (host, port) = authority.split_at(end);
        if !is_host(host) {
            return wrong("has no host, or one that is no host name (ASCII letters, digits, `-`, `.`) or address");
        }
        let port = match (port.strip_prefix(':'), secure) {
            (None, true) if port.is_empty() => 443,
            (None, false) if port.is_empty() => 80,
            (Some(digits), _) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
                Ok(port) if port > 0 => port,
                _ => return wrong("has a port that is not one of 1 to 65535"),
            },
            _ => return wrong("has a port that is no number"),
        };
        let mut base_path = String::new();
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.is_empty() {
            base_path.push('/');
            encode_raw_path(&mut base_path, path)
                .map_err(|_| Error::build("the endpoint has a path that no request could be below"))?;
        }
        let (scheme, host) = (if secure { "https" } else { "http" }, host.to_ascii_lowercase());
        let mut text = match port == if secure { 443 } else { 80 } {
            true => format!("{scheme}://{host}"),
            false => format!("{scheme}://{host}:{port}"),
        };
        let origin = text.len();
        text.push_str(&base_path);
        Ok(Endpoint { secure, host: host.into(), port, text: text.into(), origin })
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host in lower case, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 or 80 where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path that goes before every operation's: empty, or with a slash at the start and none at the end.
    pub fn base_path(&self) -> &str {
        self.text.get(self.origin..).unwrap_or_default()
    }

    /// The URL, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the host is `localhost`, in 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        &*self.host == "localhost"
            || address.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl Endpoint {
    fn origin(&self) -> &str {
        self.text.get(..self.origin).unwrap_or_default()
    }

    /// Whether a URI has this endpoint's scheme, host and port (RFC 6454 §4).
    pub fn is_origin_of(&self, uri: &Uri) -> bool {
        let port = uri.port().map_or_else(
            || match uri.scheme_str() {
                Some("https") => Some(443),
                Some("http") => Some(80),
                _ => None,
            },
            |port| Some(port.as_u16()),
        );
        // User information is no part of the origin, but no service has a reason to send some.
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        plain
            && uri.scheme_str() == Some(self.scheme())
            && uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
            && port == Some(self.port)
    }

    /// The URI that a service means by a URL in an answer: absolute, or with a path from the root.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) where the text is no such URL, or one of another origin: a request there
    /// would show it the endpoint's credentials.
    pub fn resolve(&self, url: &str) -> Result<Uri, Error> {
        let absolute = match url.starts_with('/') && !url.starts_with("//") {
            true => format!("{}{url}", self.origin()),
            false => url.to_owned(),
        };
        let absolute = absolute.split_once('#').map_or(absolute.as_str(), |(before, _)| before);
        let uri: Uri = absolute.parse().map_err(|error| {
            Error::decode("the service names a URL that is none").with_source(BoxError::from(error))
        })?;
        match self.is_origin_of(&uri) {
            true => Ok(uri),
            false => Err(Error::decode("the service names a URL of another origin, and nothing is sent there")),
        }
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
        None => {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            host.bytes().all(ok) && host.bytes().any(|b| b.is_ascii_alphanumeric())
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Endpoint, Error> {
        Endpoint::new(text)
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn endpoints() {
        for (text, written) in [
            ("hub.azure-devices.net", "https://hub.azure-devices.net"),
            ("HTTPS://Hub.Azure-Devices.net/", "https://hub.azure-devices.net"),
            ("https://hub:443", "https://hub"),
            ("hub:8443/a/b", "https://hub:8443/a/b"),
            ("http://localhost:80", "http://localhost"),
            ("http://127.9.8.7:1/x y", "http://127.9.8.7:1/x%20y"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(Endpoint::new(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn no_endpoints() {
        for text in [
            "",
            "https://",
            "ftp://hub",
            "https://user:pw@hub",
            "https://hub?a=b",
            "https://hub#a",
            "hub:",
            "hub:0",
            "hub:99999",
            "hub:+1",
            "a b",
            "<hub>.azure-devices.net",
            "https://hub/../x",
            "https://[::1",
            "[::g]",
            "https://hub\r\n",
            "hüb",
            "https://%68ub",
            "https:hub",
            "..",
            "https:///a",
            "http://127.0.0.1.evil.com",
            "http://hub",
            "http://0x7f.1",
            "http://128.0.0.1",
            "http://localhost.evil.com",
            "https://hub//a",
            "[::1]8080",
        ] {
            assert!(Endpoint::new(text).is_err(), "{text}");
        }
        assert!(Endpoint::allow_http("http://hub").is_ok());
        assert!(Endpoint::allow_http("http://u@hub").is_err());
    }

    #[test]
    fn what_a_service_names_stays_at_its_origin() {
        let hub = Endpoint::new("https://hub.example/base").unwrap();
        let resolved = |url: &str| hub.resolve(url).map(|uri| uri.to_string()).ok();
        assert_eq!(resolved("https://hub.example/a?b=c&d"), Some("https://hub.example/a?b=c&d".to_owned()));
        assert_eq!(resolved("https://HUB.example:443/a#x"), Some("https://HUB.example:443/a".to_owned()));
        assert_eq!(resolved("/a/b?c"), Some("https://hub.example/a/b?c".to_owned()));
        for other in [
            "",
            "a/b",
            "//evil.example/a",
            "http://hub.example/a",
            "http://hub.example:443/a",
            "https://hub.example:8443/a",
            "https://evil.example/a",
            "https://hub.example.evil.example/",
            "https://hub.example@evil.example/",
            "https://user:pw@hub.example/",
            "https://evil.example#hub.example",
            "https://evil.example\\@hub.example/",
            "https://hub.example\r\nx: y/",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            let error = hub.resolve(other).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Decode, "{other}");
        }
        let local = Endpoint::new("http://[::1]:8080").unwrap();
        assert!(local.resolve("http://[::1]:8080/x").is_ok() && local.resolve("http://[::1]/x").is_err());
    }

    #[test]
    fn an_error_does_not_repeat_a_password() {
        let error = Endpoint::new("https://user:hunter2@hub").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn an_endpoint_never_panics_and_reads_what_it_wrote(text in "(https?://)?\\PC{0,20}") {
            if let Ok(endpoint) = Endpoint::allow_http(&text) {
                prop_assert_eq!(Endpoint::allow_http(&endpoint.to_string()).unwrap(), endpoint.clone());
                prop_assert!(endpoint.to_string().parse::<http::Uri>().is_ok());
            }
        }
    }
}
