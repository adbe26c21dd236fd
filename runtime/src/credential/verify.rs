//! Tokens as a server sees them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use subtle::{Choice, ConstantTimeEq};

use super::key::SasKey;
use super::seconds;
use super::token::SasToken;
use crate::clock::Clock;
use crate::error::ParseError;
use crate::url::{is_dots, percent_decoded};

/// What a shared access policy allows.
///
/// Read and written as Azure Resource Manager writes them: names with commas between. To write the registry is to read
/// it.
///
/// ```
/// use specsmith_runtime::credential::Rights;
///
/// let rights: Rights = "RegistryWrite, ServiceConnect".parse()?;
/// assert!(rights.contains(Rights::REGISTRY_READ));
/// assert!(!rights.contains(Rights::DEVICE_CONNECT));
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// To read identities.
    pub const REGISTRY_READ: Rights = Rights(0b0001);
    /// To read and to write identities.
    pub const REGISTRY_WRITE: Rights = Rights(0b0011);
    /// To use what the back end uses: twins, methods, jobs and queries.
    pub const SERVICE_CONNECT: Rights = Rights(0b0100);
    /// To do what devices do, for any of them.
    pub const DEVICE_CONNECT: Rights = Rights(0b1000);

    // The greater ones first.
    const NAMES: [(Rights, &str); 4] = [
        (Rights::REGISTRY_WRITE, "RegistryWrite"),
        (Rights::REGISTRY_READ, "RegistryRead"),
        (Rights::SERVICE_CONNECT, "ServiceConnect"),
        (Rights::DEVICE_CONNECT, "DeviceConnect"),
    ];

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// Whether all of those are among these.
    pub const fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }
}

