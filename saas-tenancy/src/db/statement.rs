//! Which statements a tenant's transaction lets through.

use sqlx::{
    AssertSqlSafe, Execute, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgStatement},
};

use crate::error::TenancyError;

/// The verbs that read rows. What is neither here nor below could leave the transaction (`commit`),
/// the tenant (`set`, `reset`, `do`), or the policies (`copy`, `truncate`).
const READING: [&str; 2] = ["select", "values"];

/// The verbs that may change rows.
const WRITING: [&str; 5] = ["insert", "update", "delete", "with", "merge"];

/// A statement that was looked at: it has arguments, so it goes by the extended protocol, where
/// the server itself refuses more than one statement, and it starts with an allowed verb.
#[derive(Debug)]
pub(super) struct Checked {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    persistent: bool,
    pub(super) effect: Effect,
}

/// What a statement may leave behind until its transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads.
    Reads,
    /// It may change rows, and lock them.
    Writes,
}

impl Checked {
    /// Looks at `query`. `persistent` is whether this connection may keep prepared statements;
    /// `comment` goes in front of the text.
    pub(super) fn new<'q, E>(
        mut query: E,
        persistent: Persistence,
        comment: Option<&str>,
    ) -> Result<Self, sqlx::Error>
    where
        E: Execute<'q, Postgres>,
    {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let persistent = persistent == Persistence::Cached && query.persistent();
        let sql = query.sql();
        if arguments.is_none() {
            return Err(refused(TenancyError::SimpleProtocol));
        }
        let effect = check_verb(sql.as_str())?;
        let sql = match comment {
            // The text was accepted above, and the comment is ours.
            Some(comment) => AssertSqlSafe(format!("{comment}{}", sql.as_str())).into_sql_str(),
            None => sql,
        };
        Ok(Self { sql, arguments, persistent, effect })
    }
}

/// Whether prepared statements stay on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    /// They are kept and used again.
    Cached,
    /// They are forgotten at once: behind a transaction pooler.
    Unnamed,
}

impl<'q> Execute<'q, Postgres> for Checked {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// Refuses a statement that does more than read or change rows, and says which of the two it does.
pub(super) fn check_verb(sql: &str) -> Result<Effect, sqlx::Error> {
    let verb = first_word(sql);
    let is = |one: &&str| one.eq_ignore_ascii_case(verb);
    if READING.iter().any(is) {
        return Ok(Effect::Reads);
    }
    if WRITING.iter().any(is) {
        return Ok(Effect::Writes);
    }
    let verb = if verb.is_empty() { sql } else { verb };
    Err(refused(TenancyError::StatementRefused(verb.chars().take(20).collect())))
}

fn refused(error: TenancyError) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

/// The first word behind white space, comments and opening parentheses; empty if there is none.
fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '(');
        if let Some(line) = rest.strip_prefix("--") {
            // The server ends such a comment at a carriage return, too.
            rest = line.split_once(['\n', '\r']).map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = after_comment(comment);
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return &rest[..end];
        }
    }
}

/// What follows a block comment whose opening was read. PostgreSQL nests them.
fn after_comment(mut rest: &str) -> &str {
    let mut depth = 1_usize;
    while depth > 0 {
        let Some(at) = rest.find(['/', '*']) else { return "" };
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("/*") {
            depth += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = after;
        } else {
            rest = &rest[1..];
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_on_rows_are_let_through() {
        for sql in [
            "select 1",
            "  SELECT 1",
            "-- a comment\n select 1",
            "/* a /* nested */ comment */ with x as (select 1) select * from x",
            "((select 1) union (select 2))",
            "insert into t values (1)",
            "update t set a = 1",
            "delete from t",
            "merge into t using u on true when matched then delete",
            "values (1)",
        ] {
            assert!(check_verb(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn statements_that_leave_the_transaction_or_the_tenant_are_refused() {
        for sql in [
            "commit",
            "COMMIT AND CHAIN",
            "rollback",
            "end",
            "abort",
            "begin",
            "start transaction",
            "savepoint a",
            "release a",
            "set app.tenant_id = ''",
            "set local role saas_admin",
            "reset role",
            "reset all",
            "discard all",
            "do $$ begin end $$",
            "call p()",
            "copy t to stdout",
            "truncate t",
            "create table t ()",
            "prepare a as select 1",
            "execute a",
            "declare c cursor with hold for select 1",
            "listen x",
            "notify x",
            "explain select 1",
            "lock table t",
            "/* select */ commit",
            "-- select\ncommit",
            "--\rcommit /*\nselect */",
            "\u{b}select 1",
            "/* /* */ select 1 */ commit",
            "/*",
            "",
            ";",
            "selects 1",
            "ſelect 1",
        ] {
            assert!(check_verb(sql).is_err(), "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_check_panic(sql in "\\PC*") {
            drop(check_verb(&sql));
        }

        #[test]
        fn comments_in_front_change_nothing(comment in "[^*/\n]{0,20}") {
            let line = format!("--{comment}\nreset all");
            let block = format!("/*{comment}*/reset all");
            proptest::prop_assert!(check_verb(&line).is_err());
            proptest::prop_assert!(check_verb(&block).is_err());
        }
    }
}
