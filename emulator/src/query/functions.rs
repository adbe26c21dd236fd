//! The functions of the language.

use std::borrow::Cow;

use super::eval::Val;

/// A function of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    AsNumber,
    Ceiling,
    Concat,
    Contains,
    EndsWith,
    Exp,
    Floor,
    IndexOf,
    IsArray,
    IsBool,
    IsDefined,
    IsNull,
    IsNumber,
    IsObject,
    IsPrimitive,
    IsString,
    Length,
    Lower,
    Power,
    Sign,
    Sqrt,
    Square,
    StartsWith,
    Substring,
    Upper,
}

/// Each function's name, and how many arguments it takes at least and at most.
pub(crate) const TABLE: [(Function, &str, usize, usize); 26] = [
    (Function::Abs, "ABS", 1, 1),
    (Function::AsNumber, "AS_NUMBER", 1, 1),
    (Function::Ceiling, "CEILING", 1, 1),
    (Function::Concat, "CONCAT", 2, usize::MAX),
    (Function::Contains, "CONTAINS", 2, 2),
    (Function::EndsWith, "ENDS_WITH", 2, 2),
    (Function::Exp, "EXP", 1, 1),
    (Function::Floor, "FLOOR", 1, 1),
    (Function::IndexOf, "INDEX_OF", 2, 2),
    (Function::IsArray, "IS_ARRAY", 1, 1),
    (Function::IsBool, "IS_BOOL", 1, 1),
    (Function::IsDefined, "IS_DEFINED", 1, 1),
    (Function::IsNull, "IS_NULL", 1, 1),
    (Function::IsNumber, "IS_NUMBER", 1, 1),
    (Function::IsObject, "IS_OBJECT", 1, 1),
    (Function::IsPrimitive, "IS_PRIMITIVE", 1, 1),
    (Function::IsString, "IS_STRING", 1, 1),
    (Function::Length, "LENGTH", 1, 1),
    (Function::Lower, "LOWER", 1, 1),
    (Function::Power, "POWER", 2, 2),
    (Function::Sign, "SIGN", 1, 1),
    (Function::Sqrt, "SQRT", 1, 1),
    (Function::Square, "SQUARE", 1, 1),
    (Function::StartsWith, "STARTS_WITH", 2, 2),
    (Function::Substring, "SUBSTRING", 2, 3),
    (Function::Upper, "UPPER", 1, 1),
];

impl Function {
    /// The function of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, ..)| known.eq_ignore_ascii_case(name)).map(|(function, ..)| *function)
    }

    pub(crate) fn name(self) -> &'static str {
        self.entry().0
    }

    /// How many arguments it takes, at least and at most.
    pub(crate) fn arity(self) -> (usize, usize) {
        let (_, least, most) = self.entry();
        (least, most)
    }

    fn entry(self) -> (&'static str, usize, usize) {
        TABLE
            .iter()
            .find(|(function, ..)| *function == self)
            .map_or(("", 0, 0), |(_, name, least, most)| (*name, *least, *most))
    }

    /// Calls it. `argument(n)` is the n-th argument; those that are not there are undefined.
    ///
    /// A value of a type that a function is not made for gives undefined. The `IS_` functions are made for all, and are
    /// never undefined.
    pub(crate) fn call<'a>(self, count: usize, argument: impl Fn(usize) -> Val<'a>) -> Val<'a> {
        let first = argument(0);
        match self {
            Self::IsArray => Val::Bool(matches!(first, Val::Array)),
            Self::IsBool => Val::Bool(matches!(first, Val::Bool(_))),
            Self::IsDefined => Val::Bool(!matches!(first, Val::Undefined)),
            Self::IsNull => Val::Bool(matches!(first, Val::Null)),
            Self::IsNumber => Val::Bool(matches!(first, Val::Number(_))),
            Self::IsObject => Val::Bool(matches!(first, Val::Object)),
            Self::IsPrimitive => Val::Bool(!matches!(first, Val::Undefined | Val::Array | Val::Object)),
            Self::IsString => Val::Bool(matches!(first, Val::String(_))),
            Self::AsNumber => as_number(first),
            Self::Abs
            | Self::Ceiling
            | Self::Exp
            | Self::Floor
            | Self::Power
            | Self::Sign
            | Self::Sqrt
            | Self::Square => match first {
                Val::Number(number) => self.of_number(number, argument),
                _ => Val::Undefined,
            },
            Self::Concat => concat(first, count, argument),
            Self::Length | Self::Lower | Self::Upper | Self::Substring => match first {
                Val::String(text) => self.of_text(text, count, argument),
                _ => Val::Undefined,
            },
            Self::Contains | Self::EndsWith | Self::IndexOf | Self::StartsWith => match (first, argument(1)) {
                (Val::String(text), Val::String(part)) => self.of_part(&text, &part),
                _ => Val::Undefined,
            },
        }
    }

    fn of_number<'a>(self, number: f64, argument: impl Fn(usize) -> Val<'a>) -> Val<'a> {
        Val::number(match self {
            Self::Abs => number.abs(),
            Self::Ceiling => number.ceil(),
            Self::Exp => number.exp(),
            Self::Floor => number.floor(),
            Self::Power => match argument(1) {
                Val::Number(exponent) => number.powf(exponent),
                _ => return Val::Undefined,
            },
            Self::Sign if number == 0.0 => 0.0,
            Self::Sign => number.signum(),
            Self::Sqrt => number.sqrt(),
            _ => number * number,
        })
    }

    fn of_text<'a>(self, text: Cow<'a, str>, count: usize, argument: impl Fn(usize) -> Val<'a>) -> Val<'a> {
        match self {
            Self::Length => characters(&text),
            Self::Lower => Val::String(text.to_lowercase().into()),
            Self::Upper => Val::String(text.to_uppercase().into()),
            _ => {
                let length = if count > 2 { whole(&argument(2)) } else { Some(usize::MAX) };
                let (Some(start), Some(length)) = (whole(&argument(1)), length) else { return Val::Undefined };
                Val::String(text.chars().skip(start).take(length).collect::<String>().into())
            }
        }
    }

    fn of_part<'a>(self, text: &str, part: &str) -> Val<'a> {
        match self {
            Self::Contains => Val::Bool(text.contains(part)),
            Self::EndsWith => Val::Bool(text.ends_with(part)),
            Self::StartsWith => Val::Bool(text.starts_with(part)),
            _ => match text.split_once(part) {
                Some((before, _)) => characters(before),
                None => Val::Number(-1.0),
            },
        }
    }
}

/// How many characters there are.
fn characters<'a>(text: &str) -> Val<'a> {
    Val::Number(text.chars().count() as f64)
}

/// A count of characters, rounded down; negative ones are none.
fn whole(value: &Val<'_>) -> Option<usize> {
    match value {
        // As large as it may be: `as` ends at the largest.
        Val::Number(number) if *number >= 0.0 => Some(*number as usize),
        _ => None,
    }
}

fn concat<'a>(first: Val<'a>, count: usize, argument: impl Fn(usize) -> Val<'a>) -> Val<'a> {
    let Val::String(first) = first else { return Val::Undefined };
    let mut text = first.into_owned();
    for n in 1..count {
        match argument(n) {
            Val::String(next) => text.push_str(&next),
            _ => return Val::Undefined,
        }
    }
    Val::String(text.into())
}

fn as_number(value: Val<'_>) -> Val<'_> {
    match value {
        Val::String(text) => text.parse().map_or(Val::Undefined, Val::number),
        Val::Number(number) => Val::Number(number),
        _ => Val::Undefined,
    }
}
