/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_RDMA_RAW_H
#define TANDEM_TEST_RDMA_RAW_H

/* A connection of test_rdma.c's own, past the engine. */

#include <endian.h>

#include "rdma_test.h"

#define RAW_AT 5000u /* where it writes: behind all that was published */
#define RAW_BYTES 64u

struct raw_target {
	uint64_t address;
	uint32_t key;
};

static inline struct ibv_qp_init_attr raw_pair(void)
{
	return (struct ibv_qp_init_attr){
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1},
	};
}

static inline struct sockaddr_in raw_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT + 1)};

	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

static inline struct rdma_cm_id *raw_listen(void)
{
	struct sockaddr_in a = raw_address();
	struct rdma_cm_id *id;

	MUST(!rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP));
	MUST(!rdma_bind_addr(id, (void *)&a) && !rdma_listen(id, 1));
	return id;
}

static inline struct rdma_cm_id *raw_accept(struct rdma_cm_id *listener, struct raw_target *to)
{
	struct ibv_qp_init_attr pair = raw_pair();
	struct rdma_conn_param p = {.retry_count = 7, .rnr_retry_count = 7};
	struct rdma_cm_id *id;

	MUST(!rdma_get_request(listener, &id));
	memcpy(to, id->event->param.conn.private_data, sizeof(*to));
	MUST(!rdma_create_qp(id, NULL, &pair) && !rdma_accept(id, &p));
	rdma_destroy_id(listener);
	return id;
}

/* NULL: refused. */
static inline struct rdma_cm_id *raw_call(struct sockaddr_in a, const void *data, uint8_t bytes)
{
	struct rdma_conn_param p = {.private_data = data,
				    .private_data_len = bytes,
				    .retry_count = 7,
				    .rnr_retry_count = 7};
	struct ibv_qp_init_attr pair = raw_pair();
	struct rdma_cm_id *id;

	MUST(!rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP));
	MUST(!rdma_resolve_addr(id, NULL, (void *)&a, 5000) && !rdma_resolve_route(id, 5000));
	MUST(!rdma_create_qp(id, NULL, &pair));
	if (!rdma_connect(id, &p))
		return id;
	MUST(errno == ECONNREFUSED);
	rdma_destroy_ep(id);
	return NULL;
}

static inline struct rdma_cm_id *raw_connect(struct sockaddr_in a, const void *data, uint8_t bytes)
{
	struct rdma_cm_id *id = raw_call(a, data, bytes);

	MUST(id);
	return id;
}

static inline enum ibv_wc_status raw_write(struct rdma_cm_id *id, const struct raw_target *to)
{
	static uint8_t bytes[RAW_BYTES];
	struct ibv_mr *mr = ibv_reg_mr(id->pd, bytes, sizeof(bytes), IBV_ACCESS_LOCAL_WRITE);
	struct ibv_wc wc;

	memset(bytes, 0xee, sizeof(bytes));
	MUST(mr);
	MUST(!rdma_post_write(id, NULL, bytes, sizeof(bytes), mr, IBV_SEND_SIGNALED,
			      to->address + RAW_AT, to->key));
	MUST(rdma_get_send_comp(id, &wc) == 1);
	ibv_dereg_mr(mr);
	return wc.status;
}

/* Where the leader's host listens: the first that it says. */
static inline struct sockaddr_in raw_hear(int fd, struct rdma_hello *hello)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	MUST(recv(fd, hello, sizeof(*hello), MSG_WAITALL) == sizeof(*hello));
	memcpy(&a.sin_addr, hello->address, 4);
	memcpy(&a.sin_port, hello->port, 2);
	return a;
}

static inline void raw_say(struct rdma_cm_id *id, struct ibv_mr *mr, const struct rdma_word *w,
			   int follows)
{
	struct ibv_wc wc;

	memcpy(mr->addr, w, sizeof(*w));
	MUST(!rdma_post_send(id, NULL, mr->addr, sizeof(*w) + (size_t)follows, mr,
			     IBV_SEND_SIGNALED));
	MUST(rdma_get_send_comp(id, &wc) == 1);
}

/* As the leader's host: called by a follower's, which says where its stream 0 is. */
static inline struct rdma_cm_id *raw_lead(int fd, struct raw_target *to)
{
	static struct rdma_word word;
	struct rdma_conn_param p = {.retry_count = 7, .rnr_retry_count = 7};
	struct rdma_cm_id *listener = raw_listen(), *id;
	struct ibv_qp_init_attr pair = raw_pair();
	struct rdma_hello hello = {.family = 4};
	struct sockaddr_in a = raw_address();
	struct ibv_wc wc;
	struct ibv_mr *mr;

	memcpy(hello.magic, "TndRdma1", sizeof(hello.magic));
	memcpy(hello.port, &a.sin_port, sizeof(hello.port));
	memcpy(hello.address, &a.sin_addr, sizeof(a.sin_addr));
	MUST(write(fd, &hello, sizeof(hello)) == sizeof(hello));
	MUST(!rdma_get_request(listener, &id) && !rdma_create_qp(id, NULL, &pair));
	mr = ibv_reg_mr(id->pd, &word, sizeof(word), IBV_ACCESS_LOCAL_WRITE);
	MUST(mr && !rdma_post_recv(id, NULL, &word, sizeof(word), mr));
	MUST(!rdma_accept(id, &p) && rdma_get_recv_comp(id, &wc) == 1);
	MUST(word.type == RDMA_REGION && word.stream == 0);
	*to = (struct raw_target){le64toh(word.position), le32toh(word.key)};
	ibv_dereg_mr(mr);
	rdma_destroy_id(listener);
	return id;
}

static inline void raw_write_immediate(struct rdma_cm_id *id, const struct raw_target *to,
				       uint32_t bytes, uint32_t immediate)
{
	static uint8_t from[RDMA_WRITE];
	struct ibv_mr *mr = ibv_reg_mr(id->pd, from, sizeof(from), IBV_ACCESS_LOCAL_WRITE);
	struct ibv_sge piece = {(uintptr_t)from, bytes, mr ? mr->lkey : 0};
	struct ibv_send_wr *bad, wr = {.sg_list = &piece,
				       .num_sge = 1,
				       .opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
				       .send_flags = IBV_SEND_SIGNALED,
				       .imm_data = htonl(immediate),
				       .wr.rdma = {to->address, to->key}};
	struct ibv_wc wc;

	MUST(mr && !ibv_post_send(id->qp, &wr, &bad));
	MUST(rdma_get_send_comp(id, &wc) == 1);
	ibv_dereg_mr(mr);
}

#endif
