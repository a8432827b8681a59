/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - every message the configuration can be answered with, what is accepted and
 * what it becomes. Takes the directory of the ready configurations as its argument ("configs").
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"
#include "config.h"
#include "machine.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ONE "leader_id = 0; variants = ( { id = 0; } );"
#define VARIANT(keys) "leader_id = 0; variants = ( { id = 0; " keys " } );"
#define BREAKPOINT(keys) VARIANT("breakpoints = ( { " keys " } );")
#define TEN "((((((((((" /* ten levels */

static const char *configs = "configs";

static const struct {
	const char *text;
	const char *message;
} mistakes[] = {
	/* the whole */
	{"", "t: the key leader_id is missing"},
	{"leader_id = 0;", "t: the key variants is missing"},
	{"leader_id = 0;\nvariants = ();", "t:2: variants: found 0 variants, but expected 1 to 8"},
	{"leader_id = 0; variants = ( {id=0;}, {id=1;}, {id=2;}, {id=3;}, {id=4;}, {id=5;}, "
	 "{id=6;}, {id=7;}, {id=8;} );",
	 "t:1: variants: found 9 variants, but expected 1 to 8"},
	{"leader_id = 0; variants = 2;",
	 "t:1: variants: found 2, but expected a list of variants ( { ... }, ... )"},
	{"leader_id = 0; variants = { id = 0; };",
	 "t:1: variants: found a group { ... }, but expected a list of variants ( { ... }, ... )"},
	{"leader_id = 0; variants = [ 1 ];",
	 "t:1: variants: found an array [ ... ], but expected a list of variants ( { ... }, ... )"},
	{"leader_id = 0; variants = ( { id = 0; },\n\"b\" );",
	 "t:2: variants[1]: found \"b\", but expected a group { ... }"},
	{"leader_id = 0; variants = ( ( ) );",
	 "t:1: variants[0]: found a list ( ... ), but expected a group { ... }"},
	{"leader_id = 3;\nvariants = ( { id = 0; } );",
	 "t:1: leader_id: found 3, but no variant has this id"},
	{"leader_id = 0;\nvariants = ( { id = 0; },\n{ id = 0; } );",
	 "t:3: variants[1].id: found 0, which the variant in line 2 has already"},
	{"leader_id = 0; variants = ( { id = 0; },\n{ port = 1; } );",
	 "t:2: variants[1]: the key id is missing"},
	/* unknown keys */
	{ONE "\nleadr_id = 1;", "t:2: leadr_id: unknown key; did you mean leader_id?"},
	{ONE "\npolcy = 1;", "t:2: polcy: unknown key; did you mean policy?"},
	{ONE "\nrings_ize = 1;", "t:2: rings_ize: unknown key; did you mean ring_size?"},
	{ONE "\nfavourite_colour = \"red\";",
	 "t:2: favourite_colour: unknown key; the keys here are leader_id, variants, policy, "
	 "replication_batch_size, restore_probability, restore_interval, inject_fault_probability, "
	 "socket_read_usleep, ignore_first_n, transport, tcp_io, key_file, link, "
	 "connect_timeout, peer_timeout, on_peer_loss, ring_size, compare, trap, wait, "
	 "on_divergence, hang_timeout, report_dir, write_paths"},
	{VARIANT("prot = 1;"), "t:1: variants[0].prot: unknown key; did you mean port?"},
	{VARIANT("x = 1;"), "t:1: variants[0].x: unknown key; the keys here are id, address, port, "
			    "exec, env, preload, rdma_device, cpus, breakpoints"},
	{BREAKPOINT("interval = 1; symbl = \"f\";"),
	 "t:1: variants[0].breakpoints[0].symbl: unknown key; did you mean symbol?"},
	/* numbers */
	{"leader_id = \"0\";",
	 "t:1: leader_id: found \"0\", but expected a whole number from 0 to 2147483647"},
	{"leader_id = -1;",
	 "t:1: leader_id: found -1, but expected a whole number from 0 to 2147483647"},
	{"leader_id = 0.5;",
	 "t:1: leader_id: found 0.5, but expected a whole number from 0 to 2147483647"},
	{"leader_id = true;",
	 "t:1: leader_id: found true, but expected a whole number from 0 to 2147483647"},
	{VARIANT("port = 65536;"),
	 "t:1: variants[0].port: found 65536, but expected a whole number from 0 to 65535"},
	/* libconfig 1.5 by itself makes 4000 of it */
	{VARIANT("port = 4294971296;"),
	 "t:1: variants[0].port: found 4294971296, but expected a whole number from 0 to 65535"},
	{VARIANT("port = 0x100000fa0;"),
	 "t:1: variants[0].port: found 4294971296, but expected a whole number from 0 to 65535"},
	{VARIANT("\nport = 99999999999999999999;"),
	 "t:2: port: the number 99999999999999999999 is too big: 64 bits at most"},
	{VARIANT("port = 1e999;"),
	 "t:1: variants[0].port: found inf, but expected a whole number from 0 to 65535"},
	{ONE "replication_batch_size = -1;",
	 "t:1: replication_batch_size: found -1, but expected a whole number from 0 to 2147483647 "
	 "bytes"},
	{ONE "ignore_first_n = ();",
	 "t:1: ignore_first_n: found a list ( ... ), but expected a whole number from 0 to "
	 "2147483647 calls"},
	{ONE "socket_read_usleep = -5;",
	 "t:1: socket_read_usleep: found -5, but expected a whole number from 0 to 2147483647 "
	 "microseconds"},
	{ONE "restore_probability = 1;",
	 "t:1: restore_probability: found 1, but expected a number from 0 to below 1"},
	{ONE "inject_fault_probability = -0.1;",
	 "t:1: inject_fault_probability: found -0.1, but expected a number from 0 to below 1"},
	{ONE "hang_timeout = 1e6;",
	 "t:1: hang_timeout: found 1e+06, but expected a number from 0 to 86400 seconds"},
	{ONE "ring_size = 65535;",
	 "t:1: ring_size: found 65535, but expected a whole number from 65536 to 1073741824 bytes"},
	{ONE "ring_size = 100000;",
	 "t:1: ring_size: found 100000, which is not a power of two; the next one is 131072"},
	/* words */
	{ONE "policy = \"socket_wr\";",
	 "t:1: policy: found \"socket_wr\", but expected one of \"full\", \"base\", "
	 "\"nonsocket_ro\", \"nonsocket_rw\", \"socket_ro\", \"socket_rw\", \"socket_rw_oc\"; did "
	 "you mean socket_rw?"},
	{ONE "policy = 3;",
	 "t:1: policy: found 3, but expected one of \"full\", \"base\", \"nonsocket_ro\", "
	 "\"nonsocket_rw\", \"socket_ro\", \"socket_rw\", \"socket_rw_oc\""},
	{ONE "compare = \"sdbm\";",
	 "t:1: compare: found \"sdbm\", but expected one of \"full\", \"hash\""},
	{ONE "trap = \"ptrace\";",
	 "t:1: trap: found \"ptrace\", but expected one of \"auto\", \"sud\", \"seccomp\""},
	{ONE "wait = \"bloc\";", "t:1: wait: found \"bloc\", but expected one of \"adaptive\", "
				 "\"spin\", \"block\"; did you "
				 "mean block?"},
	{ONE "transport = \"udp\";",
	 "t:1: transport: found \"udp\", but expected one of \"auto\", \"shm\", \"rdma\", \"tcp\"; "
	 "did you mean tcp?"},
	{ONE "on_divergence = \"restart\";",
	 "t:1: on_divergence: found \"restart\", but expected \"stop\""},
	/* paths */
	{ONE "report_dir = \"reports\";",
	 "t:1: report_dir: found \"reports\", but expected an absolute path"},
	{ONE "report_dir = 1;", "t:1: report_dir: found 1, but expected a string"},
	{ONE "write_paths = \"/var/log/\";",
	 "t:1: write_paths: found \"/var/log/\", but expected a list of strings ( \"...\" )"},
	{ONE "write_paths = ( \"/a/\",\n\"b\" );",
	 "t:2: write_paths[1]: found \"b\", but expected an absolute path"},
	{ONE "write_paths = ( 1 );", "t:1: write_paths[0]: found 1, but expected a string"},
	/* hosts */
	{ONE "link = \"trust\";",
	 "t:1: link: found \"trust\", but expected one of \"encrypted\", \"trusted\"; did you mean "
	 "trusted?"},
	{ONE "key_file = \"key\";", "t:1: key_file: found \"key\", but expected an absolute path"},
	{ONE "\ntransport = \"rdma\";",
	 "t:2: transport: found \"rdma\", which writes to the other host's memory as it is, "
	 "without "
	 "encryption: link = \"trusted\" must say that nobody else is on that network"},
	/* variants */
	{VARIANT("address = \"example\";"),
	 "t:1: variants[0].address: found \"example\", but expected a numeric IPv4 or IPv6 address "
	 "such as \"127.0.0.1\""},
	{VARIANT("address = \"10.0.0.256\";"),
	 "t:1: variants[0].address: found \"10.0.0.256\", but expected a numeric IPv4 or IPv6 "
	 "address such as \"127.0.0.1\""},
	{VARIANT("rdma_device = \"\";"), "t:1: variants[0].rdma_device: found \"\", but expected "
					 "the name of an RDMA device such as \"mlx5_0\""},
	{VARIANT("rdma_device = \"../mlx5_0\";"),
	 "t:1: variants[0].rdma_device: found \"../mlx5_0\", but expected the name of an RDMA "
	 "device such as \"mlx5_0\""},
	{VARIANT("rdma_device = 0;"),
	 "t:1: variants[0].rdma_device: found 0, but expected a string"},
	{VARIANT("cpus = \"\";"), "t:1: variants[0].cpus: found \"\", but expected a list of CPUs "
				  "from 0 to 1023 such as \"0,2-3\""},
	{VARIANT("cpus = \"3-1\";"), "t:1: variants[0].cpus: found \"3-1\", but expected a list of "
				     "CPUs from 0 to 1023 such as \"0,2-3\""},
	{VARIANT("cpus = 0;"), "t:1: variants[0].cpus: found 0, but expected a string"},
	{VARIANT("env = ( \"A\" );"),
	 "t:1: variants[0].env[0]: found \"A\", but expected \"NAME=VALUE\""},
	{VARIANT("env = ( \"=A\" );"),
	 "t:1: variants[0].env[0]: found \"=A\", but expected \"NAME=VALUE\""},
	{VARIANT("env = ( \"A=1\", \"A=2\" );"),
	 "t:1: variants[0].env[1]: A was set above already"},
	{VARIANT("env = ( \"LD_PRELOAD=x.so\" );"),
	 "t:1: variants[0].env[0]: LD_PRELOAD carries the monitor: use the key preload instead"},
	{VARIANT("preload = ( \"a.so b.so\" );"),
	 "t:1: variants[0].preload[0]: found \"a.so b.so\", but expected one library's path or "
	 "name, without ':' and spaces"},
	{VARIANT("preload = ( \"\" );"),
	 "t:1: variants[0].preload[0]: found \"\", but expected one library's path or name, "
	 "without ':' and spaces"},
	{VARIANT("preload = ( \"a.so\",\n\"/nowhere/b.so\" );"),
	 "t:2: variants[0].preload[1]: cannot use \"/nowhere/b.so\" as a library: No such file or "
	 "directory"},
	{VARIANT("exec = \"nginx\";"),
	 "t:1: variants[0].exec: found \"nginx\", but expected a program's absolute path"},
	{VARIANT("exec = \"/nowhere/nginx\";"), "t:1: variants[0].exec: cannot use "
						"\"/nowhere/nginx\" as a program: No such file or "
						"directory"},
	{VARIANT("exec = \"/dev\";"),
	 "t:1: variants[0].exec: cannot use \"/dev\" as a program: it is not a regular file"},
	{VARIANT("exec = \"/etc/passwd\";"),
	 "t:1: variants[0].exec: cannot use \"/etc/passwd\" as a program: Permission denied"},
	/* breakpoints */
	{VARIANT("breakpoints = 1;"), "t:1: variants[0].breakpoints: found 1, but expected a list "
				      "of breakpoints ( { ... }, ... )"},
	{BREAKPOINT("interval = 1;"),
	 "t:1: variants[0].breakpoints[0]: expected a symbol, an offset or both"},
	{BREAKPOINT("offset = 1;"), "t:1: variants[0].breakpoints[0]: the key interval is missing"},
	{BREAKPOINT("interval = 1; symbol = \"\";"),
	 "t:1: variants[0].breakpoints[0].symbol: found an empty string"},
	{BREAKPOINT("interval = 1; symbol = \"f\"; instr_len = 16;"),
	 "t:1: variants[0].breakpoints[0].instr_len: found 16, but expected a whole number from 0 "
	 "to 15 bytes"},
	/* syntax */
	{"leader_id = 0;\nport == 1;", "t:2: syntax error at or before \"port == 1;\""},
	{"leader_id = 0;\nleader_id = 1;",
	 "t:2: duplicate setting name at or before \"leader_id = 1;\""},
	{ONE "\nwrite_paths = [ \"/a\", 1 ];",
	 "t:2: mismatched element type in array at or before \"write_paths = [ \"/a\", 1 ];\""},
	{"a = (\n1", "t:1: what begins here is never closed: ')' is missing"},
	{"a = (\n1 };", "t:2: found '}', but expected ')' (opened in line 1)"},
	{"a = 1; )", "t:1: ')' closes nothing"},
	{"\na = \"b;\n", "t:2: the string that begins here is never closed"},
	{"\na = \"b\\\"", "t:2: the string that begins here is never closed"},
	{"\n/* a *", "t:2: the comment that begins here is never closed"},
	{"\n@include \"/etc/passwd\"",
	 "t:2: @include is not supported: keep everything in one file"},
	{"a = " TEN TEN ";", "t:1: nested deeper than 16 brackets"},
	{"a = 1;\n\x01", "t:2: found the byte 0x01, but expected a text file"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct config_error err;
		struct config config;
		int ret = config_load_string(mistakes[i].text, strlen(mistakes[i].text), "t",
					     &config, &err);

		if (ret != -EINVAL || strcmp(err.text, mistakes[i].message) != 0) {
			print_error("%s\n  is: %d %s\n  expected: %s\n", mistakes[i].text, ret,
				    ret < 0 ? err.text : "accepted", mistakes[i].message);
			fail();
		}
		assert_null(strchr(err.text, '\n'));
		assert_null(config.owned);
		assert_int_equal(config.n_variants, 0);
	}
}

