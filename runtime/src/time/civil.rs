//! Days of the proleptic Gregorian calendar, and a reader of fixed forms.

pub(super) const DAY: i64 = 86_400;

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so
/// that the leap day is the last).
pub(super) fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day, where the year is one of 0 to 9999.
pub(super) fn civil_from_days(days: i64) -> Option<(u16, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return None;
    }
    Some((year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?))
}

pub(super) fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 to the day of the week, 0 = Monday.
pub(super) fn weekday(days: i64) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((days + 3).rem_euclid(7)).unwrap_or_default()
}

/// Hours, minutes and seconds of a second of the day.
pub(super) fn clock(second_of_day: i64) -> (i64, i64, i64) {
    (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)
}

/// Reads text from the front.
pub(super) struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Scan<'a> {
        Scan(text.as_bytes())
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Takes this byte, if it comes next.
    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    pub(super) fn text(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// All digits that come next, perhaps none.
    pub(super) fn digits(&mut self) -> &'a [u8] {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits
    }

    /// A number of exactly so many digits.
    pub(super) fn number(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        number(digits)
    }

    /// Which of these words comes next.
    pub(super) fn one_of(&mut self, words: &[&str]) -> Option<usize> {
        words.iter().position(|word| self.text(word).is_some())
    }
}

/// The value of decimal digits, where there are any, nothing else and not too many.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0i64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Decimals of a second in nanoseconds, cut after the ninth, with how many are kept.
pub(super) fn nanos(decimals: &[u8]) -> (u32, u8) {
    let kept = decimals.len().min(9);
    let digit = |at: usize| decimals.get(at).map_or(0, |byte| u32::from(byte - b'0'));
    let nanos = (0..9).fold(0, |sum, at| sum * 10 + digit(at));
    (nanos, kept as u8)
}

/// Writes nanoseconds with so many decimals after a point, or nothing where that is none.
pub(super) fn write_decimals(f: &mut std::fmt::Formatter<'_>, nanos: u32, decimals: u8) -> std::fmt::Result {
    match decimals {
        0 => Ok(()),
        decimals => {
            let shown = nanos / 10u32.pow(9u32.saturating_sub(decimals.into()));
            write!(f, ".{shown:0width$}", width = usize::from(decimals))
        }
    }
}

/// The fewest decimals that say this many nanoseconds.
pub(super) fn decimals_of(nanos: u32) -> u8 {
    let mut rest = nanos;
    let mut decimals = 9;
    while decimals > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        decimals -= 1;
    }
    decimals
}
