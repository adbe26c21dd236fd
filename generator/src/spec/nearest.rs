//! The known name that somebody may have meant.

/// Names longer than this have no near ones, and no more candidates than this are looked at: the time is that of all letters of the one
/// by all letters of the other.
const MAX_LETTERS: usize = 100;
const MAX_CANDIDATES: usize = 1000;

/// The candidate that is nearest to `name`, if one is near: a third of the letters may differ, but not the whole name.
/// Case counts for nothing; of two that are equally near, the first.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().take(MAX_LETTERS + 1).collect();
    if name.len() > MAX_LETTERS {
        return None;
    }
    let most = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.chars().take(2 * MAX_LETTERS).flat_map(char::to_lowercase).collect();
            let near = other.len().abs_diff(name.len()) <= most;
            let distance = if near { distance(&name, &other) } else { usize::MAX };
            (distance <= most && distance < name.len()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out or replaced (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let above = *cell;
            let replaced = diagonal + usize::from(x != y);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = std::mem::replace(cell, left);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_letters_that_differ() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("abc", ""), 3);
        assert_eq!(of("flaw", "lawn"), 2);
        assert_eq!(of("same", "same"), 0);
    }

    #[test]
    fn finds_what_is_near_and_only_that() {
        assert_eq!(nearest("Devise", ["Twin", "Device", "Devices"]), Some("Device"));
        assert_eq!(nearest("device", ["Device"]), Some("Device"));
        assert_eq!(nearest("Device", ["Job"]), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("", ["b"]), None);
    }
}
