// Reads the views of schema cx_data as a BI tool does that speaks JDBC; 020_bi_clients.pl runs it.
//
// Connects as the PG... variables of the environment say, in the time zone TZ.  Arguments: a day,
// a touchpoint and a time in seconds, to read rows from there on.  Prints lines of fields between
// tabs, escaped as COPY does; odbc.py prints the same:
//     table   VIEW TYPE REMARKS			what the driver says about the schema
//     column  VIEW COLUMN TYPE REMARKS
//     result  PROBE VIEW COLUMN:TYPE...	what a query says about its result
//     row     PASS VIEW VALUE...			what it gives; times in UTC
//     error   PASS VIEW SQLSTATE
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import java.time.format.*;
import java.time.temporal.ChronoField;
import java.util.*;

public class Jdbc
{
	static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
	static final DateTimeFormatter time = new DateTimeFormatterBuilder().appendPattern("uuuu-MM-dd HH:mm:ss")
		.appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true).toFormatter();

	// Print a line.
	static void tell(String... fields)
	{
		StringJoiner line = new StringJoiner("\t");
		for (String field : fields)
			line.add(field == null ? "\\N" : field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r"));
		out.print(line + "\n");
	}

	// A connection, with these settings of the driver.
	static Connection connect(String settings) throws SQLException
	{
		Map<String, String> env = System.getenv();
		String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE");
		return DriverManager.getConnection(url + settings, env.get("PGUSER"), env.get("PGPASSWORD"));
	}

	// The name of a type in java.sql.Types.
	static String typeName(int type)
	{
		return JDBCType.valueOf(type).getName();
	}

	// Tell what the driver says about the schema; gives its views.
	static List<String> describeSchema(Connection db) throws SQLException
	{
		List<String> views = new ArrayList<>();
		DatabaseMetaData meta = db.getMetaData();
		try (ResultSet rows = meta.getTables(null, "cx_data", "%", new String[] {"VIEW"}))
		{
			while (rows.next())
			{
				views.add(rows.getString("TABLE_NAME"));
				tell("table", rows.getString("TABLE_NAME"), rows.getString("TABLE_TYPE"), rows.getString("REMARKS"));
			}
		}
		for (String view : views)
			try (ResultSet rows = meta.getColumns(null, "cx_data", view.replace("_", "\\_"), "%"))
			{
				while (rows.next())
					tell("column", view, rows.getString("COLUMN_NAME"), typeName(rows.getInt("DATA_TYPE")), rows.getString("REMARKS"));
			}
		return views;
	}

	// Tell the columns of a result; gives how many there are.
	static int describeResult(String probe, String view, ResultSetMetaData meta) throws SQLException
	{
		List<String> fields = new ArrayList<>(List.of("result", probe, view));
		for (int i = 1; i <= meta.getColumnCount(); i++)
			fields.add(meta.getColumnLabel(i) + ":" + typeName(meta.getColumnType(i)));
		tell(fields.toArray(new String[0]));
		return meta.getColumnCount();
	}

	// The value of a column; where a client may ask in several ways, the answers must be the same.
	static String value(ResultSet row, int i) throws SQLException
	{
		Object value = row.getObject(i);
		if (value instanceof Boolean)
			return (Boolean) value ? "t" : "f";
		if (value instanceof java.sql.Date)
		{
			LocalDate day = row.getObject(i, LocalDate.class);
			return value.toString().equals(day.toString()) ? day.toString() : value + " is not " + day;
		}
		if (value instanceof Timestamp)
		{
			Instant instant = row.getObject(i, OffsetDateTime.class).toInstant();
			return ((Timestamp) value).toInstant().equals(instant) ? instant.atOffset(ZoneOffset.UTC).format(time) : value + " is not " + instant;
		}
		return value == null ? null : value.toString();
	}

	// Tell the rows of a query, or why there are none.
	static void read(Connection db, String pass, String view, String query, Object... parameters) throws SQLException
	{
		try (PreparedStatement statement = db.prepareStatement(query))
		{
			for (int i = 0; i < parameters.length; i++)
				statement.setObject(i + 1, parameters[i]);
			ResultSet row = statement.executeQuery();
			int columns = describeResult(pass, view, row.getMetaData());
			while (row.next())
			{
				List<String> fields = new ArrayList<>(List.of("row", pass, view));
				for (int i = 1; i <= columns; i++)
					fields.add(value(row, i));
				tell(fields.toArray(new String[0]));
			}
		}
		catch (SQLException e)
		{
			tell("error", pass, view, e.getSQLState());
		}
		if (!db.getAutoCommit())
			db.rollback();
	}

	// All rows of a view, in an order that is always the same.
	static String inOrder(String from, int columns)
	{
		StringJoiner order = new StringJoiner(", ");
		for (int i = 1; i <= columns; i++)
			order.add(String.valueOf(i));
		return "SELECT * FROM cx_data." + from + " ORDER BY " + order;
	}

	// How many columns a view has, as tools find out that do not run it.
	static int prepare(Connection db, String view) throws SQLException
	{
		try (PreparedStatement statement = db.prepareStatement("SELECT * FROM cx_data." + view))
		{
			return describeResult("prepared", view, statement.getMetaData());
		}
		catch (SQLException e)
		{
			tell("error", "prepared", view, e.getSQLState());
			return 1;
		}
	}

	public static void main(String[] argument) throws SQLException
	{
		Connection db = connect("");
		Connection cursor = connect("?defaultRowFetchSize=7&prepareThreshold=-1");		// -1: values in binary form
		Map<String, Integer> columns = new LinkedHashMap<>();

		for (String view : describeSchema(db))
		{
			columns.put(view, prepare(db, view));
			read(db, "limit 0", view, "SELECT * FROM cx_data." + view + " LIMIT 0");
			read(db, "where 1=0", view, "SELECT * FROM cx_data." + view + " WHERE 1=0");
			read(db, "all", view, inOrder(view, columns.get(view)));
		}
		cursor.setAutoCommit(false);		// else the driver reads all rows at once
		for (String view : columns.keySet())
			read(cursor, "cursor", view, inOrder(view, columns.get(view)));
		read(db, "parameters", "touchpoint_daily", inOrder("touchpoint_daily WHERE day >= ? AND touchpoint = ?", columns.get("touchpoint_daily")),
			LocalDate.parse(argument[0]), argument[1]);
		read(db, "parameters", "feedback_detail", inOrder("feedback_detail WHERE responded_at >= ?", columns.get("feedback_detail")),
			Timestamp.from(Instant.ofEpochSecond(Long.parseLong(argument[2]))));
		out.flush();
	}
}
