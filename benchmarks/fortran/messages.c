/* The few calls to MPI that the reference needs. Numbers have 4 or 8 bytes; an error in a call ends all processes. */
#include <mpi.h>
#include <stdlib.h>
#include <time.h>

static MPI_Request *requests;
static int pending, room;

static MPI_Request *next_request(void)
{
    if (pending == room) {
        room = room ? 2 * room : 64;
        requests = realloc(requests, room * sizeof *requests);
        if (!requests) MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return &requests[pending++];
}

static MPI_Datatype number(int bytes)
{
    return bytes == 4 ? MPI_FLOAT : MPI_DOUBLE;
}

void messages_start(int *rank, int *ranks)
{
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, ranks);
}

void messages_end(void)
{
    MPI_Finalize();
}

/* What was said last must have come through mpiexec before that kills all. */
void messages_abort(int code)
{
    const struct timespec half_a_second = {0, 500000000};
    nanosleep(&half_a_second, NULL);
    MPI_Abort(MPI_COMM_WORLD, code);
}

void messages_send(const void *numbers, int count, int bytes, int to)
{
    MPI_Isend(numbers, count, number(bytes), to, 0, MPI_COMM_WORLD, next_request());
}

void messages_receive(void *numbers, int count, int bytes, int from)
{
    MPI_Irecv(numbers, count, number(bytes), from, 0, MPI_COMM_WORLD, next_request());
}

/* For all that was sent and received since the last time. */
void messages_wait(void)
{
    MPI_Waitall(pending, requests, MPI_STATUSES_IGNORE);
    pending = 0;
}

void messages_barrier(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
}

/* From rank 0. It may be long before it has something to say, so the others sleep rather than spin. */
void messages_broadcast(char *text, int length)
{
    const struct timespec millisecond = {0, 1000000};
    MPI_Request request;
    int done = 0;

    MPI_Ibcast(text, length, MPI_CHAR, 0, MPI_COMM_WORLD, &request);
    for (MPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&request, &done, MPI_STATUS_IGNORE))
        nanosleep(&millisecond, NULL);
}

double messages_largest(double value)
{
    double largest;
    MPI_Allreduce(&value, &largest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return largest;
}

double messages_total(double value)
{
    double total;
    MPI_Allreduce(&value, &total, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return total;
}
