/*-------------------------------------------------------------------------
 *
 * train_options.c
 *	  The options of training, given as a jsonb object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "predict/train.h"

/* What an option holds. */
typedef enum OptionKind
{
	OPTION_BOOLEAN,
	OPTION_INTEGER,
	OPTION_NUMBER,
	OPTION_TEXT,
	OPTION_NAMES,				/* array of texts */
	OPTION_SIGNS				/* object of names with 1 or -1 */
} OptionKind;

/* For which algorithm it is. */
typedef enum OptionUse
{
	USE_ANY,
	USE_LINEAR,
	USE_BOOSTING
} OptionUse;

/* An option. */
typedef struct Option
{
	const char *name;
	OptionKind	kind;
	OptionUse	use;
	Size		offset;			/* in TrainOptions; not used if somebody else reads it */
	double		least;			/* of a number */
	double		most;
} Option;

/* Values that are read elsewhere, or checked as words. */
typedef struct OptionWords
{
	TrainOptions options;		/* first */
	char	   *outcome;
	char	   *collinear;
	bool		champion;		/* read by train() itself */
} OptionWords;

#define AT(field) offsetof(OptionWords, field)

static const Option known_options[] = {
	{"allow_leak", OPTION_NAMES, USE_ANY, AT(options.allow_leak), 0, 0},
	{"calibrate", OPTION_BOOLEAN, USE_ANY, AT(options.calibrate), 0, 0},
	{"champion", OPTION_BOOLEAN, USE_ANY, AT(champion), 0, 0},
	{"exclude", OPTION_NAMES, USE_ANY, AT(options.exclude), 0, 0},
	{"holdout_after", OPTION_TEXT, USE_ANY, AT(options.holdout_after), 0, 0},
	{"holdout_where", OPTION_TEXT, USE_ANY, AT(options.holdout_where), 0, 0},
	{"keep", OPTION_NAMES, USE_ANY, AT(options.keep), 0, 0},
	{"level_rows", OPTION_INTEGER, USE_ANY, AT(options.level_rows), 1, 1e9},
	{"max_levels", OPTION_INTEGER, USE_ANY, AT(options.max_levels), 1, MOST_LEVELS},
	{"outcome", OPTION_TEXT, USE_ANY, AT(outcome), 0, 0},
	{"time", OPTION_TEXT, USE_ANY, AT(options.time), 0, 0},
	{"validation", OPTION_NUMBER, USE_ANY, AT(options.validation), 0, 0.9},
	{"collinear", OPTION_TEXT, USE_LINEAR, AT(collinear), 0, 0},
	{"ridge", OPTION_NUMBER, USE_LINEAR, AT(options.linear.ridge), 0, 1e6},
	{"depth", OPTION_INTEGER, USE_BOOSTING, AT(options.forest.depth), 1, FOREST_MOST_DEPTH},
	{"feature_share", OPTION_NUMBER, USE_BOOSTING, AT(options.forest.feature_share), 0.001, 1},
	{"leaf_rows", OPTION_INTEGER, USE_BOOSTING, AT(options.forest.leaf_rows), 1, 1e9},
	{"learning_rate", OPTION_NUMBER, USE_BOOSTING, AT(options.forest.learning_rate), 1e-6, 1},
	{"leaves", OPTION_INTEGER, USE_BOOSTING, AT(options.forest.leaves), 2, FOREST_MOST_LEAVES},
	{"monotone", OPTION_SIGNS, USE_BOOSTING, AT(options.monotone), 0, 0},
	{"patience", OPTION_INTEGER, USE_BOOSTING, AT(options.forest.patience), 0, FOREST_MOST_TREES},
	{"penalty", OPTION_NUMBER, USE_BOOSTING, AT(options.forest.penalty), 0, 1e12},
	{"row_share", OPTION_NUMBER, USE_BOOSTING, AT(options.forest.row_share), 0.001, 1},
	{"trees", OPTION_INTEGER, USE_BOOSTING, AT(options.forest.trees), 1, FOREST_MOST_TREES},
};

/* Whether an option is for the algorithm that was chosen. */
static bool
option_suits(const Option *option, bool is_boosting)
{
	return option->use == USE_ANY || (option->use == USE_BOOSTING) == is_boosting;
}

/* Refuse an option that there is not. */
static void
option_unknown(const char *name, bool is_boosting)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < (int) lengthof(known_options); i++)
		if (option_suits(&known_options[i], is_boosting))
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", known_options[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("algorithm %s has no option \"%s\"", is_boosting ? "boosting" : "logistic", name),
			 errhint("Options are %s.", names.data)));
}

/* Refuse the value of an option. */
static void
option_refuse(const char *name, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" must be %s", name, wanted)));
}

/* The option with this name. */
static const Option *
option_find(const char *name, bool is_boosting)
{
	for (int i = 0; i < (int) lengthof(known_options); i++)
		if (strcmp(known_options[i].name, name) == 0 && option_suits(&known_options[i], is_boosting))
			return &known_options[i];
	option_unknown(name, is_boosting);
	return NULL;
}

/* A number of an option. */
static double
option_number(const Option *option, const JsonbValue *given)
{
	double		number = NAN;

	if (given->type == jbvNumeric)
		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(given->val.numeric)));
	if (!(number >= option->least && number <= option->most) || (option->kind == OPTION_INTEGER && number != floor(number)))
		option_refuse(option->name, psprintf("%s from %g to %g", option->kind == OPTION_INTEGER ? "a whole number" : "a number", option->least, option->most));
	return number;
}

