// SPDX-License-Identifier: PostgreSQL
/*
 * What may be believed of the text of a CREATE INDEX whose expressions and predicate are foreign words. Pure
 * functions.
 */
#ifndef FETTLE_WHATIF_INDEX_TEXT_H
#define FETTLE_WHATIF_INDEX_TEXT_H

#include <stdbool.h>

/* Whatever follows, such a statement neither ends the transaction nor drops anything. */
bool index_text_begins(const char *text);

/* Does it end with the text, whatever stands before and behind it in a script? There is no semicolon, no
 * comment, and no quote that is not closed. Dollars and backslashes are left out as well: there the server's
 * scanner may see quotes where ours does not. */
bool index_text_is_whole(const char *text);

#endif
