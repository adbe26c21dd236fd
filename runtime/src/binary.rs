//! Bytes that travel as text (RFC 4648).

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use ::base64::Engine;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::error::ParseError;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT.with_encode_padding(false));

/// Bytes that travel as base64 text (RFC 4648 §4; formats `byte` and `base-64`).
///
/// Written with padding; read with or without.
///
/// ```
/// use specsmith_runtime::Base64;
///
/// let key: Base64 = "Zm9vYg".parse()?;
/// assert_eq!(&key[..], b"foob");
/// assert_eq!(key.to_string(), "Zm9vYg==");
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base64(Bytes);

/// Bytes that travel as base64 text of the alphabet for URLs (RFC 4648 §5; format `base64url`).
///
/// Written without padding; read with or without.
///
/// ```
/// use specsmith_runtime::Base64Url;
///
/// let token = Base64Url::from(vec![0xfb, 0xff]);
/// assert_eq!(token.to_string(), "-_8");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base64Url(Bytes);

macro_rules! text_of_bytes {
    ($name:ident, $engine:ident, $expected:literal) => {
        impl $name {
            /// The bytes, by value.
            pub fn into_bytes(self) -> Bytes {
                self.0
            }
        }

        impl Deref for $name {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<Vec<u8>> for $name {
            fn from(bytes: Vec<u8>) -> $name {
                $name(bytes.into())
            }
        }

        impl From<Bytes> for $name {
            fn from(bytes: Bytes) -> $name {
                $name(bytes)
            }
        }

        impl From<&[u8]> for $name {
            fn from(bytes: &[u8]) -> $name {
                $name(Bytes::copy_from_slice(bytes))
            }
        }

        impl<const N: usize> From<[u8; N]> for $name {
            fn from(bytes: [u8; N]) -> $name {
                $name(Bytes::copy_from_slice(&bytes))
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<$name, ParseError> {
                let bytes = $engine.decode(text).map_err(|_| ParseError::new($expected))?;
                Ok($name(bytes.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$engine.encode(&self.0))
            }
        }

        /// Says how many bytes there are, not which: they may be a key.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

text_of_bytes!(Base64, STANDARD, "base64 text (RFC 4648 §4)");
text_of_bytes!(Base64Url, URL_SAFE, "base64url text (RFC 4648 §5)");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 4648 §10.
    #[test]
    fn the_rfc_s_vectors() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(Base64::from(bytes.as_bytes()).to_string(), text);
            assert_eq!(&*text.parse::<Base64>().unwrap(), bytes.as_bytes());
            let bare = text.trim_end_matches('=');
            assert_eq!(&*bare.parse::<Base64>().unwrap(), bytes.as_bytes());
            assert_eq!(Base64Url::from(bytes.as_bytes()).to_string(), bare);
            assert_eq!(&*text.parse::<Base64Url>().unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn each_has_its_alphabet() {
        assert!("-_8".parse::<Base64>().is_err());
        assert!("+/8".parse::<Base64Url>().is_err());
        assert!("Zm9v\n".parse::<Base64>().is_err());
        assert!("Z".parse::<Base64>().is_err());
    }

    #[test]
    fn debug_does_not_show_the_bytes() {
        assert_eq!(format!("{:?}", Base64::from([1, 2, 3])), "Base64(3 bytes)");
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(bytes: Vec<u8>) {
            let value = Base64::from(bytes.clone());
            prop_assert_eq!(value.to_string().parse::<Base64>().unwrap(), value);
            let value = Base64Url::from(bytes);
            prop_assert_eq!(value.to_string().parse::<Base64Url>().unwrap(), value);
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = text.parse::<Base64>();
            let _ = text.parse::<Base64Url>();
        }
    }
}
