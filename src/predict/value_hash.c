/*-------------------------------------------------------------------------
 *
 * value_hash.c
 *	  Hashes of values: the same for values that are equal, and the same in
 *	  another database or after a dump and restore.
 *
 * Mostly that is the hash function of the type.  Enum values are hashed by their
 * labels, for their numbers differ from database to database, and so are those
 * in arrays and rows.  What there is no equality to hash by, such as a point or
 * json, is hashed by its stored bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "predict/value_hash.h"

#define NULL_HASH UINT64CONST(0x9e3779b97f4a7c15)

/* What a hash is made of. */
typedef enum HashKind
{
	HASH_INTEGER,				/* the whole number that a value is; the same for all widths */
	HASH_FLOAT,					/* the number, in which 0 is -0 and all NaN are one */
	HASH_BYTES,					/* of a varlena, after decompression */
	HASH_LABEL,					/* of an enum */
	HASH_ELEMENTS,				/* of an array, and its bounds */
	HASH_COLUMNS,				/* of a row */
	HASH_FUNCTION,				/* what the type's own function gives */
	HASH_STORED					/* bytes as they are stored */
} HashKind;

struct ValueHash
{
	HashKind	kind;
	int16		size;			/* storage of a value, or of an element of an array */
	bool		by_value;
	char		alignment;
	Oid			collation;		/* for the function */
	FmgrInfo	function;		/* of the type, if kind is HASH_FUNCTION */
	ValueHash  *element;		/* of an array */
	MemoryContext context;		/* holds what is learnt later */
	Oid			row_type;		/* that columns are of; InvalidOid at first */
	int32		row_typmod;
	RowHash    *columns;		/* of a row */
};

/* Whether values of a type have an equality that a hash agrees with. */
bool
type_is_hashable(Oid type)
{
	return OidIsValid(lookup_type_cache(getBaseType(type), TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
}

/* What the hash of a type, which is no domain, is made of. */
static HashKind
hash_kind(Oid type, Oid collation)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return HASH_INTEGER;
		case FLOAT4OID:
		case FLOAT8OID:
			return HASH_FLOAT;
		case TEXTOID:
		case VARCHAROID:
			/* the collation of the database is always deterministic */
			if (!OidIsValid(collation) || collation == DEFAULT_COLLATION_OID || get_collation_isdeterministic(collation))
				return HASH_BYTES;
			return HASH_FUNCTION;
		case RECORDOID:
			return HASH_COLUMNS;
	}
	if (get_typtype(type) == TYPTYPE_ENUM)
		return HASH_LABEL;
	if (get_typtype(type) == TYPTYPE_COMPOSITE)
		return HASH_COLUMNS;
	if (OidIsValid(get_element_type(type)))
		return HASH_ELEMENTS;
	return type_is_hashable(type) ? HASH_FUNCTION : HASH_STORED;
}

/* Get ready to hash values of a type; it is kept in the current memory context. */
ValueHash *
value_hash_new(Oid type, Oid collation)
{
	ValueHash  *self = palloc0(sizeof(ValueHash));

	type = getBaseType(type);
	self->kind = hash_kind(type, collation);
	self->collation = OidIsValid(collation) ? collation : DEFAULT_COLLATION_OID;
	self->context = CurrentMemoryContext;
	get_typlenbyvalalign(self->kind == HASH_ELEMENTS ? get_element_type(type) : type, &self->size, &self->by_value, &self->alignment);
	if (self->kind == HASH_ELEMENTS)
		self->element = value_hash_new(get_element_type(type), collation);
	if (self->kind == HASH_FUNCTION)
		fmgr_info(lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc, &self->function);
	return self;
}

/* The whole number that a value of so many bytes is. */
static inline uint64
hash_integer(const ValueHash *self, Datum value)
{
	switch (self->size)
	{
		case 1:
			return (uint64) DatumGetBool(value);
		case 2:
			return (uint64) (int64) DatumGetInt16(value);
		case 4:
			return (uint64) (int64) DatumGetInt32(value);
		default:
			return (uint64) DatumGetInt64(value);
	}
}

/* The bits of a number, the same for equal ones. */
static inline uint64
hash_float(const ValueHash *self, Datum value)
{
	double		number = self->size == sizeof(float4) ? DatumGetFloat4(value) : DatumGetFloat8(value);
	uint64		bits;

	if (number == 0)
		return 0;
	if (isnan(number))
		return NULL_HASH >> 1;
	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

/* The hash of the bytes of a varlena. */
static uint64
hash_bytes_of(uint64 seed, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), seed);

	if ((Pointer) bytes != DatumGetPointer(value))
		pfree(bytes);
	return hash;
}

