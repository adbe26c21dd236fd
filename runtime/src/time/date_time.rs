//! Points in time as RFC 3339 writes them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::civil::{DAY, Scan, civil_from_days, clock, decimals_of, nanos, write_decimals};
use super::{Date, OutOfRange};
use crate::error::ParseError;

/// A point in time (RFC 3339; format `date-time`), in the years 0000 to 9999, to the nanosecond.
///
/// It also reads a time without offset, as services write it (`0001-01-01T00:00:00`), and takes it for UTC. It is
/// written as it was read: with the same offset, or none, and as many decimals, of which nine are kept. The
/// letters become capitals, a space between date and time a `T`, and a leap second (`:60`) the second after it.
///
/// Comparison and hash are those of the instant.
///
/// ```
/// use specsmith_runtime::time::DateTime;
///
/// let never: DateTime = "0001-01-01T00:00:00".parse()?;
/// assert_eq!(never, "0001-01-01T00:00:00.000Z".parse()?);
/// assert_eq!(never.to_string(), "0001-01-01T00:00:00");
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct DateTime {
    seconds: i64,
    nanos: u32,
    decimals: u8,
    offset: Offset,
}

#[derive(Clone, Copy)]
enum Offset {
    Absent,
    Z,
    /// East of Greenwich is positive.
    Minutes(i16),
}

impl DateTime {
    /// What a model is read into; overwritten at once.
    pub(crate) const BLANK: DateTime = DateTime { seconds: 0, nanos: 0, decimals: 0, offset: Offset::Z };

    /// The instant so many seconds (negative before 1970) and nanoseconds after 1970-01-01T00:00:00Z, to be written
    /// in UTC with as many decimals as it needs.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] where the year is not one of 0000 to 9999 or the nanoseconds are a second or more.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Result<DateTime, OutOfRange> {
        civil_from_days(seconds.div_euclid(DAY)).ok_or(OutOfRange)?;
        if nanoseconds >= 1_000_000_000 {
            return Err(OutOfRange);
        }
        Ok(DateTime { seconds, nanos: nanoseconds, decimals: decimals_of(nanoseconds), offset: Offset::Z })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down; leap seconds are not counted.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`unix_seconds`](DateTime::unix_seconds), less than a second.
    pub const fn subsec_nanoseconds(self) -> u32 {
        self.nanos
    }

    pub(crate) fn instant(self) -> (i64, u32) {
        (self.seconds, self.nanos)
    }

    pub(crate) fn from_instant(seconds: i64, nanos: u32) -> Result<DateTime, OutOfRange> {
        DateTime::from_unix(seconds, nanos)
    }

    fn scan(scan: &mut Scan<'_>) -> Option<DateTime> {
        let date = Date::scan(scan)?;
        if !matches!(scan.next()?, b'T' | b't' | b' ') {
            return None;
        }
        let hour = scan.number(2).filter(|hour| *hour < 24)?;
        scan.byte(b':')?;
        let minute = scan.number(2).filter(|minute| *minute < 60)?;
        scan.byte(b':')?;
        let second = scan.number(2).filter(|second| *second <= 60)?;
        let (nanos, decimals) = match scan.byte(b'.') {
            Some(()) => Some(scan.digits()).filter(|digits| !digits.is_empty()).map(nanos)?,
            None => (0, 0),
        };
        let offset = match scan.next() {
            None => Offset::Absent,
            Some(b'Z' | b'z') => Offset::Z,
            Some(sign @ (b'+' | b'-')) => {
                let hours = scan.number(2).filter(|hours| *hours < 24)?;
                scan.byte(b':')?;
                let minutes = hours * 60 + scan.number(2).filter(|minutes| *minutes < 60)?;
                let minutes = i16::try_from(minutes).ok()?;
                Offset::Minutes(if sign == b'+' { minutes } else { -minutes })
            }
            Some(_) => return None,
        };
        let local = date.days() * DAY + hour * 3600 + minute * 60 + second;
        // The last leap second that there could be would be in the year 10000.
        civil_from_days(local.div_euclid(DAY))?;
        let seconds = local - offset.seconds();
        Some(DateTime { seconds, nanos, decimals, offset })
    }
}

impl Offset {
    fn seconds(self) -> i64 {
        match self {
            Offset::Absent | Offset::Z => 0,
            Offset::Minutes(minutes) => i64::from(minutes) * 60,
        }
    }
}

