/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual LBR on a QEMU that is played by this file: blocks are handed to it as translated, then as
 * executed, and what it wrote is read back. Each test runs in a process of its own. Usage: test FOLDER
 */
#include "vlbr.c"

#include <sys/wait.h>
#include <unistd.h>

/* ---- QEMU, played ------------------------------------------------------------------------------------ */

struct qemu_plugin_insn {
	uint64_t address;
	uint8_t code[16];
	size_t size;
	exec_cb_t callback;
	void *userdata;
};

struct qemu_plugin_tb {
	struct qemu_plugin_insn insns[32];
	size_t n;
	exec_cb_t callback;
	void *userdata;
};

static trans_cb_t on_translation;
static exit_cb_t on_end;

void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb_t callback, int flags, void *data)
{
	(void)flags;
	tb->callback = callback;
	tb->userdata = data;
}

void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb_t callback, int flags,
					    void *data)
{
	(void)flags;
	insn->callback = callback;
	insn->userdata = data;
}

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb)
{
	return tb->n;
}

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb)
{
	return tb->insns[0].address;
}

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i)
{
	return (struct qemu_plugin_insn *)&tb->insns[i];
}

size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn)
{
	return insn->size;
}

uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn)
{
	return insn->address;
}

#if VLBR_API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len)
{
	memcpy(dest, insn->code, len);
	return len;
}
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn)
{
	return insn->code;
}
#endif

#if VLBR_API >= 7
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, trans_cb_t callback, void *data)
{
	(void)id;
	(void)data;
	on_translation = callback;
}
#else
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, trans_cb_t callback)
{
	(void)id;
	on_translation = callback;
}
#endif

void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb_t callback, void *data)
{
	(void)id;
	(void)data;
	on_end = callback;
}

/* ---- what tests are written with --------------------------------------------------------------------- */

#define K 0xffffffff81000000ull
#define ENTRY 0xffffffff82000000ull /* 64 KiB of entry text */

static char counts_path[4096], stacks_path[4096];

#define CHECK(condition) do { if (!(condition)) { \
	printf("line %d: %s\n", __LINE__, #condition); fflush(stdout); _exit(1); } } while (0)
#define EQUAL(a, b) do { uint64_t a_ = (a), b_ = (b); if (a_ != b_) { \
	printf("line %d: %s is %" PRIu64 ", not %" PRIu64 "\n", __LINE__, #a, a_, b_); \
	fflush(stdout); _exit(1); } } while (0)

static int install_with(const char *target, int argc, const char **argv)
{
	qemu_info_t info = { .target_name = target, .system_emulation = true };

	return qemu_plugin_install(1, &info, argc, (char **)argv);
}

static void install(const char *mode)
{
	char out_argument[4200];

	snprintf(out_argument, sizeof(out_argument), "out=%s", counts_path);
	const char *argv[] = { mode, out_argument, "entry=ffffffff82000000-ffffffff82010000" };
	EQUAL(install_with("x86_64", 3, argv), 0);
}

static void translate(struct qemu_plugin_tb *tb)
{
#if VLBR_API >= 7
	on_translation(tb, NULL);
#else
	on_translation(1, tb);
#endif
}

static void end(void)
{
#if VLBR_API >= 7
	on_end(NULL);
#else
	on_end(1, NULL);
#endif
}

/* Translate a block: one-byte nops, and then the instruction given by its bytes. */
static struct qemu_plugin_tb *block(uint64_t start, size_t nops, const char *code, size_t size)
{
	struct qemu_plugin_tb *tb = calloc(1, sizeof(*tb));

	for (; tb->n < nops; tb->n++)
		tb->insns[tb->n] = (struct qemu_plugin_insn){ start + tb->n, { 0x90 }, 1, NULL, NULL };
	tb->insns[tb->n].address = start + nops;
	tb->insns[tb->n].size = size;
	memcpy(tb->insns[tb->n].code, code, size);
	tb->n++;
	translate(tb);
	return tb;
}
#define BLOCK(start, nops, code) block(start, nops, code, sizeof(code) - 1)
#define NOP "\x90"

static struct qemu_plugin_tb *jump(uint64_t start, size_t nops, uint64_t target)
{
	int32_t relative = (int32_t)(target - (start + nops + 5));
	char code[5] = "\xe9";

	memcpy(code + 1, &relative, 4);
	return block(start, nops, code, 5);
}

static void run(const struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < tb->n; i++)
		if (tb->insns[i].callback)
			tb->insns[i].callback(0, tb->insns[i].userdata);
	if (tb->callback)
		tb->callback(0, tb->userdata);
}

static void mark(unsigned int operation, unsigned int number)
{
	char code[8] = { 0x0f, 0x1f, (char)0x84, 0x00, (char)number, (char)operation, 0x4c, 0x56 };

	run(block(0x401000, 0, code, 8));
}

static void begin(unsigned int number)
{
	mark(1, number);
}

static void stop(unsigned int number)
{
	mark(2, number);
}

static uint64_t result[1 << 20];
static size_t result_words;

/* Read the counts file; returns how many windows its last block claims. */
static uint64_t read_result(void)
{
	FILE *file = fopen(counts_path, "rb");
	char magic[8];

	CHECK(file && fread(magic, 8, 1, file) == 1 && !memcmp(magic, "VLBRCNT2", 8));
	result_words = fread(result, 8, sizeof(result) / 8, file);
	fclose(file);
	CHECK(result_words >= 6);
	EQUAL(result[result_words - 6], ~0ull);
	return result[result_words - 5];
}

