# What all our own targets are compiled with. Third-party headers come through imported targets and are exempt.
add_library(tsfeat_options INTERFACE)
target_compile_options(tsfeat_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(TSFEAT_WERROR)
  target_compile_options(tsfeat_options INTERFACE -Werror)
endif()
if(TSFEAT_BASELINE)
  target_compile_definitions(tsfeat_options INTERFACE TSFEAT_BASELINE=1)
endif()
if(TSFEAT_PLANT)
  target_compile_definitions(tsfeat_options INTERFACE TSFEAT_PLANT=1)
endif()
if(TSFEAT_SANITIZE)
  target_compile_options(tsfeat_options INTERFACE -fsanitize=${TSFEAT_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tsfeat_options INTERFACE -fsanitize=${TSFEAT_SANITIZE})
  if(TSFEAT_SANITIZE MATCHES "undefined")
    target_compile_options(tsfeat_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
  if(TSFEAT_SANITIZE MATCHES "address,undefined")
    # AddressSanitizer stops at what the first two look for; the third is about downcasts, of which there is one. They
    # are a third of what compiling takes.
    target_compile_options(tsfeat_options INTERFACE -fno-sanitize=null,object-size,vptr)
  endif()
endif()
if(TSFEAT_COVERAGE)
  # Atomic: counters that two threads increment at once would otherwise go wrong, even below zero.
  target_compile_options(tsfeat_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(tsfeat_options INTERFACE --coverage)
endif()
if(TSFEAT_FUZZ)
  # Coverage for libFuzzer in all our code; its main() in the fuzz targets alone.
  target_compile_options(tsfeat_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(tsfeat_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# g++ 12 loses sight of what is a system's header in a precompiled one, and warns inside of the standard library of what is
# not there. Builds without it (the package's) have these warnings, and find an include that a file lacks.
function(tsfeat_precompile target)
  if(TSFEAT_PCH)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <bit> <cstdint> <cstring> <functional> <map>
      <memory> <mutex> <optional> <random> <span> <string> <string_view> <utility> <vector> ${ARGN})
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  endif()
endfunction()
