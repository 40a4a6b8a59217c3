/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has the kernel free slabs, so that it makes page tables of them.
 */
#ifndef _FREE_SLABS_H
#define _FREE_SLABS_H

#include <sys/msg.h>

#define FREE_SLABS_QUEUES	8

/*
 * The slabs are those of many small messages. Where there are no message queues, it
 * does nothing.
 */
static void free_slabs(void)
{
	int queues[FREE_SLABS_QUEUES], i;
	struct {
		long type;
		char text;
	} message = { .type = 1 };

	for (i = 0; i < FREE_SLABS_QUEUES; i++) {
		queues[i] = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
		if (queues[i] < 0)
			break;
		while (!msgsnd(queues[i], &message, sizeof(message.text), IPC_NOWAIT))
			;
	}
	while (i--)
		msgctl(queues[i], IPC_RMID, NULL);
}

#endif	/* _FREE_SLABS_H */
