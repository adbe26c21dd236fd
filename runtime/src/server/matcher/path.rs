//! A request's path, split and looked through.

use std::ops::Range;

use super::few::Few;
use super::pattern::Decoded;

/// A path that is split at its slashes. Nothing is decoded.
pub(super) struct Path<'p> {
    text: &'p str,
    /// Where each segment starts, and where the next one would.
    starts: Few<usize, 24>,
    /// How many segments there are up to the last empty one, which the one behind a trailing slash does not count for.
    hollow: usize,
    ends_in_slash: bool,
}

impl<'p> Path<'p> {
    /// Splits a path; the error says why no route could have it.
    pub(super) fn split(text: &'p str) -> Result<Path<'p>, &'static str> {
        let mut path = Path { text, starts: Few::new(0), hollow: 0, ends_in_slash: false };
        // What has no slash at its start (`*`) has no segments.
        let Some(below) = text.strip_prefix('/') else {
            path.starts.push(1);
            return Ok(path);
        };
        let mut start = 1;
        for segment in below.split('/') {
            check(segment)?;
            if path.ends_in_slash {
                path.hollow = path.starts.len();
            }
            path.ends_in_slash = segment.is_empty();
            path.starts.push(start);
            start += segment.len() + 1;
        }
        path.starts.push(start);
        Ok(path)
    }

    /// How many segments there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where the segments of a range are in the text, with the slashes between them.
    pub(super) fn span(&self, from: usize, to: usize) -> Range<usize> {
        match (self.starts.get(from), self.starts.get(to)) {
            (Some(start), Some(end)) if start < end => start..end - 1,
            _ => 0..0,
        }
    }

    /// The segments of a range, with the slashes between them.
    pub(super) fn text(&self, from: usize, to: usize) -> &'p str {
        self.text.get(self.span(from, to)).unwrap_or_default()
    }

    /// Whether `{*}` may stand for the segments of a range: none of them is empty. (Nor is one before them, but for what
    /// no template has it is not worth remembering where each is.)
    pub(super) fn is_solid(&self, from: usize, to: usize) -> bool {
        self.hollow <= from && !(self.ends_in_slash && to == self.len())
    }
}

/// What a segment may not be, wherever it stands: a service that hands it on would mean something else by it.
fn check(segment: &str) -> Result<(), &'static str> {
    if segment.contains('%') {
        for part in segment.split('%').skip(1) {
            match part.as_bytes() {
                [b'0', b'0', ..] => return Err("the path has an escaped NUL"),
                [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {}
                _ => return Err("the path has a `%` that is no escape"),
            }
        }
    }
    if segment.starts_with(['.', '%']) && (is(segment, b".") || is(segment, b"..")) {
        return Err("the path has a segment `.` or `..`");
    }
    Ok(())
}

fn is(segment: &str, text: &[u8]) -> bool {
    Decoded::new(segment, false).eq(text.iter().copied())
}
