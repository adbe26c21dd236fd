//! Expressions evaluated in the plainest way, over values only: what the real evaluation has to agree with.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::ast::{Comparison, Expr, Literal, Operator};
use super::super::functions::Function;
use super::super::row::Step;
use super::super::{Condition, JsonRow};
use super::strategies::{document, likely_condition, short_expression};

/// What an expression comes to; `None` is undefined.
fn naive(expr: &Expr, row: &Value) -> Option<Value> {
    match expr {
        Expr::Literal(literal) => constant(literal),
        Expr::Path(path) => path.steps().iter().try_fold(row.clone(), |value, step| match step {
            Step::Name(name) => value.get(name.as_ref()).cloned(),
            Step::Index(index) => value.get(index).cloned(),
        }),
        Expr::Not(operand) => Some(json!(!naive(operand, row)?.as_bool()?)),
        Expr::Minus(operand) => number(-naive(operand, row)?.as_f64()?),
        Expr::Compare(comparison, pair) => compare(*comparison, &naive(&pair.0, row)?, &naive(&pair.1, row)?),
        Expr::Calculate(operator, pair) => {
            let (left, right) = (naive(&pair.0, row)?.as_f64()?, naive(&pair.1, row)?.as_f64()?);
            number(match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
                Operator::Remainder => left % right,
            })
        }
        Expr::All(operands) => all(operands.iter().map(|operand| naive(operand, row)?.as_bool())),
        // De Morgan.
        Expr::Any(operands) => not(all(operands.iter().map(|operand| Some(!naive(operand, row)?.as_bool()?)))),
        Expr::In { value, list, negated } => {
            let value = naive(value, row)?;
            let different = list.iter().map(|item| compare(Comparison::NotEqual, &value, &constant(item)?)?.as_bool());
            let nin = all(different);
            if *negated { nin } else { not(nin) }
        }
        Expr::Call(function, arguments) => {
            call(*function, arguments.iter().map(|argument| naive(argument, row)).collect())
        }
    }
}

fn constant(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::Undefined => return None,
        Literal::Null => Value::Null,
        Literal::Bool(value) => json!(value),
        Literal::Number(number) => json!(number),
        Literal::String(text) => json!(text),
        Literal::Array(_) => json!([]),
        Literal::Object(_) => json!({}),
    })
}

fn all(mut operands: impl Iterator<Item = Option<bool>> + Clone) -> Option<Value> {
    let any_false = operands.clone().any(|operand| operand == Some(false));
    let all_true = operands.all(|operand| operand == Some(true));
    (any_false || all_true).then(|| json!(all_true))
}

fn not(value: Option<Value>) -> Option<Value> {
    Some(json!(!value?.as_bool()?))
}