/* Return the head of the n-th window's block. */
static const uint64_t *window_at(size_t n)
{
	const uint64_t *head = result;

	for (; n; n--)
		head += 6 + 3 * (head[1] + head[2]);
	CHECK(head < result + result_words - 6);
	return head;
}

static uint64_t count_of(const uint64_t *records, uint64_t n, uint64_t a, uint64_t b)
{
	for (; n; n--, records += 3)
		if (records[0] == a && records[1] == b)
			return records[2];
	return 0;
}

static uint64_t edge(size_t n, uint64_t from, uint64_t to)
{
	const uint64_t *head = window_at(n);

	return count_of(head + 6, head[1], from, to);
}

static uint64_t range(size_t n, uint64_t from, uint64_t last)
{
	const uint64_t *head = window_at(n);

	return count_of(head + 6 + 3 * head[1], head[2], from, last);
}

/* Run blocks in a window of their own and write the results. */
#define RECORD(...) do { \
	const struct qemu_plugin_tb *blocks_[] = { __VA_ARGS__ }; \
	begin(1); \
	for (size_t i_ = 0; i_ < sizeof(blocks_) / sizeof(*blocks_); i_++) \
		run(blocks_[i_]); \
	stop(1); \
	end(); \
	EQUAL(read_result(), 1); \
} while (0)

/* ---- decoding ---------------------------------------------------------------------------------------- */

#define CODE(text) text, sizeof(text) - 1

static void every_direct_branch_is_recorded_with_its_target(void)
{
	static const struct {
		const char *code;
		size_t size;
		int64_t relative;
	} cases[] = {
		{ CODE("\x74\x10"), 0x10 },                         /* je rel8 */
		{ CODE("\x7f\xf0"), -0x10 },                        /* jg rel8, backwards */
		{ CODE("\x70\x7f"), 0x7f },                         /* jo rel8 */
		{ CODE("\x0f\x84\x00\x01\x00\x00"), 0x100 },        /* je rel32 */
		{ CODE("\x0f\x8f\x00\xff\xff\xff"), -0x100 },       /* jg rel32, backwards */
		{ CODE("\x2e\x74\x10"), 0x10 },                     /* a branch hint */
		{ CODE("\x3e\x0f\x85\x20\x00\x00\x00"), 0x20 },
		{ CODE("\xeb\x10"), 0x10 },                         /* jmp rel8 */
		{ CODE("\xeb\x80"), -0x80 },
		{ CODE("\xe9\x00\x10\x00\x00"), 0x1000 },           /* jmp rel32 */
		{ CODE("\x48\xe9\x00\x10\x00\x00"), 0x1000 },       /* with REX */
		{ CODE("\xe8\x00\x20\x00\x00"), 0x2000 },           /* call rel32 */
		{ CODE("\xf2\xe8\x00\x20\x00\x00"), 0x2000 },       /* bnd call */
		{ CODE("\x2e\x2e\x2e\xe8\x00\x20\x00\x00"), 0x2000 }, /* padded by the linker or the kernel */
		{ CODE("\x67\xe8\x00\x20\x00\x00"), 0x2000 },
		{ CODE("\xe0\x08"), 0x08 },                         /* loopne */
		{ CODE("\xe1\x08"), 0x08 },                         /* loope */
		{ CODE("\xe2\xf8"), -0x08 },                        /* loop */
		{ CODE("\xe3\x08"), 0x08 },                         /* jrcxz */
		{ CODE("\x67\xe3\x08"), 0x08 },                     /* jecxz */
	};
	enum { N = sizeof(cases) / sizeof(*cases) };

	install("mode=record");
	for (unsigned int i = 0; i < N; i++) {
		uint64_t last = K + 0x10000 * i + 0x8003, after = last + cases[i].size;

		begin(i);
		run(block(last - 3, 3, cases[i].code, cases[i].size));
		run(BLOCK(after + (uint64_t)cases[i].relative, 0, NOP));
		stop(i);
	}
	end();
	EQUAL(read_result(), N);
	for (unsigned int i = 0; i < N; i++) {
		uint64_t last = K + 0x10000 * i + 0x8003, after = last + cases[i].size;

		printf("case %u ", i);
		EQUAL(edge(i, last, after + (uint64_t)cases[i].relative), 1);
		EQUAL(range(i, last - 3, last), 1);
		EQUAL(window_at(i)[1], 1);
		EQUAL(window_at(i)[5], 1); /* coming from nowhere */
	}
}

static void a_direct_branch_that_ends_elsewhere_is_not_recorded(void)
{
	install("mode=record");
	RECORD(BLOCK(K, 2, "\x74\x10"), BLOCK(K + 0x500, 1, NOP));
	EQUAL(window_at(0)[1], 0);
	EQUAL(window_at(0)[2], 0);
	EQUAL(window_at(0)[5], 2);
}

