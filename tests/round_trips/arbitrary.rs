//! Arbitrary models, of whatever type: each slot of one is filled with what it takes.

use std::sync::LazyLock;

use iothub::runtime::wire::{Object, REST, Slot, Text, View, Wire};
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

fn set(text: &mut dyn Text, first: usize) {
    let fits = (0..TEXTS.len()).any(|index| text.set(TEXTS[(first + index) % TEXTS.len()]).is_ok());
    assert!(fits, "no text is one for this type");
}

/// A model of this type.
pub(super) fn arbitrary<T: Wire>(choices: &mut Choices) -> T {
    let mut value = T::blank();
    fill(value.slot(), choices);
    value
}

fn fill(slot: Slot<'_>, choices: &mut Choices) {
    match slot {
        Slot::Ignored => {}
        Slot::Bool(value) => *value = choices.below(2) == 1,
        Slot::I32(value) => *value = choices.wide() as i32,
        Slot::I64(value) => *value = choices.wide(),
        Slot::U64(value) => *value = choices.wide() as u64,
        Slot::F32(value) => *value = choices.wide() as f32,
        Slot::F64(value) => *value = choices.wide() as f64,
        Slot::String(text) => *text = choices.text(),
        Slot::OptionalString(text) => *text = (choices.below(2) == 1).then(|| choices.text()),
        Slot::Text(text) | Slot::Number(text) | Slot::Digits(text) => set(text, choices.below(TEXTS.len())),
        Slot::Word(word) => {
            let text = match choices.below(4) {
                0 => choices.unknown_name(),
                1 => WORDS[choices.below(WORDS.len())].to_uppercase(),
                _ => WORDS[choices.below(WORDS.len())].clone(),
            };
            word.set(&text).unwrap();
        }
        Slot::Value(value) => *value = choices.json(3),
        Slot::Option(option) | Slot::OptionalRaw(option) => match choices.below(3) {
            0 => {}
            1 => option.set_null(),
            _ => fill(option.fill(), choices),
        },
        Slot::List(list) => (0..choices.below(4)).for_each(|_| fill(list.push(), choices)),
        Slot::Map(map) => {
            for _ in 0..choices.below(4) {
                let name = choices.text();
                fill(map.insert(name), choices);
            }
        }
        Slot::Object(object) => {
            let model = object.model();
            (0..model.fields.len()).for_each(|index| fill(object.slot(index), choices));
            if let (true, Slot::Map(rest)) = (model.open, object.slot(REST)) {
                for _ in 0..choices.below(3) {
                    let name = choices.unknown_name();
                    fill(rest.insert(name), choices);
                }
            }
        }
        Slot::Union(union) => fill(union.choose(None), choices),
    }
}

/// Where `null` is a value like others.
const NULL_IS_A_VALUE: &str = "payload";

/// The same in JSON as services and clients write it that are not ours: properties without a value are null, and there are some that no
/// document knows, where they would not be kept.
pub(super) fn disguised(view: View<'_>) -> Value {
    match view {
        View::Object(object) => disguised_object(object).into(),
        View::List(list) => (0..list.len()).map(|index| disguised(list.item(index))).collect(),
        View::Map(map) => {
            let mut entries = Map::new();
            map.each(&mut |name, value| {
                entries.insert(name.to_owned(), disguised(value));
                true
            });
            entries.into()
        }
        View::Absent | View::Null => Value::Null,
        View::Bool(value) => value.into(),
        View::I64(value) => value.into(),
        View::U64(value) => value.into(),
        View::F32(value) => value.into(),
        View::F64(value) => value.into(),
        View::Str(text) | View::Secret(text) => text.into(),
        View::Text(text) => text.to_string().into(),
        View::Number(text) => Value::Number(text.parse().unwrap()),
        View::Value(value) => value.clone(),
    }
}

fn disguised_object(object: &dyn Object) -> Map<String, Value> {
    let model = object.model();
    let mut entries = Map::new();
    if model.open {
        let Value::Object(rest) = disguised(object.field(REST)) else { panic!("no map") };
        entries = rest;
    } else {
        entries.insert("?".to_owned(), Value::Object(entries.clone()));
    }
    for (index, name) in model.fields.iter().enumerate() {
        let view = object.field(index);
        if *name != NULL_IS_A_VALUE || !matches!(view, View::Absent) {
            entries.insert((*name).to_owned(), disguised(view));
        }
    }
    entries
}
