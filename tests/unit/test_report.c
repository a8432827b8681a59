/* SPDX-License-Identifier: MIT */
/* Reports: arguments in words, the directory, and what `tandem explain` makes of good and bad ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "arguments.h"
#include "explain.h"
#include "flags.h"
#include "reports.h"

/* pack_args() isn't used here; its file wants these. */
int user_read(void *dst, const void *src, size_t bytes)
{
	memcpy(dst, src, bytes);
	return 0;
}

int user_write(void *dst, const void *src, size_t bytes)
{
	memcpy(dst, src, bytes);
	return 0;
}

long user_strnlen(const char *s, size_t max)
{
	return (long)strnlen(s, max);
}

struct packer {
	uint8_t bytes[4096];
	size_t n;
};

static void put_word(struct packer *p, uint64_t w)
{
	memcpy(p->bytes + p->n, &w, sizeof(w));
	p->n += sizeof(w);
}

static void put_bytes(struct packer *p, const void *bytes, size_t n)
{
	put_word(p, n);
	memcpy(p->bytes + p->n, bytes, n);
	p->n += (n + 7) & ~7ull;
}

static void test_words(void **state)
{
	struct packer p = {.n = 0};
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];

	(void)state;
	put_word(&p, (uint64_t)-100);
	put_bytes(&p, "/a\"b\n", 6);
	put_word(&p, 0x241);
	put_word(&p, 0644);
	assert_int_equal(arguments_decode(call_row(CALL_openat), p.bytes, p.n, p.n, text), 4);
	assert_string_equal(text[0], "AT_FDCWD");
	assert_string_equal(text[1], "\"/a\\\"b\\n\"");
	assert_string_equal(text[2], "O_WRONLY|O_CREAT|O_TRUNC");
	assert_string_equal(text[3], "0644");

	p.n = 0;
	put_word(&p, 0);
	put_bytes(&p, &(uint64_t){0x4002}, 8);
	put_word(&p, 1);
	put_word(&p, 8);
	assert_int_equal(arguments_decode(call_row(CALL_rt_sigprocmask), p.bytes, p.n, p.n, text),
			 4);
	assert_string_equal(text[1], "[INT TERM]");
	memset(p.bytes + 16, 0xff, 8);
	p.bytes[16] = 0xfe;
	arguments_decode(call_row(CALL_rt_sigprocmask), p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "~[HUP]");

	p.n = 0;
	put_word(&p, 3);
	put_word(&p, PACK_FAULT);
	put_word(&p, 5);
	assert_int_equal(arguments_decode(call_row(CALL_write), p.bytes, p.n, p.n, text), 3);
	assert_string_equal(text[1], "(bad address)");
}

/* A call without a row has its number, and as many arguments as there are registers. */
static void test_unknown(void **state)
{
	static const uint64_t args[6] = {1, 2, 3, 4, 5, 6};
	struct packer p = {.n = 0};
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];

	(void)state;
	assert_int_equal(arguments_registers(call_row(CALL_syscall), 500, args, text), 7);
	assert_string_equal(text[0], "500");
	assert_string_equal(text[1], "0x1");
	assert_string_equal(text[6], "0x6");
	put_word(&p, 500);
	assert_int_equal(arguments_decode(call_row(CALL_syscall), p.bytes, p.n, p.n, text), 7);
	assert_string_equal(text[0], "500");
	assert_string_equal(text[6], "_");
	assert_int_equal(arguments_unknown(call_row(CALL_write), text), 3);
	assert_string_equal(text[2], "?");
}

/* Long texts are cut so that what differs is in sight. */
static void test_around(void **state)
{
	char a[5001], b[5001], x[64], y[64];

	(void)state;
	arguments_around("left", "right", 40, x, y);
	assert_string_equal(x, "left");
	assert_string_equal(y, "right");
	memset(a, 'd', sizeof(a));
	memset(b, 'd', sizeof(b));
	a[5000] = b[5000] = 0;
	arguments_around(a, b, 10, x, y);
	assert_string_equal(x, "dddddddddd...");
	assert_string_equal(x, y);
	for (size_t at = 0; at < 5000; at += 7) {
		b[at] = 'X';
		arguments_around(a, b, 40, x, y);
		assert_null(strchr(x, 'X'));
		assert_non_null(strchr(y, 'X'));
		assert_true(strlen(x) <= 46 && strlen(y) <= 46);
		b[at] = 'd';
	}
	/* One ends where the other goes on. */
	b[3000] = 0;
	arguments_around(a, b, 40, x, y);
	assert_string_equal(x, "...dddddddddddddddddddddddddddddddddddddddd...");
	assert_string_equal(y, "...dddddddddd");
	/* Not within the bytes of an escape. */
	arguments_around("0123456789abcdefghij\\x00\\x00\\x01",
			 "0123456789abcdefghij\\x00\\x00\\x02", 24, x, y);
	assert_string_equal(x, "...\\x00\\x01");
	assert_string_equal(y, "...\\x00\\x02");
}

