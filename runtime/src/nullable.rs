//! Null, where it is not the same as nothing.

/// A value that may be `null`, where `null` means something else than that nothing is there.
///
/// A property that may be both is an `Option<Nullable<T>>`: `None` leaves it out, `Some(Nullable::Null)` writes `null`.
///
/// ```
/// use specsmith_runtime::Nullable;
///
/// let cleared: Option<Nullable<String>> = Some(Nullable::Null);
/// assert_eq!(cleared.and_then(Nullable::into_value), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nullable<T> {
    /// `null`.
    #[default]
    Null,
    /// A value.
    Value(T),
}

impl<T> Nullable<T> {
    /// The value, if it is one.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The value, if it is one.
    pub fn as_value(&self) -> Option<&T> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T> From<Option<T>> for Nullable<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}
