//! The fields of structs, of their own and by composition.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::draft::{DraftField, DraftStruct, Rest};
use super::schema::{MAX_DEPTH, MAX_NESTING, Schemas, Tag};
use crate::diag::{Code, Diagnostic, Location};
use crate::ir::{FieldRole, Limits, Literal, Prose, Type};
use crate::resolve::{DefinitionId, Graph};
use crate::spec::{Additional, Schema, Type as Kind};

impl<'a> Schemas<'a> {
    /// The properties of a schema and of what it is composed of.
    pub(super) fn fields(&mut self, schema: &'a Schema, hint: &str, tag: Option<Tag>) -> DraftStruct {
        let parts = if self.too_many(0, schema) { Vec::new() } else { collect(self.graph, schema) };
        if self.too_many(parts.iter().map(|(part, _)| 1 + part.properties.len()).sum(), schema) {
            return DraftStruct { fields: Vec::new(), tag, rest: Rest::Unsaid, limits: None };
        }
        let mut properties: IndexMap<&str, (&'a Schema, String)> = IndexMap::new();
        let mut rest = Rest::Unsaid;
        let mut limits = self.limits_of(schema, 0);
        for (part, owner) in &parts {
            for (name, property) in &part.properties {
                let owner = owner.as_ref().map_or(hint, |owner| owner.name.as_str());
                properties.insert(name, (property, owner.to_owned()));
            }
            match &part.additional {
                Additional::Unsaid => {}
                Additional::Forbidden => rest = Rest::Forbidden,
                Additional::Any => rest = Rest::Typed(Type::Json),
                Additional::Schema(values) => {
                    rest = Rest::Typed(self.element(values, &[hint, "value"]));
                    limits.items = self.limits_of_items(values, 0);
                }
            }
        }
        let mut required: HashSet<&str> = HashSet::new();
        let mut missing = Vec::new();
        for (part, _) in &parts {
            for (index, name) in part.required.iter().enumerate() {
                match properties.get_key_value(name.as_str()) {
                    Some((name, _)) => drop(required.insert(*name)),
                    None => missing.push((part.at.join("required").join(index), name.as_str())),
                }
            }
        }
        if !missing.is_empty() && !self.lacks_properties(&parts) {
            self.missing_properties(missing, &properties);
        }
        if let Some((name, _)) = &tag {
            properties.shift_remove(name.0.as_str());
        }
        let fields = properties
            .iter()
            .map(|(name, (property, owner))| self.field(name, property, owner, required.contains(name)))
            .collect();
        let limits = (limits != Limits::default()).then(|| Box::new(limits));
        DraftStruct { fields, tag, rest, limits }
    }

    /// Whether properties are not there for a reason that has been reported.
    fn lacks_properties(&self, parts: &[(&Schema, Option<DefinitionId>)]) -> bool {
        let dangles = |part: &Schema| {
            let mut references = part.all_of.iter().filter_map(|part| part.reference.as_ref());
            references.any(|reference| self.graph.definition(reference).is_none())
        };
        parts.iter().any(|(part, _)| {
            dangles(part)
                || ["properties", "allOf"].into_iter().any(|key| self.diagnostics.has_errors_in(&part.at.join(key)))
        })
    }

    fn missing_properties(&mut self, missing: Vec<(Location, &str)>, properties: &IndexMap<&str, (&Schema, String)>) {
        let folded: HashMap<String, _> =
            properties.iter().rev().map(|property| (property.0.to_ascii_lowercase(), property)).collect();
        for (at, name) in missing {
            let message = format!("`required` names `{name}`, and there is no such property");
            let diagnostic = Diagnostic::new(Code::RequiredNothing, message).at(&at);
            self.diagnostics.push(match folded.get(&name.to_ascii_lowercase()) {
                Some((other, (property, _))) => diagnostic
                    .label(&property.at, "differs in case only")
                    .help(format!("`{other}` stays optional; write the name as the property's is, by an overlay")),
                None => diagnostic.help("the name is ignored; add the property or remove the name, by an overlay"),
            });
        }
    }

    fn field(&mut self, name: &str, property: &'a Schema, owner: &str, required: bool) -> DraftField {
        let mut ty = match self.ty(property, &[owner, name]) {
            // JSON has no raw bytes.
            Type::Bytes => Type::Base64,
            ty => ty,
        };
        if property.secret && ty == Type::String {
            ty = Type::Secret;
        }
        // A read-only property is the service's to give, so that nobody can be asked for it.
        let required = required && !property.read_only;
        if property.nullable == Some(true) && !property.read_only && ty != Type::Json {
            ty = Type::Nullable(Box::new(ty));
        }
        let aliases = match property.extensions.get("x-specsmith-aliases") {
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).map(|name| Literal(name.to_owned())).collect()
            }
            _ => Vec::new(),
        };
        DraftField {
            wire: name.to_owned(),
            name: property.client_name.clone().unwrap_or_else(|| name.to_owned()),
            aliases,
            ty,
            role: if required { FieldRole::Required } else { FieldRole::Optional },
            read_only: property.read_only,
            description: Prose(self.describe(property)),
            limits: self.limits(property),
            default: property.default.as_deref().cloned(),
        }
    }

    /// The limits that mean something for the schema's type; those that do not are reported.
    pub(super) fn limits(&mut self, schema: &Schema) -> Limits {
        if let Some(limits) = &schema.limits
            && has_no_length(schema)
        {
            let lengths = [("minLength", limits.min_length), ("maxLength", limits.max_length)];
            for (key, _) in lengths.iter().filter(|(_, length)| length.is_some()) {
                self.diagnostics.push(
                    Diagnostic::new(Code::NoEffect, format!("`{key}` has no effect on what is no string"))
                        .at(&schema.at.join(key))
                        .help("remove it by an overlay; a number has a `minimum` and a `maximum`"),
                );
            }
        }
        self.limits_of(self.meant(schema), 0)
    }

    /// The limits of a schema, and of what is in it where it is no model.
    fn limits_of(&self, schema: &Schema, depth: usize) -> Limits {
        let mut own = schema.limits.as_deref().cloned().unwrap_or_default();
        if has_no_length(schema) {
            (own.min_length, own.max_length) = (None, None);
        }
        let pattern_at = own.pattern.is_some().then(|| schema.at.join("pattern"));
        let items = match (&schema.items, &schema.additional) {
            (Some(items), _) => self.limits_of_items(items, depth),
            (None, Additional::Schema(values)) => self.limits_of_items(values, depth),
            _ => None,
        };
        Limits { own, items, pattern_at }
    }

    fn limits_of_items(&self, items: &Schema, depth: usize) -> Option<Box<Limits>> {
        // They are for servers only. Where lists are nested deeper, there is no type for them either.
        if !self.plan.validate || depth == MAX_NESTING {
            return None;
        }
        let limits = self.limits_of(self.meant(items), depth + 1);
        (limits != Limits::default()).then(|| Box::new(limits))
    }

    /// The schema that says what a value is: itself, or what it refers to. That a definition is a model makes no difference here.
    fn meant<'s>(&self, schema: &'s Schema) -> &'s Schema
    where
        'a: 's,
    {
        let mut meant = schema;
        for _ in 0..MAX_DEPTH {
            let reference = match meant.all_of.as_slice() {
                [only] if meant.properties.is_empty() && meant.limits.is_none() => only.reference.as_ref(),
                _ => meant.reference.as_ref(),
            };
            let Some((_, target)) = reference.and_then(|reference| self.graph.definition(reference)) else { break };
            meant = target;
        }
        meant
    }

    /// A property's own words, or those of what it refers to.
    fn describe(&self, schema: &Schema) -> String {
        let own = schema.description.as_ref().or(schema.title.as_ref());
        if let Some(text) = own {
            return text.clone();
        }
        let target = schema.reference.as_ref().and_then(|reference| self.graph.definition(reference));
        target.and_then(|(_, target)| target.description.clone()).unwrap_or_default()
    }
}

fn has_no_length(schema: &Schema) -> bool {
    matches!(schema.ty, Some(Kind::Integer | Kind::Number | Kind::Boolean))
}

/// A schema and all that it is composed of, the innermost first, each with the definition it is.
fn collect<'a>(graph: &'a Graph, schema: &'a Schema) -> Vec<(&'a Schema, Option<DefinitionId>)> {
    let mut parts = Vec::new();
    let mut met = HashSet::new();
    // What is still to be looked at, the next last; `true`: what it is composed of has been.
    let mut open = vec![(schema, None, false)];
    while let Some((schema, owner, composed)) = open.pop() {
        if composed {
            parts.push((schema, owner));
        } else if let Some(reference) = &schema.reference {
            if let Some((id, target)) = graph.definition(reference)
                && met.insert(id.clone())
            {
                open.push((target, Some(id), false));
            }
        } else {
            open.push((schema, owner, true));
            open.extend(schema.all_of.iter().rev().map(|part| (part, None, false)));
        }
    }
    parts
}
