// Translation of user addresses: TLB and instruction cache maintenance, TTBR0 (Arm ARM D8.13, D8.14, B2.4.4). See Translation.Unsafe.cs.

	.text

// Stores to tables are visible to the walkers of all CPUs before what follows.
	.global	shield_order_stores
shield_order_stores:
	dsb	ishst
	ret

// void shield_invalidate_page(operand): last-level entries of one page of one ASID, on all CPUs, and waits for it.
	.global	shield_invalidate_page
shield_invalidate_page:
	dsb	ishst
	tlbi	vale1is, x0
	dsb	ish
	ret

// The same without order before and without waiting.
	.global	shield_invalidate_page_deferred
shield_invalidate_page_deferred:
	tlbi	vale1is, x0
	ret

// Waits until no CPU uses what was invalidated.
	.global	shield_complete_invalidation
shield_complete_invalidation:
	dsb	ish
	ret

// void shield_invalidate_space(operand): everything of one ASID, walk caches included.
	.global	shield_invalidate_space
shield_invalidate_space:
	dsb	ishst
	tlbi	aside1is, x0
	dsb	ish
	ret

// void shield_activate(ttbr): TTBR0_EL1 with the ASID in its upper bits; not written if it has the value already.
	.global	shield_activate
shield_activate:
	mrs	x1, ttbr0_el1
	cmp	x0, x1
	b.eq	1f
	msr	ttbr0_el1, x0
	isb
1:	ret

// void shield_publish_instructions(address): a frame's bytes, written through the direct map, become what any CPU fetches there.
// CTR_EL0.IDC and DIC say which halves the hardware does itself; an instruction cache that may alias (not PIPT) is invalidated as a whole.
	.global	shield_publish_instructions
shield_publish_instructions:
	mrs	x1, ctr_el0
	add	x2, x0, #4096
	tbnz	x1, #28, 2f			// IDC
	mov	x3, #4
	ubfx	x4, x1, #16, #4			// DminLine: log2 of words
	lsl	x3, x3, x4
	mov	x5, x0
1:	dc	cvau, x5
	add	x5, x5, x3
	cmp	x5, x2
	b.lo	1b
2:	dsb	ish
	tbnz	x1, #29, 5f			// DIC
	ubfx	x4, x1, #14, #2			// L1Ip: 3 = PIPT
	cmp	x4, #3
	b.eq	3f
	ic	ialluis
	b	4f
3:	mov	x3, #4
	and	x4, x1, #15			// IminLine
	lsl	x3, x3, x4
	mov	x5, x0
6:	ic	ivau, x5
	add	x5, x5, x3
	cmp	x5, x2
	b.lo	6b
4:	dsb	ish
5:	isb
	ret