static struct config load(const char *text)
{
	struct config_error err;
	struct config config;

	if (config_load_string(text, strlen(text), "t", &config, &err) < 0)
		fail_msg("%s", err.text);
	return config;
}

static void test_nul_byte(void **state)
{
	static const char text[] = "leader_id = 0;\n\0";
	struct config_error err;
	struct config config;

	(void)state;
	assert_int_equal(config_load_string(text, sizeof(text), "t", &config, &err), -EINVAL);
	assert_string_equal(err.text, "t:2: found the byte 0x00, but expected a text file");
	assert_int_equal(err.line, 2);
}

static void test_defaults(void **state)
{
	struct config config = load(ONE);
	char directory[64];

	(void)state;
	snprintf(directory, sizeof(directory), "/var/tmp/tandem-%u", (unsigned int)geteuid());
	assert_string_equal(config.file, "t");
	assert_int_equal(config.policy, CONFIG_POLICY_FULL);
	assert_int_equal(config.replication_batch_size, 8192);
	assert_int_equal(config.transport, CONFIG_TRANSPORT_AUTO);
	assert_int_equal(config.ring_size, 1 << 20);
	assert_int_equal(config.compare, CONFIG_COMPARE_FULL);
	assert_int_equal(config.trap, CONFIG_TRAP_AUTO);
	assert_int_equal(config.wait, CONFIG_WAIT_ADAPTIVE);
	assert_int_equal(config.on_divergence, CONFIG_ON_DIVERGENCE_STOP);
	assert_true(config.hang_timeout == 10.0);
	assert_null(config.key_file);
	assert_int_equal(config.link, CONFIG_LINK_ENCRYPTED);
	assert_true(config.connect_timeout == 60);
	assert_true(config.peer_timeout == 5);
	assert_int_equal(config.on_peer_loss, CONFIG_ON_PEER_LOSS_END);
	assert_int_equal(config.length, strlen(ONE));
	assert_string_equal(config.text, ONE);
	assert_true(config.restore_probability == 0 && config.inject_fault_probability == 0);
	assert_int_equal(config.socket_read_usleep + config.ignore_first_n, 0);
	assert_string_equal(config.report_dir, directory);
	assert_null(config.write_paths[0]);
	assert_int_equal(config.n_notes, 0);

	assert_int_equal(config.n_variants, 1);
	assert_int_equal(config.leader, 0);
	assert_string_equal(config.variants[0].address, "");
	assert_int_equal(config.variants[0].port, 0);
	assert_true(config.variants[0].local);
	assert_null(config.variants[0].exec);
	assert_null(config.variants[0].cpus);
	assert_null(config.variants[0].rdma_device);
	assert_null(config.variants[0].env[0]);
	assert_null(config.variants[0].preload[0]);
	config_free(&config);
	config_free(&config);
}