static void indirect_branches_and_returns_are_recorded_wherever_they_go(void)
{
	static const struct {
		const char *code;
		size_t size;
	} cases[] = {
		{ CODE("\xff\xd0") },                         /* call *%rax */
		{ CODE("\xff\xe0") },                         /* jmp *%rax */
		{ CODE("\x41\xff\xd3") },                     /* call *%r11 */
		{ CODE("\x2e\xff\xe1") },                     /* cs jmp *%rcx */
		{ CODE("\x3e\xff\xe0") },                     /* notrack jmp *%rax */
		{ CODE("\xff\x14\xc5\x00\x00\x00\x82") },     /* call *table(,%rax,8) */
		{ CODE("\xff\x25\x00\x00\x01\x00") },         /* jmp *(%rip) */
		{ CODE("\xc3") },                             /* ret */
		{ CODE("\xf3\xc3") },                         /* rep ret */
		{ CODE("\xf2\xc3") },                         /* bnd ret */
		{ CODE("\xc2\x08\x00") },                     /* ret imm16 */
	};
	enum { N = sizeof(cases) / sizeof(*cases) };

	install("mode=record");
	for (unsigned int i = 0; i < N; i++) {
		struct qemu_plugin_tb *from = block(K + 0x1000 * i, 4, cases[i].code, cases[i].size);

		begin(i);
		run(from);
		run(BLOCK(K + 0x800000, 2, NOP));
		run(from); /* a discontinuity: nothing leads here */
		run(BLOCK(K + 0x900000, 2, NOP));
		stop(i);
	}
	end();
	EQUAL(read_result(), N);
	for (unsigned int i = 0; i < N; i++) {
		printf("case %u ", i);
		EQUAL(edge(i, K + 0x1000 * i + 4, K + 0x800000), 1);
		EQUAL(edge(i, K + 0x1000 * i + 4, K + 0x900000), 1);
		EQUAL(range(i, K + 0x1000 * i, K + 0x1000 * i + 4), 2);
		EQUAL(window_at(i)[1], 2);
		EQUAL(window_at(i)[5], 2);
	}
}

static void far_transfers_and_what_is_no_branch_are_discontinuities(void)
{
	static const struct {
		const char *code;
		size_t size;
	} cases[] = {
		{ CODE("\x0f\x05") },             /* syscall */
		{ CODE("\x0f\x34") },             /* sysenter */
		{ CODE("\x48\x0f\x07") },         /* sysretq */
		{ CODE("\x48\xcf") },             /* iretq */
		{ CODE("\xcb") },                 /* lret */
		{ CODE("\xca\x08\x00") },         /* lret imm16 */
		{ CODE("\xcd\x80") },             /* int */
		{ CODE("\xcc") },                 /* int3 */
		{ CODE("\x0f\x0b") },             /* ud2 */
		{ CODE("\xf4") },                 /* hlt */
		{ CODE("\xff\x1c\x24") },         /* lcall *(%rsp) */
		{ CODE("\xff\x2c\x24") },         /* ljmp *(%rsp) */
		{ CODE("\xff\x30") },             /* push (%rax) */
		{ CODE("\x0f\x18\x80\x84\x00\x00\x00") }, /* a prefetch with a jump's byte in its address */
		{ CODE("\x48\x89\xc3") },         /* mov, with a return's byte in it */
		{ CODE("\x66\x90") },
	};
	enum { N = sizeof(cases) / sizeof(*cases) };

	install("mode=record");
	for (unsigned int i = 0; i < N; i++) {
		begin(i);
		run(block(K + 0x1000 * i, 4, cases[i].code, cases[i].size));
		run(BLOCK(K + 0x800000, 2, NOP));
		stop(i);
	}
	end();
	EQUAL(read_result(), N);
	for (unsigned int i = 0; i < N; i++) {
		printf("case %u ", i);
		EQUAL(window_at(i)[1], 0);
		EQUAL(window_at(i)[2], 0);
		EQUAL(window_at(i)[5], 2);
	}
}

/* ---- ranges ------------------------------------------------------------------------------------------ */

static void blocks_that_follow_each_other_make_one_range(void)
{
	install("mode=record");
	RECORD(BLOCK(K, 3, NOP), BLOCK(K + 4, 3, NOP), jump(K + 8, 2, K + 0x100), BLOCK(K + 0x100, 1, NOP));
	EQUAL(range(0, K, K + 10), 1);
	EQUAL(window_at(0)[2], 1);
	EQUAL(edge(0, K + 10, K + 0x100), 1);
	EQUAL(window_at(0)[1], 1);
}

static void a_branch_that_is_not_taken_does_not_end_a_range(void)
{
	install("mode=record");
	RECORD(BLOCK(K, 3, "\x74\x10"), jump(K + 5, 0, K + 0x100), BLOCK(K + 0x100, 1, NOP));
	EQUAL(range(0, K, K + 5), 1);
	EQUAL(window_at(0)[1], 1);
	EQUAL(window_at(0)[3], 1);
}

/* A switch may jump to the case that happens to come next. */
static const struct {
	const char *code;
	size_t size;
} to_next[] = {
	{ CODE("\xeb\x00") },             /* jmp rel8 */
	{ CODE("\xe9\x00\x00\x00\x00") }, /* jmp rel32 */
	{ CODE("\xe8\x00\x00\x00\x00") }, /* call rel32 */
	{ CODE("\xff\xe0") },             /* jmp *%rax */
	{ CODE("\x41\xff\xd3") },         /* call *%r11 */
	{ CODE("\xc3") },                 /* ret */
};
enum { N_TO_NEXT = sizeof(to_next) / sizeof(*to_next) };

static void run_to_next(const char *mode)
{
	install(mode);
	for (unsigned int i = 0; i < N_TO_NEXT; i++) {
		uint64_t last = K + 0x10000 * i + 3;

		begin(i);
		run(block(last - 3, 3, to_next[i].code, to_next[i].size));
		run(BLOCK(last + to_next[i].size, 0, NOP));
		stop(i);
	}
	end();
}

