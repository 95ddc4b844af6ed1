/*-------------------------------------------------------------------------
 *
 * database.c
 *	  The database that messages come from: claims them and reports on them.
 *
 * Every statement is a transaction of its own, so no lock is held and no
 * snapshot kept while a message is on its way.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "courier/database.h"
#include "courier/log.h"

/* Longest pause between attempts, in seconds; the first one is 1. */
#define PAUSE_MOST 30

/* Columns of a claim. */
enum
{
	CLAIMED_IDS,
	CLAIMED_CHANNEL,
	CLAIMED_URL,
	CLAIMED_HEADERS,
	CLAIMED_BODY
};

/* Bytes that are being read. */
typedef struct Reader
{
	const char *at;				/* what comes next */
	size_t		left;			/* how many bytes are left */
} Reader;

/* Get ready to connect to a database. */
void
database_prepare(Database *database, const char *name, bool listens)
{
	char		host[100] = "";

	gethostname(host, sizeof(host) - 1);
	memset(database, 0, sizeof(*database));
	database->name = name;
	database->listens = listens;
	database->pause = 1;
	snprintf(database->worker, sizeof(database->worker), "cx-courier on %s, process %ld", host, (long) getpid());
}

/* Close the connection. */
void
database_disconnect(Database *database)
{
	PQfinish(database->connection);
	database->connection = NULL;
}

/* Do not try again at once, and later each time. */
static void
pause_attempts(Database *database)
{
	database->retry_at = clock_seconds() + database->pause;
	database->pause = database->pause * 2 > PAUSE_MOST ? PAUSE_MOST : database->pause * 2;
}

/* Tell what a statement complains about, in one line and without the values that details may quote. */
static void
tell_error(const char *what, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	log_problem("cannot %s: %s%s%s", what, message != NULL ? message : "the database does not answer", hint != NULL ? ". " : "", hint != NULL ? hint : "");
}

/* Close a connection that is lost; gives whether it was. */
static bool
drop_lost(Database *database)
{
	if (PQstatus(database->connection) == CONNECTION_OK)
		return false;
	log_problem("the connection to the database is lost");
	database_disconnect(database);
	pause_attempts(database);
	return true;
}

/* Notices of the server are of no interest. */
static void
ignore_notice(void *argument, const char *message)
{
}

/* Ask for notifications. */
static bool
listen_for_messages(Database *database)
{
	PGresult   *result = PQexec(database->connection, "LISTEN cx_outbox");
	bool		listens = PQresultStatus(result) == PGRES_COMMAND_OK;

	if (!listens)
		tell_error("listen", result);
	PQclear(result);
	return listens;
}

/* Tell why there is no connection: the first line, for the others repeat it for other addresses. */
static void
tell_no_connection(const PGconn *connection)
{
	const char *message = connection != NULL ? PQerrorMessage(connection) : "out of memory";

	log_problem("cannot connect to the database: %.*s", (int) strcspn(message, "\n"), message);
}

/* Connect; gives whether there is a connection. */
bool
database_connect(Database *database)
{
	/* what is above the connection string it may change, what is below it not */
	const char *const keywords[] = {"connect_timeout", "keepalives_idle", "tcp_user_timeout", "dbname", "application_name", "client_encoding", NULL};
	const char *const values[] = {"10", "30", "30000", database->name, "cx-courier", "UTF8", NULL};

	database->connection = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(database->connection) == CONNECTION_OK)
	{
		PQsetNoticeProcessor(database->connection, ignore_notice, NULL);
		if (!database->listens || listen_for_messages(database))
		{
			log_event("connected to database %s", PQdb(database->connection));
			return true;
		}
	}
	else
		tell_no_connection(database->connection);
	database_disconnect(database);
	pause_attempts(database);
	return false;
}

/* Look what the server says unasked: gives whether it notifies of messages; a lost connection is closed. */
bool
database_notified(Database *database)
{
	bool		is_notified = false;
	PGnotify   *notification;

	if (PQconsumeInput(database->connection) == 0 && drop_lost(database))
		return false;
	while ((notification = PQnotifies(database->connection)) != NULL)
	{
		PQfreemem(notification);
		is_notified = true;
	}
	return is_notified;
}