impl FromStr for DateTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<DateTime, ParseError> {
        let mut scan = Scan::new(text);
        DateTime::scan(&mut scan)
            .filter(|_| scan.is_done())
            .ok_or(ParseError::new("a date and time as in RFC 3339, such as 2017-08-18T21:12:55Z"))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.seconds + self.offset.seconds();
        let date = Date::from_days(local.div_euclid(DAY)).map_err(|_| fmt::Error)?;
        let (hour, minute, second) = clock(local.rem_euclid(DAY));
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}")?;
        write_decimals(f, self.nanos, self.decimals)?;
        match self.offset {
            Offset::Absent => Ok(()),
            Offset::Z => f.write_str("Z"),
            Offset::Minutes(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({self})")
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &DateTime) -> bool {
        self.instant() == other.instant()
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &DateTime) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &DateTime) -> Ordering {
        self.instant().cmp(&other.instant())
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unix(text: &str) -> (i64, u32) {
        text.parse::<DateTime>().unwrap_or_else(|_| panic!("{text}")).instant()
    }

    // RFC 3339 §5.8, against `date -u -d … +%s`.
    #[test]
    fn the_rfc_s_examples() {
        assert_eq!(unix("1985-04-12T23:20:50.52Z"), (482_196_050, 520_000_000));
        assert_eq!(unix("1996-12-19T16:39:57-08:00"), (851_042_397, 0));
        assert_eq!(unix("1996-12-20T00:39:57Z"), (851_042_397, 0));
        assert_eq!(unix("1990-12-31T23:59:60Z"), (662_688_000, 0));
        assert_eq!(unix("1990-12-31T15:59:60-08:00"), (662_688_000, 0));
        assert_eq!(unix("1937-01-01T12:00:27.87+00:20"), (-1_041_337_173, 870_000_000));
    }

    // What services and old clients of theirs wrote.
    #[test]
    fn what_is_on_the_wire_comes_back_as_it_was() {
        for text in [
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00.000Z",
            "2017-08-03T12:00:00.1234567Z",
            "2026-01-02T03:04:05.287Z",
            "2026-01-02T03:04:44.17354Z",
            "2017-08-18T21:13:14.1165268Z",
            "2017-08-18T21:13:14.000000000+05:30",
            "2017-08-18T21:13:14-00:01",
            "0000-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.9999999-23:59",
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings() {
        for (text, written) in [
            ("2017-08-18t21:13:14z", "2017-08-18T21:13:14Z"),
            ("2017-08-18 21:13:14Z", "2017-08-18T21:13:14Z"),
            ("2017-08-18T21:13:14.1234567899Z", "2017-08-18T21:13:14.123456789Z"),
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn no_times() {
        for text in [
            "",
            "2017-08-18",
            "2017-08-18T",
            "2017-08-18T24:00:00Z",
            "2017-08-18T23:60:00Z",
            "2017-08-18T23:59:61Z",
            "2017-08-18T23:59:59.Z",
            "2017-08-18T23:59:59+0100",
            "2017-08-18T23:59:59+01",
            "2017-08-18T23:59:59+24:00",
            "2017-08-18T23:59:59Zx",
            "2017-02-29T00:00:00Z",
            "9999-12-31T23:59:60Z",
            "2017-08-18T23:59Z",
            "12017-08-18T23:59:59Z",
            "2017-08-18T23:59:59,5Z",
            "٢017-08-18T23:59:59Z",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn instants_are_compared() {
        let a: DateTime = "1996-12-19T16:39:57-08:00".parse().unwrap();
        let b: DateTime = "1996-12-20T00:39:57.000".parse().unwrap();
        assert_eq!(a, b);
        assert!(a < "1996-12-20T00:39:57.001".parse().unwrap());
    }

    #[test]
    fn from_unix_writes_what_it_needs() {
        let text = |nanos| DateTime::from_unix(0, nanos).unwrap().to_string();
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(120_000_000), "1970-01-01T00:00:00.12Z");
        assert_eq!(text(1), "1970-01-01T00:00:00.000000001Z");
        assert!(DateTime::from_unix(253_402_300_799, 0).is_ok());
        assert!(DateTime::from_unix(253_402_300_800, 0).is_err());
        assert!(DateTime::from_unix(0, 1_000_000_000).is_err());
        assert!(DateTime::from_unix(i64::MAX, 0).is_err() && DateTime::from_unix(i64::MIN, 0).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(seconds in -62_167_219_200i64..=253_402_300_799, nanos in 0u32..1_000_000_000) {
            let time = DateTime::from_unix(seconds, nanos).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn canonical_text_comes_back(
            text in "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]|-(0[1-9]|1[0-9]|2[0-3]):[0-5][0-9])?",
        ) {
            prop_assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
        }

        #[test]
        fn never_panics(text in "\\PC*|[0-9TZtz:.+ -]{0,36}") {
            if let Ok(time) = text.parse::<DateTime>() {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }
}
