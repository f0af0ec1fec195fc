// SPDX-License-Identifier: GPL-2.0
/* Load and unload. */
#include <linux/binfmts.h>
#include <linux/module.h>

#include "blackbox.h"

struct bb_counters bb_counters;
struct workqueue_struct *bb_workqueue;
u32 bb_monitor_version;
u64 bb_monitor_features;

static int __init bb_find_monitor(void)
{
	struct bb_answer answer;

	if (!bb_monitor_present()) {
		pr_err("no BlackBox monitor below this kernel\n");
		return -ENODEV;
	}
	answer = bb_call(BB_OS_VERSION, 0, 0, 0, 0, 0);
	if (answer.status) {
		pr_err("the monitor does not answer (status %lld)\n", answer.status);
		return -ENODEV;
	}
	bb_monitor_version = answer.value[0];
	bb_monitor_features = answer.value[1];
	if (bb_monitor_version >> 16 != BB_ABI_VERSION_MAJOR ||
	    (bb_monitor_version & 0xffff) < BB_ABI_VERSION_MINOR) {
		pr_err("monitor interface %u.%u, need %u.%u\n", bb_monitor_version >> 16,
		       bb_monitor_version & 0xffff, BB_ABI_VERSION_MAJOR, BB_ABI_VERSION_MINOR);
		return -EPROTO;
	}
	return 0;
}

static int __init bb_init(void)
{
	int error;

	BUILD_BUG_ON(PAGE_SIZE != BB_PAGE_SIZE);
	error = bb_find_monitor();
	if (error)
		return error;
	bb_workqueue = alloc_workqueue("blackbox", WQ_UNBOUND, 0);
	if (!bb_workqueue)
		return -ENOMEM;
	error = bb_probes_register();
	if (error)
		goto free_queue;
	error = bb_device_register();
	if (error)
		goto free_probes;
	register_binfmt(&bb_format);
	pr_info("monitor interface %u.%u, features %llx\n", bb_monitor_version >> 16,
		bb_monitor_version & 0xffff, bb_monitor_features);
	return 0;

free_probes:
	bb_probes_unregister();
free_queue:
	destroy_workqueue(bb_workqueue);
	return error;
}

/* Every enclave, window file and running exec holds the module: none is left here. */
static void __exit bb_exit(void)
{
	unregister_binfmt(&bb_format);
	bb_device_unregister();
	bb_probes_unregister();
	destroy_workqueue(bb_workqueue);
	/* The last task work may still be on its way out of our code. */
	synchronize_rcu();
}

module_init(bb_init);
module_exit(bb_exit);

MODULE_DESCRIPTION("BlackBox: protected containers on an untrusted kernel");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS("binfmt-5842");
