/* The other way: the names of numbers, NULL for those without. */
#ifndef SCRIPT_ICMP_NAMES_H
#define SCRIPT_ICMP_NAMES_H

#include <stdint.h>

const char *icmp_type_name(uint8_t type);
const char *icmp_code_name(uint8_t type, uint8_t code);

#endif
