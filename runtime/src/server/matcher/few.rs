//! A list that needs no allocation while it is short.

/// A list whose first `N` values stand in itself.
pub(super) struct Few<T, const N: usize> {
    first: [T; N],
    more: Vec<T>,
    len: usize,
}

impl<T: Copy, const N: usize> Few<T, N> {
    /// An empty list. The value fills the places that are not used.
    pub(super) fn new(filler: T) -> Few<T, N> {
        Few { first: [filler; N], more: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        self.first.get(index).or_else(|| self.more.get(index - N)).copied()
    }

    pub(super) fn push(&mut self, value: T) {
        match self.first.get_mut(self.len) {
            Some(place) => *place = value,
            None => self.more.push(value),
        }
        self.len += 1;
    }

    /// Leaves the first `len` values, which are there.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.more.truncate(self.len.saturating_sub(N));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_as_many() {
        let mut few: Few<u8, 2> = Few::new(9);
        assert_eq!((few.len(), few.get(0)), (0, None));
        for value in 0..4 {
            few.push(value);
        }
        assert_eq!((few.get(1), few.get(2), few.get(3), few.get(4)), (Some(1), Some(2), Some(3), None));
        few.truncate(3);
        assert_eq!((few.len(), few.get(2), few.get(3)), (3, Some(2), None));
        few.truncate(1);
        few.truncate(7);
        few.push(5);
        assert_eq!((few.len(), few.get(0), few.get(1), few.get(2)), (2, Some(0), Some(5), None));
        few.push(6);
        assert_eq!(few.get(2), Some(6));
    }
}
