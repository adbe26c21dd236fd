//! Expressions, by the powers of their operators (a Pratt parser, which is winnow's).

use winnow::Parser;
use winnow::combinator::{Infix, Postfix, Prefix as Before, alt, expression, fail, opt, peek, separated};
use winnow::error::{EmptyError, ErrMode};
use winnow::stream::Location;
use winnow::token::{any, literal};

use super::token::{a_keyword, bare_name, blanks, bracketed_name, digits, number, string, symbol};
use super::{Input, MAX_DEPTH, Parsed, Prefix, expected, fault, nested, open, too_deep};
use crate::query::ast::{Aggregate, Comparison, Expr, Literal, Operator, Path};
use crate::query::functions::Function;
use crate::query::names;
use crate::query::row::Step;

/// How firmly operators hold their operands.
mod power {
    pub(super) const OR: i64 = 10;
    pub(super) const AND: i64 = 20;
    pub(super) const NOT: i64 = 30;
    pub(super) const COMPARISON: i64 = 40;
    pub(super) const SUM: i64 = 50;
    pub(super) const PRODUCT: i64 = 60;
    pub(super) const SIGN: i64 = 70;
}

/// An expression, and how deep it is.
struct Node {
    expr: Expr,
    depth: usize,
}

impl Node {
    fn leaf(expr: Expr) -> Self {
        Self { expr, depth: 1 }
    }
}

/// An expression.
pub(super) fn expr(input: &mut Input<'_>) -> Parsed<Expr> {
    node(input).map(|node| node.expr)
}

fn node(input: &mut Input<'_>) -> Parsed<Node> {
    expression(operand).prefix(prefix).postfix(postfix).infix(infix).parse_next(input)
}

fn operand(input: &mut Input<'_>) -> Parsed<Node> {
    expected("a value", |input| match peek(any).parse_next(input)? {
        '(' => nested(input, |input| {
            symbol("`(`")(input)?;
            let inner = node(input)?;
            symbol("`)`")(input)?;
            Ok(inner)
        }),
        '[' if begins_name(input)? => path(input).map(|path| Node::leaf(Expr::Path(path))),
        c if names::begins_name(c) => word(input),
        _ => plain_literal(input).map(|literal| Node::leaf(Expr::Literal(literal))),
    })(input)
}

/// What arrays of arrays may have between double brackets, and names at the beginning of a path may not.
const ARRAY_MARKS: [char; 5] = ['[', ']', '\'', '"', ','];

/// Whether brackets are those of a name. An array of arrays has a blank between its brackets, or something in it that no
/// name at the beginning of a path has.
fn begins_name(input: &mut Input<'_>) -> Parsed<bool> {
    let text = *input.input.as_ref();
    let name = text.strip_prefix("[[").and_then(|rest| rest.split_once("]]")).map(|(name, _)| name);
    Ok(name.is_some_and(|name| !name.is_empty() && !name.contains(ARRAY_MARKS)))
}

/// A constant, a call or a path.
fn word(input: &mut Input<'_>) -> Parsed<Node> {
    if let Some(constant) = opt(constant).parse_next(input)? {
        return Ok(Node::leaf(Expr::Literal(constant)));
    }
    if opt(peek((bare_name, blanks, literal("(")))).parse_next(input)?.is_some() {
        return call(input);
    }
    path(input).map(|path| Node::leaf(Expr::Path(path)))
}