static void a_jump_to_the_very_next_instruction_is_a_taken_branch(void)
{
	run_to_next("mode=record");
	EQUAL(read_result(), N_TO_NEXT);
	for (unsigned int i = 0; i < N_TO_NEXT; i++) {
		uint64_t last = K + 0x10000 * i + 3;

		printf("case %u ", i);
		EQUAL(edge(i, last, last + to_next[i].size), 1);
		EQUAL(range(i, last - 3, last), 1);
	}
}

static void one_block_closes_ranges_that_began_at_different_places(void)
{
	struct qemu_plugin_tb *head, *tail, *back;

	install("mode=record");
	head = BLOCK(K, 3, NOP);
	tail = jump(K + 4, 0, K + 0x100);
	back = jump(K + 0x100, 0, K + 4);
	RECORD(head, tail, back, tail, back, tail, back);
	EQUAL(range(0, K, K + 4), 1);
	EQUAL(range(0, K + 4, K + 4), 2);
	EQUAL(range(0, K + 0x100, K + 0x100), 2);
	EQUAL(edge(0, K + 4, K + 0x100), 3);
	EQUAL(edge(0, K + 0x100, K + 4), 2);
	EQUAL(window_at(0)[3], 5);
	EQUAL(window_at(0)[4], 5);
}

static void the_open_range_is_dropped_at_a_discontinuity(void)
{
	install("mode=record");
	RECORD(BLOCK(K, 3, NOP), jump(K + 0x1000, 1, K + 0x100), BLOCK(K + 0x100, 1, NOP));
	EQUAL(range(0, K + 0x1000, K + 0x1001), 1);
	EQUAL(window_at(0)[2], 1);
}

static void a_repeated_string_instruction_is_no_branch(void)
{
	struct qemu_plugin_tb *first, *again;

	install("mode=record");
	first = BLOCK(K, 3, "\xf3\x48\xa5");
	again = BLOCK(K + 3, 0, "\xf3\x48\xa5");
	RECORD(first, again, again, again, jump(K + 6, 0, K + 0x100), BLOCK(K + 0x100, 1, NOP));
	EQUAL(range(0, K, K + 6), 1);
	EQUAL(window_at(0)[2], 1);
	EQUAL(window_at(0)[1], 1);
	EQUAL(window_at(0)[5], 1);
}

static void pause_is_no_repeated_string_instruction(void)
{
	struct qemu_plugin_tb *tb;

	install("mode=record");
	tb = BLOCK(K, 0, "\xf3\x90");
	RECORD(tb, tb);
	EQUAL(window_at(0)[5], 2);
}

static void an_instruction_across_pages_belongs_to_the_block_that_executes_it(void)
{
	struct qemu_plugin_tb *cut, *rest;

	install("mode=record");
	cut = BLOCK(K + 0xffc, 2, "\x48\x8b");
	rest = jump(K + 0xffe, 3, K + 0xffc);
	RECORD(cut, rest, cut, rest, BLOCK(K + 0xffc, 2, "\x48\x8b"), jump(K + 0xffe, 3, K + 0x2000),
	       BLOCK(K + 0x2000, 0, NOP));
	EQUAL(range(0, K + 0xffc, K + 0x1001), 3);
	EQUAL(edge(0, K + 0x1001, K + 0xffc), 2);
	EQUAL(window_at(0)[5], 1);
}

static void code_that_was_changed_is_decoded_anew(void)
{
	install("mode=record");
	RECORD(jump(K, 0, K + 0x100), BLOCK(K + 0x100, 0, "\xc3"),
	       jump(K, 0, K + 0x200), BLOCK(K + 0x200, 0, "\xc3"));
	EQUAL(edge(0, K, K + 0x100), 1);
	EQUAL(edge(0, K + 0x100, K), 1);
	EQUAL(edge(0, K, K + 0x200), 1);
}

static void the_same_block_translated_again_goes_on_counting(void)
{
	install("mode=record");
	RECORD(jump(K, 0, K + 0x100), jump(K + 0x100, 0, K), jump(K, 0, K + 0x100), jump(K + 0x100, 0, K),
	       jump(K, 0, K + 0x100));
	EQUAL(edge(0, K, K + 0x100), 2);
	EQUAL(edge(0, K + 0x100, K), 2);
	EQUAL(window_at(0)[1], 2);
}

/* ---- entry text -------------------------------------------------------------------------------------- */

static void an_interrupt_that_comes_after_an_indirect_branch_is_not_its_target(void)
{
	install("mode=record");
	RECORD(BLOCK(K, 2, "\xff\xd0"), BLOCK(ENTRY + 0x40, 1, NOP), BLOCK(K + 0x100, 2, "\xc3"),
	       BLOCK(ENTRY + 0x40, 1, NOP));
	EQUAL(window_at(0)[1], 0);
	EQUAL(window_at(0)[2], 0);
	EQUAL(window_at(0)[5], 4);
}

static void a_return_behind_a_call_in_the_entry_text_is_recorded(void)
{
	struct qemu_plugin_tb *call, *indirect, *work, *behind, *behind_indirect;

	install("mode=record");
	call = BLOCK(ENTRY, 2, "\xe8\xf9\xff\xff\xfe"); /* to ENTRY + 7 - 0x1000007 = K */
	behind = BLOCK(ENTRY + 7, 1, NOP);
	indirect = BLOCK(ENTRY + 0x100, 2, "\xff\xd0");
	behind_indirect = BLOCK(ENTRY + 0x104, 1, NOP);
	work = BLOCK(K, 2, "\xc3");
	RECORD(call, work, behind, indirect, work, behind_indirect);
	EQUAL(edge(0, ENTRY + 2, K), 1);
	EQUAL(edge(0, K + 2, ENTRY + 7), 1);
	EQUAL(edge(0, ENTRY + 0x102, K), 1);
	EQUAL(edge(0, K + 2, ENTRY + 0x104), 1);
	EQUAL(range(0, K, K + 2), 2);
	EQUAL(window_at(0)[5], 2); /* the beginning, and behind → indirect */
}

