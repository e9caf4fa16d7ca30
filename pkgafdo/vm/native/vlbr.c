/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vlbr: a virtual LBR (last branch record) for x86-64 Linux guests, as a QEMU TCG plugin.
 *
 * Counts every taken near branch (from, to) and every fall-through range [start, last instruction] that the
 * guest kernel executes inside marked windows, or (mode=measure) counts kernel instructions and taken
 * branches, models an instruction cache and an instruction TLB, and counts the lines and pages touched.
 *
 * Arguments (key=value): mode=record|measure, out=FILE, entry=LO-HI (hex, the kernel's entry text),
 * and with mode=record optionally stacks=FILE and period=N: each N taken branches, the last 32 of them.
 *
 * How branches are seen: QEMU reports translated blocks. A block that starts where the one before it ended
 * is a fall-through, unless that one's last instruction always branches. A block that starts where the last
 * instruction of the one before it can branch to is a taken branch. Everything else (interrupt, exception,
 * iret, sysret, user code) is a discontinuity, which closes the open range without recording it. User code is
 * not instrumented at all, except for markers.
 *
 * All virtual CPUs must run in one thread (-accel tcg,thread=single), so nothing here takes a lock.
 *
 * The plugin API is declared here rather than included: distributions do not all ship qemu-plugin.h, and one
 * source must serve several API versions (-DVLBR_API=N). Documented in QEMU's docs/devel/tcg-plugins.rst and
 * include/plugins/qemu-plugin.h.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VLBR_API
#error "compile with -DVLBR_API=N, the plugin API version that QEMU offers"
#endif

#define EXPORT __attribute__((visibility("default")))
#define unlikely(x) __builtin_expect(!!(x), 0)

/* ---- QEMU's side ------------------------------------------------------------------------------------- */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
} qemu_info_t;

enum { CB_NO_REGS };

typedef void (*exec_cb_t)(unsigned int vcpu, void *userdata);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_cb_t, int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_cb_t, int flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
#if VLBR_API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *dest, size_t len);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
#endif
#if VLBR_API >= 7 /* the id argument is gone, user data has come */
typedef void (*trans_cb_t)(struct qemu_plugin_tb *, void *);
typedef void (*exit_cb_t)(void *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, trans_cb_t, void *);
#else
typedef void (*trans_cb_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exit_cb_t)(qemu_plugin_id_t, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, trans_cb_t);
#endif
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_cb_t, void *);

EXPORT int qemu_plugin_version = VLBR_API;

/* ---- blocks ------------------------------------------------------------------------------------------ */

enum kind { FALLS, DIRECT, INDIRECT, RETURN };

struct counter {
	uint64_t a, b, count;
};

struct block {
	uint64_t start, end, last; /* last: address of the last instruction */
	uint64_t falls_to;         /* end, or 0 when the last instruction always branches */
	uint64_t target;           /* of a direct branch, else 0 */
	uint64_t taken;            /* executions of the direct branch that went to target */
	uint64_t range_from;       /* the range ending here that was closed most recently … */
	struct counter *range;     /* … and its counter */
	const struct block *went;  /* where the indirect branch went most recently … */
	struct counter *edge;      /* … and its counter */
	uint32_t insns;
	uint8_t kind;
	bool repeats; /* the last instruction is a string instruction with a rep prefix */
	bool in_entry;
	struct block *next; /* same hash bucket */
};

static struct block nowhere = { .start = 1, .end = 2, .last = 1 };

#define BUCKETS (1u << 18)
static struct block **buckets;

static void die(const char *what)
{
	fprintf(stderr, "vlbr: %s\n", what);
	exit(1);
}

static void *need(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15ull ^ (b + 0x7f4a7c15u) * 0xff51afd7ed558ccdull;

	return h ^ h >> 29;
}

/* ---- tables of counters ------------------------------------------------------------------------------ */

struct table {
	struct counter **slots;
	size_t capacity, used;
};

static struct table edges, ranges;

static void table_grow(struct table *t)
{
	size_t capacity = t->capacity ? t->capacity * 2 : 1u << 16;
	struct counter **slots = need(calloc(capacity, sizeof(*slots)));

	for (size_t i = 0; i < t->capacity; i++) {
		if (!t->slots[i])
			continue;
		size_t at = mix(t->slots[i]->a, t->slots[i]->b) & (capacity - 1);
		while (slots[at])
			at = (at + 1) & (capacity - 1);
		slots[at] = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->capacity = capacity;
}

/* Find or make the counter of a pair; its address never changes. */
static struct counter *table_at(struct table *t, uint64_t a, uint64_t b)
{
	if (t->used * 2 >= t->capacity)
		table_grow(t);
	size_t at = mix(a, b) & (t->capacity - 1);
	while (t->slots[at]) {
		if (t->slots[at]->a == a && t->slots[at]->b == b)
			return t->slots[at];
		at = (at + 1) & (t->capacity - 1);
	}
	struct counter *c = need(malloc(sizeof(*c)));
	*c = (struct counter){ .a = a, .b = b };
	t->slots[at] = c;
	t->used++;
	return c;
}

/* ---- decoding the last instruction ------------------------------------------------------------------- */

static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return false;
	}
}