fn call(input: &mut Input<'_>) -> Parsed<Node> {
    let start = input.current_token_start();
    let name = bare_name(input)?;
    let Some(function) = Function::named(name) else {
        if names::is_reserved(name) {
            return fail.parse_next(input);
        }
        let is_aggregate = name.eq_ignore_ascii_case("COUNT") || Aggregate::named(name).is_some();
        let message = match is_aggregate {
            true => format!("`{name}` is an aggregate: it stands after SELECT only"),
            false => format!("there is no function `{name}`"),
        };
        return fault(input, start, message);
    };
    blanks(input)?;
    let nodes: Vec<Node> = nested(input, |input| {
        symbol("`(`")(input)?;
        let nodes = separated(0.., node, symbol("`,`")).parse_next(input)?;
        symbol("`)`")(input)?;
        Ok(nodes)
    })?;
    let (least, most) = function.arity();
    if !(least..=most).contains(&nodes.len()) {
        return fault(input, start, arity_message(function, nodes.len()));
    }
    let depth = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
    let arguments = nodes.into_iter().map(|node| node.expr).collect();
    deeper(input, depth, Expr::Call(function, arguments))
}

fn arity_message(function: Function, count: usize) -> String {
    let takes = match function.arity() {
        (1, 1) => "1 argument".to_owned(),
        (least, usize::MAX) => format!("{least} arguments or more"),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} or {most} arguments"),
    };
    format!("`{}` takes {takes}, not {count}", function.name())
}

/// A path to a property. Blanks may stand after it, but not in it.
pub(super) fn path(input: &mut Input<'_>) -> Parsed<Path> {
    let start = input.current_token_start();
    let bare = opt(bare_name.verify(|name: &str| !names::is_reserved(name))).parse_next(input)?;
    let mut steps = match bare {
        Some(name) => prefix_steps(input, start, name)?,
        None => vec![Step::Name(bracketed_name(input)?.into())],
    };
    loop {
        if opt(literal(".")).parse_next(input)?.is_some() {
            steps.push(Step::Name(expected("a name", name_after_dot)(input)?));
        } else if opt(literal("[")).parse_next(input)?.is_some() {
            blanks(input)?;
            steps.push(expected("an index or a name in quotes", step_in_brackets)(input)?);
            expected("`]`", |input| literal("]").void().parse_next(input))(input)?;
        } else {
            break;
        }
    }
    blanks(input)?;
    match steps.first() {
        // It could be taken for an array.
        Some(Step::Name(name)) if name.contains(ARRAY_MARKS) => {
            fault(input, start, format!("no row has a property `{name}`"))
        }
        _ => Ok(Path::new(steps)),
    }
}

/// The first step. A collection's name in front of it is left out, and noted.
fn prefix_steps<'a>(input: &mut Input<'a>, start: usize, name: &'a str) -> Parsed<Vec<Step>> {
    let before_dot =
        |input: &mut Input<'a>| opt((literal("."), peek(alt((bare_name, literal("[["))))).void()).parse_next(input);
    if !name.eq_ignore_ascii_case("devices") || before_dot(input)?.is_none() {
        return Ok(vec![Step::Name(name.into())]);
    }
    let mut prefix = Prefix::Devices;
    let mut first = expected("a name", name_after_dot)(input)?;
    let collection = match &*first {
        "jobs" => Some(Prefix::Jobs),
        "modules" => Some(Prefix::Modules),
        _ => None,
    };
    if let Some(collection) = collection
        && before_dot(input)?.is_some()
    {
        prefix = collection;
        first = expected("a name", name_after_dot)(input)?;
    }
    input.state.prefixes.push((start, prefix));
    Ok(vec![Step::Name(first)])
}

fn name_after_dot(input: &mut Input<'_>) -> Parsed<Box<str>> {
    let start = input.current_token_start();
    let name = alt((bare_name.map(|name| (name, true)), bracketed_name.map(|name| (name, false)))).parse_next(input)?;
    match name {
        (name, true) if names::is_special(name) => {
            fault(input, start, format!("`{name}` is a word of the language: as a name it is written `[[{name}]]`"))
        }
        (name, _) => Ok(name.into()),
    }
}

fn step_in_brackets(input: &mut Input<'_>) -> Parsed<Step> {
    let start = input.current_token_start();
    if let Some(index) = opt((digits, blanks)).parse_next(input)? {
        return match index.0.parse() {
            Ok(index) => Ok(Step::Index(index)),
            Err(_) => fault(input, start, "this index is too large"),
        };
    }
    string(input).map(Step::Name)
}

