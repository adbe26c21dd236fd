//! Lines of a text that is there in pieces.

use bytes::{Buf, Bytes, BytesMut};

/// The longest line: many times what a device may have.
pub(super) const LINE: usize = 1 << 20;

/// The lines that are not blank, each with its number among these; `None` where it is longer than [`LINE`].
///
/// None is copied unless it is in several pieces, and never more than one line.
#[derive(Debug)]
pub(super) struct Lines {
    pieces: std::vec::IntoIter<Bytes>,
    piece: Bytes,
    number: usize,
    /// How many bytes are still to be read.
    pub(super) left: usize,
}

impl Lines {
    pub(super) fn new(pieces: Vec<Bytes>) -> Lines {
        let left = pieces.iter().map(Bytes::len).sum();
        let mut lines = Lines { pieces: pieces.into_iter(), piece: Bytes::new(), number: 0, left };
        lines.skip_mark();
        lines
    }

    /// Some editors begin a file with a mark of the order of bytes.
    fn skip_mark(&mut self) {
        if self.is_any_left() && self.piece.starts_with(b"\xef\xbb\xbf") {
            self.take(3);
        }
    }

    fn is_any_left(&mut self) -> bool {
        while self.piece.is_empty() {
            let Some(next) = self.pieces.next() else { return false };
            self.piece = next;
        }
        true
    }

    fn take(&mut self, count: usize) -> Bytes {
        self.left -= count;
        self.piece.split_to(count)
    }

    /// The next line without its end, however long it is; `None` within where that is too long, `None` behind the last.
    fn line(&mut self) -> Option<Option<Bytes>> {
        let mut begun: Option<BytesMut> = None;
        while self.is_any_left() {
            let end = self.piece.iter().position(|byte| *byte == b'\n');
            let part = self.take(end.unwrap_or(self.piece.len()));
            if end.is_some() {
                self.left -= 1;
                self.piece.advance(1);
            }
            // What is too long is noticed by its length, and need not be whole.
            let whole = match begun.as_mut() {
                None if end.is_some() => return Some((part.len() <= LINE).then_some(part)),
                None => begun.insert(BytesMut::from(&part[..part.len().min(LINE + 1)])),
                Some(line) => {
                    line.extend_from_slice(&part[..part.len().min(LINE + 1 - line.len())]);
                    line
                }
            };
            if end.is_some() {
                return Some((whole.len() <= LINE).then(|| begun.unwrap_or_default().freeze()));
            }
        }
        begun.map(|line| (line.len() <= LINE).then(|| line.freeze()))
    }
}

impl Iterator for Lines {
    type Item = (usize, Option<Bytes>);

    fn next(&mut self) -> Option<(usize, Option<Bytes>)> {
        loop {
            let line = self.line()?;
            if line.as_ref().is_none_or(|line| !line.iter().all(u8::is_ascii_whitespace)) {
                self.number += 1;
                return Some((self.number, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], piece: usize) -> Vec<(usize, Option<Bytes>)> {
        let pieces = text.chunks(piece).map(Bytes::copy_from_slice).collect();
        let mut lines = Lines::new(pieces);
        let all: Vec<_> = lines.by_ref().collect();
        assert_eq!(lines.left, 0);
        all
    }

    #[test]
    fn wherever_pieces_end() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n \r\n", &[]),
            ("a", &["a"]),
            ("ab\ncde\n", &["ab", "cde"]),
            ("ab\r\n\r\n \ncde\nf", &["ab\r", "cde", "f"]),
        ] {
            for piece in 1..12 {
                let expected: Vec<_> =
                    expected.iter().enumerate().map(|(at, line)| (at + 1, Some(Bytes::from(*line)))).collect();
                assert_eq!(read(text.as_bytes(), piece), expected, "{text:?} by {piece}");
            }
        }
        assert_eq!(read("\u{feff}a\nb".as_bytes(), 99), [(1, Some("a".into())), (2, Some("b".into()))]);
    }

    #[test]
    fn a_line_is_only_so_long() {
        for piece in [LINE / 2 + 7, 3 * LINE] {
            for (length, is_line) in [(LINE, true), (LINE + 1, false), (2 * LINE + 5, false)] {
                for end in ["\nb\n", "\nb"] {
                    let text = "a".repeat(length) + end;
                    let lines = read(text.as_bytes(), piece);
                    let lengths: Vec<_> = lines.iter().map(|(_, line)| line.as_ref().map(Bytes::len)).collect();
                    assert_eq!(lengths, [is_line.then_some(length), Some(1)], "{length} by {piece}");
                }
                assert_eq!(read("a".repeat(length).as_bytes(), piece)[0].1.is_some(), is_line);
            }
        }
    }
}
