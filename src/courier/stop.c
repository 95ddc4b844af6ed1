/*-------------------------------------------------------------------------
 *
 * stop.c
 *	  Whether somebody wants the program to end.
 *
 * A signal also writes into a pipe, so that who waits for the pipe among
 * other things is woken, even if the signal comes just before he waits.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "courier/log.h"
#include "courier/stop.h"

static volatile sig_atomic_t stop_signals = 0;
static int	stop_pipe[2];

/* The first signal asks to end, the second one ends. */
static void
take_signal(int number)
{
	int			kept = errno;

	if (stop_signals > 0)
		_exit(1);
	stop_signals = 1;
	if (write(stop_pipe[1], "", 1) < 0)
		_exit(1);
	errno = kept;
}

/* Take signals from now on; gives a file that can be read from when one has come. */
int
stop_prepare(void)
{
	struct sigaction action = {.sa_handler = take_signal};

	if (pipe(stop_pipe) < 0)
	{
		log_problem("cannot make a pipe");
		exit(1);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return stop_pipe[0];
}

/* Whether a signal has come. */
bool
stop_is_wanted(void)
{
	return stop_signals > 0;
}
