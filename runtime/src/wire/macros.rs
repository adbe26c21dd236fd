//! What the generator writes for a model, an enum and a union, spelt once.
//!
//! Everything is `#[inline]`, so that it becomes machine code where it is used, not where it is defined: a crate of models is
//! then built in the time that it takes to check it.

/// Makes a struct a model: `model!(Device, required [0], { 0 "deviceId" device_id, … } ..additional_properties)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __model {
    (
        $ty:ident ($($blank:expr),*), required [$($required:literal),*] $(, aliases [$($alias:literal $at:literal),*])?
        $(, tag $tag:literal $value:literal)?, { $($index:literal $name:literal $field:ident),* $(,)? } $(..$rest:ident)?
    ) => {
        impl $crate::wire::Object for $ty {
            #[inline]
            fn model(&self) -> &'static $crate::wire::Model {
                const MODEL: &$crate::wire::Model = &$crate::wire::Model {
                    name: stringify!($ty),
                    fields: &[$($name),*],
                    required: &[$($required),*],
                    aliases: &[$($(($alias, $at)),*)?],
                    // The first of a list is what the macro was given, if it was, or else the default.
                    tag: [$(::core::option::Option::Some(($tag, $value)),)? ::core::option::Option::None][0],
                    open: [$(!stringify!($rest).is_empty(),)? false][0],
                };
                MODEL
            }
            #[inline]
            fn field(&self, index: usize) -> $crate::wire::View<'_> {
                match index {
                    $($index => $crate::wire::Wire::view(&self.$field),)*
                    $(usize::MAX => $crate::wire::Wire::view(&self.$rest),)?
                    _ => $crate::wire::View::Absent,
                }
            }
            #[inline]
            fn slot(&mut self, index: usize) -> $crate::wire::Slot<'_> {
                match index {
                    $($index => $crate::wire::Wire::slot(&mut self.$field),)*
                    $(usize::MAX => $crate::wire::Slot::Map(&mut self.$rest),)?
                    _ => $crate::wire::Slot::Ignored,
                }
            }
            #[inline]
            fn reset(&mut self) {
                *self = $crate::wire::Wire::blank();
            }
        }
        impl $crate::wire::Wire for $ty {
            #[inline]
            fn blank() -> Self {
                Self::new($($blank),*)
            }
            #[inline]
            fn view(&self) -> $crate::wire::View<'_> {
                $crate::wire::View::Object(self)
            }
            #[inline]
            fn slot(&mut self) -> $crate::wire::Slot<'_> {
                $crate::wire::Slot::Object(self)
            }
        }
        $crate::__wire!($ty);
    };
}

/// The traits that every type with a [`Wire`](crate::wire::Wire) of its own has: serde's two, `Debug`, `PartialEq`.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire {
    ($ty:ident) => {
        impl $crate::__serde::Serialize for $ty {
            #[inline]
            fn serialize<S: $crate::__serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::wire::write::value(self, serializer)
            }
        }
        impl<'de> $crate::__serde::Deserialize<'de> for $ty {
            #[inline]
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::wire::read::value(deserializer)
            }
        }
        impl ::core::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::wire::show::value(self, f)
            }
        }
        impl ::core::cmp::PartialEq for $ty {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                $crate::wire::show::same(self, other)
            }
        }
    };
}

/// Makes an enum of strings: `string_enum!(DeviceStatus, exact, Other, { Enabled "enabled", Disabled "disabled" })`; `any_case` in place of
/// `exact` reads values without regard to case.
#[doc(hidden)]
#[macro_export]
macro_rules! __string_enum {
    ($ty:ident, $case:ident, $other:ident, { $($variant:ident $value:literal),* $(,)? }) => {
        impl $ty {
            /// The value on the wire.
            #[inline]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::$other(value) => value,
                }
            }
        }
        impl ::core::convert::From<&str> for $ty {
            #[inline]
            fn from(value: &str) -> Self {
                match $crate::wire::$case(value, &[$($value),*]) {
                    $($value => Self::$variant,)*
                    other => Self::$other(other.to_owned()),
                }
            }
        }
        impl $crate::wire::Text for $ty {
            #[inline]
            fn set(&mut self, text: &str) -> ::core::result::Result<(), &'static str> {
                *self = Self::from(text);
                Ok(())
            }
        }
        impl $crate::wire::Wire for $ty {
            #[inline]
            fn blank() -> Self {
                Self::$other(::std::string::String::new())
            }
            #[inline]
            fn view(&self) -> $crate::wire::View<'_> {
                $crate::wire::View::Str(self.as_str())
            }
            #[inline]
            fn slot(&mut self) -> $crate::wire::Slot<'_> {
                $crate::wire::Slot::Word(self)
            }
        }
        impl ::core::fmt::Display for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        $crate::__wire!($ty);
        impl ::core::cmp::Eq for $ty {}
        impl ::core::hash::Hash for $ty {
            #[inline]
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }
    };
}

