//! Whether what was written is Rust: that it parses, and that no name is given twice.

use std::collections::HashSet;

use syn::{Fields, FnArg, ImplItem, Item, Pat, Type};

pub(crate) fn check(path: &str, text: &str) -> Result<(), String> {
    if !path.ends_with(".rs") {
        return Ok(());
    }
    let file = syn::parse_file(text).map_err(|error| format!("not Rust: {error}"))?;
    items(&file.items)
}

fn items(all: &[Item]) -> Result<(), String> {
    let (mut types, mut values, mut methods) = (Names::new("type"), Names::new("function"), Names::new("method"));
    for item in all {
        match item {
            Item::Struct(item) => {
                types.add(&item.ident.to_string())?;
                fields(&item.fields)?;
            }
            Item::Enum(item) => {
                types.add(&item.ident.to_string())?;
                let mut variants = Names::new("variant");
                item.variants.iter().try_for_each(|variant| variants.add(&variant.ident.to_string()))?;
            }
            Item::Type(item) => types.add(&item.ident.to_string())?,
            Item::Fn(item) => {
                values.add(&item.sig.ident.to_string())?;
                arguments(&item.sig)?;
            }
            Item::Const(item) if item.ident != "_" => values.add(&item.ident.to_string())?,
            Item::Mod(item) => {
                types.add(&item.ident.to_string())?;
                item.content.iter().try_for_each(|(_, inner)| items(inner))?;
            }
            Item::Impl(item) => {
                let mut own = Names::new("method");
                let inherent = if item.trait_.is_none() { &mut methods } else { &mut own };
                let of = match &*item.self_ty {
                    Type::Path(path) => path.path.segments.last().map(|it| it.ident.to_string()).unwrap_or_default(),
                    _ => String::new(),
                };
                for member in &item.items {
                    if let ImplItem::Fn(function) = member {
                        inherent.add(&format!("{of}::{}", function.sig.ident))?;
                        arguments(&function.sig)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn fields(of: &Fields) -> Result<(), String> {
    let mut names = Names::new("field");
    of.iter().filter_map(|field| field.ident.as_ref()).try_for_each(|name| names.add(&name.to_string()))
}

fn arguments(of: &syn::Signature) -> Result<(), String> {
    let mut names = Names::new("argument");
    of.inputs.iter().try_for_each(|input| match input {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) => names.add(&name.ident.to_string()),
            _ => Ok(()),
        },
        FnArg::Receiver(_) => Ok(()),
    })
}

struct Names {
    what: &'static str,
    met: HashSet<String>,
}

impl Names {
    fn new(what: &'static str) -> Self {
        Self { what, met: HashSet::new() }
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        let bare = name.strip_prefix("r#").unwrap_or(name);
        if self.met.insert(bare.to_owned()) { Ok(()) } else { Err(format!("two {}s called `{bare}`", self.what)) }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_not_rust_or_has_a_name_twice_is_found() {
        let said = |text: &str| check("a.rs", text).err().unwrap_or_default();
        assert_eq!(
            said("pub struct A { pub a: u8 } impl A { fn a(&self, b: u8) {} } impl Clone for A { fn a() {} }"),
            ""
        );
        assert_eq!(said("mod m { enum E { A, B, A } }"), "two variants called `A`");
        assert_eq!(said("struct A { r#type: u8, type_: u8, r#type: u8 }"), "two fields called `type`");
        assert_eq!(said("impl A { fn new() {} } impl A { fn new() {} }"), "two methods called `A::new`");
        assert_eq!(said("fn f(a: u8, a: u8) {}"), "two arguments called `a`");
        assert_eq!(said("struct A; enum A {}"), "two types called `A`");
        assert!(said("pub struct 2A;").starts_with("not Rust: "));
    }
}
