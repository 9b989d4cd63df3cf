// The four routines that compilers call on their own.
#include <stddef.h>
#include <stdint.h>

void *memset(void *target, int value, size_t count) {
  uint8_t *bytes = target;
  while (count--) *bytes++ = (uint8_t)value;
  return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t count) {
  uint8_t *to = target;
  const uint8_t *from = source;
  while (count--) *to++ = *from++;
  return target;
}

void *memmove(void *target, const void *source, size_t count) {
  uint8_t *to = target;
  const uint8_t *from = source;
  if (to < from) return memcpy(target, source, count);
  while (count--) to[count] = from[count];
  return target;
}

int memcmp(const void *left, const void *right, size_t count) {
  const uint8_t *first = left, *second = right;
  for (size_t index = 0; index < count; index++)
    if (first[index] != second[index]) return first[index] - second[index];
  return 0;
}
