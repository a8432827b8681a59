/* SPDX-License-Identifier: MIT */
/*
 * Threads and stdio: a FILE has a lock inside libc that no symbol stands for. So
 * with several threads the stream's public lock, which nests, is acquired in
 * order around each operation that would take the hidden one.
 */
#include <stdarg.h>
#include <stdio.h>

#include "order.h"

#undef putc
#undef getc
#undef putchar

extern FILE *stdin, *stdout, *stderr;

static void hold(FILE *f)
{
	if (leads()) {
		said(OWN((REAL(flockfile)(f), 0)));
	} else {
		heard();
		REAL(flockfile)(f);
		acquired();
	}
}

#define HELD(type, name, file, ...)                                                                \
	do {                                                                                       \
		type result_;                                                                      \
                                                                                                   \
		if (!ordered() || !(file))                                                         \
			return REAL(name)(__VA_ARGS__);                                            \
		hold(file);                                                                        \
		result_ = REAL(name)(__VA_ARGS__);                                                 \
		REAL(funlockfile)(file);                                                           \
		return result_;                                                                    \
	} while (0)

PUBLIC void flockfile(FILE *f)
{
	if (ordered())
		hold(f);
	else
		REAL(flockfile)(f);
}

PUBLIC int ftrylockfile(FILE *f)
{
	int result;

	if (!ordered())
		return REAL(ftrylockfile)(f);
	if (leads())
		return said(REAL(ftrylockfile)(f));
	result = heard();
	if (result == 0)
		REAL(flockfile)(f);
	acquired();
	return result;
}

PUBLIC int fputs(const char *restrict s, FILE *restrict f)
{
	HELD(int, fputs, f, s, f);
}

PUBLIC int fputc(int c, FILE *f)
{
	HELD(int, fputc, f, c, f);
}

PUBLIC int putc(int c, FILE *f)
{
	HELD(int, fputc, f, c, f);
}

PUBLIC int putchar(int c)
{
	HELD(int, fputc, stdout, c, stdout);
}

PUBLIC int puts(const char *s)
{
	HELD(int, puts, stdout, s);
}

PUBLIC size_t fwrite(const void *restrict p, size_t size, size_t n, FILE *restrict f)
{
	HELD(size_t, fwrite, f, p, size, n, f);
}

PUBLIC size_t fread(void *restrict p, size_t size, size_t n, FILE *restrict f)
{
	HELD(size_t, fread, f, p, size, n, f);
}

PUBLIC char *fgets(char *restrict s, int n, FILE *restrict f)
{
	HELD(char *, fgets, f, s, n, f);
}

PUBLIC int fgetc(FILE *f)
{
	HELD(int, fgetc, f, f);
}

PUBLIC int getc(FILE *f)
{
	HELD(int, fgetc, f, f);
}

PUBLIC int fflush(FILE *f)
{
	HELD(int, fflush, f, f);
}

PUBLIC int vfprintf(FILE *restrict f, const char *restrict format, va_list list)
{
	HELD(int, vfprintf, f, f, format, list);
}

PUBLIC int vprintf(const char *restrict format, va_list list)
{
	return vfprintf(stdout, format, list);
}

#define FORMATTED(file)                                                                            \
	do {                                                                                       \
		va_list list_;                                                                     \
		int result_;                                                                       \
                                                                                                   \
		va_start(list_, format);                                                           \
		result_ = vfprintf(file, format, list_);                                           \
		va_end(list_);                                                                     \
		return result_;                                                                    \
	} while (0)

PUBLIC int fprintf(FILE *restrict f, const char *restrict format, ...)
{
	FORMATTED(f);
}

PUBLIC int printf(const char *restrict format, ...)
{
	FORMATTED(stdout);
}

/* What _FORTIFY_SOURCE makes of them; flag asks for checks that only libc can do. */
extern int __vfprintf_chk(FILE *restrict f, int flag, const char *restrict format, va_list list);
extern int __vprintf_chk(int flag, const char *restrict format, va_list list);
extern int __fprintf_chk(FILE *restrict f, int flag, const char *restrict format, ...);
extern int __printf_chk(int flag, const char *restrict format, ...);

PUBLIC int __vfprintf_chk(FILE *restrict f, int flag, const char *restrict format, va_list list)
{
	HELD(int, __vfprintf_chk, f, f, flag, format, list);
}

PUBLIC int __vprintf_chk(int flag, const char *restrict format, va_list list)
{
	return __vfprintf_chk(stdout, flag, format, list);
}

#define FORMATTED_CHECKED(file)                                                                    \
	do {                                                                                       \
		va_list list_;                                                                     \
		int result_;                                                                       \
                                                                                                   \
		va_start(list_, format);                                                           \
		result_ = __vfprintf_chk(file, flag, format, list_);                               \
		va_end(list_);                                                                     \
		return result_;                                                                    \
	} while (0)

PUBLIC int __fprintf_chk(FILE *restrict f, int flag, const char *restrict format, ...)
{
	FORMATTED_CHECKED(f);
}

PUBLIC int __printf_chk(int flag, const char *restrict format, ...)
{
	FORMATTED_CHECKED(stdout);
}
