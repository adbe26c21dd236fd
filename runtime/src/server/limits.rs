//! Values against the limits that a document sets them.

mod number;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::{self, Write};
use std::sync::OnceLock;

use regex_lite::Regex;

use self::number::Number;
use crate::wire::{self, DEPTH, List, Object, REST, Step, View, show};

/// How many violations are told.
const MOST: usize = 100;

/// How many words a message lists, and how many characters of a pattern.
const SHOWN: usize = 100;

/// What a value may be, beyond its type. Made in `static`s, which may lead to each other and back.
///
/// As in JSON Schema, each check is of one kind of value and says nothing of others, nor of a value that is absent or null. Whether a value
/// has to be there is the business of whoever reads it.
pub struct Checks {
    least: Option<Bound>,
    most: Option<Bound>,
    factor: Option<&'static str>,
    length: Option<(u64, u64)>,
    pattern: Option<&'static Pattern>,
    words: &'static [&'static str],
    unique: bool,
    items: Option<&'static Checks>,
    fields: &'static [(&'static str, &'static Checks)],
    variants: &'static [(&'static str, &'static Checks)],
}

/// An end of a range, as JSON writes numbers.
#[derive(Clone, Copy)]
struct Bound {
    number: &'static str,
    exclusive: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self::new()
    }
}

impl Checks {
    /// No limits.
    pub const fn new() -> Self {
        Self {
            least: None,
            most: None,
            factor: None,
            length: None,
            pattern: None,
            words: &[],
            unique: false,
            items: None,
            fields: &[],
            variants: &[],
        }
    }

    /// A number of at least this, in JSON's spelling.
    #[must_use]
    pub const fn at_least(mut self, number: &'static str) -> Self {
        self.least = Some(Bound { number, exclusive: false });
        self
    }

    /// A number above this.
    #[must_use]
    pub const fn above(mut self, number: &'static str) -> Self {
        self.least = Some(Bound { number, exclusive: true });
        self
    }

    /// A number of at most this.
    #[must_use]
    pub const fn at_most(mut self, number: &'static str) -> Self {
        self.most = Some(Bound { number, exclusive: false });
        self
    }

    /// A number below this.
    #[must_use]
    pub const fn below(mut self, number: &'static str) -> Self {
        self.most = Some(Bound { number, exclusive: true });
        self
    }

    /// A number that is a multiple of this, to the last digit.
    #[must_use]
    pub const fn multiple_of(mut self, factor: &'static str) -> Self {
        self.factor = Some(factor);
        self
    }

    /// How many characters a text has, items a list, or properties an object, both ends included.
    #[must_use]
    pub const fn length(mut self, least: u64, most: u64) -> Self {
        self.length = Some((least, most));
        self
    }

    /// A text in which the pattern is found. It is not looked for in a text that is too long.
    #[must_use]
    pub const fn pattern(mut self, pattern: &'static Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    /// One of these texts or whole numbers. An enum that is read in any case has its own spelling by then.
    #[must_use]
    pub const fn one_of(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    /// A list without equal items.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// What each item of a list may be, each value of a map, or each property that a model does not name.
    #[must_use]
    pub const fn items(mut self, items: &'static Checks) -> Self {
        self.items = Some(items);
        self
    }

    /// What fields of a model may be, by their names on the wire.
    #[must_use]
    pub const fn fields(mut self, fields: &'static [(&'static str, &'static Checks)]) -> Self {
        self.fields = fields;
        self
    }

    /// What the models of a union may be, by their tags.
    #[must_use]
    pub const fn variants(mut self, variants: &'static [(&'static str, &'static Checks)]) -> Self {
        self.variants = variants;
        self
    }
}

/// A regular expression, in the syntax of the crate `regex-lite`. It is compiled when it is first used, and searches in a time that grows no
/// faster than the text.
pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is known to compile: one that does not is found everywhere.
    pub const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    fn is_in(&self, text: &str) -> bool {
        let regex = self.compiled.get_or_init(|| Regex::new(self.text).ok());
        regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

/// Looks at a value and all that is in it, and hands over what is not as it may be, the first 100 of it: the path from the value, as
/// [`ReadError`](crate::wire::read::ReadError) has it, and what was expected there. Neither has the value in it.
///
/// Values that lie more than 128 deep are not looked at but reported, as they are when they are read.
pub fn check(value: View<'_>, checks: &'static Checks, found: &mut dyn FnMut(String, String)) {
    Walk { found, left: MOST, depth: 0 }.value(value, checks, &Place::Root);
}

/// The way to a value.
enum Place<'a> {
    Root,
    Name(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut place = self;
        loop {
            place = match place {
                Self::Root => return wire::path(&steps),
                Self::Name(outer, name) => {
                    steps.push(Step::Name((*name).to_owned()));
                    outer
                }
                Self::Index(outer, index) => {
                    steps.push(Step::Index(*index));
                    outer
                }
            };
        }
    }
}

struct Walk<'f> {
    found: &'f mut dyn FnMut(String, String),
    /// How many violations may still be told.
    left: usize,
    depth: usize,
}

impl Walk<'_> {
    #[cold]
    fn report(&mut self, place: &Place<'_>, expected: impl fmt::Display) {
        if self.left > 0 {
            self.left -= 1;
            (self.found)(place.path(), format!("expected {expected}"));
        }
    }

