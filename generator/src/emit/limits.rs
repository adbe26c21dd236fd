//! Limits and defaults, as sentences.

use serde_json::Value;

use crate::render::inline_code;
use crate::spec::Limits;

/// What a reader should know of a value beyond its type; one sentence each.
pub(super) fn notes(limits: &Limits, default: Option<&Value>) -> Vec<String> {
    let mut notes = Vec::new();
    let mut range = |what: &str, low: Option<String>, high: Option<String>| match (low, high) {
        (Some(low), Some(high)) if low == high => notes.push(format!("{what}: {low}.")),
        (Some(low), Some(high)) => notes.push(format!("{what}: {low} to {high}.")),
        (Some(low), None) => notes.push(format!("{what}: at least {low}.")),
        (None, Some(high)) => notes.push(format!("{what}: at most {high}.")),
        (None, None) => {}
    };
    let text = |number: &Option<u64>| number.map(|number| number.to_string());
    let bound = |number: &Option<serde_json::Number>, exclusive: bool| {
        number.as_ref().map(|number| format!("{number}{}", if exclusive { " (exclusive)" } else { "" }))
    };
    let low = bound(&limits.minimum, limits.exclusive_minimum);
    range("Value", low, bound(&limits.maximum, limits.exclusive_maximum));
    range("Length in characters", text(&limits.min_length), text(&limits.max_length));
    range("Number of items", text(&limits.min_items), text(&limits.max_items));
    range("Number of properties", text(&limits.min_properties), text(&limits.max_properties));
    if let Some(factor) = &limits.multiple_of {
        notes.push(format!("A multiple of {factor}."));
    }
    if limits.unique_items {
        notes.push("No item twice.".to_owned());
    }
    if let Some(pattern) = &limits.pattern {
        notes.push(format!("Pattern: {}.", inline_code(pattern)));
    }
    match default {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if !text.is_empty() => notes.push(format!("Default: {}.", inline_code(text))),
        Some(value) => notes.push(format!("Default: {}.", inline_code(&value.to_string()))),
    }
    notes
}