static void test_every_key(void **state)
{
	struct config config = load(
		"leader_id = 7; policy = \"nonsocket_rw\"; replication_batch_size = 8192;\n"
		"restore_probability = 0.25; inject_fault_probability = 0.5;\n"
		"socket_read_usleep = 10; ignore_first_n = 100; transport = \"tcp\";\n"
		"ring_size = 0x10000; compare = \"hash\"; trap = \"seccomp\";\n"
		"wait = \"block\"; on_divergence = \"stop\"; hang_timeout = 2.5;\n"
		"key_file = \"/k\"; link = \"trusted\"; connect_timeout = 0; tcp_io = "
		"\"sockets\";\n"
		"peer_timeout = 2; on_peer_loss = \"continue\";\n"
		"report_dir = \"/tmp/r\"; write_paths = ( \"/var/log/\", \"/tmp/\" );\n"
		"variants = ( { id = 3; address = \"::1\"; port = 4000; },\n"
		"{ id = 7; address = \"192.0.2.1\"; exec = \"/x\"; env = ( \"A=1\", \"B=\" );\n"
		"rdma_device = \"mlx5_1\"; cpus = \"0,2-3\"; preload = [ \"a.so\", \"/b.so\" ];\n"
		"breakpoints = ( { symbol = \"f\"; offset = -4; instr_len = 2;\n"
		"interval = 3; } ); } );");
	const struct config_variant *variant = config_variant(&config, 7);

	(void)state;
	assert_int_equal(config.policy, CONFIG_POLICY_NONSOCKET_RW);
	assert_string_equal(config_policy_name(config.policy), "nonsocket_rw");
	assert_int_equal(config.replication_batch_size, 8192);
	assert_true(config.restore_probability == 0.25 && config.inject_fault_probability == 0.5);
	assert_int_equal(config.socket_read_usleep, 10);
	assert_int_equal(config.ignore_first_n, 100);
	assert_string_equal(config_transport_name(config.transport), "tcp");
	assert_int_equal(config.ring_size, 65536);
	assert_string_equal(config_compare_name(config.compare), "hash");
	assert_string_equal(config_trap_name(config.trap), "seccomp");
	assert_string_equal(config_wait_name(config.wait), "block");
	assert_string_equal(config_on_divergence_name(config.on_divergence), "stop");
	assert_true(config.hang_timeout == 2.5);
	assert_string_equal(config.key_file, "/k");
	assert_string_equal(config_link_name(config.link), "trusted");
	assert_string_equal(config_on_peer_loss_name(config.on_peer_loss), "continue");
	assert_true(config.connect_timeout == 0);
	assert_int_equal(config.tcp_io, CONFIG_TCP_IO_SOCKETS);
	assert_true(config.peer_timeout == 2);
	assert_string_equal(config.report_dir, "/tmp/r");
	assert_int_equal(config.n_write_paths, 2);
	assert_string_equal(config.write_paths[1], "/tmp/");
	assert_null(config.write_paths[2]);

	assert_ptr_equal(variant, &config.variants[config.leader]);
	assert_null(config_variant(&config, 0));
	assert_true(config.variants[0].local);
	assert_int_equal(config.variants[0].port, 4000);
	assert_int_equal(config.variants[0].line, 9);
	assert_false(variant->local);
	assert_string_equal(variant->exec, "/x");
	assert_int_equal(variant->n_env, 2);
	assert_string_equal(variant->env[1], "B=");
	assert_null(variant->env[2]);
	assert_int_equal(variant->n_preload, 2);
	assert_string_equal(variant->preload[1], "/b.so");
	assert_string_equal(variant->rdma_device, "mlx5_1");
	assert_string_equal(variant->cpus, "0,2-3");
	assert_int_equal(CPU_COUNT(&variant->cpu_set), 3);
	assert_true(CPU_ISSET(3, &variant->cpu_set));
	assert_int_equal(variant->n_breakpoints, 1);
	assert_string_equal(variant->breakpoints[0].symbol, "f");
	assert_int_equal(variant->breakpoints[0].offset, -4);
	assert_int_equal(variant->breakpoints[0].instr_len, 2);
	assert_int_equal(variant->breakpoints[0].interval, 3);

	assert_int_equal(config.n_notes, 3);
	assert_string_equal(config.notes[0], "t:2: restore_probability: accepted, but not active "
					     "in this version");
	assert_string_equal(config.notes[1], "t:3: socket_read_usleep: accepted, but not active in "
					     "this version");
	assert_string_equal(config.notes[2],
			    "t:12: variants[1].breakpoints: accepted, but not active in this "
			    "version: no checkpoints are taken");
	config_free(&config);
}

