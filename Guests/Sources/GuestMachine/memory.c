// The four routines that compilers call on their own.
#include <stddef.h>
#include <stdint.h>

// Words where both sides are aligned alike, four at a time; bytes elsewhere, as data may be device memory while the MMU
// is off.

static int are_aligned_alike(const void *left, const void *right) {
  return (((uintptr_t)left ^ (uintptr_t)right) & 7) == 0;
}

void *memset(void *target, int value, size_t count) {
  uint8_t *bytes = target;
  uint64_t word = (uint8_t)value * 0x0101010101010101u;
  for (; count && (uintptr_t)bytes & 7; count--) *bytes++ = (uint8_t)value;
  uint64_t *words = (uint64_t *)bytes;
  for (; count >= 16; count -= 16, words += 2) words[0] = word, words[1] = word;
  bytes = (uint8_t *)words;
  while (count--) *bytes++ = (uint8_t)value;
  return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t count) {
  uint8_t *to = target;
  const uint8_t *from = source;
  if (are_aligned_alike(to, from)) {
    for (; count && (uintptr_t)to & 7; count--) *to++ = *from++;
    for (; count >= 32; count -= 32, to += 32, from += 32) {
      const uint64_t *words = (const uint64_t *)from;
      uint64_t first = words[0], second = words[1], third = words[2], fourth = words[3];
      ((uint64_t *)to)[0] = first, ((uint64_t *)to)[1] = second;
      ((uint64_t *)to)[2] = third, ((uint64_t *)to)[3] = fourth;
    }
    for (; count >= 8; count -= 8, to += 8, from += 8) *(uint64_t *)to = *(const uint64_t *)from;
  }
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