/// A literal, also a negative number.
fn literal_value(input: &mut Input<'_>) -> Parsed<Literal> {
    expected("a constant", |input| {
        if opt((literal("-"), blanks)).parse_next(input)?.is_some() {
            return number(input).map(|number| Literal::Number(-number));
        }
        alt((plain_literal, constant)).parse_next(input)
    })(input)
}

/// A literal other than words.
fn plain_literal(input: &mut Input<'_>) -> Parsed<Literal> {
    match peek(any).parse_next(input)? {
        '\'' | '"' => string(input).map(Literal::String),
        '[' => list(input).map(Literal::Array),
        '{' => object(input).map(Literal::Object),
        _ => number(input).map(Literal::Number),
    }
}

fn constant(input: &mut Input<'_>) -> Parsed<Literal> {
    let word = bare_name(input)?;
    let constants = [
        ("true", Literal::Bool(true)),
        ("false", Literal::Bool(false)),
        ("null", Literal::Null),
        ("undefined", Literal::Undefined),
    ];
    match constants.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        Some((_, literal)) => blanks(input).map(|()| literal),
        None => fail.parse_next(input),
    }
}

fn list(input: &mut Input<'_>) -> Parsed<Vec<Literal>> {
    nested(input, |input| {
        symbol("`[`")(input)?;
        let items = separated(0.., literal_value, symbol("`,`")).parse_next(input)?;
        symbol("`]`")(input)?;
        Ok(items)
    })
}

fn object(input: &mut Input<'_>) -> Parsed<Vec<(Box<str>, Literal)>> {
    nested(input, |input| {
        symbol("`{`")(input)?;
        let properties = separated(0.., property, symbol("`,`")).parse_next(input)?;
        symbol("`}`")(input)?;
        Ok(properties)
    })
}

fn property(input: &mut Input<'_>) -> Parsed<(Box<str>, Literal)> {
    let name =
        expected("a name", |input| alt((string, (bare_name, blanks).map(|(name, ())| name.into()))).parse_next(input))(
            input,
        )?;
    symbol("`:`")(input)?;
    Ok((name, literal_value(input)?))
}

fn prefix<'a>(input: &mut Input<'a>) -> Parsed<Before<Input<'a>, Node, ErrMode<EmptyError>>> {
    let operator = alt((
        (literal("-"), blanks).map(|_| Before(power::SIGN, |input, operand| unary(input, operand, Expr::minus))),
        (|input: &mut Input<'a>| a_keyword(input, "NOT")).map(|()| {
            Before(power::NOT, |input, operand| unary(input, operand, |operand| Expr::Not(Box::new(operand))))
        }),
    ))
    .parse_next(input)?;
    // Operators before operands nest like parentheses do; closed in `unary`.
    open(input)?;
    Ok(operator)
}

fn unary(input: &mut Input<'_>, operand: Node, make: fn(Expr) -> Expr) -> Parsed<Node> {
    input.state.open -= 1;
    deeper(input, operand.depth, make(operand.expr))
}

