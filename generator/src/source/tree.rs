//! Where everything stands in a text, whether it is JSON or YAML.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, Diagnostics, Location, Pointer};

/// A value of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// The bytes of the value.
    pub(super) span: Range<usize>,
    pub(super) children: Children,
}

/// What a value contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Children {
    #[default]
    None,
    Items(Vec<Node>),
    Members(Members),
}

/// The members of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    all: Vec<Member>,
    /// Their indexes in the order of the keys, once somebody looks for one among many.
    by_key: OnceCell<Vec<usize>>,
}

/// How many members are looked through one by one.
const FEW: usize = 32;

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: String,
    /// The bytes of the key, with its quotes.
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl From<Vec<Member>> for Members {
    fn from(all: Vec<Member>) -> Self {
        Self { all, by_key: OnceCell::new() }
    }
}

impl Members {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.all.iter()
    }

    /// The last of equal keys is the one whose value was kept.
    fn find(&self, key: &str) -> Option<&Member> {
        if self.all.len() <= FEW {
            return self.all.iter().rfind(|member| member.key == key);
        }
        let key_of = |index: &usize| self.all.get(*index).map_or("", |member| member.key.as_str());
        let by_key = self.by_key.get_or_init(|| {
            let mut indexes: Vec<usize> = (0..self.all.len()).collect();
            indexes.sort_by(|left, right| key_of(left).cmp(key_of(right)));
            indexes
        });
        let behind = by_key.partition_point(|index| key_of(index) <= key);
        let last = self.all.get(*by_key.get(behind.checked_sub(1)?)?)?;
        (last.key == key).then_some(last)
    }
}

impl Node {
    /// What to underline for a pointer: the key of a member, or with `value` its value where that is a scalar; an item; or
    /// the whole document.
    ///
    /// For a pointer to something that is not in the text it is the nearest thing above that is.
    pub(super) fn find(&self, pointer: &Pointer, value: bool) -> Range<usize> {
        let mut node = self;
        let mut span = &self.span;
        let mut whole = true;
        for step in pointer.steps() {
            match &node.children {
                Children::Members(members) => match members.find(&step) {
                    Some(member) => (node, span) = (&member.value, &member.key_span),
                    None => whole = false,
                },
                Children::Items(items) => match step.parse().ok().and_then(|index: usize| items.get(index)) {
                    Some(item) => (node, span) = (item, &item.span),
                    None => whole = false,
                },
                Children::None => whole = false,
            }
            if !whole {
                break;
            }
        }
        let scalar = !node.has_children() && !node.span.is_empty();
        if value && whole && scalar { node.span.clone() } else { span.clone() }
    }

    /// Reports every key that stands in an object before.
    pub(super) fn report_duplicates(&self, at: &Location, diags: &mut Diagnostics) {
        match &self.children {
            Children::None => {}
            Children::Items(items) => {
                for (index, item) in items.iter().enumerate().filter(|(_, item)| item.has_children()) {
                    item.report_duplicates(&at.join(index), diags);
                }
            }
            Children::Members(members) => {
                let mut first = HashMap::with_capacity(members.all.len());
                for Member { key, key_span, value } in members.iter() {
                    let earlier = *first.entry(key.as_str()).or_insert(key_span);
                    if earlier != key_span {
                        let at = at.join(key);
                        diags.push(
                            Diagnostic::new(Code::DuplicateKey, format!("the key `{key}` stands twice in one object"))
                                .at(&at)
                                .spanning(key_span.clone())
                                .label_spanning(&at, earlier.clone(), "first defined here")
                                .help("remove one of them, or give it another name"),
                        );
                    }
                    if value.has_children() {
                        value.report_duplicates(&at.join(key), diags);
                    }
                }
            }
        }
    }

    fn has_children(&self) -> bool {
        self.children != Children::None
    }
}
