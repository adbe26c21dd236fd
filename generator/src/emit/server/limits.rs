//! What requests are held to, as tables.

use crate::emit::{HEADER, RUNTIME};
use crate::ir::{Check, Checks, Client, Inner, Table};
use crate::render::{Code, line, literal, string};

/// `server/limits.rs` of a client.
pub(crate) fn file(client: &Client) -> String {
    let checks = &client.checks;
    let mut code = Code::new();
    line!(code, "{HEADER}");
    code.module_doc(format_args!(
        "What requests are held to beyond the types of their values: the limits of the documents."
    ));
    code.gap();
    let patterns = if checks.patterns.is_empty() { "Checks" } else { "{Checks, Pattern}" };
    line!(code, "use {RUNTIME}::codegen::v1::server::{patterns};");
    code.gap();
    for (name, text) in &checks.patterns {
        code.chain(&format!("static {name}: Pattern = Pattern::new({})", literal(text)), &[], ";");
    }
    for table in &checks.tables {
        code.gap();
        write(&mut code, checks, table);
    }
    code.finish()
}

fn write(code: &mut Code, checks: &Checks, table: &Table) {
    let Table { name, check, direct } = table;
    let public = if *direct { "pub(super) " } else { "" };
    let head = format!("{public}static {name}: Checks = Checks::new()");
    if !check.words.is_empty() {
        let words: Vec<String> = check.words.iter().map(literal).collect();
        return code.list(&format!("{head}.one_of(&["), &words, "]);");
    }
    if check.fields.is_empty() && check.variants.is_empty() {
        return code.chain(&head, &links(checks, check), ";");
    }
    let (method, parts) = match check.fields.as_slice() {
        [] => ("variants", &check.variants),
        _ => ("fields", &check.fields),
    };
    line!(code, "{head}{}.{method}(&[", links(checks, check).concat());
    code.indented(|code| {
        for (name, inner) in parts {
            line!(code, "({}, {}),", literal(name), reference(checks, inner));
        }
    });
    line!(code, "]);");
}

/// The methods that make a check, but for those of fields, variants and words, which only tables have.
fn links(checks: &Checks, check: &Check) -> Vec<String> {
    let mut links = Vec::new();
    let bounds = [(&check.least, "at_least", "above"), (&check.most, "at_most", "below")];
    for (bound, inclusive, exclusive) in bounds {
        if let Some(bound) = bound {
            let method = if bound.exclusive { exclusive } else { inclusive };
            links.push(format!(".{method}({})", string(&bound.number)));
        }
    }
    if let Some(factor) = &check.factor {
        links.push(format!(".multiple_of({})", string(factor)));
    }
    match check.length {
        Some((least, u64::MAX)) => links.push(format!(".length({least}, u64::MAX)")),
        Some((least, most)) => links.push(format!(".length({least}, {most})")),
        None => {}
    }
    if let Some((name, _)) = check.pattern.and_then(|index| checks.patterns.get(index)) {
        links.push(format!(".pattern(&{name})"));
    }
    if check.unique {
        links.push(".unique()".to_owned());
    }
    if let Some(items) = &check.items {
        links.push(format!(".items({})", reference(checks, items)));
    }
    links
}

fn reference(checks: &Checks, inner: &Inner) -> String {
    match inner {
        Inner::Own(check) => format!("&Checks::new(){}", links(checks, check).concat()),
        Inner::Table(index) => checks.tables.get(*index).map(|table| format!("&{}", table.name)).unwrap_or_default(),
    }
}
