//! What servers hold requests to: tables of the limits that can be reached from parameters and bodies.
//!
//! What a service sets itself (read-only properties) is not looked at in requests, where clients send back what they have read.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::pattern;
use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::{
    BodyKind, Bound, Check, Checks, Client, Inner, Limits, Literal, Model, ModelId, Place, RequestField, Shape, Struct,
    Table, Type,
};
use crate::naming::{self, Scope, Wanted};
use crate::spec;

/// Gives the client's services their tables.
pub(super) fn add(client: &mut Client, diagnostics: &mut Diagnostics) {
    let mut maker = Maker::new(&client.models, diagnostics);
    let handlers = client.services.iter().flat_map(|service| &service.handlers);
    let asked: Vec<Option<Inner>> =
        handlers.flat_map(|handler| &handler.fields).map(|field| maker.parameter(field)).collect();
    let held = maker.held();
    let patterns = maker.patterns;
    let mut tables = Tables::new(&client.models, held);
    let handlers = client.services.iter_mut().flat_map(|service| &mut service.handlers);
    for (field, inner) in handlers.flat_map(|handler| &mut handler.fields).zip(asked) {
        field.table = inner.and_then(|inner| tables.parameter(inner, field));
    }
    client.checks = tables.named(patterns);
}

/// What each model is held to. Models in it stand by their ids, in place of tables.
type Held = Vec<(ModelId, Check)>;

/// A regular expression, and what it would like to be called.
type Patterns = Vec<(Wanted, Literal)>;

struct Maker<'c> {
    models: &'c [Model],
    diagnostics: &'c mut Diagnostics,
    patterns: Patterns,
    /// The index of each pattern of the document, or why it has none.
    translated: HashMap<String, Result<usize, String>>,
    /// The places of patterns that have been reported.
    told: HashSet<Location>,
    met: HashSet<ModelId>,
    /// The models that were met and not looked at yet, the next last.
    open: Vec<ModelId>,
}

impl<'c> Maker<'c> {
    fn new(models: &'c [Model], diagnostics: &'c mut Diagnostics) -> Self {
        Self {
            models,
            diagnostics,
            patterns: Vec::new(),
            translated: HashMap::new(),
            told: HashSet::new(),
            met: HashSet::new(),
            open: Vec::new(),
        }
    }

    fn parameter(&mut self, field: &RequestField) -> Option<Inner> {
        let parameter = &field.parameter;
        let name = parameter.name.bare();
        match parameter.place {
            Place::QueryFlag | Place::Body(BodyKind::Raw { .. }) => None,
            // Each of the headers is what the parameter is.
            Place::HeaderPrefix => {
                let items = self.inner(&Type::String, &parameter.limits, name);
                own(Check { items, ..Check::default() })
            }
            // The escapes are still in it.
            _ if field.hole.is_some_and(|hole| hole.raw) => None,
            _ => self.inner(&parameter.ty, &parameter.limits, name),
        }
    }

    /// What all models are held to that were met, and those that are met on the way.
    fn held(&mut self) -> Held {
        let mut held = Vec::new();
        while let Some(id) = self.open.pop() {
            let Some(model) = self.models.get(id.0) else { continue };
            let check = match &model.shape {
                Shape::Struct(shape) => self.structure(shape),
                Shape::Union(union) => {
                    let variants = union.variants.iter();
                    let variants = variants.map(|(_, value, id)| (value.clone(), self.model(*id)));
                    Check { variants: variants.collect(), ..Check::default() }
                }
                Shape::Enum(shape) if !shape.open => {
                    let words = shape.variants.iter().map(|variant| variant.value.clone());
                    Check { words: words.collect(), ..Check::default() }
                }
                Shape::Enum(_) => Check::default(),
            };
            held.push((id, check));
        }
        held.sort_by_key(|(id, _)| *id);
        held
    }

