/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of 512 bytes: enters long mode, opens window 1 below (as a program would), runs a few branches
 * above (where the kernel lives), closes the window, and ends QEMU through isa-debug-exit at port 0xf4.
 * The addresses of its labels stand at its end, for the test to compare with.
 */
#define HIGH 0xffffffff80000000

	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl gdt_pointer
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x08, $protected

	.code32
protected:
	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x1000, %edi             /* three tables of zeros: 0x1000, 0x2000, 0x3000 */
	movl $0xc00, %ecx
	xorl %eax, %eax
	cld
	rep stosl
	movl $0x2003, 0x1000           /* the lowest and … */
	movl $0x2003, 0x1ff8           /* … the highest 512 GiB */
	movl $0x3003, 0x2000           /* the first GiB of each, and the last but one */
	movl $0x3003, 0x2ff0
	movl $0x83, 0x3000             /* 2 MiB */
	movl $0x1000, %eax
	movl %eax, %cr3
	movl $0x20, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	ljmpl $0x18, $long_mode

	.code64
long_mode:
	movq $0x7000, %rsp
	movabsq $HIGH + kernel, %rax
	call *%rax                     /* not in a window yet */
	.byte 0x0f, 0x1f, 0x84, 0x00, 0x01, 0x01, 0x4c, 0x56
	call *%rax
	.byte 0x0f, 0x1f, 0x84, 0x00, 0x01, 0x02, 0x4c, 0x56
	call *%rax
	xorl %eax, %eax
	outb %al, $0xf4
	hlt

kernel:
	movl $5, %ecx
again:	decl %ecx
back:	jnz again
calls:	call work
behind:	movl $0x6000, %edi
	movl $16, %ecx
	rep stosb
	ret
work:	nop
leaves:	ret

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff       /* 32-bit code */
	.quad 0x00cf92000000ffff       /* data */
	.quad 0x00af9a000000ffff       /* 64-bit code */
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.org 510 - 7 * 8
	.quad HIGH + kernel, HIGH + again, HIGH + back, HIGH + calls, HIGH + behind, HIGH + work, HIGH + leaves
	.word 0xaa55
