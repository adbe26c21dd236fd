//! One action: what it asks for, and doing it.

use serde_json::Value;

use super::target::Target;
use super::{Fields, Version, merge};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Pointer};
use crate::source::Patch;

pub(super) struct Action<'a> {
    at: Location,
    version: Version,
    target: Target<'a>,
    change: Change<'a>,
}

enum Change<'a> {
    Update(&'a Value),
    Copy(Target<'a>),
    Remove,
}

impl<'a> Action<'a> {
    /// An action as it stands in an overlay; `None` if it is wrong or asks for nothing.
    pub(super) fn read(value: &'a Value, at: Location, version: Version, diags: &mut Diagnostics) -> Option<Self> {
        let Some(object) = value.as_object() else {
            let help = "write an object with `target` and one of `update`, `copy` and `remove: true`";
            diags.push(Diagnostic::new(Code::OverlayField, "an action must be an object").at_value(&at).help(help));
            return None;
        };
        let mut fields = Fields { object, at: &at, diags };
        fields.warn_unknown(&["target", "description", "update", "copy", "remove"]);
        fields.optional("description", "a string", Value::as_str);
        let target = fields.required("target", "a JSONPath as a string", Value::as_str);
        let remove = fields.optional("remove", "`true` or `false`", Value::as_bool).unwrap_or_default();
        let copy = fields.optional("copy", "a JSONPath as a string", Value::as_str);
        let update = object.get("update");

        let refused = match (copy, update) {
            (Some(_), _) if version < Version::V1_1 => Some(("Overlay 1.0 has no `copy`", "set `overlay` to `1.1.0`")),
            (Some(_), Some(_)) => {
                Some(("`copy` and `update` in one action cancel each other", "make them two actions"))
            }
            _ => None,
        };
        if let Some((message, help)) = refused {
            diags.push(Diagnostic::new(Code::OverlayField, message).at(&at.join("copy")).help(help));
            return None;
        }
        let target = Target::parse(target?, at.join("target"), diags)?;
        let change = match (remove, update, copy) {
            (true, ..) => {
                for idle in ["update", "copy"].into_iter().filter(|field| object.contains_key(*field)) {
                    let message = format!("`{idle}` has no impact beside `remove: true`");
                    let help = "remove it, or make it an action of its own";
                    diags.push(Diagnostic::new(Code::IdleAction, message).at(&at.join(idle)).help(help));
                }
                Change::Remove
            }
            (false, Some(update), _) => Change::Update(update),
            (false, None, Some(copy)) => Change::Copy(Target::parse(copy, at.join("copy"), diags)?),
            (false, None, None) => {
                // A field of the wrong type has been reported already.
                if !object.contains_key("copy") && object.get("remove").is_none_or(Value::is_boolean) {
                    let message = "the action has neither `update` nor `copy` nor `remove: true` and changes nothing";
                    let help = "say what it changes, or remove the action";
                    diags.push(Diagnostic::new(Code::IdleAction, message).at(&at).help(help));
                }
                return None;
            }
        };
        Some(Self { at, version, target, change })
    }

    /// Changes the document, all matched nodes or none.
    pub(super) fn apply(&self, file: FileId, document: &mut Value, patches: &mut Vec<Patch>, diags: &mut Diagnostics) {
        let nodes = self.target.select(document);
        if nodes.is_empty() {
            diags.push(self.target.matched_nothing(document));
            return;
        }
        let done = match &self.change {
            Change::Remove => self.remove(document, &nodes, patches),
            Change::Update(update) => self.write(file, document, &nodes, update, "update", patches),
            Change::Copy(source) => match source.select(document).as_slice() {
                [] => Err(source.matched_nothing(document)),
                [node] => match document.pointer(node.as_str()).cloned() {
                    Some(value) => self.write(file, document, &nodes, &value, "copy", patches),
                    None => Ok(()),
                },
                [first, second, ..] => Err(Diagnostic::new(
                    Code::AmbiguousCopy,
                    format!(
                        "the path matches more than one node (`{first}` and `{second}`), but only one can be copied"
                    ),
                )
                .at_value(&source.at)
                .label(&Location { file, pointer: first.clone() }, "a match")
                .label(&Location { file, pointer: second.clone() }, "another match")
                .help("name the one that is meant, without `*`, `..` or a filter")),
            },
        };
        diags.extend(done.err());
    }

    /// Merges a value into each node. Whether it fits all of them is looked at first.
    fn write(
        &self,
        file: FileId,
        document: &mut Value,
        nodes: &[Pointer],
        update: &Value,
        field: &str,
        patches: &mut Vec<Patch>,
    ) -> Result<(), Diagnostic> {
        // Below a `copy` the origins name nothing in the overlay's text; a position is then that of `copy`.
        let origin = self.at.join(field);
        let node_at = |pointer: &Pointer| Location { file, pointer: pointer.clone() };
        let mut first: Option<(&Pointer, &Value)> = None;
        for (pointer, node) in nodes.iter().filter_map(|node| Some((node, document.pointer(node.as_str())?))) {
            if self.version == Version::V1_0 {
                self.refuse_primitive(pointer, node)?;
            }
            match first {
                Some((other, value)) if self.version > Version::V1_0 && merge::kind(value) != merge::kind(node) => {
                    let message = format!(
                        "the target matches both {} (`{other}`) and {} (`{pointer}`)",
                        merge::kind(value),
                        merge::kind(node)
                    );
                    let help = "the nodes that one action changes must be of one kind";
                    return Err(Diagnostic::new(Code::Incompatible, message)
                        .at_value(&self.target.at)
                        .label(&node_at(other), merge::kind(value).to_string())
                        .label(&node_at(pointer), merge::kind(node).to_string())
                        .help(help));
                }
                _ => first = first.or(Some((pointer, node))),
            }
            if let Err(merge::Conflict { found, wanted, below }) = merge::check(node, update, self.version) {
                let message = format!("{found} cannot be merged into {wanted} (`{pointer}{below}`)");
                let at = Location { file: origin.file, pointer: Pointer::parse(&format!("{}{below}", origin.pointer)) };
                let help = "remove the node in an action before this one, then write it anew";
                let node = Location { file, pointer: Pointer::parse(&format!("{pointer}{below}")) };
                return Err(Diagnostic::new(Code::Incompatible, message)
                    .at_value(&at)
                    .label(&node, format!("the document has {wanted} here"))
                    .help(help));
            }
        }
        for pointer in nodes {
            if let Some(node) = document.pointer_mut(pointer.as_str()) {
                merge::apply(node, update, self.version, pointer, &origin, patches);
            }
        }
        Ok(())
    }

    fn remove(&self, document: &mut Value, nodes: &[Pointer], patches: &mut Vec<Patch>) -> Result<(), Diagnostic> {
        if nodes.iter().any(|node| node.parent().is_none()) {
            let message = "the document itself cannot be removed";
            let help = "target the nodes in it that should go, such as `$.paths['/jobs']`";
            return Err(Diagnostic::new(Code::Incompatible, message).at_value(&self.target.at).help(help));
        }
        if self.version == Version::V1_0 {
            for (pointer, node) in nodes.iter().filter_map(|node| Some((node, document.pointer(node.as_str())?))) {
                self.refuse_primitive(pointer, node)?;
            }
        }
        let mut nodes: Vec<&Pointer> = nodes.iter().collect();
        // Items from the last to the first, so that none moves before its turn; children before parents.
        nodes.sort_by_cached_key(|node| {
            node.steps().map(|step| (step.parse().unwrap_or(0), step)).collect::<Vec<(usize, _)>>()
        });
        for pointer in nodes.into_iter().rev() {
            let (Some(parent), Some(step)) = (pointer.parent(), pointer.steps().last()) else { continue };
            match document.pointer_mut(parent.as_str()) {
                Some(Value::Object(object)) => {
                    // `remove` would move the last member here.
                    object.shift_remove(&step);
                    patches.push(Patch::RemovedMember { pointer: pointer.clone() });
                }
                Some(Value::Array(items)) => {
                    if let Some(index) = step.parse().ok().filter(|&index| index < items.len()) {
                        items.remove(index);
                        patches.push(Patch::RemovedItem { array: parent, index });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn refuse_primitive(&self, pointer: &Pointer, node: &Value) -> Result<(), Diagnostic> {
        if node.is_object() || node.is_array() {
            return Ok(());
        }
        Err(Diagnostic::new(Code::Incompatible, format!("the target matches {} (`{pointer}`)", merge::kind(node)))
            .at_value(&self.target.at)
            .help("Overlay 1.0 changes objects and arrays only: target what contains it, or set `overlay` to `1.1.0`"))
    }
}
