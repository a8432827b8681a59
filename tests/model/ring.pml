/* SPDX-License-Identifier: MIT */

/*
 * The ring of transport/ring.c: indices, flow control, sleep and wake, wake_at, lockstep.
 * Records are one byte long and positions small; names are those of the C code.
 *
 * Memory is TSO: a plain store goes into its process's buffer, and `drain` brings it to memory some time
 * later. A sequentially consistent store (STORE_SC) waits until the buffer is empty, as does
 * an atomic addition. (arm64's stlr/ldar order more than that between the four accesses concerned.)
 * Data is written to memory at once, which is the earliest that it can be: the worst case for
 * overwriting what is unread.
 *
 * Checked: no record is overwritten before it was released, each consumer gets every record, a lockstep
 * wait returns only when all have checked, and nobody sleeps for ever (no invalid end state).
 * Sleeps have no timeout, except the first nap with ADAPTIVE, and that only after the store
 * buffers had time to drain.
 *
 * -DCONSUMERS=n -DSIZE=n (ring) -DRECORDS=n
 * -DBATCH=n       wake_at = tail + n: 1 is urgent or RING_WAIT_BLOCK
 * -DADAPTIVE      ring_publish() without a fence, first nap timed
 * -DNO_NAP        ADAPTIVE with an endless first nap, to see what hangs by it
 * -DSILENT        the producer just stops at the end, instead of a last lockstep wait
 * -DBUG=n         break it, to see that it is noticed: see ring.sh
 */

#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef SIZE
#define SIZE 2
#endif
#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef BUG
#define BUG 0
#endif

#define AWAKE 255
#define HEAD 0
#define TAIL 1
#define WAKE_AT 2

/* The producer's page, the consumers' pages, the data. */
byte head, p_wake_at = AWAKE, p_bell;
byte tail[CONSUMERS], c_wake_at[CONSUMERS] = AWAKE, c_bell[CONSUMERS];
byte data[SIZE];

/* The kernel: who sleeps in futex(2), the producer on whose bell. */
bool p_asleep, c_asleep[CONSUMERS];
byte p_on;

/* Store buffers: name of the variable, value. */
chan p_buffer = [2] of {byte, byte};
chan c_buffer[CONSUMERS] = [2] of {byte, byte};

active proctype drain()
{
	byte what, value;
	byte i;

end:	do
	:: atomic {
		p_buffer?what, value ->
		if
		:: what == HEAD -> head = value
		:: else -> p_wake_at = value
		fi;
		what = 0; value = 0
	   }
	:: atomic {
		nempty(c_buffer[0]) ->
		c_buffer[0]?what, value;
		if
		:: what == TAIL -> tail[0] = value
		:: else -> c_wake_at[0] = value
		fi;
		what = 0; value = 0
	   }
#if CONSUMERS > 1
	:: atomic {
		nempty(c_buffer[1]) ->
		c_buffer[1]?what, value;
		if
		:: what == TAIL -> tail[1] = value
		:: else -> c_wake_at[1] = value
		fi;
		what = 0; value = 0
	   }
#endif
	od
}

#define STORE_SC(buffer, variable, value) atomic { empty(buffer) -> variable = value }

/* ---- producer ---- */

/* ring_bell(), of the producer: first the word, then the wake. */
inline p_ring()
{
	atomic { empty(p_buffer) -> p_bell++ };
	atomic {
		c_asleep[0] = false;
#if CONSUMERS > 1
		c_asleep[1] = false;
#endif
	}
}

inline serve(all)
{
	ringing = false;
	i = 0;
	do
	:: i < CONSUMERS ->
		atomic {
			at = c_wake_at[i];
			pending = (at != AWAKE && at != served[i]);
			if
			:: pending && at <= my_head ->
				served[i] = at;
				ringing = true;
				pending = false
			:: else -> skip
			fi
		};
		if
		:: pending && all ->
			atomic {
				if
				:: tail[i] < my_head ->
					ringing = true
				:: else -> skip
				fi;
				i++
			}
		:: else -> i++
		fi
	:: else -> break
	od;
	if
	:: ringing -> p_ring()
	:: else -> skip
	fi;
	d_step { i = 0; at = 0; ringing = false; pending = false }
}

inline kick()
{
#if BUG != 4
	STORE_SC(p_buffer, head, my_head);
#endif
	serve(true)
}

inline publish()
{
	my_head++;
#if defined(ADAPTIVE) || BUG == 1
	p_buffer!HEAD, my_head;
#else
	STORE_SC(p_buffer, head, my_head);
#endif
	do
	:: atomic { i < CONSUMERS && my_head >= c_wake_at[i] -> i = 0 };
	   serve(false);
	   break
	:: atomic { i < CONSUMERS && my_head < c_wake_at[i] -> i++ }
	:: atomic { i == CONSUMERS -> i = 0 };
	   break
	od
}

