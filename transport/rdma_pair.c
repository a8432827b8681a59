/* SPDX-License-Identifier: MIT */
/*
 * The queue pair: sends gather in a batch that is posted with one call, and receives that were
 * looked at are posted again when a few have gathered or nothing else has come, since what has come
 * is waited for. Sends are numbered from 0; one in RDMA_SIGNAL, and those whose memory is waited
 * for, say when they are complete, which says it of all before.
 */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "link.h"

#define BUFFERS ((size_t)(RDMA_RECEIVES + RDMA_PARTS) * RDMA_RECEIVE)

struct ibv_mr *rdma_register(struct rdma *r, void *at, size_t bytes, int access, const char *what)
{
	struct ibv_mr *mr = ibv_reg_mr(r->meet.id->pd, at, bytes, access);
	int error = errno;
	struct rlimit limit;

	if (mr)
		return mr;
	if (error == ENOMEM && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		link_lost(r->c.link,
			  "%zu KB of %s can't be locked for RDMA here: RLIMIT_MEMLOCK is %ju KB; "
			  "raise it "
			  "(ulimit -l, LimitMEMLOCK= of a systemd unit), or lower ring_size",
			  bytes >> 10, what, (uintmax_t)limit.rlim_cur >> 10);
	else
		link_lost(r->c.link, "%zu KB of %s can't be registered with %s here: %s%s",
			  bytes >> 10, what, rdma_device_of(r), strerror(error),
			  error == ENOMEM ? " (the device's limit, or memory: see ring_size)" : "");
	errno = error;
	return NULL;
}

static int refuse(struct rdma *r, const char *what)
{
	int error = errno;

	link_lost(r->c.link, "%s of %s can't be made here: %s%s", what, rdma_device_of(r),
		  strerror(error),
		  error == ENOMEM ? "; RLIMIT_MEMLOCK may be too low (ulimit -l)" : "");
	return -error;
}

static void hear(struct poller_item *item, int result)
{
	struct rdma *r = (void *)((uint8_t *)item - offsetof(struct rdma, on_completion));

	(void)result;
	r->come = true;
}

static int create_pair(struct rdma *r)
{
	struct ibv_qp_init_attr a = {
		.send_cq = r->cq,
		.recv_cq = r->cq,
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = RDMA_SENDS,
			.max_recv_wr = RDMA_RECEIVES,
			.max_send_sge = 1,
			.max_recv_sge = 1,
			.max_inline_data = 220},
	};

	if (!rdma_create_qp(r->meet.id, NULL, &a)) {
		r->most_inline = a.cap.max_inline_data;
		return 0;
	}
	/* Words are sent inline: that much any device has. */
	a.cap.max_inline_data = sizeof(struct rdma_word);
	if (rdma_create_qp(r->meet.id, NULL, &a))
		return -1;
	r->most_inline = a.cap.max_inline_data;
	return 0;
}

static int post_receives(struct rdma *r)
{
	int error;

	/* Shared, so that a child of this process doesn't get the pages that are registered. */
	r->buffers = mmap(NULL, BUFFERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->buffers == MAP_FAILED) {
		r->buffers = NULL;
		return refuse(r, "buffers");
	}
	r->buffers_mr = rdma_register(r, r->buffers, BUFFERS, IBV_ACCESS_LOCAL_WRITE, "buffers");
	if (!r->buffers_mr)
		return -errno;
	for (unsigned i = 0; i < RDMA_RECEIVES; i++) {
		error = rdma_receive(r, i);
		if (error)
			return error;
	}
	error = rdma_receives(r);
	r->received = 0;
	return error;
}

int rdma_pair_begin(struct rdma *r)
{
	struct ibv_context *verbs = r->meet.id->verbs;
	int error;

	r->channel = ibv_create_comp_channel(verbs);
	if (!r->channel)
		return refuse(r, "completion channel");
	fcntl(r->channel->fd, F_SETFL, O_NONBLOCK);
	r->cq = ibv_create_cq(verbs, RDMA_SENDS + RDMA_RECEIVES, NULL, r->channel, 0);
	if (!r->cq)
		return refuse(r, "completion queue");
	if (create_pair(r))
		return refuse(r, "queue pair");
	r->credit = RDMA_RECEIVES;
	error = post_receives(r);
	if (error)
		return error;
	r->on_completion.done = hear;
	return poller_watch(r->poller, &r->on_completion, r->channel->fd, POLLIN);
}

void rdma_pair_end(struct rdma *r)
{
	if (r->on_completion.done)
		poller_unwatch(r->poller, &r->on_completion);
	/* From here on the peer can't write. */
	if (r->meet.id && r->meet.id->qp)
		rdma_destroy_qp(r->meet.id);
	if (r->buffers_mr)
		ibv_dereg_mr(r->buffers_mr);
	if (r->buffers)
		munmap(r->buffers, BUFFERS);
	if (r->cq) {
		ibv_ack_cq_events(r->cq, r->acks);
		ibv_destroy_cq(r->cq);
	}
	if (r->channel)
		ibv_destroy_comp_channel(r->channel);
}

/* ---- out ---- */

bool rdma_room(const struct rdma *r, bool urgent)
{
	return r->meet.state == RDMA_UP && r->sent - r->complete < RDMA_SENDS &&
	       r->sent + (urgent ? 0 : RDMA_RESERVE) < r->credit;
}

struct ibv_send_wr *rdma_send(struct rdma *r, bool urgent)
{
	struct ibv_send_wr *wr;
	unsigned i;

