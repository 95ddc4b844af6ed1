/*-------------------------------------------------------------------------
 *
 * courier.c
 *	  The program: claims messages, has them delivered, reports on them.
 *
 * A round does what can be done without waiting, then waits for whatever
 * comes first: an answer, a notification, a signal or a point in time.  Who
 * claimed messages and does not report on them in time loses them to others,
 * so a crash delivers a message twice rather than never.
 *
 *-------------------------------------------------------------------------
 */
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "courier/database.h"
#include "courier/delivery.h"
#include "courier/log.h"
#include "courier/mail.h"
#include "courier/options.h"
#include "courier/stop.h"

/* For how many seconds messages are claimed, beyond twice the longest time of a request. */
#define LEASE_SECONDS 60

/* How many seconds before that is over the report must be made. */
#define LEASE_MARGIN 5

/* How many seconds longer than requests the program takes to report and end. */
#define STOP_MARGIN 5

/* The program at work. */
typedef struct Courier
{
	Options		options;		/* what it was told */
	MailServer	mail;			/* where e-mail goes */
	Database	database;		/* where messages come from */
	CURLM	   *multi;			/* libcurl's side of the requests being made */
	Delivery   *waiting;		/* claimed, the oldest first */
	Delivery   *running;		/* being made */
	Delivery   *finished;		/* to be reported */
	int			stop_file;		/* can be read from when the program is to end */
	double		claim_at;		/* when to look at the outbox, by the clock of clock_seconds() */
	double		stop_by;		/* when requests must be over, by that clock; 0 if it is not to end */
	bool		is_drained;		/* whether the outbox had nothing when it was last looked at */
	bool		has_failed;		/* whether the database could not be asked */
} Courier;

/* Add deliveries behind a list. */
static void
append(Delivery **list, Delivery *more)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = more;
}

/* Take a delivery out of a list that it is in. */
static void
take_out(Delivery **list, Delivery *delivery)
{
	while (*list != delivery)
		list = &(*list)->next;
	*list = delivery->next;
	delivery->next = NULL;
}

/* Length of a list. */
static long
count(const Delivery *list)
{
	long		length = 0;

	for (; list != NULL; list = list->next)
		length++;
	return length;
}

/* Length of a list, of those of one channel. */
static long
count_of_channel(const Delivery *list, const char *channel)
{
	long		length = 0;

	for (; list != NULL; list = list->next)
		if (strcmp(list->channel, channel) == 0)
			length++;
	return length;
}

/* Whether there is nothing at hand. */
static bool
is_idle(const Courier *courier)
{
	return courier->waiting == NULL && courier->running == NULL && courier->finished == NULL;
}

/* Whether the program wants the database: at its end, for reports only. */
static bool
needs_database(const Courier *courier)
{
	return courier->stop_by == 0 || courier->finished != NULL;
}

/* Whether there is room for more messages, and reason to claim them. */
static bool
may_claim(const Courier *courier)
{
	return courier->stop_by == 0 && count(courier->running) < courier->options.parallel && count(courier->waiting) < courier->options.batch &&
		!(courier->options.once && courier->is_drained);
}

/* Whether the program may end: the work is done, or there is no hope of that. */
static bool
may_end(Courier *courier)
{
	double		now = clock_seconds();

	if (courier->options.once && courier->has_failed && courier->running == NULL)
		return true;
	if (courier->stop_by > 0)
		return is_idle(courier) || now > courier->stop_by + STOP_MARGIN ||
			(now > courier->stop_by && courier->running == NULL && courier->finished == NULL);
	return courier->options.once && courier->is_drained && is_idle(courier);
}

/* Notice that the program is to end. */
static void
look_for_stop(Courier *courier)
{
	if (!stop_is_wanted() || courier->stop_by > 0)
		return;
	courier->stop_by = clock_seconds() + (double) courier->options.timeout;
	log_event("stopping");
}

/* See that there is a connection, if it is time to try. */
static void
keep_connected(Courier *courier)
{
	Database   *database = &courier->database;

	if (database->connection != NULL && database_notified(database))
		courier->claim_at = 0;
	if (database->connection != NULL || !needs_database(courier) || clock_seconds() < database->retry_at)
		return;
	if (database_connect(database))
		courier->claim_at = 0;
	else
		courier->has_failed = true;
}

/* Claim messages, if it is time to. */
static void
claim(Courier *courier)
{
	double		now = clock_seconds();
	Delivery   *claimed;

	if (courier->database.connection == NULL || !may_claim(courier) || now < courier->claim_at || now < courier->database.retry_at)
		return;
	if (!database_claim(&courier->database, courier->options.batch, LEASE_SECONDS + 2 * courier->options.timeout, &claimed))
	{
		courier->has_failed = true;
		return;
	}
	log_detail("claimed %ld requests", count(claimed));
	courier->is_drained = claimed == NULL;
	courier->claim_at = claimed == NULL ? now + (double) courier->options.poll : 0;
	append(&courier->waiting, claimed);
}

/*
 * The oldest delivery that may begin: no channel has more than half of the
 * requests, so that one whose receiver is slow does not keep up the others.
 */
static Delivery *
next_to_start(const Courier *courier)
{
	if (count(courier->running) >= courier->options.parallel)
		return NULL;
	for (Delivery *delivery = courier->waiting; delivery != NULL; delivery = delivery->next)
		if (count_of_channel(courier->running, delivery->channel) < (courier->options.parallel + 1) / 2)
			return delivery;
	return NULL;
}

