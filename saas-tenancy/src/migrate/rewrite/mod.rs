//! Lets a file speak about tables of earlier files as if their keys did not begin with the tenant.
//!
//! Two things that an ordinary migration does would fail on a table that is protected already:
//!
//! 1. `references members (id)`: the key is `(tenant_id, id)` by now. Such a reference is pointed
//!    at a stand-in with the bare key, which lives as long as the transaction; the protection
//!    afterwards turns it into the composite key on the real table.
//! 2. `create unique index on members (phone)`: the same number in two tenants would stop it. The
//!    tenant is put in front before the server sees it, which also saves building the index twice.
//!
//! Only these places change; everything else reaches the server as it was written.

mod lex;

use std::collections::HashMap;

use super::target::quoted;
use lex::{Kind, Token, tokens};

/// The tables that stand before a file runs, with the columns of their primary keys.
pub(super) type Tables = HashMap<String, Vec<String>>;

/// What a file becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The statements to run.
    pub(super) sql: String,
    /// The tables that need a stand-in, without repetition.
    pub(super) referenced: Vec<String>,
    /// Whether rows may be checked against the references before they are composite.
    pub(super) rows: Rows,
}

/// Whether the stand-ins need the keys of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// The file makes new tables only.
    Unneeded,
    /// The file may touch tables with rows.
    Needed,
}

/// Rewrites a file. `stand_ins` is the schema of the stand-ins.
pub(super) fn rewrite(sql: &str, tables: &Tables, stand_ins: &str) -> Rewritten {
    let tokens = tokens(sql);
    let mut edits = Edits::default();
    for statement in tokens.split(|token| token.is(';')) {
        edits.index(statement, tables);
        edits.keys(statement, tables);
        edits.references(statement, tables, stand_ins);
    }
    let plain = ["create", "comment"];
    let starts = tokens.split(|token| token.is(';')).filter_map(|s| s.first()?.word());
    let rows = if starts.into_iter().all(|word| plain.contains(&word)) {
        Rows::Unneeded
    } else {
        Rows::Needed
    };
    edits.referenced.sort();
    edits.referenced.dedup();
    Rewritten { sql: edits.apply(sql), referenced: edits.referenced, rows }
}

/// What to put in at which byte.
#[derive(Debug, Default)]
struct Edits {
    inserts: Vec<(usize, String)>,
    referenced: Vec<String>,
}

impl Edits {
    /// `create [unique] index [concurrently] [if not exists] [name] on [only] table [using btree] (`
    fn index(&mut self, statement: &[Token], tables: &Tables) {
        let mut words = Words(statement);
        if !words.skip("create") {
            return;
        }
        words.skip("unique");
        if !words.skip("index") {
            return;
        }
        let Some(on) = words.0.iter().position(|token| token.word() == Some("on")) else { return };
        words.0 = &words.0[on + 1..];
        words.skip("only");
        let Some(table) = words.name() else { return };
        let method = if words.skip("using") { words.name() } else { Some("btree") };
        if tables.contains_key(table) && method == Some("btree") {
            self.lead(words.0);
        }
    }

    /// `alter table [if exists] [only] table … {unique | primary key} [nulls [not] distinct] (`
    fn keys(&mut self, statement: &[Token], tables: &Tables) {
        let mut words = Words(statement);
        if !(words.skip("alter") && words.skip("table")) {
            return;
        }
        for optional in ["if", "exists", "only"] {
            words.skip(optional);
        }
        if !words.name().is_some_and(|table| tables.contains_key(table)) {
            return;
        }
        while let Some((first, rest)) = words.0.split_first() {
            words.0 = rest;
            if first.word() == Some("unique") {
                for optional in ["nulls", "not", "distinct"] {
                    words.skip(optional);
                }
                self.lead(words.0);
            } else if first.word() == Some("primary") && words.skip("key") {
                self.lead(words.0);
            }
        }
    }

    /// Puts the tenant behind the parenthesis that comes next, unless it is there.
    fn lead(&mut self, rest: &[Token]) {
        if let [open, first, ..] = rest
            && open.is('(')
            && first.word() != Some("tenant_id")
        {
            self.inserts.push((open.span.end, "tenant_id, ".to_owned()));
        }
    }

