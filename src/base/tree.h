/* A balanced search tree (AVL) whose nodes live inside the objects it orders.
 *
 * The caller descends to find or to insert, because only the caller knows the key; the tree
 * rebalances. Insert, remove, first, next and previous are logarithmic or better. */
#ifndef TERN_BASE_TREE_H
#define TERN_BASE_TREE_H

#include <stdint.h>

struct tree_node {
    struct tree_node *parent;
    struct tree_node *child[2]; /* lower, higher */
    int8_t balance;             /* height of the higher side minus that of the lower: -1, 0, 1 */
};

struct tree {
    struct tree_node *root;
};

/* Hangs `node` under `parent` (NULL when the tree is empty) on the lower (0) or higher (1) side,
 * which must be free. */
void tree_insert(struct tree *tree, struct tree_node *parent, int side, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node);
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

#endif
