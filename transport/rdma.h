/* SPDX-License-Identifier: MIT */
/*
 * Inside the carrier over RDMA verbs: a reliable connected queue pair for each link.
 *
 *   rdma_device.c which device and address
 *   rdma_meet.c   how the two ends find and connect each other
 *   rdma_pair.c   the queue pair: what is posted, what has completed
 *   rdma.c        the carrier: streams, words, messages
 *
 * What crosses (docs/protocol-rdma.md has it field by field):
 *
 *   bytes of a stream   RDMA WRITE from the leader's ring to the same offset of the follower's,
 *                       with the stream's number as immediate data, and whether the leader waits
 *                       for them to be checked (WANT). Its completion is what the
 *                       follower's engine publishes, so the peer can write bytes and nothing
 *                       else: the head's page isn't open to it, a sleeper is woken, and no order
 *                       between two writes has to be relied upon.
 *   words, messages     SEND. A follower's host opens a stream with REGION, which tells where
 *                       it may be written; what it has released goes back as a TAIL.
 *
 * Both consume a receive of the peer, of which it has RDMA_RECEIVES; CREDIT tells how many
 * it has posted again. The connection's socket stays open: that it is closed is how the death of a
 * peer's process is noticed at once.
 *
 * Access ends with the queue pair (close) and with the registration of a stream (shut): a leader
 * that was replaced can't write to what it once could.
 */
#ifndef TANDEM_TRANSPORT_RDMA_H
#define TANDEM_TRANSPORT_RDMA_H

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include "carrier.h"

#define RDMA_RECEIVES 256u   /* posted; the same at both ends: part of the protocol */
#define RDMA_RECEIVE 4096u   /* bytes of each */
#define RDMA_RESERVE 8u      /* receives that only a CREDIT may take */
#define RDMA_SENDS 256u      /* posted and not known to be complete, at most */
#define RDMA_SIGNAL 64u      /* one in so many sends says when it is complete */
#define RDMA_BATCH 64u       /* sends that are posted with one call */
#define RDMA_WRITE 65536u    /* most bytes of one write: the follower begins with the first */
#define RDMA_COMPLETIONS 32u /* taken with one call */
#define RDMA_AGAIN 16u       /* receives that are posted again with one call, at most */
#define RDMA_PROBE 50000000  /* ns of quiet after which it asks whether all has come */
#define RDMA_TOKEN 16u
#define RDMA_WANTED 0x80000000u /* in immediate data: the leader waits for all up to here */

/* Types of words besides those of frame.h. */
enum rdma_type {
	RDMA_REGION = 32, /* follower's host: stream's data is at `position`, with `key` */
	RDMA_CREDIT,      /* both: `position` receives were posted again since the start */
};

/* Little endian; behind it, with FRAME_MESSAGE, part of a message of `position` bytes from `key`
 * on. */
struct rdma_word {
	uint8_t type, zero[3];
	uint32_t stream;
	uint64_t position;
	uint32_t key;
	uint32_t bytes; /* that follow */
};

#define RDMA_PART (RDMA_RECEIVE - sizeof(struct rdma_word))
#define RDMA_PARTS ((ENGINE_MESSAGE + RDMA_PART - 1) / RDMA_PART)

enum rdma_state {
	RDMA_HELLO,   /* follower's host: where does the leader's listen? */
	RDMA_CALLING, /* follower's host */
	RDMA_LISTENING,
	RDMA_UP,
};

/* On the socket, from the leader's host: where it listens, and what proves that it is this caller.
 */
struct rdma_hello {
	char magic[8];
	uint8_t family; /* 4 or 6 */
	uint8_t zero;
	uint8_t port[2];     /* big endian, as all of an address */
	uint8_t address[16]; /* IPv4: the first four */
	uint8_t token[RDMA_TOKEN];
};

struct rdma_meet {
	enum rdma_state state;
	int fd;
	int64_t begun;
	char device[64]; /* the one that was asked for, or "" */
	struct rdma_hello hello;
	size_t hello_bytes; /* that have come */
	struct rdma_event_channel *events;
	struct rdma_cm_id *listener, *id;
	struct poller_item on_socket, on_event;
	bool look;      /* something may have come */
	int64_t looked; /* when */
	bool ended;     /* the peer has hung up */
};

