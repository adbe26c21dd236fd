//! Reading, writing, printing and comparing, with models as the generator writes them.

mod all;
mod codegen;
mod errors;
mod fields;
mod formats;
mod models;
mod nesting;
mod properties;
mod show;
mod unions;
mod unknown;

use models::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Wire;

fn read<T: Wire>(json: &str) -> Result<T, super::read::ReadError> {
    let mut value = T::blank();
    super::read::from_json(json.as_bytes(), value.slot())?;
    Ok(value)
}

fn write<T: Wire>(value: &T) -> String {
    String::from_utf8(super::write::to_json(value.view()).unwrap()).unwrap()
}

/// Reads the text in all ways that there are, which have to agree, writes it in all ways and expects the text.
#[track_caller]
fn returns<T: Model>(json: &str) -> T {
    let value = read::<T>(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(write(&value), json);
    assert_eq!(serde_json::from_str::<T>(json).unwrap(), value, "from_str");
    assert_eq!(serde_json::from_reader::<_, T>(json.as_bytes()).unwrap(), value, "from_reader");
    assert_eq!(serde_json::to_string(&value).unwrap(), json, "to_string");
    value
}

/// As [`returns`], also through [`Value`], which keeps fewer digits.
#[track_caller]
fn returns_from_value<T: Model>(json: &str) -> T {
    let value = returns::<T>(json);
    let tree: Value = serde_json::from_str(json).unwrap();
    assert_eq!(T::deserialize(&tree).unwrap(), value, "&Value");
    assert_eq!(serde_json::from_value::<T>(tree.clone()).unwrap(), value, "Value");
    assert_eq!(serde_json::to_value(&value).unwrap(), tree, "to_value");
    value
}

#[track_caller]
fn error<T: Model>(json: &str) -> String {
    let error = read::<T>(json).expect_err(json).to_string();
    if let Err(own) = serde_json::from_str::<T>(json) {
        assert_eq!(own.to_string(), error, "from_str");
    }
    error
}

trait Model: Wire + DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug {}
impl<T: Wire + DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug> Model for T {}