static bool is_string(uint8_t op)
{
	return (op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf) || (op >= 0x6c && op <= 0x6f);
}

/* Intel SDM volume 2, opcode maps. Far transfers (syscall, sysret, iret, int, hlt) stay FALLS: what follows
 * them is never where they end in kernel code, so they come out as discontinuities. */
static void decode(struct block *b, const uint8_t *code, size_t size)
{
	size_t i = 0;
	bool rep = false;
	int64_t relative = 0;
	bool direct = false, always = false;

	b->kind = FALLS;
	b->falls_to = b->end;
	for (; i < size && is_prefix(code[i]); i++)
		rep |= code[i] == 0xf2 || code[i] == 0xf3;
	if (i < size && (code[i] & 0xf0) == 0x40)
		i++;
	if (i >= size)
		return;
	uint8_t op = code[i], after = i + 1 < size ? code[i + 1] : 0;
	if ((op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3) || op == 0xeb) {
		direct = true;
		always = op == 0xeb;
		relative = (int8_t)code[size - 1];
	} else if (op == 0xe8 || op == 0xe9 || (op == 0x0f && after >= 0x80 && after <= 0x8f)) {
		int32_t rel32;
		if (size < 5)
			return;
		memcpy(&rel32, code + size - 4, 4);
		direct = true;
		always = op != 0x0f;
		relative = rel32;
	} else if (op == 0xc3 || op == 0xc2) {
		b->kind = RETURN;
	} else if (op == 0xff && (((after >> 3) & 7) == 2 || ((after >> 3) & 7) == 4)) {
		b->kind = INDIRECT;
	}
	b->repeats = rep && is_string(op);
	if (direct) {
		b->kind = DIRECT;
		b->target = b->end + (uint64_t)relative;
	}
	/* A switch's jump to the very next case is a taken branch like any other. */
	if (always || b->kind == INDIRECT || b->kind == RETURN)
		b->falls_to = 0;
}

/* Calls in the entry text: a return into it is genuine only just behind one of them; every other way in
 * after an indirect branch is an interrupt or exception that came before the branch's target ran. */
#define MAX_ENTRY_RETURNS 4096
static uint64_t entry_returns[MAX_ENTRY_RETURNS];
static size_t n_entry_returns;
static uint64_t entry_lo, entry_hi;

static void note_entry_call(const struct block *b, const uint8_t *code, size_t size)
{
	bool call = size >= 2 && (code[size > 5 ? size - 5 : 0] == 0xe8 || b->kind == INDIRECT);

	for (size_t i = 0; call && i < n_entry_returns; i++)
		if (entry_returns[i] == b->end)
			return;
	if (call && n_entry_returns < MAX_ENTRY_RETURNS)
		entry_returns[n_entry_returns++] = b->end;
}

static bool enters_by_branch(const struct block *from, const struct block *to)
{
	if (!to->in_entry || from->in_entry)
		return true;
	for (size_t i = 0; from->kind == RETURN && i < n_entry_returns; i++)
		if (entry_returns[i] == to->start)
			return true;
	return false;
}

/* ---- windows ----------------------------------------------------------------------------------------- */

#define MAX_WINDOWS 256
#define MAX_VCPUS 256

struct cpu {
	struct block *prev;
	uint64_t open; /* start of the open range; 0: none */
	unsigned int depth, at; /* how many entries of the stack are valid, and where the next goes */
	uint64_t stack[32][2];
};

struct window {
	uint64_t seen, instructions, taken, l1i_misses, itlb_misses, discontinuities;
	uint64_t lines_touched, pages_touched;
};

static struct cpu cpus[MAX_VCPUS];
static struct window windows[MAX_WINDOWS], *window;
static bool measuring;

static void forget_position(void)
{
	for (size_t i = 0; i < MAX_VCPUS; i++) {
		cpus[i].prev = &nowhere;
		cpus[i].open = 0;
		cpus[i].depth = 0;
	}
}

/* ---- recording --------------------------------------------------------------------------------------- */