struct rdma_stream {
	struct rdma_stream *next;
	uint32_t number;
	const struct carrier_stream *s;
	struct ibv_mr *mr;
	bool open;       /* leader's host: REGION has come; follower's: it was sent */
	uint64_t remote; /* leader's host: where the peer has it */
	uint32_t key;
	uint64_t last;    /* send that touches it, + 1 */
	uint64_t reached; /* position behind that one's bytes */
};

struct rdma {
	struct carrier c;
	struct poller *poller;
	struct rdma_meet meet;
	bool leader;

	/* rdma_pair.c */
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct poller_item on_completion;
	bool come, armed;
	unsigned acks; /* of completion events */
	struct ibv_wc wc[RDMA_COMPLETIONS];
	unsigned wcs; /* taken and not yet looked at */
	uint32_t most_inline;
	uint8_t *buffers; /* of receives, then of the message under way */
	struct ibv_mr *buffers_mr;

	uint64_t sent, complete, signalled; /* sends since the start */
	uint64_t messaged;                  /* complete: the message's buffers are free again */
	uint64_t credit;                    /* sends that the peer has receives for */
	uint64_t received, credited; /* receives that were posted again, and that it knows of */
	int64_t posted;              /* when the last send was */
	int64_t patience;            /* ns from there to the next probe */
	bool full;                   /* something was refused for lack of room */
	bool bye;                    /* said */

	/* Receives that aren't posted again yet. */
	unsigned agains;
	struct ibv_recv_wr again[RDMA_AGAIN];
	struct ibv_sge again_sge[RDMA_AGAIN];

	/* The batch that isn't posted yet. */
	unsigned batch;
	uint64_t batch_bytes;
	struct ibv_send_wr wr[RDMA_BATCH];
	struct ibv_sge sge[RDMA_BATCH];
	struct rdma_word word[RDMA_BATCH];

	struct rdma_stream *streams; /* open */
	unsigned untold; /* follower's host: of them, those that the leader's isn't told of yet */
	struct rdma_stream *early; /* leader's host: REGION has come before its process has begun */
	struct rdma_stream *leaving; /* shut, but a send may touch them */
	uint8_t message[ENGINE_MESSAGE];
	uint32_t message_bytes; /* that have come; 0: none is under way */
	uint32_t message_size;  /* all of it */
};

/* rdma_meet.c. Each 0, or negative errno with *why or after link_lost(). */
int rdma_meet_begin(struct rdma *r, const struct engine_link *l, char why[ENGINE_WHY]);
/* Goes on; 1: the connection is up now. r->meet.ended: the peer has hung up. */
int rdma_meet_step(struct rdma *r);
/* Tells the peer, unless nothing is connected; the queue pair is gone already. */
void rdma_meet_end(struct rdma *r);
const char *rdma_device_of(const struct rdma *r);

/* rdma_pair.c. Likewise. */
int rdma_pair_begin(struct rdma *r);
void rdma_pair_end(struct rdma *r);
/* Room for one send more; urgent: for a CREDIT. */
bool rdma_room(const struct rdma *r, bool urgent);
/* The next send: to be filled in, then counted by the next one or by rdma_post(). NULL: no room. */
struct ibv_send_wr *rdma_send(struct rdma *r, bool urgent);
bool rdma_say(struct rdma *r, const struct rdma_word *w, bool urgent);
int rdma_post(struct rdma *r);
/* Fills r->wc; how many, or negative errno. */
int rdma_completions(struct rdma *r);
/* What one says; for a receive, it is the caller's to look at before rdma_receive(). */
int rdma_complete(struct rdma *r, const struct ibv_wc *wc);
/* Receive number i (wr_id) is to be posted again; rdma_receives(): those that are, now. */
int rdma_receive(struct rdma *r, uint64_t i);
int rdma_receives(struct rdma *r);
/* Asks to be woken by the next completion. */
int rdma_pair_arm(struct rdma *r);
/* access: of ibv_reg_mr(). NULL: errno, after link_lost() with the reason and the remedy. */
struct ibv_mr *rdma_register(struct rdma *r, void *at, size_t bytes, int access, const char *what);

#endif
