//! Signatures that allow something with blobs, for a while: in the form of Azure's
//! [service SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas), version 2018-11-09.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use iothub::runtime::Secret;
use iothub::runtime::time::DateTime;
use sha2::Sha256;

use super::Refusal;
use super::names::{base64_parameter, encoded, parameter};

const VERSION: &str = "2018-11-09";

/// A container, and a blob in it if only that is meant.
pub(crate) type Place<'a> = (&'a str, Option<&'a str>);

/// What a signature allows: letters of `racwdl`.
#[derive(Debug)]
pub(super) struct Grant {
    permissions: String,
}

impl Grant {
    /// Refuses who has none of these permissions.
    pub(super) fn needs(&self, one_of: &str) -> Result<(), Refusal> {
        match self.permissions.chars().any(|permission| one_of.contains(permission)) {
            true => Ok(()),
            false => Err(Refusal::not_permitted()),
        }
    }
}

/// What is signed. Parts that these signatures never have are empty lines.
fn text(account: &str, place: Place<'_>, permissions: &str, expiry: &str) -> String {
    let (container, blob) = place;
    let account = account.to_ascii_lowercase();
    let (resource, kind) = match blob {
        Some(blob) => (format!("/blob/{account}/{container}/{blob}"), "b"),
        None => (format!("/blob/{account}/{container}"), "c"),
    };
    format!("{permissions}\n\n{expiry}\n{resource}\n\n\n\n{VERSION}\n{kind}\n\n\n\n\n\n")
}