/* What libconfig 1.5 alone refuses or misreads, and newer ones (A8's) take. */
static void test_tolerance(void **state)
{
	struct config config;

	(void)state;
	config =
		load("\xef\xbb\xbfleader_id = 0.0, replication_batch_size: 8192.0\n"
		     "restore_probability = 0; // as A8's readme has it\n"
		     "restore_interval = 0; // some of its files, too\n"
		     "/* a ( comment \" with\nbrackets */ report_dir = \"/a\" /* and */ \"b#/*\";\n"
		     "variants = ( { id = 0L; port = 4000; } /* last */ , # comma\n);\n"
		     "write_paths = [ \"/c)\\\"/\", ] # no newline at the end");
	assert_int_equal(config.replication_batch_size, 8192);
	assert_string_equal(config.report_dir, "/ab#/*");
	assert_int_equal(config.n_write_paths, 1);
	assert_string_equal(config.write_paths[0], "/c)\"/");
	assert_int_equal(config.n_notes, 0);
	config_free(&config);

	config = load(BREAKPOINT("interval = 0; offset = 0x555555554000; instr_len = 4;"));
	assert_int_equal(config.variants[0].breakpoints[0].offset, 0x555555554000);
	assert_int_equal(config.n_notes, 0); /* switched off: nothing to say */
	config_free(&config);

	config = load(BREAKPOINT("interval = 1; pc = 0x4479d0; instr_len = 4;") " # old A8");
	assert_int_equal(config.variants[0].breakpoints[0].offset, 0x4479d0);
	config_free(&config);

	config = load("leader_id = 0; variants = ( { id = 0; breakpoints = ( \n ) } );");
	assert_int_equal(config.variants[0].n_breakpoints, 0);
	config_free(&config);
}