    fn value(&mut self, value: View<'_>, checks: &Checks, place: &Place<'_>) {
        if self.left == 0 {
            return;
        }
        match value {
            View::Absent | View::Null | View::Bool(_) | View::Value(_) => {}
            View::I64(number) => self.number(number, checks, place),
            View::U64(number) => self.number(number, checks, place),
            View::F32(number) => self.number(format_args!("{number:e}"), checks, place),
            View::F64(number) => self.number(format_args!("{number:e}"), checks, place),
            View::Number(digits) => self.digits(digits, checks, place),
            View::Str(text) | View::Secret(text) => self.text(text, checks, place),
            View::Text(text) => self.text(&text.to_string(), checks, place),
            View::List(_) | View::Map(_) | View::Object(_) if self.depth == DEPTH => {
                self.report(place, format_args!("at most {DEPTH} arrays and objects within one another"));
            }
            View::List(list) => self.within(|walk| walk.list(list, checks, place)),
            View::Map(map) => self.within(|walk| walk.map(map, checks, place)),
            View::Object(object) => self.within(|walk| walk.object(object, checks, place)),
        }
    }

    fn within(&mut self, look: impl FnOnce(&mut Self)) {
        self.depth += 1;
        look(self);
        self.depth -= 1;
    }

    fn number(&mut self, number: impl fmt::Display, checks: &Checks, place: &Place<'_>) {
        let mut text = Short::default();
        // All numbers of Rust's fit.
        if write!(text, "{number}").is_ok() {
            self.digits(text.as_str(), checks, place);
        }
    }

    fn digits(&mut self, digits: &str, checks: &Checks, place: &Place<'_>) {
        self.words(digits, checks, place);
        let Some(number) = Number::parse(digits) else { return };
        let of = |bound: &Option<Bound>| bound.and_then(|bound| Some((bound, Number::parse(bound.number)?)));
        if let Some((Bound { number: text, exclusive }, least)) = of(&checks.least)
            && (number < least || exclusive && number == least)
        {
            self.report(place, format_args!("a number {} {text}", if exclusive { "above" } else { "of at least" }));
        }
        if let Some((Bound { number: text, exclusive }, most)) = of(&checks.most)
            && (number > most || exclusive && number == most)
        {
            self.report(place, format_args!("a number {} {text}", if exclusive { "below" } else { "of at most" }));
        }
        if let Some(factor) = checks.factor
            && Number::parse(factor).is_some_and(|factor| !number.is_multiple_of(&factor))
        {
            self.report(place, format_args!("a multiple of {factor}"));
        }
    }

    fn words(&mut self, word: &str, checks: &Checks, place: &Place<'_>) {
        if !checks.words.is_empty() && !checks.words.contains(&word) {
            self.report(place, OneOf(checks.words));
        }
    }

