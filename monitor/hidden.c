/* SPDX-License-Identifier: MIT */
/*
 * Threads and locks inside libc that no symbol stands for and that are held across calls: who has
 * one makes a call, for which its twin would wait while another thread has the twin's. So a lock
 * of our own, acquired in order, stands around each.
 */
#include <pthread.h>
#include <stdarg.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "order.h"

/* Not to be cancelled in between: the lock would be left. */
#define AROUND(lock, work)                                                                         \
	do {                                                                                       \
		int cancelled_;                                                                    \
                                                                                                   \
		REAL(pthread_setcancelstate)(PTHREAD_CANCEL_DISABLE, &cancelled_);                 \
		pthread_mutex_lock(lock);                                                          \
		work;                                                                              \
		REAL(pthread_mutex_unlock)(lock);                                                  \
		REAL(pthread_setcancelstate)(cancelled_, NULL);                                    \
	} while (0)

/* That of the handlers of pthread_atfork(). A child has a copy of ours, which it releases. */
PUBLIC pid_t fork(void)
{
	static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;
	pid_t pid;

	if (!ordered())
		return REAL(fork)();
	AROUND(&forking, pid = REAL(fork)());
	return pid;
}

/* That of the time zone, which the first to ask for it reads from files. */
#define ZONED(type, name, ...)                                                                     \
	do {                                                                                       \
		type result_;                                                                      \
                                                                                                   \
		if (!ordered())                                                                    \
			return REAL(name)(__VA_ARGS__);                                            \
		AROUND(&zone, result_ = REAL(name)(__VA_ARGS__));                                  \
		return result_;                                                                    \
	} while (0)

static pthread_mutex_t zone = PTHREAD_MUTEX_INITIALIZER;

PUBLIC void tzset(void)
{
	if (ordered())
		AROUND(&zone, REAL(tzset)());
	else
		REAL(tzset)();
}

PUBLIC struct tm *localtime(const time_t *t)
{
	ZONED(struct tm *, localtime, t);
}

PUBLIC struct tm *localtime_r(const time_t *restrict t, struct tm *restrict tm)
{
	ZONED(struct tm *, localtime_r, t, tm);
}

PUBLIC struct tm *gmtime(const time_t *t)
{
	ZONED(struct tm *, gmtime, t);
}

PUBLIC struct tm *gmtime_r(const time_t *restrict t, struct tm *restrict tm)
{
	ZONED(struct tm *, gmtime_r, t, tm);
}

PUBLIC char *ctime(const time_t *t)
{
	ZONED(char *, ctime, t);
}

PUBLIC char *ctime_r(const time_t *restrict t, char *restrict buffer)
{
	ZONED(char *, ctime_r, t, buffer);
}

PUBLIC time_t mktime(struct tm *tm)
{
	ZONED(time_t, mktime, tm);
}

PUBLIC size_t strftime(char *restrict s, size_t size, const char *restrict format,
		       const struct tm *restrict tm)
{
	ZONED(size_t, strftime, s, size, format, tm);
}

/* That of the connection to the system's log. Each line has the time in it. */
#define LOGS(name, ...)                                                                            \
	do {                                                                                       \
		if (!ordered()) {                                                                  \
			REAL(name)(__VA_ARGS__);                                                   \
			return;                                                                    \
		}                                                                                  \
		tzset();                                                                           \
		AROUND(&logging, REAL(name)(__VA_ARGS__));                                         \
	} while (0)

static pthread_mutex_t logging = PTHREAD_MUTEX_INITIALIZER;

PUBLIC void openlog(const char *ident, int option, int facility)
{
	LOGS(openlog, ident, option, facility);
}

PUBLIC void closelog(void)
{
	LOGS(closelog);
}

PUBLIC void vsyslog(int priority, const char *format, va_list list)
{
	LOGS(vsyslog, priority, format, list);
}

PUBLIC void syslog(int priority, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsyslog(priority, format, list);
	va_end(list);
}

/* What _FORTIFY_SOURCE makes of them. */
extern void __vsyslog_chk(int priority, int flag, const char *format, va_list list);
extern void __syslog_chk(int priority, int flag, const char *format, ...);

PUBLIC void __vsyslog_chk(int priority, int flag, const char *format, va_list list)
{
	LOGS(__vsyslog_chk, priority, flag, format, list);
}

PUBLIC void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	__vsyslog_chk(priority, flag, format, list);
	va_end(list);
}
