//! The least that a crate can cost: its public items, with nothing in them.

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Block, File, ImplItem, Item, Path, ReturnType, Signature, Token, TraitItem, Type, TypeParamBound,
    Visibility, parse_quote,
};

use crate::Result;

/// A file with its structs, enums, traits and signatures, but without bodies, private functions and constants, and macros (and
/// so without what these make: `Serialize`, `Deserialize`, `Debug` and `PartialEq` of models, `IntoFuture` of builders).
pub(super) fn strip(text: &str) -> Result<String> {
    let mut file: File = syn::parse_file(text)?;
    file.attrs.retain(|attribute| attribute.path().is_ident("doc"));
    file.attrs.push(parse_quote!(#![allow(warnings)]));
    file.items.retain_mut(item);
    Ok(prettyplease::unparse(&file))
}

fn item(item: &mut Item) -> bool {
    match item {
        Item::Macro(_) => return false,
        Item::Struct(item) => item.attrs.iter_mut().for_each(derives),
        Item::Enum(item) => item.attrs.iter_mut().for_each(derives),
        Item::Const(constant) => return !private(&constant.vis),
        Item::Static(constant) => return !private(&constant.vis),
        Item::Fn(function) => {
            empty(&function.sig, &mut function.block);
            return !private(&function.vis);
        }
        Item::Impl(block) => {
            let inherent = block.trait_.is_none();
            block.items.retain_mut(|item| match item {
                ImplItem::Fn(function) => {
                    empty(&function.sig, &mut function.block);
                    !inherent || !private(&function.vis)
                }
                ImplItem::Const(constant) => !inherent || !private(&constant.vis),
                _ => true,
            });
        }
        Item::Trait(item) => {
            for item in &mut item.items {
                if let TraitItem::Fn(function) = item
                    && let Some(block) = &mut function.default
                {
                    empty(&function.sig, block);
                }
            }
        }
        Item::Mod(module) => {
            if let Some((_, items)) = &mut module.content {
                items.retain_mut(self::item);
            }
        }
        _ => {}
    }
    true
}

/// Leaves of the derived traits what costs next to nothing and others may need.
fn derives(attribute: &mut Attribute) {
    if !attribute.path().is_ident("derive") {
        return;
    }
    let traits = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
    let kept = traits.iter().filter(|path| path.is_ident("Clone") || path.is_ident("Copy"));
    *attribute = parse_quote!(#[derive(#(#kept),*)]);
}

fn private(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Inherited)
}

fn empty(signature: &Signature, block: &mut Block) {
    match opaque(&signature.output) {
        Some(true) => *block = parse_quote!({ async { loop {} } }),
        // What else is opaque cannot be named without its body.
        Some(false) => {}
        None => *block = parse_quote!({ loop {} }),
    }
}

/// Whether a function returns `impl …`, and if so, whether that is a future.
fn opaque(output: &ReturnType) -> Option<bool> {
    let ReturnType::Type(_, ty) = output else { return None };
    let Type::ImplTrait(ty) = &**ty else { return None };
    Some(ty.bounds.iter().any(|bound| {
        matches!(bound, TypeParamBound::Trait(bound) if bound.path.segments.last().is_some_and(|last| last.ident == "Future"))
    }))
}
