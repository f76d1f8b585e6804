#include "sock/receipt.h"

#include <errno.h>

#include "core/stamps.h"
#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"

/* The memory that telling takes is asked for beforehand, so that no completion is ever lost. */
int receipt_begin(struct receipt *receipt, const struct call *call, int flags)
{
    struct socket *socket = call->socket;
    *receipt = (struct receipt){.stamps = socket->preferences->times.flags};
    if (call->message != NULL) {
        int error = times_of_send(socket, call->message, &receipt->stamps);
        if (error < 0)
            return error;
    }
    if (!(flags & MSG_ZEROCOPY) || !socket->zero_copy)
        return 0;
    receipt->completion = error_note_new(&call->t->stack, 0);
    return receipt->completion ? 0 : -ENOBUFS;
}

void receipt_end(struct receipt *receipt, const struct call *call, ssize_t sent)
{
    bool wanted = receipt->completion != NULL || receipt->stamps & STAMP_TX;
    if (wanted && call->socket != NULL && sent > 0)
        call->socket->kind->sent(call->socket, receipt);
    else if (receipt->completion != NULL)
        error_note_free(&call->t->stack, receipt->completion);
}
