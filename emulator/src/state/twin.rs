//! A twin: what the back end and the device say of each other, in JSON of their own.

use iothub::runtime::time::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::device::{base64_text, seven_decimals};

/// The deepest that objects may lie in one another within tags, desired or reported properties.
const DEPTH: usize = 10;
/// The longest name, in bytes.
const NAME: usize = 1 << 10;
/// The longest text, in bytes.
const TEXT: usize = 4 << 10;
/// The least and the greatest integer.
const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;

/// A twin. Its parts are kept as the JSON text in which they are answered, since there may be very many twins and most are only
/// read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Twin {
    /// How often it has been changed, from 1 on.
    pub(crate) version: u64,
    /// The tags.
    pub(crate) tags: Box<RawValue>,
    /// The desired properties, with `$metadata` and `$version`.
    pub(crate) desired: Box<RawValue>,
    /// The reported properties, with the same.
    pub(crate) reported: Box<RawValue>,
}

/// What a twin consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Tags, which devices do not see.
    Tags,
    /// What the back end wants.
    Desired,
    /// What the device says.
    Reported,
}

impl Part {
    fn shown(self) -> &'static str {
        match self {
            Part::Tags => "tags",
            Part::Desired => "properties.desired",
            Part::Reported => "properties.reported",
        }
    }

    /// The most that it may hold, measured by [`size`].
    fn most(self) -> usize {
        match self {
            Part::Tags => 8 << 10,
            Part::Desired | Part::Reported => 32 << 10,
        }
    }
}

/// How a part is changed.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Objects are merged at every depth, `null` removes, anything else replaces.
    Merge(Map<String, Value>),
    /// What was there is gone.
    Replace(Map<String, Value>),
}

impl Twin {
    /// The twin of a new device.
    pub(crate) fn new(now: DateTime) -> Twin {
        let empty = |part| text(&Section::default().written(part, now, true));
        Twin { version: 1, tags: empty(Part::Tags), desired: empty(Part::Desired), reported: empty(Part::Reported) }
    }

    /// The entity tag: 8 bytes in Base64, which count one behind the version.
    pub(crate) fn etag(&self) -> String {
        base64_text(self.version.saturating_sub(1).to_be_bytes())
    }

    /// The twin with these changes, all of which count as one.
    ///
    /// # Errors
    ///
    /// What is wrong with them, naming the member.
    pub(crate) fn changed(
        &self,
        changes: impl IntoIterator<Item = (Part, Change)>,
        now: DateTime,
    ) -> Result<Twin, String> {
        let mut twin = Twin { version: self.version + 1, ..self.clone() };
        for (part, change) in changes {
            let own = match part {
                Part::Tags => &mut twin.tags,
                Part::Desired => &mut twin.desired,
                Part::Reported => &mut twin.reported,
            };
            // To merge nothing is no change of this part, while to replace it by nothing is.
            if matches!(&change, Change::Merge(given) if given.is_empty()) {
                continue;
            }
            let mut section = Section::read(own.get());
            section.change(part, change, now)?;
            *own = text(&section.written(part, now, false));
        }
        Ok(twin)
    }

    /// Whether its parts are what they have to be, when it comes from the store.
    ///
    /// # Errors
    ///
    /// Which is not.
    pub(super) fn check(&self) -> Result<(), String> {
        for (part, json) in [(Part::Tags, &self.tags), (Part::Desired, &self.desired), (Part::Reported, &self.reported)]
        {
            json.get().starts_with('{').then_some(()).ok_or_else(|| format!("{} is no object", part.shown()))?;
        }
        Ok(())
    }

    /// A part as JSON, with what the hub adds to it.
    pub(crate) fn part(&self, part: Part) -> Map<String, Value> {
        let own = match part {
            Part::Tags => &self.tags,
            Part::Desired => &self.desired,
            Part::Reported => &self.reported,
        };
        serde_json::from_str(own.get()).unwrap_or_default()
    }
}

/// Names are texts and values are JSON: it can always be written.
fn text(object: &Map<String, Value>) -> Box<RawValue> {
    to_raw_value(object).unwrap_or_default()
}

/// A part, taken apart.
#[derive(Default)]
struct Section {
    values: Map<String, Value>,
    metadata: Map<String, Value>,
    version: u64,
}

