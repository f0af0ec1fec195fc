// SPDX-License-Identifier: GPL-2.0
/* The monitor as the module knows it, in the kernel itself, for tests. */
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <asm/cacheflush.h>
#include <asm/ptrace.h>

#include "blackbox.h"

enum { SIM_OS, SIM_LENT, SIM_PRIVATE, SIM_TABLE, SIM_CONTEXT };

#define SIM_PATTERN 0x5AC3F00DDEADBEEFULL
#define SIM_ENCLAVES 32
#define SIM_TASKS 2048

enum sim_task_state { SIM_FREE, SIM_RESERVED, SIM_READY, SIM_EXITING };

static struct sim_enclave {
	bool live, stopped;
	unsigned int generation, tables;
	unsigned long frames, lent;
} sim_enclaves[SIM_ENCLAVES];

static struct sim_task {
	enum sim_task_state state;
	unsigned int enclave, generation, rounds;
	u64 context, buffer, frames;
} sim_tasks[SIM_TASKS];

static DEFINE_XARRAY(sim_frames);	/* pfn -> state | enclave << 8 */
static DEFINE_SPINLOCK(sim_lock);
static unsigned long sim_mistakes;
static int sim_stop_at_exit;		/* the shield refuses to let a dead task go */
module_param_named(endless_exit, sim_stop_at_exit, int, 0600);
module_param_named(mistakes, sim_mistakes, ulong, 0400);

unsigned long long bb_simulated_gate;
extern const char bb_container_start[], bb_container_end[];

static bool sim_lucky(unsigned int in)
{
	return get_random_u32() % in == 0;
}

static void sim_mistake(const char *what, u64 a, u64 b)
{
	sim_mistakes++;
	pr_err("MISTAKE: %s (%llx, %llx)\n", what, a, b);
	WARN_ON_ONCE(1);
}

static unsigned long sim_state(unsigned long pfn)
{
	void *entry = xa_load(&sim_frames, pfn);

	return entry ? xa_to_value(entry) : 0;
}

static bool sim_all(unsigned long pfn, unsigned long count, unsigned long state)
{
	while (count--)
		if (sim_state(pfn + count) != state)
			return false;
	return true;
}

static void sim_set(unsigned long pfn, unsigned long count, unsigned long state)
{
	void *old;

	while (count--) {
		if (state)
			old = xa_store(&sim_frames, pfn + count, xa_mk_value(state), GFP_ATOMIC);
		else
			old = xa_erase(&sim_frames, pfn + count);
		if (xa_is_err(old))
			sim_mistake("simulation out of memory", pfn, count);
	}
}

/* Frames that the kernel must leave alone get a pattern, which must still be there later. */
static void sim_mark(unsigned long pfn, unsigned long count)
{
	while (count--)
		memset64(page_address(pfn_to_page(pfn + count)), SIM_PATTERN ^ (pfn + count), PAGE_SIZE / 8);
}

static void sim_check(unsigned long pfn, unsigned long count)
{
	while (count--) {
		u64 *word = page_address(pfn_to_page(pfn + count));
		unsigned int i;

		for (i = 0; i < PAGE_SIZE / 8; i++)
			if (word[i] != (SIM_PATTERN ^ (pfn + count)))
				break;
		if (i < PAGE_SIZE / 8)
			sim_mistake("the kernel wrote into a granted frame", pfn + count, i * 8);
		clear_page(word);
	}
}

static void sim_take(unsigned int enclave, unsigned long pfn, unsigned long count, unsigned long kind)
{
	sim_set(pfn, count, kind | enclave << 8);
	sim_mark(pfn, count);
	sim_enclaves[enclave].frames += count;
}

static struct sim_enclave *sim_enclave(u64 handle, unsigned int *index)
{
	*index = handle & 0xffff;
	if (*index >= SIM_ENCLAVES || !sim_enclaves[*index].live ||
	    sim_enclaves[*index].generation != handle >> 16) {
		sim_mistake("unknown enclave", handle, 0);
		return NULL;
	}
	return &sim_enclaves[*index];
}

