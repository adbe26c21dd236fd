//! Models: structs, enums, unions.

use super::types::{self, Imports};
use super::{HEADER, limits};
use crate::ir::{Client, Enum, EnumKind, Field, FieldRole, Model, Shape, Struct, Type, Union};
use crate::render::{Code, inline_code, line, literal};

/// The file of a client's models.
pub(super) fn file(client: &Client) -> String {
    let mut imports = Imports::default();
    let mut body = Code::new();
    for model in &client.models {
        body.gap();
        match &model.shape {
            Shape::Struct(shape) => structure(&mut body, client, model, shape, &mut imports),
            Shape::Enum(shape) => enumeration(&mut body, model, shape),
            Shape::Union(shape) => union(&mut body, client, model, shape, &mut imports),
        }
    }
    let mut code = Code::new();
    line!(code, "{HEADER}");
    code.module_doc(format_args!("The models of the client `{}`.", client.module.bare()));
    code.gap();
    if imports.has_map() {
        line!(code, "use std::collections::BTreeMap;");
        code.gap();
    }
    if !client.models.is_empty() {
        imports.write(&mut code);
    }
    code.gap();
    format!("{}{}", code.finish(), body.finish())
}

fn head(code: &mut Code, model: &Model, kind: &str) {
    if !code.prose(&model.description) {
        match &model.definition {
            Some(name) => code.doc(format_args!("{} {kind}.", inline_code(name))),
            None => code.doc(format_args!("`{}` {kind}.", model.name)),
        }
    }
    line!(code, "#[non_exhaustive]");
}

fn structure(code: &mut Code, client: &Client, model: &Model, shape: &Struct, imports: &mut Imports) {
    let required: Vec<&Field> = shape.fields.iter().filter(|field| field.role == FieldRole::Required).collect();
    head(code, model, "as the service has it");
    line!(code, "#[derive(Clone)]");
    let name = &model.name;
    code.block(format_args!("pub struct {name}"), "}", |code| {
        for field in &shape.fields {
            field_doc(code, field);
            line!(code, "pub {}: {},", field.name, field_type(field, client, imports));
        }
        if let Some((rest, ty)) = &shape.rest {
            code.doc(format_args!("Properties that have no field of their own."));
            line!(code, "pub {rest}: {},", rest_type(ty, client, imports));
        }
    });
    code.gap();
    code.block(format_args!("impl {name}"), "}", |code| {
        constructor(code, client, shape, &required, imports);
        for field in &shape.fields {
            code.gap();
            setter(code, client, field, imports);
        }
    });
    if required.is_empty() {
        code.gap();
        code.block(format_args!("impl Default for {name}"), "}", |code| {
            line!(code, "#[inline]");
            code.block(format_args!("fn default() -> Self"), "}", |code| line!(code, "Self::new()"));
        });
    }
    code.gap();
    table(code, model, shape, &required);
}

fn rest_type(ty: &Type, client: &Client, imports: &mut Imports) -> String {
    match ty {
        Type::Json => types::owned(&Type::JsonObject, client, "", imports),
        ty => types::owned(&Type::Map(Box::new(ty.clone())), client, "", imports),
    }
}

fn field_type(field: &Field, client: &Client, imports: &mut Imports) -> String {
    let ty = types::owned(&field.ty, client, "", imports);
    match field.role {
        FieldRole::Required => ty,
        FieldRole::Optional => format!("Option<{ty}>"),
    }
}

fn field_doc(code: &mut Code, field: &Field) {
    let mut any = code.prose(&field.description);
    if !any {
        code.doc(format_args!("The property {}.", inline_code(&field.wire.0)));
        any = true;
    }
    let mut notes = limits::notes(&field.limits.own, field.default.as_ref());
    if field.read_only {
        notes.insert(0, "Read-only: the service sets it.".to_owned());
    }
    if any && !notes.is_empty() {
        code.doc(format_args!(""));
    }
    for note in notes {
        code.doc(format_args!("{note}"));
    }
}

fn constructor(code: &mut Code, client: &Client, shape: &Struct, required: &[&Field], imports: &mut Imports) {
    let arguments: Vec<String> =
        required.iter().map(|field| format!("{}: {}", field.name, taking(field, client, imports).0)).collect();
    match required {
        [] => code.doc(format_args!("A new one, with nothing in it.")),
        _ => code.doc(format_args!("A new one, with what must be in it.")),
    }
    if required.len() > 7 {
        line!(code, "#[allow(clippy::too_many_arguments)]");
    }
    line!(code, "#[inline]");
    code.list("pub fn new(", &arguments, ") -> Self {");
    code.indented(|code| {
        code.block(format_args!("Self"), "}", |code| {
            for field in &shape.fields {
                let name = &field.name;
                match (field.role, taking(field, client, imports).1) {
                    (FieldRole::Optional, _) => line!(code, "{name}: None,"),
                    (FieldRole::Required, value) if value == name.as_str() => line!(code, "{name},"),
                    (FieldRole::Required, value) => line!(code, "{name}: {value},"),
                }
            }
            if let Some((rest, ty)) = &shape.rest {
                line!(code, "{rest}: {}::new(),", if *ty == Type::Json { "Map" } else { "BTreeMap" });
            }
        });
    });
    line!(code, "}}");
}