    /// `references table [(columns)]`
    fn references(&mut self, statement: &[Token], tables: &Tables, stand_ins: &str) {
        for (at, token) in statement.iter().enumerate() {
            let rest = &statement[at + 1..];
            let Some(name) = rest.first() else { return };
            let Some(table) = name.word().filter(|_| token.word() == Some("references")) else {
                continue;
            };
            let Some(key) = tables.get(table) else { continue };
            let listed = rest.get(1).is_some_and(|next| next.is('('));
            let led = rest.get(2).is_some_and(|column| column.word() == Some("tenant_id"));
            let qualified = rest.get(1).is_some_and(|next| next.is('.'));
            if qualified || listed && led {
                continue;
            }
            self.inserts.push((name.span.start, format!("{}.", quoted(stand_ins))));
            if !listed {
                let columns: Vec<_> = key.iter().map(|column| quoted(column)).collect();
                self.inserts.push((name.span.end, format!(" ({})", columns.join(", "))));
            }
            self.referenced.push(table.to_owned());
        }
    }

    fn apply(&mut self, sql: &str) -> String {
        let mut made = sql.to_owned();
        self.inserts.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (at, text) in &self.inserts {
            made.insert_str(*at, text);
        }
        made
    }
}

/// Reads a statement from its start.
struct Words<'a>(&'a [Token]);

impl<'a> Words<'a> {
    /// Whether `word` comes next; if so, steps over it.
    fn skip(&mut self, word: &str) -> bool {
        let next = self.0.first().is_some_and(|token| token.word() == Some(word));
        if next {
            self.0 = &self.0[1..];
        }
        next
    }

    /// Steps over a name without a schema.
    fn name(&mut self) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        let Kind::Word(name) = &first.kind else { return None };
        if rest.first().is_some_and(|token| token.is('.')) {
            return None;
        }
        self.0 = rest;
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tables() -> Tables {
        let key = |name: &str| (name.to_owned(), vec!["id".to_owned()]);
        HashMap::from([key("members"), key("Odd \"table")])
    }

    fn made(sql: &str) -> String {
        rewrite(sql, &tables(), "refs").sql
    }

    #[test]
    fn references_to_standing_tables_go_to_the_stand_in() {
        let cases = [
            (
                "create table a (m uuid references members (id))",
                r#"create table a (m uuid references "refs".members (id))"#,
            ),
            (
                "create table a (m uuid REFERENCES Members on delete cascade)",
                r#"create table a (m uuid REFERENCES "refs".Members ("id") on delete cascade)"#,
            ),
            (
                r#"create table a (m uuid references "Odd ""table")"#,
                r#"create table a (m uuid references "refs"."Odd ""table" ("id"))"#,
            ),
        ];
        for (sql, wanted) in cases {
            assert_eq!(made(sql), wanted);
        }
    }

    #[test]
    fn indexes_and_keys_on_standing_tables_begin_with_the_tenant() {
        let cases = [
            (
                "create unique index on members (phone)",
                "create unique index on members (tenant_id, phone)",
            ),
            (
                "create index if not exists x on only members using btree (a, b)",
                "create index if not exists x on only members using btree (tenant_id, a, b)",
            ),
            (
                "alter table members add unique (a), add constraint p primary key (b)",
                "alter table members add unique (tenant_id, a), add constraint p primary key (tenant_id, b)",
            ),
            (
                "alter table if exists only members add unique nulls not distinct (a)",
                "alter table if exists only members add unique nulls not distinct (tenant_id, a)",
            ),
        ];
        for (sql, wanted) in cases {
            assert_eq!(made(sql), wanted);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for sql in [
            "create table a (m uuid references others (id))",
            "create table a (m uuid references elsewhere.members (id))",
            "create table a (foreign key (tenant_id, m) references members (tenant_id, id))",
            "select 'references members (id)'; -- references members (id)",
            "create function f() returns void language sql as $$ create index on members (a) $$",
            "create index on members using gin (a)",
            "create index on members (tenant_id, a)",
            "create index on others (a)",
            "alter table members add column a text unique, add check (a in ('unique', '('))",
            "alter table others add unique (a)",
            "grant references on members to x",
        ] {
            assert_eq!(made(sql), sql);
        }
    }

    #[test]
    fn rows_are_needed_unless_a_file_only_creates() {
        let rows = |sql| rewrite(sql, &tables(), "refs").rows;
        assert_eq!(rows("create table a (); comment on table a is 'x';"), Rows::Unneeded);
        assert_eq!(rows("create table a (); update members set m = 1"), Rows::Needed);
        assert_eq!(rows("do $$ begin end $$"), Rows::Needed);
    }

    proptest! {
        #[test]
        fn no_input_is_lost(sql in r#"(references |members|create index on |alter table |unique |[(),;.'" ]){0,30}"#) {
            let made = made(&sql).replace("\"refs\".", "").replace(" (\"id\")", "").replace("tenant_id, ", "");
            prop_assert_eq!(made, sql);
        }
    }
}
