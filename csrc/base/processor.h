// For which processors' instructions there is code beside the portable one: compiled in by architecture, chosen at run
// time by what the processor has. A build with TSFEAT_BASELINE has none, whatever the architecture: it runs what any
// other would, and shows what the instructions gain.
#pragma once

// #if TSFEAT_FOR(X86_64). A file that forgets to include this does not compile.
#define TSFEAT_FOR(processor) TSFEAT_FOR_##processor

#if defined(__x86_64__) && !defined(TSFEAT_BASELINE)
#define TSFEAT_FOR_X86_64 1
#else
#define TSFEAT_FOR_X86_64 0
#endif

#if defined(__aarch64__) && defined(__linux__) && !defined(TSFEAT_BASELINE)
#define TSFEAT_FOR_AARCH64 1
#else
#define TSFEAT_FOR_AARCH64 0
#endif
