//! Points in time as HTTP headers write them.

use std::fmt;
use std::str::FromStr;

use super::civil::{DAY, Scan, civil_from_days, clock, weekday};
use super::{Date, OutOfRange};
use crate::error::ParseError;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A point in time to the second, as in HTTP headers (IMF-fixdate, RFC 9110 §5.6.7; format `date-time-rfc1123`).
///
/// The day of the week is not held against the date; a right one is written.
///
/// ```
/// use specsmith_runtime::time::Rfc1123;
///
/// let time: Rfc1123 = "Fri, 18 Aug 2017 21:12:55 GMT".parse()?;
/// assert_eq!(time.unix_seconds(), 1_503_090_775);
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rfc1123(i64);

impl Rfc1123 {
    /// What a model is read into; overwritten at once.
    pub(crate) const BLANK: Rfc1123 = Rfc1123(0);

    /// The instant so many seconds (negative before 1970) after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] where the year is not one of 0000 to 9999.
    pub fn from_unix(seconds: i64) -> Result<Rfc1123, OutOfRange> {
        civil_from_days(seconds.div_euclid(DAY)).ok_or(OutOfRange)?;
        Ok(Rfc1123(seconds))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z; leap seconds are not counted.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    pub(crate) fn instant(self) -> (i64, u32) {
        (self.0, 0)
    }

    pub(crate) fn from_instant(seconds: i64, _: u32) -> Result<Rfc1123, OutOfRange> {
        Rfc1123::from_unix(seconds)
    }

    fn scan(scan: &mut Scan<'_>) -> Option<Rfc1123> {
        scan.one_of(&WEEKDAYS)?;
        scan.text(", ")?;
        let day = scan.number(2)?.try_into().ok()?;
        scan.byte(b' ')?;
        let month = u8::try_from(scan.one_of(&MONTHS)? + 1).ok()?;
        scan.byte(b' ')?;
        let date = Date::new(scan.number(4)?.try_into().ok()?, month, day).ok()?;
        scan.byte(b' ')?;
        let hour = scan.number(2).filter(|hour| *hour < 24)?;
        scan.byte(b':')?;
        let minute = scan.number(2).filter(|minute| *minute < 60)?;
        scan.byte(b':')?;
        let second = scan.number(2).filter(|second| *second <= 60)?;
        scan.text(" GMT")?;
        Rfc1123::from_unix(date.days() * DAY + hour * 3600 + minute * 60 + second).ok()
    }
}

impl FromStr for Rfc1123 {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Rfc1123, ParseError> {
        let mut scan = Scan::new(text);
        Rfc1123::scan(&mut scan)
            .filter(|_| scan.is_done())
            .ok_or(ParseError::new("a date and time as in RFC 9110 §5.6.7, such as Fri, 18 Aug 2017 21:12:55 GMT"))
    }
}

impl fmt::Display for Rfc1123 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(DAY);
        let (year, month, day) = civil_from_days(days).ok_or(fmt::Error)?;
        let month = MONTHS.get(usize::from(month) - 1).ok_or(fmt::Error)?;
        let weekday = WEEKDAYS.get(weekday(days)).ok_or(fmt::Error)?;
        let (hour, minute, second) = clock(self.0.rem_euclid(DAY));
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

impl fmt::Debug for Rfc1123 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rfc1123({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rfc_s_example() {
        let time: Rfc1123 = "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap();
        assert_eq!(time.unix_seconds(), 784_111_777);
        assert_eq!(time.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Rfc1123::from_unix(0).unwrap().to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(Rfc1123::from_unix(-1).unwrap().to_string(), "Wed, 31 Dec 1969 23:59:59 GMT");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Fri, 31 Dec 9999 23:59:60 GMT",
        ] {
            assert!(text.parse::<Rfc1123>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(seconds in -62_167_219_200i64..=253_402_300_799) {
            let time = Rfc1123::from_unix(seconds).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn never_panics(text in "\\PC*|(Mon|Sun), [0-9]{2} (Jan|Feb) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
            let _ = text.parse::<Rfc1123>();
        }
    }
}
