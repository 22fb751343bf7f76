//! Waiting for another process, which can only be asked again and again.

use std::{thread, time::Duration};

const PAUSE: Duration = Duration::from_millis(5);

/// Asks until there is an answer, for about `limit`, and at least once. Blocks the thread.
///
/// It counts pauses and does not read a clock, so that a test that stops time is not held up.
pub(super) fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let mut waited = Duration::ZERO;
    loop {
        let answer = ask();
        if answer.is_some() || waited >= limit {
            return answer;
        }
        thread::sleep(PAUSE);
        waited += PAUSE;
    }
}
