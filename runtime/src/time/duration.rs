//! Durations as ISO 8601 writes them.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::OutOfRange;
use super::civil::{Scan, decimals_of, nanos, number};
use crate::error::ParseError;

/// A length of time (ISO 8601, as `duration` in RFC 3339 appendix A; format `duration`): `PT1H30M`, `P1DT0.5S`,
/// `P2W`, `-P1M`.
///
/// It is written as it was read. Its last part may have decimals, of which nine are kept, but years and months may
/// not. Years and months are no fixed time and stay apart: two durations are equal when they have the same sign, the
/// same months and the same seconds, so `P1Y` = `P12M` and `P1D` = `PT24H`, but `P1M` is no number of days.
///
/// ```
/// use specsmith_runtime::time::Duration;
///
/// let hour: Duration = "PT60M".parse()?;
/// assert_eq!(hour, Duration::from(std::time::Duration::from_secs(3600)));
/// assert_eq!(hour.to_string(), "PT60M");
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Duration {
    negative: bool,
    months: i64,
    seconds: i64,
    nanos: u32,
    text: Box<str>,
}

/// The parts in their order, with what each is worth and whether it stands after the `T`.
const PARTS: [(u8, Unit, bool); 7] = [
    (b'Y', Unit::Months(12), false),
    (b'M', Unit::Months(1), false),
    (b'W', Unit::Seconds(604_800), false),
    (b'D', Unit::Seconds(86_400), false),
    (b'H', Unit::Seconds(3600), true),
    (b'M', Unit::Seconds(60), true),
    (b'S', Unit::Seconds(1), true),
];

enum Unit {
    Months(i64),
    Seconds(i64),
}

impl Duration {
    /// Whether it begins with a minus.
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// Years and months, in months; without the sign.
    pub const fn months(&self) -> u64 {
        self.months.unsigned_abs()
    }

    /// All but years and months, in whole seconds; without the sign.
    pub const fn seconds(&self) -> u64 {
        self.seconds.unsigned_abs()
    }

    /// Nanoseconds beyond [`seconds`](Duration::seconds), less than a second; without the sign.
    pub const fn subsec_nanoseconds(&self) -> u32 {
        self.nanos
    }

    /// Sign, seconds and nanoseconds, where there are no months.
    pub(super) fn fixed(&self) -> Result<(bool, u64, u32), OutOfRange> {
        match self.months {
            0 => Ok((self.negative, self.seconds(), self.nanos)),
            _ => Err(OutOfRange),
        }
    }

    /// The longest duration where there are more seconds than it has.
    pub(super) fn from_fixed(negative: bool, seconds: u64, nanos: u32) -> Duration {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let negative = negative && (seconds, nanos) != (0, 0);
        let text = write(negative, seconds.unsigned_abs(), nanos).into();
        Duration { negative, months: 0, seconds, nanos, text }
    }

    fn read(text: &str) -> Option<Duration> {
        let mut scan = Scan::new(text);
        let negative = scan.byte(b'-').is_some();
        scan.byte(b'P')?;
        let (mut months, mut seconds, mut nanos) = (0i64, 0i64, 0u32);
        let mut parts = PARTS.iter();
        let (mut in_time, mut last) = (false, false);
        // A part must follow the `P`, and one the `T`.
        loop {
            in_time = in_time || scan.byte(b'T').is_some();
            let whole = number(scan.digits()).filter(|_| !last)?;
            let decimals = match scan.byte(b'.').or_else(|| scan.byte(b',')) {
                Some(()) => Some(scan.digits()).filter(|digits| !digits.is_empty())?,
                None => &[],
            };
            last = !decimals.is_empty();
            let letter = scan.next()?;
            let (_, unit, _) = parts.find(|(name, _, time)| (*name, *time) == (letter, in_time))?;
            match unit {
                Unit::Months(_) if last => return None,
                Unit::Months(worth) => months = months.checked_add(whole.checked_mul(*worth)?)?,
                Unit::Seconds(worth) => {
                    let (below, over) = fraction(decimals, *worth);
                    nanos = below;
                    seconds = seconds.checked_add(whole.checked_mul(*worth)?)?.checked_add(over)?;
                }
            }
            if scan.is_done() {
                break;
            }
        }
        Some(Duration { negative, months, seconds, nanos, text: text.into() })
    }

    fn value(&self) -> (bool, i64, i64, u32) {
        let value = (self.months, self.seconds, self.nanos);
        (self.negative && value != (0, 0, 0), value.0, value.1, value.2)
    }
}

