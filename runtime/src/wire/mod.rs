//! How models become JSON and back: one machine for all of them.
//!
//! A model does not carry serde's derived code, whose type-checking is nine tenths of what a crate of models costs to
//! compile. It says two things about itself instead, both without generics: what stands in each of its fields
//! ([`Object::field`], a [`View`]) and where the value of each is to be put ([`Object::slot`], a [`Slot`]). Reading,
//! writing, comparing and printing are written here, once, over these two.
//!
//! Models still implement serde's traits, in two lines that call [`read::deserialize`] and [`write::serialize`]: the code
//! behind those depends on the format only, not on the model.

mod error;
mod macros;
mod names;
pub(crate) mod put;
#[cfg(test)]
mod tests;
mod types;

pub mod read;
pub mod show;
pub mod write;

#[cfg(feature = "server")]
pub(crate) use self::error::{DEPTH, Step, path};
use std::any::Any;
use std::fmt;

use serde_json::Value;

/// What a model is called and has: the table behind reading, writing, printing and errors.
#[derive(Debug)]
pub struct Model {
    /// The name of the Rust type.
    pub name: &'static str,
    /// The names of the fields on the wire, in the order of their indexes.
    pub fields: &'static [&'static str],
    /// The indexes of those that must be there.
    pub required: &'static [usize],
    /// Other names under which a field is read, with its index.
    pub aliases: &'static [(&'static str, usize)],
    /// The discriminator's name and this model's value of it.
    pub tag: Option<(&'static str, &'static str)>,
    /// Whether unknown properties are kept, at [`REST`].
    pub open: bool,
}

/// The index that stands for a model's unknown properties.
pub const REST: usize = usize::MAX;

/// A struct with named fields.
pub trait Object {
    /// Its table.
    fn model(&self) -> &'static Model;
    /// What stands in a field; at [`REST`], the unknown properties.
    fn field(&self, index: usize) -> View<'_>;
    /// Where a field's value is to be put; at [`REST`], the unknown properties.
    fn slot(&mut self, index: usize) -> Slot<'_>;
    /// Forgets all it holds.
    fn reset(&mut self);
}

/// A value that travels as JSON.
pub trait Wire {
    /// A value to read into; what it holds is overwritten.
    fn blank() -> Self
    where
        Self: Sized;
    /// What it holds.
    fn view(&self) -> View<'_>;
    /// Where to put what is read.
    fn slot(&mut self) -> Slot<'_>;
    /// Whether it is a [`Slot::Number`] or a [`Slot::Union`], which are read from their JSON text.
    const IS_RAW: bool = false;
    /// What `null` means; `None` where it is as good as nothing there.
    fn null() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
    /// The slot of an optional value.
    fn option_slot(option: &mut Option<Self>) -> Slot<'_>
    where
        Self: Sized,
    {
        if Self::IS_RAW { Slot::OptionalRaw(option) } else { Slot::Option(option) }
    }
}

/// A look at a value.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub enum View<'a> {
    /// Nothing: the property is left out.
    Absent,
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Str(&'a str),
    /// A string that is never printed.
    Secret(&'a str),
    /// A string, as it prints itself.
    Text(&'a dyn Shown),
    /// A number, as JSON writes it.
    Number(&'a str),
    Value(&'a Value),
    List(&'a dyn List),
    Map(&'a dyn Map),
    Object(&'a dyn Object),
}

/// A place to put a value.
#[allow(missing_docs)]
pub enum Slot<'a> {
    /// The value is read and forgotten.
    Ignored,
    Bool(&'a mut bool),
    I32(&'a mut i32),
    I64(&'a mut i64),
    U64(&'a mut u64),
    F32(&'a mut f32),
    F64(&'a mut f64),
    String(&'a mut String),
    OptionalString(&'a mut Option<String>),
    /// A string with rules of its own.
    Text(&'a mut dyn Text),
    /// A word of an open list; a service that writes numbers for its words is understood.
    Word(&'a mut dyn Text),
    /// A number with all of its digits.
    Number(&'a mut dyn Text),
    /// An integer with rules of its own.
    Digits(&'a mut dyn Text),
    Value(&'a mut Value),
    Option(&'a mut dyn Optional),
    /// The same for a value that is read from its JSON text ([`Wire::IS_RAW`]).
    OptionalRaw(&'a mut dyn Optional),
    List(&'a mut dyn List),
    Map(&'a mut dyn Map),
    Object(&'a mut dyn Object),
    Union(&'a mut dyn Union),
}

/// A value whose [`Display`](fmt::Display) is its text on the wire; its `Debug` hides what must not be seen.
pub trait Shown: fmt::Display + fmt::Debug {
    /// The value itself.
    fn value(&self) -> &dyn Any;
    /// Whether it equals another value.
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: fmt::Display + fmt::Debug + PartialEq + 'static> Shown for T {
    fn value(&self) -> &dyn Any {
        self
    }
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}

/// A value that is read from text.
pub trait Text {
    /// Takes the text; otherwise says what it should have been.
    fn set(&mut self, text: &str) -> Result<(), &'static str>;
}

/// A value that may be absent.
pub trait Optional {
    /// Takes `null`.
    fn set_null(&mut self);
    /// Where to put a value that is there.
    fn fill(&mut self) -> Slot<'_>;
}

/// An array.
pub trait List {
    /// How many items it has.
    fn len(&self) -> usize;
    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One item; [`View::Absent`] behind the end.
    fn item(&self, index: usize) -> View<'_>;
    /// Where to put one more item.
    fn push(&mut self) -> Slot<'_>;
}

/// An object with free names.
pub trait Map {
    /// How many entries it has.
    fn len(&self) -> usize;
    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Shows each entry, in order, until it is told `false`.
    fn each(&self, show: &mut dyn FnMut(&str, View<'_>) -> bool);
    /// The entry of a name.
    fn get(&self, name: &str) -> Option<View<'_>>;
    /// Where to put the value of a name.
    fn insert(&mut self, name: String) -> Slot<'_>;
}

/// One of several models, told apart by a discriminator.
pub trait Union {
    /// The discriminator's name.
    fn tag(&self) -> &'static str;
    /// Where to put the model of a tag; an unknown one is kept as JSON.
    fn choose(&mut self, tag: Option<&str>) -> Slot<'_>;
}

/// The listed value that is equal, or the value itself.
#[doc(hidden)]
pub fn exact<'a>(value: &'a str, _: &[&'static str]) -> &'a str {
    value
}

/// The listed value that is equal but for case, or the value itself.
#[doc(hidden)]
pub fn any_case<'a>(value: &'a str, listed: &[&'static str]) -> &'a str {
    listed.iter().find(|listed| listed.eq_ignore_ascii_case(value)).copied().unwrap_or(value)
}
