/* SPDX-License-Identifier: MIT */
/* stdio: buffering modes, seeking, ungetc, append, tmpfile, freopen, dprintf, getline. */
#include "check.h"

int main(void)
{
	char *line = NULL, buf[64];
	size_t cap = 0;
	FILE *f;

	enter_scratch();
	f = fopen("f", "wx");
	CHECK(f);
	CHECK(fprintf(f, "first\nsecond %d\nthird", 2) > 0);
	CHECK_EQ(ftell(f), 20);
	CHECK_EQ(fclose(f), 0);
	CHECK(!fopen("f", "wx") && errno == EEXIST);
	f = fopen("f", "a+");
	CHECK(fputs(" more\n", f) >= 0);
	rewind(f);
	CHECK_EQ(getline(&line, &cap, f), 6);
	CHECK_EQ(fgetc(f), 's');
	CHECK_EQ(ungetc('S', f), 'S');
	CHECK(fgets(buf, sizeof(buf), f) && strcmp(buf, "Second 2\n") == 0);
	CHECK_EQ(fseek(f, -5, SEEK_END), 0);
	CHECK_EQ(fread(buf, 1, sizeof(buf), f), 5);
	CHECK(feof(f) && !ferror(f));
	CHECK(memcmp(buf, "more\n", 5) == 0);
	CHECK(freopen("g", "w", f));
	CHECK_EQ(fwrite("xyzxyz", 3, 2, f), 2);
	CHECK_EQ(fclose(f), 0);
	f = tmpfile();
	CHECK(f);
	CHECK(fputs("temporary", f) >= 0);
	rewind(f);
	CHECK(fgets(buf, sizeof(buf), f) && strcmp(buf, "temporary") == 0);
	CHECK_EQ(dprintf(1, "by dprintf\n"), 11);
	free(line);
	return done();
}