static void branches_within_the_entry_text_and_out_of_it_are_recorded(void)
{
	install("mode=record");
	RECORD(BLOCK(ENTRY, 1, "\xff\xe0"), BLOCK(ENTRY + 0x200, 1, "\xc3"), BLOCK(K, 1, NOP));
	EQUAL(edge(0, ENTRY + 1, ENTRY + 0x200), 1);
	EQUAL(edge(0, ENTRY + 0x201, K), 1);
}

/* ---- windows ----------------------------------------------------------------------------------------- */

static void nothing_is_counted_outside_windows(void)
{
	struct qemu_plugin_tb *there, *back;

	install("mode=record");
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	run(there), run(back), run(there);
	begin(1);
	run(there), run(back);
	stop(1);
	run(there), run(back), run(there);
	end();
	EQUAL(read_result(), 1);
	EQUAL(edge(0, K, K + 0x100), 1);
	EQUAL(window_at(0)[3], 1);
}

static void windows_are_kept_apart_and_none_inherits_a_position(void)
{
	struct qemu_plugin_tb *there, *back;

	install("mode=record");
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	begin(7);
	run(there), run(back), run(there);
	stop(7);
	begin(3);
	run(back), run(there);
	stop(3);
	end();
	EQUAL(read_result(), 2);
	EQUAL(window_at(0)[0], 7);
	EQUAL(edge(0, K, K + 0x100), 1);
	EQUAL(edge(0, K + 0x100, K), 1);
	EQUAL(window_at(0)[5], 1);
	EQUAL(window_at(1)[0], 3);
	EQUAL(edge(1, K, K + 0x100), 0);
	EQUAL(edge(1, K + 0x100, K), 1);
	EQUAL(window_at(1)[5], 1);
}

static void a_window_that_opens_twice_is_written_twice(void)
{
	struct qemu_plugin_tb *there = NULL, *back;

	install("mode=record");
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	for (int i = 0; i < 2; i++) {
		begin(5);
		run(there), run(back);
		stop(5);
	}
	end();
	EQUAL(read_result(), 2);
	for (size_t i = 0; i < 2; i++) {
		EQUAL(window_at(i)[0], 5);
		EQUAL(window_at(i)[5], 1);
		EQUAL(edge(i, K, K + 0x100), 1);
	}
}

static void a_window_that_opens_within_another_closes_it(void)
{
	struct qemu_plugin_tb *there, *back;

	install("mode=record");
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	begin(1);
	run(there), run(back);
	begin(2);
	run(back), run(there);
	stop(2);
	end();
	EQUAL(read_result(), 2);
	EQUAL(edge(0, K, K + 0x100), 1);
	EQUAL(edge(1, K + 0x100, K), 1);
	EQUAL(window_at(1)[3], 1);
}

static void a_window_in_which_qemu_ends_is_written_too(void)
{
	install("mode=record");
	begin(3);
	run(jump(K, 2, K + 0x100));
	run(BLOCK(K + 0x100, 1, NOP));
	end();
	EQUAL(read_result(), 1);
	EQUAL(window_at(0)[0], 3);
	EQUAL(edge(0, K + 2, K + 0x100), 1);
	EQUAL(range(0, K, K + 2), 1);
}

static void a_run_without_windows_leaves_a_whole_and_empty_file(void)
{
	install("mode=record");
	run(jump(K, 0, K + 0x100));
	end();
	EQUAL(read_result(), 0);
	EQUAL(result_words, 6);
}

static void user_code_is_not_instrumented(void)
{
	struct qemu_plugin_tb *tb;

	install("mode=record");
	tb = BLOCK(0x7f0000001000, 2, "\xc3");
	CHECK(!tb->callback);
	RECORD(BLOCK(K, 1, "\xc3"), tb, BLOCK(K + 0x100, 1, NOP));
	EQUAL(window_at(0)[3], 1);
}

static void other_long_nops_are_no_marks(void)
{
	struct qemu_plugin_tb *tb;

	install("mode=record");
	tb = BLOCK(0x401000, 0, "\x0f\x1f\x84\x00\x00\x00\x00\x00");
	CHECK(!tb->insns[0].callback);
	tb = BLOCK(K, 0, "\x0f\x1f\x84\x00\x01\x01\x4c\x56"); /* the kernel cannot open a window */
	CHECK(!tb->insns[0].callback);
}

static void tables_grow_without_losing_counts(void)
{
	enum { N = 40000 };
	static struct qemu_plugin_tb *to[N];
	struct qemu_plugin_tb *from;

	install("mode=record");
	from = BLOCK(K, 0, "\xff\xe0");
	for (size_t i = 0; i < N; i++)
		to[i] = jump(K + 0x1000 + 16 * i, 0, K);
	begin(1);
	for (size_t i = 0; i < N; i++)
		run(from), run(to[i]);
	stop(1);
	end();
	EQUAL(read_result(), 1);
	EQUAL(window_at(0)[1], 2 * N - 1);
	EQUAL(window_at(0)[2], N);
	EQUAL(window_at(0)[3], 2 * N - 1);
	EQUAL(edge(0, K, K + 0x1000), 1);
	EQUAL(edge(0, K, K + 0x1000 + 16 * (N - 1)), 1);
	EQUAL(range(0, K, K), N);
}

