// Wine 8 lacks this library of Windows, from which vitest's bundler takes its random numbers.
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(void *buffer, size_t length) {
  return SystemFunction036(buffer, (unsigned long)length);
}
