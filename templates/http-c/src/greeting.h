#ifndef GREETING_H
#define GREETING_H

#include <stddef.h>

// Greets whoever is named in the path of a request. Writes at most `size` bytes, the zero at the end among them, and
// returns how many there are before it.
size_t greeting(const char *path_with_query, char *text, size_t size);

#endif
