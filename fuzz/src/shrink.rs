//! A smaller case with the same fault.

use serde_json::Value;

use crate::case::Case;

/// How many smaller cases are tried.
const TRIES: usize = 1500;

pub(crate) fn shrink(case: Case, kind: &str) -> Case {
    let mut tries = TRIES;
    let mut best = case;
    let mut fails = |case: &Case| {
        tries = tries.saturating_sub(1);
        tries > 0 && case.run(false).is_err_and(|finding| finding.kind == kind)
    };
    for slot in 0..=best.files.len() {
        let text = match best.files.get(slot) {
            Some((_, text)) => text.clone(),
            None => best.overlay.clone().unwrap_or_default(),
        };
        let with = |best: &Case, text: Vec<u8>| {
            let mut next = best.clone();
            match next.files.get_mut(slot) {
                Some((_, own)) => *own = text,
                None => next.overlay = next.overlay.map(|_| text),
            }
            next
        };
        if let Ok(mut value) = serde_json::from_slice::<Value>(&text) {
            let mut pointer = vec![String::new()];
            // From the top down: whole sections go first.
            while let Some(at) = pointer.pop() {
                let keys: Vec<String> = match value.pointer(&at) {
                    Some(Value::Object(object)) => object.keys().cloned().collect(),
                    Some(Value::Array(items)) => (0..items.len()).rev().map(|index| index.to_string()).collect(),
                    _ => continue,
                };
                for key in keys {
                    let mut smaller = value.clone();
                    remove(&mut smaller, &at, &key);
                    let next = with(&best, serde_json::to_vec_pretty(&smaller).unwrap_or_default());
                    if fails(&next) {
                        (best, value) = (next, smaller);
                    } else {
                        pointer.push(format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")));
                    }
                }
            }
        } else {
            let mut text = text;
            let mut size = text.len() / 2;
            while size > 0 {
                let mut start = 0;
                while start < text.len() {
                    let mut smaller = text.clone();
                    smaller.drain(start..(start + size).min(text.len()));
                    let next = with(&best, smaller.clone());
                    if fails(&next) {
                        (best, text) = (next, smaller);
                    } else {
                        start += size;
                    }
                }
                size /= 2;
            }
        }
    }
    best
}

fn remove(value: &mut Value, at: &str, key: &str) {
    match value.pointer_mut(at) {
        Some(Value::Object(object)) => drop(object.shift_remove(key)),
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|&index: &usize| index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