/* ---- stacks ------------------------------------------------------------------------------------------ */

static void each_period_writes_the_last_branches_newest_first(void)
{
	uint64_t words[3 * (1 + 2 * 32)];
	char out_argument[4200], stacks_argument[4200];
	struct qemu_plugin_tb *there, *back;

	snprintf(out_argument, sizeof(out_argument), "out=%s", counts_path);
	snprintf(stacks_argument, sizeof(stacks_argument), "stacks=%s", stacks_path);
	const char *argv[] = { "mode=record", out_argument, stacks_argument, "period=3" };
	EQUAL(install_with("x86_64", 4, argv), 0);
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	begin(1);
	run(there), run(back), run(there), run(back);              /* three branches: the first stack */
	run(BLOCK(K + 0x500, 0, NOP));                             /* a discontinuity empties the stack */
	run(there), run(back), run(there), run(back);              /* three more: the second stack */
	stop(1);
	end();
	FILE *file = fopen(stacks_path, "rb");
	CHECK(file);
	EQUAL(fread(words, 8, sizeof(words) / 8, file), 14);
	EQUAL(words[0], 3);
	EQUAL(words[1], K);                /* newest: there → back */
	EQUAL(words[2], K + 0x100);
	EQUAL(words[3], K + 0x100);
	EQUAL(words[4], K);
	EQUAL(words[5], K);
	EQUAL(words[6], K + 0x100);
	EQUAL(words[7], 3);
	fclose(file);
}

static void a_stack_holds_no_more_than_32_branches(void)
{
	uint64_t words[1 + 2 * 32 + 8];
	char out_argument[4200], stacks_argument[4200];
	struct qemu_plugin_tb *there, *back;

	snprintf(out_argument, sizeof(out_argument), "out=%s", counts_path);
	snprintf(stacks_argument, sizeof(stacks_argument), "stacks=%s", stacks_path);
	const char *argv[] = { "mode=record", out_argument, stacks_argument, "period=50" };
	EQUAL(install_with("x86_64", 4, argv), 0);
	there = jump(K, 0, K + 0x100);
	back = jump(K + 0x100, 0, K);
	begin(1);
	for (int i = 0; i < 40; i++)
		run(there), run(back);
	stop(1);
	end();
	FILE *file = fopen(stacks_path, "rb");
	CHECK(file);
	EQUAL(fread(words, 8, sizeof(words) / 8, file), 1 + 2 * 32);
	EQUAL(words[0], 32);
	fclose(file);
}

/* ---- measuring --------------------------------------------------------------------------------------- */

static struct window measured(unsigned int number)
{
	struct window w = { 0 };
	size_t got;
	char line[512];
	bool found = false;
	FILE *file = fopen(counts_path, "r");

	CHECK(file && fgets(line, sizeof(line), file) && !strcmp(line, "vlbr-measure 1\n"));
	while (fgets(line, sizeof(line), file) && strcmp(line, "end\n")) {
		struct window one;

		EQUAL(sscanf(line, "window %zu seen %" SCNu64 " instructions %" SCNu64 " taken_branches %" SCNu64
			     " l1i_misses %" SCNu64 " itlb_misses %" SCNu64 " discontinuities %" SCNu64
			     " lines_touched %" SCNu64 " pages_touched %" SCNu64, &got, &one.seen,
			     &one.instructions, &one.taken, &one.l1i_misses, &one.itlb_misses,
			     &one.discontinuities, &one.lines_touched, &one.pages_touched), 9);
		if (got == number) {
			w = one;
			found = true;
		}
	}
	CHECK(!strcmp(line, "end\n"));
	fclose(file);
	CHECK(found);
	return w;
}

static void instructions_and_taken_branches_are_counted(void)
{
	struct qemu_plugin_tb *a, *b, *c;

	install("mode=measure");
	a = jump(K, 9, K + 0x40);       /* 10 instructions */
	b = BLOCK(K + 0x40, 3, NOP);    /* 4, falls through to … */
	c = jump(K + 0x44, 1, K);       /* 2 */
	run(a);
	begin(1);
	run(a), run(b), run(c), run(a), run(b), run(c);
	run(BLOCK(K + 0x2000, 1, NOP)); /* an interrupt, say: 2 */
	stop(1);
	run(a);
	end();
	struct window w = measured(1);
	EQUAL(w.seen, 1);
	EQUAL(w.instructions, 34);
	EQUAL(w.taken, 3);
	EQUAL(w.discontinuities, 2);
	EQUAL(w.l1i_misses, 3);
	EQUAL(w.itlb_misses, 2);
}

static void a_jump_to_the_very_next_instruction_is_counted_as_taken(void)
{
	run_to_next("mode=measure");
	for (unsigned int i = 0; i < N_TO_NEXT; i++) {
		printf("case %u ", i);
		EQUAL(measured(i).taken, 1);
	}
}

static void a_repeated_string_instruction_counts_once(void)
{
	struct qemu_plugin_tb *again;

	install("mode=measure");
	begin(1);
	run(BLOCK(K, 3, "\xf3\xaa"));
	again = BLOCK(K + 3, 0, "\xf3\xaa");
	run(again), run(again), run(again);
	run(BLOCK(K + 5, 0, NOP));
	stop(1);
	end();
	EQUAL(measured(1).instructions, 5);
	EQUAL(measured(1).taken, 0);
	EQUAL(measured(1).discontinuities, 1);
}

