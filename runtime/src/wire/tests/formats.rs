//! Reading from and writing to other things than JSON text.

use std::collections::HashMap;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::*;

/// A model of a user's own.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
struct Users {
    id: u32,
    one: Everything,
    maybe: Option<Strict>,
    many: Vec<Animal>,
    by_name: HashMap<String, Inner>,
    status: Status,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    rest: Everything,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Strict(Box<Strict>),
    Animals(Vec<Animal>),
    Everything(Box<Everything>),
}

const EVERYTHING: &str = r##"{"text":"t","maybe":"m","small":-1,"big":-9223372036854775808,"natural":18446744073709551615,"single":0.5,"double":0.1,"flag":true,"decimal":12.5,"maybeDecimal":null,"decimals":[1,2.5],"prices":{"a":7},"unix":1503091975,"at":"0001-01-01T00:00:00","http":"Fri, 18 Aug 2017 21:12:55 GMT","day":"2016-02-29","span":"PT5M","bytes":"Zm9vYg==","urlBytes":"-_8","secret":"s","free":{"a":[null,1.5]},"object":{"gone":null},"list":["a",""],"map":{"x":1},"child":{"text":"","new":1},"children":[{"text":"c"}],"named":{"n":{"text":"d"}},"nullable":null,"nullables":[1,null],"status":"enabled","kind":"tpm","level":2,"animal":{"kind":"cat","name":"Tom","weight":3.5},"animals":[{"kind":"dog","good":true,"x":1},{"kind":"yak","y":[{}]}],"zoo":{"h":{"kind":"#Zoo.Herd","members":[{"kind":"cat","name":"a"}]}},"maybeAnimal":{"kind":"dog"},"new":{"deep":[1]}}"##;

fn everything() -> Everything {
    returns_from_value(EVERYTHING)
}

