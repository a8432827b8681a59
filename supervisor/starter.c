/* SPDX-License-Identifier: MIT */
#include "starter.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../monitor/starter/starter.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif

#define PAGE 4096

/* Below what mmap chooses, and far above what programs are linked at: 2^40 bytes from here. */
#define LOWEST 0x200000000000ull
#define PLACES (1ull << 28)

extern const uint8_t starter_begin[], starter_end[]; /* starter_file.S */

uint64_t starter_gate(uint64_t random)
{
	return LOWEST + random % PLACES * PAGE;
}

/* Nothing in it depends on its address but its headers. */
static int write_at(int fd, uint64_t gate)
{
	uint8_t head[PAGE];
	size_t bytes = (size_t)(starter_end - starter_begin);
	uint64_t move = 0;
	Elf64_Ehdr e;
	Elf64_Phdr ph;

	if (bytes < sizeof(head))
		return -ENOEXEC;
	memcpy(head, starter_begin, sizeof(head));
	memcpy(&e, head, sizeof(e));
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint8_t *at = head + e.e_phoff + i * sizeof(ph);

		memcpy(&ph, at, sizeof(ph));
		if (ph.p_type != PT_LOAD)
			continue;
		if (!move)
			move = gate - ph.p_vaddr; /* the first begins with the gate page */
		ph.p_vaddr += move;
		ph.p_paddr += move;
		memcpy(at, &ph, sizeof(ph));
	}
	e.e_type = ET_EXEC;
	e.e_entry += move;
	memcpy(head, &e, sizeof(e));
	if (pwrite(fd, head, sizeof(head), 0) != sizeof(head) ||
	    pwrite(fd, starter_begin + sizeof(head), bytes - sizeof(head), sizeof(head)) !=
		    (ssize_t)(bytes - sizeof(head)))
		return errno ? -errno : -EIO;
	return 0;
}

static int executable_file(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(STARTER_NAME, flags | MFD_EXEC);

	/* Before Linux 6.3 every memory file may be executed, and that isn't asked for. */
	return fd < 0 && errno == EINVAL ? memfd_create(STARTER_NAME, flags) : fd;
}

int starter_create(uint64_t gate)
{
	int fd = executable_file(), only;
	char path[64];
	int error;

	if (fd < 0)
		return -errno;
	errno = 0;
	error = write_at(fd, gate);
	if (!error &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		error = -errno;
	/* Nothing is executed that somebody has open for writing. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	only = error ? error : open(path, O_RDONLY | O_CLOEXEC);
	if (!error && only < 0)
		only = -errno;
	close(fd);
	return only;
}