    fn structure(&mut self, shape: &Struct) -> Check {
        let limits = shape.limits.as_deref().cloned().unwrap_or_default();
        let fields = shape.fields.iter().filter(|field| !field.read_only);
        let fields = fields
            .filter_map(|field| Some((field.wire.clone(), self.inner(&field.ty, &field.limits, field.name.bare())?)));
        let fields = fields.collect();
        let items = shape.rest.as_ref().and_then(|(name, ty)| self.items(ty, &limits, name.bare()));
        Check {
            fields,
            items,
            length: length(limits.own.min_properties, limits.own.max_properties),
            ..Check::default()
        }
    }

    fn model(&mut self, id: ModelId) -> Inner {
        if self.met.insert(id) {
            self.open.push(id);
        }
        Inner::Table(id.0)
    }

    fn items(&mut self, ty: &Type, limits: &Limits, name: &str) -> Option<Inner> {
        match &limits.items {
            Some(items) => self.inner(ty, items, name),
            None => self.inner(ty, &Limits::default(), name),
        }
    }

    fn inner(&mut self, ty: &Type, limits: &Limits, name: &str) -> Option<Inner> {
        let of = &limits.own;
        own(match ty {
            Type::Boxed(inner) | Type::Nullable(inner) => return self.inner(inner, limits, name),
            Type::Model(id) => return Some(self.model(*id)),
            Type::List(item) => Check {
                items: self.items(item, limits, name),
                length: length(of.min_items, of.max_items),
                unique: of.unique_items,
                ..Check::default()
            },
            Type::Map(value) => Check {
                items: self.items(value, limits, name),
                length: length(of.min_properties, of.max_properties),
                ..Check::default()
            },
            Type::JsonObject => Check { length: length(of.min_properties, of.max_properties), ..Check::default() },
            Type::I32 | Type::I64 | Type::U64 | Type::F32 | Type::F64 | Type::Decimal | Type::UnixTime => number(of),
            Type::String | Type::Secret => {
                let pattern = self.pattern(limits, name);
                Check { pattern, length: length(of.min_length, of.max_length), ..Check::default() }
            }
            // What was sent is as long as what is made of it again, but need not look like it.
            Type::Base64 | Type::Base64Url => {
                Check { length: length(of.min_length, of.max_length), ..Check::default() }
            }
            Type::Bool | Type::DateTime | Type::Rfc1123 | Type::Date | Type::Duration => return None,
            Type::Json | Type::ETag | Type::Bytes => return None,
        })
    }

    fn pattern(&mut self, limits: &Limits, name: &str) -> Option<usize> {
        let text = limits.own.pattern.as_ref()?;
        let translated = self.translated.entry(text.clone()).or_insert_with(|| {
            let regex = pattern::translated(text)?;
            self.patterns.push((Wanted::new(naming::screaming_parts(&[name, "pattern"])), Literal(regex)));
            Ok(self.patterns.len() - 1)
        });
        let reason = match translated {
            Ok(index) => return Some(*index),
            Err(reason) => reason,
        };
        if let Some(at) = limits.pattern_at.as_ref().filter(|at| self.told.insert((*at).clone())) {
            self.diagnostics.push(
                Diagnostic::new(Code::PatternUnchecked, format!("servers cannot check this pattern: {reason}"))
                    .at_value(at)
                    .help("requests are not held to it; write another pattern, or remove it, by an overlay"),
            );
        }
        None
    }
}

fn own(check: Check) -> Option<Inner> {
    (!check.is_empty()).then(|| Inner::Own(Box::new(check)))
}

fn length(least: Option<u64>, most: Option<u64>) -> Option<(u64, u64)> {
    let length = (least.unwrap_or(0), most.unwrap_or(u64::MAX));
    (length != (0, u64::MAX)).then_some(length)
}

fn number(limits: &spec::Limits) -> Check {
    let bound = |number: &Option<serde_json::Number>, exclusive: bool| {
        number.as_ref().map(|number| Bound { number: number.to_string(), exclusive })
    };
    Check {
        least: bound(&limits.minimum, limits.exclusive_minimum),
        most: bound(&limits.maximum, limits.exclusive_maximum),
        factor: limits.multiple_of.as_ref().map(ToString::to_string),
        ..Check::default()
    }
}