impl Section {
    fn read(json: &str) -> Section {
        let mut values: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        let version = values.remove("$version").and_then(|version| version.as_u64()).unwrap_or_default();
        let metadata = match values.remove("$metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        Section { values, metadata, version }
    }

    fn written(mut self, part: Part, now: DateTime, is_new: bool) -> Map<String, Value> {
        if part == Part::Tags {
            return self.values;
        }
        self.version += 1;
        if is_new {
            stamp(&mut self.metadata, part, now, None);
        }
        self.values.insert("$metadata".to_owned(), Value::Object(self.metadata));
        self.values.insert("$version".to_owned(), self.version.into());
        self.values
    }

    fn change(&mut self, part: Part, change: Change, now: DateTime) -> Result<(), String> {
        let version = (part == Part::Desired).then_some(self.version + 1);
        let (mut given, replaces) = match change {
            Change::Merge(given) => (given, false),
            Change::Replace(given) => (given, true),
        };
        // What a client has read, and sends back.
        given.retain(|name, _| !matches!(name.as_str(), "$metadata" | "$version" | "$etag"));
        check(&given, part.shown(), 0)?;
        if replaces {
            self.values.clear();
            self.metadata.clear();
        }
        merge(&mut self.values, &mut self.metadata, given, &|metadata| stamp(metadata, part, now, version));
        stamp(&mut self.metadata, part, now, version);
        match size(&self.values) {
            size if size > part.most() => Err(format!("{}: larger than {} bytes", part.shown(), part.most())),
            _ => Ok(()),
        }
    }
}

/// Writes when and by which version a part was last changed.
fn stamp(metadata: &mut Map<String, Value>, part: Part, now: DateTime, version: Option<u64>) {
    if part != Part::Tags {
        metadata.insert("$lastUpdated".to_owned(), seven_decimals(now).into());
        if let Some(version) = version {
            metadata.insert("$lastUpdatedVersion".to_owned(), version.into());
        }
    }
}

/// How much a part holds, as the service counts: names and texts by their characters, but for those that control; a number is 8,
/// anything else 4.
fn size(object: &Map<String, Value>) -> usize {
    object.iter().map(|(name, value)| characters(name) + size_of(value)).sum()
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Object(inner) => size(inner),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::String(text) => characters(text),
        Value::Number(_) => 8,
        Value::Bool(_) | Value::Null => 4,
    }
}

fn characters(text: &str) -> usize {
    text.chars().filter(|character| !character.is_control()).count()
}

/// Merges objects at every depth, and the tree of metadata along with them. It goes no deeper than [`check`] has seen.
fn merge(
    values: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    given: Map<String, Value>,
    stamp: &dyn Fn(&mut Map<String, Value>),
) {
    for (name, value) in given {
        if value.is_null() {
            values.shift_remove(&name);
            metadata.shift_remove(&name);
            continue;
        }
        let entry = metadata.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(own) = entry else { continue };
        match value {
            Value::Object(inner) => {
                let slot = values.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                    own.clear();
                }
                if let Value::Object(slot) = slot {
                    merge(slot, own, inner, stamp);
                }
            }
            value => {
                own.clear();
                values.insert(name, value);
            }
        }
        stamp(own);
    }
}

/// Whether names and values are such as a twin may have.
fn check(object: &Map<String, Value>, at: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("{at}: more than {DEPTH} objects within one another"));
    }
    for (name, value) in object {
        if name.len() > NAME {
            return Err(format!("{at}: a name is longer than {NAME} bytes"));
        }
        if name.is_empty() || name.chars().any(|c| c.is_control() || matches!(c, '.' | '$' | ' ')) {
            return Err(format!(
                "{at}: {name:?} is no name: `.`, `$`, spaces and control characters may not stand in one"
            ));
        }
        check_value(value, &format!("{at}.{name}"), depth + 1)?;
    }
    Ok(())
}

fn check_value(value: &Value, at: &str, depth: usize) -> Result<(), String> {
    match value {
        Value::Object(inner) => check(inner, at, depth),
        Value::Array(_) if depth > DEPTH => Err(format!("{at}: more than {DEPTH} objects within one another")),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, at, depth + 1)),
        Value::String(text) if text.len() > TEXT => Err(format!("{at}: longer than {TEXT} bytes")),
        Value::Number(number)
            if !number.is_f64() && !number.as_i64().is_some_and(|number| INTEGERS.contains(&number)) =>
        {
            Err(format!("{at}: not one of the integers from {} to {}", INTEGERS.start(), INTEGERS.end()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