#[test]
fn within_a_user_s_struct() {
    let json = format!(
        r#"{{"id":1,"one":{EVERYTHING},"maybe":null,"many":[{{"name":"a","kind":"cat"}}],"by_name":{{"x":{{"first":1}}}},"status":"disabled"}}"#
    );
    let users: Users = serde_json::from_str(&json).unwrap();
    assert_eq!(users.one, everything());
    assert!(matches!(users.many[..], [Animal::Cat(_)]));
    assert_eq!(serde_json::from_str::<Users>(&serde_json::to_string(&users).unwrap()).unwrap(), users);
    let error = serde_json::from_str::<Users>(&json.replace(r#""first":1"#, r#""first":"1""#)).unwrap_err();
    assert!(
        error.to_string().starts_with("first: expected a 32-bit integer, found a string at line 1 column "),
        "{error}"
    );
}

#[test]
fn flattened_and_untagged() {
    let flat: Flat = serde_json::from_str(&format!(r#"{{"id":1,{}"#, &EVERYTHING[1..])).unwrap();
    assert_eq!(flat.rest, everything());
    assert_eq!(serde_json::from_str::<Flat>(&serde_json::to_string(&flat).unwrap()).unwrap(), flat);
    let either: Either = serde_json::from_str(EVERYTHING).unwrap();
    assert_eq!(either, Either::Everything(Box::new(everything())));
    let either: Either = serde_json::from_str(r#"[{"name":"a","kind":"cat"}]"#).unwrap();
    assert!(matches!(either, Either::Animals(animals) if matches!(animals[..], [Animal::Cat(_)])));
    let error = serde_json::from_str::<Flat>(r#"{"id":1,"text":"","animal":{"kind":"cat","name":987}}"#).unwrap_err();
    assert!(error.to_string().starts_with("animal.name: expected a string, found a number"), "{error}");
}

#[test]
fn yaml() {
    let value = everything();
    let yaml = yaml_serde::to_string(&value).unwrap();
    assert_eq!(yaml_serde::from_str::<Everything>(&yaml).unwrap(), value, "{yaml}");
    // Also from its tree.
    let tree: yaml_serde::Value = yaml_serde::to_value(&value).unwrap();
    assert_eq!(yaml_serde::from_value::<Everything>(tree).unwrap(), value);
    let value: Everything =
        yaml_serde::from_str("text: a\ndecimal: 0.1\nmap: {1: 2}\nchild: {text: b}\ndecimals: ~\n").unwrap();
    assert_eq!(write(&value), r#"{"text":"a","decimal":0.1,"map":{"1":2},"child":{"text":"b"}}"#);
    let value: Everything = yaml_serde::from_str("text: a\ndecimals: [1e300, 5.0, -7, 0.1]").unwrap();
    assert_eq!(write(&value), r#"{"text":"a","decimals":[1e300,5.0,-7,0.1]}"#);
    let error = yaml_serde::from_str::<Everything>("text: a\nchildren:\n- text: 987\n").unwrap_err().to_string();
    assert!(error.contains("children[0].text: expected a string, found a number"), "{error}");
}

/// JSON as serde_json hands it over when `arbitrary_precision` is on, from something that has buffered it: numbers as an object of
/// one mark. Here a string that starts with `#` is a number.
struct Precise(Value);

impl<'de> Deserializer<'de> for Precise {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let number = |digits: &str| [("$serde_json::private::Number".to_owned(), Precise(digits.into()))];
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(value) => visitor.visit_map(MapDeserializer::new(number(&value.to_string()).into_iter())),
            Value::String(text) => match text.strip_prefix("##") {
                Some(digits) => visitor.visit_map(MapDeserializer::new(number(digits).into_iter())),
                None => visitor.visit_string(text),
            },
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Precise))),
            Value::Object(entries) => {
                visitor.visit_map(MapDeserializer::new(entries.into_iter().map(|(name, value)| (name, Precise(value)))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, serde_json::Error> for Precise {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

fn precise<T: Model>(json: &str) -> Result<T, String> {
    T::deserialize(Precise(serde_json::from_str(json).unwrap())).map_err(|error| error.to_string())
}

#[test]
fn numbers_of_arbitrary_precision() {
    let mut expected = everything();
    // What is free is serde_json's to read, which knows the mark only with its feature; so is what unions are kept in.
    let mut found = precise::<Everything>(&EVERYTHING.replace(r#","weight":3.5"#, "")).unwrap();
    for value in [&mut expected, &mut found] {
        (value.free, value.animal, value.animals) = (None, None, None);
        value.rest.clear();
        value.child = None;
    }
    assert_eq!(found, expected);
    let many = "-1234567890123456789012345678901234567890.00123456789e-7";
    let value: Everything = precise(&format!(
        r###"{{"text":"","decimal":"##{many}","maybeDecimal":"##{many}","decimals":["##{many}"],"prices":{{"a":"##{many}"}}}}"###
    ))
    .unwrap();
    assert_eq!(
        write(&value),
        format!(r#"{{"text":"","decimal":{many},"maybeDecimal":{many},"decimals":[{many}],"prices":{{"a":{many}}}}}"#)
    );
    assert_eq!(
        precise::<Everything>(r###"{"text":"","small":"##7.0","big":"##70e-1","level":"##2","unix":"##-5"}"###)
            .map(|value| write(&value)),
        Ok(r#"{"text":"","small":7,"big":7,"unix":-5,"level":2}"#.to_owned())
    );
    let zero: Everything = precise(r###"{"text":"","double":"##-0","single":"##-0"}"###).unwrap();
    assert!(zero.double.unwrap().is_sign_negative() && zero.single.unwrap().is_sign_negative());
    for (json, wanted) in [
        (r###"{"text":"##5"}"###, "text: expected a string, found a number"),
        (
            r###"{"text":"","small":"##2147483648"}"###,
            "small: expected a 32-bit integer, found a number out of its range",
        ),
        (
            r###"{"text":"","natural":"##-1"}"###,
            "natural: expected a 64-bit integer that is not negative, found a number out of its range",
        ),
        (r###"{"text":"","big":"##1e400"}"###, "big: expected a 64-bit integer, found a number out of its range"),
        (r###"{"text":"","double":"##1e400"}"###, "double: expected a number, found a number out of its range"),
        (r###"{"text":"","big":"##1.5"}"###, "big: expected a 64-bit integer, found a number with a fraction"),
        (r###"{"text":"","list":"##5"}"###, "list: expected an array, found a number"),
        (r###"{"text":"","map":"##5"}"###, "map: expected an object, found a number"),
        (r###"{"text":"","child":"##5"}"###, "child: expected an object, found a number"),
        (r###"{"text":"","flag":"##5"}"###, "flag: expected a boolean, found a number"),
        (r###"{"text":"","at":"##5"}"###, "at: expected a string, found a number"),
        (r###"{"text":"","animal":"##5"}"###, "animal: expected an object, found a number"),
        (r###""##5""###, "expected an object, found a number"),
    ] {
        assert_eq!(precise::<Everything>(json).unwrap_err(), wanted, "{json}");
    }
}
