/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_RDMA_RAW_H
#define TANDEM_TEST_RDMA_RAW_H

/* A connection of test_rdma.c's own, past the engine. */

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

#endif