/// Makes an enum of integers: `integer_enum!(Level, Other, { Low 1, High 2 })`.
#[doc(hidden)]
#[macro_export]
macro_rules! __integer_enum {
    ($ty:ident, $other:ident, { $($variant:ident $value:literal),* $(,)? }) => {
        impl $ty {
            /// The value on the wire.
            #[inline]
            pub fn value(&self) -> i64 {
                match self {
                    $(Self::$variant => $value,)*
                    Self::$other(value) => *value,
                }
            }
        }
        impl ::core::convert::From<i64> for $ty {
            #[inline]
            fn from(value: i64) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::$other(other),
                }
            }
        }
        impl $crate::wire::Text for $ty {
            #[inline]
            fn set(&mut self, text: &str) -> ::core::result::Result<(), &'static str> {
                *self = Self::from(text.parse::<i64>().map_err(|_| "an integer")?);
                Ok(())
            }
        }
        impl $crate::wire::Wire for $ty {
            #[inline]
            fn blank() -> Self {
                Self::$other(0)
            }
            #[inline]
            fn view(&self) -> $crate::wire::View<'_> {
                $crate::wire::View::I64(self.value())
            }
            #[inline]
            fn slot(&mut self) -> $crate::wire::Slot<'_> {
                $crate::wire::Slot::Digits(self)
            }
        }
        impl ::core::fmt::Display for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.value(), f)
            }
        }
        $crate::__wire!($ty);
        impl ::core::cmp::Eq for $ty {}
        impl ::core::hash::Hash for $ty {
            #[inline]
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                self.value().hash(state);
            }
        }
    };
}

/// Makes an enum of models that a discriminator tells apart: `union_model!(Animal, "kind", Other, { Cat "cat", Dog "dog" })`.
#[doc(hidden)]
#[macro_export]
macro_rules! __union {
    ($ty:ident, $tag:literal, $other:ident, { $($variant:ident $value:literal),* $(,)? }) => {
        impl $crate::wire::Union for $ty {
            #[inline]
            fn tag(&self) -> &'static str {
                $tag
            }
            #[inline]
            fn choose(&mut self, tag: ::core::option::Option<&str>) -> $crate::wire::Slot<'_> {
                *self = match tag {
                    $(Some($value) => Self::$variant($crate::wire::Wire::blank()),)*
                    _ => Self::$other($crate::wire::Wire::blank()),
                };
                match self {
                    $(Self::$variant(value) => $crate::wire::Wire::slot(value),)*
                    Self::$other(value) => $crate::wire::Wire::slot(value),
                }
            }
        }
        impl $crate::wire::Wire for $ty {
            const IS_RAW: bool = true;
            #[inline]
            fn blank() -> Self {
                Self::$other($crate::wire::Wire::blank())
            }
            #[inline]
            fn view(&self) -> $crate::wire::View<'_> {
                match self {
                    $(Self::$variant(value) => $crate::wire::Wire::view(value),)*
                    Self::$other(value) => $crate::wire::Wire::view(value),
                }
            }
            #[inline]
            fn slot(&mut self) -> $crate::wire::Slot<'_> {
                $crate::wire::Slot::Union(self)
            }
        }
        $crate::__wire!($ty);
    };
}

/// Makes a builder's type awaitable: `call!(QueryDevices => Vec<Twin>)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __call {
    ($ty:ident => $output:ty) => {
        impl ::core::future::IntoFuture for $ty {
            type Output = ::core::result::Result<$crate::Response<$output>, $crate::Error>;
            type IntoFuture = $crate::Pending<$output>;

            #[inline]
            fn into_future(self) -> Self::IntoFuture {
                self.call.into_future()
            }
        }
    };
}

/// Makes a builder around a [`LongCall`](crate::LongCall) a call that is awaited or started.
#[doc(hidden)]
#[macro_export]
macro_rules! __long_call {
    ($ty:ident => $output:ty) => {
        $crate::__call!($ty => $output);

        impl $ty {
            /// Starts the operation; its end is for the [`Poller`]($crate::Poller) to wait for.
            ///
            /// # Errors
            ///
            /// Where the operation could not be started.
            #[inline]
            pub fn start(
                self,
            ) -> $crate::transport::BoxFuture<'static, ::core::result::Result<$crate::Poller<$output>, $crate::Error>> {
                self.call.start()
            }
        }
    };
}

/// Makes a builder around a [`PagedCall`](crate::PagedCall) a call that is awaited, or gone through.
#[doc(hidden)]
#[macro_export]
macro_rules! __paged_call {
    ($ty:ident => $output:ty, $item:ty) => {
        $crate::__call!($ty => $output);

        impl $ty {
            /// Begins with the page that a [`continuation`]($crate::Page::continuation) of the same list names.
            #[inline]
            pub fn continue_from(mut self, continuation: impl ::core::convert::Into<::std::string::String>) -> Self {
                self.call = self.call.continue_from(continuation);
                self
            }

            /// All items, page after page. A page is asked for when an item of it is.
            #[inline]
            pub fn into_stream(self) -> $crate::ItemStream<$item> {
                self.call.into_stream()
            }

            /// All pages. Each is asked for when it is.
            #[inline]
            pub fn into_pages(self) -> $crate::PageStream<$item> {
                self.call.into_pages()
            }
        }
    };
}
