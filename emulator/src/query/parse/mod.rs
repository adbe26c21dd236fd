//! From text to a query.
//!
//! The grammar is written with winnow's combinators over characters, without a lexer before it. Its errors are our own: each
//! kind of token notes, where it does not match, what was expected there ([`State`]), and the furthest place is where the
//! text is wrong, whatever was tried after it. What is well formed but wrong is said at once, and ends the parsing
//! ([`fault`]).

mod expression;
mod select;
mod token;

use winnow::Parser;
use winnow::combinator::terminated;
use winnow::error::{EmptyError, ErrMode};
use winnow::stream::{LocatingSlice, Location, Stateful};

use super::ast::{Expr, Select};
use super::error::ParseError;

/// How many characters a query may have: what the service takes. All lists are bounded by it.
pub(super) const MAX_CHARACTERS: usize = 8192;

/// How deep expressions and literals may be nested. All that goes through them calls itself that deep.
pub(super) const MAX_DEPTH: usize = 64;

type Input<'a> = Stateful<LocatingSlice<&'a str>, State>;
type Parsed<T> = Result<T, ErrMode<EmptyError>>;

/// What is noted on the way.
#[derive(Debug, Default)]
struct State {
    /// The furthest place at which something else was expected, and what.
    furthest: usize,
    expected: Vec<&'static str>,
    /// What is wrong beyond doubt.
    fault: Option<(usize, String)>,
    /// How many are open of what can be nested.
    open: usize,
    /// Where paths began with the name of a collection.
    prefixes: Vec<(usize, Prefix)>,
}

/// The collection with whose name a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    Devices,
    Modules,
    Jobs,
}

/// Parses a whole query.
pub(super) fn query(text: &str) -> Result<Select, ParseError> {
    run(text, select::query)
}

/// Parses what may stand after `WHERE` in a query of devices.
pub(super) fn condition(text: &str) -> Result<Expr, ParseError> {
    run(text, select::condition)
}

fn run<'a, T>(text: &'a str, grammar: fn(&mut Input<'a>) -> Parsed<T>) -> Result<T, ParseError> {
    if let Some((offset, _)) = text.char_indices().nth(MAX_CHARACTERS) {
        let message = format!("the text is too long: {MAX_CHARACTERS} characters are the most");
        return Err(ParseError::new(text, offset, message));
    }
    let mut input = Input { input: LocatingSlice::new(text), state: State::default() };
    match terminated(grammar, token::end).parse_next(&mut input) {
        Ok(parsed) => Ok(parsed),
        Err(_) => Err(explain(text, input.state)),
    }
}

fn explain(text: &str, state: State) -> ParseError {
    if let Some((offset, message)) = state.fault {
        return ParseError::new(text, offset, message);
    }
    let found = match text.get(state.furthest..).map(token::snippet) {
        None | Some("") => "the end".to_owned(),
        Some(token) => format!("`{}`", token.escape_debug()),
    };
    let expected = match state.expected.split_last() {
        None => "something else".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    };
    ParseError::new(text, state.furthest, format!("expected {expected}, found {found}"))
}

/// Notes what is wrong beyond doubt, and ends the parsing.
fn fault<T>(input: &mut Input<'_>, offset: usize, message: impl Into<String>) -> Parsed<T> {
    input.state.fault.get_or_insert((offset, message.into()));
    Err(ErrMode::Cut(EmptyError))
}

/// Says what a token is called: where it does not match, this was expected.
fn expected<'a, T>(
    what: &'static str,
    mut parser: impl FnMut(&mut Input<'a>) -> Parsed<T>,
) -> impl FnMut(&mut Input<'a>) -> Parsed<T> {
    move |input| {
        let start = input.current_token_start();
        let parsed = parser(input);
        if matches!(parsed, Err(ErrMode::Backtrack(_))) {
            let state = &mut input.state;
            if start > state.furthest {
                state.furthest = start;
                state.expected.clear();
            }
            if start == state.furthest && !state.expected.contains(&what) {
                state.expected.push(what);
            }
        }
        parsed
    }
}

/// Goes one level deeper for as long as the parser runs.
fn nested<'a, T>(input: &mut Input<'a>, parser: impl FnOnce(&mut Input<'a>) -> Parsed<T>) -> Parsed<T> {
    open(input)?;
    let parsed = parser(input)?;
    input.state.open -= 1;
    Ok(parsed)
}

fn open(input: &mut Input<'_>) -> Parsed<()> {
    if input.state.open == MAX_DEPTH {
        return too_deep(input);
    }
    input.state.open += 1;
    Ok(())
}

fn too_deep<T>(input: &mut Input<'_>) -> Parsed<T> {
    let offset = input.current_token_start();
    fault(input, offset, format!("nested too deep: {MAX_DEPTH} levels are the most"))
}