static FILE *stacks;
static uint64_t period, countdown;

static void close_range(struct cpu *c, struct block *p)
{
	if (unlikely(!c->open))
		return;
	if (unlikely(p->range_from != c->open)) {
		p->range_from = c->open;
		p->range = table_at(&ranges, c->open, p->last);
	}
	p->range->count++;
}

static void write_stack(const struct cpu *c)
{
	uint64_t n = c->depth;

	fwrite(&n, sizeof(n), 1, stacks);
	for (uint64_t i = 0; i < n; i++)
		fwrite(c->stack[(c->at - 1 - i) & 31], sizeof(c->stack[0]), 1, stacks);
}

static void push_stack(struct cpu *c, uint64_t from, uint64_t to)
{
	c->stack[c->at & 31][0] = from;
	c->stack[c->at & 31][1] = to;
	c->at++;
	if (c->depth < 32)
		c->depth++;
	if (--countdown == 0) {
		countdown = period;
		write_stack(c);
	}
}

static bool goes_to(struct block *p, struct block *b)
{
	return p->kind == DIRECT ? p->target == b->start :
	       p->kind != FALLS && enters_by_branch(p, b);
}

/* QEMU 7.2 counts an instruction that crosses a page, and then leaves it to the next block; of its bytes
 * only those before the page's end are known. The first time tells. */
static bool left_over(struct block *p, const struct block *b)
{
	if (b->start != p->last || p->end & 0xfff || p->insns < 2)
		return false;
	p->end = p->falls_to = p->last;
	p->insns--;
	p->kind = FALLS;
	p->target = 0;
	return true;
}

static void record_block(unsigned int vcpu, void *userdata)
{
	struct block *b = userdata;
	struct cpu *c = &cpus[vcpu];
	struct block *p = c->prev;

	if (!window)
		return;
	c->prev = b;
	if (p->falls_to == b->start)
		return;
	if (p->target == b->start) {
		p->taken++;
	} else if (p->repeats && b->start == p->last) {
		return; /* the same string instruction, one more element */
	} else if (unlikely(left_over(p, b))) {
		return;
	} else if (p->kind != DIRECT && goes_to(p, b)) {
		if (unlikely(p->went != b)) {
			p->went = b;
			p->edge = table_at(&edges, p->last, b->start);
		}
		p->edge->count++;
	} else {
		window->discontinuities++;
		c->open = b->start;
		c->depth = 0;
		return;
	}
	close_range(c, p);
	c->open = b->start;
	if (unlikely(stacks))
		push_stack(c, p->last, b->start);
}

/* ---- measuring --------------------------------------------------------------------------------------- */

/* The model: only kernel fetches; L1i 32 KiB, 8 ways, 64-byte lines; iTLB 64 entries, 8 ways, 4 KiB pages;
 * both with true LRU replacement, cold at the start of each window. */
#define SETS_L1I 64
#define SETS_ITLB 8
#define WAYS 8

struct cache {
	uint64_t tags[SETS_L1I][WAYS];
	uint64_t latest;
};

static struct cache l1i, itlb;

static uint64_t cache_miss(struct cache *cache, uint64_t tag, unsigned int sets)
{
	uint64_t *set = cache->tags[tag & (sets - 1)];
	int way = 0;

	if (cache->latest == tag)
		return 0;
	cache->latest = tag;
	while (way < WAYS && set[way] != tag)
		way++;
	bool miss = way == WAYS;
	for (way = miss ? WAYS - 1 : way; way > 0; way--)
		set[way] = set[way - 1];
	set[0] = tag;
	return miss;
}

/* Which lines and pages were fetched since the window opened, a bit each: of the top 2 GiB, where x86-64
 * has the kernel's text and its modules (Documentation/arch/x86/x86_64/mm.rst). */
#define TOP (~0ull << 31)
static uint64_t lines_seen[(1u << (31 - 6)) / 64], pages_seen[(1u << (31 - 12)) / 64];

static uint64_t first_touch(uint64_t *seen, uint64_t address, unsigned int shift)
{
	uint64_t bit = (address & ~TOP) >> shift, mask = 1ull << (bit & 63);

	if ((address & TOP) != TOP || seen[bit / 64] & mask)
		return 0;
	seen[bit / 64] |= mask;
	return 1;
}