    fn text(&mut self, text: &str, checks: &Checks, place: &Place<'_>) {
        self.words(text, checks, place);
        let fits = self.length(|| text.chars().count() as u64, ["character", "characters"], checks, place);
        if let Some(pattern) = checks.pattern
            && fits
            && !pattern.is_in(text)
        {
            let (shown, more) = match pattern.text.char_indices().nth(SHOWN) {
                Some((end, _)) => (pattern.text.get(..end).unwrap_or_default(), "…"),
                None => (pattern.text, ""),
            };
            self.report(place, format_args!("a text with the pattern `{shown}{more}`"));
        }
    }

    /// Says whether it is not too long.
    fn length(&mut self, count: impl Fn() -> u64, of: [&str; 2], checks: &Checks, place: &Place<'_>) -> bool {
        let Some((least, most)) = checks.length else { return true };
        let count = count();
        let [one, more] = of;
        let noun = |bound: u64| if bound == 1 { one } else { more };
        if count < least {
            self.report(place, format_args!("at least {least} {}", noun(least)));
        }
        if count > most {
            self.report(place, format_args!("at most {most} {}", noun(most)));
        }
        count <= most
    }

    fn list(&mut self, list: &dyn List, checks: &Checks, place: &Place<'_>) {
        let fits = self.length(|| list.len() as u64, ["item", "items"], checks, place);
        if checks.unique && fits && has_twice(list) {
            self.report(place, "no item twice");
        }
        let Some(items) = checks.items else { return };
        for index in 0..list.len() {
            self.value(list.item(index), items, &Place::Index(place, index));
        }
    }

    fn map(&mut self, map: &dyn wire::Map, checks: &Checks, place: &Place<'_>) {
        self.length(|| map.len() as u64, ["property", "properties"], checks, place);
        self.entries(map, checks, place);
    }

    fn entries(&mut self, map: &dyn wire::Map, checks: &Checks, place: &Place<'_>) {
        let Some(values) = checks.items else { return };
        map.each(&mut |name, value| {
            self.value(value, values, &Place::Name(place, name));
            self.left > 0
        });
    }

    fn object(&mut self, object: &dyn Object, checks: &Checks, place: &Place<'_>) {
        let model = object.model();
        if let Some((_, tag)) = model.tag
            && let Some((_, checks)) = checks.variants.iter().find(|(variant, _)| *variant == tag)
        {
            self.properties(object, checks, place);
        }
        self.properties(object, checks, place);
    }

    fn properties(&mut self, object: &dyn Object, checks: &Checks, place: &Place<'_>) {
        self.length(|| count_properties(object), ["property", "properties"], checks, place);
        for (name, checks) in checks.fields {
            if let Some(index) = object.model().fields.iter().position(|field| field == name) {
                self.value(object.field(index), checks, &Place::Name(place, name));
            }
        }
        if let View::Map(rest) = object.field(REST) {
            self.entries(rest, checks, place);
        }
    }
}

/// How many properties an object has.
fn count_properties(object: &dyn Object) -> u64 {
    let model = object.model();
    let present = (0..model.fields.len()).filter(|index| !matches!(object.field(*index), View::Absent)).count();
    let rest = match object.field(REST) {
        View::Map(rest) => rest.len(),
        _ => 0,
    };
    (present + rest + usize::from(model.tag.is_some())) as u64
}

/// Whether a list has two equal items. Each is compared with what has the same JSON only, so that a long list takes no more time an item than
/// a short one.
fn has_twice(list: &dyn List) -> bool {
    let mut first = HashMap::new();
    (0..list.len()).any(|index| match serde_json::to_value(list.item(index)).map(|json| first.entry(json)) {
        Ok(Entry::Vacant(entry)) => {
            entry.insert(index);
            false
        }
        // A number may have lost digits on the way.
        Ok(Entry::Occupied(entry)) => show::equal(list.item(index), list.item(*entry.get())),
        Err(_) => false,
    })
}

/// The words of a closed list.
struct OneOf(&'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().take(SHOWN).enumerate() {
            let start = if index == 0 { "one of" } else { "," };
            write!(f, "{start} `{word}`")?;
        }
        f.write_str(if self.0.len() > SHOWN { ", …" } else { "" })
    }
}

/// The text of a number.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
