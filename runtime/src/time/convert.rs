//! To and from the time types of the standard library and of other crates.

use super::{DateTime, Duration, OutOfRange, Rfc1123, UnixTime};
use std::time::SystemTime;

type Std = std::time::Duration;

/// Conversions of a type that has `instant` and `from_instant`, in seconds and nanoseconds since 1970.
macro_rules! instants {
    ($($name:ident)*) => {$(
        impl TryFrom<SystemTime> for $name {
            type Error = OutOfRange;

            fn try_from(time: SystemTime) -> Result<$name, OutOfRange> {
                let (seconds, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
                    Ok(after) => (i64::try_from(after.as_secs()).ok(), after.subsec_nanos()),
                    Err(error) => {
                        let before = error.duration();
                        let borrow = i64::from(before.subsec_nanos() > 0);
                        let seconds = i64::try_from(before.as_secs()).ok();
                        let nanos = (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000;
                        (seconds.map(|seconds| -seconds - borrow), nanos)
                    }
                };
                $name::from_instant(seconds.ok_or(OutOfRange)?, nanos)
            }
        }

        impl TryFrom<$name> for SystemTime {
            type Error = OutOfRange;

            fn try_from(time: $name) -> Result<SystemTime, OutOfRange> {
                let (seconds, nanos) = time.instant();
                let whole = Std::from_secs(seconds.unsigned_abs());
                let start = match seconds < 0 {
                    true => SystemTime::UNIX_EPOCH.checked_sub(whole),
                    false => SystemTime::UNIX_EPOCH.checked_add(whole),
                };
                start.and_then(|start| start.checked_add(Std::new(0, nanos))).ok_or(OutOfRange)
            }
        }

        #[cfg(feature = "time")]
        impl TryFrom<::time::OffsetDateTime> for $name {
            type Error = OutOfRange;

            fn try_from(time: ::time::OffsetDateTime) -> Result<$name, OutOfRange> {
                $name::from_instant(time.unix_timestamp(), time.nanosecond())
            }
        }

        /// In UTC.
        #[cfg(feature = "time")]
        impl TryFrom<$name> for ::time::OffsetDateTime {
            type Error = OutOfRange;

            fn try_from(time: $name) -> Result<::time::OffsetDateTime, OutOfRange> {
                let (seconds, nanos) = time.instant();
                ::time::OffsetDateTime::from_unix_timestamp(seconds)
                    .and_then(|time| time.replace_nanosecond(nanos))
                    .map_err(|_| OutOfRange)
            }
        }

        #[cfg(feature = "chrono")]
        impl TryFrom<::chrono::DateTime<::chrono::Utc>> for $name {
            type Error = OutOfRange;

            fn try_from(time: ::chrono::DateTime<::chrono::Utc>) -> Result<$name, OutOfRange> {
                // In a leap second chrono counts the nanoseconds on.
                let nanos = time.timestamp_subsec_nanos().min(999_999_999);
                $name::from_instant(time.timestamp(), nanos)
            }
        }

        #[cfg(feature = "chrono")]
        impl TryFrom<$name> for ::chrono::DateTime<::chrono::Utc> {
            type Error = OutOfRange;

            fn try_from(time: $name) -> Result<::chrono::DateTime<::chrono::Utc>, OutOfRange> {
                let (seconds, nanos) = time.instant();
                ::chrono::DateTime::from_timestamp(seconds, nanos).ok_or(OutOfRange)
            }
        }

        #[cfg(feature = "jiff")]
        impl TryFrom<::jiff::Timestamp> for $name {
            type Error = OutOfRange;

            fn try_from(time: ::jiff::Timestamp) -> Result<$name, OutOfRange> {
                let nanos = time.as_nanosecond();
                let seconds = nanos.div_euclid(1_000_000_000).try_into().map_err(|_| OutOfRange)?;
                let nanos = nanos.rem_euclid(1_000_000_000).try_into().map_err(|_| OutOfRange)?;
                $name::from_instant(seconds, nanos)
            }
        }

        #[cfg(feature = "jiff")]
        impl TryFrom<$name> for ::jiff::Timestamp {
            type Error = OutOfRange;

            fn try_from(time: $name) -> Result<::jiff::Timestamp, OutOfRange> {
                let (seconds, nanos) = time.instant();
                let nanos = nanos.try_into().map_err(|_| OutOfRange)?;
                ::jiff::Timestamp::new(seconds, nanos).map_err(|_| OutOfRange)
            }
        }
    )*};
}

instants!(DateTime Rfc1123 UnixTime);

impl TryFrom<&Duration> for Std {
    type Error = OutOfRange;

    /// Fails where there are months or a minus.
    fn try_from(duration: &Duration) -> Result<Std, OutOfRange> {
        match duration.fixed()? {
            (false, seconds, nanos) | (true, seconds @ 0, nanos @ 0) => Ok(Std::new(seconds, nanos)),
            _ => Err(OutOfRange),
        }
    }
}

impl From<Std> for Duration {
    /// What is longer than 292 thousand million years becomes that.
    fn from(duration: Std) -> Duration {
        Duration::from_fixed(false, duration.as_secs(), duration.subsec_nanos())
    }
}

#[cfg(any(feature = "time", feature = "chrono", feature = "jiff"))]
mod foreign {
    use super::super::Date;
    use super::{Duration, OutOfRange};

    /// Conversions of a signed duration in seconds and nanoseconds of the same sign.
    #[allow(unused_macros, reason = "each feature uses it")]
    macro_rules! signed {
        ($name:ty, $seconds:expr, $nanos:expr, $new:expr) => {
            impl From<$name> for Duration {
                fn from(duration: $name) -> Duration {
                    let (seconds, nanos): (i64, i32) = ($seconds(&duration), $nanos(&duration));
                    let negative = seconds < 0 || nanos < 0;
                    Duration::from_fixed(negative, seconds.unsigned_abs(), nanos.unsigned_abs())
                }
            }

            impl TryFrom<&Duration> for $name {
                type Error = OutOfRange;

                /// Fails where there are months.
                fn try_from(duration: &Duration) -> Result<$name, OutOfRange> {
                    let (negative, seconds, nanos) = duration.fixed()?;
                    let seconds = i64::try_from(seconds).map_err(|_| OutOfRange)?;
                    let nanos = i32::try_from(nanos).map_err(|_| OutOfRange)?;
                    match negative {
                        true => $new(-seconds, -nanos),
                        false => $new(seconds, nanos),
                    }
                }
            }
        };
    }

    #[cfg(feature = "time")]
    mod with_time {
        use super::*;

        signed!(
            ::time::Duration,
            |it: &::time::Duration| it.whole_seconds(),
            |it: &::time::Duration| it.subsec_nanoseconds(),
            |seconds, nanos| Ok(::time::Duration::new(seconds, nanos))
        );

        impl TryFrom<::time::Date> for Date {
            type Error = OutOfRange;

            fn try_from(date: ::time::Date) -> Result<Date, OutOfRange> {
                let year = date.year().try_into().map_err(|_| OutOfRange)?;
                Date::new(year, date.month().into(), date.day())
            }
        }

        impl TryFrom<Date> for ::time::Date {
            type Error = OutOfRange;

            fn try_from(date: Date) -> Result<::time::Date, OutOfRange> {
                let month = date.month().try_into().map_err(|_| OutOfRange)?;
                ::time::Date::from_calendar_date(date.year().into(), month, date.day()).map_err(|_| OutOfRange)
            }
        }
    }

    #[cfg(feature = "chrono")]
    mod with_chrono {
        use super::*;
        use ::chrono::{Datelike, NaiveDate, TimeDelta};

        signed!(TimeDelta, TimeDelta::num_seconds, TimeDelta::subsec_nanos, |seconds: i64, nanos: i32| {
            TimeDelta::try_seconds(seconds)
                .and_then(|whole| whole.checked_add(&TimeDelta::nanoseconds(nanos.into())))
                .ok_or(OutOfRange)
        });

        impl TryFrom<NaiveDate> for Date {
            type Error = OutOfRange;

            fn try_from(date: NaiveDate) -> Result<Date, OutOfRange> {
                let part = |part: u32| u8::try_from(part).map_err(|_| OutOfRange);
                let year = date.year().try_into().map_err(|_| OutOfRange)?;
                Date::new(year, part(date.month())?, part(date.day())?)
            }
        }

        impl TryFrom<Date> for NaiveDate {
            type Error = OutOfRange;

            fn try_from(date: Date) -> Result<NaiveDate, OutOfRange> {
                let (month, day) = (date.month().into(), date.day().into());
                NaiveDate::from_ymd_opt(date.year().into(), month, day).ok_or(OutOfRange)
            }
        }
    }

    #[cfg(feature = "jiff")]
    mod with_jiff {
        use super::*;
        use ::jiff::SignedDuration;

        signed!(SignedDuration, SignedDuration::as_secs, SignedDuration::subsec_nanos, |seconds, nanos| Ok(
            SignedDuration::new(seconds, nanos)
        ));

        impl TryFrom<::jiff::civil::Date> for Date {
            type Error = OutOfRange;

            fn try_from(date: ::jiff::civil::Date) -> Result<Date, OutOfRange> {
                let part = |part: i8| u8::try_from(part).map_err(|_| OutOfRange);
                let year = date.year().try_into().map_err(|_| OutOfRange)?;
                Date::new(year, part(date.month())?, part(date.day())?)
            }
        }

        impl TryFrom<Date> for ::jiff::civil::Date {
            type Error = OutOfRange;

            fn try_from(date: Date) -> Result<::jiff::civil::Date, OutOfRange> {
                let part = |part: u8| i8::try_from(part).map_err(|_| OutOfRange);
                let year = date.year().try_into().map_err(|_| OutOfRange)?;
                ::jiff::civil::Date::new(year, part(date.month())?, part(date.day())?).map_err(|_| OutOfRange)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

    #[test]
    fn a_duration_with_months_is_no_fixed_time() {
        assert!(Std::try_from(&"P1M".parse::<Duration>().unwrap()).is_err());
        assert!(Std::try_from(&"-PT1S".parse::<Duration>().unwrap()).is_err());
        assert_eq!(Std::try_from(&"PT1.5S".parse().unwrap()), Ok(Std::from_millis(1500)));
        assert_eq!(Duration::from(Std::MAX).seconds(), i64::MAX.unsigned_abs());
    }

    proptest! {
        #[test]
        fn std_there_and_back(seconds in SECONDS, nanos in 0u32..1_000_000_000) {
            let time = DateTime::from_unix(seconds, nanos).unwrap();
            let there = SystemTime::try_from(time).unwrap();
            prop_assert_eq!(DateTime::try_from(there), Ok(time));
        }

        #[cfg(feature = "time")]
        #[test]
        fn time_there_and_back(seconds in SECONDS, nanos in 0u32..1_000_000_000, negative: bool) {
            let time = DateTime::from_unix(seconds, nanos).unwrap();
            let there = ::time::OffsetDateTime::try_from(time).unwrap();
            prop_assert_eq!(DateTime::try_from(there), Ok(time));
            let date = super::super::Date::from_days(seconds.div_euclid(86_400)).unwrap();
            prop_assert_eq!(::time::Date::try_from(date).unwrap().try_into(), Ok(date));
            prop_assert_eq!(::time::Date::try_from(date).unwrap(), there.date());
            let long = Duration::from_fixed(negative, seconds.unsigned_abs(), nanos);
            prop_assert_eq!(Duration::from(::time::Duration::try_from(&long).unwrap()), long);
        }

        #[cfg(feature = "chrono")]
        #[test]
        fn chrono_there_and_back(seconds in SECONDS, nanos in 0u32..1_000_000_000, negative: bool) {
            let time = DateTime::from_unix(seconds, nanos).unwrap();
            let there = ::chrono::DateTime::<::chrono::Utc>::try_from(time).unwrap();
            prop_assert_eq!(DateTime::try_from(there), Ok(time));
            let date = super::super::Date::from_days(seconds.div_euclid(86_400)).unwrap();
            prop_assert_eq!(::chrono::NaiveDate::try_from(date).unwrap().try_into(), Ok(date));
            prop_assert_eq!(::chrono::NaiveDate::try_from(date).unwrap(), there.date_naive());
            let long = Duration::from_fixed(negative, seconds.unsigned_abs(), nanos);
            prop_assert_eq!(Duration::from(::chrono::TimeDelta::try_from(&long).unwrap()), long);
        }

        #[cfg(feature = "jiff")]
        #[test]
        fn jiff_there_and_back(seconds in SECONDS, nanos in 0u32..1_000_000_000, negative: bool) {
            let time = DateTime::from_unix(seconds, nanos).unwrap();
            if let Ok(there) = ::jiff::Timestamp::try_from(time) {
                prop_assert_eq!(DateTime::try_from(there), Ok(time));
            }
            let date = super::super::Date::from_days(seconds.div_euclid(86_400)).unwrap();
            prop_assert_eq!(::jiff::civil::Date::try_from(date).unwrap().try_into(), Ok(date));
            let long = Duration::from_fixed(negative, seconds.unsigned_abs(), nanos);
            prop_assert_eq!(Duration::from(::jiff::SignedDuration::try_from(&long).unwrap()), long);
        }
    }
}
