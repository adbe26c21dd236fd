//! What stands between two slashes of a template, and whether text of a path is that.

use std::cmp::Ordering;
use std::ops::Range;

/// A segment of a template. Literals are decoded, and in lower case where case does not matter.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// `devices`
    Static(Box<[u8]>),
    /// `{}:cancel`, `{}-{}`
    Mixed(Pattern),
    /// `{}`
    Whole,
    /// `{*}`, perhaps with literals around it: one or more segments of a path.
    Several(Pattern),
}

/// Literals with a hole between each two. The order is the one in which patterns are tried: the longest first.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    literals: Vec<Box<[u8]>>,
    weight: usize,
}

impl Segment {
    /// Reads a template. A brace that is part of no hole is one to be matched.
    pub(super) fn template(template: &str, fold: bool) -> Vec<Segment> {
        template.strip_prefix('/').unwrap_or(template).split('/').map(|text| Segment::new(text, fold)).collect()
    }

    fn new(text: &str, fold: bool) -> Segment {
        let (mut literals, mut wide) = (Vec::new(), false);
        let mut rest = text;
        while let Some((literal, hole_is_wide, after)) = next_hole(rest) {
            wide |= hole_is_wide;
            literals.push(decoded(literal, fold));
            rest = after;
        }
        literals.push(decoded(rest, fold));
        match &mut literals[..] {
            [literal] => Segment::Static(std::mem::take(literal)),
            [before, after] if before.is_empty() && after.is_empty() && !wide => Segment::Whole,
            // With other holes beside it, `{*}` is one like them: where it ended could not be told.
            [_, _] if wide => Segment::Several(Pattern::new(literals)),
            _ => Segment::Mixed(Pattern::new(literals)),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Segment::Static(_) => 0,
            Segment::Mixed(_) => 1,
            Segment::Whole => 2,
            Segment::Several(_) => 3,
        }
    }

