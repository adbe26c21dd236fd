//! Schemas to types. Definitions and inline objects and enums become models; names are assigned when all are known.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::ClientPlan;
use super::draft::{Draft, DraftShape};
use super::equal::same_schema;
use super::hierarchy::Hierarchy;
use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::{Literal, ModelId, Prose, Type};
use crate::resolve::{DefinitionId, Graph};
use crate::spec::{Additional, Schema, Type as Kind};

/// How deep definitions are followed from one to the next before the rest is put off. Whoever runs the generator may have a small stack.
pub(super) const MAX_DEPTH: usize = 48;

/// How many lists and maps may stand in one another, also by way of definitions; rustc gives up at little more than a hundred.
pub(super) const MAX_NESTING: usize = 32;

/// How many properties and variants the models of a client may have, those among them that `allOf` brings in: a document of a hundred
/// kilobytes could ask for a million.
const MAX_PARTS: usize = 250_000;

/// A discriminator and its value.
pub(super) type Tag = (Literal, Literal);

/// Makes the models of one client.
pub(super) struct Schemas<'a> {
    pub(super) graph: &'a Graph,
    hierarchy: &'a Hierarchy,
    pub(super) plan: &'a ClientPlan,
    pub drafts: Vec<Draft>,
    /// The type of each definition that was met.
    types: HashMap<DefinitionId, Type>,
    /// The struct of each definition that was met; differs from its type where that is a union.
    structs: HashMap<DefinitionId, ModelId>,
    /// The definitions that hold a name.
    holders: HashMap<String, Vec<DefinitionId>>,
    /// Enums with a name of their own.
    pub(super) enums: IndexMap<String, Vec<ModelId>>,
    /// The models of schemas that stand where they are used, by their place: a property that is inherited is met again and again.
    places: HashMap<Location, ModelId>,
    /// Definitions that are only another name and are being looked through.
    looking: HashSet<DefinitionId>,
    /// How many schemas the current one is reached through.
    depth: usize,
    /// Structs whose fields are still to be made.
    later: Vec<(ModelId, &'a Schema, String, Option<Tag>)>,
    parts: usize,
    told_deep: bool,
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
            places: HashMap::new(),
            looking: HashSet::new(),
            depth: 0,
            later: Vec::new(),
            parts: 0,
            told_deep: false,
            diagnostics,
        }
    }

    /// The type of a schema; `hint` are the words that name it, should it need a name.
    pub(super) fn ty(&mut self, schema: &'a Schema, hint: &[&str]) -> Type {
        if self.depth > 4 * MAX_DEPTH {
            return self.too_deep(schema);
        }
        self.depth += 1;
        let ty = self.ty_of(schema, hint);
        self.depth -= 1;
        if self.depth == 0 {
            self.finish_later();
        }
        ty
    }

    /// Says once that there are too many lists and maps in one another: wherever else there are, it is most likely the same ones.
    fn too_deep(&mut self, schema: &Schema) -> Type {
        if !std::mem::replace(&mut self.told_deep, true) {
            let message = format!("lists, maps and references to them are nested more than {MAX_NESTING} deep");
            self.diagnostics.push(
                Diagnostic::new(Code::TooDeep, message)
                    .at(&schema.at)
                    .help("give what is nested a property in an object of its own"),
            );
        }
        Type::Json
    }

    /// Counts parts of models; whether there are too many of them, which is said once.
    pub(super) fn too_many(&mut self, more: usize, schema: &Schema) -> bool {
        let before = self.parts;
        self.parts = self.parts.saturating_add(more);
        if before <= MAX_PARTS && self.parts > MAX_PARTS {
            let message =
                format!("the models have more than {MAX_PARTS} properties and variants, most of them by `allOf`");
            self.diagnostics.push(
                Diagnostic::new(Code::TooDeep, message)
                    .at(&schema.at)
                    .help("let fewer definitions be composed of others, or generate from parts of the document"),
            );
        }
        self.parts > MAX_PARTS
    }

    /// Makes the fields that were put off.
    fn finish_later(&mut self) {
        self.depth += 1;
        while let Some((model, schema, hint, tag)) = self.later.pop() {
            self.fill_now(model, schema, &hint, tag);
        }
        self.depth -= 1;
    }

    fn ty_of(&mut self, schema: &'a Schema, hint: &[&str]) -> Type {
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

    /// The type of a definition that nobody need refer to.
    pub(super) fn declared(&mut self, id: &DefinitionId, schema: &'a Schema) {
        self.depth += 1;
        self.definition(id, schema);
        self.depth -= 1;
        self.finish_later();
    }

    /// The type of a definition.
    fn definition(&mut self, id: &DefinitionId, schema: &'a Schema) -> Type {
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
    fn equal_definition(&mut self, id: &DefinitionId, schema: &'a Schema) -> Option<Type> {
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

    fn structure(&mut self, id: &DefinitionId, schema: &'a Schema) -> ModelId {
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
        self.fill(model, schema, &id.name, tag);
        model
    }

    /// Makes a struct's fields, or puts it off.
    fn fill(&mut self, model: ModelId, schema: &'a Schema, hint: &str, tag: Option<Tag>) {
        if self.depth > MAX_DEPTH {
            self.later.push((model, schema, hint.to_owned(), tag));
        } else {
            self.fill_now(model, schema, hint, tag);
        }
    }

    fn fill_now(&mut self, model: ModelId, schema: &'a Schema, hint: &str, tag: Option<Tag>) {
        // A list may well contain a struct that contains the list.
        let looking = std::mem::take(&mut self.looking);
        let shape = self.fields(schema, hint, tag);
        self.looking = looking;
        self.finish(model, DraftShape::Struct(shape));
    }

    fn union(&mut self, id: &DefinitionId, schema: &'a Schema) -> Type {
        let union = self.draft(self.definition_names(id), schema, Some(id));
        let ty = Type::Model(union);
        self.types.insert(id.clone(), ty.clone());
        let mut variants = Vec::new();
        let mut values: HashMap<String, Location> = HashMap::new();
        let hierarchy = self.hierarchy;
        let members = if self.too_many(0, schema) { IndexSet::new() } else { hierarchy.members(id) };
        for member in members {
            if self.too_many(1, schema) {
                break;
            }
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
    fn inline(&mut self, schema: &'a Schema, hint: &[&str], definition: Option<&DefinitionId>) -> Type {
        if is_struct(schema) {
            if let Some(model) = self.places.get(&schema.at) {
                return Type::Model(*model);
            }
            let model = self.draft(vec![hint.join(" ")], schema, None);
            self.places.insert(schema.at.clone(), model);
            self.fill(model, schema, &hint.join(" "), None);
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
                        ty if ty.nesting() >= MAX_NESTING => self.too_deep(schema),
                        ty => Type::Map(Box::new(ty)),
                    }
                }
            },
        }
    }

    fn array(&mut self, schema: &'a Schema, hint: &[&str]) -> Type {
        let mut hint = hint.to_vec();
        hint.push("item");
        let item = schema.items.as_ref().map_or(Type::Json, |items| self.element(items, &hint));
        if item.nesting() >= MAX_NESTING { self.too_deep(schema) } else { Type::List(Box::new(item)) }
    }

    /// The type of what a list or a map holds.
    pub(super) fn element(&mut self, schema: &'a Schema, hint: &[&str]) -> Type {
        let ty = match self.ty(schema, hint) {
            // JSON has no raw bytes.
            Type::Bytes => Type::Base64,
            ty => ty,
        };
        if schema.nullable == Some(true) && ty != Type::Json { Type::Nullable(Box::new(ty)) } else { ty }
    }
}

/// Whether a schema has properties, of its own or by composition.
fn is_struct(schema: &Schema) -> bool {
    schema.reference.is_none() && (!schema.properties.is_empty() || !schema.all_of.is_empty())
}
