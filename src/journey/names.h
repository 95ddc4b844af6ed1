/*-------------------------------------------------------------------------
 *
 * names.h
 *	  Numbers for the different names of a group.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_NAMES_H
#define CX_NAMES_H

#include "utils/palloc.h"

#define NO_NAME UINT32_MAX		/* number of no name */

/* One name: any bytes. */
typedef struct NameBytes
{
	const char *bytes;			/* not terminated */
	uint32		length;			/* how many */
} NameBytes;

/* The names, numbered from 0 in the order in which they came. */
typedef struct Names
{
	uint32		count;			/* names */
	uint32		room;			/* names that fit */
	Size		size;			/* bytes that all this takes */
	NameBytes  *names;			/* by number */
	struct name_hash *numbers;	/* number by name */
} Names;

extern Names *names_new(MemoryContext context);
extern void names_free(Names *names);
extern uint32 names_number(Names *names, NameBytes name);
extern uint32 names_find(const Names *names, NameBytes name);
extern uint32 *names_order(const Names *names);
extern int names_compare(NameBytes a, NameBytes b);

#endif							/* CX_NAMES_H */
