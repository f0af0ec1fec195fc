// SPDX-License-Identifier: GPL-2.0
/* What the module makes of the monitor's answers. */
#include <linux/delay.h>
#include <linux/sched.h>

#include "blackbox.h"

#define BB_PATIENT_ROUNDS 2000		/* about a second */
#define BB_BRISK_ROUNDS 1000

/* The errno that user space sees for a status of the monitor. */
int bb_errno(s64 status)
{
	switch (status) {
	case BB_STATUS_SUCCESS:
		return 0;
	case BB_STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case BB_STATUS_INVALID:
		return -EINVAL;
	case BB_STATUS_DENIED:
		return -EACCES;
	case BB_STATUS_BUSY:
		return -EBUSY;
	case BB_STATUS_NEED_TABLES:
		return -ENOMEM;
	case BB_STATUS_AGAIN:
	case BB_STATUS_NO_RESOURCE:
		return -EAGAIN;
	case BB_STATUS_STOPPED:
		return -EOWNERDEAD;
	case BB_STATUS_NOT_SEEDED:
		return -ENODATA;
	default:
		return -EIO;
	}
}

/* A call that waits while another CPU is in the way (Busy). Sleeps. */
struct bb_answer bb_call_patiently(u32 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct bb_answer answer;
	unsigned int round;

	for (round = 0; round < BB_PATIENT_ROUNDS; round++) {
		answer = bb_call(function, a1, a2, a3, a4, a5);
		if (answer.status != BB_STATUS_BUSY)
			break;
		if (round < 100)
			cond_resched();
		else
			usleep_range(500, 1000);
	}
	return answer;
}

/* The same where nothing may sleep: the other CPU is in a short section of the monitor. */
s64 bb_call_briskly(u32 function, u64 a1, u64 a2)
{
	unsigned int round;
	s64 status;

	for (round = 0; round < BB_BRISK_ROUNDS; round++) {
		status = bb_call(function, a1, a2, 0, 0, 0).status;
		if (status != BB_STATUS_BUSY)
			break;
		cpu_relax();
	}
	return status;
}
