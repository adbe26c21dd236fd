//! Lines of at most a width, none of which starts something.

/// Atoms set in lines; the marker stands before the first, and the others are indented by as much.
pub(super) fn wrapped(atoms: Vec<String>, width: usize, marker: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = marker.to_owned();
    let mut length = marker.len();
    let mut is_start = true;
    for atom in atoms {
        let count = atom.chars().count();
        if !is_start && length + 1 + count > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(marker.len())));
            length = marker.len();
            is_start = true;
        }
        if is_start {
            let atom = guarded(atom);
            length += atom.chars().count();
            line.push_str(&atom);
        } else {
            length += 1 + count;
            line.push(' ');
            line.push_str(&atom);
        }
        is_start = false;
    }
    if !is_start {
        lines.push(line);
    }
    lines
}

/// An atom that starts no list, heading, quote, rule or table where it stands at the start of a line.
fn guarded(atom: String) -> String {
    let all = |marks: &str| atom.chars().all(|character| marks.contains(character));
    if atom.starts_with('>') || atom == "+" || atom == "*" || all("#") || all("=") || all("-:|") {
        return format!("\\{atom}");
    }
    match atom.strip_suffix(['.', ')']) {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() => {
            format!("{number}\\{}", if atom.ends_with('.') { '.' } else { ')' })
        }
        _ => atom,
    }
}
