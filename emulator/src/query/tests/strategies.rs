//! Queries, conditions and documents by chance.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Number, Value, json};

use super::super::ast::{
    Aggregate, Column, ColumnValue, Comparison, Expr, Items, Literal, Operator, Path, Select, Source,
};
use super::super::functions::{Function, TABLE};
use super::super::row::Step;

/// Names of all kinds: plain ones, words of the language, and what needs brackets.
fn any_name() -> impl Strategy<Value = Box<str>> {
    let known = ["tags", "DeviceID", "properties", "x", "$version", "devices", "jobs", "group", "In", "ABS", "größe"];
    let odd = ["", "a b", "it's", "\"", "\\", "]]", "a]", "[[x]]", "a,b", "'", "7", "x-y", "\n", "\u{0}"];
    prop_oneof![
        4 => select(known.to_vec()).prop_map(Box::from),
        2 => select(odd.to_vec()).prop_map(Box::from),
        1 => any::<String>().prop_map(String::into_boxed_str),
    ]
}

/// Whether a path can begin with it.
fn is_first(name: &str) -> bool {
    !name.is_empty() && !name.contains(['[', ']', '\'', '"', ','])
}

fn any_path() -> impl Strategy<Value = Path> {
    let step = prop_oneof![5 => any_name().prop_map(Step::Name), 1 => any::<usize>().prop_map(Step::Index)];
    (any_name().prop_filter("would not parse", |name| is_first(name)), prop::collection::vec(step, 0..4)).prop_map(
        |(first, rest)| {
            let mut steps = vec![Step::Name(first)];
            steps.extend(rest);
            Path::new(steps)
        },
    )
}

/// Paths that documents of [`document`] have, or nearly.
fn short_path() -> impl Strategy<Value = Path> {
    let name = select(&NAMES[..]).prop_map(|name| Step::Name(name.into()));
    let step = prop_oneof![3 => name.clone(), 1 => (0..3_usize).prop_map(Step::Index)];
    (name, prop::collection::vec(step, 0..3)).prop_map(|(first, rest)| {
        let mut steps = vec![first];
        steps.extend(rest);
        Path::new(steps)
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        select(&[0.0, -0.0, 1.0, 2.0, -3.0, 0.1, 1e300, 5e-324, 1e16, 1e-6][..]),
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
    ]
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        Just(Literal::Undefined),
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any_number().prop_map(Literal::Number),
        any_name().prop_map(Literal::String),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Literal::Array),
            prop::collection::vec((any_name(), inner), 0..3).prop_map(Literal::Object),
        ]
    })
}

/// Literals that documents of [`document`] have.
fn short_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        select(vec![
            Literal::Undefined,
            Literal::Null,
            Literal::Bool(true),
            Literal::Bool(false),
            Literal::Array(Vec::new()),
            Literal::Object(Vec::new()),
        ]),
        select(&NUMBERS[..]).prop_map(Literal::Number),
        select(&TEXTS[..]).prop_map(|text| Literal::String(text.into())),
    ]
}

/// Expressions of these paths and literals.
fn expression(
    path: impl Strategy<Value = Path> + 'static,
    literal: impl Strategy<Value = Literal> + 'static,
) -> impl Strategy<Value = Expr> {
    let literal = literal.boxed();
    let leaf = prop_oneof![path.prop_map(Expr::Path), literal.clone().prop_map(Expr::Literal)];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|operand| Expr::Not(Box::new(operand))),
            inner.clone().prop_map(Expr::minus),
            (comparison(), pair.clone()).prop_map(|(comparison, pair)| Expr::Compare(comparison, Box::new(pair))),
            (operator(), pair.clone()).prop_map(|(operator, pair)| Expr::Calculate(operator, Box::new(pair))),
            pair.clone().prop_map(|(left, right)| Expr::and(left, right)),
            pair.prop_map(|(left, right)| Expr::or(left, right)),
            (inner.clone(), prop::collection::vec(literal.clone(), 0..4), any::<bool>())
                .prop_map(|(value, list, negated)| Expr::In { value: Box::new(value), list, negated }),
            call(inner),
        ]
    })
}

fn call(argument: impl Strategy<Value = Expr> + Clone + 'static) -> impl Strategy<Value = Expr> {
    let functions: Vec<Function> = TABLE.iter().map(|(function, ..)| *function).collect();
    select(functions).prop_flat_map(move |function| {
        let (least, most) = function.arity();
        prop::collection::vec(argument.clone(), least..=most.min(4)).prop_map(move |all| Expr::Call(function, all))
    })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    select(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual][..])
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Add, Divide, Multiply, Remainder, Subtract};
    select(&[Add, Subtract, Multiply, Divide, Remainder][..])
}

/// Any expression that can be written.
pub(super) fn any_expression() -> impl Strategy<Value = Expr> {
    expression(any_path(), any_literal())
}

/// An expression that has to do with documents of [`document`].
pub(super) fn short_expression() -> impl Strategy<Value = Expr> {
    expression(short_path(), short_literal())
}

