/*-------------------------------------------------------------------------
 *
 * options.c
 *	  Reads the command line.
 *
 * Everybody on a machine can read the command lines of all programs, so one
 * that holds a password is refused.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/log.h"
#include "courier/options.h"

/* What getopt_long() gives for each option. */
enum
{
	OPTION_ALLOW_PRIVATE = 1000,
	OPTION_BATCH,
	OPTION_CA_FILE,
	OPTION_HELP,
	OPTION_LISTEN,
	OPTION_ONCE,
	OPTION_PARALLEL,
	OPTION_POLL,
	OPTION_PROXY,
	OPTION_QUIET,
	OPTION_TIMEOUT,
	OPTION_VERBOSE,
	OPTION_VERSION
};

static const struct option known_options[] = {
	{"allow-private", no_argument, NULL, OPTION_ALLOW_PRIVATE},
	{"batch", required_argument, NULL, OPTION_BATCH},
	{"ca-file", required_argument, NULL, OPTION_CA_FILE},
	{"help", no_argument, NULL, OPTION_HELP},
	{"listen", no_argument, NULL, OPTION_LISTEN},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"parallel", required_argument, NULL, OPTION_PARALLEL},
	{"poll", required_argument, NULL, OPTION_POLL},
	{"proxy", required_argument, NULL, OPTION_PROXY},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0}
};

static const char *const help =
	"cx-courier delivers the messages of a cx program to webhooks, chats and e-mail.\n"
	"\n"
	"Usage: cx-courier [OPTION]... [CONNECTION]\n"
	"\n"
	"CONNECTION is a database name, a connection string or a URI, as psql takes it;\n"
	"what it does not say, the environment does (PGHOST, PGDATABASE, ...).  Passwords\n"
	"belong in ~/.pgpass.\n"
	"\n"
	"  --once             deliver what is due now, then end\n"
	"  --listen           be woken by notifications as well (setting cx.notify)\n"
	"  --poll=SECONDS     look again after so long when nothing was due (5)\n"
	"  --batch=MESSAGES   claim so many at once (100)\n"
	"  --parallel=COUNT   make so many requests at the same time, up to half of them on\n"
	"                     one channel (8)\n"
	"  --timeout=SECONDS  give up a request after so long (15)\n"
	"  --ca-file=FILE     trust the certificates in FILE\n"
	"  --proxy=URL        send webhooks through this proxy\n"
	"  --allow-private    allow webhooks to private, loopback and link-local addresses\n"
	"  --quiet            tell only what goes wrong\n"
	"  --verbose          tell more\n"
	"  --version          print the version\n"
	"  --help             print this\n"
	"\n"
	"Environment, for e-mail:\n"
	"  CX_SMTP_URL        mail server, smtp://host:port or smtps://host:port, with user\n"
	"                     and password if it wants them\n"
	"  CX_SMTP_URL_FILE   file that holds this instead\n"
	"  CX_SMTP_FROM       sender\n"
	"  CX_SMTP_TLS        require: never without encryption; try: with it where offered (try)\n";

/* End because the command line is not understood. */
static void
refuse(const char *message, const char *subject, const char *hint)
{
	log_problem("%s%s%s%s", message, subject != NULL ? " \"" : "", subject != NULL ? subject : "", subject != NULL ? "\"" : "");
	log_problem("%s", hint != NULL ? hint : "Try cx-courier --help.");
	exit(EXIT_USAGE);
}

/* End because of an option: of a letter, which there are none of, or of a word. */
static void
refuse_option(char **arguments)
{
	char		letter[] = {'-', (char) optopt, '\0'};

	refuse("unknown option", optopt > 0 && optopt < OPTION_ALLOW_PRIVATE ? letter : arguments[optind - 1], NULL);
}

/* The number that an option is given. */
static long
read_number(const char *option, const char *text, long most)
{
	char	   *end;
	long		number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < 1 || number > most)
	{
		log_problem("value \"%s\" of option --%s is not a number in 1..%ld", text, option, most);
		exit(EXIT_USAGE);
	}
	return number;
}

/* Refuse a connection string that is not one, or that holds a password. */
static void
check_database(const char *database)
{
	PQconninfoOption *parts;

	/* without these, it is the name of a database */
	if (strchr(database, '=') == NULL && strncmp(database, "postgres://", 11) != 0 && strncmp(database, "postgresql://", 13) != 0)
		return;
	parts = PQconninfoParse(database, NULL);
	if (parts == NULL)
		refuse("the connection string is not understood", NULL, "It looks like \"host=db.example.org dbname=shop\" or postgresql://db.example.org/shop.");
	for (PQconninfoOption *part = parts; part->keyword != NULL; part++)
		if (part->val != NULL && (strcmp(part->keyword, "password") == 0 || strcmp(part->keyword, "sslpassword") == 0))
			refuse("the connection string holds a password", NULL, "Put it into ~/.pgpass, since others can read command lines.");
	PQconninfoFree(parts);
}

/* Refuse a proxy that holds a password. */
static void
check_proxy(const char *proxy)
{
	if (strchr(proxy, '@') != NULL)
		refuse("the URL of the proxy holds a user", NULL, "Use one that needs none, since others can read command lines.");
}

/* Refuse a file that cannot be read. */
static void
check_file(const char *name)
{
	FILE	   *file = fopen(name, "r");

	if (file == NULL)
		refuse("cannot read file", name, strerror(errno));
	fclose(file);
}

/* Note one option. */
static void
take_option(Options *options, int option, char **arguments)
{
	switch (option)
	{
		case OPTION_ALLOW_PRIVATE:
			options->allow_private = true;
			break;
		case OPTION_BATCH:
			options->batch = read_number("batch", optarg, 1000);
			break;
		case OPTION_CA_FILE:
			check_file(optarg);
			options->ca_file = optarg;
			break;
		case OPTION_HELP:
			fputs(help, stdout);
			exit(0);
		case OPTION_LISTEN:
			options->listen = true;
			break;
		case OPTION_ONCE:
			options->once = true;
			break;
		case OPTION_PARALLEL:
			options->parallel = read_number("parallel", optarg, 100);
			break;
		case OPTION_POLL:
			options->poll = read_number("poll", optarg, 3600);
			break;
		case OPTION_PROXY:
			check_proxy(optarg);
			options->proxy = optarg;
			break;
		case OPTION_QUIET:
			log_set_level(LOG_PROBLEMS);
			break;
		case OPTION_TIMEOUT:
			options->timeout = read_number("timeout", optarg, 300);
			break;
		case OPTION_VERBOSE:
			log_set_level(LOG_DETAILS);
			break;
		case OPTION_VERSION:
			puts("cx-courier " CX_VERSION);
			exit(0);
		case ':':
			refuse("there is no value for option", arguments[optind - 1], NULL);
			break;
		default:
			refuse_option(arguments);
	}
}

/* Read the command line, or end the program with what is wrong about it. */
void
options_read(Options *options, int count, char **arguments)
{
	int			option;

	*options = (Options) {.batch = 100, .parallel = 8, .timeout = 15, .poll = 5};
	opterr = 0;
	while ((option = getopt_long(count, arguments, ":", known_options, NULL)) != -1)
		take_option(options, option, arguments);
	if (count - optind > 1)
		refuse("there is more than one connection", NULL, NULL);
	if (optind < count)
	{
		check_database(arguments[optind]);
		options->database = arguments[optind];
	}
}