impl FromStr for Rights {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Rights, ParseError> {
        let right = |name: &str| {
            let known = Rights::NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name.trim()));
            known.map(|(right, _)| *right)
        };
        text.split(',').try_fold(Rights::default(), |all, name| Some(all.and(right(name)?))).ok_or(ParseError::new(
            "RegistryRead, RegistryWrite, ServiceConnect and DeviceConnect, or some of them, with commas between",
        ))
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Rights::default();
        for (right, name) in Rights::NAMES {
            if self.contains(right) && !said.contains(right) {
                f.write_str(if said == Rights::default() { "" } else { ", " })?;
                f.write_str(name)?;
                said = said.and(right);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// Whom a server takes a token to be from: it looks for [`SasToken::policy`] among its policies; a token without one is
/// from the device that the request's path names.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Signer<'a> {
    /// A shared access policy of the hub.
    Policy {
        /// Its name.
        name: &'a str,
        /// Its primary and its secondary key.
        keys: [&'a SasKey; 2],
        /// What it allows.
        rights: Rights,
    },
    /// An enabled device, which may do what devices do, for itself.
    Device {
        /// Its id.
        id: &'a str,
        /// Its primary and its secondary key.
        keys: [&'a SasKey; 2],
    },
    /// There is no such policy or device, or the device is disabled or has no keys.
    Unknown,
}

/// Why a token was refused.
///
/// That is for the server's own logs. The client is told the same for all of them (401; `Display` is one text), for the
/// differences would tell who guesses what to guess next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no token. [`verify`] does not say this, nor the next; they are for who reads the token.
    Missing,
    /// It is no token.
    Malformed,
    /// There is no such policy or device, or it is not the one that the token names.
    UnknownSigner,
    /// Neither key made this signature.
    WrongSignature,
    /// The token has run out.
    Expired,
    /// The token is for another hub, another device or another path.
    OutOfScope,
    /// The policy does not allow this, or a device asked for something that is not its own.
    NotAllowed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token does not allow this request")
    }
}

impl std::error::Error for Refusal {}

/// Whether a token allows a request to `host` and `path`, which needs these rights.
///
/// The host is the hub's name; a port is not looked at. The path is as it came, with its escapes and without the query.
/// Both keys are tried, also where the first fits, and the comparison takes as long whatever the signature: how long it
/// all takes does not depend on the keys.
///
/// ```
/// use specsmith_runtime::SystemClock;
/// use specsmith_runtime::credential::{Refusal, Rights, SasKey, SasToken, Signer, verify};
///
/// # let policy_keys: [SasKey; 2] = ["bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxl".parse()?, "bWFkZSB1cA==".parse()?];
/// # let authorization = policy_keys[0].token("my-hub.azure-devices.net", Some("service"), 4_102_444_800.into())?;
/// # let authorization = authorization.expose();
/// let token: SasToken = authorization.parse()?;
/// let signer = match token.policy() {
///     Some("service") => Signer::Policy {
///         name: "service",
///         keys: [&policy_keys[0], &policy_keys[1]],
///         rights: "ServiceConnect".parse()?,
///     },
///     _ => Signer::Unknown,
/// };
/// let ask = |path, rights| verify(&token, &signer, "my-hub.azure-devices.net", path, rights, &SystemClock);
/// assert_eq!(ask("/twins/thermostat-7", Rights::SERVICE_CONNECT), Ok(()));
/// assert_eq!(ask("/devices/thermostat-7", Rights::REGISTRY_READ), Err(Refusal::NotAllowed));
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
///
/// # Errors
///
/// The first reason that applies, in the order of [`Refusal`].
pub fn verify(
    token: &SasToken,
    signer: &Signer<'_>,
    host: &str,
    path: &str,
    needed: Rights,
    clock: &dyn Clock,
) -> Result<(), Refusal> {
    let (named, keys) = match *signer {
        Signer::Policy { name, keys, .. } => (token.policy() == Some(name), keys),
        Signer::Device { keys, .. } => (token.policy().is_none(), keys),
        Signer::Unknown => return Err(Refusal::UnknownSigner),
    };
    let signed = is_signed(token, keys);
    let allowed = match *signer {
        Signer::Policy { rights, .. } => rights.contains(needed),
        Signer::Device { id, .. } => Rights::DEVICE_CONNECT.contains(needed) && is_of_device(path, id),
        Signer::Unknown => false,
    };
    if !named {
        Err(Refusal::UnknownSigner)
    } else if !signed {
        Err(Refusal::WrongSignature)
    } else if token.expires_on().seconds() <= seconds(clock.now()) {
        Err(Refusal::Expired)
    } else if !covers(&token.scope, host, path) {
        Err(Refusal::OutOfScope)
    } else if !allowed {
        Err(Refusal::NotAllowed)
    } else {
        Ok(())
    }
}

fn is_signed(token: &SasToken, keys: [&SasKey; 2]) -> bool {
    // No `any`, which would stop at the first.
    let matches = keys.map(|key| token.signature.ct_eq(&key.sign(&token.scope, &token.expiry)));
    matches.into_iter().fold(Choice::from(0), |all, one| all | one).into()
}

fn is_of_device(path: &str, id: &str) -> bool {
    let mut segments = segments(path);
    segments.next().is_some_and(|first| first.eq_ignore_ascii_case("devices"))
        && segments.next().is_some_and(|second| *percent_decoded(second.as_bytes()) == *id.as_bytes())
}

/// Whether a token for this scope (`sr`, as it stands in the token) is for a request to `host` and `path`.
///
/// The scope is decoded once. Its host is compared without case and ports, its path with case and by whole segments,
/// and one slash at the end is not looked at. One old client encodes the scope twice, and in small letters: where that
/// shows, it is decoded twice and compared without case. A path with a segment `.` or `..` is covered by nothing.
///
/// ```
/// use specsmith_runtime::credential::covers;
///
/// assert!(covers("hub.example%2fdevices%2fd1", "hub.example", "/devices/d1/messages/events"));
/// assert!(!covers("hub.example%2fdevices%2fd1", "hub.example", "/devices/d10"));
/// ```
pub fn covers(scope: &str, host: &str, path: &str) -> bool {
    let once = percent_decoded(scope.as_bytes());
    // No slash yet, but escapes, which no host has: what stands behind the host, a path or a port, is encoded twice.
    let twice = !once.contains(&b'/') && once.contains(&b'%');
    let scope = if twice { Cow::Owned(percent_decoded(&once).into_owned()) } else { once };
    let scope = scope.strip_suffix(b"/").unwrap_or(&scope);
    let mut wanted = scope.split(|byte| *byte == b'/');
    let is_host =
        wanted.next().is_some_and(|name| without_port(name).eq_ignore_ascii_case(without_port(host.as_bytes())));
    if !is_host || host.is_empty() || segments(path).any(is_dots) {
        return false;
    }
    let mut given = segments(path).map(|segment| percent_decoded(segment.as_bytes()));
    wanted.all(|wanted| {
        given.next().is_some_and(|given| *given == *wanted || twice && given.eq_ignore_ascii_case(wanted))
    })
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/')
}

fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|byte| *byte == b':') {
        // The colons of an IPv6 address are in brackets.
        Some(at) if host.iter().skip(at + 1).all(u8::is_ascii_digit) => host.get(..at).unwrap_or(host),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{StoppedClock, reference};
    use super::*;
    use crate::time::UnixTime;
    use proptest::prelude::*;

    const HOST: &str = "hub.example";

    fn key(text: &str) -> SasKey {
        SasKey::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_reference_scope() {
        let Some(reference) = reference("sas-scope.json") else { return };
        let host = reference["host"].as_str().unwrap();
        let cases = reference["cases"].as_array().unwrap();
        assert!(cases.iter().any(|case| case["covers"] == true) && cases.iter().any(|case| case["covers"] == false));
        for case in cases {
            let (scope, path) = (case["sr"].as_str().unwrap(), case["path"].as_str().unwrap());
            assert_eq!(Some(covers(scope, host, path)), case["covers"].as_bool(), "{scope} {path}");
        }
    }

    #[test]
    fn scopes() {
        for (scope, host, path, covered) in [
            ("hub.example", HOST, "/devices/d1", true),
            ("HUB.example%3A8080", HOST, "/", true),
            ("hub.example%253a8080", HOST, "/jobs/j1", true),
            ("other.example%253a8080", HOST, "/jobs/j1", false),
            ("hub.example", "Hub.Example:8080", "", true),
            ("%5B%3A%3A1%5D", "[::1]:8080", "/devices/d1", true),
            ("hub.example/devices/d1", HOST, "/devices/d1/", true),
            ("hub.example%2Fdevices%2Fa%253a", HOST, "/devices/a%253a", true),
            // Encoded twice: in small letters.
            ("hub.example%252fdevices%252fa%25253a", HOST, "/devices/A%3A", false),
            ("hub.example%252fdevices%252fa%25253a", HOST, "/devices/A%253A/files", true),
            ("hub.example%252fdevices%252fa%253a", HOST, "/devices/A%3A/files", true),
            ("hub.example%252fdevices%252fd1", HOST, "/devices/d10", false),
            // An id that looks as if it were.
            ("hub.example%2Fdevices%2Fa%252fb", HOST, "/devices/a%252fb", true),
            ("hub.example%2Fdevices%2Fa%252fb", HOST, "/devices/A%252Fb", false),
            ("hub.example%2Fdevices%2Fa%252fb", HOST, "/devices/a/b", false),
            // A longer scope than the path.
            ("hub.example%2Fdevices%2Fd1", HOST, "/devices", false),
            ("hub.example%2Fdevices%2Fd1%2F%2F", HOST, "/devices/d1", false),
            // Segments that a router may take away.
            ("hub.example%2Fdevices%2Fd1", HOST, "/devices/d1/../d2", false),
            ("hub.example%2Fdevices%2Fd1", HOST, "/devices/d1/%2E%2e/d2", false),
            ("hub.example", HOST, "/./devices", false),
            ("", "", "/devices", false),
            ("/devices", "", "/devices", false),
            ("hub", HOST, "/", false),
            ("hub.example%2525", HOST, "/", false),
        ] {
            assert_eq!(covers(scope, host, path), covered, "{scope} {host} {path}");
        }
    }

    #[test]
    fn the_table() {
        use Refusal::*;
        let (one, two, other) = (key("one"), key("two"), key("other"));
        let policy = |rights| Signer::Policy { name: "p", keys: [&one, &two], rights };
        let device = Signer::Device { id: "a%b", keys: [&one, &two] };
        let all = Rights::REGISTRY_WRITE.and(Rights::SERVICE_CONNECT).and(Rights::DEVICE_CONNECT);
        let (hub, own, read) = (HOST, "hub.example/devices/a%b", Rights::REGISTRY_READ);
        let (registry, events) = ("/devices/d1", "/devices/a%25b/messages/events");
        let connect = Rights::DEVICE_CONNECT;
        for (signed_by, scope, name, signer, path, needed, outcome) in [
            (&one, hub, Some("p"), policy(all), registry, read, Ok(())),
            (&two, hub, Some("p"), policy(all), registry, read, Ok(())),
            (&other, hub, Some("p"), policy(all), registry, read, Err(WrongSignature)),
            (&one, hub, Some("q"), policy(all), registry, read, Err(UnknownSigner)),
            (&one, hub, None, policy(all), registry, read, Err(UnknownSigner)),
            (&one, hub, Some("p"), Signer::Unknown, registry, read, Err(UnknownSigner)),
            (&one, hub, Some("p"), policy(Rights::REGISTRY_WRITE), registry, read, Ok(())),
            (&one, hub, Some("p"), policy(read), registry, Rights::REGISTRY_WRITE, Err(NotAllowed)),
            (&one, hub, Some("p"), policy(Rights::SERVICE_CONNECT), registry, read, Err(NotAllowed)),
            (&one, "hub2.example", Some("p"), policy(all), registry, read, Err(OutOfScope)),
            (&one, own, Some("p"), policy(all), registry, read, Err(OutOfScope)),
            (&one, own, Some("p"), policy(all), events, connect, Ok(())),
            (&one, hub, Some("p"), policy(read), events, connect, Err(NotAllowed)),
            (&one, own, None, device, events, connect, Ok(())),
            (&two, own, None, device, events, connect, Ok(())),
            (&other, own, None, device, events, connect, Err(WrongSignature)),
            (&one, own, Some("p"), device, events, connect, Err(UnknownSigner)),
            (&one, own, None, device, "/devices/a%b", read, Err(NotAllowed)),
            // A device may well sign for the whole hub; it gets no more by that.
            (&one, hub, None, device, events, connect, Ok(())),
            (&one, hub, None, device, "/devices/d1/messages/events", connect, Err(NotAllowed)),
            (&one, hub, None, device, "/twins/a%25b", connect, Err(NotAllowed)),
        ] {
            let token = signed_by.token(scope, name, UnixTime::new(1000)).unwrap();
            let at = |now| verify(&token, &signer, HOST, path, needed, &StoppedClock::at(now));
            assert_eq!(at(999), outcome, "{token:?} {signer:?} {path}");
            let late = outcome.err().filter(|refusal| matches!(refusal, UnknownSigner | WrongSignature));
            assert_eq!(at(1000), Err(late.unwrap_or(Expired)), "{token:?} {signer:?} {path}");
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (one, two) = (key("one"), key("two"));
        let signer = Signer::Policy { name: "p", keys: [&one, &two], rights: Rights::REGISTRY_READ };
        let right = one.token("hub.example/devices", Some("p"), UnixTime::new(1000)).unwrap();
        let check = |text: &str| {
            let token: SasToken = text.parse().unwrap();
            verify(&token, &signer, HOST, "/devices", Rights::REGISTRY_READ, &StoppedClock::at(999))
        };
        assert_eq!(check(right.expose()), Ok(()));
        for (old, new) in
            [("se=1000", "se=1001"), ("se=1000", "se=01000"), ("%2Fdevices", "%2fdevices"), ("%2Fdevices", "")]
        {
            let changed = right.expose().replace(old, new);
            assert_ne!(changed, right.expose());
            assert_eq!(check(&changed), Err(Refusal::WrongSignature), "{changed}");
        }
        for signature in ["AA==", "AAAA"] {
            let changed = format!("SharedAccessSignature sr=hub.example&sig={signature}&se=1000&skn=p");
            assert_eq!(check(&changed), Err(Refusal::WrongSignature));
        }
    }

    #[test]
    fn clients_differ_in_hex_and_in_depth() {
        let (one, two) = (key("one"), key("two"));
        let signer = Signer::Policy { name: "p", keys: [&two, &one], rights: Rights::DEVICE_CONNECT };
        for scope in ["hub.example%2fdevices%2fd1", "hub.example%252fdevices%252fd1", "hub.example/devices/d1"] {
            use ::base64::Engine;
            let signature = ::base64::engine::general_purpose::STANDARD.encode(one.sign(scope, "1000"));
            // `/` and `=` bare, as some write them.
            let text = format!("SharedAccessSignature se=1000&skn=p&sig={}&sr={scope}", signature.replace('+', "%2B"));
            let token = text.parse().unwrap();
            let clock = StoppedClock::at(0);
            let checked = verify(&token, &signer, HOST, "/devices/d1/files", Rights::DEVICE_CONNECT, &clock);
            assert_eq!(checked, Ok(()), "{scope}");
        }
    }

    #[test]
    fn a_client_learns_nothing_from_a_refusal() {
        use Refusal::*;
        let texts = [Missing, Malformed, UnknownSigner, WrongSignature, Expired, OutOfScope, NotAllowed]
            .map(|refusal| refusal.to_string());
        assert!(texts.iter().all(|text| *text == texts[0]));
    }

    #[test]
    fn rights_as_resource_manager_writes_them() {
        for text in [
            "RegistryRead",
            "RegistryWrite",
            "ServiceConnect",
            "DeviceConnect",
            "RegistryWrite, ServiceConnect, DeviceConnect",
            "RegistryRead, DeviceConnect",
        ] {
            assert_eq!(text.parse::<Rights>().unwrap().to_string(), text);
        }
        let both: Rights = "RegistryRead, RegistryWrite".parse().unwrap();
        assert_eq!(both, Rights::REGISTRY_WRITE);
        assert_eq!("registrywrite,SERVICECONNECT".parse(), Ok(both.and(Rights::SERVICE_CONNECT)));
        for text in ["", "RegistryRead,", "Everything", "RegistryRead ServiceConnect"] {
            assert!(text.parse::<Rights>().is_err(), "{text}");
        }
        assert!(!Rights::default().contains(Rights::REGISTRY_READ) && Rights::default().to_string().is_empty());
    }

    proptest! {
        #[test]
        fn a_scope_covers_what_is_below_it(id in "[-:.+%_#*?!(),=@;$'a-zA-Z0-9]{1,20}", rest in "[a-z]{1,5}", other: bool) {
            prop_assume!(!is_dots(&id));
            let (mut scope, mut segment) = (String::new(), String::new());
            crate::url::encode(&mut scope, &format!("{HOST}/devices/{id}")).unwrap();
            crate::url::encode(&mut segment, &id).unwrap();
            let path = format!("/devices/{segment}/{rest}");
            prop_assert!(covers(&scope, HOST, &path));
            let further = format!("/devices/{segment}{rest}");
            prop_assert!(!covers(&scope, HOST, &further));
            let host = if other { "hub2.example" } else { "hub" };
            prop_assert!(!covers(&scope, host, &path));
        }

        #[test]
        fn never_panics(scope in "\\PC*|([a.:/]|%[2-5]?[0-9a-f]?){0,9}", host in "\\PC{0,9}|[\\[a:1.]{0,5}", path in "\\PC*|/(%2e|/|%25){0,5}") {
            covers(&scope, &host, &path);
            let _ = scope.parse::<Rights>();
        }
    }
}