/// A condition that is mostly defined: whose operands have the types that its operators are for, and that has to do with what
/// documents of [`document`] mostly have.
pub(super) fn likely_condition() -> impl Strategy<Value = Expr> {
    let named = |name: &str| Expr::Path(Path::new(vec![Step::Name(name.into())]));
    let number = prop_oneof![
        select(&NUMBERS[..]).prop_map(|number| Expr::Literal(Literal::Number(number))),
        Just(named("number")),
        (operator(), select(&NUMBERS[..])).prop_map(move |(operator, number)| {
            Expr::Calculate(operator, Box::new((named("number"), Expr::Literal(Literal::Number(number)))))
        }),
        select(&TEXTS[..])
            .prop_map(|text| Expr::Call(Function::Length, vec![Expr::Literal(Literal::String(text.into()))])),
        Just(Expr::Call(Function::IndexOf, vec![named("text"), Expr::Literal(Literal::String("b".into()))])),
    ];
    let text = prop_oneof![
        select(&TEXTS[..]).prop_map(|text| Expr::Literal(Literal::String(text.into()))),
        Just(named("text")),
        Just(Expr::Call(Function::Upper, vec![named("text")])),
        number.clone().prop_map(move |start| Expr::Call(Function::Substring, vec![named("text"), start])),
    ];
    let parts = select(vec![Function::Contains, Function::EndsWith, Function::StartsWith]);
    let leaf = prop_oneof![
        Just(named("bool")),
        (comparison(), number.clone(), number.clone()).prop_map(|(c, l, r)| Expr::Compare(c, Box::new((l, r)))),
        (comparison(), text.clone(), text.clone()).prop_map(|(c, l, r)| Expr::Compare(c, Box::new((l, r)))),
        (parts, text.clone(), text.clone()).prop_map(|(function, text, part)| Expr::Call(function, vec![text, part])),
        (prop_oneof![number, text], prop::collection::vec(short_literal(), 0..4), any::<bool>())
            .prop_map(|(value, list, negated)| Expr::In { value: Box::new(value), list, negated }),
        short_path().prop_map(|path| Expr::Call(Function::IsDefined, vec![Expr::Path(path)])),
        short_expression(),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|operand| Expr::Not(Box::new(operand))),
            pair.clone().prop_map(|(left, right)| Expr::and(left, right)),
            pair.prop_map(|(left, right)| Expr::or(left, right)),
        ]
    })
}

/// Any query that can be written.
pub(super) fn any_query() -> impl Strategy<Value = Select> {
    let aggregate =
        (select(&Aggregate::ALL[..]), any_path()).prop_map(|(kind, path)| ColumnValue::Aggregate(kind, path));
    let aggregates = prop::collection::vec(prop_oneof![Just(ColumnValue::Count), aggregate], 0..3);
    let parts = (
        prop::option::of(any::<u64>()),
        prop::collection::vec(any_path(), 0..3),
        aggregates,
        any::<bool>(),
        prop::option::of(any_expression()),
        any::<bool>(),
    );
    parts.prop_map(|(top, paths, aggregates, grouped, filter, of_jobs)| {
        if of_jobs {
            return Select { top, items: Items::All, source: Source::Jobs, filter, group_by: Vec::new() };
        }
        let is_grouped = grouped || !aggregates.is_empty();
        let values = paths.iter().cloned().map(ColumnValue::Path).chain(aggregates);
        let columns: Vec<Column> = values
            .enumerate()
            .map(|(index, value)| {
                let alias = ["c", "two words ", "group", "[\\'"].get(index).unwrap_or(&"x");
                // The first name can be left to the value.
                Column { value, alias: (index > 0).then(|| format!("{alias}{index}").into()) }
            })
            .collect();
        let (items, group_by) = match columns.is_empty() {
            true => (Items::All, Vec::new()),
            false => (Items::Columns(columns), if is_grouped { paths } else { Vec::new() }),
        };
        Select { top, items, source: Source::Devices, filter, group_by }
    })
}

const NAMES: [&str; 5] = ["a", "b", "tags", "it's", "ü\n"];
const NUMBERS: [f64; 7] = [0.0, -0.0, 1.0, 2.0, -1.5, 1e9, 0.1];
const TEXTS: [&str; 7] = ["", "a", "b", "ab", "1", "ü\n", "\"\\"];

fn value() -> impl Strategy<Value = Value> {
    let number = select(&NUMBERS[..]).prop_map(|number| match number.fract() == 0.0 && number != 0.0 {
        true => Value::from(number as i64),
        false => Number::from_f64(number).map_or(Value::Null, Value::Number),
    });
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any_number().prop_map(Value::from),
        select(&TEXTS[..]).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            object(inner).prop_map(Value::Object),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![9 => select(&NAMES[..]).prop_map(String::from), 1 => any::<String>()];
    prop::collection::vec((name, value), 0..5).prop_map(|properties| properties.into_iter().collect())
}

/// A row. Mostly it has a `number`, a `text` and a `bool`.
pub(super) fn document() -> impl Strategy<Value = Value> {
    let number = select(vec![json!(0), json!(1), json!(-1.5), json!(2.0), json!(1_000_000_000)]);
    let text = select(&TEXTS[..]).prop_map(Value::from);
    let likely = (number, text, any::<bool>());
    (object(value()), prop::option::weighted(0.9, likely)).prop_map(|(mut properties, likely)| {
        if let Some((number, text, bool)) = likely {
            properties.insert("number".into(), number);
            properties.insert("text".into(), text);
            properties.insert("bool".into(), Value::Bool(bool));
        }
        Value::Object(properties)
    })
}

/// A path of up to four steps, by the names and indices of documents, or others.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = prop_oneof![9 => select(&NAMES[..]).prop_map(Box::from), 1 => any_name()];
    let step = prop_oneof![3 => name.prop_map(Step::Name), 1 => (0..3_usize).prop_map(Step::Index)];
    prop::collection::vec(step, 0..4)
}
