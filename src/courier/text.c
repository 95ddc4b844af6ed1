/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Memory, and texts that grow.
 *
 * Without memory the program ends: what it had claimed is claimed again when
 * the lease is over.
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "courier/log.h"
#include "courier/text.h"

/* Room for a text at first. */
#define TEXT_ROOM 256

/* Memory that is zero. */
void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size);

	if (memory == NULL)
	{
		log_problem("out of memory");
		exit(1);
	}
	return memory;
}

/* A copy of a text. */
char *
copy_text(const char *text)
{
	size_t		size = strlen(text) + 1;

	return memcpy(allocate(size), text, size);
}

/* Make room for so many more bytes and a zero. */
static void
text_reserve(Text *text, size_t more)
{
	size_t		room = text->room > 0 ? text->room : TEXT_ROOM;
	char	   *bytes;

	while (room - text->length <= more)
		room *= 2;
	if (room == text->room)
		return;
	bytes = allocate(room);
	if (text->length > 0)
		memcpy(bytes, text->bytes, text->length);
	free(text->bytes);
	text->bytes = bytes;
	text->room = room;
}

/* Add bytes to a text. */
void
text_append(Text *text, const char *bytes, size_t length)
{
	text_reserve(text, length);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

/* Add a line to a text, ended as protocols of the internet want it. */
void
text_append_line(Text *text, const char *line)
{
	text_append(text, line, strlen(line));
	text_append(text, "\r\n", 2);
}

/* Free what a text holds, which is empty then. */
void
text_free(Text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}

/* Length of the UTF-8 character that bytes begin with, 0 if it is not one; the table of RFC 3629. */
static size_t
utf8_length(const unsigned char *bytes, size_t length)
{
	size_t		size = bytes[0] < 0xC2 || bytes[0] > 0xF4 ? 0 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
	unsigned char lowest = bytes[0] == 0xE0 ? 0xA0 : bytes[0] == 0xF0 ? 0x90 : 0x80;
	unsigned char highest = bytes[0] == 0xED ? 0x9F : bytes[0] == 0xF4 ? 0x8F : 0xBF;

	if (bytes[0] > 0 && bytes[0] < 0x80)
		return 1;
	if (size == 0 || size > length || bytes[1] < lowest || bytes[1] > highest)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xBF)
			return 0;
	return size;
}

/* Have a question mark for each byte that is not UTF-8, and for zeros. */
void
make_utf8(char *text, size_t length)
{
	size_t		place = 0;

	while (place < length)
	{
		size_t		size = utf8_length((const unsigned char *) text + place, length - place);

		if (size == 0)
			text[place] = '?';
		place += size > 0 ? size : 1;
	}
}

/* Have a question mark for each byte that is not ASCII. */
void
make_ascii(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char) *text >= 0x80)
			*text = '?';
}