/// How a function takes a field's value: the argument's type, and what is made of the argument.
fn taking(field: &Field, client: &Client, imports: &mut Imports) -> (String, String) {
    let name = &field.name;
    match &field.ty {
        Type::Boxed(inner) => (types::owned(inner, client, "", imports), format!("Box::new({name})")),
        ty if types::is_into(ty) => {
            (format!("impl Into<{}>", types::owned(ty, client, "", imports)), format!("{name}.into()"))
        }
        ty => (types::owned(ty, client, "", imports), name.to_string()),
    }
}

fn setter(code: &mut Code, client: &Client, field: &Field, imports: &mut Imports) {
    let (name, setter) = (&field.name, &field.setter);
    let (ty, value) = taking(field, client, imports);
    let value = match field.role {
        FieldRole::Required => value,
        FieldRole::Optional => format!("Some({value})"),
    };
    code.doc(format_args!("The same with this [`{0}`](Self::{0}).", name.bare()));
    line!(code, "#[must_use]");
    line!(code, "#[inline]");
    code.block(format_args!("pub fn {setter}(mut self, {name}: {ty}) -> Self"), "}", |code| {
        line!(code, "self.{name} = {value};");
        line!(code, "self");
    });
}

/// The table from which the runtime reads and writes the model.
fn table(code: &mut Code, model: &Model, shape: &Struct, required: &[&Field]) {
    let blanks: Vec<&str> = required
        .iter()
        .map(|field| match field.ty {
            Type::String => "String::new()",
            Type::Secret => "Secret::default()",
            _ => "v1::Wire::blank()",
        })
        .collect();
    let positions = shape.fields.iter().enumerate().filter(|(_, field)| field.role == FieldRole::Required);
    let positions: Vec<String> = positions.map(|(index, _)| index.to_string()).collect();
    let mut head = format!("v1::model!({}({}), required [{}]", model.name, blanks.join(", "), positions.join(", "));
    let aliases: Vec<String> = shape
        .fields
        .iter()
        .enumerate()
        .flat_map(|(index, field)| field.aliases.iter().map(move |alias| format!("{} {index}", literal(alias))))
        .collect();
    if !aliases.is_empty() {
        head.push_str(&format!(", aliases [{}]", aliases.join(", ")));
    }
    if let Some((tag, value)) = &shape.tag {
        head.push_str(&format!(", tag {} {}", literal(tag), literal(value)));
    }
    let tail = match &shape.rest {
        Some((rest, _)) => format!("}} ..{rest});"),
        None => "});".to_owned(),
    };
    code.block(format_args!("{head},"), &tail, |code| {
        for (index, field) in shape.fields.iter().enumerate() {
            line!(code, "{index} {} {},", literal(&field.wire), field.name);
        }
    });
}

fn enumeration(code: &mut Code, model: &Model, shape: &Enum) {
    head(code, model, "as the service has it");
    line!(code, "#[derive(Clone)]");
    let name = &model.name;
    code.block(format_args!("pub enum {name}"), "}", |code| {
        for variant in &shape.variants {
            if !code.prose(&variant.description) {
                code.doc(format_args!("{}", inline_code(&variant.value.0)));
            }
            line!(code, "{},", variant.name);
        }
        code.doc(format_args!("A value that is not listed here."));
        line!(code, "{}({}),", shape.other, if shape.kind == EnumKind::String { "String" } else { "i64" });
    });
    code.gap();
    let head = match shape.kind {
        EnumKind::String => {
            let case = if shape.ignore_case { "any_case" } else { "exact" };
            format!("v1::string_enum!({name}, {case}, {},", shape.other)
        }
        EnumKind::Integer => format!("v1::integer_enum!({name}, {},", shape.other),
    };
    code.block(format_args!("{head}"), "});", |code| {
        for variant in &shape.variants {
            match shape.kind {
                EnumKind::String => line!(code, "{} {},", variant.name, literal(&variant.value)),
                EnumKind::Integer => line!(code, "{} {},", variant.name, variant.value.0),
            }
        }
    });
}

fn union(code: &mut Code, client: &Client, model: &Model, shape: &Union, imports: &mut Imports) {
    head(code, model, "in one of its forms");
    line!(code, "#[derive(Clone)]");
    let name = &model.name;
    imports.add("Map");
    imports.add("Value");
    code.block(format_args!("pub enum {name}"), "}", |code| {
        for (variant, value, id) in &shape.variants {
            let ty = types::owned(&Type::Model(*id), client, "", imports);
            code.doc(format_args!("Where {} is {}.", inline_code(&shape.tag.0), inline_code(&value.0)));
            line!(code, "{variant}(Box<{ty}>),");
        }
        code.doc(format_args!("A form that is not listed here."));
        line!(code, "{}(Map<String, Value>),", shape.other);
    });
    for (variant, _, id) in &shape.variants {
        let ty = types::owned(&Type::Model(*id), client, "", imports);
        code.gap();
        code.block(format_args!("impl From<{ty}> for {name}"), "}", |code| {
            line!(code, "#[inline]");
            code.block(format_args!("fn from(value: {ty}) -> Self"), "}", |code| {
                line!(code, "Self::{variant}(Box::new(value))");
            });
        });
    }
    code.gap();
    code.block(format_args!("v1::union_model!({name}, {}, {},", literal(&shape.tag), shape.other), "});", |code| {
        for (variant, value, _) in &shape.variants {
            line!(code, "{variant} {},", literal(value));
        }
    });
}
