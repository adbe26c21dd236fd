//! The ledger: which files are generated, and what they were.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::{OutputFile, is_inside, read};
use crate::diag::{Code, Diagnostic};

/// `.specsmith.json`.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The hash of each, by path.
    pub(super) files: BTreeMap<String, u64>,
}

impl Ledger {
    pub(super) const NAME: &str = ".specsmith.json";

    /// That of these files.
    pub(super) fn of(files: &[OutputFile]) -> Self {
        Self { files: files.iter().map(|file| (file.path.clone(), hash(file.contents.as_bytes()))).collect() }
    }

    /// That of a folder; empty if there is none.
    pub(super) fn read(out: &Path) -> Result<Self, Diagnostic> {
        // Who wrote it is for people, and may be a later version.
        #[derive(Deserialize)]
        struct Written {
            files: BTreeMap<String, String>,
        }
        let path = out.join(Self::NAME);
        let Some(bytes) = read(&path)? else { return Ok(Self::default()) };
        let broken = |why: String| {
            Diagnostic::new(Code::BrokenLedger, format!("the ledger `{}` is broken: {why}", path.display()))
                .help("restore it from version control, or replace it with `specsmith generate --force`")
        };
        let written: Written = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        let files = written.files.into_iter().map(|(file, hash)| match u64::from_str_radix(&hash, 16) {
            // Files it lists may get deleted, so it is not trusted with others.
            Ok(hash) if is_inside(&file) => Ok((file, hash)),
            Ok(_) => Err(broken(format!("`{file}` is not inside the folder"))),
            Err(_) => Err(broken(format!("`{hash}` is not a hash"))),
        });
        Ok(Self { files: files.collect::<Result<_, _>>()? })
    }

    /// Those that are no longer generated.
    pub(super) fn stale<'a>(&'a self, files: &'a [OutputFile]) -> impl Iterator<Item = (&'a String, &'a u64)> {
        let produced: std::collections::BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        self.files.iter().filter(move |(path, _)| !produced.contains(path.as_str()))
    }

    /// One file a line, in the order of the paths, so that merges are easy.
    pub(super) fn to_json(&self) -> String {
        let files: BTreeMap<&String, String> =
            self.files.iter().map(|(path, hash)| (path, format!("{hash:016x}"))).collect();
        let ledger = json!({
            "generator": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            "files": files,
        });
        format!("{ledger:#}\n")
    }
}

/// FNV-1a with 64 bits, of the bytes with LF for CRLF.
pub(super) fn hash(contents: &[u8]) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    without_carriage_returns(contents).fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The bytes with LF for CRLF; other carriage returns stay.
pub(super) fn without_carriage_returns(contents: &[u8]) -> impl Iterator<Item = u8> {
    let next = contents.iter().skip(1).map(Some).chain([None]);
    let pairs = contents.iter().zip(next);
    pairs.filter(|pair| !matches!(pair, (b'\r', Some(b'\n')))).map(|(&byte, _)| byte)
}
