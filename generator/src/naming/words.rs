//! Names, taken apart into words as API authors write them.

/// Words that are written in a way that the rules would take apart wrongly. Each is found only where a word
/// starts and no lower-case letter follows; of two that match, the first counts.
const KNOWN: &[&str] = &[
    "ETag",
    "eTag",
    "GitHub",
    "GitLab",
    "GraphQL",
    "IPv4",
    "IPv6",
    "IPsec",
    "IOps",
    "IaaS",
    "IoT",
    "JavaScript",
    "LoRaWAN",
    "LoRa",
    "MBps",
    "GBps",
    "KBps",
    "GiB",
    "KiB",
    "MiB",
    "TiB",
    "GHz",
    "KHz",
    "MHz",
    "MySQL",
    "NGram",
    "NaN",
    "NoSQL",
    "OAuth",
    "OData",
    "PaaS",
    "PostgreSQL",
    "SaaS",
    "TypeScript",
    "VNet",
    "WiFi",
    "iOS",
    "kWh",
    "mTLS",
    "macOS",
    "nGram",
    "vCPU",
    "vCore",
    "vNet",
    "vTPM",
    "vTpm",
];

/// The words of a name, in lower case: `IoTHub_listVMs` is `iot hub list vms`.
///
/// Letters beyond ASCII are left out, and symbols separate words; a name of nothing else is spelled.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in runs(name) {
        split_run(&run, &mut words);
    }
    if words.is_empty() { spelled(name) } else { words }
}

/// The words of a name together with those for its symbols: `-name` is `minus name`, `a<=b` is `a less equal b`.
pub(crate) fn spelled(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = name;
    // What is of no use beside words is better than nothing.
    let blank = !name.contains(|character: char| !is_blank(character));
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if length > 0 {
            split_run(&rest[..length], &mut words);
            rest = &rest[length..];
            continue;
        }
        if let Some((symbol, spelling)) = PAIRS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            words.extend(spelling.split(' ').map(str::to_owned));
            rest = &rest[symbol.len()..];
            continue;
        }
        if blank || !is_blank(first) {
            words.extend(spelling(first).split(' ').map(str::to_owned));
        }
        rest = &rest[first.len_utf8()..];
    }
    words
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '_'
}

/// Runs of ASCII letters and digits. What is neither separates them, except letters of other scripts and
/// apostrophes, which stand inside words.
fn runs(name: &str) -> Vec<String> {
    let mut runs = vec![String::new()];
    for character in name.chars() {
        match runs.last_mut() {
            Some(run) if character.is_ascii_alphanumeric() => run.push(character),
            Some(_) if character.is_alphanumeric() || matches!(character, '\'' | '\u{2019}') => {}
            Some(run) if run.is_empty() => {}
            _ => runs.push(String::new()),
        }
    }
    runs
}

fn split_run(mut run: &str, words: &mut Vec<String>) {
    while !run.is_empty() {
        let (word, rest) = run.split_at(word_end(run.as_bytes()).clamp(1, run.len()));
        words.push(word.to_ascii_lowercase());
        run = rest;
    }
}

/// Where the first word of a run ends.
fn word_end(run: &[u8]) -> usize {
    let mut end = match known(run) {
        Some(length) => length,
        None => match head(run) {
            Head::Whole(length) => return length,
            Head::Open(length) => length,
        },
    };
    while let Some(&next) = run.get(end) {
        let digit_before = end > 0 && is_digit(run, end - 1);
        if next.is_ascii_uppercase() && !(digit_before && is_single_upper(run, end)) {
            break;
        }
        end += 1;
    }
    end
}

/// The length of a known word that the run starts with, with an `s` of the plural.
fn known(run: &[u8]) -> Option<usize> {
    let length = KNOWN
        .iter()
        .map(|word| word.as_bytes())
        // Almost always it is the first letter that tells.
        .find(|word| run.first() == word.first() && run.starts_with(word) && ends_there(run, word.len()))?
        .len();
    Some(if run.get(length) == Some(&b's') { length + 1 } else { length })
}

/// Whether no lower-case letter follows, but for a plural's `s`.
fn ends_there(run: &[u8], at: usize) -> bool {
    !is_lower(run, at) || is_plural(run, at)
}

/// How a word starts.
enum Head {
    /// This is all of it.
    Whole(usize),
    /// Lower-case letters and digits that follow belong to it.
    Open(usize),
}

/// The capitals that a word starts with.
fn head(run: &[u8]) -> Head {
    let capitals = run.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if capitals < 2 || !is_lower(run, capitals) {
        return Head::Open(capitals);
    }
    if is_plural(run, capitals) {
        // `VMs`
        return Head::Open(capitals + 1);
    }
    if run.get(capitals) == Some(&b'v') && is_digit(run, capitals + 1) {
        // `APIv2`
        return Head::Whole(capitals);
    }
    // `HTTPServer`: the last capital is the next word's.
    Head::Whole(capitals - 1)
}

/// Whether an `s` stands there that makes the capitals before it a plural.
fn is_plural(run: &[u8], at: usize) -> bool {
    run.get(at) == Some(&b's') && !is_lower(run, at + 1)
}

/// Whether the capital there is neither an acronym's nor a word's first letter: `S3Bucket`, but `K8S`, `3DModel`.
fn is_single_upper(run: &[u8], at: usize) -> bool {
    !is_lower(run, at + 1) && (!is_upper(run, at + 1) || is_lower(run, at + 2))
}

fn is_lower(run: &[u8], at: usize) -> bool {
    run.get(at).is_some_and(u8::is_ascii_lowercase)
}

fn is_upper(run: &[u8], at: usize) -> bool {
    run.get(at).is_some_and(u8::is_ascii_uppercase)
}

fn is_digit(run: &[u8], at: usize) -> bool {
    run.get(at).is_some_and(u8::is_ascii_digit)
}

/// Symbols of two characters.
const PAIRS: &[(&str, &str)] = &[
    ("<=", "less equal"),
    (">=", "greater equal"),
    ("==", "equal"),
    ("!=", "not equal"),
    ("<>", "not equal"),
    ("=~", "matches"),
    ("&&", "and"),
    ("||", "or"),
];

/// What a symbol is called; of other scripts' letters the number has to do.
fn spelling(symbol: char) -> String {
    let name = match symbol {
        ' ' => "space",
        '\t' => "tab",
        '\n' => "newline",
        '!' => "not",
        '"' => "quote",
        '#' => "hash",
        '$' => "dollar",
        '%' => "percent",
        '&' => "and",
        '\'' => "apostrophe",
        '(' => "open",
        ')' => "close",
        '*' => "star",
        '+' => "plus",
        ',' => "comma",
        '-' => "minus",
        '.' => "dot",
        '/' => "slash",
        ':' => "colon",
        ';' => "semicolon",
        '<' => "less",
        '=' => "equal",
        '>' => "greater",
        '?' => "question",
        '@' => "at",
        '[' => "open bracket",
        '\\' => "backslash",
        ']' => "close bracket",
        '^' => "caret",
        '_' => "underscore",
        '`' => "backtick",
        '{' => "open brace",
        '|' => "pipe",
        '}' => "close brace",
        '~' => "tilde",
        other => return format!("u{:04x}", u32::from(other)),
    };
    name.to_owned()
}