static void fetch(const struct block *b)
{
	for (uint64_t line = b->start >> 6; line <= (b->end - 1) >> 6; line++) {
		window->l1i_misses += cache_miss(&l1i, line, SETS_L1I);
		window->lines_touched += first_touch(lines_seen, line << 6, 6);
	}
	for (uint64_t page = b->start >> 12; page <= (b->end - 1) >> 12; page++) {
		window->itlb_misses += cache_miss(&itlb, page, SETS_ITLB);
		window->pages_touched += first_touch(pages_seen, page << 12, 12);
	}
}

static void measure_block(unsigned int vcpu, void *userdata)
{
	struct block *b = userdata;
	struct cpu *c = &cpus[vcpu];
	struct block *p = c->prev;

	if (!window)
		return;
	c->prev = b;
	if (p->repeats && b->start == p->last) {
		/* one rep instruction is one instruction, however many elements it moves */
		window->instructions += b->insns - 1;
		return;
	}
	window->instructions += b->insns;
	fetch(b);
	if (p->falls_to == b->start)
		return;
	if (unlikely(left_over(p, b)))
		window->instructions--;
	else if (goes_to(p, b))
		window->taken++;
	else
		window->discontinuities++;
}

/* ---- translation ------------------------------------------------------------------------------------- */

static size_t copy_code(const struct qemu_plugin_insn *insn, uint8_t code[16])
{
	size_t size = qemu_plugin_insn_size(insn);

	if (size > 15)
		size = 15;
#if VLBR_API >= 3
	return qemu_plugin_insn_data(insn, code, size);
#else
	memcpy(code, qemu_plugin_insn_data(insn), size);
	return size;
#endif
}

/* The marker: nopl DISP(%rax,%rax,1) in user code, with DISP = MARK | operation << 8 | window. */
#define MARK 0x564c0000u
enum { MARK_START = 1, MARK_STOP = 2 };

static void write_window(uint64_t number);

static void on_mark(unsigned int vcpu, void *userdata)
{
	uintptr_t code = (uintptr_t)userdata;

	(void)vcpu;
	forget_position();
	if (window && !measuring)
		write_window((uint64_t)(window - windows));
	if (code >> 8 == MARK_START) {
		window = &windows[code & 0xff];
		window->seen++;
		memset(&l1i, 0, sizeof(l1i));
		memset(&itlb, 0, sizeof(itlb));
		memset(lines_seen, 0, sizeof(lines_seen));
		memset(pages_seen, 0, sizeof(pages_seen));
	} else {
		window = NULL;
	}
}

static void find_marks(struct qemu_plugin_tb *tb, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t code[16];
		uint32_t disp;

		if (qemu_plugin_insn_size(insn) != 8 || copy_code(insn, code) != 8)
			continue;
		memcpy(&disp, code + 4, 4);
		if (memcmp(code, "\x0f\x1f\x84\x00", 4) || (disp & 0xffff0000u) != MARK)
			continue;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, CB_NO_REGS,
						       (void *)(uintptr_t)(disp & 0xffff));
	}
}

static struct block *block_of(struct qemu_plugin_tb *tb, size_t n)
{
	const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n - 1);
	uint64_t start = qemu_plugin_tb_vaddr(tb), last = qemu_plugin_insn_vaddr(insn);
	uint8_t code[16] = { 0 };
	size_t size = copy_code(insn, code);
	struct block fresh = { .start = start, .last = last, .end = last + size, .insns = (uint32_t)n };

	decode(&fresh, code, size);
	fresh.in_entry = start >= entry_lo && start < entry_hi;
	struct block **bucket = &buckets[mix(start, last) & (BUCKETS - 1)];
	for (struct block *b = *bucket; b; b = b->next)
		if (b->start == start && ((b->end == fresh.end && b->target == fresh.target &&
					   b->falls_to == fresh.falls_to && b->kind == fresh.kind &&
					   b->insns == fresh.insns) ||
					  (b->end == last && !(fresh.end & 0xfff))))
			return b; /* the second: without what was left over */
	if (fresh.in_entry)
		note_entry_call(&fresh, code, size);
	struct block *b = need(malloc(sizeof(*b)));
	*b = fresh;
	b->next = *bucket;
	*bucket = b;
	return b;
}

static void translated(struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	if (!(qemu_plugin_tb_vaddr(tb) >> 63))
		find_marks(tb, n);
	else if (n)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, measuring ? measure_block : record_block,
						     CB_NO_REGS, block_of(tb, n));
}

/* ---- results ----------------------------------------------------------------------------------------- */

static FILE *out;
static uint64_t blocks_written;

/* Direct branches are counted in their block; several blocks may end in the same branch. */
static void gather_direct(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *b = buckets[i]; b; b = b->next) {
			if (b->taken)
				table_at(&edges, b->last, b->target)->count += b->taken;
			b->taken = 0;
		}
}

