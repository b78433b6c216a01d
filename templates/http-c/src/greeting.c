#include "greeting.h"

#include <stdio.h>
#include <string.h>

size_t greeting(const char *path_with_query, char *text, size_t size) {
  const char *name = path_with_query + strspn(path_with_query, "/");
  size_t length = strcspn(name, "?");
  while (length > 0 && name[length - 1] == '/') {
    length--;
  }
  if (length == 0) {
    name = "world";
    length = strlen(name);
  }
  if (length > size) {
    length = size;
  }
  int written = snprintf(text, size, "Hello, %.*s!\n", (int)length, name);
  if (written < 0) {
    return 0;
  }
  return (size_t)written < size ? (size_t)written : size - 1;
}
