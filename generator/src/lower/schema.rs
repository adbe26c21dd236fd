//! Schemas to types. Definitions and inline objects and enums become models; names are assigned when all are known.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::ClientPlan;
use super::draft::{Draft, DraftField, DraftShape, DraftStruct, Rest};
use super::equal::same_schema;
use super::hierarchy::Hierarchy;
use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::{FieldRole, Limits, Literal, ModelId, Prose, Type};
use crate::resolve::{DefinitionId, Graph};
use crate::spec::{Additional, Schema, Type as Kind};

/// Makes the models of one client.
pub(super) struct Schemas<'a> {
    graph: &'a Graph,
    hierarchy: &'a Hierarchy,
    plan: &'a ClientPlan,
    pub drafts: Vec<Draft>,
    /// The type of each definition that was met.
    types: HashMap<DefinitionId, Type>,
    /// The struct of each definition that was met; differs from its type where that is a union.
    structs: HashMap<DefinitionId, ModelId>,
    /// The definitions that hold a name.
    holders: HashMap<String, Vec<DefinitionId>>,
    /// Enums with a name of their own.
    pub(super) enums: IndexMap<String, Vec<ModelId>>,
    /// Definitions that are only another name and are being looked through.
    looking: HashSet<DefinitionId>,
    pub diagnostics: &'a mut Diagnostics,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        hierarchy: &'a Hierarchy,
        plan: &'a ClientPlan,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Self {
            graph,
            hierarchy,
            plan,
            drafts: Vec::new(),
            types: HashMap::new(),
            structs: HashMap::new(),
            holders: HashMap::new(),
            enums: IndexMap::new(),
            looking: HashSet::new(),
            diagnostics,
        }
    }

    /// The type of a schema; `hint` are the words that name it, should it need a name.
    pub(super) fn ty(&mut self, schema: &Schema, hint: &[&str]) -> Type {
        if let Some(reference) = &schema.reference {
            let graph = self.graph;
            return match graph.definition(reference) {
                Some((id, target)) => self.definition(&id, target),
                // Reported by `resolve`.
                None => Type::Json,
            };
        }
        if let [only] = schema.all_of.as_slice()
            && schema.properties.is_empty()
            && only.reference.is_some()
        {
            return self.ty(only, hint);
        }
        self.inline(schema, hint, None)
    }

    /// The type of a definition.
    pub(super) fn definition(&mut self, id: &DefinitionId, schema: &Schema) -> Type {
        if let Some(ty) = self.types.get(id) {
            return ty.clone();
        }
        if let Some(twin) = self.equal_definition(id, schema) {
            self.types.insert(id.clone(), twin.clone());
            return twin;
        }
        if self.hierarchy.has_descendants(id) {
            return self.union(id, schema);
        }
        if is_struct(schema) {
            return Type::Model(self.structure(id, schema));
        }
        if !self.looking.insert(id.clone()) {
            self.diagnostics.push(
                Diagnostic::new(Code::EndlessSchema, format!("the definition `{}` holds nothing but itself", id.name))
                    .at(&schema.at)
                    .help("what it holds is taken as any JSON value; say by an overlay what it holds in the end"),
            );
            return Type::Json;
        }
        let name = id.name.clone();
        let ty = match &schema.reference {
            Some(_) => self.ty(schema, &[&name]),
            None => self.inline(schema, &[&name], Some(id)),
        };
        self.looking.remove(id);
        self.types.insert(id.clone(), ty.clone());
        ty
    }

    /// The type of a definition of the same name in another document that says the same.
    fn equal_definition(&mut self, id: &DefinitionId, schema: &Schema) -> Option<Type> {
        let holders = self.holders.entry(id.name.clone()).or_default();
        let others: Vec<DefinitionId> = holders.iter().filter(|other| *other != id).cloned().collect();
        if !holders.contains(id) {
            holders.push(id.clone());
        }
        for other in &others {
            let Some(theirs) = self.graph.definition_by_id(other) else { continue };
            if same_schema(self.graph, schema, theirs) {
                return Some(self.definition(&other.clone(), theirs));
            }
        }
        let theirs = self.graph.definition_by_id(others.first()?)?;
        let (own, other) = (self.qualified(id), others.first().map(|other| self.qualified(other)).unwrap_or_default());
        if self.plan.models.contains_key(&own) || self.plan.models.contains_key(&other) {
            return None;
        }
        // What is wrong with one of them may be all that makes them differ.
        if self.diagnostics.has_errors_in(&schema.at) || self.diagnostics.has_errors_in(&theirs.at) {
            return None;
        }
        let (code, help) = if self.plan.strict {
            (
                Code::UnequalDefinitions,
                format!(
                    "say under `models:` in the manifest what each is called, as `{own}` and `{other}`; or make them equal by an overlay"
                ),
            )
        } else {
            (
                Code::UnequalDefinitionsSplit,
                "each becomes a model, the later one named after its document; make them equal or give one another name \
                 by an overlay"
                    .to_owned(),
            )
        };
        self.diagnostics.push(
            Diagnostic::new(code, format!("the documents of one client define `{}` differently", id.name))
                .at(&schema.at)
                .label(&theirs.at, "the other definition")
                .help(help),
        );
        None
    }

    pub(super) fn draft(&mut self, names: Vec<String>, schema: &Schema, definition: Option<&DefinitionId>) -> ModelId {
        self.drafts.push(Draft {
            names,
            definition: definition.map(|id| id.name.clone()),
            qualified: definition.map(|id| self.qualified(id)),
            at: schema.at.clone(),
            description: Prose(schema.description.clone().unwrap_or_default()),
            shape: DraftShape::Open,
        });
        ModelId(self.drafts.len() - 1)
    }

    pub(super) fn finish(&mut self, id: ModelId, shape: DraftShape) {
        if let Some(draft) = self.drafts.get_mut(id.0) {
            draft.shape = shape;
        }
    }

    /// A definition's name with its document's, as a manifest has it.
    fn qualified(&self, id: &DefinitionId) -> String {
        format!("{}/{}", self.graph.stem(id.file), id.name)
    }

    /// The names of a definition's model: its own, and with its document's in front where another has that.
    fn definition_names(&self, id: &DefinitionId) -> Vec<String> {
        let document = self.graph.stem(id.file);
        vec![id.name.clone(), format!("{document} {}", id.name)]
    }

    fn structure(&mut self, id: &DefinitionId, schema: &Schema) -> ModelId {
        if let Some(model) = self.structs.get(id) {
            return *model;
        }
        let mut names = self.definition_names(id);
        if self.hierarchy.has_descendants(id) {
            names = names.into_iter().map(|name| format!("{name} Base")).collect();
        }
        let model = self.draft(names, schema, Some(id));
        self.structs.insert(id.clone(), model);
        if !self.hierarchy.has_descendants(id) {
            self.types.insert(id.clone(), Type::Model(model));
        }
        let tag = self.hierarchy.tag(id).map(|(name, value)| (Literal(name.to_owned()), Literal(value.to_owned())));
        // A list may well contain a struct that contains the list.
        let looking = std::mem::take(&mut self.looking);
        let shape = self.fields(schema, &id.name, tag);
        self.looking = looking;
        self.finish(model, DraftShape::Struct(shape));
        model
    }

    fn union(&mut self, id: &DefinitionId, schema: &Schema) -> Type {
        let union = self.draft(self.definition_names(id), schema, Some(id));
        let ty = Type::Model(union);
        self.types.insert(id.clone(), ty.clone());
        let mut variants = Vec::new();
        let mut values: HashMap<String, Location> = HashMap::new();
        for member in self.hierarchy.members(id) {
            let Some(theirs) = self.graph.definition_by_id(member) else { continue };
            let Some((_, value)) = self.hierarchy.tag(member) else { continue };
            let place = match &theirs.discriminator_value {
                Some(_) => theirs.at.join("x-ms-discriminator-value"),
                None => theirs.at.clone(),
            };
            if let Some(first) = values.get(value) {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::DoubleTag,
                        format!("two models of `{}` have the discriminator value `{value}`", id.name),
                    )
                    .at_value(&place)
                    .label_value(first, "the other one")
                    .help("only the first is read; give one of them another `x-ms-discriminator-value` by an overlay"),
                );
            } else {
                values.insert(value.to_owned(), place);
                variants.push((Literal(value.to_owned()), self.structure(member, theirs)));
            }
        }
        let tag = Literal(self.hierarchy.discriminator(id).unwrap_or_default().to_owned());
        self.finish(union, DraftShape::Union { tag, variants });
        ty
    }

    /// A schema that stands where it is used, or a definition that is no struct.
    fn inline(&mut self, schema: &Schema, hint: &[&str], definition: Option<&DefinitionId>) -> Type {
        if is_struct(schema) {
            let model = self.draft(vec![hint.join(" ")], schema, None);
            let shape = self.fields(schema, &hint.join(" "), None);
            self.finish(model, DraftShape::Struct(shape));
            return Type::Model(model);
        }
        if !schema.enumeration.is_empty()
            && let Some(ty) = self.enumeration(schema, hint, definition)
        {
            return ty;
        }
        match schema.ty {
            Some(Kind::Boolean) => Type::Bool,
            Some(Kind::Integer) => self.integer(schema),
            Some(Kind::Number) => self.number(schema),
            Some(Kind::String) => self.string(schema),
            Some(Kind::File) => Type::Bytes,
            Some(Kind::Array) => self.array(schema, hint),
            None if schema.items.is_some() => self.array(schema, hint),
            Some(Kind::Object) | None => match &schema.additional {
                Additional::Unsaid | Additional::Forbidden => Type::Json,
                Additional::Any => Type::JsonObject,
                Additional::Schema(values) => {
                    let mut hint = hint.to_vec();
                    hint.push("value");
                    match self.element(values, &hint) {
                        Type::Json => Type::JsonObject,
                        ty => Type::Map(Box::new(ty)),
                    }
                }
            },
        }
    }

    fn array(&mut self, schema: &Schema, hint: &[&str]) -> Type {
        let mut hint = hint.to_vec();
        hint.push("item");
        let item = schema.items.as_ref().map_or(Type::Json, |items| self.element(items, &hint));
        Type::List(Box::new(item))
    }

    /// The type of what a list or a map holds.
    fn element(&mut self, schema: &Schema, hint: &[&str]) -> Type {
        let ty = match self.ty(schema, hint) {
            // JSON has no raw bytes.
            Type::Bytes => Type::Base64,
            ty => ty,
        };
        if schema.nullable == Some(true) && ty != Type::Json { Type::Nullable(Box::new(ty)) } else { ty }
    }

    /// The properties of a schema and of what it is composed of.
    fn fields(&mut self, schema: &Schema, hint: &str, tag: Option<(Literal, Literal)>) -> DraftStruct {
        let graph = self.graph;
        let mut parts = Vec::new();
        collect(graph, schema, &mut parts, &mut HashSet::new());
        let mut properties: IndexMap<&str, (&Schema, String)> = IndexMap::new();
        let mut rest = Rest::Unsaid;
        for (part, owner) in &parts {
            for (name, property) in &part.properties {
                let owner = owner.as_ref().map_or(hint, |owner| owner.name.as_str());
                properties.insert(name, (property, owner.to_owned()));
            }
            match &part.additional {
                Additional::Unsaid => {}
                Additional::Forbidden => rest = Rest::Forbidden,
                Additional::Any => rest = Rest::Typed(Type::Json),
                Additional::Schema(values) => rest = Rest::Typed(self.element(values, &[hint, "value"])),
            }
        }
        let mut required: HashSet<&str> = HashSet::new();
        for (part, _) in &parts {
            for (index, name) in part.required.iter().enumerate() {
                if properties.contains_key(name.as_str()) {
                    required.insert(name);
                } else if !self.lacks_properties(&parts) {
                    self.missing_property(&part.at.join("required").join(index), name, &properties);
                }
            }
        }
        if let Some((name, _)) = &tag {
            properties.shift_remove(name.0.as_str());
        }
        let fields = properties
            .iter()
            .map(|(name, (property, owner))| self.field(name, property, owner, required.contains(name)))
            .collect();
        DraftStruct { fields, tag, rest }
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

    fn missing_property(&mut self, at: &Location, name: &str, properties: &IndexMap<&str, (&Schema, String)>) {
        let mut diagnostic =
            Diagnostic::new(Code::RequiredNothing, format!("`required` names `{name}`, and there is no such property"))
                .at(at);
        diagnostic = match properties.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((other, (property, _))) => diagnostic
                .label(&property.at, "differs in case only")
                .help(format!("`{other}` stays optional; write the name as the property's is, by an overlay")),
            None => diagnostic.help("the name is ignored; add the property or remove the name, by an overlay"),
        };
        self.diagnostics.push(diagnostic);
    }

    fn field(&mut self, name: &str, property: &Schema, owner: &str, required: bool) -> DraftField {
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

    /// The limits that mean something for the schema's type.
    pub(super) fn limits(&mut self, schema: &Schema) -> Limits {
        let mut limits = schema.limits.as_deref().cloned().unwrap_or_default();
        if matches!(schema.ty, Some(Kind::Integer | Kind::Number | Kind::Boolean)) {
            let lengths = [("minLength", limits.min_length.take()), ("maxLength", limits.max_length.take())];
            for (key, _) in lengths.iter().filter(|(_, length)| length.is_some()) {
                self.diagnostics.push(
                    Diagnostic::new(Code::NoEffect, format!("`{key}` has no effect on what is no string"))
                        .at(&schema.at.join(key))
                        .help("remove it by an overlay; a number has a `minimum` and a `maximum`"),
                );
            }
        }
        limits
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

/// Whether a schema has properties, of its own or by composition.
fn is_struct(schema: &Schema) -> bool {
    schema.reference.is_none() && (!schema.properties.is_empty() || !schema.all_of.is_empty())
}

/// A schema and all that it is composed of, the innermost first, each with the definition it is.
fn collect<'a>(
    graph: &'a Graph,
    schema: &'a Schema,
    parts: &mut Vec<(&'a Schema, Option<DefinitionId>)>,
    met: &mut HashSet<DefinitionId>,
) {
    collect_part(graph, schema, None, parts, met);
}

fn collect_part<'a>(
    graph: &'a Graph,
    schema: &'a Schema,
    owner: Option<DefinitionId>,
    parts: &mut Vec<(&'a Schema, Option<DefinitionId>)>,
    met: &mut HashSet<DefinitionId>,
) {
    if let Some(reference) = &schema.reference {
        if let Some((id, target)) = graph.definition(reference)
            && met.insert(id.clone())
        {
            collect_part(graph, target, Some(id), parts, met);
        }
        return;
    }
    for part in &schema.all_of {
        collect_part(graph, part, None, parts, met);
    }
    parts.push((schema, owner));
}
