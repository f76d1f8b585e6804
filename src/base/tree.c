#include "base/tree.h"

#include <stddef.h>

enum { LOWER, HIGHER };

static int side_of(const struct tree_node *node)
{
    return node->parent->child[HIGHER] == node;
}

/* Puts `node`, which may be NULL, where `old` hangs. */
static void replace_in_parent(struct tree *tree, struct tree_node *old, struct tree_node *node)
{
    if (old->parent == NULL)
        tree->root = node;
    else
        old->parent->child[side_of(old)] = node;
    if (node)
        node->parent = old->parent;
}

/* Lifts the child of `node` on `side` above it; balances are the caller's. */
static struct tree_node *lift(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *child = node->child[side];
    struct tree_node *inner = child->child[!side];
    replace_in_parent(tree, node, child);
    child->child[!side] = node;
    node->parent = child;
    node->child[side] = inner;
    if (inner)
        inner->parent = node;
    return child;
}

/* Restores balance at `node`, whose `side` has become two higher than the other; returns the new
 * top. */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node, int side)
{
    struct tree_node *child = node->child[side];
    int8_t heavy = side == HIGHER ? 1 : -1;

    if (child->balance != -heavy) {
        struct tree_node *top = lift(tree, node, side);
        node->balance = (int8_t)(heavy - child->balance);
        child->balance = (int8_t)(child->balance - heavy);
        return top;
    }
    lift(tree, child, !side);
    struct tree_node *top = lift(tree, node, side);
    node->balance = (int8_t)(top->balance == heavy ? -heavy : 0);
    child->balance = (int8_t)(top->balance == -heavy ? heavy : 0);
    top->balance = 0;
    return top;
}

void tree_insert(struct tree *tree, struct tree_node *parent, int side, struct tree_node *node)
{
    *node = (struct tree_node){.parent = parent};
    if (parent == NULL) {
        tree->root = node;
        return;
    }
    parent->child[side] = node;

    /* The subtree at `node` has become one higher. */
    for (; parent; node = parent, parent = node->parent) {
        side = side_of(node);
        int8_t heavy = side == HIGHER ? 1 : -1;
        if (parent->balance == heavy) {
            rotate(tree, parent, side);
            return;
        }
        parent->balance = (int8_t)(parent->balance + heavy);
        if (parent->balance == 0)
            return;
    }
}

/* The subtree on `side` of `node` has become one lower. */
static void shortened(struct tree *tree, struct tree_node *node, int side)
{
    while (node) {
        int8_t heavy = side == HIGHER ? -1 : 1; /* the other side */
        struct tree_node *top = node;
        if (node->balance == heavy) {
            top = rotate(tree, node, !side);
        } else {
            node->balance = (int8_t)(node->balance + heavy);
        }
        if (top->balance != 0)
            return; /* its height is what it was */
        if (top->parent)
            side = side_of(top);
        node = top->parent;
    }
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *from;
    int side = LOWER;

    if (node->child[LOWER] && node->child[HIGHER]) {
        /* Its successor, which has no lower child, takes its place. */
        struct tree_node *next = tree_next(node);
        side = side_of(next);
        from = next->parent == node ? next : next->parent;
        replace_in_parent(tree, next, next->child[HIGHER]);
        replace_in_parent(tree, node, next);
        next->balance = node->balance;
        for (int i = LOWER; i <= HIGHER; i++) {
            next->child[i] = node->child[i];
            if (next->child[i])
                next->child[i]->parent = next;
        }
    } else {
        from = node->parent;
        if (from)
            side = side_of(node);
        replace_in_parent(tree, node, node->child[node->child[LOWER] ? LOWER : HIGHER]);
    }
    shortened(tree, from, side);
}

static struct tree_node *outermost(struct tree_node *node, int side)
{
    while (node && node->child[side])
        node = node->child[side];
    return node;
}

static struct tree_node *neighbour(const struct tree_node *node, int side)
{
    if (node->child[side])
        return outermost(node->child[side], !side);
    while (node->parent && side_of(node) == side)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_first(const struct tree *tree)
{
    return outermost(tree->root, LOWER);
}

struct tree_node *tree_last(const struct tree *tree)
{
    return outermost(tree->root, HIGHER);
}

struct tree_node *tree_next(const struct tree_node *node)
{
    return neighbour(node, HIGHER);
}

struct tree_node *tree_previous(const struct tree_node *node)
{
    return neighbour(node, LOWER);
}
