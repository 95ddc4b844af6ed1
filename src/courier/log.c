/*-------------------------------------------------------------------------
 *
 * log.c
 *	  What the program tells on standard error, one line for each event.
 *
 * Callers pass no body, no value of a header, and of an address nothing but
 * scheme and host: these may hold secrets, or what customers said.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>

#include "courier/log.h"

/* Longest line, in bytes. */
#define LOG_LINE 2000

static LogLevel log_level = LOG_EVENTS;

/* Tell that much from now on. */
void
log_set_level(LogLevel level)
{
	log_level = level;
}

/* Write a line, with a question mark for each control character, so that it stays one. */
static void __attribute__((format(printf, 2, 0)))
log_write(LogLevel level, const char *format, va_list arguments)
{
	char		line[LOG_LINE];

	if (level > log_level)
		return;
	if (vsnprintf(line, sizeof(line), format, arguments) < 0)
		return;
	for (char *at = line; *at != '\0'; at++)
		if ((unsigned char) *at < ' ' || *at == 0x7F)
			*at = '?';
	fprintf(stderr, "cx-courier: %s\n", line);
}

/* Tell what went wrong. */
void
log_problem(const char *format, ...)
{
	va_list		arguments;

	va_start(arguments, format);
	log_write(LOG_PROBLEMS, format, arguments);
	va_end(arguments);
}

/* Tell what was done. */
void
log_event(const char *format, ...)
{
	va_list		arguments;

	va_start(arguments, format);
	log_write(LOG_EVENTS, format, arguments);
	va_end(arguments);
}

/* Tell what led there. */
void
log_detail(const char *format, ...)
{
	va_list		arguments;

	va_start(arguments, format);
	log_write(LOG_DETAILS, format, arguments);
	va_end(arguments);
}