static void write_file(const char *path, const char *text, size_t repeat)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	while (repeat--)
		fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
	char directory[] = "/tmp/tandem-test-XXXXXX";
	char path[PATH_MAX];
	char expected[PATH_MAX + 100];
	struct config_error err;
	struct config config;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/t.cfg", directory);
	assert_int_equal(config_load(path, &config, &err), -ENOENT);
	snprintf(expected, sizeof(expected),
		 "%s: cannot read the configuration: No such file or directory", path);
	assert_string_equal(err.text, expected);

	assert_int_equal(config_load(directory, &config, &err), -EISDIR);

	write_file(path, "# a comment\n", 30000);
	assert_int_equal(config_load(path, &config, &err), -EFBIG);
	snprintf(expected, sizeof(expected),
		 "%s: larger than 256 KiB: this is no configuration file", path);
	assert_string_equal(err.text, expected);

	write_file(path, ONE, 1);
	assert_int_equal(config_load(path, &config, &err), 0);
	assert_string_equal(config.file, path);
	config_free(&config);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void test_ready_configurations(void **state)
{
	static const struct {
		const char *name;
		size_t notes;
	} ready[] = {{"nginx.cfg", 0}, {"lighttpd.cfg", 0}, {"redis.cfg", 0}, {"a8.cfg", 2}};

	(void)state;
	for (size_t i = 0; i < COUNT(ready); i++) {
		char path[PATH_MAX];
		struct config_error err;
		struct config config;

		snprintf(path, sizeof(path), "%s/%s", configs, ready[i].name);
		if (config_load(path, &config, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(config.n_variants, 2);
		assert_int_equal(config.policy, CONFIG_POLICY_SOCKET_RW_OC);
		assert_int_equal(config.n_notes, ready[i].notes);
		config_free(&config);
	}
}

static void test_addresses(void **state)
{
	static const char *const local[] = {"",        "localhost", "127.0.0.1", "127.8.8.8",
					    "0.0.0.0", "::1",       "::"};
	static const char *const remote[] = {"192.0.2.1", "2001:db8::1", "nonsense", "128.0.0.1"};

	(void)state;
	for (size_t i = 0; i < COUNT(local); i++)
		assert_true(config_address_is_local(local[i]));
	for (size_t i = 0; i < COUNT(remote); i++)
		assert_false(config_address_is_local(remote[i]));
}

/* config_place(): leader 0 and follower 1, each with more text. */
#define TWO(more, zero, one)                                                                       \
	"leader_id = 0; " more "\nvariants = ( { id = 0; " zero " },\n{ id = 1; " one " } );"

static void assert_misplaced(const char *text, int id, const char *expected)
{
	struct config config = load(text);
	struct config_error err;

	assert_int_equal(config_place(&config, id, &err), -EINVAL);
	assert_string_equal(err.text, expected);
	config_free(&config);
}

static void assert_placed(const char *text, int id, bool zero, bool one)
{
	struct config config = load(text);
	struct config_error err;

	if (config_place(&config, id, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(config.variants[0].local, zero);
	assert_int_equal(config.variants[1].local, one);
	assert_int_equal(config_spans_hosts(&config), !zero || !one);
	config_free(&config);
}

static void test_places(void **state)
{
	(void)state;
	assert_placed(TWO("", "", ""), -1, true, true);
	assert_placed(TWO("", "port = 1;", ""), 0, true, false);
	assert_placed(TWO("", "port = 1;", ""), 1, false, true);
	assert_placed(TWO("key_file = \"/k\";", "port = 1; address = \"203.0.113.1\";", ""), -1,
		      false, true);
	assert_placed(TWO("link = \"trusted\"; transport = \"rdma\";",
			  "port = 1; address = \"203.0.113.1\";", "address = \"203.0.113.2\";"),
		      1, false, true);
	assert_misplaced(TWO("", "", ""), 2, "--id 2: no variant of t has this id");
	assert_misplaced(
		TWO("", "", ""), 1,
		"t:2: variants[0].port: the key is missing: the other hosts connect to the "
		"leader's port");
	assert_misplaced(TWO("", "address = \"203.0.113.1\";", "address = \"203.0.113.2\";"), -1,
			 "t: no variant has an address of this machine; say with --id which one "
			 "runs here");
	assert_misplaced(
		TWO("transport = \"shm\";", "port = 1;", ""), 0,
		"t:3: variants[1].address: found \"\", but transport = \"shm\" reaches only "
		"variants that run here");
	assert_misplaced(
		TWO("", "port = 1;", "address = \"203.0.113.1\";"), -1,
		"t:3: variants[1].address: found \"203.0.113.1\", which others can reach, too: "
		"a key_file (tandem keygen FILE makes one, the same for all hosts) is "
		"needed, or link = \"trusted\" if nobody else is on that network");
	assert_misplaced(
		TWO("key_file = \"/k\";", "port = 1;", "address = \"203.0.113.1\";"), -1,
		"t:2: variants[0].address: found \"\", but variant 1 at 203.0.113.1 can't reach "
		"the leader there");
}

static void test_cpus(void **state)
{
	static const char *const wrong[] = {"",    "a",    "1,",  ",1",   "1-",    "-1",
					    "2-1", "1024", "1 2", "0,,1", "1-2-3", "99999999999"};
	cpu_set_t set;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(config_parse_cpus(wrong[i], &set), -EINVAL);
	assert_int_equal(config_parse_cpus("1023,0-1,1", &set), 0);
	assert_int_equal(CPU_COUNT(&set), 3);
	assert_true(CPU_ISSET(1023, &set));
}

/* check_config() */

struct heard {
	size_t problems;
	char text[4096];
};

static void hear(void *arg, bool problem, const char *line)
{
	struct heard *heard = arg;
	size_t n = strlen(heard->text);

	heard->problems += problem;
	snprintf(heard->text + n, sizeof(heard->text) - n, "%s\n", line);
}

static void assert_problem(const char *text, const char *expected)
{
	struct config config = load(text);
	struct heard heard = {.problems = 0};
	size_t problems = check_config(&config, hear, &heard);

	if (problems != 1 || heard.problems != 1 || !strstr(heard.text, expected))
		fail_msg("%zu problems: %s", problems, heard.text);
	config_free(&config);
}

static void test_check_config(void **state)
{
	struct config config = load(ONE);
	struct heard heard = {.problems = 0};

	(void)state;
	if (check_config(&config, hear, &heard) != 0)
		fail_msg("%s", heard.text);
	config_free(&config);

	assert_problem(VARIANT("cpus = \"1023\";"),
		       "t:1: variant 0: cpus = \"1023\": CPU 1023 does not exist here");
	assert_problem(VARIANT("preload = ( \"libtandem-nowhere.so.1\" );"),
		       "t:1: variant 0: preload: libtandem-nowhere.so.1: cannot open shared object "
		       "file; is its package installed?");
	assert_problem(VARIANT("preload = ( \"/etc/passwd\" );"),
		       "t:1: variant 0: preload: /etc/passwd: ");
	assert_problem(VARIANT("exec = \"/sbin/ldconfig\";"),
		       "it is statically linked, so the monitor cannot be loaded into it");
	assert_problem(ONE "report_dir = \"/etc/passwd/reports\";",
		       "t: report_dir: reports cannot be written to /etc/passwd/reports");
}

#define SPANNING(keys)                                                                             \
	"leader_id = 0; " keys " variants = ( { id = 0; rdma_device = \"nowhere_0\"; },"           \
	"{ id = 1; address = \"192.0.2.1\"; rdma_device = \"elsewhere_0\"; } );"

static void test_rdma_device(void **state)
{
	char dir[] = "/tmp/rdma.XXXXXX", command[256];
	struct machine_answer answer;
	struct config config;
	struct heard heard = {.problems = 0};

	(void)state;
	/* One that isn't there is a mistake where it would be used. */
	assert_problem(SPANNING("transport = \"rdma\"; link = \"trusted\";"),
		       "t:1: variant 0: rdma_device = \"nowhere_0\": there is no such device here");
	assert_problem(SPANNING("link = \"trusted\";"),
		       "t:1: variant 0: rdma_device = \"nowhere_0\": there is no such device here");
	config = load(SPANNING("key_file = \"/k\";"));
	assert_int_equal(check_config(&config, hear, &heard), 0);
	assert_non_null(strstr(heard.text, "t:1: variant 0: rdma_device = \"nowhere_0\" has no "
					   "effect: RDMA needs link = \"trusted\""));
	assert_null(strstr(heard.text, "elsewhere"));
	config_free(&config);

	/* Which there are is said. */
	assert_non_null(mkdtemp(dir));
	answer = machine_rdma_device(dir, "mlx5_7");
	assert_false(answer.yes);
	assert_string_equal(answer.detail, "there is no such device here, nor any other");
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p mlx5_0/ports/1 mlx5_0/ports/2 mlx5_1 && "
		 "echo '1: DOWN' >mlx5_0/ports/1/state && echo '4: ACTIVE' >mlx5_0/ports/2/state",
		 dir);
	assert_int_equal(system(command), 0);
	answer = machine_rdma_device(dir, "mlx5_7");
	assert_false(answer.yes);
	assert_non_null(strstr(answer.detail, "there is no such device here; there is "));
	assert_non_null(strstr(answer.detail, "mlx5_0 (port 1 DOWN, port 2 ACTIVE)"));
	assert_non_null(strstr(answer.detail, "mlx5_1 (port 1 unknown)"));
	answer = machine_rdma_device(dir, "mlx5_0");
	assert_true(answer.yes);
	assert_string_equal(answer.detail, "port 1 DOWN, port 2 ACTIVE");
	answer = machine_rdma_device(dir, "mlx5_1");
	assert_true(answer.yes);
	assert_string_equal(answer.detail, "port 1 unknown");
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_check_machine(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct config config = load(VARIANT("cpus = \"1023\";"));

	(void)state;
	assert_non_null(out);
	assert_int_equal(check_machine(out, &config, false), 111);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\nsud            "));
	assert_non_null(strstr(text, "\nproblem: t:1: variant 0: cpus"));
	assert_non_null(strstr(text, "\nt cannot run here\n"));
	free(text);

	out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(check_machine(out, &config, true), 111);
	assert_int_equal(fclose(out), 0);
	assert_ptr_equal(strstr(text, "{\"machine\": {\"kernel\": {\"yes\": true"), text);
	assert_non_null(strstr(text, "\"can_run\": false}\n"));
	free(text);
	config_free(&config);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_ready_configurations),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_check_config),
		cmocka_unit_test(test_rdma_device),
		cmocka_unit_test(test_check_machine),
	};

	if (argc > 1)
		configs = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