static void an_instruction_across_pages_counts_once(void)
{
	struct qemu_plugin_tb *cut, *rest;

	install("mode=measure");
	cut = BLOCK(K + 0xffc, 2, "\x48\x8b");
	rest = jump(K + 0xffe, 3, K + 0xffc);
	begin(1);
	run(cut), run(rest), run(cut), run(rest), run(cut);
	stop(1);
	end();
	/* two before the one across, which comes with the next block: it, two more bytes, the jump */
	EQUAL(measured(1).instructions, 2 + 4 + 2 + 4 + 2);
	EQUAL(measured(1).taken, 2);
	EQUAL(measured(1).discontinuities, 1);
}

static void fetch_from(uint64_t address)
{
	run(BLOCK(address, 0, NOP));
}

static void a_line_and_a_page_are_touched_once_however_often_they_are_fetched(void)
{
	install("mode=measure");
	begin(1);
	for (int turn = 0; turn < 3; turn++)
		for (uint64_t i = 0; i < 20; i++) /* twenty lines of one set: each turn misses them all */
			fetch_from(K + 4096 * i);
	fetch_from(K + 64);                       /* another line of the first page */
	fetch_from(K + 60);                       /* no new line */
	run(BLOCK(K + 4096 * 30 - 2, 8, NOP));    /* nine bytes over the border of two pages */
	stop(1);
	fetch_from(K + 4096 * 50);                /* outside the window */
	end();
	EQUAL(measured(1).lines_touched, 23);
	EQUAL(measured(1).pages_touched, 22);
	CHECK(measured(1).l1i_misses > 60);
}

static void what_a_window_touched_is_forgotten_by_the_next(void)
{
	install("mode=measure");
	begin(1);
	fetch_from(K);
	stop(1);
	begin(2);
	fetch_from(K);
	stop(2);
	begin(1);                                 /* opened again: both openings count */
	fetch_from(K);
	stop(1);
	end();
	EQUAL(measured(1).lines_touched, 2);
	EQUAL(measured(2).lines_touched, 1);
	EQUAL(measured(2).pages_touched, 1);
}

static void code_below_the_kernels_text_touches_no_line_of_it(void)
{
	install("mode=measure");
	begin(1);
	fetch_from(0xfffffe0000001000ull);        /* the entry trampolines, say */
	stop(1);
	end();
	EQUAL(measured(1).l1i_misses, 1);
	EQUAL(measured(1).lines_touched, 0);
	EQUAL(measured(1).pages_touched, 0);
}

static void the_instruction_cache_has_eight_ways_and_drops_the_line_used_longest_ago(void)
{
	install("mode=measure");
	begin(1);
	for (uint64_t i = 0; i < 8; i++)     /* eight lines of one set: 64 sets of 64 bytes are 4096 bytes */
		fetch_from(K + 4096 * i);     /* 8 misses */
	for (uint64_t i = 0; i < 8; i++)
		fetch_from(K + 4096 * i);     /* all there */
	fetch_from(K);                        /* line 0 is the newest now; line 1 the oldest */
	fetch_from(K + 4096 * 8);             /* a miss, drops line 1 */
	fetch_from(K);                        /* there */
	fetch_from(K + 4096);                 /* a miss, drops line 2 */
	fetch_from(K + 4096 * 3);             /* there */
	fetch_from(K + 64);                   /* another set: a miss */
	stop(1);
	end();
	EQUAL(measured(1).l1i_misses, 11);
}

static void the_tlb_has_eight_sets_of_eight_pages(void)
{
	install("mode=measure");
	begin(1);
	for (uint64_t i = 0; i < 64; i++)     /* as many pages as there are entries */
		fetch_from(K + 4096 * i);
	for (uint64_t i = 0; i < 64; i++)
		fetch_from(K + 4096 * i + 64 * i);
	EQUAL(windows[1].itlb_misses, 64);
	fetch_from(K + 4096 * 64);            /* one more: drops page 0 of the same set */
	fetch_from(K + 4096);                 /* another set: there */
	fetch_from(K);
	stop(1);
	end();
	EQUAL(measured(1).itlb_misses, 66);
}

static void a_block_across_a_line_or_page_touches_both(void)
{
	install("mode=measure");
	begin(1);
	run(BLOCK(K + 62, 3, NOP));           /* bytes 62 … 65 */
	run(BLOCK(K + 126, 1, NOP));          /* bytes 126 and 127: the second line still */
	run(BLOCK(K + 0x1ffe, 3, NOP));       /* two lines, two pages */
	stop(1);
	end();
	EQUAL(measured(1).l1i_misses, 4);
	EQUAL(measured(1).itlb_misses, 3);
}

static void each_window_begins_with_cold_caches(void)
{
	install("mode=measure");
	for (unsigned int i = 1; i < 3; i++) {
		begin(i);
		fetch_from(K);
		fetch_from(K);
		stop(i);
	}
	end();
	for (unsigned int i = 1; i < 3; i++) {
		EQUAL(measured(i).l1i_misses, 1);
		EQUAL(measured(i).itlb_misses, 1);
		EQUAL(measured(i).instructions, 2);
	}
}

