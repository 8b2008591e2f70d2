//! Copies an office's rows from one database to another, empty one: all of them, in one transaction of each.
//!
//! ```text
//! move     SQLite ─► PostgreSQL   nobody writes to the old one meanwhile
//! back up  either ─► a new file   one snapshot, beside the server; the copy says of itself that it is a backup
//! restore  a file ─► either       the mark comes along
//! ```
//! A crash leaves the old as it was, and in the new either nothing but empty tables or all. Looks at no value: what is
//! encrypted stays so, and whether all is sound is for `fsck` to say.

use super::Location;
use super::dialect::{Dialect, Use, assert_durable};
use crate::problem::Problem;
use rogatory_core::Timestamp;
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AnyConnection, AssertSqlSafe, Column as _, Connection as _, Row as _};
use std::fmt::Write as _;
use std::path::Path;
use tokio_stream::StreamExt as _;

/// Rows of one INSERT.
const ROWS_AT_ONCE: usize = 64;

/// A table that was moved, and how many rows it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: i64,
}

/// Moves every row of the SQLite file `from` to the empty database `to`.
///
/// # Errors
/// [`Problem`] if one cannot be opened, `to` is not empty or a server's, or a table has other rows there than here.
pub async fn move_rows(from: &Location, to: &Location) -> Result<Vec<MovedTable>, Problem> {
    if (from.dialect(), to.dialect()) != (Dialect::Sqlite, Dialect::Postgres) {
        let why = "from a SQLite file to a PostgreSQL server only";
        return Err(Problem::internal("the rows cannot be moved", why));
    }
    copy(from, ("rw", "BEGIN IMMEDIATE"), (to, "rw"), None).await
}

/// Writes every row of `from`, as they are at one instant, to the new file `to`, and that this is a backup of `taken`.
/// Changes nothing in `from`, and may run while it is written to.
///
/// # Errors
/// [`Problem`] if one cannot be opened, or a table has other rows there than here.
pub async fn back_up_rows(from: &Location, to: &Path, taken: Timestamp) -> Result<Vec<MovedTable>, Problem> {
    let to = Location::file(to.to_owned());
    copy(from, ("ro", from.dialect().begin_reading()), (&to, "rwc"), Some(taken)).await
}

/// Writes every row of the backup `from` to the empty database `to`; a SQLite file is made.
///
/// # Errors
/// As [`move_rows`].
pub async fn restore_rows(from: &Path, to: &Location) -> Result<Vec<MovedTable>, Problem> {
    let from = Location::file(from.to_owned());
    copy(&from, ("ro", from.dialect().begin_reading()), (to, "rwc"), None).await
}

async fn copy(
    from: &Location,
    (mode, begin): (&'static str, &'static str),
    (to, mode_there): (&Location, &'static str),
    taken: Option<Timestamp>,
) -> Result<Vec<MovedTable>, Problem> {
    let failed = |error| Problem::internal("the rows cannot be copied", error);
    let options = from.options(mode).map_err(failed)?;
    let mut old = AnyConnection::connect_with(&options).await.map_err(failed)?;
    sqlx::raw_sql(begin).execute(&mut old).await.map_err(failed)?;
    let options = to.options(mode_there).map_err(failed)?;
    let pool = to.dialect().pool(Use::Writing, 1).connect_with(options).await.map_err(failed)?;
    let mut new = pool.acquire().await.map_err(failed)?;
    if !to.dialect().may_write(&mut new).await.map_err(failed)? {
        return Err(Problem::internal(
            "the rows cannot be copied",
            "another server writes to the new database",
        ));
    }
    assert_durable(to.dialect(), &mut new).await?;
    drop(new);
    to.dialect()
        .migrations()
        .run(&pool)
        .await
        .map_err(|error| Problem::internal("no tables can be made", error))?;
    let mut new = pool.acquire().await.map_err(failed)?;
    // One of the two is a file, which knows its tables.
    let listing = if to.dialect() == Dialect::Sqlite { &mut *new } else { &mut old };
    let names = names(listing).await.map_err(failed)?;
    let copied = copy_tables(&mut old, &mut new, &names, taken).await;
    // Whatever came of it, the old one stays as it was.
    sqlx::raw_sql("ROLLBACK").execute(&mut old).await.map_err(failed)?;
    old.close().await.map_err(failed)?;
    drop(new);
    pool.close().await;
    copied
}

/// As they were made: what others refer to comes first.
async fn names(connection: &mut AnyConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '%sqlx%' ORDER BY rowid",
    )
    .fetch_all(connection)
    .await
}

async fn copy_tables(
    old: &mut AnyConnection,
    new: &mut AnyConnection,
    names: &[String],
    taken: Option<Timestamp>,
) -> Result<Vec<MovedTable>, Problem> {
    let failed = |error| Problem::internal("the rows cannot be copied", error);
    sqlx::raw_sql("BEGIN").execute(&mut *new).await.map_err(failed)?;
    let mut copied = Vec::new();
    for name in names {
        if rows_of(new, name).await.map_err(failed)? != 0 {
            return Err(Problem::internal("the rows cannot be copied", "the new database is not empty"));
        }
        copy_table(old, new, name).await.map_err(failed)?;
        let (here, there) = (rows_of(old, name).await, rows_of(new, name).await);
        let (rows, there) = (here.map_err(failed)?, there.map_err(failed)?);
        if rows != there {
            let why = format!("{name} has {rows} rows here and {there} there");
            return Err(Problem::internal("the rows cannot be copied", why));
        }
        copied.push(MovedTable { name: name.clone(), rows });
    }
    if let Some(taken) = taken {
        let mark = sqlx::query(
            "-- mark_backup
             INSERT INTO backup_mark (id, taken_time) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET taken_time = $1",
        );
        mark.bind(taken.microseconds()).execute(&mut *new).await.map_err(failed)?;
    }
    sqlx::raw_sql("COMMIT").execute(new).await.map_err(failed)?;
    Ok(copied)
}

async fn rows_of(connection: &mut AnyConnection, table: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"))).fetch_one(connection).await
}

async fn copy_table(
    old: &mut AnyConnection,
    new: &mut AnyConnection,
    table: &str,
) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch(old);
    let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
    while let Some(row) = rows.try_next().await? {
        batch.push(row);
        if batch.len() == ROWS_AT_ONCE {
            insert(new, table, &batch).await?;
            batch.clear();
        }
    }
    if batch.is_empty() { Ok(()) } else { insert(new, table, &batch).await }
}

async fn insert(new: &mut AnyConnection, table: &str, rows: &[AnyRow]) -> Result<(), sqlx::Error> {
    let Some(first) = rows.first() else { return Ok(()) };
    let columns: Vec<&str> = first.columns().iter().map(sqlx::Column::name).collect();
    let mut text = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    for place in 0..rows.len() * columns.len() {
        let before = match place % columns.len() {
            0 if place == 0 => "(",
            0 => "), (",
            _ => ", ",
        };
        // Writing to a string does not fail.
        let _ = write!(text, "{before}${}", place + 1);
    }
    text.push(')');
    let mut query = sqlx::query(AssertSqlSafe(text));
    for row in rows {
        for (at, column) in row.columns().iter().enumerate() {
            // By the type of the column: a value that is absent has none.
            query = match column.type_info().kind() {
                AnyTypeInfoKind::Text => query.bind(row.try_get::<Option<String>, _>(at)?),
                AnyTypeInfoKind::Blob => query.bind(row.try_get::<Option<Vec<u8>>, _>(at)?),
                _ => query.bind(row.try_get::<Option<i64>, _>(at)?),
            };
        }
    }
    query.execute(new).await.map(drop)
}