fn postfix<'a>(input: &mut Input<'a>) -> Parsed<Postfix<Input<'a>, Node, ErrMode<EmptyError>>> {
    let start = input.current_token_start();
    let not_in = |input: &mut Input<'a>| a_keyword(input, "NOT").and_then(|()| a_keyword(input, "IN"));
    if opt(peek(not_in)).parse_next(input)?.is_some() {
        return fault(input, start, "NOT IN is written NIN in this language");
    }
    alt((
        (|input: &mut Input<'a>| a_keyword(input, "IN"))
            .map(|()| Postfix(power::COMPARISON, |input, value| is_in(input, value, false))),
        (|input: &mut Input<'a>| a_keyword(input, "NIN"))
            .map(|()| Postfix(power::COMPARISON, |input, value| is_in(input, value, true))),
    ))
    .parse_next(input)
}

fn is_in(input: &mut Input<'_>, value: Node, negated: bool) -> Parsed<Node> {
    let list = list(input)?;
    deeper(input, value.depth, Expr::In { value: Box::new(value.expr), list, negated })
}

fn infix<'a>(input: &mut Input<'a>) -> Parsed<Infix<Input<'a>, Node, ErrMode<EmptyError>>> {
    expected("an operator", |input| {
        let symbols = ["<=", "<>", "<", ">=", ">", "!=", "=", "+", "-", "*", "/", "%"];
        for symbol in symbols {
            if opt((literal(symbol), blanks)).parse_next(input)?.is_some() {
                return Ok(operator(symbol));
            }
        }
        let mut chain = alt((
            (|input: &mut Input<'a>| a_keyword(input, "AND")).map(|()| {
                Infix::Left(power::AND, |input, left, right| {
                    chain(input, (left, right), |e| matches!(e, Expr::All(_)), Expr::and)
                })
            }),
            (|input: &mut Input<'a>| a_keyword(input, "OR")).map(|()| {
                Infix::Left(power::OR, |input, left, right| {
                    chain(input, (left, right), |e| matches!(e, Expr::Any(_)), Expr::or)
                })
            }),
        ));
        chain.parse_next(input)
    })(input)
}

fn operator<'a>(symbol: &str) -> Infix<Input<'a>, Node, ErrMode<EmptyError>> {
    use power::{COMPARISON, PRODUCT, SUM};
    match symbol {
        "<=" => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::LessOrEqual, l, r)),
        "<" => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::Less, l, r)),
        ">=" => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::GreaterOrEqual, l, r)),
        ">" => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::Greater, l, r)),
        "=" => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::Equal, l, r)),
        "+" => Infix::Left(SUM, |input, l, r| calculate(input, Operator::Add, l, r)),
        "-" => Infix::Left(SUM, |input, l, r| calculate(input, Operator::Subtract, l, r)),
        "*" => Infix::Left(PRODUCT, |input, l, r| calculate(input, Operator::Multiply, l, r)),
        "/" => Infix::Left(PRODUCT, |input, l, r| calculate(input, Operator::Divide, l, r)),
        "%" => Infix::Left(PRODUCT, |input, l, r| calculate(input, Operator::Remainder, l, r)),
        // `<>` and `!=`
        _ => Infix::Left(COMPARISON, |input, l, r| compare(input, Comparison::NotEqual, l, r)),
    }
}

fn compare(input: &mut Input<'_>, comparison: Comparison, left: Node, right: Node) -> Parsed<Node> {
    let depth = left.depth.max(right.depth);
    deeper(input, depth, Expr::Compare(comparison, Box::new((left.expr, right.expr))))
}

fn calculate(input: &mut Input<'_>, operator: Operator, left: Node, right: Node) -> Parsed<Node> {
    let depth = left.depth.max(right.depth);
    deeper(input, depth, Expr::Calculate(operator, Box::new((left.expr, right.expr))))
}

/// A chain takes chains of its kind in, so that it becomes longer and no deeper.
fn chain(
    input: &mut Input<'_>,
    (left, right): (Node, Node),
    is_of_kind: fn(&Expr) -> bool,
    make: fn(Expr, Expr) -> Expr,
) -> Parsed<Node> {
    let depth = |node: &Node| if is_of_kind(&node.expr) { node.depth - 1 } else { node.depth };
    let depth = depth(&left).max(depth(&right));
    deeper(input, depth, make(left.expr, right.expr))
}

/// One level more than its operands have.
fn deeper(input: &mut Input<'_>, depth: usize, expr: Expr) -> Parsed<Node> {
    if depth == MAX_DEPTH {
        return too_deep(input);
    }
    Ok(Node { expr, depth: depth + 1 })
}
