//! `cargo xtask bench`: what isolation costs, in figures of this machine.

use crate::{
    failure::Failure,
    run,
    tools::{self, Toolbox},
    workspace,
};

/// The benches, by package and name, the short one first.
const BENCHES: [(&str, &str); 2] = [("saas-tenancy", "resolve"), ("membership", "list")];

/// Measure what tenancy costs: a request up to its handler, and the members list against a bare
/// handler without isolation.
///
/// Everything runs on this machine, optimised, and ends by itself: about five minutes to compile
/// the first time, and ten to load and measure. Ratios are worth more than times.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "BENCH_TENANTS, BENCH_MEMBERS, BENCH_LARGE, BENCH_ROUNDS and BENCH_SECONDS \
                        make the list's run smaller or larger."
)]
pub(crate) struct Args {}

/// Runs one after the other; they would disturb each other.
pub(crate) fn run(Args {}: &Args) -> Result<(), Failure> {
    let tools = Toolbox::prepare(&[&tools::POSTGRES])?;
    for (package, bench) in BENCHES {
        println!("== {package}: {bench}");
        let mut command = tools.cargo();
        command.args(["bench", "--all-features", "--package", package, "--bench", bench]);
        run::show(command.current_dir(workspace::root()))?;
    }
    Ok(())
}
