//! Arbitrary models, of whatever type: each slot of one is filled with what it takes.

use std::sync::LazyLock;

use iothub::runtime::wire::{Object, REST, Slot, Text, Wire};
use serde_json::{Map, Number, Value};
use specsmith::Builder;

use crate::scratch::root;

/// What is decided by chance. Behind the end each decision is the simplest one, so that less of it is a smaller model.
#[derive(Clone)]
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn new(choices: Vec<u32>) -> Self {
        Self(choices.into_iter())
    }

    /// A number below this.
    fn below(&mut self, end: usize) -> usize {
        self.0.next().unwrap_or_default() as usize % end
    }

    fn wide(&mut self) -> i64 {
        let half = |choice: Option<u32>| i64::from(choice.unwrap_or_default());
        match self.below(8) {
            0 => 0,
            1 => i64::MAX,
            2 => i64::MIN,
            3 => -1,
            _ => half(self.0.next()) << 32 | half(self.0.next()),
        }
    }

    /// Text of hard characters.
    fn text(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "a",
            "",
            "\"",
            "\\",
            "\u{0}",
            "\n",
            "\u{fc}",
            "\u{2028}",
            "\u{1f600}",
            "\u{feff}",
            "/",
            "7",
            "null",
            "{",
            "\u{7f}",
            " ",
        ];
        (0..self.below(5)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    /// A name that no property has.
    fn unknown_name(&mut self) -> String {
        format!("?{}", self.text())
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => self.wide().into(),
            3 => u64::MAX.into(),
            4 => [0.1, -1e300, 5e-324, -0.5][self.below(4)].into(),
            5 => Value::Number(Number::from(7)),
            6 => self.text().into(),
            7 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => self.object(depth - 1).into(),
        }
    }

    fn object(&mut self, depth: usize) -> Map<String, Value> {
        (0..self.below(4)).map(|_| (self.text(), self.json(depth))).collect()
    }
}

/// The words of all enums of the documents.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let inspection = Builder::new().manifest(root().join("specsmith.yaml")).quiet(true).inspect().unwrap().value;
    let models = inspection["models"].as_array().unwrap().iter().filter(|model| model["kind"] == "enum");
    let variants = models.flat_map(|model| model["rust"]["variants"].as_array().unwrap());
    variants.map(|variant| variant["value"].as_str().unwrap().to_owned()).collect()
});

/// Texts of types with rules of their own: one of them fits wherever a text has to.
const TEXTS: [&str; 10] = [
    "0001-01-01T00:00:00",
    "2020-02-29T23:59:59.1234567Z",
    "2020-01-01T00:00:00+05:30",
    "Fri, 18 Aug 2017 21:12:55 GMT",
    "2016-02-29",
    "PT1H",
    "P1DT0.5S",
    "Zm9v",
    "12345",
    "made-up \u{fc}; \"key\"",
];

/// A property of a model.
type Place = (&'static str, &'static str);

/// Where there is none.
const NOWHERE: Place = ("", "");

/// Whether `null` is a value there like others.
fn is_nullable(place: Place) -> bool {
    matches!(place, (_, "payload" | "statusDescription") | ("NameAvailability", "message"))
}

/// The documents' limits that a server holds requests to, where an arbitrary value would be beyond them.
#[derive(PartialEq)]
enum Limit {
    None,
    /// From 1 to 100.
    Count,
    /// A list of one item.
    One,
    Text(&'static [&'static str]),
}

fn limit(place: Place) -> Limit {
    const NAMES: &[&str] = &["a", "-._Z0", "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"];
    match place {
        ("RouteProperties" | "FallbackRouteProperties", "endpointNames") => Limit::One,
        (_, "maxDeliveryCount") => Limit::Count,
        ("SharedAccessPolicy", "rights") => Limit::Text(&["RegistryRead", "RegistryWrite, ServiceConnect"]),
        ("IpFilterRule", "action") => Limit::Text(&["Accept", "Reject"]),
        (model, "name") if model.starts_with("Rout") => Limit::Text(NAMES),
        _ => Limit::None,
    }
}

/// A model, and what it has to be in JSON: by what was put into it, not by what it says.
pub(super) struct Arbitrary<T> {
    pub(super) value: T,
    pub(super) json: Value,
    /// The same as services and clients write it that are not ours: properties without a value are null, and there are some that no
    /// document knows, where they are not kept.
    pub(super) disguised: Value,
}

pub(super) fn arbitrary<T: Wire>(choices: &mut Choices) -> Arbitrary<T> {
    let mut value = T::blank();
    let Filled { json, disguised } = fill(value.slot(), NOWHERE, choices);
    Arbitrary { value, json: json.unwrap(), disguised }
}

struct Filled {
    /// Nothing where the value is absent.
    json: Option<Value>,
    disguised: Value,
}

impl<T: Into<Value>> From<T> for Filled {
    fn from(value: T) -> Filled {
        let value = value.into();
        Filled { json: Some(value.clone()), disguised: value }
    }
}

/// The entries of an object.
#[derive(Default)]
struct Entries {
    json: Map<String, Value>,
    disguised: Map<String, Value>,
}

