//! A Markdown page, taken apart as far as the checks need it.

use super::Finding;

/// A page with its fenced blocks and the lines between them.
#[derive(Debug)]
pub(super) struct Page {
    /// Its path from the workspace's root.
    pub(super) name: String,
    /// The fenced blocks.
    pub(super) fences: Vec<Fence>,
    /// The other lines with their numbers.
    pub(super) prose: Vec<(usize, String)>,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Fence {
    /// What stands behind the opening fence, such as `rust,no_run`.
    pub(super) info: String,
    /// The number of the opening line.
    pub(super) line: usize,
    /// What is inside, with line numbers and without the block's indentation.
    pub(super) lines: Vec<(usize, String)>,
}

impl Page {
    /// Takes a page apart.
    pub(super) fn parse(name: &str, text: &str) -> Self {
        let mut page = Self { name: name.to_owned(), fences: Vec::new(), prose: Vec::new() };
        let mut open: Option<(Fence, &str, usize)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let indent = line.len() - line.trim_start().len();
            let marker = marker(line.trim_start());
            match (&mut open, marker) {
                (None, None) => page.prose.push((number, line.to_owned())),
                (None, Some(marker)) => {
                    let info = line.trim_start()[marker.len()..].trim().to_owned();
                    open = Some((Fence { info, line: number, lines: Vec::new() }, marker, indent));
                }
                (Some((_, opening, _)), Some(marker)) if closes(line, marker, opening) => {
                    page.fences.extend(open.take().map(|(fence, ..)| fence));
                }
                (Some((fence, _, by)), _) => {
                    fence.lines.push((number, line[indent.min(*by)..].to_owned()));
                }
            }
        }
        page.fences.extend(open.map(|(fence, ..)| fence));
        page
    }

    /// Something that is wrong on this page.
    pub(super) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { page: self.name.clone(), line, what: what.into() }
    }

    /// The names by which links reach the headings, as GitHub and mdBook make them.
    pub(super) fn headings(&self) -> impl Iterator<Item = String> {
        let lines = self.prose.iter().filter(|(_, line)| line.starts_with('#'));
        lines.map(|(_, line)| slug(line.trim_start_matches('#').trim()))
    }
}

impl Fence {
    /// The first word of the info: the language.
    pub(super) fn language(&self) -> &str {
        self.info.split([',', ' ', '{']).next().unwrap_or_default()
    }

    /// Whether the info says this word besides the language.
    pub(super) fn says(&self, word: &str) -> bool {
        self.info.split([',', ' ']).skip(1).any(|said| said == word)
    }
}

/// The run of backticks or tildes that opens or closes a block.
fn marker(line: &str) -> Option<&str> {
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let marker = &line[..line.len() - line.trim_start_matches(first).len()];
    (marker.len() >= 3).then_some(marker)
}

fn closes(line: &str, marker: &str, opening: &str) -> bool {
    marker.starts_with(opening) && line.trim() == marker
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_prose_are_kept_apart() {
        let page = Page::parse("x.md", "# A\n\n```sh\nls\n```\nend\n");
        assert_eq!(page.fences.len(), 1);
        assert_eq!(page.fences[0].language(), "sh");
        assert_eq!(page.fences[0].lines, [(4, "ls".to_owned())]);
        assert_eq!(page.prose.last(), Some(&(6, "end".to_owned())));
    }

    #[test]
    fn a_longer_fence_holds_a_shorter_one() {
        let page = Page::parse("x.md", "````md\n```sh\nls\n```\n````\n");
        assert_eq!(page.fences.len(), 1);
        assert_eq!(page.fences[0].lines.len(), 3);
    }

    #[test]
    fn a_block_in_a_list_loses_the_indentation_of_the_list() {
        let page = Page::parse("x.md", "1. Do:\n   ```sh\n   ls \\\n     -l\n   ```\n");
        let lines: Vec<_> = page.fences[0].lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["ls \\", "  -l"]);
    }

    #[test]
    fn a_block_that_is_never_closed_is_not_lost() {
        assert_eq!(Page::parse("x.md", "```sh\nls\n").fences.len(), 1);
    }

    #[test]
    fn headings_are_named_as_links_name_them() {
        let page = Page::parse("x.md", "## `SAAS_PG_BIN`, and more\n```sh\n# no heading\n```\n");
        assert_eq!(page.headings().collect::<Vec<_>>(), ["saas_pg_bin-and-more"]);
    }
}
