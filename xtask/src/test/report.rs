//! What a test run says at its end.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::Outcome;
use crate::failure::Failure;

/// The steps that ran and how they ended.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Line>);

#[derive(Debug)]
struct Line {
    step: &'static str,
    ending: Ending,
    took: Duration,
}

#[derive(Debug)]
enum Ending {
    Passed,
    Skipped(String),
    Failed,
}

impl Report {
    /// Notes how a step ended.
    pub(super) fn add(
        &mut self,
        step: &'static str,
        outcome: Result<Outcome, Failure>,
        took: Duration,
    ) {
        let ending = match outcome {
            Ok(Outcome::Passed) => Ending::Passed,
            Ok(Outcome::Skipped(why)) => Ending::Skipped(why),
            Err(_) => Ending::Failed,
        };
        println!("== {step}: {} after {}", ending.word(), seconds(took));
        self.0.push(Line { step, ending, took });
    }

    /// Prints the table.
    ///
    /// # Errors
    /// [`Failure::Steps`] if a step failed, with the command that repeats it.
    pub(super) fn finish(self) -> Result<(), Failure> {
        print!("\n{}", self.table());
        let failed: Vec<_> = self.0.iter().filter(|line| line.failed()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let names = failed.iter().map(|line| format!("`{}`", line.step)).collect::<Vec<_>>();
        let again = failed.iter().map(|line| format!(" --step {}", line.step)).collect::<String>();
        let names = names.join(", ");
        Err(Failure::Steps(format!("{names} failed; run it alone with `cargo xtask test{again}`")))
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for Line { step, ending, took } in &self.0 {
            let note = if let Ending::Skipped(why) = ending { why } else { "" };
            let row = format!("{step:<9} {:<8} {:>9}  {note}", ending.word(), seconds(*took));
            writeln!(table, "{}", row.trim_end()).expect("a string takes everything");
        }
        let total = self.0.iter().map(|line| line.took).sum();
        writeln!(table, "{:<9} {:<8} {:>9}", "all", "", seconds(total))
            .expect("a string takes everything");
        table
    }
}

impl Line {
    fn failed(&self) -> bool {
        matches!(self.ending, Ending::Failed)
    }
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Skipped(_) => "skipped",
            Self::Failed => "FAILED",
        }
    }
}

/// Measures how long a step takes.
#[derive(Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock of saas-core would have to be compiled before any command can run"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.add("fmt", Ok(Outcome::Passed), Duration::from_millis(600));
        report.add("licences", Ok(Outcome::Skipped("no tool".into())), Duration::ZERO);
        report
    }

    #[test]
    fn the_table_tells_result_time_and_reason_of_each_step() {
        let table = report().table();
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows[0], "fmt       ok           0.6 s");
        assert_eq!(rows[1], "licences  skipped      0.0 s  no tool");
        assert_eq!(rows[2], "all                    0.6 s");
    }

    #[test]
    fn a_failed_step_fails_the_run_and_says_how_to_repeat_it() {
        let mut report = report();
        report.add("clippy", Err(Failure::Pages("x".into())), Duration::ZERO);
        let message = report.finish().unwrap_err().to_string();
        assert!(message.contains("`cargo xtask test --step clippy`"), "{message}");
    }

    #[test]
    fn a_skipped_step_does_not_fail_the_run() {
        assert!(report().finish().is_ok());
    }
}
