//! Keys that sign.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::token::SasToken;
use crate::error::{Error, ParseError};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::url::encode;

/// A key of a shared access policy or of a device, which signs tokens (HMAC-SHA256, RFC 2104).
///
/// It is not printed, cannot be read back, and is wiped from memory when dropped.
///
/// ```
/// use specsmith_runtime::credential::SasKey;
///
/// let key: SasKey = "bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxl".parse()?;
/// assert_eq!(format!("{key:?}"), "SasKey(..)");
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone)]
pub struct SasKey {
    // On the heap, so that moving the key leaves no copies of it.
    hashes: Arc<Hashes>,
}

/// HMAC's two hashes, each having read its pad; the key itself is not kept. Both wipe themselves, which the crate
/// `hmac` does not do with the pads.
struct Hashes {
    inner: Sha256,
    outer: Sha256,
}

impl Hashes {
    fn new(key: &[u8]) -> Hashes {
        // RFC 2104 §2, with SHA-256's block of 64 bytes.
        let mut pad = Zeroizing::new([0; 64]);
        let digest;
        let key = match key.len() > pad.len() {
            true => {
                digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key)));
                &digest[..]
            }
            false => key,
        };
        pad.iter_mut().zip(key).for_each(|(pad, key)| *pad = *key);
        let mut hash = |mask: u8| {
            pad.iter_mut().for_each(|byte| *byte ^= mask);
            Sha256::new_with_prefix(&pad[..])
        };
        Hashes { inner: hash(0x36), outer: hash(0x36 ^ 0x5c) }
    }

    fn mac(&self, pieces: &[&str]) -> [u8; 32] {
        let mut inner = self.inner.clone();
        pieces.iter().for_each(|piece| inner.update(piece));
        self.outer.clone().chain_update(inner.finalize()).finalize().into()
    }
}

impl SasKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// Where there are none: anybody could sign with that.
    pub fn from_bytes(bytes: &[u8]) -> Result<SasKey, ParseError> {
        match bytes.is_empty() {
            false => Ok(SasKey { hashes: Arc::new(Hashes::new(bytes)) }),
            true => Err(ParseError::new("a key of at least one byte")),
        }
    }

    /// The key of nobody, so that refusing whom one does not know takes as long as refusing others. Everybody knows it: what it signs is
    /// never to be let through.
    #[cfg(feature = "server")]
    pub(crate) fn of_nobody() -> SasKey {
        SasKey { hashes: Arc::new(Hashes::new(&[0])) }
    }

    /// A key as the service writes it, in base64 with padding (RFC 4648 §4).
    ///
    /// # Errors
    ///
    /// Where the text is something else, or empty. The error does not repeat it.
    pub fn from_base64(text: &str) -> Result<SasKey, ParseError> {
        let mut bytes = Zeroizing::new(vec![0; text.len()]);
        let length = STANDARD.decode_slice(text, &mut bytes).ok();
        match length.and_then(|length| bytes.get(..length)) {
            Some(bytes) if !bytes.is_empty() => SasKey::from_bytes(bytes),
            _ => Err(ParseError::new("a key in base64 with padding (RFC 4648 §4)")),
        }
    }

    /// The token that lets its bearer use `resource` until `expiry`: a host, or `host/devices/<id>`. The policy is the
    /// one whose key this is; `None` where it is a device's.
    ///
    /// ```
    /// use specsmith_runtime::credential::SasKey;
    /// use specsmith_runtime::time::UnixTime;
    ///
    /// let key: SasKey = "bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxl".parse()?;
    /// let token = key.token("my-hub.azure-devices.net/devices/a:b", None, UnixTime::new(1_893_456_000))?;
    /// assert!(token.expose().starts_with("SharedAccessSignature sr=my-hub.azure-devices.net%2Fdevices%2Fa%3Ab&sig="));
    /// # Ok::<(), specsmith_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where resource or policy are empty, or the expiry is before 1970.
    pub fn token(&self, resource: &str, policy: Option<&str>, expiry: UnixTime) -> Result<SasToken, Error> {
        // Resource, signature, expiry, policy: the order in which most clients write them, and the escapes of RFC 3986
        // §2.3.
        let mut text = String::from("SharedAccessSignature sr=");
        let start = text.len();
        encode(&mut text, &resource)?;
        let signature = {
            let scope = text.get(start..).unwrap_or_default();
            STANDARD.encode(self.sign(scope, &expiry.to_string()))
        };
        text.push_str("&sig=");
        encode(&mut text, &signature)?;
        text.push_str("&se=");
        encode(&mut text, &expiry)?;
        if let Some(policy) = policy {
            text.push_str("&skn=");
            encode(&mut text, &policy)?;
        }
        SasToken::parse(Secret::from(text)).map_err(Error::from)
    }

    /// The signature of a scope and an expiry, both as they stand in the token.
    pub(super) fn sign(&self, scope: &str, expiry: &str) -> [u8; 32] {
        self.hashes.mac(&[scope, "\n", expiry])
    }
}