fn mac(key: &Secret, text: &str) -> Option<Hmac<Sha256>> {
    let key = STANDARD.decode(key.expose()).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// The query of an address that allows something until some time.
pub(crate) fn sign(key: &Secret, account: &str, place: Place<'_>, permissions: &str, expiry: SystemTime) -> String {
    let seconds = expiry.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let expiry = DateTime::from_unix(seconds, 0).map(|time| time.to_string()).unwrap_or_default();
    let signature = mac(key, &text(account, place, permissions, &expiry)).map(|mac| mac.finalize().into_bytes());
    let signature = encoded(&STANDARD.encode(signature.unwrap_or_default()));
    let kind = if place.1.is_some() { "b" } else { "c" };
    format!("sv={VERSION}&sr={kind}&se={}&sp={permissions}&sig={signature}", encoded(&expiry))
}

/// What a query allows with a container or a blob.
///
/// # Errors
///
/// 401 where there is no signature, 403 where it is none that counts here and now.
pub(super) fn verify(
    key: Option<&Secret>,
    account: &str,
    place: Place<'_>,
    query: &str,
    now: SystemTime,
) -> Result<Grant, Refusal> {
    let signature = base64_parameter(query, "sig").ok_or_else(Refusal::no_token)?;
    let get = |name: &str| parameter(query, name).ok_or_else(Refusal::bad_token);
    let (version, kind, expiry, permissions) = (get("sv")?, get("sr")?, get("se")?, get("sp")?);
    let is_container = match (kind.as_str(), place.1) {
        ("c", _) => true,
        ("b", Some(_)) => false,
        _ => return Err(Refusal::bad_token()),
    };
    let signed = if is_container { (place.0, None) } else { place };
    let mac = key.and_then(|key| mac(key, &text(account, signed, &permissions, &expiry)));
    let is_right = STANDARD.decode(signature).is_ok_and(|signature| {
        // It takes as long whatever is wrong with it.
        mac.is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    });
    let expiry = expiry.parse::<DateTime>().ok().and_then(|expiry| SystemTime::try_from(expiry).ok());
    match is_right && version == VERSION && expiry.is_some_and(|expiry| now < expiry) {
        true => Ok(Grant { permissions }),
        false => Err(Refusal::bad_token()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    fn key() -> Secret {
        // Made up.
        Secret::from(STANDARD.encode("key of the signatures").to_owned())
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_signed() {
        let expected = "rw\n\n2030-01-01T00:00:00Z\n/blob/hub/abc/d/x y\n\n\n\n2018-11-09\nb\n\n\n\n\n\n";
        assert_eq!(text("Hub", ("abc", Some("d/x y")), "rw", "2030-01-01T00:00:00Z"), expected);
        // Lines: permissions, start, expiry, resource, identifier, IP, protocol, version, kind, snapshot, five headers.
        assert_eq!(expected.split('\n').count(), 15);
        // As Azure's SDK for JavaScript (@azure/storage-blob 12.8.0) signs the same.
        for (place, permissions, query) in [
            (("abc", None), "rwdl", "sr=c&sp=rwdl&sig=2Qe%2FJwcV6b5GtxinMbDtgSfo99XSC92GJgACPmHVnAw%3D"),
            (("abc", Some("d/x y")), "rw", "sr=b&sp=rw&sig=b%2BTDXUGY4ufBbnFd8MZ7qRnEbDqmcsdQBWjteIGpwTA%3D"),
        ] {
            let parts = |query: &str| query.split('&').map(str::to_owned).collect::<BTreeSet<_>>();
            let expected = parts(&format!("sv=2018-11-09&se=2030-01-01T00%3A00%3A00Z&{query}"));
            assert_eq!(parts(&sign(&key(), "hub", place, permissions, at(1_893_456_000))), expected);
        }
    }

    #[test]
    fn what_counts() {
        let now = at(1_000_000);
        let container = sign(&key(), "hub", ("abc", None), "r", at(1_000_060));
        let blob = sign(&key(), "hub", ("abc", Some("d/x")), "rw", at(1_000_060));
        let verified = |place: Place<'_>, query: &str, now: SystemTime| {
            verify(Some(&key()), "hub", place, query, now).map_err(|refusal| refusal.code())
        };
        for (place, query) in [
            (("abc", None), &container),
            (("abc", Some("d/x")), &container),
            (("abc", Some("d/x")), &blob),
            (("abc", Some("d/x")), &blob.replace("%3A", ":")),
            (("abc", Some("d/x")), &format!("comp=block&{blob}&api-version=2018-03-28")),
        ] {
            assert!(verified(place, query, now).is_ok(), "{place:?} {query}");
        }
        for (place, query) in [
            (("abd", None), container.clone()),
            (("abc", None), blob.clone()),
            (("abc", Some("d/y")), blob.clone()),
            (("abc", Some("d/x")), blob.replace("sr=b", "sr=c")),
            (("abc", Some("d/x")), blob.replace("sp=rw", "sp=rwd")),
            (("abc", Some("d/x")), blob.replace("2018", "2019")),
            (("abc", Some("d/x")), blob.replace("se=1970", "se=1971")),
            (("abc", Some("d/x")), blob.replace("sig=", "sig=A")),
            (("abc", Some("d/x")), "sig=".to_owned()),
            (("abc", Some("d/x")), "sv=2018-11-09&sr=b&se=9999-01-01T00:00:00Z&sp=rw&sig=".to_owned()),
        ] {
            assert_eq!(verified(place, &query, now).err(), Some("AuthenticationFailed"), "{place:?} {query}");
        }
        assert_eq!(verified(("abc", None), &container, at(1_000_060)).err(), Some("AuthenticationFailed"));
        assert_eq!(verified(("abc", None), "a=b", now).err(), Some("NoAuthenticationInformation"));
        let other = verify(None, "hub", ("abc", None), &container, now);
        assert_eq!(other.err().map(|refusal| refusal.code()), Some("AuthenticationFailed"));
        let other = verify(Some(&key()), "other", ("abc", None), &container, now);
        assert_eq!(other.err().map(|refusal| refusal.code()), Some("AuthenticationFailed"));
    }

    #[test]
    fn permissions() {
        let grant = Grant { permissions: "rw".to_owned() };
        assert!(grant.needs("r").is_ok() && grant.needs("cw").is_ok());
        assert_eq!(grant.needs("d").err().map(|refusal| refusal.code()), Some("AuthorizationPermissionMismatch"));
    }
}