/* How many seconds a request that begins now may take; below 1 it is not worth a try. */
static double
seconds_to_spend(const Courier *courier)
{
	double		most = (double) courier->options.timeout;
	double		left = courier->stop_by - clock_seconds();

	return courier->stop_by > 0 && left < most ? left : most;
}

/* Begin a delivery, unless somebody else may have claimed it before it is reported. */
static void
start(Courier *courier, Delivery *delivery)
{
	double		seconds = seconds_to_spend(courier);

	take_out(&courier->waiting, delivery);
	if (clock_seconds() + seconds + LEASE_MARGIN > delivery->lease_ends)
	{
		log_event("left for later: messages %s of channel %s", delivery->ids, delivery->channel);
		database_release(&courier->database, delivery);
		delivery_free(delivery);
		return;
	}
	delivery_start(delivery, courier->multi, &courier->options, &courier->mail, seconds);
	append(delivery->handle != NULL ? &courier->running : &courier->finished, delivery);
}

/* Begin all deliveries that may. */
static void
start_waiting(Courier *courier)
{
	Delivery   *delivery;

	while (seconds_to_spend(courier) >= 1 && (delivery = next_to_start(courier)) != NULL)
		start(courier, delivery);
}

/* Note which requests are over. */
static void
collect(Courier *courier)
{
	CURLMsg    *message;
	Delivery   *delivery;
	int			left;

	curl_multi_perform(courier->multi, &left);
	while ((message = curl_multi_info_read(courier->multi, &left)) != NULL)
	{
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &delivery);
		take_out(&courier->running, delivery);
		delivery_finish(delivery, courier->multi, message->data.result);
		append(&courier->finished, delivery);
	}
}

/* Report all that is over. */
static void
report(Courier *courier)
{
	while (courier->finished != NULL && courier->database.connection != NULL)
	{
		Delivery   *delivery = courier->finished;

		if (!database_report(&courier->database, delivery))
			return;
		take_out(&courier->finished, delivery);
		delivery_free(delivery);
	}
}

/* For how many seconds there is nothing to do, if nothing happens. */
static double
seconds_to_wait(const Courier *courier)
{
	double		now = clock_seconds();
	double		until = now + (double) courier->options.poll;

	if (next_to_start(courier) != NULL && seconds_to_spend(courier) >= 1)
		return 0;
	if (courier->database.connection == NULL ? needs_database(courier) : may_claim(courier))
	{
		double		next = courier->database.connection == NULL ? 0 : courier->claim_at;

		next = next > courier->database.retry_at ? next : courier->database.retry_at;
		until = next < until ? next : until;
	}
	if (courier->stop_by > now && courier->stop_by < until)
		until = courier->stop_by;
	return until > now ? until - now : 0;
}

/* Wait until something happens. */
static void
wait_for_something(Courier *courier)
{
	struct curl_waitfd files[2] = {{.fd = courier->stop_file, .events = CURL_WAIT_POLLIN}};
	int			file_count = courier->stop_by > 0 ? 0 : 1;
	double		seconds = seconds_to_wait(courier);

	if (courier->database.connection != NULL)
		files[file_count++] = (struct curl_waitfd) {.fd = PQsocket(courier->database.connection), .events = CURL_WAIT_POLLIN};
	/* a millisecond more, lest it be too early by a part of one */
	if (curl_multi_poll(courier->multi, files, file_count, seconds > 0 ? (int) (1000 * seconds) + 1 : 0, NULL) != CURLM_OK)
		poll(NULL, 0, 100);
}

/* Work until there is a reason to end. */
static void
work(Courier *courier)
{
	for (;;)
	{
		look_for_stop(courier);
		keep_connected(courier);
		claim(courier);
		start_waiting(courier);
		collect(courier);
		report(courier);
		if (may_end(courier))
			return;
		wait_for_something(courier);
	}
}

/* Free a list of deliveries. */
static void
free_list(Delivery **list)
{
	while (*list != NULL)
	{
		Delivery   *first = *list;

		take_out(list, first);
		if (first->handle != NULL)
			curl_easy_cleanup(first->handle);
		delivery_free(first);
	}
}

/* Give back all that the program holds; gives its exit status. */
static int
finish(Courier *courier)
{
	long		lost = count(courier->finished) + count(courier->running);

	if (courier->waiting != NULL)
		log_event("%ld requests were not begun; their messages can be claimed again", count(courier->waiting));
	for (Delivery *delivery = courier->waiting; delivery != NULL; delivery = delivery->next)
		database_release(&courier->database, delivery);
	if (lost > 0)
		log_problem("%ld requests could not be reported; their messages will be delivered again", lost);
	for (Delivery *delivery = courier->running; delivery != NULL; delivery = delivery->next)
		curl_multi_remove_handle(courier->multi, delivery->handle);
	free_list(&courier->waiting);
	free_list(&courier->running);
	free_list(&courier->finished);
	database_disconnect(&courier->database);
	curl_multi_cleanup(courier->multi);
	curl_global_cleanup();
	mail_free(&courier->mail);
	return lost > 0 || (courier->options.once && courier->has_failed) ? 1 : 0;
}

/* The program. */
int
main(int argument_count, char **arguments)
{
	Courier		courier = {0};

	options_read(&courier.options, argument_count, arguments);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (courier.multi = curl_multi_init()) == NULL)
	{
		log_problem("cannot start libcurl");
		return 1;
	}
	mail_read_environment(&courier.mail);
	database_prepare(&courier.database, courier.options.database, courier.options.listen);
	courier.stop_file = stop_prepare();
	work(&courier);
	return finish(&courier);
}