impl FromStr for SasKey {
    type Err = ParseError;

    /// As [`SasKey::from_base64`].
    fn from_str(text: &str) -> Result<SasKey, ParseError> {
        SasKey::from_base64(text)
    }
}

impl TryFrom<&Secret> for SasKey {
    type Error = ParseError;

    /// As [`SasKey::from_base64`]: the keys in a device's identity are such secrets.
    fn try_from(text: &Secret) -> Result<SasKey, ParseError> {
        SasKey::from_base64(text.expose())
    }
}

impl fmt::Debug for SasKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SasKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hmac(key: &[u8], message: &str) -> String {
        Hashes::new(key).mac(&[message]).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn rfc_4231() {
        // §4.2, §4.3 and §4.7: a short key, a shorter one, and one longer than the block.
        assert_eq!(hmac(&[0x0b; 20], "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",);
        assert_eq!(
            hmac(b"Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        assert_eq!(
            hmac(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
    }

    #[test]
    fn a_key_of_one_block_is_taken_as_it_is() {
        // RFC 2104 §2: only a longer one is hashed first. Made with Python's hmac.
        assert_eq!(hmac(&[0x61; 64], "x"), "b65ca3a3235f948bc0e6bd747532c54a983b54ddad1a4d1bd8b958e065b1cab4");
        assert_eq!(hmac(&[0x61; 65], "x"), "5c8ad20f6d25c86ccfc9774f1c0ca49d3675f3a112d9905cce286e2636681b75");
    }

    // The expected tokens were made with Python's hmac, base64 and urllib.parse.quote.
    #[test]
    fn known_tokens() {
        let key: SasKey = "bWFkZSB1cCwgbm90IGEgc2VjcmV0".parse().unwrap();
        let expiry = UnixTime::new(4_102_444_800);
        let hub = key.token("made-up.example", Some("a b+c"), expiry).unwrap();
        assert_eq!(hub.expose(), HUB);
        let device = key.token("made-up.example/devices/x%1:(y)'$~", None, expiry).unwrap();
        assert_eq!(device.expose(), DEVICE);
    }
    const HUB: &str = "SharedAccessSignature sr=made-up.example&sig=hraJvWXiiMm4uudsep3ckSNtQfDNuYJ89QjBRMJxtG4%3D&se=4102444800&skn=a%20b%2Bc";
    const DEVICE: &str = "SharedAccessSignature sr=made-up.example%2Fdevices%2Fx%251%3A%28y%29%27%24~&sig=4MtQWtmq1wDtkytp8Fc2d9sdgF6tNzO9CHPCQmAESfI%3D&se=4102444800";

    #[test]
    fn no_keys() {
        for text in ["", "=", "====", "a", "Zm9vYg", "Zm9v YmFy", "Zm9vYg==\n", "Zm9vYh==", "_-8="] {
            assert!(text.parse::<SasKey>().is_err(), "{text}");
        }
        assert!(SasKey::from_bytes(&[]).is_err());
    }

    #[test]
    fn a_key_is_wiped_and_not_printed() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let key: SasKey = "aHVudGVyMg==".parse().unwrap();
        wiped(&key.hashes.inner);
        assert_eq!(format!("{key:?} {key:#?}"), "SasKey(..) SasKey(..)");
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*|[A-Za-z0-9+/]{0,9}={0,3}") {
            let _ = text.parse::<SasKey>();
        }
    }
}
