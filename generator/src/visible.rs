//! Characters that a reader does not see, or that a terminal obeys.

/// Characters that take no room, or turn the direction of the text around (rustc denies those in comments).
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A character as a terminal may have it, where it is not one that stands for itself.
pub(crate) fn picture(character: char) -> Option<char> {
    match character {
        // The pictures of the control characters stand in their order.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)),
        '\x7f' => Some('␡'),
        other if other.is_control() || is_invisible(other) => Some('\u{fffd}'),
        _ => None,
    }
}

/// A line without anything that a terminal would obey.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|character| picture(character).unwrap_or(character)).collect()
}

/// JSON in which what cannot be seen is escaped. It can stand in strings only.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && (character.is_control() || is_invisible(character)) {
            let mut units = [0; 2];
            out.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing() {
        let text = "a\u{1b}[2J\r\u{9b}1m\u{7f}\u{202e}b\u{200b}\u{3164}";
        assert_eq!(line(text), "a␛[2J␍\u{fffd}1m␡\u{fffd}b\u{fffd}\u{fffd}");
    }

    #[test]
    fn json_says_the_same_when_escaped() {
        let value = serde_json::json!({ "a\u{9b}\n": "\u{7f}\u{202e}\u{e0001}\u{e9}\u{1d49c}" });
        let escaped = json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        assert!(!escaped.contains(|one: char| one != '\n' && (one.is_control() || is_invisible(one))), "{escaped:?}");
    }
}
