//! Enums: their values, and which of them are one type.

use serde_json::Value;

use super::draft::{DraftEnum, DraftShape, DraftVariant};
use super::schema::Schemas;
use crate::diag::{Code, Diagnostic, Location};
use crate::ir::{EnumKind, ModelId, Prose, Type};
use crate::resolve::DefinitionId;
use crate::spec::{Schema, Type as Kind};

impl Schemas<'_> {
    /// An enum; `None` where its values need no type of their own.
    pub(super) fn enumeration(
        &mut self,
        schema: &Schema,
        hint: &[&str],
        definition: Option<&DefinitionId>,
    ) -> Option<Type> {
        let kind = match schema.ty {
            Some(Kind::String) | None
                if schema.enumeration.iter().all(|value| value.is_string() || value.is_null()) =>
            {
                EnumKind::String
            }
            Some(Kind::Integer) if schema.enumeration.iter().all(|value| value.is_i64() || value.is_null()) => {
                EnumKind::Integer
            }
            Some(Kind::String) => {
                let odd = schema.enumeration.iter().position(|value| !value.is_string() && !value.is_null());
                self.odd_value(schema, odd, "string", "put the value in quotes");
                return None;
            }
            Some(Kind::Integer) => {
                let odd = schema.enumeration.iter().position(|value| !value.is_i64() && !value.is_null());
                self.odd_value(schema, odd, "integer", "write the value as an integer");
                return None;
            }
            _ => return None,
        };
        let listed = schema.ms_enum.as_ref();
        let mut variants: Vec<DraftVariant> = Vec::new();
        for value in &schema.enumeration {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            if variants.iter().any(|variant| variant.value == text) {
                continue;
            }
            let entry = listed.and_then(|listed| listed.values.iter().find(|entry| entry.value == *value));
            variants.push(DraftVariant {
                value: text,
                name: entry.and_then(|entry| entry.name.clone()),
                description: Prose(entry.and_then(|entry| entry.description.clone()).unwrap_or_default()),
            });
        }
        let draft = DraftEnum {
            kind,
            variants,
            open: listed.is_some_and(|listed| listed.open),
            ignore_case: schema
                .extensions
                .get("x-specsmith-ignore-case")
                .is_some_and(|value| value == &Value::Bool(true)),
        };
        let name = listed.and_then(|listed| listed.name.clone());
        Some(Type::Model(self.named_enum(schema, draft, name, hint, definition)))
    }

    fn odd_value(&mut self, schema: &Schema, index: Option<usize>, kind: &str, mend: &str) {
        let at = schema.at.join("enum");
        self.diagnostics.push(
            Diagnostic::new(Code::EnumValue, format!("this value of the enum is no {kind}, as its `type` says"))
                .at(&index.map_or_else(|| at.clone(), |index| at.join(index)))
                .label_value(&schema.at.join("type"), "the type")
                .help(format!("the enum is taken as any {kind}; {mend}, by an overlay if the document is not yours")),
        );
    }

    /// Enums of one name are one type where one's values are among the other's.
    fn named_enum(
        &mut self,
        schema: &Schema,
        draft: DraftEnum,
        name: Option<String>,
        hint: &[&str],
        definition: Option<&DefinitionId>,
    ) -> ModelId {
        let own = hint.join(" ");
        if let Some(name) = &name {
            for id in self.enums.get(name).cloned().unwrap_or_default() {
                if let Some(DraftShape::Enum(existing)) = self.drafts.get_mut(id.0).map(|draft| &mut draft.shape)
                    && existing.merge(&draft)
                {
                    return id;
                }
            }
        }
        let names = match &name {
            Some(name) => vec![name.clone(), own],
            None => vec![own.clone(), format!("{own} kind")],
        };
        let id = self.draft(names, schema, definition);
        self.finish(id, DraftShape::Enum(draft));
        if let Some(name) = name {
            let others = self.enums.entry(name.clone()).or_default();
            others.push(id);
            let first = others.first().filter(|first| **first != id);
            if let Some(first) = first.and_then(|first| self.drafts.get(first.0)) {
                let name_of = |at: &Location| at.join("x-ms-enum").join("name");
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::UnequalEnums,
                        format!("two enums are called `{name}` and have different values"),
                    )
                    .at_value(&name_of(&schema.at))
                    .label_value(&name_of(&first.at), "the other enum")
                    .help("the second is named after the place where it stands; give it another `x-ms-enum` name by an overlay"),
                );
            }
        }
        id
    }
}
