// What needs no host is tested on this machine: `make test`.

#include "greeting.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(const char *path, const char *expected) {
  char text[32];
  size_t length = greeting(path, text, sizeof text);
  if (length != strlen(expected) || strcmp(text, expected) != 0) {
    fprintf(stderr, "%s: expected %s, found %s", path, expected, text);
    failures++;
  }
}

int main(void) {
  check("/", "Hello, world!\n");
  check("/?a=b", "Hello, world!\n");
  check("/ada", "Hello, ada!\n");
  check("/ada/", "Hello, ada!\n");
  check("/whoever-has-a-very-long-name-indeed", "Hello, whoever-has-a-very-long-");
  if (failures == 0) {
    puts("all passed");
  }
  return failures != 0;
}
