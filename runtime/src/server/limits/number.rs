//! Numbers by their digits: limits hold for what was written, not for the nearest float.

use std::cmp::Ordering;

/// A decimal number: `0.` and the digits, times ten to the power of `point`.
#[derive(Debug)]
pub(super) struct Number<'a> {
    negative: bool,
    /// The digits, of which neither the first nor the last is a zero: the ones before the point and those after it, as they are written.
    digits: [&'a [u8]; 2],
    point: i64,
}

impl<'a> Number<'a> {
    /// Reads a number as JSON has it.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let mut before = whole.trim_start_matches('0');
        let mut after = fraction.trim_end_matches('0');
        let mut places = before.len() as i64;
        if before.is_empty() {
            let zeros = after.len();
            after = after.trim_start_matches('0');
            places = after.len() as i64 - zeros as i64;
        }
        if after.is_empty() {
            before = before.trim_end_matches('0');
        }
        let point = exponent_of(exponent)?.saturating_add(places);
        Some(Self { negative, digits: [before.as_bytes(), after.as_bytes()], point })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        let [before, after] = self.digits;
        before.iter().chain(after).copied()
    }

    fn count(&self) -> i64 {
        let [before, after] = self.digits;
        (before.len() + after.len()) as i64
    }

    fn sign(&self) -> i8 {
        match (self.count(), self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// Whether it is so many times the factor as a whole number says; so is every number where the factor is zero or has more than 19 digits.
    pub(super) fn is_multiple_of(&self, factor: &Number<'_>) -> bool {
        let digits = factor.digits().try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(value(digit)));
        let Some(modulus) = digits.filter(|digits| *digits != 0).map(u128::from) else { return true };
        if self.sign() == 0 {
            return true;
        }
        let zeros = self.point.saturating_sub(self.count()).saturating_sub(factor.point - factor.count());
        // The last digit is none of the zeros that would be needed.
        let Ok(zeros) = u64::try_from(zeros) else { return false };
        let rest = self.digits().fold(0, |rest, digit| (rest * 10 + u128::from(value(digit))) % modulus);
        (rest * power_of_ten(zeros, modulus)).is_multiple_of(modulus)
    }
}

fn value(digit: u8) -> u64 {
    u64::from(digit.wrapping_sub(b'0'))
}

/// An exponent; a huge one stands for any that is more so.
fn exponent_of(text: &str) -> Option<i64> {
    const HUGE: i64 = i64::MAX / 4;
    let digits = text.trim_start_matches(['+', '-']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(HUGE).min(HUGE);
    Some(if text.starts_with('-') { -size } else { size })
}

/// Ten to this power, modulo a number of at most 64 bits.
fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut power, mut square) = (1 % modulus, 10 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * square % modulus;
        }
        square = square * square % modulus;
        exponent >>= 1;
    }
    power
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let size = || self.point.cmp(&other.point).then_with(|| self.digits().cmp(other.digits()));
        let order = self.sign().cmp(&other.sign()).then_with(|| match self.sign() {
            0 => Ordering::Equal,
            1 => size(),
            _ => size().reverse(),
        });
        Some(order)
    }
}
