// Holds each file of a folder open for 150 of every 200 milliseconds, so that nobody may rename or remove it meanwhile, and
// appends the name of each file to another file when it holds it for the first time.
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

#define MOST 64

static wchar_t seen[1024][260];
static int seenCount = 0;

static void note(const wchar_t *log, const wchar_t *name) {
  for (int index = 0; index < seenCount; index += 1)
    if (wcscmp(seen[index], name) == 0) return;
  if (seenCount == 1024) return;
  wcscpy(seen[seenCount++], name);
  FILE *file = _wfopen(log, L"a");
  if (file == NULL) return;
  fprintf(file, "%ls\n", name);
  fclose(file);
}

int wmain(int count, wchar_t **words) {
  if (count != 3) return 2;
  for (;;) {
    wchar_t path[1024];
    HANDLE held[MOST];
    int heldCount = 0;
    WIN32_FIND_DATAW found;
    swprintf(path, 1024, L"%ls\\*", words[1]);
    HANDLE search = FindFirstFileW(path, &found);
    if (search != INVALID_HANDLE_VALUE) {
      do {
        if ((found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) || heldCount == MOST) continue;
        swprintf(path, 1024, L"%ls\\%ls", words[1], found.cFileName);
        // Without FILE_SHARE_DELETE.
        HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE) continue;
        held[heldCount++] = file;
        note(words[2], found.cFileName);
      } while (FindNextFileW(search, &found));
      FindClose(search);
    }
    Sleep(150);
    while (heldCount > 0) CloseHandle(held[--heldCount]);
    Sleep(50);
  }
}