	if (!rdma_room(r, urgent)) {
		r->full = true;
		return NULL;
	}
	if (r->batch == RDMA_BATCH && rdma_post(r))
		return NULL;
	i = r->batch++;
	wr = &r->wr[i];
	memset(wr, 0, sizeof(*wr));
	wr->wr_id = r->sent++;
	wr->sg_list = &r->sge[i];
	wr->num_sge = 1;
	if (r->sent - r->signalled >= RDMA_SIGNAL)
		wr->send_flags = IBV_SEND_SIGNALED;
	return wr;
}

bool rdma_say(struct rdma *r, const struct rdma_word *w, bool urgent)
{
	struct ibv_send_wr *wr = rdma_send(r, urgent);
	struct rdma_word *to;

	if (!wr)
		return false;
	to = &r->word[wr - r->wr];
	*to = *w;
	*wr->sg_list = (struct ibv_sge){.addr = (uintptr_t)to, .length = sizeof(*to)};
	wr->opcode = IBV_WR_SEND;
	wr->send_flags |= IBV_SEND_INLINE;
	return true;
}

int rdma_post(struct rdma *r)
{
	struct ibv_send_wr *bad;
	uint64_t bytes = 0;
	int error;

	if (!r->batch)
		return 0;
	for (unsigned i = 0; i < r->batch; i++) {
		struct ibv_send_wr *wr = &r->wr[i];

		if (wr->send_flags & IBV_SEND_SIGNALED)
			r->signalled = wr->wr_id + 1;
		if (wr->sg_list->length <= r->most_inline)
			wr->send_flags |= IBV_SEND_INLINE;
		bytes += wr->sg_list->length;
		wr->next = i + 1 < r->batch ? wr + 1 : NULL;
	}
	error = ibv_post_send(r->meet.id->qp, r->wr, &bad);
	link_sent(r->c.link, bytes, r->batch);
	r->posted = r->c.link->engine->now;
	r->batch = 0;
	if (error)
		return link_lost(r->c.link, "%s takes no more sends here: %s", rdma_device_of(r),
				 strerror(error));
	return 0;
}

/* ---- in ---- */

int rdma_receives(struct rdma *r)
{
	struct ibv_recv_wr *bad;
	int error;

	if (!r->agains)
		return 0;
	r->again[r->agains - 1].next = NULL;
	error = ibv_post_recv(r->meet.id->qp, r->again, &bad);
	if (error)
		return link_lost(r->c.link, "%s takes no more receives here: %s", rdma_device_of(r),
				 strerror(error));
	r->received += r->agains;
	r->agains = 0;
	return 0;
}

int rdma_receive(struct rdma *r, uint64_t i)
{
	unsigned at = r->agains++;

	r->again_sge[at] = (struct ibv_sge){
		.addr = (uintptr_t)(r->buffers + i * RDMA_RECEIVE),
		.length = RDMA_RECEIVE,
		.lkey = r->buffers_mr->lkey,
	};
	r->again[at] = (struct ibv_recv_wr){
		.wr_id = i,
		.next = &r->again[at + 1],
		.sg_list = &r->again_sge[at],
		.num_sge = 1,
	};
	return r->agains == RDMA_AGAIN ? rdma_receives(r) : 0;
}

int rdma_completions(struct rdma *r)
{
	struct ibv_cq *cq;
	void *context;
	int n;

	if (r->come) {
		r->come = r->armed = false;
		/* Each event is counted by the library until it is acknowledged. */
		while (!ibv_get_cq_event(r->channel, &cq, &context))
			r->acks++;
		ibv_ack_cq_events(r->cq, r->acks);
		r->acks = 0;
	}
	if (r->wcs) {
		n = (int)r->wcs;
		r->wcs = 0;
		return n;
	}
	n = ibv_poll_cq(r->cq, RDMA_COMPLETIONS, r->wc);
	return n < 0 ? link_lost(r->c.link, "completions of %s are lost", rdma_device_of(r)) : n;
}

int rdma_pair_arm(struct rdma *r)
{
	int n;

	if (!r->armed) {
		if (ibv_req_notify_cq(r->cq, 0))
			return link_lost(r->c.link, "%s can't wake up this host",
					 rdma_device_of(r));
		r->armed = true;
	}
	/* What came before the request doesn't wake anybody. */
	if (r->wcs)
		return 1;
	n = ibv_poll_cq(r->cq, RDMA_COMPLETIONS, r->wc);
	r->wcs = n > 0 ? (unsigned)n : 0;
	return n != 0;
}

int rdma_complete(struct rdma *r, const struct ibv_wc *wc)
{
	const char *what;

	switch (wc->status) {
	case IBV_WC_SUCCESS:
		if (!(wc->opcode & IBV_WC_RECV))
			r->complete = wc->wr_id + 1;
		return 0;
	case IBV_WC_WR_FLUSH_ERR: /* the connection has ended: how, others say */
		r->meet.ended = true;
		return -ECONNRESET;
	case IBV_WC_RETRY_EXC_ERR:
	case IBV_WC_RNR_RETRY_EXC_ERR:
		what = "it doesn't answer any more: dead, or the network between the hosts is";
		break;
	case IBV_WC_REM_ACCESS_ERR:
		what = "it has withdrawn its memory: its supervisor was ended, this stream is "
		       "closed there, or its host follows another leader";
		break;
	default:
		what = ibv_wc_status_str(wc->status);
	}
	return link_lost(r->c.link, "RDMA: %s", what);
}