static void recording_and_measuring_agree_on_taken_branches(void)
{
	install("mode=measure");
	begin(1);
	run(BLOCK(K, 2, "\xff\xd0")), run(BLOCK(K + 0x100, 2, "\xc3")), run(BLOCK(K + 4, 0, "\x74\x10"));
	run(BLOCK(K + 0x16, 0, "\xff\xe0")), run(BLOCK(ENTRY, 0, "\x48\xcf")), run(BLOCK(K, 2, "\xff\xd0"));
	stop(1);
	end();
	EQUAL(measured(1).taken, 3);
	EQUAL(measured(1).discontinuities, 3);
}

/* ---- arguments --------------------------------------------------------------------------------------- */

static void bad_arguments_are_refused(void)
{
	char out_argument[4200], stacks_argument[4200];

	snprintf(out_argument, sizeof(out_argument), "out=%s", counts_path);
	snprintf(stacks_argument, sizeof(stacks_argument), "stacks=%s", stacks_path);
	const char *fine[] = { "mode=record", out_argument, stacks_argument };
	const char *unknown[] = { out_argument, "colour=red" };
	const char *bad_entry[] = { out_argument, "entry=12" };
	const char *no_folder[] = { "out=/nonexistent/folder/x" };
	const char *no_period[] = { out_argument, "period=0" };

	EQUAL((uint64_t)install_with("x86_64", 1, fine), (uint64_t)-1);   /* no out= */
	EQUAL((uint64_t)install_with("aarch64", 2, fine), (uint64_t)-1);
	EQUAL((uint64_t)install_with("x86_64", 2, unknown), (uint64_t)-1);
	EQUAL((uint64_t)install_with("x86_64", 2, bad_entry), (uint64_t)-1);
	EQUAL((uint64_t)install_with("x86_64", 1, no_folder), (uint64_t)-1);
	EQUAL((uint64_t)install_with("x86_64", 2, no_period), (uint64_t)-1);
	EQUAL((uint64_t)install_with("x86_64", 3, fine), (uint64_t)-1);   /* stacks without a period */
	CHECK(!on_translation);
}

/* ---- running them ------------------------------------------------------------------------------------ */

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(every_direct_branch_is_recorded_with_its_target),
	TEST(a_direct_branch_that_ends_elsewhere_is_not_recorded),
	TEST(indirect_branches_and_returns_are_recorded_wherever_they_go),
	TEST(far_transfers_and_what_is_no_branch_are_discontinuities),
	TEST(blocks_that_follow_each_other_make_one_range),
	TEST(a_branch_that_is_not_taken_does_not_end_a_range),
	TEST(a_jump_to_the_very_next_instruction_is_a_taken_branch),
	TEST(one_block_closes_ranges_that_began_at_different_places),
	TEST(the_open_range_is_dropped_at_a_discontinuity),
	TEST(a_repeated_string_instruction_is_no_branch),
	TEST(pause_is_no_repeated_string_instruction),
	TEST(an_instruction_across_pages_belongs_to_the_block_that_executes_it),
	TEST(an_instruction_across_pages_counts_once),
	TEST(code_that_was_changed_is_decoded_anew),
	TEST(the_same_block_translated_again_goes_on_counting),
	TEST(an_interrupt_that_comes_after_an_indirect_branch_is_not_its_target),
	TEST(a_return_behind_a_call_in_the_entry_text_is_recorded),
	TEST(branches_within_the_entry_text_and_out_of_it_are_recorded),
	TEST(nothing_is_counted_outside_windows),
	TEST(windows_are_kept_apart_and_none_inherits_a_position),
	TEST(a_window_that_opens_twice_is_written_twice),
	TEST(a_window_that_opens_within_another_closes_it),
	TEST(a_window_in_which_qemu_ends_is_written_too),
	TEST(a_run_without_windows_leaves_a_whole_and_empty_file),
	TEST(user_code_is_not_instrumented),
	TEST(other_long_nops_are_no_marks),
	TEST(tables_grow_without_losing_counts),
	TEST(each_period_writes_the_last_branches_newest_first),
	TEST(a_stack_holds_no_more_than_32_branches),
	TEST(instructions_and_taken_branches_are_counted),
	TEST(a_jump_to_the_very_next_instruction_is_counted_as_taken),
	TEST(a_repeated_string_instruction_counts_once),
	TEST(a_line_and_a_page_are_touched_once_however_often_they_are_fetched),
	TEST(what_a_window_touched_is_forgotten_by_the_next),
	TEST(code_below_the_kernels_text_touches_no_line_of_it),
	TEST(the_instruction_cache_has_eight_ways_and_drops_the_line_used_longest_ago),
	TEST(the_tlb_has_eight_sets_of_eight_pages),
	TEST(a_block_across_a_line_or_page_touches_both),
	TEST(each_window_begins_with_cold_caches),
	TEST(recording_and_measuring_agree_on_taken_branches),
	TEST(bad_arguments_are_refused),
};

int main(int argc, char **argv)
{
	size_t failures = 0, n = sizeof(tests) / sizeof(*tests);

	if (argc != 2)
		return 2;
	snprintf(counts_path, sizeof(counts_path), "%s/counts", argv[1]);
	snprintf(stacks_path, sizeof(stacks_path), "%s/stacks", argv[1]);
	for (size_t i = 0; i < n; i++) {
		int status = -1;

		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			tests[i].run();
			_exit(0);
		}
		waitpid(child, &status, 0);
		failures += status != 0;
		printf("%s %s\n", status ? "FAILED" : "ok", tests[i].name);
	}
	printf("%zu tests, %zu failed\n", n, failures);
	return failures != 0;
}