/* A text of JSON. */
static char *
option_text(const JsonbValue *given)
{
	return pnstrdup(given->val.string.val, given->val.string.len);
}

/* The texts of an array. */
static List *
option_names(const Option *option, const JsonbValue *given)
{
	List	   *names = NIL;
	JsonbContainer *array = given->type == jbvBinary ? given->val.binary.data : NULL;

	if (array == NULL || !JsonContainerIsArray(array))
		option_refuse(option->name, "an array of names of columns");
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(array, i);

		if (name->type != jbvString)
			option_refuse(option->name, "an array of names of columns");
		names = lappend(names, option_text(name));
	}
	return names;
}

/* 1 or -1, or 0 if it is neither. */
static int
option_sign(const JsonbValue *given)
{
	double		number = given->type == jbvNumeric ? DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(given->val.numeric))) : 0;

	return number == 1 ? 1 : number == -1 ? -1 : 0;
}

/* The members of an object of names with signs. */
static List *
option_signs(const Option *option, const JsonbValue *given)
{
	const char *wanted = "an object that gives features 1 or -1";
	List	   *rules = NIL;
	JsonbIterator *members;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (given->type != jbvBinary || !JsonContainerIsObject(given->val.binary.data))
		option_refuse(option->name, wanted);
	members = JsonbIteratorInit(given->val.binary.data);
	while ((token = JsonbIteratorNext(&members, &value, true)) != WJB_DONE)
	{
		MonotoneRule *rule;

		if (token != WJB_KEY)
			continue;
		rule = palloc(sizeof(MonotoneRule));
		rule->feature = option_text(&value);
		(void) JsonbIteratorNext(&members, &value, true);
		rule->sign = option_sign(&value);
		if (rule->sign == 0)
			option_refuse(option->name, wanted);
		rules = lappend(rules, rule);
	}
	return rules;
}

/* Take the value of one option. */
static void
option_take(const Option *option, const JsonbValue *given, void *words)
{
	void	   *place = (char *) words + option->offset;

	switch (option->kind)
	{
		case OPTION_BOOLEAN:
			if (given->type != jbvBool)
				option_refuse(option->name, "true or false");
			*(bool *) place = given->val.boolean;
			break;
		case OPTION_INTEGER:
			*(int *) place = (int) option_number(option, given);
			break;
		case OPTION_NUMBER:
			*(double *) place = option_number(option, given);
			break;
		case OPTION_TEXT:
			if (given->type != jbvString)
				option_refuse(option->name, "a text");
			*(char **) place = option_text(given);
			break;
		case OPTION_NAMES:
			*(List **) place = option_names(option, given);
			break;
		case OPTION_SIGNS:
			*(List **) place = option_signs(option, given);
			break;
	}
}

/* Take all options that are given. */
static void
options_take(OptionWords *words, Jsonb *given)
{
	JsonbIterator *members;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object"),
				 errhint("Write them like '{\"calibrate\": false}'.")));
	members = JsonbIteratorInit(&given->root);
	while ((token = JsonbIteratorNext(&members, &value, true)) != WJB_DONE)
	{
		const Option *option;

		if (token != WJB_KEY)
			continue;
		option = option_find(option_text(&value), words->options.is_boosting);
		(void) JsonbIteratorNext(&members, &value, true);
		option_take(option, &value, words);
	}
}

/* Which of two words an option is, or neither if it is not given. */
static int
option_word(const char *name, const char *given, const char *first, const char *second)
{
	if (given == NULL)
		return 0;
	if (strcmp(given, first) != 0 && strcmp(given, second) != 0)
		option_refuse(name, psprintf("\"%s\" or \"%s\"", first, second));
	return strcmp(given, first) == 0 ? 1 : 2;
}

/* Refuse options that contradict each other. */
static void
options_check(const TrainOptions *options)
{
	if (options->holdout_after != NULL && options->holdout_where != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options \"holdout_after\" and \"holdout_where\" exclude each other"),
				 errhint("Say all of it in holdout_where.")));
	if ((options->holdout_after == NULL) != (options->time == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options \"holdout_after\" and \"time\" go together"),
				 errhint("Give both: {\"time\": \"snapshot_at\", \"holdout_after\": \"2026-03-01\"} holds out the rows whose snapshot_at is later.")));
	if (options->validation == 0 && options->calibrate)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("without validation rows there is nothing to calibrate on"),
				 errhint("Add {\"calibrate\": false}.")));
}

/* Whether it is time to tell how far training is; if so, it is noted that this was told. */
bool
progress_is_due(TimestampTz *told)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(*told, now, PROGRESS_SECONDS * 1000))
		return false;
	*told = now;
	return true;
}

/* Whether a name is one of these. */
bool
is_named(const List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* Read the options of the algorithm that is chosen already; what is not given gets its default. */
void
train_options_read(TrainOptions *options, Jsonb *given)
{
	OptionWords words = {.options = *options};

	words.options.max_levels = 32;
	words.options.level_rows = 10;
	words.options.validation = 0.2;
	words.options.calibrate = true;
	words.options.forest = forest_default_options(true);
	options_take(&words, given);
	words.options.outcome = (TrainOutcome) option_word("outcome", words.outcome, "probability", "number");
	words.options.linear.rejects_collinear = option_word("collinear", words.collinear, "drop", "error") == 2;
	options_check(&words.options);
	*options = words.options;
}
