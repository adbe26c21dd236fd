//! Whatever happens to a hub, the emulator and a model of it, which is written in the plainest way, look the same after every step.
//!
//! Where they do not, the steps are cut down to those that matter. Some cases are about everything, others about one thing above all: twins,
//! messages with their feedback, files, jobs. `PROPTEST_CASES` asks for more of them than a usual run has.

mod device;
mod feedback;
mod generate;
mod model;
mod queue;
mod run;
mod step;
mod tree;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::run::Machine;

#[test]
fn a_hub_is_what_its_model_is() {
    let config = Config { failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { 40 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let steps = (any::<bool>(), generate::steps());
    let outcome = TestRunner::new(Config { cases, ..config }).run(&steps, |(documented, steps)| {
        runtime.block_on(async {
            let mut machine = Machine::start(documented).await;
            for step in &steps {
                machine = machine.take(step).await;
                machine.compare().await;
            }
            for step in generate::last() {
                machine = machine.take(&step).await;
                machine.compare().await;
            }
            machine.stop().await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
