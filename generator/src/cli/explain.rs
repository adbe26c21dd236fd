use std::io;

use clap::Args;
use specsmith::Failure;
use specsmith::diag::Code;

use super::{Console, DONE, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  specsmith explain SM401
      why, and what is wrong and right
  specsmith explain
      all codes, a line each";

/// `specsmith explain`.
#[derive(Args)]
pub(super) struct Explain {
    /// The code of a diagnostic, such as SM401; all of them if left out
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self, console: &Console) -> u8 {
        let mut out = io::stdout().lock();
        let Some(id) = self.code else {
            for code in Code::ALL {
                print(&mut out, &format!("{code}  {:7}  {}", code.severity().to_string(), code.meaning()));
            }
            return DONE;
        };
        let Some(code) = Code::from_id(&id) else {
            let help = match Code::nearest(&id) {
                Some(near) => format!("did you mean `{near}`? `specsmith explain` lists all codes"),
                None => "`specsmith explain` lists all codes".to_owned(),
            };
            return console.failure(&Failure::usage(format!("there is no code `{id}`"), help));
        };
        print(
            &mut out,
            &format!("{}[{code}]: {}\n\n{}", code.severity(), code.meaning(), code.explanation().trim_end()),
        );
        DONE
    }
}