impl Entries {
    fn insert(&mut self, name: &str, value: Filled, is_nullable: bool) {
        if value.json.is_some() || !is_nullable {
            self.disguised.insert(name.to_owned(), value.disguised);
        }
        if let Some(json) = value.json {
            self.json.insert(name.to_owned(), json);
        }
    }

    fn filled(self) -> Filled {
        Filled { json: Some(self.json.into()), disguised: self.disguised.into() }
    }
}

fn text(text: &mut dyn Text, choices: &mut Choices) -> &'static str {
    let first = choices.below(TEXTS.len());
    let fits = (0..TEXTS.len()).map(|index| TEXTS[(first + index) % TEXTS.len()]).find(|one| text.set(one).is_ok());
    fits.unwrap_or_else(|| panic!("no text is one for this type"))
}

fn put<V: Clone + Into<Value>>(place: &mut V, value: V) -> Filled {
    *place = value.clone();
    value.into().into()
}

/// Fills the slot of a property.
fn fill(slot: Slot<'_>, place: Place, choices: &mut Choices) -> Filled {
    match (slot, limit(place)) {
        (Slot::I32(value), Limit::Count) => put(value, choices.below(100) as i32 + 1),
        (Slot::String(value), Limit::Text(texts)) => put(value, texts[choices.below(texts.len())].to_owned()),
        (Slot::Word(value), Limit::Text(words)) => {
            let word = words[choices.below(words.len())];
            value.set(word).unwrap();
            word.into()
        }
        (slot, limit) => fill_freely(slot, place, limit == Limit::One, choices),
    }
}

fn fill_freely(slot: Slot<'_>, place: Place, one: bool, choices: &mut Choices) -> Filled {
    match slot {
        Slot::Bool(value) => put(value, choices.below(2) == 1),
        Slot::I32(value) => put(value, choices.wide() as i32),
        Slot::I64(value) => put(value, choices.wide()),
        Slot::U64(value) => put(value, choices.wide() as u64),
        Slot::F32(value) => put(value, choices.wide() as f32),
        Slot::F64(value) => put(value, choices.wide() as f64),
        Slot::String(value) => put(value, choices.text()),
        Slot::Value(value) => put(value, choices.json(3)),
        Slot::Text(value) => text(value, choices).into(),
        Slot::Number(value) | Slot::Digits(value) => {
            let digits: i64 = text(value, choices).parse().unwrap();
            digits.into()
        }
        Slot::Word(value) => {
            let word = match choices.below(4) {
                0 => choices.unknown_name(),
                _ => WORDS[choices.below(WORDS.len())].clone(),
            };
            value.set(&word).unwrap();
            word.into()
        }
        Slot::OptionalString(_) | Slot::Option(_) | Slot::OptionalRaw(_) if choices.below(3) == 0 => absent(),
        Slot::OptionalString(value) => fill(Slot::String(value.insert(String::new())), place, choices),
        Slot::Option(option) | Slot::OptionalRaw(option) if is_nullable(place) && choices.below(3) == 0 => {
            option.set_null();
            Value::Null.into()
        }
        Slot::Option(option) | Slot::OptionalRaw(option) => match option.fill() {
            // Whether it is null has been decided.
            Slot::Option(option) if is_nullable(place) => fill(option.fill(), place, choices),
            slot => fill(slot, place, choices),
        },
        Slot::List(list) => {
            let count = if one { 1 } else { choices.below(4) };
            let items: Vec<Filled> = (0..count).map(|_| fill(list.push(), NOWHERE, choices)).collect();
            let (json, disguised): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.json, item.disguised)).unzip();
            Filled { json: Some(json.into_iter().flatten().collect()), disguised: disguised.into() }
        }
        Slot::Map(map) => {
            let mut entries = Entries::default();
            for _ in 0..choices.below(4) {
                let name = format!("{}.", choices.text());
                entries.insert(&name, fill(map.insert(name.clone()), NOWHERE, choices), false);
            }
            entries.filled()
        }
        Slot::Object(object) => fill_object(object, choices),
        // The documents have none.
        Slot::Union(_) | Slot::Ignored => panic!("nothing can be put there"),
    }
}

fn absent() -> Filled {
    Filled { json: None, disguised: Value::Null }
}

fn fill_object(object: &mut dyn Object, choices: &mut Choices) -> Filled {
    let (model, mut entries) = (object.model(), Entries::default());
    for (index, name) in model.fields.iter().enumerate() {
        let place = (model.name, *name);
        entries.insert(name, fill(object.slot(index), place, choices), is_nullable(place));
    }
    if !model.open {
        entries.disguised.insert("?".to_owned(), Value::Object(Map::new()));
        return entries.filled();
    }
    let Slot::Map(rest) = object.slot(REST) else { panic!("unknown properties are not kept") };
    for _ in 0..choices.below(3) {
        let name = choices.unknown_name();
        entries.insert(&name, fill(rest.insert(name.clone()), NOWHERE, choices), false);
    }
    entries.filled()
}