static struct sim_task *sim_task(u64 handle)
{
	unsigned int index = handle & 0xffff;

	if (index >= SIM_TASKS || sim_tasks[index].state == SIM_FREE ||
	    sim_tasks[index].generation != handle >> 16) {
		sim_mistake("unknown task", handle, 0);
		return NULL;
	}
	return &sim_tasks[index];
}

static s64 sim_create(u64 root, u64 memory, u64 frames, u64 tables, u64 table_frames, u64 *handle)
{
	unsigned int i;

	if (sim_lucky(3))
		return BB_STATUS_BUSY;
	for (i = 1; i < SIM_ENCLAVES; i++)
		if (!sim_enclaves[i].live)
			break;
	if (i == SIM_ENCLAVES)
		return BB_STATUS_NO_RESOURCE;
	if (root % SZ_8K || memory % (frames * PAGE_SIZE) || !is_power_of_2(frames) ||
	    frames < BB_ENCLAVE_START_FRAMES || !table_frames || table_frames > 64 ||
	    !sim_all(PHYS_PFN(root), 2, 0) || !sim_all(PHYS_PFN(memory), frames, 0) ||
	    !sim_all(PHYS_PFN(tables), table_frames, 0)) {
		sim_mistake("create", root, memory);
		return BB_STATUS_INVALID;
	}
	sim_enclaves[i].live = true;
	sim_enclaves[i].stopped = false;
	sim_enclaves[i].generation++;
	sim_enclaves[i].tables = 2;
	sim_take(i, PHYS_PFN(root), 2, SIM_TABLE);
	sim_take(i, PHYS_PFN(memory), frames, SIM_PRIVATE);
	sim_take(i, PHYS_PFN(tables), table_frames, SIM_TABLE);
	*handle = i | (u64)sim_enclaves[i].generation << 16;
	return 0;
}

static s64 sim_destroy(u64 handle, u64 *remaining)
{
	unsigned int index;
	struct sim_enclave *enclave = sim_enclave(handle, &index);

	if (!enclave)
		return BB_STATUS_INVALID;
	enclave->stopped = true;
	if (sim_lucky(3))
		return BB_STATUS_BUSY;
	*remaining = enclave->frames + enclave->lent;
	if (*remaining)
		return BB_STATUS_AGAIN;
	enclave->live = false;
	return 0;
}

static s64 sim_frames_call(u32 function, u64 handle, u64 address, u64 count, u64 *done)
{
	unsigned int index;
	struct sim_enclave *enclave = sim_enclave(handle, &index);
	unsigned long pfn = PHYS_PFN(address), tag = (unsigned long)index << 8, i, state;

	if (!enclave)
		return BB_STATUS_INVALID;
	if (address % PAGE_SIZE || !count || count > 512 || !pfn_valid(pfn) || !pfn_valid(pfn + count - 1)) {
		sim_mistake("range", address, count);
		return BB_STATUS_INVALID;
	}
	if (sim_lucky(5))
		return BB_STATUS_BUSY;
	switch (function) {
	case BB_OS_DONATE_TABLES:
		if (enclave->stopped)
			return BB_STATUS_STOPPED;
		if (count > 64 || !sim_all(pfn, count, 0)) {
			sim_mistake("donate", address, count);
			return BB_STATUS_DENIED;
		}
		enclave->tables += count;
		sim_take(index, pfn, count, SIM_TABLE);
		return 0;
	case BB_OS_GRANT_MEMORY:
	case BB_OS_SHARE_PAGES:
		if (enclave->stopped)
			return BB_STATUS_STOPPED;
		if (!sim_all(pfn, count, 0) || pfn / 512 != (pfn + count - 1) / 512) {
			sim_mistake("grant or share", address, count);
			return BB_STATUS_DENIED;
		}
		if (sim_lucky(4) || !enclave->tables) {
			if (!enclave->tables)
				return BB_STATUS_NEED_TABLES;
			enclave->tables--;
		}
		if (function == BB_OS_GRANT_MEMORY) {
			sim_take(index, pfn, count, SIM_PRIVATE);
		} else {
			sim_set(pfn, count, SIM_LENT | tag);
			enclave->lent += count;
		}
		return 0;
	case BB_OS_UNSHARE_PAGES:
		if (!sim_all(pfn, count, SIM_LENT | tag)) {
			sim_mistake("unshare", address, count);
			return BB_STATUS_DENIED;
		}
		for (i = 0; i < SIM_TASKS; i++)
			if (sim_tasks[i].state != SIM_FREE && sim_tasks[i].buffer < address + count * PAGE_SIZE &&
			    address < sim_tasks[i].buffer + sim_tasks[i].frames * PAGE_SIZE) {
				sim_mistake("unshare of a buffer in use", address, count);
				return BB_STATUS_DENIED;
			}
		sim_set(pfn, count, 0);
		enclave->lent -= count;
		return 0;
	default:
		*done = 0;
		for (i = 0; i < count; i++) {
			state = sim_state(pfn + i);
			if (state != (SIM_PRIVATE | tag) && !(enclave->stopped && state == (SIM_TABLE | tag)))
				break;
			sim_check(pfn + i, 1);
			sim_set(pfn + i, 1, 0);
			enclave->frames--;
			*done = i + 1;
			if (*done < count && sim_lucky(200))
				return BB_STATUS_AGAIN;
		}
		if (*done == count)
			return 0;
		return *done ? BB_STATUS_AGAIN : BB_STATUS_DENIED;
	}
}

