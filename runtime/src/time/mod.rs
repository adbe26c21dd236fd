//! Dates, times and durations as they are on the wire.
//!
//! Each type reads and writes one text form (or, [`UnixTime`], one number), keeps what the form says and converts to
//! [`std::time`]; behind the features `time`, `chrono` and `jiff` also to the types of those crates.

mod civil;
mod convert;
mod date_time;
mod duration;
mod rfc1123;

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;
use civil::{Scan, civil_from_days, days_in_month};

pub use date_time::DateTime;
pub use duration::Duration;
pub use rfc1123::Rfc1123;

/// A time or duration that the other type has no value for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time or duration is out of the type's range")
    }
}

impl std::error::Error for OutOfRange {}

/// Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted; negative before (format `unixtime`).
///
/// ```
/// use specsmith_runtime::time::UnixTime;
///
/// assert_eq!("1503091975".parse::<UnixTime>()?.seconds(), 1_503_091_975);
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// So many seconds since 1970.
    pub const fn new(seconds: i64) -> UnixTime {
        UnixTime(seconds)
    }

    /// The seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    pub(crate) fn instant(self) -> (i64, u32) {
        (self.0, 0)
    }

    pub(crate) fn from_instant(seconds: i64, _: u32) -> Result<UnixTime, OutOfRange> {
        Ok(UnixTime(seconds))
    }
}

impl From<i64> for UnixTime {
    fn from(seconds: i64) -> UnixTime {
        UnixTime(seconds)
    }
}

impl FromStr for UnixTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<UnixTime, ParseError> {
        let seconds = text.parse().ok().filter(|_| !text.starts_with('+'));
        seconds.map(UnixTime).ok_or(ParseError::new("whole seconds since 1970"))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A day of the calendar (`full-date` of RFC 3339 §5.6; format `date`), in the years 0000 to 9999.
///
/// ```
/// use specsmith_runtime::time::Date;
///
/// let day: Date = "2016-02-29".parse()?;
/// assert_eq!((day.year(), day.month(), day.day()), (2016, 2, 29));
/// assert!("2017-02-29".parse::<Date>().is_err());
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// What a model is read into; overwritten at once.
    pub(crate) const BLANK: Date = Date { year: 1970, month: 1, day: 1 };

    /// The day of this year (0 to 9999), month (1 to 12) and day of the month (from 1).
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] where the calendar has no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Date, OutOfRange> {
        let known = year <= 9999 && (1..=12).contains(&month);
        match known && (1..=days_in_month(year.into(), month)).contains(&day) {
            true => Ok(Date { year, month, day }),
            false => Err(OutOfRange),
        }
    }

    /// 0 to 9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01.
    fn days(self) -> i64 {
        civil::days_from_civil(self.year.into(), self.month, self.day)
    }

    /// The day so many days after 1970-01-01.
    fn from_days(days: i64) -> Result<Date, OutOfRange> {
        let (year, month, day) = civil_from_days(days).ok_or(OutOfRange)?;
        Ok(Date { year, month, day })
    }

    fn scan(scan: &mut Scan<'_>) -> Option<Date> {
        let year = scan.number(4)?;
        scan.byte(b'-')?;
        let month = scan.number(2)?;
        scan.byte(b'-')?;
        let day = scan.number(2)?;
        Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
    }
}

impl FromStr for Date {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Date, ParseError> {
        let mut scan = Scan::new(text);
        Date::scan(&mut scan)
            .filter(|_| scan.is_done())
            .ok_or(ParseError::new("a date as in RFC 3339, such as 2017-08-18"))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Date({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_s_days() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-03-01", 11_017),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
        ] {
            let date: Date = text.parse().unwrap();
            assert_eq!(date.days(), days, "{text}");
            assert_eq!(Date::from_days(days).unwrap(), date);
        }
        for text in [
            "1900-02-29",
            "2017-02-29",
            "2017-13-01",
            "2017-00-01",
            "2017-04-31",
            "2017-1-01",
            "2017-01-01Z",
            "",
            "+017-01-01",
            "2017-01-00",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert!("2000-02-29".parse::<Date>().is_ok());
        assert!(Date::from_days(2_932_897).is_err() && Date::from_days(i64::MIN).is_err());
    }

    #[test]
    fn seconds() {
        assert_eq!("-1".parse(), Ok(UnixTime::new(-1)));
        for text in ["", "+1", "1.5", "99999999999999999999", " 1"] {
            assert!(text.parse::<UnixTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(days in -719_528i64..=2_932_896, seconds: i64) {
            let date = Date::from_days(days).unwrap();
            prop_assert_eq!(date.days(), days);
            prop_assert_eq!(date.to_string().parse(), Ok(date));
            let time = UnixTime::new(seconds);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn never_panics(text in "\\PC*|[0-9-]{0,12}") {
            let _ = text.parse::<Date>();
            let _ = text.parse::<UnixTime>();
        }
    }
}
