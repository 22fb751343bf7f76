use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

impl From<bool> for Format {
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Where a command's answer goes.
pub(super) struct Output {
    format: Format,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self { format, out: Box::new(io::stdout()), err: Box::new(io::stderr()) }
    }

    /// Answers with `value`, or with `text` for people.
    pub(super) fn answer(&mut self, value: &impl Serialize, text: &str) -> Result<(), Failure> {
        let written = match self.format {
            Format::Text => writeln!(self.out, "{}", text.trim_end()),
            Format::Json => serde_json::to_writer_pretty(&mut self.out, value)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(self.out)),
        };
        match written.and_then(|()| self.out.flush()) {
            // Whoever reads has seen enough, for example `head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Failure::io("write the answer")),
        }
    }

    /// Says why the command failed.
    pub(super) fn failure(&mut self, failure: &Failure) {
        let chain = failure.chain();
        let text = match self.format {
            Format::Text => {
                let causes: String =
                    chain[1..].iter().map(|cause| format!("\n  because: {cause}")).collect();
                format!("error: {}{causes}", chain[0])
            }
            Format::Json => {
                let code = failure.exit().as_str();
                json!({ "error": { "code": code, "detail": chain[0], "causes": chain[1..] } })
                    .to_string()
            }
        };
        // Nobody is left to be told when even this cannot be written.
        drop(writeln!(self.err, "{text}"));
    }
}

/// Lines of cells as columns, for people.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(line(head)).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_may_leave_early() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in [Format::Text, Format::Json] {
            let mut output = Output { format, out: Box::new(Gone), err: Box::new(io::sink()) };
            assert!(output.answer(&json!({}), "text").is_ok());
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["acme".to_owned(), "x".to_owned()], ["initech".to_owned(), "y".to_owned()]];
        assert_eq!(table(["SLUG", "N"], &rows), "SLUG     N\nacme     x\ninitech  y");
    }
}