/* The hash of the label of an enum value. */
static uint64
hash_label(uint64 seed, Datum value)
{
	HeapTuple	entry = SearchSysCache1(ENUMOID, value);
	const char *label;
	uint64		hash;

	if (!HeapTupleIsValid(entry))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", DatumGetObjectId(value))));
	label = NameStr(((Form_pg_enum) GETSTRUCT(entry))->enumlabel);
	hash = hash_bytes_extended((const unsigned char *) label, (int) strlen(label), seed);
	ReleaseSysCache(entry);
	return hash;
}

/* The hash of the elements of an array, and of its bounds. */
static uint64
hash_elements(const ValueHash *self, uint64 seed, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *values;
	bool	   *nulls;
	int			count;

	for (int i = 0; i < ARR_NDIM(array); i++)
		seed = mix_bits(seed ^ ((uint64) (uint32) ARR_DIMS(array)[i] << 32 | (uint32) ARR_LBOUND(array)[i]));
	deconstruct_array(array, ARR_ELEMTYPE(array), self->size, self->by_value, self->alignment, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		seed = value_hash(self->element, seed, values[i], nulls[i]);
	return seed;
}

/* The hash of the columns of a row, whose type is learnt from the first one of it. */
static uint64
hash_columns(ValueHash *self, uint64 seed, Datum value)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(value);
	TupleDesc	columns = lookup_rowtype_tupdesc_domain(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row), false);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum	   *values = palloc(sizeof(Datum) * Max(columns->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(columns->natts, 1));

	if (self->columns == NULL || self->row_type != HeapTupleHeaderGetTypeId(row) || self->row_typmod != HeapTupleHeaderGetTypMod(row))
	{
		MemoryContext before = MemoryContextSwitchTo(self->context);

		self->columns = row_hash_new(columns, columns->natts);
		self->row_type = HeapTupleHeaderGetTypeId(row);
		self->row_typmod = HeapTupleHeaderGetTypMod(row);
		MemoryContextSwitchTo(before);
	}
	heap_deform_tuple(&tuple, columns, values, nulls);
	ReleaseTupleDesc(columns);
	seed = row_hash(self->columns, seed, values, nulls);
	pfree(values);
	pfree(nulls);
	return seed;
}

/* The hash of the bytes of a value that has no equality to hash by. */
static uint64
hash_stored(const ValueHash *self, uint64 seed, Datum value)
{
	if (self->by_value)
		return mix_bits(seed ^ (uint64) value);
	if (self->size == -1)
		return hash_bytes_of(seed, value);
	return hash_bytes_extended((unsigned char *) DatumGetPointer(value), self->size == -2 ? (int) strlen(DatumGetCString(value)) : self->size, seed);
}

/* The hash of a value; another seed, which may be the hash of what stands before it, gives another one. */
uint64
value_hash(ValueHash *self, uint64 seed, Datum value, bool isnull)
{
	if (isnull)
		return mix_bits(seed ^ NULL_HASH);
	switch (self->kind)
	{
		case HASH_INTEGER:
			return mix_bits(seed ^ hash_integer(self, value));
		case HASH_FLOAT:
			return mix_bits(seed ^ hash_float(self, value));
		case HASH_BYTES:
			return hash_bytes_of(seed, value);
		case HASH_LABEL:
			return hash_label(seed, value);
		case HASH_ELEMENTS:
			return hash_elements(self, mix_bits(seed), value);
		case HASH_COLUMNS:
			return hash_columns(self, seed, value);
		case HASH_FUNCTION:
			return DatumGetUInt64(FunctionCall2Coll(&self->function, self->collation, value, UInt64GetDatum(seed)));
		case HASH_STORED:
			return hash_stored(self, seed, value);
	}
	elog(ERROR, "unknown kind of hash: %d", (int) self->kind);
}

/* Get ready to hash the first columns of rows. */
RowHash *
row_hash_new(TupleDesc columns, int count)
{
	RowHash    *self = palloc(sizeof(RowHash));

	self->count = count;
	self->columns = palloc(sizeof(ValueHash *) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		self->columns[i] = column->attisdropped ? NULL : value_hash_new(column->atttypid, column->attcollation);
	}
	return self;
}

/* The hash of a row. */
uint64
row_hash(const RowHash *self, uint64 seed, const Datum *values, const bool *nulls)
{
	seed = mix_bits(seed ^ NULL_HASH);
	for (int i = 0; i < self->count; i++)
		if (self->columns[i] != NULL)
			seed = value_hash(self->columns[i], seed, values[i], nulls[i]);
	return seed;
}
