/*-------------------------------------------------------------------------
 *
 * log.h
 *	  What the program tells on standard error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_LOG_H
#define CX_COURIER_LOG_H

/* How much is told. */
typedef enum LogLevel
{
	LOG_PROBLEMS,				/* what went wrong */
	LOG_EVENTS,					/* and what was delivered */
	LOG_DETAILS					/* and what led there */
} LogLevel;

extern void log_set_level(LogLevel level);
extern void log_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
