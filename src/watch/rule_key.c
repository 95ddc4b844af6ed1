/*-------------------------------------------------------------------------
 *
 * rule_key.c
 *	  A table from values of a column to the rules that ask for them.
 *
 * Where rules by the hundred differ in the touchpoint or the unit that they are
 * about, asking each of them costs more than writing the row.  A condition that
 * holds a comparison of a column with a constant, or with a list of them, for
 * equality, alone or together with others, can only hold for rows with this
 * value: the value is hashed once, and only the rules that it leads to are asked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "watch/rule_key.h"

/* Rules from which on a column is worth hashing. */
#define RULE_KEY_LEAST 4

/* What a rule asks of a column. */
typedef struct RuleKeyTest
{
	int			rule;
	Oid			function;		/* hashes the constants */
	List	   *constants;		/* of Const, none of them NULL */
} RuleKeyTest;

/* The column that an expression is, or NULL; another name for the type does not matter. */
static Var *
column_of(Node *node)
{
	if (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (!IsA(node, Var) || ((Var *) node)->varattno <= 0)
		return NULL;
	return (Var *) node;
}

/* The constants that an expression is: one, or the elements of an array; NIL if it is something else, or holds NULL. */
static List *
constants_of(Node *node, bool is_array)
{
	Const	   *constant = (Const *) node;
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int16		length;
	bool		by_value;
	char		alignment;
	List	   *constants = NIL;

	if (!IsA(node, Const) || constant->constisnull)
		return NIL;
	if (!is_array)
		return list_make1(constant);
	array = DatumGetArrayTypeP(constant->constvalue);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &alignment);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, alignment, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			constants = lappend(constants, makeConst(ARR_ELEMTYPE(array), -1, constant->constcollid, length, values[i], false, by_value));
	return constants;
}

/* The key of a column among those that are known, or a new one. */
static RuleKey *
key_of(List **keys, AttrNumber column, Oid row_function, Oid collation)
{
	RuleKey    *key;
	ListCell   *cell;

	foreach(cell, *keys)
	{
		key = (RuleKey *) lfirst(cell);
		if (key->column == column && key->row_function == row_function && key->collation == collation)
			return key;
	}
	key = palloc0(sizeof(RuleKey));
	key->column = column;
	key->row_function = row_function;
	key->collation = collation;
	*keys = lappend(*keys, key);
	return key;
}

/* Add what a comparison asks of a column; whether it is one that helps. */
static bool
add_comparison(List **keys, Oid operator, Oid collation, List *arguments, bool is_array, int rule)
{
	bool		is_swapped = !is_array && column_of(lsecond(arguments)) != NULL;
	Var		   *column = column_of(is_swapped ? lsecond(arguments) : linitial(arguments));
	List	   *constants = constants_of(is_swapped ? linitial(arguments) : lsecond(arguments), is_array);
	Oid			left;
	Oid			right;
	RuleKeyTest *test;
	RuleKey    *key;

	/* hash functions of some types know nothing of collations that take different texts for equal */
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;
	if (column == NULL || constants == NIL || !get_op_hash_functions(operator, &left, &right) ||
		left >= FirstNormalObjectId || right >= FirstNormalObjectId)
		return false;
	test = palloc(sizeof(RuleKeyTest));
	test->rule = rule;
	test->function = is_swapped ? left : right;
	test->constants = constants;
	key = key_of(keys, column->varattno, is_swapped ? right : left, collation);
	key->tests = lappend(key->tests, test);
	return true;
}

/* Add a comparison that must hold for a condition to hold; whether there is one that helps. */
static bool
add_condition(List **keys, Node *condition, int rule)
{
	ListCell   *cell;

	if (IsA(condition, OpExpr) && list_length(((OpExpr *) condition)->args) == 2)
		return add_comparison(keys, ((OpExpr *) condition)->opno, ((OpExpr *) condition)->inputcollid, ((OpExpr *) condition)->args, false, rule);
	if (IsA(condition, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) condition)->useOr)
		return add_comparison(keys, ((ScalarArrayOpExpr *) condition)->opno, ((ScalarArrayOpExpr *) condition)->inputcollid, ((ScalarArrayOpExpr *) condition)->args, true, rule);
	if (!IsA(condition, BoolExpr) || ((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach(cell, ((BoolExpr *) condition)->args)
		if (add_condition(keys, (Node *) lfirst(cell), rule))
			return true;
	return false;
}

/* The keys, with what the condition of a rule asks added. */
List *
rule_key_add(List *keys, Expr *condition, int rule)
{
	(void) add_condition(&keys, (Node *) condition, rule);
	return keys;
}

/* Put a rule into the table of a key, once for each hash value. */
static void
key_insert(RuleKey *key, uint32 hash, int rule)
{
	uint32		place = hash & key->mask;

	for (; key->entries[place].rule >= 0; place = (place + 1) & key->mask)
		if (key->entries[place].hash == hash && key->entries[place].rule == rule)
			return;
	key->entries[place].hash = hash;
	key->entries[place].rule = rule;
}

/* Put all that a rule asks for into the table of a key. */
static void
key_insert_test(RuleKey *key, const RuleKeyTest *test)
{
	ListCell   *cell;

	foreach(cell, test->constants)
		key_insert(key, DatumGetUInt32(OidFunctionCall1Coll(test->function, key->collation, ((Const *) lfirst(cell))->constvalue)), test->rule);
}

/* Make the tables of keys that enough rules ask for; notes which rules are found by them. */
void
rule_keys_finish(List *keys, bool *is_keyed)
{
	ListCell   *cell;

	foreach(cell, keys)
	{
		RuleKey    *key = (RuleKey *) lfirst(cell);
		uint32		count = 0;
		ListCell   *test;

		if (list_length(key->tests) < RULE_KEY_LEAST)
			continue;
		foreach(test, key->tests)
			count += list_length(((RuleKeyTest *) lfirst(test))->constants);
		key->mask = pg_nextpower2_32(2 * count) - 1;
		key->entries = palloc(mul_size(sizeof(RuleKeyEntry), (Size) key->mask + 1));
		for (uint32 i = 0; i <= key->mask; i++)
			key->entries[i].rule = -1;
		foreach(test, key->tests)
		{
			key_insert_test(key, (RuleKeyTest *) lfirst(test));
			is_keyed[((RuleKeyTest *) lfirst(test))->rule] = true;
		}
		fmgr_info(key->row_function, &key->row_hash);
	}
}

/* Append the rules that a row may match by this key to those that are there already; gives how many there are then. */
int
rule_key_candidates(RuleKey *key, TupleTableSlot *row, int *rules, int count)
{
	bool		isnull;
	Datum		value = slot_getattr(row, key->column, &isnull);
	uint32		hash;

	if (isnull)
		return count;
	hash = DatumGetUInt32(FunctionCall1Coll(&key->row_hash, key->collation, value));
	for (uint32 place = hash & key->mask; key->entries[place].rule >= 0; place = (place + 1) & key->mask)
		if (key->entries[place].hash == hash)
			rules[count++] = key->entries[place].rule;
	return count;
}
