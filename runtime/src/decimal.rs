//! Numbers of any size.

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;

/// A number of any size and precision, kept as its JSON text so that no digit is lost (RFC 8259 §6).
///
/// `==` compares the text: `1.0` is not `1.00`.
///
/// ```
/// use specsmith_runtime::Decimal;
///
/// let price: Decimal = "12345678901234567890.123456789".parse()?;
/// assert_eq!(price.to_string(), "12345678901234567890.123456789");
/// assert_eq!(Decimal::from(3).to_f64(), 3.0);
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// The number's JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest `f64`; infinite where the number is too large for one.
    pub fn to_f64(&self) -> f64 {
        // JSON's grammar of numbers is a part of what Rust reads as a float.
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl Default for Decimal {
    fn default() -> Decimal {
        Decimal::from(0)
    }
}

/// number = [ minus ] int [ frac ] [ exp ]
fn is_number(text: &str) -> bool {
    fn digits(text: &mut &[u8]) -> usize {
        let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
        *text = text.get(count..).unwrap_or_default();
        count
    }

    let mut rest = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let leading_zero = rest.first() == Some(&b'0');
    match digits(&mut rest) {
        0 => return false,
        1 => {}
        _ if leading_zero => return false,
        _ => {}
    }
    if let [b'.', after @ ..] = rest {
        rest = after;
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        rest = match after {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

impl FromStr for Decimal {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Decimal, ParseError> {
        match is_number(text) {
            true => Ok(Decimal(text.into())),
            false => Err(ParseError::new("a number as in JSON, such as -12.5 or 1e9")),
        }
    }
}

macro_rules! from_integer {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Decimal {
            fn from(number: $integer) -> Decimal {
                Decimal(number.to_string().into())
            }
        }
    )*};
}

from_integer!(i8 i16 i32 i64 i128 u8 u16 u32 u64 u128);

impl TryFrom<f64> for Decimal {
    type Error = ParseError;

    /// Every finite number; JSON has no text for the others.
    fn try_from(number: f64) -> Result<Decimal, ParseError> {
        match number.is_finite() {
            true => Ok(Decimal(number.to_string().into())),
            false => Err(ParseError::new("a finite number")),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_s_grammar() {
        for text in ["0", "-0", "1", "10", "-1.5", "0.0", "1e9", "1E+9", "1.25e-300", "1e999999"] {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), text);
        }
        for text in [
            "", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "0x1", "NaN", "inf", " 1", "1 ", "1,5", "--1", "1.e1",
            "٣",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn floats() {
        assert_eq!(Decimal::try_from(0.1).unwrap().as_str(), "0.1");
        assert!(Decimal::try_from(f64::NAN).is_err());
        assert_eq!("1e999".parse::<Decimal>().unwrap().to_f64(), f64::INFINITY);
        assert_eq!(Decimal::from(u128::MAX).as_str(), "340282366920938463463374607431768211455");
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?") {
            let json = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(text.parse::<Decimal>().is_ok(), json);
        }

        #[test]
        fn finite_floats_come_back(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            prop_assert_eq!(Decimal::try_from(number).unwrap().to_f64(), number);
        }
    }
}