/* Read an integer as the binary format of PostgreSQL has it; gives whether there was one. */
static bool
read_integer(Reader *reader, int32_t *value)
{
	uint32_t	bytes;

	if (reader->left < sizeof(bytes))
		return false;
	memcpy(&bytes, reader->at, sizeof(bytes));
	reader->at += sizeof(bytes);
	reader->left -= sizeof(bytes);
	*value = (int32_t) ntohl(bytes);
	return true;
}

/* Read the headers out of an array of texts in binary format: dimensions, whether there are NULLs, type, size, lowest index, elements. */
static bool
read_headers(Delivery *delivery, Reader reader)
{
	int32_t		dimensions, unused, count, length;

	if (!read_integer(&reader, &dimensions) || !read_integer(&reader, &unused) || !read_integer(&reader, &unused))
		return false;
	if (dimensions == 0)
		return true;
	if (dimensions != 1 || !read_integer(&reader, &count) || !read_integer(&reader, &unused))
		return false;
	for (int32_t i = 0; i < count; i++)
	{
		Text		line = {0};

		if (!read_integer(&reader, &length) || (length > 0 && (size_t) length > reader.left))
			return false;
		if (length < 0)
			continue;
		text_append(&line, reader.at, length);
		delivery_add_header(delivery, line.bytes);
		text_free(&line);
		reader.at += length;
		reader.left -= length;
	}
	return true;
}

/* A copy of a value of a row, of an empty text for NULL. */
static char *
copy_value(const PGresult *rows, int row, int column)
{
	/* libpq gives an empty text for NULL, and ends each value with a zero */
	return copy_text(PQgetvalue(rows, row, column));
}

/* The delivery that a row asks for. */
static Delivery *
read_row(const PGresult *rows, int row, double lease_ends)
{
	Delivery   *delivery = delivery_create();
	Reader		headers = {PQgetvalue(rows, row, CLAIMED_HEADERS), PQgetlength(rows, row, CLAIMED_HEADERS)};

	delivery->ids = copy_value(rows, row, CLAIMED_IDS);
	delivery->channel = copy_value(rows, row, CLAIMED_CHANNEL);
	delivery->url = copy_value(rows, row, CLAIMED_URL);
	delivery->body = copy_value(rows, row, CLAIMED_BODY);
	delivery->lease_ends = lease_ends;
	if (!PQgetisnull(rows, row, CLAIMED_HEADERS) && !read_headers(delivery, headers))
		delivery->refusal = "headers are not understood";
	return delivery;
}

/* Make deliveries of rows, in their order; one that names no messages could not be reported on. */
static Delivery *
read_rows(const PGresult *rows, double lease_ends)
{
	Delivery   *deliveries = NULL;

	for (int row = PQntuples(rows) - 1; row >= 0; row--)
	{
		Delivery   *delivery = read_row(rows, row, lease_ends);

		if (strpbrk(delivery->ids, "0123456789") == NULL)
		{
			log_problem("a claimed row names no messages");
			delivery_free(delivery);
			continue;
		}
		delivery->next = deliveries;
		deliveries = delivery;
	}
	return deliveries;
}

/* Claim messages for so many seconds, of which deliveries are made; gives whether the database could be asked. */
bool
database_claim(Database *database, long most, long lease, Delivery **claimed)
{
	char		most_text[20], lease_text[40];
	const char *const values[] = {most_text, lease_text, database->worker};
	double		lease_ends = clock_seconds() + (double) lease;
	PGresult   *rows;
	bool		is_done;

	snprintf(most_text, sizeof(most_text), "%ld", most);
	snprintf(lease_text, sizeof(lease_text), "%ld seconds", lease);
	*claimed = NULL;
	rows = PQexecParams(database->connection,
						"SELECT c.ids::pg_catalog.text, c.channel, c.url, c.headers, c.body"
						" FROM cx.outbox_claim($1::pg_catalog.int4, $2::pg_catalog.interval, $3::pg_catalog.text) AS c",
						3, NULL, values, NULL, NULL, 1);
	is_done = PQresultStatus(rows) == PGRES_TUPLES_OK;
	if (is_done)
	{
		database->pause = 1;
		*claimed = read_rows(rows, lease_ends);
	}
	else if (!drop_lost(database))
	{
		tell_error("claim messages", rows);
		pause_attempts(database);
	}
	PQclear(rows);
	return is_done;
}