    /// Which is the more specific one. Literals of static segments and case make no difference.
    fn specificity(&self, other: &Segment) -> Ordering {
        match (self, other) {
            (Segment::Mixed(one), Segment::Mixed(other)) | (Segment::Several(one), Segment::Several(other)) => {
                one.specificity(other)
            }
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

/// Which of two templates is the more specific one, if both match: segment by segment, and one that goes on before one that
/// ends. Where that says nothing, which can only be behind a `{*}`, the texts of static segments are in the order of the alphabet.
/// They are equal if they differ in case at most.
pub(super) fn specificity(one: &[Segment], other: &[Segment]) -> Ordering {
    let by_segment = one.iter().zip(other).map(|(one, other)| one.specificity(other)).find(|order| order.is_ne());
    by_segment.unwrap_or_else(|| other.len().cmp(&one.len())).then_with(|| texts(one).cmp(texts(other)))
}

fn texts(template: &[Segment]) -> impl Iterator<Item = Option<u8>> {
    let texts = template.iter().filter_map(|segment| match segment {
        Segment::Static(text) => Some(text),
        _ => None,
    });
    spelled(texts, true)
}

/// The bytes of texts, each with an end. (Slices would be compared by `memcmp`, which on some processors takes hundreds of
/// times as long for empty ones that were never allocated.)
fn spelled<'a>(texts: impl Iterator<Item = &'a Box<[u8]>>, fold: bool) -> impl Iterator<Item = Option<u8>> {
    let spelling = move |byte: &u8| Some(if fold { byte.to_ascii_lowercase() } else { *byte });
    texts.flat_map(move |text| text.iter().map(spelling).chain([None]))
}

impl Ord for Pattern {
    fn cmp(&self, other: &Pattern) -> Ordering {
        let exactly = || spelled(self.literals.iter(), false).cmp(spelled(other.literals.iter(), false));
        self.specificity(other).then_with(exactly)
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Pattern) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pattern {}

fn next_hole(text: &str) -> Option<(&str, bool, &str)> {
    let one = text.split_once("{}").map(|(before, after)| (before, false, after));
    let several = text.split_once("{*}").map(|(before, after)| (before, true, after));
    match (one, several) {
        (Some(one), Some(several)) => Some(if one.0.len() < several.0.len() { one } else { several }),
        (one, several) => one.or(several),
    }
}

fn decoded(literal: &str, fold: bool) -> Box<[u8]> {
    Decoded::new(literal, fold).collect()
}

impl Pattern {
    fn new(literals: Vec<Box<[u8]>>) -> Pattern {
        let weight = literals.iter().map(|literal| literal.len()).sum();
        Pattern { literals, weight }
    }

    fn specificity(&self, other: &Pattern) -> Ordering {
        let spelling = || spelled(self.literals.iter(), true).cmp(spelled(other.literals.iter(), true));
        other.weight.cmp(&self.weight).then_with(spelling)
    }

    /// Whether a text is this. Says where the holes are, **from the last to the first**; what it has said is void if it
    /// returns false in the end.
    ///
    /// A hole is never empty, and the first one is as long as can be, then the second. So literals are looked for from the
    /// end, and it is never necessary to go back: one that stands further to the right leaves more room for those before it.
    pub(super) fn holes(&self, text: &str, fold: bool, mut hole: impl FnMut(Range<usize>)) -> bool {
        let Some((first, others)) = self.literals.split_first() else { return false };
        let start = literal_at(text, 0, first, fold).filter(|&start| text.is_char_boundary(start));
        let Some(start) = start else { return false };
        let mut end = text.len();
        for (index, literal) in others.iter().enumerate().rev() {
            let is_last = index + 1 == others.len();
            // The last literal ends with the text; an escape has three characters.
            let from = if is_last { end.saturating_sub(3 * literal.len()).max(start + 1) } else { start + 1 };
            let place = (from..=end).rev().find_map(|at| {
                let after = literal_at(text, at, literal, fold)?;
                let fits = if is_last { after == end } else { after < end };
                (fits && is_boundary(text, at) && text.is_char_boundary(after)).then_some((at, after))
            });
            let Some((at, after)) = place else { return false };
            if !is_last {
                hole(after..end);
            }
            end = at;
        }
        hole(start..end);
        // Of several segments with literals around them, what is left of the first and the last is not empty either.
        !matches!(text.as_bytes().get(start..end), None | Some([b'/', ..] | [.., b'/']))
    }
}

/// Where a literal that starts at a place ends.
fn literal_at(text: &str, at: usize, literal: &[u8], fold: bool) -> Option<usize> {
    let mut rest = Decoded { rest: text.as_bytes().get(at..)?, fold };
    for &byte in literal {
        // A literal has no slash but an escaped one.
        if rest.rest.first() == Some(&b'/') || rest.next() != Some(byte) {
            return None;
        }
    }
    Some(text.len() - rest.rest.len())
}

/// Whether a hole may end at a place: not within an escape or a character, even if that is escaped.
fn is_boundary(text: &str, at: usize) -> bool {
    let (before, after) = text.as_bytes().split_at_checked(at).unwrap_or_default();
    let in_escape = matches!(before, [.., b'%'] | [.., b'%', _]);
    let in_character = Decoded { rest: after, fold: false }.next().is_some_and(|byte| byte & 0xC0 == 0x80);
    !in_escape && !in_character
}

/// The bytes of a text that is percent-encoded, in lower case if that is asked for. What is no escape stays as it is.
pub(super) struct Decoded<'a> {
    rest: &'a [u8],
    fold: bool,
}

impl<'a> Decoded<'a> {
    pub(super) fn new(text: &'a str, fold: bool) -> Decoded<'a> {
        Decoded { rest: text.as_bytes(), fold }
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, mut rest) = self.rest.split_first()?;
        let mut byte = first;
        if let (b'%', [a, b, after @ ..]) = (first, rest)
            && let (Some(a), Some(b)) = (digit(*a), digit(*b))
        {
            (byte, rest) = (a << 4 | b, after);
        }
        self.rest = rest;
        Some(if self.fold { byte.to_ascii_lowercase() } else { byte })
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes<'t>(pattern: &str, text: &'t str, fold: bool) -> Option<Vec<&'t str>> {
        let pattern = match Segment::new(pattern, fold) {
            Segment::Mixed(pattern) | Segment::Several(pattern) => pattern,
            other => panic!("{pattern} is {other:?}"),
        };
        let mut found = Vec::new();
        let is = pattern.holes(text, fold, |hole| found.push(&text[hole]));
        found.reverse();
        is.then_some(found)
    }

    #[test]
    fn holes_of_a_segment() {
        for (pattern, text, expected) in [
            ("{}:cancel", "7:cancel", Some(&["7"][..])),
            ("{}:cancel", "7%3Acancel", Some(&["7"])),
            ("{}:cancel", "7%3acan%63el", Some(&["7"])),
            ("{}:cancel", ":cancel", None),
            ("{}:cancel", "7:cancelled", None),
            ("{}:cancel", "7:Cancel", None),
            ("{}:cancel", "a:cancel:cancel", Some(&["a:cancel"])),
            ("{}-{}", "a-b", Some(&["a", "b"])),
            ("{}-{}", "a-b-c", Some(&["a-b", "c"])),
            ("{}-{}", "a--", Some(&["a", "-"])),
            ("{}-{}", "-a", None),
            ("{}-{}", "a-", None),
            ("{}-{}", "--", None),
            ("{}-{}", "---", Some(&["-", "-"])),
            ("{}-{}", "a%2Db", Some(&["a", "b"])),
            ("{}2{}", "a%2Db", None),
            ("{}D{}", "a%2Db", None),
            ("{}2D{}", "a%2Db", None),
            ("{}%25{}", "a%2Db", None),
            ("{}%25{}", "a%25b", Some(&["a", "b"])),
            ("v{}.{}.{}", "v1.2.3", Some(&["1", "2", "3"])),
            ("v{}.{}.{}", "v1.2.3.4", Some(&["1.2", "3", "4"])),
            ("v{}.{}.{}", "v1.2", None),
            ("a{}a", "aa", None),
            ("a{}a", "aaa", Some(&["a"])),
            ("{}{}", "abc", Some(&["ab", "c"])),
            ("{}{}", "a", None),
            ("{}{}", "aé", Some(&["a", "é"])),
            ("{}{}", "a%C3%A9", Some(&["a", "%C3%A9"])),
            ("{}%C3%A9{}", "aéb", Some(&["a", "b"])),
            ("{}%C3%A9{}", "a%C3%A9b", Some(&["a", "b"])),
            ("{}%C3{}", "aéb", None),
            ("{}%A9{}", "aéb", None),
            ("x{*}", "x/a", None),
            ("{*}x", "a/x", None),
            ("x{*}", "xy", Some(&["y"])),
            ("{}x", "%A9x", Some(&["%A9"])),
            ("%C3{}", "é", None),
            ("x{*}", "xy/a", Some(&["y/a"])),
            ("{*}:go", "a/b:go", Some(&["a/b"])),
            ("{*}%2Fz", "a/z", None),
            ("{*}%2Fz", "a%2fz", Some(&["a"])),
        ] {
            let expected = expected.map(<[&str]>::to_vec);
            assert_eq!(holes(pattern, text, false), expected, "{pattern} {text}");
        }
        assert_eq!(holes("{}:Cancel", "7:cANCEL", true), Some(vec!["7"]));
        assert_eq!(holes("{}%C3%89", "xé", true), None);
    }

    #[test]
    fn kinds_of_segments() {
        let kinds = ["a", "", "{x}", "a{", "{}b", "{}", "{*}", "a{*}", "{}{*}"];
        let kinds = kinds.map(|text| Segment::new(text, false).kind());
        assert_eq!(kinds, [0, 0, 0, 0, 1, 2, 3, 3, 1]);
        let order = |one, other| specificity(&Segment::template(one, false), &Segment::template(other, false));
        for pair in ["a", "{}:bc", "{}:b", "{}", "x{*}", "{*}"].windows(2) {
            assert_eq!((order(pair[0], pair[1]), order(pair[1], pair[0])), (Ordering::Less, Ordering::Greater));
        }
        assert_eq!(order("/{*}/a", "/{*}"), Ordering::Less);
        assert_eq!(order("/{*}/b/c", "/{*}/a/{}"), Ordering::Less);
        assert_eq!(order("/{*}/b/{*}", "/{*}/a/{*}"), Ordering::Greater);
        assert_eq!(order("/A/{}:B", "/a/{}:b"), Ordering::Equal);
    }
}
