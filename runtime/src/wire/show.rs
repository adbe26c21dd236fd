//! Printing and comparing.

use std::fmt;

use super::{Object, View};

/// Prints a value, as [`debug`].
///
/// # Errors
///
/// The formatter's own.
#[inline]
pub fn value<T: super::Wire>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug(value.view(), f)
}

/// Whether two values hold the same, as [`equal`].
#[inline]
pub fn same<T: super::Wire>(left: &T, right: &T) -> bool {
    equal(left.view(), right.view())
}

/// Prints a value for a programmer: as Rust's derived `Debug` does, with the names on the wire, without what is absent, and
/// with secrets hidden. Properties that the model does not know are shown: nobody said that they are secret.
///
/// # Errors
///
/// The formatter's own.
pub fn debug(view: View<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Debug::fmt(&view, f)
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("None"),
            Self::Null => f.write_str("null"),
            Self::Bool(value) => fmt::Debug::fmt(value, f),
            Self::I64(value) => fmt::Debug::fmt(value, f),
            Self::U64(value) => fmt::Debug::fmt(value, f),
            Self::F32(value) => fmt::Debug::fmt(value, f),
            Self::F64(value) => fmt::Debug::fmt(value, f),
            Self::Str(text) => fmt::Debug::fmt(text, f),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Text(text) => fmt::Debug::fmt(text, f),
            Self::Number(digits) => f.write_str(digits),
            Self::Value(value) => fmt::Display::fmt(value, f),
            Self::List(list) => f.debug_list().entries((0..list.len()).map(|index| list.item(index))).finish(),
            Self::Map(map) => {
                let mut out = f.debug_map();
                map.each(&mut |name, view| {
                    out.entry(&name, &view);
                    true
                });
                out.finish()
            }
            Self::Object(object) => debug_object(*object, f),
        }
    }
}

fn debug_object(object: &dyn Object, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let model = object.model();
    let mut out = f.debug_struct(model.name);
    for (index, name) in model.fields.iter().enumerate() {
        match object.field(index) {
            View::Absent => {}
            view => {
                out.field(name, &view);
            }
        }
    }
    if let View::Map(rest) = object.field(super::REST) {
        rest.each(&mut |name, view| {
            match view {
                // Nobody has said what is in there: it may be a key.
                View::Value(_) => out.field(name, &format_args!("..")),
                view => out.field(name, &view),
            };
            true
        });
    }
    out.finish()
}

/// Whether two values of one type hold the same, as Rust's derived `PartialEq` has it: each type's own `==` decides. So NaN is not
/// itself, two times are equal where they are the same instant, and the order of a map's entries does not count.
pub fn equal(left: View<'_>, right: View<'_>) -> bool {
    match (left, right) {
        (View::Absent, View::Absent) | (View::Null, View::Null) => true,
        (View::Bool(left), View::Bool(right)) => left == right,
        (View::I64(left), View::I64(right)) => left == right,
        (View::U64(left), View::U64(right)) => left == right,
        (View::F32(left), View::F32(right)) => left == right,
        (View::F64(left), View::F64(right)) => left == right,
        (View::Str(left), View::Str(right)) | (View::Number(left), View::Number(right)) => left == right,
        (View::Secret(left), View::Secret(right)) => crate::secret::same(left.as_bytes(), right.as_bytes()),
        (View::Text(left), View::Text(right)) => left.equals(right.value()),
        (View::Value(left), View::Value(right)) => left == right,
        (View::List(left), View::List(right)) => {
            left.len() == right.len() && (0..left.len()).all(|index| equal(left.item(index), right.item(index)))
        }
        (View::Map(left), View::Map(right)) => {
            let mut same = left.len() == right.len();
            left.each(&mut |name, view| {
                same = same && right.get(name).is_some_and(|other| equal(view, other));
                same
            });
            same
        }
        (View::Object(left), View::Object(right)) => {
            let model = left.model();
            (model.name, model.tag) == (right.model().name, right.model().tag)
                && (0..model.fields.len()).all(|index| equal(left.field(index), right.field(index)))
                && equal(left.field(super::REST), right.field(super::REST))
        }
        _ => false,
    }
}