/// Decimals of a unit worth so many seconds, in nanoseconds below a second and whole seconds.
fn fraction(decimals: &[u8], worth: i64) -> (u32, i64) {
    let total = i64::from(nanos(decimals).0) * worth;
    (u32::try_from(total % 1_000_000_000).unwrap_or_default(), total / 1_000_000_000)
}

fn write(negative: bool, seconds: u64, nanos: u32) -> String {
    let mut text = String::from(if negative { "-P" } else { "P" });
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // Writing to a string does not fail.
    let mut part = |lead: &str, count: u64, unit: char| {
        let _ = write!(text, "{lead}{count}{unit}");
    };
    if days > 0 {
        part("", days, 'D');
    }
    let mut lead = "T";
    for (count, unit) in [(hours, 'H'), (minutes, 'M')] {
        if count > 0 {
            part(std::mem::take(&mut lead), count, unit);
        }
    }
    if nanos > 0 {
        let decimals = usize::from(decimals_of(nanos));
        let shown = nanos / 10u32.pow(9 - decimals as u32);
        let _ = write!(text, "{lead}{rest}.{shown:0decimals$}S");
    } else if rest > 0 || seconds == 0 {
        part(lead, rest, 'S');
    }
    text
}

impl FromStr for Duration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Duration, ParseError> {
        Duration::read(text).ok_or(ParseError::new("a duration as in ISO 8601, such as PT1H30M"))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duration({})", self.text)
    }
}

impl PartialEq for Duration {
    fn eq(&self, other: &Duration) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Duration {}

impl Hash for Duration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> (bool, i64, i64, u32) {
        text.parse::<Duration>().unwrap_or_else(|_| panic!("{text}")).value()
    }

    #[test]
    fn parts() {
        assert_eq!(value("P1Y2M3DT4H5M6.789S"), (false, 14, 3 * 86_400 + 14_706, 789_000_000));
        assert_eq!(value("P2W"), (false, 0, 1_209_600, 0));
        assert_eq!(value("PT0S"), (false, 0, 0, 0));
        assert_eq!(value("-PT0S"), (false, 0, 0, 0));
        assert_eq!(value("-P1M"), (true, 1, 0, 0));
        assert_eq!(value("PT1M"), (false, 0, 60, 0));
        assert_eq!(value("PT0.5H"), (false, 0, 1800, 0));
        assert_eq!(value("PT1,25S"), (false, 0, 1, 250_000_000));
        assert_eq!(value("P0.000000001W"), (false, 0, 0, 604_800));
        assert_eq!(value("P10675199DT2H48M5.4775807S"), (false, 0, 922_337_203_685, 477_580_700));
    }

    #[test]
    fn no_durations() {
        for text in [
            "",
            "P",
            "-P",
            "PT",
            "P1DT",
            "P1",
            "1D",
            "PD",
            "P1H",
            "PT1D",
            "P1M1Y",
            "PT1S1M",
            "PT1M1M",
            "P1.5M",
            "P1.5Y",
            "PT1.5H1M",
            "PT1.S",
            "PT.5S",
            "p1d",
            "P-1D",
            "+P1D",
            "P1D ",
            "PTT1H",
            "P99999999999999999999D",
            "P9223372036854775807W",
            "P1TD",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn written_from_seconds() {
        for (seconds, nanos, text) in [
            (0, 0, "PT0S"),
            (1, 0, "PT1S"),
            (86_400, 0, "P1D"),
            (5_400, 0, "PT1H30M"),
            (90_061, 500_000_000, "P1DT1H1M1.5S"),
            (60, 1, "PT1M0.000000001S"),
            (0, 7_000, "PT0.000007S"),
        ] {
            let duration = Duration::from_fixed(false, seconds, nanos);
            assert_eq!(duration.to_string(), text);
            assert_eq!(text.parse::<Duration>().unwrap().fixed(), Ok((false, seconds, nanos)));
        }
        assert_eq!(Duration::from_fixed(true, 1, 0).to_string(), "-PT1S");
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(negative: bool, seconds in 0..i64::MAX as u64, nanos in 0u32..1_000_000_000) {
            let duration = Duration::from_fixed(negative, seconds, nanos);
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn never_panics_and_keeps_the_text(text in "\\PC*|-?P?[0-9YMWDTHS.,]{0,24}") {
            if let Ok(duration) = text.parse::<Duration>() {
                prop_assert_eq!(duration.to_string(), text);
            }
        }
    }
}