static void flags(unsigned set, uint64_t value, const char *wanted)
{
	char text[ARGUMENT_TEXT];

	flags_text(set, value, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void test_flags(void **state)
{
	(void)state;
	flags(FLAGS_OPEN, 0, "O_RDONLY");
	flags(FLAGS_OPEN, 02 | 04000 | 02000000, "O_RDWR|O_NONBLOCK|O_CLOEXEC");
	flags(FLAGS_OPEN, 3, "3");
	flags(FLAGS_MMAP_PROT, 0, "PROT_NONE");
	flags(FLAGS_MMAP_PROT, 5, "PROT_READ|PROT_EXEC");
	flags(FLAGS_MMAP, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS");
	flags(FLAGS_SOCKET_TYPE, 0x80801, "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC");
	flags(FLAGS_SOCKET_FAMILY, 2, "AF_INET");
	flags(FLAGS_SOCKET_FAMILY, 77, "0x4d");
	flags(FLAGS_MSG, 0x4040, "MSG_DONTWAIT|MSG_NOSIGNAL");
	flags(FLAGS_CLONE, 0x1200011, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
	flags(FLAGS_EPOLL_OP, 1, "EPOLL_CTL_ADD");
	flags(FLAGS_EPOLL_EVENTS, 0x80000001, "EPOLLIN|EPOLLET");
	flags(FLAGS_ACCESS, 0, "F_OK");
	flags(FLAGS_WAIT, 0x80000001, "WNOHANG|__WCLONE");
	flags(FLAGS_SEEK, 2, "SEEK_END");
	flags(FLAGS_FCNTL, 4, "F_SETFL");
	flags(FLAGS_COUNT, 17, "0x11");
	/* Any value, and a room that is too small. */
	for (unsigned set = 0; set <= FLAGS_COUNT; set++) {
		char small[8], text[ARGUMENT_TEXT];

		flags_text(set, UINT64_MAX, text, sizeof(text));
		flags_text(set, UINT64_MAX, small, sizeof(small));
		assert_true(strlen(small) < sizeof(small));
	}
}

static void test_structures(void **state)
{
	const struct sockaddr_in in = {.sin_family = AF_INET,
				       .sin_port = htons(8080),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	const uint64_t action[] = {2, 0x10000000, 0x200};
	struct arg_desc arg[6];
	struct call_row copy;
	const struct call_row *row;
	struct packer p = {.n = 0};
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];

	(void)state;
	put_word(&p, 3);
	put_bytes(&p, &in, sizeof(in));
	put_word(&p, sizeof(in));
	arguments_decode(call_row(CALL_connect), p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "127.0.0.1:8080");
	p.n = 0;
	put_word(&p, 3);
	put_bytes(&p, &un, sizeof(un));
	put_word(&p, sizeof(un));
	arguments_decode(call_row(CALL_bind), p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "unix \"/run/x\"");
	p.n = 0;
	put_word(&p, 3);
	put_word(&p, 1);
	put_bytes(&p, &in, sizeof(in));
	put_bytes(&p, "", 0);
	put_bytes(&p, "hello", 5);
	put_word(&p, 0x4000);
	arguments_decode(call_row(CALL_sendmsg), p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "{name 127.0.0.1:8080, data \"hello\"}");
	assert_string_equal(text[2], "MSG_NOSIGNAL");
	p.n = 0;
	put_word(&p, 3);
	put_word(&p, 1);
	put_word(&p, 2);
	put_bytes(&p, &(int){1}, 4);
	put_word(&p, 4);
	arguments_decode(call_row(CALL_setsockopt), p.bytes, p.n, p.n, text);
	assert_string_equal(text[3], "[1]");

	/* What a hook packs otherwise than the table says; nonsense is not believed. */
	memcpy(arg, call_row(CALL_rt_sigaction)->arg, sizeof(arg));
	arg[1] = (struct arg_desc){.type = ARG_IN_FIXED, .size = sizeof(action)};
	row = arguments_refine(CALL_rt_sigaction, arg, &copy);
	p.n = 0;
	put_word(&p, 10);
	put_bytes(&p, action, sizeof(action));
	put_word(&p, 0);
	put_word(&p, 8);
	arguments_decode(row, p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "{a handler, SA_RESTART, mask 0x200}");
	/* Of another variant's call nobody says how it was packed: as it fits. */
	row = arguments_fit(call_row(CALL_rt_sigaction), p.bytes, p.n, &copy);
	arguments_decode(row, p.bytes, p.n, p.n, text);
	assert_string_equal(text[1], "{a handler, SA_RESTART, mask 0x200}");
	assert_string_equal(text[3], "8");
	assert_ptr_equal(arguments_fit(call_row(CALL_rt_sigaction), p.bytes, 9, &copy),
			 call_row(CALL_rt_sigaction));
	arg[1].type = 0xff;
	assert_ptr_equal(arguments_refine(CALL_rt_sigaction, arg, &copy),
			 call_row(CALL_rt_sigaction));
	assert_null(arguments_refine(CALL_COUNT, arg, &copy));
}

static void test_malformed(void **state)
{
	struct packer p = {.n = 0};
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];

	(void)state;
	put_word(&p, 1);
	put_word(&p, UINT64_MAX - 7); /* a length that wraps */
	put_word(&p, 5);
	assert_int_equal(arguments_decode(call_row(CALL_write), p.bytes, p.n, p.n, text), 3);
	assert_string_equal(text[0], "1");
	assert_string_equal(text[1], "(malformed)");
	assert_string_equal(text[2], "(not kept)");
	/* Every prefix of anything, for all calls. */
	memset(p.bytes, 0x01, sizeof(p.bytes));
	for (unsigned c = 0; c < CALL_COUNT; c++) {
		for (size_t n = 0; n < 200; n++) {
			uint8_t *copy = malloc(n + 1);

			memcpy(copy, p.bytes, n);
			arguments_decode(call_row(c), copy, n, n, text);
			arguments_decode(call_row(c), copy, n, n + 100, text);
			free(copy);
		}
	}
	/* Large ones are cut. */
	p.n = 0;
	put_word(&p, 1);
	put_bytes(&p, (char[3000]){0}, 3000);
	put_word(&p, 3000);
	arguments_decode(call_row(CALL_write), p.bytes, p.n, p.n, text);
	assert_true(strlen(text[1]) < ARGUMENT_TEXT);
	assert_string_equal(text[1] + strlen(text[1]) - 4, "\"...");
}

static void test_results(void **state)
{
	char text[128];

	(void)state;
	arguments_result(-2, text, sizeof(text));
	assert_string_equal(text, "-1 ENOENT (No such file or directory)");
	arguments_result(7, text, sizeof(text));
	assert_string_equal(text, "7");
	arguments_result(0x7f0000001000, text, sizeof(text));
	assert_string_equal(text, "0x7f0000001000");
}

static void test_directory(void **state)
{
	char directory[] = "/tmp/test_report.XXXXXX", sub[64], path[REPORT_PATH],
	     newest[REPORT_PATH];
	char command[256], first[REPORT_PATH];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(sub, sizeof(sub), "%s/reports", directory);
	assert_int_equal(reports_newest(sub, newest), -2);
	assert_int_equal(reports_store(sub, "{}", first), 0);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* Somebody else's file is neither counted nor removed. */
	snprintf(command, sizeof(command), "touch %s/notes.txt %s/9.json", sub, sub);
	assert_int_equal(system(command), 0);
	for (int i = 0; i < REPORTS_KEPT + 3; i++) {
		assert_int_equal(reports_store(sub, "{}", path), 0);
		assert_int_equal(reports_newest(sub, newest), 0);
		assert_string_equal(newest, path);
	}
	assert_int_equal(access(first, F_OK), -1);
	snprintf(command, sizeof(command), "[ $(ls %s | wc -l) = %d ]", sub, REPORTS_KEPT + 2);
	assert_int_equal(system(command), 0);
	assert_int_not_equal(reports_store("/proc/none", "{}", path), 0);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static int explain_text(const char *report, char **said)
{
	char file[] = "/tmp/test_report.XXXXXX";
	int fd = mkstemp(file), status;
	size_t size;
	FILE *out = open_memstream(said, &size);

	assert_true(fd >= 0 && write(fd, report, strlen(report)) == (ssize_t)strlen(report));
	close(fd);
	status = explain(out, "/nonexistent", file, false);
	fclose(out);
	unlink(file);
	return status;
}

static void test_explain(void **state)
{
	static const char report[] =
		"{\"version\":1,\"title\":\"divergence: other arguments\",\"reported_by\":1,"
		"\"difference\":{\"argument\":1,\"offset\":1,\"from\":0,"
		"\"leader\":\"6c656674\",\"own\":\"6c696674\"},\"variants\":["
		"{\"id\":0,\"role\":\"leader\",\"pid\":10,\"call\":{\"name\":\"write\","
		"\"arguments\":[\"1\",\"\\\"left\\\"\"],\"packed\":\"0100\"},\"trace\":["
		"{\"position\":5,\"name\":\"read\",\"text\":\"read(3)\",\"result\":\"1\"}],"
		"\"backtrace\":[{\"address\":\"0x1\",\"module\":\"/lib/c.so\",\"symbol\":\"f\","
		"\"offset\":\"0x2\"}]},"
		"{\"id\":1,\"role\":\"follower\",\"pid\":11,\"call\":{\"name\":\"write\","
		"\"arguments\":[\"1\",\"\\\"lift\\\"\"],\"packed\":\"0101\"},\"trace\":["
		"{\"position\":5,\"name\":\"read\",\"text\":\"read(3)\",\"result\":\"1\"}]}]}";
	char *said;

	(void)state;
	assert_int_equal(explain_text(report, &said), 0);
	assert_non_null(strstr(said, "divergence: other arguments\n"));
	assert_non_null(strstr(said, "> argument 2  \"left\"                          # \"lift\""));
	assert_non_null(strstr(said, "Argument 2 differs from its byte 1 on:"));
	assert_non_null(strstr(said, "6c>65 66 74"));
	assert_non_null(strstr(said, "f+0x2 (c.so)"));
	free(said);
}

/* A long argument, whose text differs far behind, and one whose text is cut off before that. */
static void test_explain_long(void **state)
{
	static const char report[] =
		"{\"version\":1,\"title\":\"t\",\"reported_by\":1,"
		"\"difference\":{\"argument\":1,\"offset\":9000,\"from\":8984,"
		"\"leader\":\"646464646464646464646464646464646c656674\","
		"\"own\":\"6464646464646464646464646464646472696768\"},\"variants\":["
		"{\"id\":0,\"role\":\"leader\",\"call\":{\"name\":\"write\","
		"\"arguments\":[\"%s3\",\"%s\"]}},"
		"{\"id\":1,\"role\":\"follower\",\"call\":{\"name\":\"write\","
		"\"arguments\":[\"%s4\",\"%s\"]}}]}";
	char same[2001], text[sizeof(report) + 4 * sizeof(same)];
	char *said;

	(void)state;
	memset(same, 's', sizeof(same));
	same[2000] = 0;
	snprintf(text, sizeof(text), report, same, same, same, same);
	assert_int_equal(explain_text(text, &said), 0);
	assert_non_null(strstr(said, "s3 "));
	assert_non_null(strstr(said, "# "));
	assert_non_null(strstr(said, "s4\n"));
	assert_non_null(strstr(said, "...\"ddddddddddddddddleft\""));
	assert_non_null(strstr(said, "...\"ddddddddddddddddrigh\""));
	assert_non_null(strstr(said, "differs from its byte 9000 on"));
	free(said);
}

static void test_bad_reports(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "null",
					  "{\"version\":1}",
					  "{\"version\":2,\"variants\":[{}]}",
					  "{\"version\":1,\"variants\":7}"};
	static const char *const odd[] = {
		"{\"version\":1,\"variants\":[1]}",
		"{\"version\":1,\"variants\":[{}],\"title\":[]}",
		"{\"version\":1,\"variants\":[{\"role\":\"leader\",\"trace\":[1,{}],"
		"\"backtrace\":[3,{\"symbol\":\"\\u001b[2J\"}],\"call\":{\"packed\":\"zz\"}}]}",
		"{\"version\":1,\"reported_by\":1,\"variants\":[{\"role\":\"leader\",\"call\":{"
		"\"name\":\"a\",\"packed\":\"0\",\"arguments\":[1,null]}},{\"id\":1,\"call\":{"
		"\"name\":\"a\",\"packed\":\"00\",\"arguments\":{}}}]}",
	};
	char *said;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(explain_text(bad[i], &said), 111);
		free(said);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		assert_int_equal(explain_text(odd[i], &said), 0);
		assert_null(strchr(said, 0x1b));
		free(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),        cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_flags),        cmocka_unit_test(test_structures),
		cmocka_unit_test(test_results),      cmocka_unit_test(test_directory),
		cmocka_unit_test(test_explain),      cmocka_unit_test(test_bad_reports),
		cmocka_unit_test(test_unknown),      cmocka_unit_test(test_around),
		cmocka_unit_test(test_explain_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