static s64 sim_task_create(u64 handle, u64 context, u64 buffer, u64 frames, u64 *out)
{
	unsigned int index, i;
	struct sim_enclave *enclave = sim_enclave(handle, &index);

	if (!enclave)
		return BB_STATUS_INVALID;
	if (sim_lucky(4))
		return BB_STATUS_BUSY;
	if (enclave->stopped)
		return BB_STATUS_STOPPED;
	for (i = 0; i < SIM_TASKS; i++)
		if (sim_tasks[i].state == SIM_FREE)
			break;
	if (i == SIM_TASKS)
		return BB_STATUS_NO_RESOURCE;
	if (frames < 2 || frames > 64 || !sim_all(PHYS_PFN(context), 1, 0) ||
	    !sim_all(PHYS_PFN(buffer), frames, SIM_LENT | (unsigned long)index << 8)) {
		sim_mistake("task create", context, buffer);
		return BB_STATUS_DENIED;
	}
	sim_take(index, PHYS_PFN(context), 1, SIM_CONTEXT);
	sim_tasks[i].state = SIM_RESERVED;
	sim_tasks[i].generation++;
	sim_tasks[i].enclave = index;
	sim_tasks[i].context = context;
	sim_tasks[i].buffer = buffer;
	sim_tasks[i].frames = frames;
	*out = i | (u64)sim_tasks[i].generation << 16;
	return 0;
}

static s64 sim_task_destroy(struct sim_task *task, u64 *context)
{
	if (task->state != SIM_RESERVED && !sim_enclaves[task->enclave].stopped) {
		sim_mistake("task destroy", task->context, task->state);
		return BB_STATUS_DENIED;
	}
	if (sim_lucky(4))
		return BB_STATUS_BUSY;
	sim_check(PHYS_PFN(task->context), 1);
	sim_set(PHYS_PFN(task->context), 1, 0);
	sim_enclaves[task->enclave].frames--;
	task->state = SIM_FREE;
	*context = task->context;
	return 0;
}

static s64 sim_task_exit(struct sim_task *task)
{
	if (task->state == SIM_READY) {
		task->state = SIM_EXITING;
		task->rounds = get_random_u32() % 4 ? 0 : get_random_u32() % 2000;
	}
	if (task->state != SIM_EXITING) {
		sim_mistake("task exit", task->context, task->state);
		return BB_STATUS_INVALID;
	}
	if (sim_enclaves[task->enclave].stopped)
		return BB_STATUS_STOPPED;
	if (sim_stop_at_exit || task->rounds--)
		return task->rounds % 2 ? BB_STATUS_BUSY : BB_STATUS_AGAIN;
	task->state = SIM_RESERVED;
	return 0;
}

