//! Tokens: what a key has signed.

use std::fmt;
use std::future::ready;

use ::base64::Engine;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use http::request::Parts as RequestParts;

use super::{Credential, header};
use crate::clock::Clock;
use crate::error::{Error, ParseError};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::transport::BoxFuture;
use crate::url::percent_decoded;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const FORM: ParseError = ParseError::new("SharedAccessSignature sr=...&sig=...&se=... and perhaps &skn=...");

/// A shared access signature: who signed it, for what, and until when.
///
/// It is a [`Credential`], for those who were given a token and no key, and what a server reads from a request to
/// [`verify`](super::verify). It is not printed, and its text is wiped from memory when dropped.
///
/// ```
/// use specsmith_runtime::credential::SasToken;
///
/// # let sig = "LPGgmBVNBXZ8L8T%2FoPcbUNyv6FZtxJCLR8nNbUDHVfE%3D";
/// # let text = format!("SharedAccessSignature sr=my-hub.azure-devices.net&sig={sig}&se=1893456000&skn=service");
/// let token: SasToken = text.parse()?;
/// assert_eq!((token.policy(), token.expires_on().seconds()), (Some("service"), 1_893_456_000));
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone)]
pub struct SasToken {
    text: Secret,
    /// As it stands in the token, which is what was signed.
    pub(super) scope: String,
    pub(super) signature: Vec<u8>,
    /// As it stands in the token, which is what was signed.
    pub(super) expiry: String,
    expires_on: UnixTime,
    policy: Option<String>,
}

impl SasToken {
    /// The token itself, which is the value of an `Authorization` header. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// From when on it is not valid any more.
    pub fn expires_on(&self) -> UnixTime {
        self.expires_on
    }

    /// The shared access policy whose key signed it; `None` where the key was a device's.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// The parts may come in any order; one of another name is not looked at.
    pub(super) fn parse(text: Secret) -> Result<SasToken, ParseError> {
        let (scheme, rest) = text.expose().split_once(' ').ok_or(FORM)?;
        if !scheme.eq_ignore_ascii_case("SharedAccessSignature") {
            return Err(FORM);
        }
        let [mut scope, mut signature, mut expiry, mut policy] = [None; 4];
        for part in rest.split('&') {
            let (name, value) = part.split_once('=').ok_or(FORM)?;
            let place = match name {
                "sr" => &mut scope,
                "sig" => &mut signature,
                "se" => &mut expiry,
                "skn" => &mut policy,
                _ => continue,
            };
            // Of two, which one counts would be anybody's guess.
            if value.is_empty() || place.replace(value).is_some() {
                return Err(FORM);
            }
        }
        let (Some(scope), Some(signature), Some(expiry)) = (scope, signature, expiry) else { return Err(FORM) };
        let expires_on = Some(expiry).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let policy = policy.map(|policy| String::from_utf8(percent_decoded(policy.as_bytes()).into_owned()));
        let mut bytes = Vec::new();
        BASE64.decode_vec(percent_decoded(signature.as_bytes()), &mut bytes).map_err(|_| FORM)?;
        Ok(SasToken {
            scope: scope.to_owned(),
            signature: bytes,
            expiry: expiry.to_owned(),
            expires_on: expires_on.ok_or(FORM)?.parse()?,
            policy: policy.transpose().map_err(|_| FORM)?,
            text,
        })
    }
}

impl std::str::FromStr for SasToken {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<SasToken, ParseError> {
        SasToken::parse(Secret::from(text))
    }
}

impl Credential for SasToken {
    fn authorization<'a>(
        &'a self,
        _: &'a RequestParts,
        _: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        // Also when it has run out: whose clock is right is for the service to say.
        Box::pin(ready(header(self.expose()).map(Some)))
    }
}

impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("SasToken");
        out.field("scope", &self.scope).field("expires_on", &self.expires_on).field("policy", &self.policy);
        out.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIG: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3D";

    #[test]
    fn parts_in_any_order() {
        for text in [
            format!("SharedAccessSignature sr=h%2fd&sig={SIG}&se=12&skn=a%20b%2B"),
            format!("sharedaccesssignature skn=a%20b%2b&se=12&new=1&sr=h%2fd&sig={SIG}"),
            format!("SharedAccessSignature sig={}&skn=a b+&se=12&sr=h%2fd", SIG.replace("%3D", "=")),
        ] {
            let token: SasToken = text.parse().unwrap();
            assert_eq!((token.scope.as_str(), token.expires_on.seconds(), token.policy()), ("h%2fd", 12, Some("a b+")));
            assert_eq!(token.signature, (0..32).collect::<Vec<u8>>());
            assert_eq!(token.expose(), text);
        }
    }

    #[test]
    fn no_tokens() {
        for rest in [
            "",
            "sr=h&se=12",
            "sr=h&sig=AA==",
            "sig=AA==&se=12",
            "sr=&sig=AA==&se=12",
            "sr=h&sig=AA==&se=12&skn=",
            "sr=h&sr=h&sig=AA==&se=12",
            "sr=h&sig=AA==&se=12&se=13",
            "sr=h&sig=AA==&se=+12",
            "sr=h&sig=AA==&se=-12",
            "sr=h&sig=AA==&se=1.5",
            "sr=h&sig=AA==&se=99999999999999999999",
            "sr=h&sig=A!==&se=12",
            "sr=h&sig=AA==&se=12&",
            "sr=h&sig=AA==&se=12&skn=%ff",
            " sr=h&sig=AA==&se=12x",
        ] {
            assert!(format!("SharedAccessSignature {rest}").parse::<SasToken>().is_err(), "{rest}");
        }
        assert!("Bearer sr=h&sig=AA==&se=12".parse::<SasToken>().is_err());
        assert!("SharedAccessSignature".parse::<SasToken>().is_err());
        assert!("SharedAccessSignature sr=h&sig=AA==&se=12".parse::<SasToken>().is_ok());
    }

    #[test]
    fn a_token_is_not_printed() {
        let token: SasToken = format!("SharedAccessSignature sr=h&sig={SIG}&se=12").parse().unwrap();
        assert!(!format!("{token:?}{token:#?}").contains("AAEC"), "{token:?}");
        let error = format!("SharedAccessSignature sr=h&sig={SIG}").parse::<SasToken>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("AAEC"), "{error}");
    }

    #[test]
    fn decoding_once() {
        for (text, decoded) in
            [("a", "a"), ("%2f%2F", "//"), ("%252f", "%2f"), ("%", "%"), ("%4", "%4"), ("%+1%zz+", "%+1%zz+")]
        {
            assert_eq!(percent_decoded(text.as_bytes()), decoded.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*|SharedAccessSignature (&?(sr|sig|se|skn)=[a-z0-9%=]{0,4}){0,5}") {
            let _ = text.parse::<SasToken>();
        }
    }
}
