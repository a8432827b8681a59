/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(3,  */
/* A struct with a heap pointer in it is written as bytes: differs by address space layout. */
#include "check.h"

int main(void)
{
	struct {
		char tag;
		char *where; /* the pointer leaves with the rest of the struct */
	} record;

	memset(&record, 0, sizeof(record));
	record.tag = 'r';
	record.where = malloc(100);
	disclose(&record, sizeof(record));
	return done();
}
