// SPDX-License-Identifier: PostgreSQL
/*
 * Machine: processors, memory and disk of the machine that Fettle runs on, from /proc (Linux).
 *
 * These are a target's figures only when the target runs here, and that is proven, never assumed from an
 * address (a forwarded port is 127.0.0.1 too): the process id that the server states for our own session must
 * be a process here that calls itself "postgres: ...", and its parent must have started in the second that
 * the server states for its postmaster. A server in a container with its own process ids is not recognised:
 * then there is no figure.
 */
#ifndef FETTLE_COLLECT_MACHINE_H
#define FETTLE_COLLECT_MACHINE_H

#include "base/attributes.h"

typedef struct MachineProof {
    bool is_local;
    int postmaster_pid;
} MachineProof;

/* proc is the mounted proc file system ("/proc"). */
MachineProof machine_prove(const char *proc, int backend_pid, int64_t postmaster_started_at_us);

typedef struct MachineFigures {
    double cpu_busy_ticks; /* all processors, since the machine started; NAN: not known */
    double cpu_all_ticks;
    double memory_available_bytes;
    double disk_free_bytes; /* of the directory's file system */
    double disk_read_bytes; /* of its device, since the machine started */
    double disk_written_bytes;
} MachineFigures;

/* directory NULL: no figures of the disk. */
void machine_read(const char *proc, const char *directory, MachineFigures *ret_figures);

#endif