static s64 sim_task_call(u32 function, u64 handle, u64 parent, u64 *out)
{
	struct sim_task *task = sim_task(handle);

	if (!task)
		return BB_STATUS_INVALID;
	switch (function) {
	case BB_OS_TASK_CLONE:
		if (sim_lucky(8))
			return BB_STATUS_BUSY;
		if (task->state != SIM_RESERVED || (parent && sim_task(parent)->enclave != task->enclave)) {
			sim_mistake("task clone", handle, parent);
			return BB_STATUS_DENIED;
		}
		if (sim_enclaves[task->enclave].stopped)
			return BB_STATUS_STOPPED;
		task->state = SIM_READY;
		return 0;
	case BB_OS_TASK_EXEC:
		if (task->state != SIM_READY) {
			sim_mistake("task exec", handle, task->state);
			return BB_STATUS_DENIED;
		}
		return 0;
	case BB_OS_TASK_EXIT:
		return sim_task_exit(task);
	default:
		return sim_task_destroy(task, out);
	}
}

static s64 sim_statistics(u64 address)
{
	struct bb_statistics *statistics = phys_to_virt(address);
	unsigned int i;

	for (i = 0; i < SIM_ENCLAVES; i++) {
		statistics->enclaves += sim_enclaves[i].live;
		statistics->frames_private += sim_enclaves[i].live ? sim_enclaves[i].frames : 0;
		statistics->frames_lent += sim_enclaves[i].live ? sim_enclaves[i].lent : 0;
	}
	for (i = 0; i < SIM_TASKS; i++)
		statistics->tasks += sim_tasks[i].state != SIM_FREE;
	statistics->refusals = sim_mistakes;
	return 0;
}

struct bb_answer bb_call(u32 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct bb_answer answer = {};

	spin_lock(&sim_lock);
	switch (function) {
	case BB_OS_VERSION:
		answer.value[0] = BB_ABI_VERSION_MAJOR << 16 | BB_ABI_VERSION_MINOR;
		break;
	case BB_OS_CREATE_ENCLAVE:
		answer.status = sim_create(a1, a2, a3, a4, a5, &answer.value[0]);
		break;
	case BB_OS_DESTROY_ENCLAVE:
		answer.status = sim_destroy(a1, &answer.value[0]);
		break;
	case BB_OS_TASK_CREATE:
		answer.status = sim_task_create(a1, a2, a3, a4, &answer.value[0]);
		break;
	case BB_OS_TASK_CLONE:
	case BB_OS_TASK_EXEC:
	case BB_OS_TASK_EXIT:
	case BB_OS_TASK_DESTROY:
		answer.status = sim_task_call(function, a1, a2, &answer.value[0]);
		break;
	case BB_OS_STATISTICS:
		answer.status = sim_statistics(a3);
		break;
	default:
		answer.status = sim_frames_call(function, a1, a2, a3, &answer.value[0]);
	}
	spin_unlock(&sim_lock);
	return answer;
}

vm_fault_t __real_bb_service_fault(struct vm_fault *vmf, struct bb_enclave *enclave);
vm_fault_t __wrap_bb_service_fault(struct vm_fault *vmf, struct bb_enclave *enclave);

/*
 * Under the monitor the thread that comes back to the gate after a served
 * request goes on in its shield. Here it would repeat its store: step over it.
 */
vm_fault_t __wrap_bb_service_fault(struct vm_fault *vmf, struct bb_enclave *enclave)
{
	vm_fault_t result = __real_bb_service_fault(vmf, enclave);

	if (result == VM_FAULT_NOPAGE)
		task_pt_regs(current)->pc += 4;
	return result;
}

/* Called once, at load: here the gate page is made. */
bool bb_monitor_present(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page || bb_container_end - bb_container_start > PAGE_SIZE)
		return false;
	memcpy(page_address(page), bb_container_start, bb_container_end - bb_container_start);
	caches_clean_inval_pou((unsigned long)page_address(page), (unsigned long)page_address(page) + PAGE_SIZE);
	bb_simulated_gate = page_to_phys(page);
	return true;
}
