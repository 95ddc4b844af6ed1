/*-------------------------------------------------------------------------
 *
 * cx.c
 *	  Module magic and settings of the cx extension.
 *
 * Everything a user can call lives in a room of its own under src/; this
 * file holds only what the server asks of the library as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "compat.h"
#include "program/program.h"

CX_MODULE_MAGIC;

void		_PG_init(void);

/* Called once per session: settings, and misspelt ones named cx.* are refused from here on. */
void
_PG_init(void)
{
	program_define_settings();
	MarkGUCPrefixReserved("cx");
}
