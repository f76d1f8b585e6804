#include "sock/receipt.h"

#include <errno.h>

#include "sock/socket.h"
#include "sock/tern.h"

/* The memory that telling takes is asked for beforehand, so that no completion is ever lost. */
int receipt_begin(struct receipt *receipt, struct socket *socket, int flags)
{
    *receipt = (struct receipt){0};
    if (!(flags & MSG_ZEROCOPY) || !socket->zero_copy)
        return 0;
    receipt->completion = error_note_new(&socket->tern->stack, 0);
    return receipt->completion ? 0 : -ENOBUFS;
}

void receipt_end(struct receipt *receipt, struct tern *t, struct socket *socket, ssize_t sent)
{
    if (receipt->completion == NULL)
        return;
    if (socket != NULL && sent > 0)
        socket->kind->sent(socket, receipt->completion);
    else
        error_note_free(&t->stack, receipt->completion);
}
