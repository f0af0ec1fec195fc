// SPDX-License-Identifier: GPL-2.0
/* One load or store of a device's register, of the width that it wants. */
#include <linux/io.h>
#include <linux/uaccess.h>
#include <asm/asm-extable.h>

#include "hostile.h"

#define TRY(instruction, place, value) ({					\
	long _error = 0;							\
	asm volatile("1:	" instruction "\n"				\
		     "2:\n"							\
		     _ASM_EXTABLE_KACCESS_ERR(1b, 2b, %w0)			\
		     : "+r" (_error), "+r" (value)				\
		     : "r" (place) : "memory");					\
	(s64)(s32)_error; })

/* result: errno, value read (after the store, if there was one) */
long hostile_device_register(struct hostile_request *request)
{
	u64 address = request->argument[0], bytes = request->argument[1], value = request->argument[3];
	u8 *place;

	if ((bytes != 4 && bytes != 8) || address % bytes)
		return -EINVAL;
	place = (u8 __force *)ioremap(address & PAGE_MASK, PAGE_SIZE);
	if (!place)
		return -ENXIO;
	place += address & ~PAGE_MASK;
	if (request->argument[2])
		request->result[0] = bytes == 4 ? TRY("str %w1, [%2]", place, value) : TRY("str %1, [%2]", place, value);
	if (!request->result[0])
		request->result[0] = bytes == 4 ? TRY("ldr %w1, [%2]", place, value) : TRY("ldr %1, [%2]", place, value);
	request->result[1] = value;
	iounmap((void __iomem __force *)((unsigned long)place & PAGE_MASK));
	return 0;
}
