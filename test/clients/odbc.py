# Reads the views of schema cx_data as a BI tool does that speaks ODBC; 020_bi_clients.pl runs it.
#
# Connects as the PG... variables of the environment say, in the time zone TZ, with the driver and its
# settings in CX_ODBC.  Arguments: a day, a touchpoint and a time in seconds, to read rows from there
# on.  Prints the lines that Jdbc.java does, but for times, which have no zone in ODBC and stand as
# they come, and types of results, which are Python's.
import datetime
import os
import sys

import pyodbc

TYPES = {
    -10: "WLONGVARCHAR", -9: "WVARCHAR", -7: "BIT", -5: "BIGINT", -1: "LONGVARCHAR", 4: "INTEGER",
    6: "FLOAT", 8: "DOUBLE", 12: "VARCHAR", 91: "DATE", 93: "TIMESTAMP",
}


def tell(*fields):
    """Print a line."""
    escapes = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
    print(*[r"\N" if field is None else field.translate(escapes) for field in fields], sep="\t")


def connect(settings):
    """A connection, with further settings of the driver."""
    env = os.environ
    return pyodbc.connect(
        f"{env['CX_ODBC']};SERVER={env['PGHOST']};PORT={env['PGPORT']};DATABASE={env['PGDATABASE']};"
        f"UID={env['PGUSER']};PWD={env['PGPASSWORD']};{settings}", autocommit=True)


def describe_schema(db):
    """Tell what the driver says about the schema; gives its views with their numbers of columns."""
    views = [(row.table_name, row.table_type, row.remarks) for row in db.cursor().tables(schema="cx_data", tableType="VIEW")]
    for view, kind, remarks in views:
        tell("table", view, kind, remarks)
    columns = dict.fromkeys((view for view, kind, remarks in views), 0)
    for view in columns:
        for row in db.cursor().columns(schema="cx_data", table=view.replace("_", r"\_")):
            tell("column", view, row.column_name, TYPES.get(row.data_type, str(row.data_type)), row.remarks)
            columns[view] += 1
    return columns


def value(field):
    """The value of a column."""
    if isinstance(field, bool):
        return "t" if field else "f"
    if isinstance(field, datetime.datetime):
        whole, point, fraction = str(field).partition(".")
        return (whole + point + fraction.rstrip("0")).rstrip(".")
    return None if field is None else str(field)


def read(db, probe, view, query, *parameters):
    """Tell the rows of a query, or why there are none."""
    try:
        rows = db.cursor().execute(query, *parameters)
        tell("result", probe, view, *[f"{column[0]}:{column[1].__name__}" for column in rows.description])
        for row in rows:
            tell("row", probe, view, *[value(field) for field in row])
    except pyodbc.Error as error:
        tell("error", probe, view, error.args[0])


def in_order(table, columns):
    """All rows of a view, in an order that is always the same."""
    return f"SELECT * FROM cx_data.{table} ORDER BY " + ", ".join(str(i + 1) for i in range(columns))


day, touchpoint, since = sys.argv[1:]
sys.stdout.reconfigure(encoding="utf-8", newline="\n")
db = connect("")
cursor = connect("UseDeclareFetch=1;Fetch=7")
cursor.autocommit = False
views = describe_schema(db)
for view, columns in views.items():
    read(db, "limit 0", view, f"SELECT * FROM cx_data.{view} LIMIT 0")
    read(db, "where 1=0", view, f"SELECT * FROM cx_data.{view} WHERE 1=0")
    read(db, "all", view, in_order(view, columns))
    read(cursor, "cursor", view, in_order(view, columns))
    cursor.rollback()
read(db, "parameters", "touchpoint_daily", in_order("touchpoint_daily WHERE day >= ? AND touchpoint = ?", views["touchpoint_daily"]),
     datetime.date.fromisoformat(day), touchpoint)
read(db, "parameters", "feedback_detail", in_order("feedback_detail WHERE responded_at >= ?", views["feedback_detail"]),
     datetime.datetime.fromtimestamp(int(since)))
