//! Words, names, symbols and literals. All skip the blanks after them, except where it is said.

use winnow::Parser;
use winnow::combinator::{alt, eof, opt};
use winnow::error::EmptyError;
use winnow::stream::{Location, Stream};
use winnow::token::{any, literal, one_of, take_while};

use super::{Input, Parsed, expected, fault};
use crate::query::names;

pub(super) fn blanks(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

pub(super) fn end(input: &mut Input<'_>) -> Parsed<()> {
    expected("the end", |input| eof.void().parse_next(input))(input)
}

/// A symbol; what it is called is the symbol in backticks.
pub(super) fn symbol<'a>(called: &'static str) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    expected(called, move |input| (literal(called.trim_matches('`')), blanks).void().parse_next(input))
}

/// A word of the language, in any case.
pub(super) fn keyword<'a>(word: &'static str) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    expected(word, move |input| a_keyword(input, word))
}

/// A word of the language, not noted as expected.
pub(super) fn a_keyword(input: &mut Input<'_>, word: &str) -> Parsed<()> {
    bare_name.verify(|found: &str| found.eq_ignore_ascii_case(word)).void().parse_next(input)?;
    blanks(input)
}

/// A name without brackets; blanks after it are not skipped.
pub(super) fn bare_name<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    (one_of(names::begins_name), take_while(0.., names::is_in_name)).take().parse_next(input)
}

/// A name in double brackets, of which blanks after it are not skipped: anything but `]]`.
pub(super) fn bracketed_name<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    let start = input.current_token_start();
    literal("[[").parse_next(input)?;
    let rest = *input.input.as_ref();
    match rest.split_once("]]") {
        Some((name, _)) if !name.is_empty() => {
            let name = input.next_slice(name.len());
            literal("]]").parse_next(input)?;
            Ok(name)
        }
        Some(_) => fault(input, start, "there is no name between the brackets"),
        None => fault(input, start, "the brackets of this name are not closed"),
    }
}

/// Decimal with fraction and exponent, or hexadecimal. There is no sign: that is an operator.
pub(super) fn number(input: &mut Input<'_>) -> Parsed<f64> {
    let start = input.current_token_start();
    let text = alt((
        (literal("0"), one_of(['x', 'X']), take_while(1.., |c: char| c.is_ascii_hexdigit())).take(),
        (digits, fraction_and_exponent).take(),
    ))
    .parse_next(input)?;
    blanks(input)?;
    let number = match text.get(..2) {
        Some("0x" | "0X") => text.get(2..).and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(|n| n as f64),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    };
    match number {
        Some(number) => Ok(number),
        None => fault(input, start, "this number is too large"),
    }
}

pub(super) fn digits<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    take_while(1.., |c: char| c.is_ascii_digit()).parse_next(input)
}

fn fraction_and_exponent(input: &mut Input<'_>) -> Parsed<()> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digits);
    (opt((literal("."), digits)), opt(exponent)).void().parse_next(input)
}

/// A string in single or double quotes.
///
/// A quote in it is doubled or escaped: `\'`, `\"`, `\\` and `\uXXXX` are all the escapes that are documented.
pub(super) fn string(input: &mut Input<'_>) -> Parsed<Box<str>> {
    let start = input.current_token_start();
    let quote = one_of(['\'', '"']).parse_next(input)?;
    let mut text = String::new();
    loop {
        let plain: &str = take_while(0.., |c| c != quote && c != '\\').parse_next(input)?;
        text.push_str(plain);
        let at = input.current_token_start();
        let Ok(next) = any::<_, EmptyError>.parse_next(input) else {
            return fault(input, start, "this string is not closed");
        };
        if next == '\\' {
            text.push(escape(input, at)?);
        } else if input.input.as_ref().starts_with(quote) {
            any.void().parse_next(input)?;
            text.push(quote);
        } else {
            break;
        }
    }
    blanks(input)?;
    Ok(text.into_boxed_str())
}

/// What follows a backslash.
fn escape(input: &mut Input<'_>, at: usize) -> Parsed<char> {
    let c = match any.parse_next(input) {
        Ok(c @ ('\'' | '"' | '\\')) => Some(c),
        Ok('u') => unicode_escape(input),
        Ok(_) | Err(EmptyError) => None,
    };
    match c {
        Some(c) => Ok(c),
        None => fault(input, at, r#"unknown escape: there are `\'`, `\"`, `\\` and `\uXXXX`"#),
    }
}

/// Four digits, or two times four for a character that takes two.
fn unicode_escape(input: &mut Input<'_>) -> Option<char> {
    let first = four_digits(input)?;
    let units = if (0xD800..0xDC00).contains(&first) {
        literal::<_, _, EmptyError>(r"\u").parse_next(input).ok()?;
        vec![first, four_digits(input)?]
    } else {
        vec![first]
    };
    char::decode_utf16(units).next()?.ok()
}

fn four_digits(input: &mut Input<'_>) -> Option<u16> {
    let digits: &str = take_while::<_, _, EmptyError>(4..=4, |c: char| c.is_ascii_hexdigit()).parse_next(input).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// The token with which a text begins, for messages.
pub(super) fn snippet(text: &str) -> &str {
    const MOST: usize = 20;
    let Some(first) = text.chars().next() else { return "" };
    if !names::is_in_name(first) {
        return text.get(..first.len_utf8()).unwrap_or("");
    }
    let end = text.char_indices().take(MOST).take_while(|(_, c)| names::is_in_name(*c)).last();
    end.and_then(|(at, c)| text.get(..at + c.len_utf8())).unwrap_or("")
}