/* Ask the database to note what became of a delivery. */
static PGresult *
send_report(Database *database, const Delivery *delivery, const char *answer, const char *error)
{
	char		status[20], retry_after[40];
	const char *const values[] = {delivery->ids, database->worker, delivery->status > 0 ? status : NULL, answer, error,
		delivery->retry_after > 0 ? retry_after : NULL};

	snprintf(status, sizeof(status), "%ld", delivery->status);
	snprintf(retry_after, sizeof(retry_after), "%ld seconds", delivery->retry_after);
	return PQexecParams(database->connection,
						"SELECT cx.outbox_report($1::pg_catalog.int8[], $2::pg_catalog.text, $3::pg_catalog.int4,"
						" $4::pg_catalog.text, $5::pg_catalog.text, $6::pg_catalog.interval)",
						6, NULL, values, NULL, NULL, 0);
}

/* The same with texts that the database can hold: first in UTF-8, and if it does not have all of that, in ASCII. */
static PGresult *
send_report_cleaned(Database *database, const Delivery *delivery)
{
	char	   *answer = copy_text(delivery->answer.bytes != NULL ? delivery->answer.bytes : "");
	char	   *error = delivery_error(delivery) != NULL ? copy_text(delivery_error(delivery)) : NULL;
	PGresult   *result;

	if (error != NULL)
		make_utf8(error, strlen(error));
	result = send_report(database, delivery, answer, error);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQstatus(database->connection) == CONNECTION_OK)
	{
		PQclear(result);
		make_ascii(answer);
		if (error != NULL)
			make_ascii(error);
		result = send_report(database, delivery, answer, error);
	}
	free(answer);
	free(error);
	return result;
}

/* Tell what became of a delivery. */
static void
tell_report(const Delivery *delivery, bool is_delivered)
{
	const char *error = delivery_public_error(delivery);
	char		status[30];

	snprintf(status, sizeof(status), "status %ld", delivery->status);
	if (is_delivered)
		log_event("delivered: messages %s of channel %s to %s, %s, %.3f seconds",
				  delivery->ids, delivery->channel, delivery->place, status, delivery->seconds);
	else
		log_problem("not delivered: messages %s of channel %s to %s, %s, %.3f seconds",
					delivery->ids, delivery->channel, delivery->place, error != NULL ? error : status, delivery->seconds);
}

/* Report what became of a delivery; gives false if the connection was lost, then it is to be reported again. */
bool
database_report(Database *database, Delivery *delivery)
{
	bool		is_done = true;
	PGresult   *result;

	if (delivery->answer.length > 0)
		make_utf8(delivery->answer.bytes, delivery->answer.length);
	result = send_report_cleaned(database, delivery);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		tell_report(delivery, strcmp(PQgetvalue(result, 0, 0), "t") == 0);
	else if (drop_lost(database))
		is_done = false;
	else
		tell_error("report on messages", result);
	PQclear(result);
	return is_done;
}

/* Give the messages of a delivery back that was not begun; if that fails, they are for others when the lease ends. */
void
database_release(Database *database, const Delivery *delivery)
{
	const char *const values[] = {delivery->ids, database->worker};
	PGresult   *result;

	if (database->connection == NULL)
		return;
	result = PQexecParams(database->connection, "SELECT cx.outbox_release($1::pg_catalog.int8[], $2::pg_catalog.text)", 2, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && !drop_lost(database))
		tell_error("give back messages", result);
	PQclear(result);
}