/* wait_tail(): until consumer j has reached `target`. */
inline p_wait(j, target, threshold)
{
	if
	:: tail[j] >= target -> skip
	:: else ->
#if BUG == 2
		p_buffer!WAKE_AT, threshold;
#else
		STORE_SC(p_buffer, p_wake_at, threshold);
#endif
		do
		:: true ->
			bell = c_bell[j];
			if
			:: tail[j] >= target -> break
			/* futex(FUTEX_WAIT) */
			:: tail[j] < target ->
			   atomic {
				if
				:: c_bell[j] == bell -> p_on = j; p_asleep = true
				:: else -> skip
				fi
			   };
			   !p_asleep
			fi
		od;
		p_buffer!WAKE_AT, AWAKE;
		bell = 0
	fi
}

inline p_wait_all(target, threshold)
{
	kick();
	p_wait(0, target, threshold);
#if CONSUMERS > 1
	p_wait(1, target, threshold);
#endif
}

inline least_tail(result)
{
	result = tail[0];
#if CONSUMERS > 1
	if
	:: tail[1] < result -> result = tail[1]
	:: else -> skip
	fi
#endif
}

active proctype producer()
{
	byte my_head, limit = SIZE, served[CONSUMERS] = AWAKE;
	byte i, at, bell, threshold;
	bool ringing, pending;

	do
	:: my_head < RECORDS ->
		/* ring_reserve() */
		if
		:: my_head + 1 > limit ->
			if
			:: threshold = my_head + 1 - SIZE
			:: threshold = my_head
			fi;
			p_wait_all(my_head + 1 - SIZE, threshold);
			threshold = 0;
			least_tail(limit);
			limit = limit + SIZE
		:: else -> skip
		fi;
		data[my_head % SIZE] = my_head;
		publish();
		/* Some records are lockstep. */
		if
		:: p_wait_all(my_head, my_head);
		   assert(tail[0] == my_head);
#if CONSUMERS > 1
		   assert(tail[1] == my_head)
#endif
		:: true
		fi
	:: else -> break
	od;
#ifndef SILENT
	p_wait_all(RECORDS, RECORDS)
#endif
}

/* ---- consumer ---- */

/* ring_release() */
inline release()
{
	my_tail++;
#if BUG == 3
	c_buffer[me]!TAIL, my_tail;
#else
	STORE_SC(c_buffer[me], tail[me], my_tail);
#endif
	if
	:: my_tail >= p_wake_at ->
		at = p_wake_at;
		if
		:: at <= my_tail && at != served ->
			served = at;
			atomic { empty(c_buffer[me]) -> c_bell[me]++ };
			atomic {
				if
				:: p_asleep && p_on == me -> p_asleep = false
				:: else -> skip
				fi
			}
		:: else -> skip
		fi;
		at = 0
	:: else -> skip
	fi
}

/* ring_peek() of one record */
inline peek()
{
	if
	:: my_head > my_tail -> skip
	:: else ->
		my_head = head;
		if
		:: my_head > my_tail -> skip
		:: else ->
#if BUG == 5
			c_buffer[me]!WAKE_AT, my_tail + BATCH;
#else
			STORE_SC(c_buffer[me], c_wake_at[me], my_tail + BATCH);
#endif
			first = true;
			do
			:: true ->
#if BUG != 6
				bell = p_bell;
#endif
				my_head = head;
				if
				:: my_head > my_tail -> break
				:: else -> skip
				fi;
#if BUG == 6
				bell = p_bell;
#endif
				/* futex(FUTEX_WAIT) */
				atomic {
					if
					:: p_bell == bell -> c_asleep[me] = true
					:: else -> skip
					fi
				};
				if
				:: !c_asleep[me]
#if defined(ADAPTIVE) && !defined(NO_NAP)
				/* The nap is longer than a store takes to arrive. */
				:: atomic {
					c_asleep[me] && first && empty(p_buffer) ->
					c_asleep[me] = false
				   }
#endif
				fi;
				first = false
			od;
			c_buffer[me]!WAKE_AT, AWAKE;
			bell = 0
		fi
	fi
}

proctype consumer(byte me)
{
	byte my_tail, my_head, served = AWAKE;
	byte at, bell;
	bool first;

	do
	:: my_tail < RECORDS ->
		peek();
		assert(my_head <= my_tail + SIZE);
		assert(data[my_tail % SIZE] == my_tail);
		release()
	:: else -> break
	od
}

init {
	atomic {
		run consumer(0);
#if CONSUMERS > 1
		run consumer(1);
#endif
	}
}
