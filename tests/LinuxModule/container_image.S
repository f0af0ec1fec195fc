/* SPDX-License-Identifier: GPL-2.0 */
	.section .rodata
	.global bb_container_start, bb_container_end
	.balign 8
bb_container_start:
	.incbin "container.bin"
bb_container_end:
	.balign 8
