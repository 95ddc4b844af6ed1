/*-------------------------------------------------------------------------
 *
 * database.h
 *	  The database that messages come from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_DATABASE_H
#define CX_COURIER_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "courier/delivery.h"

/* The database that messages come from. */
typedef struct Database
{
	const char *name;			/* connection string; NULL for the environment variables of libpq */
	bool		listens;		/* whether it is to wake the program by notifications */
	char		worker[200];	/* name under which messages are claimed, also after a reconnection */
	PGconn	   *connection;		/* NULL if there is none */
	double		retry_at;		/* when to try again after something went wrong, by the clock of clock_seconds() */
	double		pause;			/* seconds to wait the next time something goes wrong */
} Database;

extern void database_prepare(Database *database, const char *name, bool listens);
extern bool database_connect(Database *database);
extern void database_disconnect(Database *database);
extern bool database_notified(Database *database);
extern bool database_claim(Database *database, long most, long lease, Delivery **claimed);
extern bool database_report(Database *database, Delivery *delivery);
extern void database_release(Database *database, const Delivery *delivery);

#endif
