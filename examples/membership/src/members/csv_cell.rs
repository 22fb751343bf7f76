//! Cells that a spreadsheet does not take for formulas.
//!
//! A cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return is run as a formula by
//! spreadsheet programs, so it gets an apostrophe in front. A cell that looks as if it had got one
//! gets another, so [`restore`] undoes [`protect`] for every text.

use std::borrow::Cow;

/// The cell as it goes into a file.
#[must_use]
pub(super) fn protect(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell as it was before [`protect`].
#[must_use]
pub(super) fn restore(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

/// Whether the first character behind any apostrophes starts a formula.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_starts_a_formula_gets_an_apostrophe() {
        for cell in ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "'=1"] {
            assert_eq!(protect(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn ordinary_cells_stay_as_they_are() {
        for cell in ["", "Ann", "O'Brien", "'t Hooft", "a=b", "'"] {
            assert_eq!(protect(cell), cell);
            assert_eq!(restore(cell), cell);
        }
    }

    proptest! {
        #[test]
        fn restoring_undoes_protecting(cell in "['=+@\t\r-]{0,4}\\PC{0,10}") {
            let protected = protect(&cell);
            prop_assert_eq!(restore(&protected), &cell);
        }

        #[test]
        fn no_protected_cell_starts_a_formula(cell in "['=+@\t\r-]{0,4}\\PC{0,10}") {
            prop_assert!(!protect(&cell).starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