fn number(number: f64) -> Option<Value> {
    number.is_finite().then(|| json!(number))
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Option<Value> {
    let (less, equal) = match (left, right) {
        (Value::Null, Value::Null) => (false, true),
        (Value::Bool(left), Value::Bool(right)) => (left < right, left == right),
        (Value::Number(left), Value::Number(right)) => {
            (left.as_f64() < right.as_f64(), left.as_f64() == right.as_f64())
        }
        (Value::String(left), Value::String(right)) => (left < right, left == right),
        _ => return None,
    };
    Some(json!(match comparison {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        Comparison::Less => less,
        Comparison::LessOrEqual => less || equal,
        Comparison::Greater => !less && !equal,
        Comparison::GreaterOrEqual => !less,
    }))
}

fn call(function: Function, arguments: Vec<Option<Value>>) -> Option<Value> {
    let first = arguments.first()?;
    let is = |test: fn(&Value) -> bool| Some(json!(first.as_ref().is_some_and(test)));
    match function {
        Function::IsArray => is(Value::is_array),
        Function::IsBool => is(Value::is_boolean),
        Function::IsDefined => is(|_| true),
        Function::IsNull => is(Value::is_null),
        Function::IsNumber => is(Value::is_number),
        Function::IsObject => is(Value::is_object),
        Function::IsPrimitive => is(|value| !value.is_array() && !value.is_object()),
        Function::IsString => is(Value::is_string),
        // From here on everything has to be defined.
        _ => defined(function, &arguments.into_iter().collect::<Option<Vec<Value>>>()?),
    }
}

fn defined(function: Function, arguments: &[Value]) -> Option<Value> {
    let numbers: Option<Vec<f64>> = arguments.iter().map(Value::as_f64).collect();
    let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
    match function {
        Function::Abs => number(numbers?[0].abs()),
        Function::Ceiling => number(numbers?[0].ceil()),
        Function::Exp => number(numbers?[0].exp()),
        Function::Floor => number(numbers?[0].floor()),
        Function::Power => number(numbers.as_ref()?[0].powf(numbers.as_ref()?[1])),
        Function::Sign => number(f64::from(numbers.as_ref()?[0] > 0.0) - f64::from(numbers.as_ref()?[0] < 0.0)),
        Function::Sqrt => number(numbers?[0].sqrt()),
        Function::Square => number(numbers?[0].powi(2)),
        Function::AsNumber => match &arguments[0] {
            Value::String(text) => number(text.parse().ok()?),
            other => Some(json!(other.as_f64()?)),
        },
        Function::Concat => Some(json!(texts?.concat())),
        Function::Contains => Some(json!(texts.as_ref()?[0].contains(texts.as_ref()?[1]))),
        Function::EndsWith => Some(json!(texts.as_ref()?[0].ends_with(texts.as_ref()?[1]))),
        Function::StartsWith => Some(json!(texts.as_ref()?[0].starts_with(texts.as_ref()?[1]))),
        Function::IndexOf => {
            let texts: Vec<Vec<char>> = texts?.iter().map(|text| text.chars().collect()).collect();
            let found = (0..=texts[0].len()).find(|start| texts[0][*start..].starts_with(&texts[1]));
            Some(found.map_or(json!(-1.0), |found| json!(found as f64)))
        }
        Function::Length => Some(json!(texts?[0].chars().count() as f64)),
        Function::Lower => Some(json!(texts?[0].to_lowercase())),
        Function::Upper => Some(json!(texts?[0].to_uppercase())),
        Function::Substring => {
            let count = |value: &Value| Some(value.as_f64().filter(|count| *count >= 0.0)? as usize);
            let text = arguments[0].as_str()?.chars().skip(count(&arguments[1])?);
            let length = arguments.get(2).map_or(Some(usize::MAX), count)?;
            Some(json!(text.take(length).collect::<String>()))
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn evaluations_agree(expr in likely_condition(), row in document()) {
        let wanted = naive(&expr, &row) == Some(Value::Bool(true));
        let condition = Condition { expr };
        prop_assert_eq!(condition.matches(&row), wanted);
        prop_assert_eq!(condition.matches(&JsonRow(row.to_string().as_bytes())), wanted);
        prop_assert_eq!(condition.matches(&JsonRow(format!("{row:#}").as_bytes())), wanted);
    }

    /// Most conditions are not true. What they come to is compared as well, by its type and by what it equals.
    #[test]
    fn evaluations_agree_on_values(
        expr in prop_oneof![short_expression(), likely_condition()],
        row in document(),
    ) {
        let value = naive(&expr, &row);
        let wanted = match &value {
            None => Expr::Literal(Literal::Undefined),
            Some(Value::Null) => Expr::Literal(Literal::Null),
            Some(Value::Bool(value)) => Expr::Literal(Literal::Bool(*value)),
            Some(Value::Number(number)) => Expr::Literal(Literal::Number(number.as_f64().unwrap())),
            Some(Value::String(text)) => Expr::Literal(Literal::String(text.as_str().into())),
            Some(Value::Array(_)) => Expr::Literal(Literal::Array(Vec::new())),
            Some(Value::Object(_)) => Expr::Literal(Literal::Object(Vec::new())),
        };
        let row_text = row.to_string();
        let row = JsonRow(row_text.as_bytes());
        let (ours, wanted) = (super::super::eval::evaluate(&expr, &row), super::super::eval::evaluate(&wanted, &row));
        prop_assert_eq!(ours, wanted);
    }
}