static void add_up(const struct table *t, uint64_t *used, uint64_t *total)
{
	*used = *total = 0;
	for (size_t i = 0; i < t->capacity; i++) {
		if (t->slots[i] && t->slots[i]->count) {
			*total += t->slots[i]->count;
			++*used;
		}
	}
}

static void write_and_clear(const struct table *t)
{
	for (size_t i = 0; i < t->capacity; i++) {
		if (!t->slots[i] || !t->slots[i]->count)
			continue;
		fwrite(t->slots[i], sizeof(struct counter), 1, out);
		t->slots[i]->count = 0;
	}
}

/* One block a window, when it closes: six numbers, then its branches, then its ranges, three u64 each. */
static void write_window(uint64_t number)
{
	uint64_t head[6] = { number };

	gather_direct();
	add_up(&edges, &head[1], &head[3]);
	add_up(&ranges, &head[2], &head[4]);
	head[5] = windows[number].discontinuities;
	windows[number].discontinuities = 0;
	fwrite(head, sizeof(head), 1, out);
	write_and_clear(&edges);
	write_and_clear(&ranges);
	blocks_written++;
}

/* The last block has window ~0 and tells how many came before: without it the file is cut short. */
static void write_end(void)
{
	uint64_t head[6] = { ~0ull, blocks_written };

	fwrite(head, sizeof(head), 1, out);
}

static void write_measure(void)
{
	fprintf(out, "vlbr-measure 1\n");
	for (size_t i = 0; i < MAX_WINDOWS; i++) {
		const struct window *w = &windows[i];

		if (w->seen)
			fprintf(out, "window %zu seen %" PRIu64 " instructions %" PRIu64
				" taken_branches %" PRIu64 " l1i_misses %" PRIu64 " itlb_misses %" PRIu64
				" discontinuities %" PRIu64 " lines_touched %" PRIu64 " pages_touched %" PRIu64
				"\n", i, w->seen, w->instructions, w->taken, w->l1i_misses, w->itlb_misses,
				w->discontinuities, w->lines_touched, w->pages_touched);
	}
	fprintf(out, "end\n");
}

static void finish(void)
{
	if (measuring) {
		write_measure();
	} else {
		if (window) /* QEMU was ended inside it */
			write_window((uint64_t)(window - windows));
		write_end();
	}
	if (ferror(out) || fclose(out))
		die("the output file could not be written whole");
	if (stacks && (ferror(stacks) || fclose(stacks)))
		die("the stacks file could not be written whole");
}

/* ---- the plugin -------------------------------------------------------------------------------------- */

#if VLBR_API >= 7
static void on_translated(struct qemu_plugin_tb *tb, void *userdata)
{
	(void)userdata;
	translated(tb);
}

static void on_exit_(void *userdata)
{
	(void)userdata;
	finish();
}
#else
static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	translated(tb);
}

static void on_exit_(qemu_plugin_id_t id, void *userdata)
{
	(void)id;
	(void)userdata;
	finish();
}
#endif

static bool argument(const char *text)
{
	if (!strcmp(text, "mode=record") || !strcmp(text, "mode=measure"))
		measuring = text[5] == 'm';
	else if (!strncmp(text, "out=", 4))
		return (out = fopen(text + 4, "wb")) != NULL;
	else if (!strncmp(text, "entry=", 6))
		return sscanf(text + 6, "%" SCNx64 "-%" SCNx64, &entry_lo, &entry_hi) == 2;
	else if (!strncmp(text, "stacks=", 7))
		return (stacks = fopen(text + 7, "wb")) != NULL;
	else if (!strncmp(text, "period=", 7))
		return (countdown = period = strtoull(text + 7, NULL, 10)) > 0;
	else
		return false;
	return true;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64")) {
		fprintf(stderr, "vlbr: only system emulation of x86_64 is supported\n");
		return -1;
	}
	for (int i = 0; i < argc; i++) {
		if (!argument(argv[i])) {
			fprintf(stderr, "vlbr: bad argument: %s\n", argv[i]);
			return -1;
		}
	}
	if (!out || (stacks && !period)) {
		fprintf(stderr, "vlbr: out=FILE is needed, and period=N with stacks=FILE\n");
		return -1;
	}
	if (!measuring)
		fwrite("VLBRCNT2", 8, 1, out);
	buckets = need(calloc(BUCKETS, sizeof(*buckets)));
	forget_position();
#if VLBR_API >= 7
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated, NULL);
#else
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
#endif
	qemu_plugin_register_atexit_cb(id, on_exit_, NULL);
	return 0;
}