/// The tables of those models that are held to something, and of parameters.
struct Tables {
    /// With the names they would like to have.
    tables: Vec<(Wanted, Table)>,
    /// The table of each model that has one.
    of_model: HashMap<usize, usize>,
    of_parameter: HashMap<Check, usize>,
}

impl Tables {
    fn new(models: &[Model], held: Held) -> Self {
        let telling = telling(&held);
        let held: Held = held.into_iter().filter(|(id, _)| telling.contains(&id.0)).collect();
        let of_model = held.iter().enumerate().map(|(table, (id, _))| (id.0, table)).collect();
        let mut tables = Self { tables: Vec::new(), of_model, of_parameter: HashMap::new() };
        for (id, mut check) in held {
            let Some(model) = models.get(id.0) else { continue };
            tables.settle(&mut check);
            let name = naming::screaming(model.name.bare());
            tables.tables.push((Wanted::new(name.clone()), Table { name, check, direct: false }));
        }
        tables
    }

    /// Puts tables in the place of models, and leaves out what says nothing.
    fn settle(&self, check: &mut Check) {
        let settled = |inner: &mut Inner| match inner {
            Inner::Own(check) => {
                self.settle(check);
                !check.is_empty()
            }
            Inner::Table(at) => self.of_model.get(at).map(|table| *at = *table).is_some(),
        };
        check.fields.retain_mut(|(_, inner)| settled(inner));
        check.variants.retain_mut(|(_, inner)| settled(inner));
        check.items.take_if(|inner| !settled(inner));
    }

    /// The table for a parameter.
    fn parameter(&mut self, inner: Inner, field: &RequestField) -> Option<usize> {
        let mut whole = Check { items: Some(inner), ..Check::default() };
        self.settle(&mut whole);
        let table = match whole.items? {
            Inner::Table(table) => table,
            Inner::Own(check) => match self.of_parameter.entry(*check) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    let name = naming::screaming(field.parameter.name.bare());
                    let second = naming::screaming_parts(&[field.parameter.name.bare(), "parameter"]);
                    let check = entry.key().clone();
                    let table = Table { name: name.clone(), check, direct: true };
                    self.tables.push((Wanted::new(name).or(second), table));
                    *entry.insert(self.tables.len() - 1)
                }
            },
        };
        if let Some((_, table)) = self.tables.get_mut(table) {
            table.direct = true;
        }
        Some(table)
    }

    fn named(self, patterns: Patterns) -> Checks {
        let mut scope = Scope::new(&[]);
        let tables = self.tables.into_iter().map(|(wanted, table)| {
            scope.collect(wanted);
            table
        });
        let mut tables: Vec<Table> = tables.collect();
        let patterns: Vec<Literal> = patterns
            .into_iter()
            .map(|(wanted, text)| {
                scope.collect(wanted);
                text
            })
            .collect();
        let mut names = scope.assign().into_iter();
        tables.iter_mut().zip(names.by_ref()).for_each(|(table, name)| table.name = name);
        Checks { patterns: names.zip(patterns).collect(), tables }
    }
}

/// The models that are held to something, themselves or in what they hold.
fn telling(held: &Held) -> HashSet<usize> {
    let mut holders: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut telling = HashSet::new();
    let mut open = Vec::new();
    for (id, check) in held {
        let mut inner = Vec::new();
        if !says_itself(check, &mut inner) {
            inner.into_iter().for_each(|held| holders.entry(held).or_default().push(id.0));
        } else if telling.insert(id.0) {
            open.push(id.0);
        }
    }
    while let Some(id) = open.pop() {
        let above = holders.remove(&id).unwrap_or_default();
        open.extend(above.into_iter().filter(|holder| telling.insert(*holder)));
    }
    telling
}

/// Whether a check says something without the models in it, which are added to the list.
fn says_itself(check: &Check, models: &mut Vec<usize>) -> bool {
    let mut says = check.has_limits();
    for inner in check.inner() {
        match inner {
            Inner::Own(check) => says |= says_itself(check, models),
            Inner::Table(model) => models.push(*model),
        }
    }
    says
}
