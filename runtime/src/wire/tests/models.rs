//! Models as the generator writes them.

#![allow(unreachable_pub, reason = "the macros make public items")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::codegen::v1;
use crate::time::{Date, DateTime, Duration, Rfc1123, UnixTime};
use crate::{Base64, Base64Url, Decimal, Nullable, Secret};

macro_rules! structure {
    ($name:ident ($($required:ident: $of:ty),*) { $($field:ident: $ty:ty),* $(,)? } $(..$rest:ident: $rest_ty:ty)?) => {
        #[derive(Clone)]
        pub(super) struct $name {
            $(pub(super) $required: $of,)*
            $(pub(super) $field: Option<$ty>,)*
            $(pub(super) $rest: $rest_ty,)?
        }

        impl $name {
            #[allow(clippy::new_without_default, clippy::too_many_arguments)]
            pub(super) fn new($($required: $of),*) -> Self {
                Self { $($required,)* $($field: None,)* $($rest: <$rest_ty>::new(),)? }
            }
        }
    };
}

structure!(Everything (text: String) {
    maybe: String,
    small: i32,
    big: i64,
    natural: u64,
    single: f32,
    double: f64,
    flag: bool,
    decimal: Decimal,
    maybe_decimal: Nullable<Decimal>,
    decimals: Vec<Decimal>,
    prices: BTreeMap<String, Decimal>,
    unix: UnixTime,
    at: DateTime,
    http: Rfc1123,
    day: Date,
    span: Duration,
    bytes: Base64,
    url_bytes: Base64Url,
    secret: Secret,
    free: Value,
    object: Map<String, Value>,
    list: Vec<String>,
    map: BTreeMap<String, i32>,
    child: Box<Everything>,
    children: Vec<Everything>,
    named: BTreeMap<String, Everything>,
    nullable: Nullable<String>,
    nullables: Vec<Nullable<i32>>,
    status: Status,
    kind: AnyCase,
    level: Level,
    animal: Animal,
    animals: Vec<Animal>,
    zoo: BTreeMap<String, Animal>,
    maybe_animal: Nullable<Animal>,
} ..rest: Map<String, Value>);

v1::model!(Everything(String::new()), required [0], aliases ["Text" 0, "texte" 0], {
    0 "text" text,
    1 "maybe" maybe,
    2 "small" small,
    3 "big" big,
    4 "natural" natural,
    5 "single" single,
    6 "double" double,
    7 "flag" flag,
    8 "decimal" decimal,
    9 "maybeDecimal" maybe_decimal,
    10 "decimals" decimals,
    11 "prices" prices,
    12 "unix" unix,
    13 "at" at,
    14 "http" http,
    15 "day" day,
    16 "span" span,
    17 "bytes" bytes,
    18 "urlBytes" url_bytes,
    19 "secret" secret,
    20 "free" free,
    21 "object" object,
    22 "list" list,
    23 "map" map,
    24 "child" child,
    25 "children" children,
    26 "named" named,
    27 "nullable" nullable,
    28 "nullables" nullables,
    29 "status" status,
    30 "kind" kind,
    31 "level" level,
    32 "animal" animal,
    33 "animals" animals,
    34 "zoo" zoo,
    35 "maybeAnimal" maybe_animal,
} ..rest);

structure!(Strict (
    name: String,
    count: i32,
    ratio: f64,
    price: Decimal,
    on: bool,
    list: Vec<String>,
    map: BTreeMap<String, i64>,
    free: Value,
    open: Nullable<i32>,
    inner: Inner,
    status: Status,
    animal: Animal
) {});

v1::model!(Strict(
    String::new(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(),
    v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank(), v1::Wire::blank()
), required [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], {
    0 "name" name,
    1 "count" count,
    2 "ratio" ratio,
    3 "price" price,
    4 "on" on,
    5 "list" list,
    6 "map" map,
    7 "free" free,
    8 "open" open,
    9 "inner" inner,
    10 "status" status,
    11 "animal" animal,
});

// A closed one.
structure!(Inner () { first: i32, second: i32, deeper: Box<Inner>, key: Secret });

v1::model!(Inner(), required [], { 0 "first" first, 1 "second" second, 2 "deeper" deeper, 3 "key" key });

structure!(Empty () {});

v1::model!(Empty(), required [], {});

structure!(Counts () {} ..counts: BTreeMap<String, i32>);

v1::model!(Counts(), required [], {} ..counts);

#[derive(Clone)]
pub(super) enum Status {
    Enabled,
    Disabled,
    Other(String),
}

v1::string_enum!(Status, exact, Other, { Enabled "enabled", Disabled "disabled" });

#[derive(Clone)]
pub(super) enum AnyCase {
    Sas,
    SelfSigned,
    Other(String),
}

v1::string_enum!(AnyCase, any_case, Other, { Sas "sas", SelfSigned "selfSigned" });

#[derive(Clone)]
pub(super) enum Level {
    Low,
    High,
    Other(i64),
}

v1::integer_enum!(Level, Other, { Low 1, High 2 });

#[derive(Clone)]
pub(super) enum Animal {
    Cat(Box<Cat>),
    Dog(Box<Dog>),
    Herd(Box<Herd>),
    Other(Map<String, Value>),
}

v1::union_model!(Animal, "kind", Other, { Cat "cat", Dog "dog", Herd "#Zoo.Herd" });

structure!(Cat (name: String) { lives: i32, weight: Decimal, key: Secret });

v1::model!(Cat(String::new()), required [0], tag "kind" "cat", {
    0 "name" name, 1 "lives" lives, 2 "weight" weight, 3 "key" key
});

structure!(Dog () { good: bool, inner: Inner } ..rest: Map<String, Value>);

v1::model!(Dog(), required [], tag "kind" "dog", { 0 "good" good, 1 "inner" inner } ..rest);

structure!(Herd () { members: Vec<Animal>, leader: Box<Animal>, by_name: BTreeMap<String, Animal>, shape: Shape });

v1::model!(Herd(), required [], tag "kind" "#Zoo.Herd", {
    0 "members" members, 1 "leader" leader, 2 "byName" by_name, 3 "shape" shape
});

/// A union told apart by another property, with a variant that is a union.
#[derive(Clone)]
pub(super) enum Shape {
    Animal(Box<Animal>),
    /// Itself, as no generator would have it.
    Again(Box<Shape>),
    Other(Map<String, Value>),
}

v1::union_model!(Shape, "form", Other, { Animal "animal", Again "again" });

/// Names that the macros have to get along with.
mod awkward {
    use crate::codegen::v1;

    pub(in super::super) type Option<T> = std::option::Option<T>;

    #[derive(Clone)]
    pub(in super::super) struct Result {
        pub(in super::super) d: Option<D>,
    }

    impl Result {
        fn new() -> Self {
            Self { d: None }
        }
    }

    v1::model!(Result(), required [], { 0 "d" d });

    #[derive(Clone)]
    pub(in super::super) enum D {
        S,
        String(std::string::String),
    }

    v1::string_enum!(D, exact, String, { S "s" });

    #[derive(Clone)]
    pub(in super::super) enum S {
        From,
        H(i64),
    }

    v1::integer_enum!(S, H, { From - 1 });
}

pub(super) use awkward::{D, Result as AwkwardResult, S};
